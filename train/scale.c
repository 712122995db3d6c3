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

/* Where a column's values lie. */
struct spread {
    double low, high, mean, variance;
};

static struct spread spread_of(const struct column *column)
{
    double low = value_at(column, 0), high = low, sum = 0, squares = 0;
    const double rows = (double)column->rows;
    for (size_t row = 0; row < column->rows; row++) {
        const double value = value_at(column, row);
        low = value < low ? value : low;
        high = value > high ? value : high;
        sum += value;
    }
    const double mean = sum / rows;
    for (size_t row = 0; row < column->rows; row++) {
        const double apart = value_at(column, row) - mean;
        squares += apart * apart;
    }
    return (struct spread){low, high, mean, squares / rows};
}

static enum verdict scale_by_spread(const struct spread *spread, enum scale_kind kind, double *offset, double *factor,
                                    const char *path, struct trouble *trouble)
{
    const double low = spread->low, high = spread->high, apart = high - low;
    *offset = low;
    *factor = 1 / apart;
    if (apart <= ROUNDING * fmax(fabs(low), fabs(high)) || apart < DBL_MIN) {
        *factor = 1;
    } else if (kind != SCALE_MINMAX) {
        *offset = spread->mean;
        *factor = spread->variance >= DBL_MIN ? 1 / sqrt(spread->variance) : 0; /* below, its root has lost digits */
    }
    if (*factor > 0) /* not where a sum became infinite */
        return DONE;
    return blame(trouble, FAILED, "%s: a column's values, from %g to %g, are too large or too close to be scaled", path,
                 low, high);
}

static enum verdict fit_columns(struct scale *scale, enum scale_kind kind, struct column column, const char *path,
                                struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (; column.k < column.columns && !verdict && kind != SCALE_NONE; column.k++) {
        double *offset = &scale->offset[column.k], *factor = &scale->factor[column.k];
        if (kind == SCALE_AUTO && column.pixels) {
            *factor = 1.0 / MOST_PIXEL;
        } else {
            const struct spread spread = spread_of(&column);
            verdict = scale_by_spread(&spread, kind, offset, factor, path, trouble);
        }
    }
    return verdict;
}

/* ---- Sparse tables ---- */

/* The spreads [columns] of a sparse table, all at once, as its rows come; count [columns] is of the values kept. */
static void sparse_spreads(const struct dataset *data, struct spread *spreads, size_t *count)
{
    const struct sparse *sparse = &data->sparse;
    const size_t length = sparse->row_start[data->rows];
    const double rows = (double)data->rows;
    for (size_t k = 0; k < length; k++) {
        struct spread *spread = &spreads[sparse->columns[k]];
        const double value = sparse->values[k];
        const int first = count[sparse->columns[k]]++ == 0;
        spread->low = first || value < spread->low ? value : spread->low;
        spread->high = first || value > spread->high ? value : spread->high;
        spread->mean += value; /* the sum, as yet */
    }
    for (size_t c = 0; c < data->columns; c++)
        spreads[c].mean /= rows;
    for (size_t k = 0; k < length; k++) {
        struct spread *spread = &spreads[sparse->columns[k]];
        const double apart = sparse->values[k] - spread->mean;
        spread->variance += apart * apart;
    }
    for (size_t c = 0; c < data->columns; c++) {
        const size_t zeros = data->rows - count[c];
        spreads[c].low = zeros && spreads[c].low > 0 ? 0 : spreads[c].low;
        spreads[c].high = zeros && spreads[c].high < 0 ? 0 : spreads[c].high;
        spreads[c].variance = (spreads[c].variance + (double)zeros * spreads[c].mean * spreads[c].mean) / rows;
    }
}

static enum verdict fit_sparse(struct scale *scale, enum scale_kind kind, const struct dataset *data,
                               struct trouble *trouble)
{
    if (kind == SCALE_NONE)
        return DONE;
    struct spread *spreads = calloc(data->columns, sizeof *spreads);
    size_t *count = calloc(data->columns, sizeof *count);
    enum verdict verdict = spreads && count ? DONE : blame_memory(trouble);
    if (!verdict)
        sparse_spreads(data, spreads, count);
    for (size_t c = 0; c < data->columns && !verdict; c++)
        verdict = scale_by_spread(&spreads[c], kind, &scale->offset[c], &scale->factor[c], data->path, trouble);
    free(spreads);
    free(count);
    return verdict;
}

/* ---- All of it ---- */

static enum verdict begin(struct scale *scale, const struct dataset *data, size_t columns, struct trouble *trouble)
{
    *scale = (struct scale){0};
    if (data->rows == 0 || columns == 0)
        return blame(trouble, FAILED, "%s: has no rows to scale by", data->path);
    return scale_identity(scale, columns, trouble);
}

enum verdict scale_fit(struct scale *scale, enum scale_kind kind, const struct dataset *data, struct trouble *trouble)
{
    const struct column first = {data->values, data->pixels, data->rows, data->columns, 0};
    enum verdict verdict = begin(scale, data, data->columns, trouble);
    if (!verdict)
        verdict = data->sparse.row_start ? fit_sparse(scale, kind, data, trouble)
                                         : fit_columns(scale, kind, first, data->path, trouble);
    if (verdict)
        scale_free(scale);
    return verdict;
}

enum verdict scale_fit_target(struct scale *scale, enum scale_kind kind, const struct dataset *data,
                              struct trouble *trouble)
{
    const struct column numbers = {data->numbers, NULL, data->rows, 1, 0};
    *scale = (struct scale){0};
    if (!data->numbers)
        return blame(trouble, MISUSE, "%s: the target is no number to scale", data->path);
    enum verdict verdict = begin(scale, data, 1, trouble);
    if (!verdict)
        verdict = fit_columns(scale, kind == SCALE_NONE ? SCALE_NONE : SCALE_STANDARD, numbers, data->path, trouble);
    if (verdict)
        scale_free(scale);
    return verdict;
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
