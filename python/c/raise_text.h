/* SPDX-License-Identifier: MIT */
/* raise_text() raises an exception with a text of the C library's. It may quote a damaged file, or be cut within a
   character: what is not UTF-8 is replaced, where PyErr_SetString would raise UnicodeDecodeError instead. */
#ifndef ADADELTA_PYTHON_RAISE_TEXT_H
#define ADADELTA_PYTHON_RAISE_TEXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

static inline void raise_text(PyObject *exception, const char *text)
{
    PyObject *words = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    if (words)
        PyErr_SetObject(exception, words);
    Py_XDECREF(words);
}

#endif
