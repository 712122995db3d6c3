/* SPDX-License-Identifier: MIT */
/* What every format has in common: finding the right one, and copying, comparing and freeing what it read. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format.h"
#include "texts.h"

/* ---- Reading and freeing ---- */

static const struct data_format *find_format(const struct source *source)
{
    size_t k = 0, size = source->end - source->start;
    while (k + 1 < data_format_count && !data_formats[k].detect(source->bytes + source->start, size))
        k++;
    return &data_formats[k];
}

enum verdict dataset_read(struct dataset *data, const struct dataset_request *request, struct trouble *trouble)
{
    struct source source;
    *data = (struct dataset){0};
    enum verdict verdict = source_open(&source, request->path, trouble);
    if (verdict)
        return verdict;
    verdict = source_need(&source, FORMAT_HEAD, trouble);
    if (!verdict && !(data->path = strdup(request->path)))
        verdict = blame_memory(trouble);
    if (!verdict)
        verdict = find_format(&source)->read(data, &source, request, trouble);
    source_close(&source);
    if (verdict)
        dataset_free(data);
    return verdict;
}

void dataset_free(struct dataset *data)
{
    free(data->path);
    free(data->labels_path);
    free(data->values);
    free(data->pixels);
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
    if (count > SIZE_MAX / sizeof(double) / (data->columns ? data->columns : 1))
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
    if (lacks(out->path, data->path) || lacks(out->labels_path, data->labels_path) ||
        lacks(out->target_name, data->target_name) || lacks(out->column_names, data->column_names) ||
        lacks(out->class_names, data->class_names) || lacks(out->values, data->values) ||
        lacks(out->pixels, data->pixels) || lacks(out->labels, data->labels) || lacks(out->numbers, data->numbers)) {
        dataset_free(out);
        return blame_memory(trouble);
    }
    return DONE;
}

/* ---- Fingerprint ---- */

/* Numbers go into the sum as 8 bytes each, the lowest first, whatever the machine's own order is. */
static uLong sum_number(uLong sum, uint64_t number)
{
    unsigned char bytes[8];
    for (int k = 0; k < 8; k++)
        bytes[k] = (unsigned char)(number >> 8 * k);
    return crc32(sum, bytes, sizeof bytes);
}

static uLong sum_doubles(uLong sum, const double *values, size_t count)
{
    for (size_t k = 0; values && k < count; k++) {
        uint64_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        sum = sum_number(sum, bits);
    }
    return sum;
}

uint32_t dataset_fingerprint(const struct dataset *data)
{
    uLong sum = crc32(0, NULL, 0);
    sum = sum_number(sum, data->rows);
    sum = sum_number(sum, data->columns);
    sum = sum_number(sum, data->target);
    sum = sum_doubles(sum, data->values, data->rows * data->columns);
    for (size_t row = 0; data->pixels && row < data->rows; row++)
        sum = crc32_z(sum, data->pixels + row * data->columns, data->columns);
    sum = sum_doubles(sum, data->numbers, data->rows);
    for (size_t row = 0; data->labels && row < data->rows; row++)
        sum = sum_number(sum, (uint64_t)data->labels[row]);
    for (size_t k = 0; k < data->classes; k++)
        sum = crc32_z(sum, (const unsigned char *)data->class_names[k], strlen(data->class_names[k]) + 1);
    return (uint32_t)sum;
}
