/* SPDX-License-Identifier: MIT */
/* Python's arrays as the trainer's datasets, without a copy. */
#ifndef PYTHON_TRAINER_ROWS_H
#define PYTHON_TRAINER_ROWS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dataset.h"

enum { MOST_VIEWS = 4 };

struct rows {
    struct dataset data; /* borrows from the views, and its names from the caller; not for dataset_free */
    Py_buffer views[MOST_VIEWS];
    size_t view_count;
};

/* An array with as many dimensions as ndim, C-contiguous, of one of these types (letters of struct's formats) and this
   size. 0, or -1 with an exception that says what is wrong with `what`. */
int take_array(PyObject *object, const char *what, const char *types, Py_ssize_t size, int ndim, int writable,
               Py_buffer *view);

/* features is an array [rows, columns] of doubles, or (row_start, columns, values, number of columns): sparse rows,
   as in struct sparse, every number in them checked. target is None, for classes (kind TARGET_CLASS) an array [rows]
   of int32 below classes, or an array [rows] of doubles. 0, or -1 with an exception; release it in either case. */
int rows_take(struct rows *rows, PyObject *features, PyObject *target, enum target_kind kind, size_t classes);

void rows_release(struct rows *rows);

#endif
