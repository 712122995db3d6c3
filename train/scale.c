/* SPDX-License-Identifier: MIT */
/* Mean and spread of each column in double, rows in order, so that every machine finds the same bits. */
#include "scale.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"auto", "standard", "minmax", "none"};
enum { KINDS = sizeof names / sizeof *names, MOST_PIXEL = 255 };

/* A column whose values differ by no more than this, relative to the largest, differs by the rounding of whoever
   computed it: standardising it would turn noise into a feature. */
#define ROUNDING (16 * DBL_EPSILON)

const char *scale_name(enum scale_kind kind)
{
    return (size_t)kind < KINDS ? names[kind] : NULL;
}

int scale_by_name(const char *name, enum scale_kind *kind)
{
    for (size_t k = 0; k < KINDS; k++) {
        if (strcmp(names[k], name) == 0) {
            *kind = (enum scale_kind)k;
            return 0;
        }
    }
    return -1;
}

/* One column, wherever it is. */
struct column {
    const double *values; /* [rows, columns], or NULL, and then */
    const uint8_t *pixels;
    size_t rows, columns;
    size_t k;
};

static double value_at(const struct column *column, size_t row)
{
    size_t at = row * column->columns + column->k;
    return column->values ? column->values[at] : column->pixels[at];
}

/* Two passes: the mean, then what deviates from it. */
static void standardise(const struct column *column, double *offset, double *factor)
{
    double rows = (double)column->rows, sum = 0, squares = 0;
    for (size_t row = 0; row < column->rows; row++)
        sum += value_at(column, row);
    *offset = sum / rows;
    for (size_t row = 0; row < column->rows; row++) {
        double apart = value_at(column, row) - *offset;
        squares += apart * apart;
    }
    double variance = squares / rows;
    *factor = variance >= DBL_MIN ? 1 / sqrt(variance) : 0; /* below, its square root has lost digits */
}

static enum verdict fit_column(const struct column *column, enum scale_kind kind, double *offset, double *factor,
                               const char *path, struct trouble *trouble)
{
    double low = value_at(column, 0), high = low;
    for (size_t row = 1; row < column->rows; row++) {
        double value = value_at(column, row);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    double apart = high - low;
    *offset = low;
    *factor = 1 / apart;
    if (apart <= ROUNDING * fmax(fabs(low), fabs(high)) || apart < DBL_MIN)
        *factor = 1;
    else if (kind != SCALE_MINMAX)
        standardise(column, offset, factor);
    if (*factor > 0) /* not where a sum became infinite */
        return DONE;
    return blame(trouble, FAILED, "%s: a column's values, from %g to %g, are too large or too close to be scaled", path,
                 low, high);
}

static enum verdict fit_columns(struct scale *scale, enum scale_kind kind, struct column column, const char *path,
                                struct trouble *trouble)
{
    *scale = (struct scale){0};
    if (column.rows == 0 || column.columns == 0)
        return blame(trouble, FAILED, "%s: has no rows to scale by", path);
    enum verdict verdict = scale_identity(scale, column.columns, trouble);
    for (; column.k < column.columns && !verdict && kind != SCALE_NONE; column.k++) {
        if (kind == SCALE_AUTO && column.pixels)
            scale->factor[column.k] = 1.0 / MOST_PIXEL;
        else
            verdict = fit_column(&column, kind, &scale->offset[column.k], &scale->factor[column.k], path, trouble);
    }
    if (verdict)
        scale_free(scale);
    return verdict;
}

enum verdict scale_fit(struct scale *scale, enum scale_kind kind, const struct dataset *data, struct trouble *trouble)
{
    const struct column first = {data->values, data->pixels, data->rows, data->columns, 0};
    return fit_columns(scale, kind, first, data->path, trouble);
}

enum verdict scale_fit_target(struct scale *scale, enum scale_kind kind, const struct dataset *data,
                              struct trouble *trouble)
{
    const struct column numbers = {data->numbers, NULL, data->rows, 1, 0};
    *scale = (struct scale){0};
    if (!data->numbers)
        return blame(trouble, MISUSE, "%s: the target is no number to scale", data->path);
    return fit_columns(scale, kind == SCALE_NONE ? SCALE_NONE : SCALE_STANDARD, numbers, data->path, trouble);
}

enum verdict scale_identity(struct scale *scale, size_t columns, struct trouble *trouble)
{
    scale->columns = columns;
    scale->offset = calloc(columns ? columns : 1, sizeof *scale->offset);
    scale->factor = calloc(columns ? columns : 1, sizeof *scale->factor);
    if (!scale->offset || !scale->factor) {
        scale_free(scale);
        return blame_memory(trouble);
    }
    for (size_t k = 0; k < columns; k++)
        scale->factor[k] = 1;
    return DONE;
}

void scale_free(struct scale *scale)
{
    free(scale->offset);
    free(scale->factor);
    *scale = (struct scale){0};
}
