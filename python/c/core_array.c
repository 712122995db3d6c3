/* SPDX-License-Identifier: MIT */
/* Arrays by the buffer protocol (PEP 3118): Python's, taken hold of, and the library's, lent out. */
#include "core.h"

/* Each type's code in the struct module. BF16 and the codes of state have none of their own. */
static const struct {
    enum adadelta_dtype dtype;
    const char *format;
} formats[] = {
    {ADADELTA_F32, "f"},  {ADADELTA_F64, "d"}, {ADADELTA_F16, "e"},
    {ADADELTA_BF16, "H"}, {ADADELTA_U16, "H"}, {ADADELTA_U8, "B"},
};
enum { FLOATS = 3, FORMATS = sizeof formats / sizeof *formats };

static const char *format_of(enum adadelta_dtype dtype)
{
    for (size_t k = 0; k < FORMATS; k++) {
        if (formats[k].dtype == dtype)
            return formats[k].format;
    }
    return NULL;
}

/* ---- Python's arrays ---- */

const char *label(char what[LABEL], const char *argument, const char *name)
{
    PyOS_snprintf(what, LABEL, "%s: array '%.80s'", argument, name);
    return what;
}

int array_is(const Py_buffer *view, enum adadelta_dtype dtype)
{
    const char native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>', *format = view->format;
    if (!format) /* as the protocol has it */
        return dtype == ADADELTA_U8;
    if (*format == '@' || *format == '=' || *format == native) /* the machine's order spelled out */
        format++;
    return strcmp(format, format_of(dtype)) == 0;
}

/* The type of floating-point numbers, or DEFAULT. */
static enum adadelta_dtype dtype_of(const Py_buffer *view)
{
    size_t k = 0;
    while (k < FLOATS && !array_is(view, formats[k].dtype))
        k++;
    return k < FLOATS ? formats[k].dtype : ADADELTA_DTYPE_DEFAULT;
}

/* Raises what is set, of a type that an exporter has chosen, once more with the array's name in front. */
static void prefix(const char *what)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (PyErr_GivenExceptionMatches(type, PyExc_ValueError) || PyErr_GivenExceptionMatches(type, PyExc_BufferError))
        PyErr_Format(PyExc_ValueError, "%s cannot be read: %S", what, value ? value : type);
    else
        PyErr_Restore(type, value, trace), type = value = trace = NULL;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

/* Puts our words in place of Python's about a buffer that could not be had. */
static void explain(PyObject *object, const char *what, int writable)
{
    Py_buffer any;
    PyErr_Clear();
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be an array, as of NumPy (a list is one of arrays), not %.80s", what,
                     Py_TYPE(object)->tp_name);
        return;
    }
    if (PyObject_GetBuffer(object, &any, PyBUF_FULL_RO)) {
        prefix(what);
        return;
    }
    const int read_only = writable && any.readonly;
    PyBuffer_Release(&any);
    PyErr_Format(PyExc_ValueError,
                 read_only ? "%s is read-only" : "%s must lie in one piece, row-major (see numpy.ascontiguousarray)",
                 what);
}

int array_hold(PyObject *object, const char *what, int writable, Py_buffer *view, enum adadelta_dtype *dtype)
{
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    if (!PyObject_CheckBuffer(object) || PyObject_GetBuffer(object, view, flags)) {
        explain(object, what, writable);
        return -1;
    }
    *dtype = dtype_of(view);
    if (*dtype != ADADELTA_DTYPE_DEFAULT)
        return 0;
    PyErr_Format(
        PyExc_TypeError,
        "%s must hold float32, float64 or float16 in this machine's byte order (see numpy's astype), not numbers of "
        "format '%.20s'",
        what, view->format ? view->format : "B");
    PyBuffer_Release(view);
    return -1;
}

int array_form(const Py_buffer *view, const char *what, enum adadelta_dtype dtype, struct adadelta_tensor *tensor)
{
    if (view->ndim > ADADELTA_MAX_DIMS) {
        PyErr_Format(PyExc_ValueError, "%s has %d dimensions, at most %d will do", what, view->ndim, ADADELTA_MAX_DIMS);
        return -1;
    }
    tensor->dtype = dtype;
    tensor->ndim = (size_t)view->ndim;
    for (int k = 0; k < view->ndim; k++)
        tensor->shape[k] = (size_t)view->shape[k];
    return 0;
}

/* ---- The library's ---- */

struct lent {
    PyObject_HEAD PyObject *owner;
    void *values;
    const char *format;
    Py_ssize_t size; /* of an element */
    int ndim;
    Py_ssize_t shape[ADADELTA_MAX_DIMS], strides[ADADELTA_MAX_DIMS];
};

static void lent_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((struct lent *)self)->owner);
    type->tp_free(self);
    Py_DECREF(type);
}

static int lent_lend(PyObject *self, Py_buffer *view, int flags)
{
    struct lent *lent = (struct lent *)self;
    Py_ssize_t bytes = lent->size;
    for (int k = 0; k < lent->ndim; k++)
        bytes *= lent->shape[k];
    if (PyBuffer_FillInfo(view, self, lent->values, bytes, 0, flags))
        return -1;
    view->itemsize = lent->size;
    view->format = flags & PyBUF_FORMAT ? (char *)lent->format : NULL;
    view->ndim = lent->ndim;
    view->shape = flags & PyBUF_ND ? lent->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? lent->strides : NULL;
    return 0;
}

static PyType_Slot lent_slots[] = {
    {Py_tp_dealloc, lent_free},
    {Py_bf_getbuffer, lent_lend},
    {Py_tp_doc, "Memory of an optimizer's, for numpy.asarray, memoryview or torch.frombuffer."},
    {0, NULL},
};
static PyType_Spec lent_spec = {"adadelta._core.Array", sizeof(struct lent), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, lent_slots};
static PyObject *lent_type;

int lent_array_ready(PyObject *module)
{
    if (!lent_type)
        lent_type = PyType_FromSpec(&lent_spec);
    return lent_type ? PyModule_AddObjectRef(module, "Array", lent_type) : -1;
}

PyObject *lent_array(PyObject *owner, const struct adadelta_tensor *array)
{
    struct lent *lent = PyObject_New(struct lent, (PyTypeObject *)lent_type);
    if (!lent)
        return NULL;
    Py_INCREF(owner);
    lent->owner = owner;
    lent->values = array->values;
    lent->format = format_of(array->dtype);
    lent->size = (Py_ssize_t)adadelta_dtype_size(array->dtype);
    lent->ndim = (int)array->ndim;
    Py_ssize_t stride = lent->size;
    for (int k = lent->ndim; k-- > 0;) {
        lent->shape[k] = (Py_ssize_t)array->shape[k];
        lent->strides[k] = stride;
        stride *= lent->shape[k];
    }
    return (PyObject *)lent;
}
