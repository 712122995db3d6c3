/* SPDX-License-Identifier: MIT */
/* See jansson.h. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "jansson.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The objects are Python's. */
static PyObject *python(const json_t *json)
{
    return (PyObject *)(size_t)json;
}

/* A new object as json_t; NULL, and no error left behind, where it could not be made. */
static json_t *taken(PyObject *object)
{
    PyErr_Clear();
    return (json_t *)object;
}

/* ---- Values ---- */

json_t *json_object(void)
{
    return taken(PyDict_New());
}

json_t *json_array(void)
{
    return taken(PyList_New(0));
}

json_t *json_string(const char *value)
{
    return taken(value ? PyUnicode_DecodeUTF8(value, (Py_ssize_t)strlen(value), NULL) : NULL);
}

json_t *json_integer(json_int_t value)
{
    return taken(PyLong_FromLongLong(value));
}

json_t *json_real(double value)
{
    return taken(isfinite(value) ? PyFloat_FromDouble(value) : NULL);
}

json_t *json_boolean(int value)
{
    return taken(PyBool_FromLong(value));
}

void json_decref(json_t *json)
{
    Py_XDECREF(python(json));
}

int json_is_object(const json_t *json)
{
    return json && PyDict_Check(python(json));
}

int json_is_array(const json_t *json)
{
    return json && PyList_Check(python(json));
}

int json_is_string(const json_t *json)
{
    return json_string_value(json) != NULL;
}

/* Whether it is a whole number that long long can hold, which is then *value. */
static int whole_number(const json_t *json, json_int_t *value)
{
    int beyond = 0;
    if (!json || !PyLong_Check(python(json)) || PyBool_Check(python(json)))
        return 0;
    *value = PyLong_AsLongLongAndOverflow(python(json), &beyond);
    return !beyond;
}

int json_is_integer(const json_t *json)
{
    json_int_t value;
    return whole_number(json, &value);
}

int json_is_number(const json_t *json)
{
    return json_is_integer(json) || (json && PyFloat_Check(python(json)) && isfinite(json_number_value(json)));
}

int json_is_boolean(const json_t *json)
{
    return json && PyBool_Check(python(json));
}

int json_is_true(const json_t *json)
{
    return python(json) == Py_True;
}

const char *json_string_value(const json_t *json)
{
    Py_ssize_t length = 0;
    const char *text = json && PyUnicode_Check(python(json)) ? PyUnicode_AsUTF8AndSize(python(json), &length) : NULL;
    PyErr_Clear();
    return text && strlen(text) == (size_t)length ? text : NULL;
}

json_int_t json_integer_value(const json_t *json)
{
    json_int_t value = 0;
    return whole_number(json, &value) ? value : 0;
}

double json_number_value(const json_t *json)
{
    json_int_t value = 0;
    if (json && PyFloat_Check(python(json)))
        return PyFloat_AS_DOUBLE(python(json));
    return whole_number(json, &value) ? (double)value : 0;
}

/* ---- Objects and arrays ---- */

size_t json_object_size(const json_t *object)
{
    return json_is_object(object) ? (size_t)PyDict_Size(python(object)) : 0;
}

json_t *json_object_get(const json_t *object, const char *key)
{
    return json_is_object(object) && key ? (json_t *)PyDict_GetItemString(python(object), key) : NULL;
}

int json_object_set(json_t *object, const char *key, json_t *value)
{
    const int failed = !json_is_object(object) || !value || PyDict_SetItemString(python(object), key, python(value));
    PyErr_Clear();
    return failed ? -1 : 0;
}

int json_object_set_new(json_t *object, const char *key, json_t *value)
{
    const int failed = json_object_set(object, key, value);
    json_decref(value);
    return failed;
}

int json_object_next(const json_t *object, ptrdiff_t *at, const char **key, json_t **value)
{
    PyObject *name, *item;
    Py_ssize_t place = *at;
    if (!json_is_object(object) || !PyDict_Next(python(object), &place, &name, &item))
        return 0;
    *at = place;
    *key = json_string_value((json_t *)name);
    *value = (json_t *)item;
    return *key != NULL;
}

size_t json_array_size(const json_t *array)
{
    return json_is_array(array) ? (size_t)PyList_GET_SIZE(python(array)) : 0;
}

json_t *json_array_get(const json_t *array, size_t k)
{
    return k < json_array_size(array) ? (json_t *)PyList_GET_ITEM(python(array), (Py_ssize_t)k) : NULL;
}

int json_array_append_new(json_t *array, json_t *value)
{
    const int failed = !json_is_array(array) || !value || PyList_Append(python(array), python(value));
    PyErr_Clear();
    json_decref(value);
    return failed ? -1 : 0;
}

/* ---- Several values at once ---- */

/* The letter of the next value of a flat format, behind its key's; 0 at the end. Moves *format. */
static char next_letter(const char **format)
{
    *format += strspn(*format, "{}:, ");
    if (**format != 's')
        return 0;
    *format += 1 + strspn(*format + 1, ": ");
    return **format ? *(*format)++ : 0;
}

json_t *json_pack(const char *format, ...)
{
    json_t *object = json_object();
    int failed = !object;
    va_list values;
    va_start(values, format);
    for (char letter = next_letter(&format); letter && !failed; letter = next_letter(&format)) {
        const char *key = va_arg(values, const char *);
        json_t *value = NULL;
        if (letter == 's')
            value = json_string(va_arg(values, const char *));
        else if (letter == 'I')
            value = json_integer(va_arg(values, json_int_t));
        else if (letter == 'i')
            value = json_integer(va_arg(values, int));
        else if (letter == 'b')
            value = json_boolean(va_arg(values, int));
        else if (letter == 'f')
            value = json_real(va_arg(values, double));
        failed = json_object_set_new(object, key, value);
    }
    va_end(values);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

int json_unpack(json_t *object, const char *format, ...)
{
    int good = json_is_object(object);
    va_list places;
    va_start(places, format);
    for (char letter = next_letter(&format); letter && good; letter = next_letter(&format)) {
        const json_t *value = json_object_get(object, va_arg(places, const char *));
        if (letter == 's')
            good = (*va_arg(places, const char **) = json_string_value(value)) != NULL;
        else if (letter == 'I')
            good = whole_number(value, va_arg(places, json_int_t *));
        else if (letter == 'b')
            *va_arg(places, int *) = json_is_true(value), good = json_is_boolean(value);
        else if (letter == 'F')
            *va_arg(places, double *) = json_number_value(value), good = json_is_number(value);
        else
            good = 0;
    }
    va_end(places);
    return good ? 0 : -1;
}

/* ---- Texts ---- */

/* An object's pairs as a dict; a key must be one, once, and a text that C can hold. */
static PyObject *unique_pairs(PyObject *self, PyObject *pairs)
{
    (void)self;
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict && i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i), *key = PyTuple_GET_ITEM(pair, 0);
        const int twice = PyDict_Contains(dict, key);
        if (twice > 0)
            PyErr_Format(PyExc_ValueError, "duplicate object key near '%.80U'", key);
        else if (!json_is_string((json_t *)key))
            PyErr_SetString(PyExc_ValueError, "an object key is no text");
        if (twice || PyErr_Occurred() || PyDict_SetItem(dict, key, PyTuple_GET_ITEM(pair, 1)))
            Py_CLEAR(dict);
    }
    return dict;
}

/* NaN and infinities are not JSON, though Python reads them. */
static PyObject *refuse_constant(PyObject *self, PyObject *name)
{
    (void)self;
    return PyErr_Format(PyExc_ValueError, "'%U' is not JSON", name);
}

static PyMethodDef unique_pairs_method = {"unique_pairs", unique_pairs, METH_O, NULL};
static PyMethodDef refuse_constant_method = {"refuse_constant", refuse_constant, METH_O, NULL};

/* Calls json.NAME with one argument and keywords {s:O, ...} as Py_BuildValue takes them. */
static PyObject *call_json(const char *name, PyObject *argument, PyObject *keywords)
{
    PyObject *module = PyImport_ImportModule("json");
    PyObject *function = module ? PyObject_GetAttrString(module, name) : NULL;
    PyObject *arguments = argument ? PyTuple_Pack(1, argument) : NULL;
    PyObject *result = function && arguments && keywords ? PyObject_Call(function, arguments, keywords) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    return result;
}

/* Puts what Python says into error, and clears it; but what is no failure of ours (KeyboardInterrupt) stays set. */
static void say_why(json_error_t *error)
{
    PyObject *type, *value, *trace;
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
        return;
    PyErr_Fetch(&type, &value, &trace);
    if (error && type && !PyErr_GivenExceptionMatches(type, PyExc_MemoryError)) {
        PyObject *words = value ? PyObject_Str(value) : NULL;
        const char *text = words ? PyUnicode_AsUTF8(words) : NULL;
        PyOS_snprintf(error->text, sizeof error->text, "%s", text && *text ? text : "not JSON");
        Py_XDECREF(words);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyErr_Clear();
}

json_t *json_loadb(const char *text, size_t length, size_t flags, json_error_t *error)
{
    (void)flags;
    PyObject *pairs = PyCFunction_New(&unique_pairs_method, NULL);
    PyObject *constant = PyCFunction_New(&refuse_constant_method, NULL);
    PyObject *words = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, NULL);
    PyObject *keywords = pairs && constant && words
                             ? Py_BuildValue("{s:O, s:O}", "object_pairs_hook", pairs, "parse_constant", constant)
                             : NULL;
    PyObject *json = keywords ? call_json("loads", words, keywords) : NULL;
    if (!json)
        say_why(error);
    Py_XDECREF(pairs);
    Py_XDECREF(constant);
    Py_XDECREF(words);
    Py_XDECREF(keywords);
    return (json_t *)json;
}

json_t *json_loads(const char *text, size_t flags, json_error_t *error)
{
    return json_loadb(text, strlen(text), flags, error);
}

/* The text as Python's bytes, or NULL. */
static PyObject *dump(const json_t *json)
{
    PyObject *keywords = Py_BuildValue("{s:(ss), s:O}", "separators", ",", ":", "ensure_ascii", Py_False);
    PyObject *words = json && keywords ? call_json("dumps", python(json), keywords) : NULL;
    PyObject *bytes = words ? PyUnicode_AsUTF8String(words) : NULL;
    Py_XDECREF(keywords);
    Py_XDECREF(words);
    say_why(NULL);
    return bytes;
}

size_t json_dumpb(const json_t *json, char *text, size_t size, size_t flags)
{
    (void)flags;
    PyObject *bytes = dump(json);
    const size_t length = bytes ? (size_t)PyBytes_GET_SIZE(bytes) : 0;
    if (bytes && text && length <= size)
        memcpy(text, PyBytes_AS_STRING(bytes), length);
    Py_XDECREF(bytes);
    return length;
}

char *json_dumps(const json_t *json, size_t flags)
{
    (void)flags;
    PyObject *bytes = dump(json);
    const size_t size = bytes ? (size_t)PyBytes_GET_SIZE(bytes) + 1 : 0;
    char *text = bytes ? malloc(size) : NULL;
    if (text)
        memcpy(text, PyBytes_AS_STRING(bytes), size);
    Py_XDECREF(bytes);
    return text;
}
