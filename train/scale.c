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

/* ---- Rows, wherever they are ---- */

struct table {
    const double *values;  /* [rows, columns], or NULL, and then */
    const uint8_t *pixels; /* [rows, columns] */
    size_t rows, columns;
};

/* What is found out about each column. All but low and high is in the column's unit, a power of two by which its
   largest value becomes about 1: so no sum or square overflows or underflows. */
struct columns {
    double *low, *high; /* [columns] each */
    double *unit;
    double *mean;
    double *deviation;
    double *residue; /* what rounding left of the sum of value - mean */
    double *row;     /* a row of pixels as numbers */
};

enum { COLUMN_ARRAYS = sizeof(struct columns) / sizeof(double *) };

static const double *get_row(const struct table *table, const struct columns *found, size_t row)
{
    if (table->values)
        return table->values + row * table->columns;
    for (size_t k = 0; k < table->columns; k++)
        found->row[k] = table->pixels[row * table->columns + k];
    return found->row;
}

static void find_range(const struct table *table, const struct columns *found)
{
    const double *first = get_row(table, found, 0);
    memcpy(found->low, first, table->columns * sizeof *first);
    memcpy(found->high, first, table->columns * sizeof *first);
    for (size_t row = 1; row < table->rows; row++) {
        const double *values = get_row(table, found, row);
        for (size_t k = 0; k < table->columns; k++) {
            found->low[k] = values[k] < found->low[k] ? values[k] : found->low[k];
            found->high[k] = values[k] > found->high[k] ? values[k] : found->high[k];
        }
    }
}

static double largest(const struct columns *found, size_t k)
{
    return fmax(fabs(found->low[k]), fabs(found->high[k]));
}

static void find_units(const struct table *table, const struct columns *found)
{
    for (size_t k = 0; k < table->columns; k++) {
        int exponent;
        frexp(largest(found, k), &exponent);
        found->unit[k] = ldexp(1, exponent > -DBL_MAX_EXP ? -exponent : DBL_MAX_EXP - 1);
    }
}

/* Two passes: the mean, then what deviates from it. */
static void find_moments(const struct table *table, const struct columns *found)
{
    double rows = (double)table->rows;
    for (size_t row = 0; row < table->rows; row++) {
        const double *values = get_row(table, found, row);
        for (size_t k = 0; k < table->columns; k++)
            found->mean[k] += values[k] * found->unit[k];
    }
    for (size_t k = 0; k < table->columns; k++)
        found->mean[k] /= rows;
    for (size_t row = 0; row < table->rows; row++) {
        const double *values = get_row(table, found, row);
        for (size_t k = 0; k < table->columns; k++) {
            double apart = values[k] * found->unit[k] - found->mean[k];
            found->deviation[k] += apart * apart;
            found->residue[k] += apart;
        }
    }
    for (size_t k = 0; k < table->columns; k++) {
        double shift = found->residue[k] / rows;
        found->deviation[k] = sqrt(fmax(found->deviation[k] / rows - shift * shift, 0));
        found->mean[k] += shift;
    }
}

/* ---- Fitting ---- */

static int is_constant(const struct columns *found, size_t k)
{
    double unit = found->unit[k], apart = found->high[k] * unit - found->low[k] * unit;
    return apart <= ROUNDING * largest(found, k) * unit || apart < DBL_MIN * unit;
}

/* 0, or -1 where a double cannot hold the scaled values. */
static int fit_column(double *offset, double *factor, enum scale_kind kind, const struct columns *found, size_t k)
{
    double unit = found->unit[k];
    if (is_constant(found, k)) {
        *offset = found->low[k];
        *factor = 1;
    } else if (kind == SCALE_MINMAX) {
        *offset = found->low[k];
        *factor = unit / (found->high[k] * unit - found->low[k] * unit);
    } else {
        *offset = found->mean[k] / unit;
        *factor = unit / found->deviation[k];
    }
    double low = (found->low[k] - *offset) * *factor, high = (found->high[k] - *offset) * *factor;
    return isfinite(*offset) && isfinite(*factor) && *factor != 0 && isfinite(low) && isfinite(high) ? 0 : -1;
}

enum verdict scale_identity(struct scale *scale, size_t columns, struct trouble *trouble)
{
    scale->columns = columns;
    scale->offset = calloc(columns > 0 ? columns : 1, sizeof *scale->offset);
    scale->factor = calloc(columns > 0 ? columns : 1, sizeof *scale->factor);
    if (!scale->offset || !scale->factor) {
        scale_free(scale);
        return blame_memory(trouble);
    }
    for (size_t k = 0; k < columns; k++)
        scale->factor[k] = 1;
    return DONE;
}

static enum verdict fit_columns(struct scale *scale, enum scale_kind kind, const struct table *table,
                                const struct dataset *data, struct trouble *trouble)
{
    size_t columns = table->columns;
    double *block = calloc(columns, COLUMN_ARRAYS * sizeof *block);
    if (!block)
        return blame_memory(trouble);
    struct columns found = {block,
                            block + columns,
                            block + 2 * columns,
                            block + 3 * columns,
                            block + 4 * columns,
                            block + 5 * columns,
                            block + 6 * columns};
    enum verdict verdict = DONE;
    find_range(table, &found);
    find_units(table, &found);
    find_moments(table, &found);
    for (size_t k = 0; k < columns && verdict == DONE; k++)
        if (fit_column(&scale->offset[k], &scale->factor[k], kind, &found, k) != 0)
            verdict =
                blame(trouble, FAILED, "%s: a column's values, from %g to %g, are too large or too close to be scaled",
                      data->path, found.low[k], found.high[k]);
    free(block);
    return verdict;
}

static enum verdict fit_table(struct scale *scale, enum scale_kind kind, const struct table *table,
                              const struct dataset *data, struct trouble *trouble)
{
    *scale = (struct scale){0};
    if (table->rows == 0 || table->columns == 0)
        return blame(trouble, FAILED, "%s: has no rows to scale by", data->path);
    enum verdict verdict = scale_identity(scale, table->columns, trouble);
    if (verdict == DONE && kind != SCALE_NONE)
        verdict = fit_columns(scale, kind, table, data, trouble);
    if (verdict != DONE)
        scale_free(scale);
    return verdict;
}

enum verdict scale_fit(struct scale *scale, enum scale_kind kind, const struct dataset *data, struct trouble *trouble)
{
    const struct table table = {data->values, data->pixels, data->rows, data->columns};
    if (kind != SCALE_AUTO || !data->pixels)
        return fit_table(scale, kind, &table, data, trouble);
    enum verdict verdict = fit_table(scale, SCALE_NONE, &table, data, trouble);
    for (size_t k = 0; verdict == DONE && k < scale->columns; k++)
        scale->factor[k] = 1.0 / MOST_PIXEL;
    return verdict;
}

enum verdict scale_fit_target(struct scale *scale, enum scale_kind kind, const struct dataset *data,
                              struct trouble *trouble)
{
    const struct table table = {data->numbers, NULL, data->rows, 1};
    *scale = (struct scale){0};
    if (!data->numbers)
        return blame(trouble, MISUSE, "%s: the target is no number to scale", data->path);
    return fit_table(scale, kind == SCALE_NONE ? SCALE_NONE : SCALE_STANDARD, &table, data, trouble);
}

void scale_free(struct scale *scale)
{
    free(scale->offset);
    free(scale->factor);
    *scale = (struct scale){0};
}
