/* SPDX-License-Identifier: MIT */
/* See trainer_rows.h. */
#include "trainer_rows.h"

#include <limits.h>
#include <string.h>

static char data_name[] = "the data";

int take_array(PyObject *object, const char *what, const char *types, Py_ssize_t size, int ndim, int writable,
               Py_buffer *view)
{
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags))
        return -1;
    const char *format = view->format ? view->format : "B";
    if (view->ndim == ndim && view->itemsize == size && strlen(format) == 1 && strchr(types, *format))
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: expected %d dimensions of type %c, found %d of type %s", what, ndim, *types,
                 view->ndim, format);
    PyBuffer_Release(view);
    return -1;
}

/* As take_array, to be released with the rows. Returns its start, and its length in *length; NULL with an exception. */
static void *take(struct rows *rows, PyObject *object, const char *what, const char *types, Py_ssize_t size,
                  size_t *length)
{
    Py_buffer *view = &rows->views[rows->view_count];
    if (take_array(object, what, types, size, 1, 0, view))
        return NULL;
    rows->view_count++;
    *length = (size_t)view->shape[0];
    return view->buf;
}

static int refuse(const char *text)
{
    PyErr_SetString(PyExc_ValueError, text);
    return -1;
}

static int take_dense(struct rows *rows, PyObject *features)
{
    Py_buffer *view = &rows->views[rows->view_count];
    if (take_array(features, "features", "d", sizeof(double), 2, 0, view))
        return -1;
    rows->view_count++;
    rows->data.rows = (size_t)view->shape[0];
    rows->data.columns = (size_t)view->shape[1];
    rows->data.values = view->buf;
    return 0;
}

static int check_sparse(const struct dataset *data, size_t column_count, size_t value_count)
{
    const struct sparse *sparse = &data->sparse;
    if (sparse->row_start[0] != 0 || column_count != value_count)
        return refuse("features: row_start begins at 0, and there are as many columns as values");
    for (size_t row = 0; row < data->rows; row++) {
        if (sparse->row_start[row + 1] < sparse->row_start[row] || sparse->row_start[row + 1] > value_count)
            return refuse("features: row_start must rise to the number of values");
        for (size_t k = sparse->row_start[row]; k < sparse->row_start[row + 1]; k++) {
            if (sparse->columns[k] >= data->columns ||
                (k > sparse->row_start[row] && sparse->columns[k] <= sparse->columns[k - 1]))
                return refuse("features: the columns of a sparse row must rise, below their number");
        }
    }
    return 0;
}

static int take_sparse(struct rows *rows, PyObject *features)
{
    struct sparse *sparse = &rows->data.sparse;
    PyObject *row_start, *columns, *values;
    Py_ssize_t width;
    size_t starts, column_count, value_count;
    if (!PyArg_ParseTuple(features, "OOOn;sparse features are (row_start, columns, values, width)", &row_start,
                          &columns, &values, &width))
        return -1;
    sparse->row_start = take(rows, row_start, "row_start", "LQ", sizeof(size_t), &starts);
    sparse->columns = sparse->row_start ? take(rows, columns, "columns", "IL", sizeof(uint32_t), &column_count) : NULL;
    sparse->values = sparse->columns ? take(rows, values, "values", "d", sizeof(double), &value_count) : NULL;
    if (!sparse->values)
        return -1;
    if (starts < 1 || width < 0)
        return refuse("features: row_start is empty, or the width negative");
    rows->data.rows = starts - 1;
    rows->data.columns = (size_t)width;
    return check_sparse(&rows->data, column_count, value_count);
}

static int take_target(struct rows *rows, PyObject *target, enum target_kind kind, size_t classes)
{
    struct dataset *data = &rows->data;
    size_t length = 0;
    data->target = kind;
    data->classes = classes;
    if (kind == TARGET_NUMBER)
        data->numbers = take(rows, target, "target", "d", sizeof(double), &length);
    else
        data->labels = take(rows, target, "target", "il", sizeof(int32_t), &length);
    if (!data->numbers && !data->labels)
        return -1;
    if (length != data->rows)
        return refuse("target: has another length than there are rows");
    for (size_t row = 0; data->labels && row < length; row++) {
        if ((size_t)data->labels[row] >= classes) /* as a negative one is, too */
            return refuse("target: a label is no class's number");
    }
    return 0;
}

int rows_take(struct rows *rows, PyObject *features, PyObject *target, enum target_kind kind, size_t classes)
{
    *rows = (struct rows){.data = {.path = data_name}};
    if (PyTuple_Check(features) ? take_sparse(rows, features) : take_dense(rows, features))
        return -1;
    if (rows->data.rows < 1 || rows->data.columns < 1 || rows->data.columns > INT_MAX)
        return refuse("features: there must be a row and a column, and not too many columns");
    return target == Py_None ? 0 : take_target(rows, target, kind, classes);
}

void rows_release(struct rows *rows)
{
    while (rows->view_count > 0)
        PyBuffer_Release(&rows->views[--rows->view_count]);
}
