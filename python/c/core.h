/* SPDX-License-Identifier: MIT */
/* core.h - what the files of the extension module adadelta._core share. It binds the public header, one Python method
   for one C function; shapes of an interface for people are made of it in Python (src/adadelta/). */
#ifndef ADADELTA_PYTHON_CORE_H
#define ADADELTA_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <adadelta.h>

/* ---- Errors (core_errors.c) ---- */

/* Python's exceptions of this module. */
extern PyObject *nonfinite_error, *checkpoint_error;

/* Makes them and adds them to the module. -1: Python's error is set. */
int errors_add(PyObject *module);

/* Raises what fits a status, with text or, where that is NULL or empty, the status's own. Returns NULL. */
PyObject *raise_status(enum adadelta_status status, const char *text);

/* ---- Names (core_names.c) ---- */

/* Adds to the module the names of all enumerations of the header, {"method": ("adadelta", ...), ...}, and the texts. */
int names_add(PyObject *module);

/* The header's lists of names. */
enum choice {
    CHOICE_METHOD,
    CHOICE_DTYPE, /* in lower case; None is the default */
    CHOICE_WEIGHTS,
    CHOICE_NONFINITE,
    CHOICE_DUPLICATES,
    CHOICE_AVERAGING,
    CHOICE_SCHEDULE,
    CHOICE_COUNT
};

/* The value of a choice by its name, or -1 with ValueError or TypeError set, which says what the setting's name is and
   what it may be. Name of a value, borrowed static. */
int choice_by_name(enum choice choice, const char *setting, PyObject *name);
PyObject *choice_name(enum choice choice, int value);

/* ---- Settings (core_settings.c) ---- */

/* A struct's fields by name. */
enum field_kind { FIELD_REAL, FIELD_FLAG, FIELD_INT, FIELD_COUNT, FIELD_SIZE, FIELD_CHOICE };
struct field {
    const char *name;
    size_t offset;
    enum field_kind kind;
    enum choice choice;
};

/* The tables, each ending with a name NULL. */
extern const struct field hyper_fields[], options_fields[], gradients_fields[], schedule_fields[], tensor_fields[],
    counts_fields[], stats_fields[], minimize_fields[], minimize_result_fields[];

/* Takes a dict's items into the struct at owner; what the dict lacks stays. -1: an error that names the item is set:
   an unknown name, a wrong type, a number out of its type's range. */
int fields_read(const struct field *fields, PyObject *dict, void *owner);

/* The struct as a new dict. */
PyObject *fields_dict(const struct field *fields, const void *owner);

/* ---- Arrays (core_array.c) ---- */

/* Writes "w: array 'bias'", an argument's array as errors call it, to what, and returns it. */
enum { LABEL = 128 };
const char *label(char what[LABEL], const char *argument, const char *name);

/* Takes hold of an array's memory by the buffer protocol: floating-point numbers in one piece, row-major, writable if
   asked. what names the array in errors. -1: an error is set, and nothing is held. */
int array_hold(PyObject *object, const char *what, int writable, Py_buffer *view, enum adadelta_dtype *dtype);

/* Fills a tensor's dtype, ndim and shape from a buffer. -1: it has too many dimensions; an error is set. */
int array_form(const Py_buffer *view, const char *what, enum adadelta_dtype dtype, struct adadelta_tensor *tensor);

/* Whether a buffer is native numbers of a type: BF16 and the codes of state are whole numbers there. */
int array_is(const Py_buffer *view, enum adadelta_dtype dtype);

/* An object that lends memory of an optimizer's to Python and keeps owner alive meanwhile. */
PyObject *lent_array(PyObject *owner, const struct adadelta_tensor *array);
int lent_array_ready(PyObject *module); /* adds its type */

/* ---- Types and functions of the module ---- */

struct optimizer; /* core_optimizer.h */
PyObject *optimizer_type(void);
PyObject *minimize(PyObject *module, PyObject *arguments, PyObject *keywords); /* core_minimize.c */
extern const char minimize_doc[];

#endif
