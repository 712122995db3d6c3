/* SPDX-License-Identifier: MIT */
/* See samples.h. */
#include "samples.h"

#include <stdlib.h>
#include <string.h>

#include "elementwise.h"

static int scale_table(struct samples *samples, const struct dataset *data, const struct scale *scale)
{
    samples->values = malloc(data->rows * data->columns * sizeof *samples->values);
    if (!samples->values)
        return 0;
    const double *value = data->values;
    float *to = samples->values;
    for (size_t r = 0; r < data->rows; r++) {
        for (size_t c = 0; c < data->columns; c++)
            *to++ = (float)((*value++ - scale->offset[c]) * scale->factor[c]);
    }
    return 1;
}

static int copy_pixels(struct samples *samples, const struct dataset *data, const struct scale *scale)
{
    samples->pixels = malloc(data->rows * data->columns);
    samples->offset = malloc(data->columns * sizeof *samples->offset);
    samples->factor = malloc(data->columns * sizeof *samples->factor);
    if (!samples->pixels || !samples->offset || !samples->factor)
        return 0;
    memcpy(samples->pixels, data->pixels, data->rows * data->columns);
    for (size_t c = 0; c < data->columns; c++) {
        samples->offset[c] = (float)scale->offset[c];
        samples->factor[c] = (float)scale->factor[c];
    }
    return 1;
}

static float scaled(double value, const struct scale *scale, size_t column)
{
    return (float)((value - scale->offset[column]) * scale->factor[column]);
}

static int scale_sparse(struct samples *samples, const struct dataset *data, const struct scale *scale)
{
    const struct sparse *sparse = &data->sparse;
    const size_t length = sparse->row_start[data->rows];
    samples->row_start = malloc((data->rows + 1) * sizeof *samples->row_start);
    samples->places = malloc(length ? length * sizeof *samples->places : 1);
    samples->nonzeros = malloc(length ? length * sizeof *samples->nonzeros : 1);
    samples->zeros = malloc(data->columns * sizeof *samples->zeros);
    if (!samples->row_start || !samples->places || !samples->nonzeros || !samples->zeros)
        return 0;
    memcpy(samples->row_start, sparse->row_start, (data->rows + 1) * sizeof *samples->row_start);
    for (size_t k = 0; k < length; k++) {
        samples->places[k] = sparse->columns[k];
        samples->nonzeros[k] = scaled(sparse->values[k], scale, sparse->columns[k]);
    }
    for (size_t c = 0; c < data->columns; c++)
        samples->zeros[c] = scaled(0, scale, c);
    return 1;
}

static int copy_features(struct samples *samples, const struct dataset *data, const struct scale *scale)
{
    if (data->sparse.row_start)
        return scale_sparse(samples, data, scale);
    return data->pixels ? copy_pixels(samples, data, scale) : scale_table(samples, data, scale);
}

static int copy_target(struct samples *samples, const struct dataset *data, const struct scale *target)
{
    if (data->target == TARGET_CLASS) {
        samples->labels = malloc(data->rows * sizeof *samples->labels);
        if (samples->labels)
            memcpy(samples->labels, data->labels, data->rows * sizeof *samples->labels);
        return samples->labels != NULL;
    }
    if (data->target == TARGET_NUMBER) {
        samples->numbers = malloc(data->rows * sizeof *samples->numbers);
        for (size_t r = 0; samples->numbers && r < data->rows; r++)
            samples->numbers[r] = (float)((data->numbers[r] - target->offset[0]) * target->factor[0]);
        return samples->numbers != NULL;
    }
    return 1;
}

enum verdict samples_create(struct samples *samples, const struct dataset *data, const struct scale *scale,
                            const struct scale *target, struct trouble *trouble)
{
    *samples = (struct samples){.rows = data->rows, .columns = data->columns};
    if (copy_features(samples, data, scale) && (!target || copy_target(samples, data, target)))
        return DONE;
    samples_free(samples);
    return blame_memory(trouble);
}

void samples_free(struct samples *samples)
{
    free(samples->values);
    free(samples->pixels);
    free(samples->offset);
    free(samples->factor);
    free(samples->row_start);
    free(samples->places);
    free(samples->nonzeros);
    free(samples->zeros);
    free(samples->labels);
    free(samples->numbers);
    *samples = (struct samples){0};
}

static void gather_sparse(const struct samples *samples, size_t row, float *x)
{
    memcpy(x, samples->zeros, samples->columns * sizeof *x);
    for (size_t k = samples->row_start[row]; k < samples->row_start[row + 1]; k++)
        x[samples->places[k]] = samples->nonzeros[k];
}

/* Row number row into x [columns]. */
static void gather_row(const struct samples *samples, const struct elementwise *each, size_t row, float *x)
{
    const size_t columns = samples->columns;
    if (samples->row_start)
        gather_sparse(samples, row, x);
    else if (samples->values)
        memcpy(x, samples->values + row * columns, columns * sizeof *x);
    else
        each->scale_bytes(x, samples->pixels + row * columns, samples->offset, samples->factor, columns);
}

void samples_gather(const struct samples *samples, const size_t *order, size_t first, size_t count, float *x,
                    int32_t *labels, float *numbers)
{
    const struct elementwise *each = elementwise_in_use();
#pragma omp for schedule(static)
    for (size_t i = 0; i < count; i++) {
        const size_t row = order ? order[i] : first + i;
        gather_row(samples, each, row, x + i * samples->columns);
        if (labels && samples->labels)
            labels[i] = samples->labels[row];
        if (numbers && samples->numbers)
            numbers[i] = samples->numbers[row];
    }
}
