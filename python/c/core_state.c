/* SPDX-License-Identifier: MIT */
/* Looking at an optimizer's state, counters and averages, and writing them. */
#include "core_optimizer.h"

/* {name: (dtype, Array)} of all state of a tensor. */
static PyObject *state(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    struct adadelta_tensor array;
    if (!PyArg_ParseTuple(arguments, "n", &index) || !optimizer_enter(self))
        return NULL;
    PyObject *dict = PyDict_New();
    enum adadelta_status status = ADADELTA_OK;
    for (size_t k = 0; dict && !status; k++) {
        status = adadelta_get_state(self->adadelta, (size_t)index, k, &array);
        if (status)
            break;
        PyObject *lent = lent_array((PyObject *)self, &array);
        PyObject *pair = lent ? Py_BuildValue("(NN)", choice_name(CHOICE_DTYPE, (int)array.dtype), lent) : NULL;
        if (!pair || PyDict_SetItemString(dict, array.name, pair))
            Py_CLEAR(dict);
        Py_XDECREF(pair);
    }
    if (status != ADADELTA_ERROR_NAME && dict) {
        Py_DECREF(dict);
        return optimizer_result(self, status);
    }
    return dict;
}

static PyObject *set_state(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    const char *name, *key;
    PyObject *given;
    struct adadelta_tensor tensor;
    Py_buffer view;
    if (!PyArg_ParseTuple(arguments, "nssO", &index, &name, &key, &given) || !optimizer_enter(self))
        return NULL;
    enum adadelta_status status = adadelta_get_tensor(self->adadelta, (size_t)index, &tensor);
    if (status)
        return optimizer_result(self, status);
    PyObject *dtype = PyUnicode_FromString(key);
    const int type = dtype ? choice_by_name(CHOICE_DTYPE, "dtype", dtype) : -1;
    Py_XDECREF(dtype);
    if (type < 0)
        return NULL;
    if (PyObject_GetBuffer(given, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT))
        return NULL;
    struct adadelta_tensor array = tensor;
    array.dtype = (enum adadelta_dtype)type;
    array.values = view.buf;
    size_t elements = 1;
    for (size_t k = 0; k < tensor.ndim; k++)
        elements *= tensor.shape[k];
    if (!array_is(&view, array.dtype))
        PyErr_Format(PyExc_TypeError, "%s of '%.100s' must hold numbers of type %s, not of format '%.20s'", name,
                     tensor.name, key, view.format ? view.format : "B");
    else if ((size_t)view.len != elements * adadelta_dtype_size(array.dtype))
        PyErr_Format(PyExc_ValueError, "%s of '%.100s' has another shape than its array", name, tensor.name);
    else if (optimizer_enter(self))
        status = adadelta_set_state(self->adadelta, (size_t)index, name, &array);
    PyBuffer_Release(&view);
    return PyErr_Occurred() ? NULL : optimizer_result(self, status);
}

/* What state means, as float64, into an array of the caller's. */
static PyObject *copy_state(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    const char *name;
    PyObject *to;
    Py_buffer view;
    enum adadelta_dtype dtype;
    struct adadelta_tensor tensor;
    if (!PyArg_ParseTuple(arguments, "nsO", &index, &name, &to) || !optimizer_enter(self))
        return NULL;
    enum adadelta_status status = adadelta_get_tensor(self->adadelta, (size_t)index, &tensor);
    if (status)
        return optimizer_result(self, status);
    if (array_hold(to, name, 1, &view, &dtype))
        return NULL;
    size_t elements = 1;
    for (size_t k = 0; k < tensor.ndim; k++)
        elements *= tensor.shape[k];
    if ((size_t)view.len == elements * adadelta_dtype_size(dtype) && optimizer_enter(self))
        status = adadelta_copy_state(self->adadelta, (size_t)index, name, dtype, view.buf);
    else if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "%s needs room for %zu numbers", name, elements);
    PyBuffer_Release(&view);
    return PyErr_Occurred() ? NULL : optimizer_result(self, status);
}

static PyObject *get_counts(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    struct adadelta_counts counts;
    if (!PyArg_ParseTuple(arguments, "n", &index) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_get_counts(self->adadelta, (size_t)index, &counts);
    return status ? raise_status(status, NULL) : fields_dict(counts_fields, &counts);
}

static PyObject *set_counts(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    PyObject *dict;
    struct adadelta_counts counts;
    if (!PyArg_ParseTuple(arguments, "nO", &index, &dict) || !optimizer_enter(self))
        return NULL;
    enum adadelta_status status = adadelta_get_counts(self->adadelta, (size_t)index, &counts);
    if (status)
        return raise_status(status, NULL);
    if (fields_read(counts_fields, dict, &counts) || !optimizer_enter(self))
        return NULL;
    return optimizer_result(self, adadelta_set_counts(self->adadelta, (size_t)index, &counts));
}

static PyObject *step_count(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    if (!optimizer_enter(self))
        return NULL;
    return Py_BuildValue("(KK)", (unsigned long long)adadelta_step_count(self->adadelta),
                         (unsigned long long)adadelta_skip_count(self->adadelta));
}

static PyObject *set_step_count(struct optimizer *self, PyObject *arguments)
{
    unsigned long long steps, skipped;
    PyObject *given[2];
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyLong_Type, &given[0], &PyLong_Type, &given[1]) ||
        !optimizer_enter(self))
        return NULL;
    steps = PyLong_AsUnsignedLongLong(given[0]);
    skipped = PyLong_AsUnsignedLongLong(given[1]);
    if (PyErr_Occurred())
        return PyErr_Format(PyExc_ValueError, "steps and skipped must be from 0 to 2^63 - 1, not %R and %R", given[0],
                            given[1]);
    return optimizer_result(self, adadelta_set_step_count(self->adadelta, steps, skipped));
}

static PyObject *stats(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    struct adadelta_tensor_stats found;
    if (!PyArg_ParseTuple(arguments, "n", &index) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_get_tensor_stats(self->adadelta, (size_t)index, &found);
    return status ? raise_status(status, NULL) : fields_dict(stats_fields, &found);
}

static PyObject *state_bytes(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    return optimizer_enter(self) ? PyLong_FromSize_t(adadelta_state_bytes(self->adadelta)) : NULL;
}

static PyObject *swap_averages(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    return optimizer_enter_arrays(self) ? optimizer_result(self, adadelta_swap_averages(self->adadelta)) : NULL;
}

static PyObject *averages_swapped(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    return optimizer_enter(self) ? PyBool_FromLong(adadelta_averages_swapped(self->adadelta)) : NULL;
}

static PyObject *restart_averages(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    return optimizer_enter_arrays(self) ? optimizer_result(self, adadelta_restart_averages(self->adadelta)) : NULL;
}

PyMethodDef optimizer_state_methods[] = {
    {"state", (PyCFunction)state, METH_VARARGS, "state(index) -> {name: (dtype, Array)}, the library's own memory"},
    {"set_state", (PyCFunction)set_state, METH_VARARGS, "set_state(index, name, dtype, array)"},
    {"copy_state", (PyCFunction)copy_state, METH_VARARGS, "copy_state(index, name, to): as numbers, into an array"},
    {"get_counts", (PyCFunction)get_counts, METH_VARARGS, "get_counts(index) -> counters of a tensor"},
    {"set_counts", (PyCFunction)set_counts, METH_VARARGS, "set_counts(index, counters); what they lack stays."},
    {"step_count", (PyCFunction)step_count, METH_NOARGS, "step_count() -> (steps, skipped)"},
    {"set_step_count", (PyCFunction)set_step_count, METH_VARARGS, "set_step_count(steps, skipped)"},
    {"stats", (PyCFunction)stats, METH_VARARGS, "stats(index) -> how a tensor stands"},
    {"state_bytes", (PyCFunction)state_bytes, METH_NOARGS, "state_bytes() -> bytes of all state"},
    {"swap_averages", (PyCFunction)swap_averages, METH_NOARGS, "swap_averages()"},
    {"averages_swapped", (PyCFunction)averages_swapped, METH_NOARGS, "averages_swapped() -> bool"},
    {"restart_averages", (PyCFunction)restart_averages, METH_NOARGS, "restart_averages()"},
    {NULL, NULL, 0, NULL},
};
