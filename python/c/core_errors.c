/* SPDX-License-Identifier: MIT */
/* Statuses as exceptions. */
#include "core.h"

#include "raise_text.h"

PyObject *nonfinite_error, *checkpoint_error;

static int add(PyObject *module, const char *name, PyObject **exception, const char *doc, PyObject *bases)
{
    if (!*exception)
        *exception = bases ? PyErr_NewExceptionWithDoc(name, doc, bases, NULL) : NULL;
    Py_XDECREF(bases);
    if (!*exception)
        return -1;
    Py_INCREF(*exception);
    return PyModule_AddObject(module, strrchr(name, '.') + 1, *exception);
}

int errors_add(PyObject *module)
{
    if (add(module, "adadelta.NonFiniteError", &nonfinite_error,
            "A gradient is NaN, infinite, or too large to be squared; nothing was changed.",
            PyTuple_Pack(2, PyExc_ValueError, PyExc_FloatingPointError)))
        return -1;
    return add(module, "adadelta.CheckpointError", &checkpoint_error,
               "A file is no checkpoint, is damaged, or does not fit this optimizer; nothing was changed.",
               PyTuple_Pack(1, PyExc_ValueError));
}

/* What is neither here nor ADADELTA_OK is a ValueError. */
static PyObject *exception_of(enum adadelta_status status)
{
    const struct {
        enum adadelta_status status;
        PyObject *exception;
    } table[] = {
        {ADADELTA_ERROR_DTYPE, PyExc_TypeError},     {ADADELTA_ERROR_NONFINITE, nonfinite_error},
        {ADADELTA_ERROR_MEMORY, PyExc_MemoryError},  {ADADELTA_ERROR_IO, PyExc_OSError},
        {ADADELTA_ERROR_FORMAT, checkpoint_error},   {ADADELTA_ERROR_DAMAGED, checkpoint_error},
        {ADADELTA_ERROR_MISMATCH, checkpoint_error}, {ADADELTA_ERROR_SWAPPED, PyExc_RuntimeError},
    };
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        if (table[k].status == status)
            return table[k].exception;
    }
    return PyExc_ValueError;
}

PyObject *raise_status(enum adadelta_status status, const char *text)
{
    if (!PyErr_Occurred()) /* a callback's exception goes first */
        raise_text(exception_of(status), text && *text ? text : adadelta_status_string(status));
    return NULL;
}
