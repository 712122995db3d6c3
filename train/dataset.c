/* SPDX-License-Identifier: MIT */
/* A dataset in memory: freeing it, and choosing rows of it. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "texts.h"

void dataset_free(struct dataset *data)
{
    free(data->path);
    free(data->labels_path);
    free(data->values);
    free(data->pixels);
    free(data->sparse.row_start);
    free(data->sparse.columns);
    free(data->sparse.values);
    texts_free(data->column_names, data->columns);
    free(data->target_name);
    free(data->labels);
    free(data->numbers);
    texts_free(data->class_names, data->classes);
    *data = (struct dataset){0};
}

/* ---- Choosing rows ---- */

/* A copy of the rows listed, of size bytes each; NULL stays NULL. */
static void *copy_rows(const void *rows, size_t size, const size_t *index, size_t count)
{
    char *copy = rows ? malloc(count ? count * size : 1) : NULL;
    for (size_t k = 0; k < count && copy; k++)
        memcpy(copy + k * size, (const char *)rows + index[k] * size, size);
    return copy;
}

/* The rows listed of a sparse table; 0 without memory. */
static int copy_sparse(struct sparse *copy, const struct sparse *from, const size_t *index, size_t count)
{
    if (!from->row_start)
        return 1;
    copy->row_start = malloc((count + 1) * sizeof *copy->row_start);
    if (!copy->row_start)
        return 0;
    copy->row_start[0] = 0;
    for (size_t k = 0; k < count; k++)
        copy->row_start[k + 1] = copy->row_start[k] + from->row_start[index[k] + 1] - from->row_start[index[k]];
    const size_t length = copy->row_start[count];
    copy->columns = malloc(length ? length * sizeof *copy->columns : 1);
    copy->values = malloc(length ? length * sizeof *copy->values : 1);
    for (size_t k = 0; k < count && copy->columns && copy->values; k++) {
        const size_t to = copy->row_start[k], size = copy->row_start[k + 1] - to, start = from->row_start[index[k]];
        if (!size)
            continue;
        memcpy(copy->columns + to, from->columns + start, size * sizeof *copy->columns);
        memcpy(copy->values + to, from->values + start, size * sizeof *copy->values);
    }
    return copy->columns && copy->values;
}

/* 1 where there was something to copy, but no memory for it. */
static int lacks(const void *copy, const void *original)
{
    return original && !copy;
}

enum verdict dataset_select(struct dataset *out, const struct dataset *data, const size_t *index, size_t count,
                            struct trouble *trouble)
{
    *out = (struct dataset){0};
    for (size_t k = 0; k < count; k++) {
        if (index[k] >= data->rows)
            return blame(trouble, MISUSE, "row %zu of %zu cannot be selected", index[k], data->rows);
    }
    if (!data->sparse.row_start && count > SIZE_MAX / sizeof(double) / (data->columns ? data->columns : 1))
        return blame_memory(trouble);
    out->rows = count;
    out->columns = data->columns;
    out->target = data->target;
    out->classes = data->classes;
    out->path = data->path ? strdup(data->path) : NULL;
    out->labels_path = data->labels_path ? strdup(data->labels_path) : NULL;
    out->target_name = data->target_name ? strdup(data->target_name) : NULL;
    out->column_names = texts_copy((const char *const *)data->column_names, data->columns);
    out->class_names = texts_copy((const char *const *)data->class_names, data->classes);
    out->values = copy_rows(data->values, data->columns * sizeof *data->values, index, count);
    out->pixels = copy_rows(data->pixels, data->columns, index, count);
    out->labels = copy_rows(data->labels, sizeof *data->labels, index, count);
    out->numbers = copy_rows(data->numbers, sizeof *data->numbers, index, count);
    if (!copy_sparse(&out->sparse, &data->sparse, index, count) || lacks(out->path, data->path) ||
        lacks(out->labels_path, data->labels_path) || lacks(out->target_name, data->target_name) ||
        lacks(out->column_names, data->column_names) || lacks(out->class_names, data->class_names) ||
        lacks(out->values, data->values) || lacks(out->pixels, data->pixels) || lacks(out->labels, data->labels) ||
        lacks(out->numbers, data->numbers)) {
        dataset_free(out);
        return blame_memory(trouble);
    }
    return DONE;
}
