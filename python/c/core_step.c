/* SPDX-License-Identifier: MIT */
/* Stepping: arrays are taken hold of and checked first, then the library steps without the GIL. */
#include "core_optimizer.h"

#include "forked.h"

/* The step itself. */
static enum adadelta_status step_freely(struct optimizer *self)
{
    const int threads = adadelta_get_options(self->adadelta).threads;
    enum adadelta_status status;
    if (forked())
        adadelta_set_threads(self->adadelta, 1);
    self->busy = 1;
    PyThreadState *const thread = PyEval_SaveThread();
    status = adadelta_step(self->adadelta);
    PyEval_RestoreThread(thread);
    self->busy = 0;
    adadelta_set_threads(self->adadelta, threads);
    return status;
}

/* ---- By arrays ---- */

/* One tensor of a step: the arrays that were given for it. */
struct turn {
    size_t index;
    Py_buffer values, gradient; /* obj NULL: not held */
};

static void release(struct turn *turns, Py_ssize_t count)
{
    for (Py_ssize_t k = 0; k < count; k++) {
        PyBuffer_Release(&turns[k].values);
        PyBuffer_Release(&turns[k].gradient);
    }
    PyMem_Free(turns);
}

/* (2, 3) */
static PyObject *shape_tuple(size_t ndim, const size_t *shape)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)ndim);
    for (size_t k = 0; tuple && k < ndim; k++) {
        PyObject *size = PyLong_FromSize_t(shape[k]);
        if (size)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)k, size);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static void blame_shape(const struct adadelta_tensor *tensor, const char *what, const Py_buffer *view)
{
    PyObject *wanted = shape_tuple(tensor->ndim, tensor->shape);
    PyObject *given = shape_tuple((size_t)view->ndim, (const size_t *)view->shape);
    if (wanted && given)
        PyErr_Format(PyExc_ValueError,
                     "%s has shape %R; it must have %R, as the first array of that name (the arrays of a model go into "
                     "one call, as a dict or a list)",
                     what, given, wanted);
    Py_XDECREF(wanted);
    Py_XDECREF(given);
}

/* Whether an array is of the type and shape that it must have. */
static int check_form(const struct adadelta_tensor *tensor, const char *what, const Py_buffer *view,
                      enum adadelta_dtype dtype, enum adadelta_dtype wanted)
{
    int same = (size_t)view->ndim == tensor->ndim;
    for (size_t k = 0; same && k < tensor->ndim; k++)
        same = (size_t)view->shape[k] == tensor->shape[k];
    if (same && dtype == wanted)
        return 0;
    if (same)
        PyErr_Format(PyExc_TypeError, "%s must be of type %s, not %s (see astype)", what, adadelta_dtype_name(wanted),
                     adadelta_dtype_name(dtype));
    else
        blame_shape(tensor, what, view);
    return -1;
}

/* Takes hold of the arrays of one turn. */
static int take(struct optimizer *self, struct turn *turn, PyObject *index, PyObject *values, PyObject *gradient)
{
    struct adadelta_tensor tensor;
    enum adadelta_dtype dtype;
    char what[LABEL];
    turn->index = PyLong_AsSize_t(index);
    if (PyErr_Occurred())
        return -1;
    const enum adadelta_status status = adadelta_get_tensor(self->adadelta, turn->index, &tensor);
    if (status) {
        optimizer_result(self, status);
        return -1;
    }
    if (array_hold(values, label(what, "w", tensor.name), 1, &turn->values, &dtype) ||
        check_form(&tensor, what, &turn->values, dtype, tensor.dtype) ||
        array_hold(gradient, label(what, "grad", tensor.name), 0, &turn->gradient, &dtype))
        return -1;
    return check_form(&tensor, what, &turn->gradient, dtype, tensor.gradient_dtype);
}

static struct turn *take_all(struct optimizer *self, PyObject *indices, PyObject *arrays, PyObject *gradients)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(indices);
    if (PyTuple_GET_SIZE(arrays) != count || PyTuple_GET_SIZE(gradients) != count) {
        PyErr_SetString(PyExc_ValueError, "there must be as many gradients as arrays");
        return NULL;
    }
    struct turn *turns = PyMem_Calloc((size_t)count + 1, sizeof *turns);
    if (!turns)
        return (void *)PyErr_NoMemory();
    for (Py_ssize_t k = 0; k < count; k++) {
        if (take(self, &turns[k], PyTuple_GET_ITEM(indices, k), PyTuple_GET_ITEM(arrays, k),
                 PyTuple_GET_ITEM(gradients, k))) {
            release(turns, count);
            return NULL;
        }
    }
    return turns;
}

/* Puts a turn's array in place of the one that is held, which is the turn's from then on. */
static enum adadelta_status swap(struct optimizer *self, struct turn *turn, const void *gradient)
{
    Py_buffer *held = &self->held[turn->index];
    const Py_buffer before = *held;
    const enum adadelta_status status = adadelta_set_buffers(self->adadelta, turn->index, turn->values.buf, gradient);
    if (status)
        return status;
    *held = turn->values;
    turn->values = before;
    return ADADELTA_OK;
}

/* No gradient stays registered, as its array is let go of; nor, after an error, an array. Backwards: what was before
   did not overlap either. */
static void leave(struct optimizer *self, struct turn *turns, Py_ssize_t count, int failed)
{
    while (count-- > 0) {
        if (failed)
            swap(self, &turns[count], NULL);
        else
            adadelta_set_buffers(self->adadelta, turns[count].index, self->held[turns[count].index].buf, NULL);
    }
}

static PyObject *step_arrays(struct optimizer *self, PyObject *arguments)
{
    PyObject *indices, *arrays, *gradients;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyTuple_Type, &indices, &PyTuple_Type, &arrays, &PyTuple_Type,
                          &gradients) ||
        !optimizer_enter(self))
        return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(indices);
    struct turn *turns = take_all(self, indices, arrays, gradients);
    if (!turns)
        return NULL;
    if (!optimizer_enter(self)) { /* an exporter may be Python code, and have let another thread step */
        release(turns, count);
        return NULL;
    }
    enum adadelta_status status = ADADELTA_OK;
    Py_ssize_t entered = 0;
    while (entered < count && !status) {
        status = swap(self, &turns[entered], turns[entered].gradient.buf);
        entered += !status;
    }
    if (!status)
        status = step_freely(self);
    PyObject *result = optimizer_result(self, status);
    leave(self, turns, entered, status != ADADELTA_OK);
    release(turns, count);
    return result;
}

/* ---- By addresses ---- */

static void *address_of(PyObject *number)
{
    return (void *)(uintptr_t)PyLong_AsUnsignedLongLong(number);
}

/* Gives every tensor the values at these addresses, where they have moved. */
static int move_values(struct optimizer *self, PyObject *values)
{
    for (size_t k = 0; k < self->count; k++) {
        void *address = address_of(PyList_GET_ITEM(values, (Py_ssize_t)k));
        struct adadelta_tensor tensor;
        if (PyErr_Occurred())
            return -1;
        adadelta_get_tensor(self->adadelta, k, &tensor);
        const enum adadelta_status status =
            tensor.values == address ? ADADELTA_OK : adadelta_set_buffers(self->adadelta, k, address, NULL);
        if (status) {
            optimizer_result(self, status);
            return -1;
        }
    }
    return 0;
}

/* A gradient: the address of a dense one, 0 for none, or (count, address of rows, address of their gradients). */
static int set_gradient(struct optimizer *self, size_t index, PyObject *values, PyObject *given)
{
    void *address = PyTuple_Check(given) ? NULL : address_of(given);
    unsigned long long rows, gradient;
    Py_ssize_t count;
    enum adadelta_status status = ADADELTA_OK;
    if (PyErr_Occurred() || (PyTuple_Check(given) && !PyArg_ParseTuple(given, "nKK", &count, &rows, &gradient)))
        return -1;
    if (PyTuple_Check(given))
        status = adadelta_set_rows(self->adadelta, index, (size_t)count, (const size_t *)(uintptr_t)rows,
                                   (const void *)(uintptr_t)gradient);
    else if (address)
        status = adadelta_set_buffers(self->adadelta, index, address_of(values), address);
    if (status)
        optimizer_result(self, status);
    return status ? -1 : 0;
}

static PyObject *step_addresses(struct optimizer *self, PyObject *arguments)
{
    PyObject *values, *gradients, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyList_Type, &values, &PyList_Type, &gradients) || !optimizer_enter(self))
        return NULL;
    const Py_ssize_t count = (Py_ssize_t)self->count;
    if (PyList_GET_SIZE(values) != count || PyList_GET_SIZE(gradients) != count)
        return PyErr_Format(PyExc_ValueError, "there must be %zd addresses of values and of gradients", count);
    int failed = move_values(self, values);
    for (Py_ssize_t k = 0; k < count && !failed; k++)
        failed = set_gradient(self, (size_t)k, PyList_GET_ITEM(values, k), PyList_GET_ITEM(gradients, k));
    if (!failed)
        result = optimizer_result(self, step_freely(self));
    for (size_t k = 0; k < self->count; k++) { /* gradients may be gone when the next step comes */
        struct adadelta_tensor tensor;
        adadelta_get_tensor(self->adadelta, k, &tensor);
        adadelta_set_buffers(self->adadelta, k, tensor.values, NULL);
    }
    return result;
}

PyMethodDef optimizer_step_methods[] = {
    {"step_arrays", (PyCFunction)step_arrays, METH_VARARGS,
     "step_arrays(indices, arrays, gradients): one step of these tensors, tuples of the same length."},
    {"step_addresses", (PyCFunction)step_addresses, METH_VARARGS,
     "step_addresses(values, gradients): one step, lists with an entry for every tensor: the address of its values, "
     "and that of its gradient, 0 for none, or (count, rows, gradients) for a sparse one. The caller answers for "
     "them."},
    {NULL, NULL, 0, NULL},
};
