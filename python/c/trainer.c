/* SPDX-License-Identifier: MIT */
/* adadelta._trainer: the trainer for adadelta.sklearn, which checks what people pass and knows NumPy. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cblas.h>
#include <limits.h>
#include <string.h>

#include "state_type.h"
#include "forked.h"
#include "trainer_model.h"
#include "trainer_rows.h"

/* ---- Names ---- */

typedef const char *name_of(int index);

static const char *method_names(int k)
{
    return adadelta_method_name((enum adadelta_method)k);
}

/* All but the last, callback: it has no function here. */
static const char *schedule_names(int k)
{
    return k < ADADELTA_SCHEDULE_CALLBACK ? adadelta_schedule_name((enum adadelta_schedule_kind)k) : NULL;
}

static const char *activation_names(int k)
{
    return activation_name((enum activation)k);
}

static const char *init_names(int k)
{
    return init_name((enum init)k);
}

static const char *scale_names(int k)
{
    return scale_name((enum scale_kind)k);
}

/* The types there are, without the numbers between that are none. */
static const char *state_names(int k)
{
    for (int type = 0; type < ADADELTA_DTYPE_COUNT; type++) {
        const char *name = state_type_name((enum adadelta_dtype)type);
        if (name && k-- == 0)
            return name;
    }
    return NULL;
}

static const struct {
    const char *name;
    name_of *names;
} lists[] = {
    {"METHODS", method_names}, {"SCHEDULES", schedule_names}, {"ACTIVATIONS", activation_names},
    {"INITS", init_names},     {"SCALES", scale_names},       {"STATE_DTYPES", state_names},
};

static int add_names(PyObject *module, const char *list, name_of *names)
{
    PyObject *found = PyList_New(0);
    int failed = !found;
    for (int k = 0; !failed && names(k); k++) {
        PyObject *name = PyUnicode_FromString(names(k));
        failed = !name || PyList_Append(found, name);
        Py_XDECREF(name);
    }
    PyObject *tuple = failed ? NULL : PyList_AsTuple(found);
    Py_XDECREF(found);
    failed = !tuple || PyModule_AddObjectRef(module, list, tuple);
    Py_XDECREF(tuple);
    return failed ? -1 : 0;
}

/* ---- Settings ---- */

/* The names by which create() is asked. NULL: the default. */
struct wishes {
    const char *model, *activation, *init, *method, *schedule, *scale, *state;
    PyObject *hyper; /* dict */
};

static int unknown(const char *what, const char *name)
{
    PyErr_Format(PyExc_ValueError, "%s: there is no '%s'", what, name);
    return -1;
}

static int take_names(struct fit_settings *settings, const struct wishes *wishes)
{
    struct trouble trouble;
    if (wishes->model && model_parse(&settings->model, wishes->model, &trouble) != DONE) {
        raise_trouble(PyExc_ValueError, &trouble);
        return -1;
    }
    if (wishes->activation && activation_by_name(wishes->activation, &settings->model.activation) != 0)
        return unknown("activation", wishes->activation);
    if (wishes->init && init_by_name(wishes->init, &settings->model.init) != 0)
        return unknown("init", wishes->init);
    if (wishes->method && adadelta_method_by_name(wishes->method, &settings->method))
        return unknown("method", wishes->method);
    if (wishes->scale && scale_by_name(wishes->scale, &settings->scale) != 0)
        return unknown("scale", wishes->scale);
    if (wishes->state && state_type_by_name(wishes->state, &settings->state) != 0)
        return unknown("state_dtype", wishes->state);
    if (wishes->schedule && (adadelta_schedule_by_name(wishes->schedule, &settings->schedule.kind) ||
                             settings->schedule.kind == ADADELTA_SCHEDULE_CALLBACK))
        return unknown("schedule", wishes->schedule);
    return 0;
}

static int take_hyper(struct fit_settings *settings, PyObject *wishes)
{
    settings->hyper = adadelta_hyper_for(settings->method);
    const struct {
        const char *name;
        double *value;
    } fields[] = {
        {"lr", &settings->hyper.lr},
        {"rho", &settings->hyper.rho},
        {"eps", &settings->hyper.eps},
        {"weight_decay", &settings->hyper.weight_decay},
    };
    for (size_t k = 0; wishes && k < sizeof fields / sizeof *fields; k++) {
        PyObject *wish = PyDict_GetItemString(wishes, fields[k].name);
        if (wish && wish != Py_None)
            *fields[k].value = PyFloat_AsDouble(wish);
        if (PyErr_Occurred())
            return -1;
    }
    const enum adadelta_status status = adadelta_hyper_check(&settings->hyper);
    if (status)
        PyErr_SetString(PyExc_ValueError, adadelta_status_string(status));
    return status ? -1 : 0;
}

/* ---- Making ---- */

/* Borrowed texts of a sequence of str; *texts is NULL for None. 0, or -1 with an exception. */
static int take_texts(PyObject *names, const char ***texts, size_t *count, const char *what)
{
    *texts = NULL;
    *count = 0;
    if (names == Py_None)
        return 0;
    if (!PyTuple_Check(names)) {
        PyErr_Format(PyExc_TypeError, "%s: must be a tuple of str, or None", what);
        return -1;
    }
    *count = (size_t)PyTuple_GET_SIZE(names);
    *texts = PyMem_Calloc(*count + 1, sizeof **texts);
    if (!*texts) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t k = 0; k < *count; k++) {
        Py_ssize_t size;
        (*texts)[k] = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(names, (Py_ssize_t)k), &size);
        if (!(*texts)[k])
            return -1;
        if (strlen((*texts)[k]) != (size_t)size) {
            PyErr_Format(PyExc_ValueError, "%s: a name must not hold a zero byte", what);
            return -1;
        }
    }
    return 0;
}

struct made_of {
    PyObject *features, *target, *test, *class_names, *column_names;
    const char *target_name;
    const char **classes, **columns;
    size_t class_count, column_count;
    struct rows train, rows_to_test;
};

static void name_rows(struct rows *rows, const struct made_of *from)
{
    rows->data.class_names = (char **)from->classes;
    rows->data.column_names = (char **)from->columns;
    rows->data.target_name = (char *)from->target_name;
}

/* All that comes from Python; 0, or -1 with an exception. */
static int take_data(struct made_of *from)
{
    PyObject *features, *target;
    if (take_texts(from->class_names, &from->classes, &from->class_count, "class_names") ||
        take_texts(from->column_names, &from->columns, &from->column_count, "column_names"))
        return -1;
    const enum target_kind kind = from->classes ? TARGET_CLASS : TARGET_NUMBER;
    if (rows_take(&from->train, from->features, from->target, kind, from->class_count))
        return -1;
    if (from->train.data.target == TARGET_NONE || (from->columns && from->column_count != from->train.data.columns)) {
        PyErr_SetString(PyExc_ValueError, "there must be a target, and as many column_names as columns");
        return -1;
    }
    name_rows(&from->train, from);
    if (from->test == Py_None)
        return 0;
    if (!PyArg_ParseTuple(from->test, "OO;test is (features, target)", &features, &target) ||
        rows_take(&from->rows_to_test, features, target, kind, from->class_count))
        return -1;
    name_rows(&from->rows_to_test, from);
    return 0;
}

static PyObject *make(struct made_of *from, const struct fit_settings *settings, int threads)
{
    struct fit *fit;
    struct trouble trouble;
    PyThreadState *const thread = PyEval_SaveThread();
    const enum verdict verdict = fit_create(&fit, settings, &from->train.data,
                                            from->test == Py_None ? NULL : &from->rows_to_test.data, threads, &trouble);
    PyEval_RestoreThread(thread);
    if (!verdict)
        return model_wrap(fit, threads);
    raise_trouble(PyExc_ValueError, &trouble);
    return NULL;
}

static PyObject *create(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"features",   "target", "class_names", "column_names", "target_name", "test",  "model",
                            "activation", "init",   "method",      "hyper",        "schedule",    "scale", "state",
                            "batch",      "epochs", "seed",        "keep_batch",   "threads",     NULL};
    struct made_of from = {.test = Py_None, .class_names = Py_None, .column_names = Py_None, .target_name = "y"};
    struct fit_settings settings = fit_settings_default();
    struct wishes wishes = {0};
    Py_ssize_t batch = 0, epochs = 0;
    unsigned long long seed = settings.seed;
    int threads = 1;
    PyObject *model = NULL;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|$OOsOzzzzO!zzznnKpi:create", names, &from.features,
                                     &from.target, &from.class_names, &from.column_names, &from.target_name, &from.test,
                                     &wishes.model, &wishes.activation, &wishes.init, &wishes.method, &PyDict_Type,
                                     &wishes.hyper, &wishes.schedule, &wishes.scale, &wishes.state, &batch, &epochs,
                                     &seed, &settings.keep_batch, &threads))
        return NULL;
    if (batch < 0 || batch > INT_MAX || epochs < 0) {
        PyErr_SetString(PyExc_ValueError, "batch and epochs must be at least 0, batch below 2^31");
        return NULL;
    }
    settings.batch = (size_t)batch;
    settings.epochs = (size_t)epochs;
    settings.seed = seed;
    if (!take_names(&settings, &wishes) && !take_hyper(&settings, wishes.hyper) && !take_data(&from))
        model = make(&from, &settings, threads);
    rows_release(&from.train);
    rows_release(&from.rows_to_test);
    PyMem_Free(from.classes);
    PyMem_Free(from.columns);
    return model;
}

static PyObject *load(PyObject *module, PyObject *args)
{
    PyObject *path;
    struct fit *fit;
    struct trouble trouble;
    int threads;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&i", PyUnicode_FSConverter, &path, &threads))
        return NULL;
    const enum verdict verdict = fit_load(&fit, PyBytes_AS_STRING(path), threads, &trouble); /* JSON needs the GIL */
    Py_DECREF(path);
    if (!verdict)
        return model_wrap(fit, threads);
    raise_trouble(PyExc_ValueError, &trouble);
    return NULL;
}

/* ---- Other functions ---- */

static PyObject *defaults(PyObject *module, PyObject *args)
{
    const char *name;
    enum adadelta_method method;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &name))
        return NULL;
    if (adadelta_method_by_name(name, &method)) {
        unknown("method", name);
        return NULL;
    }
    const struct adadelta_hyper hyper = adadelta_hyper_for(method);
    return Py_BuildValue("{s:d, s:d, s:d, s:d}", "lr", hyper.lr, "rho", hyper.rho, "eps", hyper.eps, "weight_decay",
                         hyper.weight_decay);
}

/* The labels [rows] into *view and data; 0, or -1 with an exception and nothing to release. */
static int take_labels(PyObject *labels, Py_ssize_t classes, struct dataset *data, Py_buffer *view)
{
    if (take_array(labels, "labels", "il", sizeof(int32_t), 1, 0, view))
        return -1;
    data->labels = view->buf;
    data->classes = classes > 0 ? (size_t)classes : 0;
    data->target = TARGET_CLASS;
    int bad = (size_t)view->shape[0] != data->rows;
    for (size_t row = 0; !bad && row < data->rows; row++)
        bad = data->labels[row] < 0 || data->labels[row] >= classes;
    if (!bad)
        return 0;
    PyErr_SetString(PyExc_ValueError, "labels: must be as many as the index has, each a class's number");
    PyBuffer_Release(view);
    return -1;
}

static PyObject *split(PyObject *module, PyObject *args)
{
    PyObject *labels, *index;
    Py_ssize_t classes;
    double fraction;
    unsigned long long seed;
    size_t border = 0;
    Py_buffer label_view = {0}, index_view;
    struct trouble trouble;
    (void)module;
    if (!PyArg_ParseTuple(args, "OndKO", &labels, &classes, &fraction, &seed, &index) ||
        take_array(index, "index", "LQ", sizeof(size_t), 1, 1, &index_view))
        return NULL;
    struct dataset data = {.path = "the data", .rows = (size_t)index_view.shape[0], .target = TARGET_NUMBER};
    int failed = labels != Py_None && take_labels(labels, classes, &data, &label_view);
    if (!failed && dataset_split(&data, fraction, seed, index_view.buf, &border, &trouble) != DONE) {
        raise_trouble(PyExc_ValueError, &trouble);
        failed = 1;
    }
    PyBuffer_Release(&label_view); /* of nothing: nothing */
    PyBuffer_Release(&index_view);
    return failed ? NULL : PyLong_FromSize_t(border);
}

static PyObject *set_sequential(PyObject *module, PyObject *sequential)
{
    const int truth = PyObject_IsTrue(sequential);
    (void)module;
    if (truth < 0)
        return NULL;
    blas_set_sequential(truth);
    Py_RETURN_NONE;
}

/* ---- The module ---- */

/* SciPy's sgemm: its capsule is named by its signature, in which `int *` would be another for 64-bit integers. */
static int find_sgemm(void)
{
    static const char start[] = "void (char *, char *, int *, int *, int *, ", end[] = " *, int *)";
    PyObject *blas = PyImport_ImportModule("scipy.linalg.cython_blas");
    PyObject *table = blas ? PyObject_GetAttrString(blas, "__pyx_capi__") : NULL;
    PyObject *capsule = table ? PyMapping_GetItemString(table, "sgemm") : NULL;
    const char *name = capsule ? PyCapsule_GetName(capsule) : NULL;
    void *sgemm = NULL;
    if (name && strncmp(name, start, strlen(start)) == 0 && strlen(name) > strlen(end) &&
        strcmp(name + strlen(name) - strlen(end), end) == 0)
        sgemm = PyCapsule_GetPointer(capsule, name);
    if (!sgemm && !PyErr_Occurred())
        PyErr_Format(PyExc_ImportError, "adadelta: SciPy's sgemm is not as expected: %s", name ? name : "no name");
    blas_set_sgemm((fortran_sgemm *)sgemm);
    Py_XDECREF(capsule);
    Py_XDECREF(table);
    Py_XDECREF(blas);
    return sgemm ? 0 : -1;
}

static PyMethodDef functions[] = {
    {"create", (PyCFunction)(void (*)(void))create, METH_VARARGS | METH_KEYWORDS,
     "create(features, target, **settings) -> Model, not trained yet"},
    {"load", load, METH_VARARGS, "load(path, threads) -> Model"},
    {"defaults", defaults, METH_VARARGS, "defaults(method) -> dict of lr, rho, eps, weight_decay"},
    {"split", split, METH_VARARGS,
     "split(labels or None, classes, fraction, seed, index) -> border: index becomes the rows to keep, then the "
     "others"},
    {"set_sequential", set_sequential, METH_O, "set_sequential(bool): whether BLAS must not be called by two threads"},
    {0},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "adadelta._trainer",
    .m_doc = "The trainer: models of dense layers. adadelta.sklearn is its face.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__trainer(void)
{
    if (forked_ready() || find_sgemm() || PyType_Ready(&model_type))
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    int failed = !module || PyModule_AddObjectRef(module, "Model", (PyObject *)&model_type);
    for (size_t k = 0; !failed && k < sizeof lists / sizeof *lists; k++)
        failed = add_names(module, lists[k].name, lists[k].names);
    if (failed)
        Py_CLEAR(module);
    return module;
}
