/* SPDX-License-Identifier: MIT */
/* The header's enumerations by name. Every name comes from a list of the header. */
#include "core.h"

#include <ctype.h>

struct row {
    const char *name;
    int value;
};

#define ROW(value, name)             {name, value},
#define ROW_OF_DTYPE(value, name, _) {name, value},

static const struct row methods[] = {ADADELTA_METHOD_LIST(ROW){NULL, 0}};
static const struct row dtypes[] = {ADADELTA_DTYPE_LIST(ROW_OF_DTYPE){NULL, 0}};
static const struct row weights[] = {ADADELTA_WEIGHTS_LIST(ROW){NULL, 0}};
static const struct row nonfinite[] = {ADADELTA_NONFINITE_LIST(ROW){NULL, 0}};
static const struct row duplicates[] = {ADADELTA_DUPLICATES_LIST(ROW){NULL, 0}};
static const struct row averaging[] = {ADADELTA_AVERAGING_LIST(ROW){NULL, 0}};
static const struct row schedules[] = {ADADELTA_SCHEDULE_LIST(ROW){NULL, 0}};

static const struct {
    const char *name;
    const struct row *rows;
} choices[CHOICE_COUNT] = {
    [CHOICE_METHOD] = {"method", methods},
    [CHOICE_DTYPE] = {"dtype", dtypes},
    [CHOICE_WEIGHTS] = {"weights", weights},
    [CHOICE_NONFINITE] = {"nonfinite", nonfinite},
    [CHOICE_DUPLICATES] = {"duplicates", duplicates},
    [CHOICE_AVERAGING] = {"averaging", averaging},
    [CHOICE_SCHEDULE] = {"schedule", schedules},
};

/* A name as Python has it: types in lower case. */
static PyObject *python_name(const char *name)
{
    char lower[32];
    size_t length = 0;
    for (; name[length] && length + 1 < sizeof lower; length++)
        lower[length] = (char)tolower((unsigned char)name[length]);
    return PyUnicode_FromStringAndSize(lower, (Py_ssize_t)length);
}

static PyObject *names_of(enum choice choice)
{
    PyObject *list = PyList_New(0);
    for (const struct row *row = choices[choice].rows; list && row->name; row++) {
        PyObject *name = python_name(row->name);
        if (!name || PyList_Append(list, name))
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

int choice_by_name(enum choice choice, const char *setting, PyObject *name)
{
    if (choice == CHOICE_DTYPE && name == Py_None)
        return ADADELTA_DTYPE_DEFAULT;
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "%s must be a text, not %.80s", setting, Py_TYPE(name)->tp_name);
        return -1;
    }
    for (const struct row *row = choices[choice].rows; row->name; row++) {
        PyObject *known = python_name(row->name);
        const int found = known ? PyUnicode_Compare(known, name) == 0 : -1;
        Py_XDECREF(known);
        if (found)
            return found > 0 ? row->value : -1;
    }
    PyObject *known = names_of(choice);
    if (known)
        PyErr_Format(PyExc_ValueError, "%s must be one of %R, not %R", setting, known, name);
    Py_XDECREF(known);
    return -1;
}

PyObject *choice_name(enum choice choice, int value)
{
    for (const struct row *row = choices[choice].rows; row->name; row++) {
        if (row->value == value)
            return python_name(row->name);
    }
    Py_RETURN_NONE;
}

int names_add(PyObject *module)
{
    PyObject *all = PyDict_New();
    for (int choice = 0; all && choice < CHOICE_COUNT; choice++) {
        PyObject *names = names_of((enum choice)choice);
        if (!names || PyDict_SetItemString(all, choices[choice].name, names))
            Py_CLEAR(all);
        Py_XDECREF(names);
    }
    return all ? PyModule_AddObject(module, "names", all) : -1;
}
