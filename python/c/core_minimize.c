/* SPDX-License-Identifier: MIT */
/* adadelta_minimize with Python's functions as objective and callback. The run goes without the GIL; they take it. */
#include "core.h"

struct functions {
    PyObject *objective, *progress; /* progress may be None */
};

/* x as a bytearray of its own: Python may keep it. */
static PyObject *copy_of(size_t n, const double *x)
{
    return PyByteArray_FromStringAndSize((const char *)x, (Py_ssize_t)(n * sizeof *x));
}

/* Takes (value, gradient) apart. -1: an error is set. */
static int take_result(PyObject *result, size_t n, double *value, double *gradient)
{
    PyObject *array;
    Py_buffer view;
    enum adadelta_dtype dtype;
    if (!PyArg_ParseTuple(result, "dO", value, &array) || array_hold(array, "the gradient", 0, &view, &dtype))
        return -1;
    const int good = dtype == ADADELTA_F64 && (size_t)view.len == n * sizeof *gradient;
    if (good)
        memcpy(gradient, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    if (!good)
        PyErr_Format(PyExc_ValueError, "the gradient must have %zu numbers, as x", n);
    return good ? 0 : -1;
}

/* An exception stays set in this thread, and NaN ends the run. */
static double call_objective(size_t n, const double *x, double *gradient, uint64_t iteration, void *context)
{
    const struct functions *functions = context;
    double value = Py_NAN;
    const PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(functions->objective, "NK", copy_of(n, x), (unsigned long long)iteration);
    if (!result || take_result(result, n, &value, gradient))
        value = Py_NAN;
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return value;
}

static int call_progress(const struct adadelta_minimize_progress *progress, void *context)
{
    const struct functions *functions = context;
    const PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(functions->progress, "NKdddd", copy_of(progress->n, progress->x),
                                             (unsigned long long)progress->iteration, progress->value,
                                             progress->gradient_norm, progress->best_value, progress->seconds);
    const int stop = result ? PyObject_IsTrue(result) : 1;
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return stop;
}

static PyObject *result_dict(const struct adadelta_minimize_result *result)
{
    PyObject *dict = fields_dict(minimize_result_fields, result);
    PyObject *reason = PyLong_FromLong((long)result->reason);
    PyObject *text = PyUnicode_FromString(adadelta_minimize_reason_string(result->reason));
    if (!dict || !reason || !text || PyDict_SetItemString(dict, "reason", reason) ||
        PyDict_SetItemString(dict, "message", text))
        Py_CLEAR(dict);
    Py_XDECREF(reason);
    Py_XDECREF(text);
    return dict;
}

const char minimize_doc[] =
    "minimize(objective, x, hyper, schedule, options, progress) -> result\n\n"
    "adadelta_minimize: objective(bytes of x, iteration) gives (value, gradient), progress(bytes of x, iteration, "
    "value, "
    "gradient_norm, best_value, seconds) may end the run by what it returns; x [n] float64 in and out.";

PyObject *minimize(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"objective", "x", "hyper", "schedule", "options", "progress", NULL};
    struct functions functions;
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    struct adadelta_minimize_result result;
    PyObject *x, *hyper, *schedule, *more;
    Py_buffer view;
    enum adadelta_dtype dtype;
    enum adadelta_status status = ADADELTA_ERROR_DTYPE;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOOOOO", names, &functions.objective, &x, &hyper, &schedule,
                                     &more, &functions.progress) ||
        fields_read(hyper_fields, hyper, &options.hyper) || fields_read(schedule_fields, schedule, &options.schedule) ||
        fields_read(minimize_fields, more, &options) || array_hold(x, "x0", 1, &view, &dtype))
        return NULL;
    if (functions.progress != Py_None) {
        options.progress = call_progress;
        options.progress_context = &functions;
    }
    if (dtype == ADADELTA_F64) {
        PyThreadState *const thread = PyEval_SaveThread();
        status = adadelta_minimize((size_t)view.len / sizeof(double), view.buf, call_objective, &functions, &options,
                                   &result);
        PyEval_RestoreThread(thread);
    }
    PyBuffer_Release(&view);
    if (status)
        return raise_status(status, NULL);
    return PyErr_Occurred() ? NULL : result_dict(&result);
}
