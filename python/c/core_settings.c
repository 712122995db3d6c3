/* SPDX-License-Identifier: MIT */
/* The header's structs as dicts, by tables of their fields. */
#include "core.h"

#include <stddef.h>

#define NONE CHOICE_COUNT
#define ROW(type, field, kind)                                                                                         \
    {                                                                                                                  \
#field, offsetof(struct type, field), FIELD_##kind, NONE                                                       \
    }
#define PICK(type, field, choice)                                                                                      \
    {                                                                                                                  \
#field, offsetof(struct type, field), FIELD_CHOICE, CHOICE_##choice                                            \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, 0, FIELD_REAL, NONE                                                                                      \
    }

const struct field hyper_fields[] = {
    ROW(adadelta_hyper, lr, REAL),
    ROW(adadelta_hyper, rho, REAL),
    ROW(adadelta_hyper, eps, REAL),
    ROW(adadelta_hyper, weight_decay, REAL),
    ROW(adadelta_hyper, momentum, REAL),
    ROW(adadelta_hyper, beta1, REAL),
    ROW(adadelta_hyper, beta2, REAL),
    ROW(adadelta_hyper, nesterov, FLAG),
    ROW(adadelta_hyper, decoupled, FLAG),
    ROW(adadelta_hyper, maximize, FLAG),
    END,
};

const struct field options_fields[] = {
    PICK(adadelta_options, method, METHOD),
    ROW(adadelta_options, threads, INT),
    ROW(adadelta_options, seed, COUNT),
    PICK(adadelta_options, averaging, AVERAGING),
    ROW(adadelta_options, average_decay, REAL),
    PICK(adadelta_options, state_dtype, DTYPE),
    END,
};

const struct field gradients_fields[] = {
    ROW(adadelta_gradients, scale, REAL),
    PICK(adadelta_gradients, nonfinite, NONFINITE),
    ROW(adadelta_gradients, clip_value, REAL),
    ROW(adadelta_gradients, clip_norm, REAL),
    ROW(adadelta_gradients, clip_global_norm, REAL),
    PICK(adadelta_gradients, duplicates, DUPLICATES),
    END,
};

const struct field schedule_fields[] = {
    PICK(adadelta_schedule, kind, SCHEDULE),
    ROW(adadelta_schedule, steps, COUNT),
    ROW(adadelta_schedule, warmup, COUNT),
    ROW(adadelta_schedule, every, COUNT),
    ROW(adadelta_schedule, gamma, REAL),
    ROW(adadelta_schedule, end, REAL),
    END,
};

const struct field tensor_fields[] = {
    PICK(adadelta_tensor, dtype, DTYPE),
    PICK(adadelta_tensor, gradient_dtype, DTYPE),
    PICK(adadelta_tensor, state_dtype, DTYPE),
    PICK(adadelta_tensor, weights, WEIGHTS),
    ROW(adadelta_tensor, no_decay, FLAG),
    ROW(adadelta_tensor, max_rows, SIZE),
    END,
};

const struct field counts_fields[] = {
    ROW(adadelta_counts, steps, COUNT),
    ROW(adadelta_counts, skipped, COUNT),
    ROW(adadelta_counts, averaged, COUNT),
    ROW(adadelta_counts, rewrites, COUNT),
    END,
};

const struct field stats_fields[] = {
    ROW(adadelta_tensor_stats, steps, COUNT),
    ROW(adadelta_tensor_stats, skipped, COUNT),
    ROW(adadelta_tensor_stats, state_bytes, SIZE),
    ROW(adadelta_tensor_stats, rate_min, REAL),
    ROW(adadelta_tensor_stats, rate_median, REAL),
    ROW(adadelta_tensor_stats, rate_max, REAL),
    ROW(adadelta_tensor_stats, update_norm, REAL),
    ROW(adadelta_tensor_stats, gradient_norm, REAL),
    END,
};

const struct field minimize_fields[] = {
    ROW(adadelta_minimize_options, max_iterations, COUNT),
    ROW(adadelta_minimize_options, max_seconds, REAL),
    ROW(adadelta_minimize_options, f_target, REAL),
    ROW(adadelta_minimize_options, gradient_tolerance, REAL),
    ROW(adadelta_minimize_options, objective_tolerance, REAL),
    ROW(adadelta_minimize_options, patience, COUNT),
    ROW(adadelta_minimize_options, return_last, FLAG),
    ROW(adadelta_minimize_options, first_iteration, COUNT),
    END,
};

const struct field minimize_result_fields[] = {
    ROW(adadelta_minimize_result, iterations, COUNT),
    ROW(adadelta_minimize_result, value, REAL),
    ROW(adadelta_minimize_result, gradient_norm, REAL),
    ROW(adadelta_minimize_result, best_value, REAL),
    ROW(adadelta_minimize_result, best_iteration, COUNT),
    ROW(adadelta_minimize_result, seconds, REAL),
    END,
};

/* ---- From Python ---- */

/* A whole number within 0 .. most; -1: an error that names it is set. */
static int read_whole(const char *name, PyObject *item, unsigned long long most, unsigned long long *value)
{
    PyObject *number = PyBool_Check(item) ? NULL : PyNumber_Index(item);
    if (!number && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
        return -1; /* KeyboardInterrupt */
    if (!number) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s must be a whole number, not %.80s", name, Py_TYPE(item)->tp_name);
        return -1;
    }
    *value = PyLong_AsUnsignedLongLong(number);
    const int wrong = PyErr_Occurred() || *value > most;
    Py_DECREF(number);
    if (wrong) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s must be a whole number from 0 to %llu, not %R", name, most, item);
        return -1;
    }
    return 0;
}

static int read_real(const char *name, PyObject *item, double *value)
{
    *value = PyFloat_AsDouble(item);
    if (!PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Format(PyExc_ValueError, "%s is too large", name);
    else if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s must be a number, not %.80s", name, Py_TYPE(item)->tp_name);
    return -1;
}

static int read_field(const struct field *field, PyObject *item, void *at)
{
    unsigned long long whole = 0;
    int value;
    switch (field->kind) {
    case FIELD_REAL:
        return read_real(field->name, item, at);
    case FIELD_FLAG:
        value = PyObject_IsTrue(item);
        if (value < 0)
            PyErr_Format(PyExc_TypeError, "%s must be true or false, not %.80s", field->name, Py_TYPE(item)->tp_name);
        break;
    case FIELD_INT:
        value = read_whole(field->name, item, INT_MAX, &whole) ? -1 : (int)whole;
        break;
    case FIELD_CHOICE:
        value = choice_by_name(field->choice, field->name, item);
        break;
    case FIELD_COUNT:
        if (read_whole(field->name, item, UINT64_MAX, &whole))
            return -1;
        *(uint64_t *)at = whole;
        return 0;
    case FIELD_SIZE:
        if (read_whole(field->name, item, SIZE_MAX, &whole))
            return -1;
        *(size_t *)at = (size_t)whole;
        return 0;
    default:
        return -1;
    }
    if (value < 0)
        return -1;
    *(int *)at = value; /* enumerations are as wide as int: asserted below */
    return 0;
}

_Static_assert(sizeof(enum adadelta_dtype) == sizeof(int) && sizeof(enum adadelta_method) == sizeof(int) &&
                   sizeof(enum adadelta_weights) == sizeof(int),
               "an enumeration is read and written as int");

int fields_read(const struct field *fields, PyObject *dict, void *owner)
{
    PyObject *key, *item;
    Py_ssize_t place = 0;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "settings must be a dict, not %.80s", Py_TYPE(dict)->tp_name);
        return -1;
    }
    while (PyDict_Next(dict, &place, &key, &item)) {
        const struct field *field = fields;
        while (field->name && !(PyUnicode_Check(key) && PyUnicode_CompareWithASCIIString(key, field->name) == 0))
            field++;
        if (!field->name) {
            PyErr_Format(PyExc_TypeError, "there is no setting %R", key);
            return -1;
        }
        Py_INCREF(item); /* reading it may run Python code */
        const int failed = read_field(field, item, (char *)owner + field->offset);
        Py_DECREF(item);
        if (failed)
            return -1;
    }
    return 0;
}

/* ---- To Python ---- */

static PyObject *field_object(const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_REAL:
        return PyFloat_FromDouble(*(const double *)at);
    case FIELD_FLAG:
        return PyBool_FromLong(*(const int *)at);
    case FIELD_INT:
        return PyLong_FromLong(*(const int *)at);
    case FIELD_COUNT:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)at);
    case FIELD_SIZE:
        return PyLong_FromSize_t(*(const size_t *)at);
    case FIELD_CHOICE:
        return choice_name(field->choice, *(const int *)at);
    }
    return NULL;
}

PyObject *fields_dict(const struct field *fields, const void *owner)
{
    PyObject *dict = PyDict_New();
    for (const struct field *field = fields; dict && field->name; field++) {
        PyObject *item = field_object(field, (const char *)owner + field->offset);
        if (!item || PyDict_SetItemString(dict, field->name, item))
            Py_CLEAR(dict);
        Py_XDECREF(item);
    }
    return dict;
}
