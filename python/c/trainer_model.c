/* SPDX-License-Identifier: MIT */
/* See trainer_model.h. Every method takes the model's lock, waiting for other threads without the GIL. */
#include "trainer_model.h"

#include <pythread.h>
#include <string.h>

#include "state_type.h"
#include "forked.h"
#include "raise_text.h"
#include "trainer_rows.h"
#include "trainer_watch.h"

struct model {
    PyObject_HEAD struct fit *fit;
    int threads;
    PyThread_type_lock lock;
    unsigned long owner; /* the thread that holds it, else 0 */
};

PyObject *model_wrap(struct fit *fit, int threads)
{
    struct model *model = PyObject_New(struct model, &model_type);
    if (!model) {
        fit_destroy(fit);
        return NULL;
    }
    model->fit = fit;
    model->threads = threads;
    model->owner = 0;
    model->lock = PyThread_allocate_lock();
    if (model->lock)
        return (PyObject *)model;
    Py_DECREF(model);
    return PyErr_NoMemory();
}

static void model_dealloc(PyObject *self)
{
    struct model *model = (struct model *)self;
    fit_destroy(model->fit);
    if (model->lock)
        PyThread_free_lock(model->lock);
    PyObject_Free(self);
}

void raise_trouble(PyObject *type, const struct trouble *trouble)
{
    if (strcmp(trouble->text, "out of memory") == 0)
        PyErr_NoMemory();
    else
        raise_text(type, trouble->text);
}

/* ---- One thread at a time ---- */

/* 0, or -1 with an exception where this very thread has it, as a callback or a signal's handler may. */
static int lock(struct model *model)
{
    const unsigned long self = PyThread_get_thread_ident();
    if (model->owner == self) {
        PyErr_SetString(PyExc_RuntimeError, "the model is being trained by this thread: it cannot be used meanwhile");
        return -1;
    }
    if (!PyThread_acquire_lock(model->lock, NOWAIT_LOCK)) {
        PyThreadState *const thread = PyEval_SaveThread();
        PyThread_acquire_lock(model->lock, WAIT_LOCK);
        PyEval_RestoreThread(thread);
    }
    model->owner = self;
    if (forked())
        fit_set_threads(model->fit, 1);
    return 0;
}

static void unlock(struct model *model)
{
    model->owner = 0;
    PyThread_release_lock(model->lock);
}

/* ---- Training ---- */

static PyObject *list_of(const double *values, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t k = 0; list && k < count; k++) {
        PyObject *value = PyFloat_FromDouble(values[k]);
        if (value)
            PyList_SET_ITEM(list, (Py_ssize_t)k, value);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *model_train(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"callback", "patience", "tolerance", "variance", NULL};
    struct model *model = (struct model *)self;
    struct watch watch = {.callback = Py_None, .variance = 1};
    Py_ssize_t patience = 0;
    PyObject *curve = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$Ondd", names, &watch.callback, &patience, &watch.tolerance,
                                     &watch.variance) ||
        lock(model))
        return NULL;
    watch.fit = model->fit;
    watch.patience = patience > 0 ? (size_t)patience : 0;
    if (watch_run(&watch) == 0) {
        PyObject *losses = list_of(watch.curve.losses, watch.curve.count);
        PyObject *scores = list_of(watch.curve.scores, watch.curve.count);
        curve = losses && scores ? PyTuple_Pack(2, losses, scores) : NULL;
        Py_XDECREF(losses);
        Py_XDECREF(scores);
    }
    watch_free(&watch);
    unlock(model);
    return curve;
}

static PyObject *model_feed(PyObject *self, PyObject *args)
{
    struct model *model = (struct model *)self;
    PyObject *features, *target;
    struct trouble trouble;
    struct rows rows;
    size_t classes;
    if (!PyArg_ParseTuple(args, "OO", &features, &target) || lock(model))
        return NULL;
    const char *const *names = fit_class_names(model->fit, &classes);
    int failed = rows_take(&rows, features, target, names ? TARGET_CLASS : TARGET_NUMBER, classes);
    rows.data.class_names = (char **)names; /* for the fingerprint; nothing writes to them */
    if (!failed) {
        PyThreadState *const thread = PyEval_SaveThread();
        failed = fit_feed(model->fit, &rows.data, &trouble) != DONE;
        PyEval_RestoreThread(thread);
        if (failed)
            raise_trouble(PyExc_ValueError, &trouble);
    }
    rows_release(&rows);
    unlock(model);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *model_release(PyObject *self, PyObject *unused)
{
    struct model *model = (struct model *)self;
    (void)unused;
    if (lock(model))
        return NULL;
    fit_release(model->fit);
    unlock(model);
    Py_RETURN_NONE;
}

/* ---- Prediction ---- */

/* Predicts the rows into an array [rows, outputs] of doubles. */
static int predict_into(struct model *model, const struct dataset *data, PyObject *output)
{
    struct trouble trouble;
    Py_buffer view;
    if (take_array(output, "output", "d", sizeof(double), 2, 1, &view))
        return -1;
    if ((size_t)view.shape[0] != data->rows || (size_t)view.shape[1] != fit_outputs(model->fit)) {
        PyErr_SetString(PyExc_ValueError, "output: must have the shape [rows, outputs]");
        PyBuffer_Release(&view);
        return -1;
    }
    PyThreadState *const thread = PyEval_SaveThread();
    const enum verdict verdict = fit_predict(model->fit, data, 1, view.buf, &trouble);
    PyEval_RestoreThread(thread);
    PyBuffer_Release(&view);
    if (verdict)
        raise_trouble(PyExc_ValueError, &trouble);
    return verdict ? -1 : 0;
}

static PyObject *model_predict(PyObject *self, PyObject *args)
{
    struct model *model = (struct model *)self;
    PyObject *features, *output;
    struct rows rows;
    if (!PyArg_ParseTuple(args, "OO", &features, &output) || lock(model))
        return NULL;
    int failed = rows_take(&rows, features, Py_None, TARGET_NONE, 0);
    if (!failed)
        failed = predict_into(model, &rows.data, output);
    rows_release(&rows);
    unlock(model);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* ---- Parameters and settings ---- */

static PyObject *move_parameters(struct model *model, PyObject *array, int into_model)
{
    Py_buffer view;
    if (take_array(array, "parameters", "f", sizeof(float), 1, !into_model, &view))
        return NULL;
    const int fits = (size_t)view.shape[0] == fit_parameter_count(model->fit);
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "parameters: another number than the model has");
    else if (into_model)
        fit_set_parameters(model->fit, view.buf);
    else
        fit_get_parameters(model->fit, view.buf);
    PyBuffer_Release(&view);
    return fits ? Py_NewRef(Py_None) : NULL;
}

static PyObject *model_get_parameters(PyObject *self, PyObject *array)
{
    struct model *model = (struct model *)self;
    if (lock(model))
        return NULL;
    PyObject *result = move_parameters(model, array, 0);
    unlock(model);
    return result;
}

static PyObject *model_set_parameters(PyObject *self, PyObject *array)
{
    struct model *model = (struct model *)self;
    if (lock(model))
        return NULL;
    PyObject *result = move_parameters(model, array, 1);
    unlock(model);
    return result;
}

/* The names [count] as a list, or None for NULL. */
static PyObject *names_of(const char *const *texts, size_t count)
{
    if (!texts)
        Py_RETURN_NONE;
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t k = 0; list && k < count; k++) {
        PyObject *text = PyUnicode_DecodeUTF8(texts[k], (Py_ssize_t)strlen(texts[k]), "surrogateescape");
        if (text)
            PyList_SET_ITEM(list, (Py_ssize_t)k, text);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* [(out, in), (out,), ...] in the order of the parameters. */
static PyObject *shapes_of(const struct fit *fit)
{
    PyObject *list = PyList_New(0);
    for (size_t k = 0; list && k < fit_tensor_count(fit); k++) {
        struct adadelta_tensor tensor;
        adadelta_get_tensor(fit_optimizer(fit), k, &tensor);
        PyObject *shape = tensor.ndim == 2
                              ? Py_BuildValue("(nn)", (Py_ssize_t)tensor.shape[0], (Py_ssize_t)tensor.shape[1])
                              : Py_BuildValue("(n)", (Py_ssize_t)tensor.shape[0]);
        if (!shape || PyList_Append(list, shape))
            Py_CLEAR(list);
        Py_XDECREF(shape);
    }
    return list;
}

static PyObject *description_of(const struct model *model)
{
    const struct fit_settings *settings = fit_get_settings(model->fit);
    const struct scale *scale = fit_scale(model->fit), *target = fit_target_scale(model->fit);
    struct dataset_request request = {0};
    size_t classes;
    const char *const *names = fit_class_names(model->fit, &classes);
    fit_describe(model->fit, &request);
    return Py_BuildValue(
        "{s:N, s:N, s:s, s:N, s:N, s:N, s:(dd), s:s, s:s, s:s, s:s, s:s, s:s, s:d, s:d, s:d, s:d, s:n, s:n, s:n, s:K, "
        "s:i}",
        "class_names", names_of(names, classes), "column_names", names_of(request.column_names, request.columns),
        "target_name", request.target, "shapes", shapes_of(model->fit), "offset",
        list_of(scale->offset, scale->columns), "factor", list_of(scale->factor, scale->columns), "target",
        target->offset[0], target->factor[0], "method", adadelta_method_name(settings->method), "activation",
        activation_name(settings->model.activation), "init", init_name(settings->model.init), "scale",
        scale_name(settings->scale), "schedule", adadelta_schedule_name(settings->schedule.kind), "state",
        state_type_name(settings->state), "lr", settings->hyper.lr, "rho", settings->hyper.rho, "eps",
        settings->hyper.eps, "weight_decay", settings->hyper.weight_decay, "batch", (Py_ssize_t)settings->batch,
        "epochs", (Py_ssize_t)settings->epochs, "epochs_done", (Py_ssize_t)fit_epochs_done(model->fit), "seed",
        (unsigned long long)settings->seed, "threads", model->threads);
}

static PyObject *model_describe(PyObject *self, PyObject *unused)
{
    struct model *model = (struct model *)self;
    (void)unused;
    if (lock(model))
        return NULL;
    PyObject *description = description_of(model);
    unlock(model);
    return description;
}

/* ---- Files ---- */

static PyObject *model_save(PyObject *self, PyObject *args)
{
    struct model *model = (struct model *)self;
    PyObject *path;
    struct trouble trouble;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path))
        return NULL;
    int failed = lock(model);
    if (!failed) {
        failed = fit_save(model->fit, PyBytes_AS_STRING(path), &trouble) != DONE; /* its JSON may need the GIL */
        unlock(model);
        if (failed)
            raise_trouble(PyExc_OSError, &trouble);
    }
    Py_DECREF(path);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* ---- The type ---- */

static PyMethodDef model_methods[] = {
    {"train", (PyCFunction)(void (*)(void))model_train, METH_VARARGS | METH_KEYWORDS,
     "train(*, callback=None, patience=0, tolerance=0, variance=1) -> (losses, scores), a number an epoch"},
    {"feed", model_feed, METH_VARARGS, "feed(features, target): other rows, for one epoch more at a constant rate"},
    {"release", model_release, METH_NOARGS, "release(): forgets the rows to train and test on"},
    {"predict", model_predict, METH_VARARGS, "predict(features, output [rows, outputs] of float64)"},
    {"get_parameters", model_get_parameters, METH_O, "get_parameters(array [parameters] of float32)"},
    {"set_parameters", model_set_parameters, METH_O, "set_parameters(array [parameters] of float32)"},
    {"describe", model_describe, METH_NOARGS, "describe() -> dict of settings, names, shapes and scaling"},
    {"save", model_save, METH_VARARGS, "save(path): a model file"},
    {0},
};

PyTypeObject model_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "adadelta._trainer.Model",
    .tp_basicsize = sizeof(struct model),
    .tp_dealloc = model_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "A model of the trainer. Made by create() and load().",
    .tp_methods = model_methods,
};
