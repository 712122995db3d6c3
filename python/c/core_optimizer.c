/* SPDX-License-Identifier: MIT */
/* See core_optimizer.h: making an optimizer, its groups, tensors and settings. */
#include "core_optimizer.h"

/* ---- Life ---- */

struct adadelta *optimizer_enter(struct optimizer *self)
{
    if (self->busy)
        PyErr_SetString(PyExc_RuntimeError, "the optimizer is in the middle of a step");
    return self->busy ? NULL : self->adadelta;
}

PyObject *optimizer_result(const struct optimizer *self, enum adadelta_status status)
{
    if (status)
        return raise_status(status, adadelta_error_text(self->adadelta));
    Py_RETURN_NONE;
}

static const char threads_text[] = "threads must be from 0 to 1024"; /* all else is checked by its name or type */

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"options", NULL};
    PyObject *dict = NULL;
    struct adadelta_options options = adadelta_options_default();
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O", names, &dict) ||
        (dict && fields_read(options_fields, dict, &options)))
        return NULL;
    struct optimizer *self = (struct optimizer *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    const enum adadelta_status status = adadelta_create(&options, &self->adadelta);
    if (!status)
        return (PyObject *)self;
    Py_DECREF(self);
    return raise_status(status, status == ADADELTA_ERROR_ARGUMENT ? threads_text : NULL);
}

static int visit(PyObject *object, visitproc visit, void *arg)
{
    struct optimizer *self = (struct optimizer *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->rate);
    for (size_t k = 0; k < self->count; k++)
        Py_VISIT(self->held[k].obj);
    return 0;
}

/* Breaks a cycle through the callback; the arrays go with the optimizer. */
static int clear(PyObject *object)
{
    struct optimizer *self = (struct optimizer *)object;
    if (self->rate)
        adadelta_set_schedule(self->adadelta, NULL);
    Py_CLEAR(self->rate);
    return 0;
}

static void destroy(PyObject *object)
{
    struct optimizer *self = (struct optimizer *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    adadelta_destroy(self->adadelta);
    for (size_t k = 0; k < self->count; k++)
        PyBuffer_Release(&self->held[k]);
    PyMem_Free(self->held);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Takes hold once more of the array number k. It must lie where it did: NumPy can be made to move one that is held. */
static int hold_again(const struct optimizer *self, size_t k, Py_buffer *view)
{
    const void *buf = self->held[k].buf;
    const Py_ssize_t len = self->held[k].len;
    struct adadelta_tensor tensor;
    char what[LABEL];
    if (PyObject_GetBuffer(self->held[k].obj, view, PyBUF_ND))
        return -1;
    if (view->buf == buf && view->len == len)
        return 0;
    PyBuffer_Release(view);
    adadelta_get_tensor(self->adadelta, k, &tensor);
    PyErr_Format(PyExc_ValueError, "%s has been resized since its last step", label(what, "w", tensor.name));
    return -1;
}

struct adadelta *optimizer_enter_arrays(struct optimizer *self)
{
    struct adadelta *adadelta = optimizer_enter(self);
    for (size_t k = 0; adadelta && k < self->count; k++) {
        Py_buffer view;
        if (self->held[k].obj && hold_again(self, k, &view))
            return NULL;
        if (self->held[k].obj)
            PyBuffer_Release(&view);
    }
    return adadelta;
}

/* Gives a copy its own hold of all arrays. */
static int hold_all_again(struct optimizer *self, struct optimizer *copy)
{
    copy->held = PyMem_Calloc(self->count + 1, sizeof *copy->held);
    if (!copy->held) {
        PyErr_NoMemory();
        return -1;
    }
    self->busy = 1; /* an exporter may be Python code */
    int failed = 0;
    for (; !failed && copy->count < self->count; copy->count += !failed)
        failed = self->held[copy->count].obj && hold_again(self, copy->count, &copy->held[copy->count]);
    self->busy = 0;
    return failed ? -1 : 0;
}

/* A new optimizer with the same groups, arrays, state and counters; the arrays are shared. */
static PyObject *copy_of(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    if (!optimizer_enter(self))
        return NULL;
    struct optimizer *copy = (struct optimizer *)Py_TYPE(self)->tp_alloc(Py_TYPE(self), 0);
    if (!copy)
        return NULL;
    enum adadelta_status status = ADADELTA_ERROR_MEMORY;
    if (!hold_all_again(self, copy))
        status = adadelta_clone(self->adadelta, &copy->adadelta);
    if (status) {
        Py_DECREF(copy);
        return raise_status(status, NULL);
    }
    Py_XINCREF(self->rate);
    copy->rate = self->rate;
    return (PyObject *)copy;
}

/* ---- Groups and settings ---- */

static PyObject *add_group(struct optimizer *self, PyObject *dict)
{
    size_t group;
    struct adadelta_hyper hyper = adadelta_hyper_for(adadelta_get_options(self->adadelta).method);
    if (fields_read(hyper_fields, dict, &hyper) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_add_group(self->adadelta, &hyper, &group);
    return status ? optimizer_result(self, status) : PyLong_FromSize_t(group);
}

static PyObject *get_hyper(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t group;
    struct adadelta_hyper hyper;
    if (!PyArg_ParseTuple(arguments, "n", &group) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_get_hyper(self->adadelta, (size_t)group, &hyper);
    return status ? raise_status(status, NULL) : fields_dict(hyper_fields, &hyper);
}

static PyObject *set_hyper(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t group;
    PyObject *dict;
    struct adadelta_hyper hyper;
    if (!PyArg_ParseTuple(arguments, "nO", &group, &dict) || !optimizer_enter(self))
        return NULL;
    enum adadelta_status status = adadelta_get_hyper(self->adadelta, (size_t)group, &hyper);
    if (status)
        return raise_status(status, NULL);
    if (fields_read(hyper_fields, dict, &hyper) || !optimizer_enter(self))
        return NULL;
    return optimizer_result(self, adadelta_set_hyper(self->adadelta, (size_t)group, &hyper));
}

static PyObject *get_options(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    const struct adadelta_options options = adadelta_get_options(self->adadelta);
    return fields_dict(options_fields, &options);
}

static PyObject *set_threads(struct optimizer *self, PyObject *arguments)
{
    int threads;
    if (!PyArg_ParseTuple(arguments, "i", &threads) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_set_threads(self->adadelta, threads);
    return status ? raise_status(status, threads_text) : optimizer_result(self, ADADELTA_OK);
}

static PyObject *get_gradients(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    struct adadelta_gradients gradients;
    if (!optimizer_enter(self))
        return NULL;
    adadelta_get_gradients(self->adadelta, &gradients);
    return fields_dict(gradients_fields, &gradients);
}

static PyObject *set_gradients(struct optimizer *self, PyObject *dict)
{
    struct adadelta_gradients gradients;
    if (!optimizer_enter(self))
        return NULL;
    adadelta_get_gradients(self->adadelta, &gradients);
    if (fields_read(gradients_fields, dict, &gradients) || !optimizer_enter(self))
        return NULL;
    return optimizer_result(self, adadelta_set_gradients(self->adadelta, &gradients));
}

/* ---- The schedule ---- */

/* A schedule's callback: Python's, called within a step. Its exception stays set, and NaN makes the step fail. */
static double call_rate(uint64_t step, void *context)
{
    const PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(context, "K", (unsigned long long)step);
    const double rate = result ? PyFloat_AsDouble(result) : Py_NAN;
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return rate;
}

static PyObject *get_schedule(struct optimizer *self, PyObject *nothing)
{
    (void)nothing;
    struct adadelta_schedule schedule;
    if (!optimizer_enter(self))
        return NULL;
    adadelta_get_schedule(self->adadelta, &schedule);
    if (schedule.kind != ADADELTA_SCHEDULE_CALLBACK) /* a file may have brought another than was set */
        return fields_dict(schedule_fields, &schedule);
    Py_INCREF(self->rate);
    return self->rate;
}

/* A dict over the default's fields, or a function rate(step). */
static PyObject *set_schedule(struct optimizer *self, PyObject *given)
{
    struct adadelta_schedule schedule = adadelta_schedule_default();
    PyObject *rate = PyCallable_Check(given) ? given : NULL;
    if ((!rate && fields_read(schedule_fields, given, &schedule)) || !optimizer_enter(self))
        return NULL;
    if (rate) {
        schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
        schedule.rate = call_rate;
        schedule.context = rate;
    }
    const enum adadelta_status status = adadelta_set_schedule(self->adadelta, &schedule);
    if (!status) {
        Py_XINCREF(rate);
        Py_XSETREF(self->rate, rate);
    }
    return optimizer_result(self, status);
}

/* ---- Tensors ---- */

/* Room to hold one more array. */
static int make_room(struct optimizer *self)
{
    Py_buffer *grown = PyMem_Realloc(self->held, (self->count + 1) * sizeof *grown);
    if (!grown) {
        PyErr_NoMemory();
        return -1;
    }
    self->held = grown;
    return 0;
}

static PyObject *add(struct optimizer *self, size_t group, const struct adadelta_tensor *tensor, Py_buffer *view)
{
    size_t index;
    if (make_room(self))
        return NULL;
    const enum adadelta_status status = adadelta_add_tensor(self->adadelta, group, tensor, &index);
    if (status)
        return optimizer_result(self, status);
    self->held[self->count++] = *view; /* numbers of tensors and of held go together */
    view->obj = NULL;
    return PyLong_FromSize_t(index);
}

static PyObject *add_array(struct optimizer *self, PyObject *arguments)
{
    struct adadelta_tensor tensor = {.name = NULL};
    Py_ssize_t group;
    PyObject *array, *dict;
    Py_buffer view = {.obj = NULL};
    enum adadelta_dtype dtype;
    char what[LABEL];
    if (!PyArg_ParseTuple(arguments, "snOO", &tensor.name, &group, &array, &dict) ||
        fields_read(tensor_fields, dict, &tensor) || array_hold(array, label(what, "w", tensor.name), 1, &view, &dtype))
        return NULL;
    tensor.values = view.buf;
    PyObject *index = array_form(&view, what, dtype, &tensor) || !optimizer_enter(self)
                          ? NULL
                          : add(self, (size_t)group, &tensor, &view);
    PyBuffer_Release(&view);
    return index;
}

/* A shape from a tuple of whole numbers. */
static int read_shape(PyObject *shape, struct adadelta_tensor *tensor)
{
    tensor->ndim = (size_t)PyTuple_GET_SIZE(shape);
    for (size_t k = 0; k < tensor->ndim && k < ADADELTA_MAX_DIMS; k++) {
        tensor->shape[k] = PyLong_AsSize_t(PyTuple_GET_ITEM(shape, (Py_ssize_t)k));
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

static PyObject *add_address(struct optimizer *self, PyObject *arguments)
{
    struct adadelta_tensor tensor = {.name = NULL};
    Py_ssize_t group;
    unsigned long long address;
    PyObject *shape, *dict;
    Py_buffer view = {.obj = NULL};
    if (!PyArg_ParseTuple(arguments, "snO!KO", &tensor.name, &group, &PyTuple_Type, &shape, &address, &dict) ||
        fields_read(tensor_fields, dict, &tensor) || read_shape(shape, &tensor) || !optimizer_enter(self))
        return NULL;
    tensor.values = (void *)(uintptr_t)address;
    return add(self, (size_t)group, &tensor, &view);
}

static PyObject *get_tensor(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    struct adadelta_tensor tensor;
    if (!PyArg_ParseTuple(arguments, "n", &index) || !optimizer_enter(self))
        return NULL;
    const enum adadelta_status status = adadelta_get_tensor(self->adadelta, (size_t)index, &tensor);
    return status ? optimizer_result(self, status) : fields_dict(tensor_fields, &tensor);
}

static PyObject *array_of(struct optimizer *self, PyObject *arguments)
{
    Py_ssize_t index;
    if (!PyArg_ParseTuple(arguments, "n", &index))
        return NULL;
    PyObject *array = index >= 0 && (size_t)index < self->count ? self->held[index].obj : NULL;
    if (!array)
        array = Py_None;
    Py_INCREF(array);
    return array;
}

/* ---- Files ---- */

/* The GIL stays held: the header of a checkpoint is Python's to read and write (json/jansson.h). */
static PyObject *with_file(struct optimizer *self, PyObject *path,
                           enum adadelta_status (*act)(struct adadelta *, const char *, struct adadelta_error *))
{
    PyObject *bytes;
    struct adadelta_error error = {ADADELTA_OK, ""};
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    if (!optimizer_enter_arrays(self)) {
        Py_DECREF(bytes);
        return NULL;
    }
    self->busy = 1; /* the header is written and read by Python code, and a step meanwhile would be half in the file */
    const enum adadelta_status status = act(self->adadelta, PyBytes_AS_STRING(bytes), &error);
    self->busy = 0;
    Py_DECREF(bytes);
    if (status)
        return raise_status(status, error.text);
    Py_RETURN_NONE;
}

static enum adadelta_status save_to(struct adadelta *optimizer, const char *path, struct adadelta_error *error)
{
    return adadelta_save(optimizer, path, error);
}

static PyObject *save(struct optimizer *self, PyObject *path)
{
    return with_file(self, path, save_to);
}

static PyObject *load(struct optimizer *self, PyObject *path)
{
    return with_file(self, path, adadelta_load);
}

/* ---- The type ---- */

static PyMethodDef methods[] = {
    {"clone", (PyCFunction)copy_of, METH_NOARGS, "clone() -> another Optimizer that steps the same arrays"},
    {"add_group", (PyCFunction)add_group, METH_O, "add_group(settings) -> number; what settings lack: the method's."},
    {"get_hyper", (PyCFunction)get_hyper, METH_VARARGS, "get_hyper(group) -> settings"},
    {"set_hyper", (PyCFunction)set_hyper, METH_VARARGS, "set_hyper(group, settings); what settings lack stays."},
    {"get_options", (PyCFunction)get_options, METH_NOARGS, "get_options() -> options"},
    {"set_threads", (PyCFunction)set_threads, METH_VARARGS, "set_threads(threads)"},
    {"get_gradients", (PyCFunction)get_gradients, METH_NOARGS, "get_gradients() -> settings"},
    {"set_gradients", (PyCFunction)set_gradients, METH_O, "set_gradients(settings); what settings lack stays."},
    {"get_schedule", (PyCFunction)get_schedule, METH_NOARGS, "get_schedule() -> settings or rate(step)"},
    {"set_schedule", (PyCFunction)set_schedule, METH_O, "set_schedule(settings or rate(step))"},
    {"add_array", (PyCFunction)add_array, METH_VARARGS, "add_array(name, group, array, settings) -> index"},
    {"add_address", (PyCFunction)add_address, METH_VARARGS,
     "add_address(name, group, shape, address, settings) -> index; the memory must outlive the optimizer, or be "
     "replaced at every step."},
    {"get_tensor", (PyCFunction)get_tensor, METH_VARARGS, "get_tensor(index) -> settings"},
    {"array", (PyCFunction)array_of, METH_VARARGS, "array(index) -> the array that is held, or None"},
    {"save", (PyCFunction)save, METH_O, "save(path)"},
    {"load", (PyCFunction)load, METH_O, "load(path), into the arrays that are held"},
    {NULL, NULL, 0, NULL},
};

/* All methods as one table, made when the type is. */
static PyMethodDef *all_methods(void)
{
    static PyMethodDef all[40];
    PyMethodDef *const tables[] = {methods, optimizer_step_methods, optimizer_state_methods};
    size_t count = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const PyMethodDef *method = tables[t]; method->ml_name && count + 1 < sizeof all / sizeof *all; method++)
            all[count++] = *method;
    }
    return all;
}

PyObject *optimizer_type(void)
{
    static PyObject *type;
    PyType_Slot slots[] = {
        {Py_tp_new, make},
        {Py_tp_dealloc, destroy},
        {Py_tp_traverse, visit},
        {Py_tp_clear, clear},
        {Py_tp_methods, all_methods()},
        {Py_tp_doc, "Optimizer(options={}): struct adadelta of the C library, a method for a function."},
        {0, NULL},
    };
    PyType_Spec spec = {"adadelta._core.Optimizer", sizeof(struct optimizer), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
    if (!type)
        type = PyType_FromSpec(&spec);
    return type;
}
