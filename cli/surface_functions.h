/* SPDX-License-Identifier: MIT */
/* Functions of two variables that optimizers are tried on, with what is known of them: one row each. */
#ifndef CLI_SURFACE_FUNCTIONS_H
#define CLI_SURFACE_FUNCTIONS_H

#include <stddef.h>

#include <adadelta.h>

#include "trouble.h"

struct point {
    double x, y;
};

struct window {
    double x0, x1, y0, y1; /* x0 < x1, y0 < y1 */
};

/* What a function may be given beside x and y; only the bowl looks at it. */
struct surface_shape {
    double condition; /* the largest curvature over the smallest */
    double angle;     /* by which the axes are turned, in degrees */
};

/* The value at a place; its gradient into slope. */
typedef double surface_value(struct point at, const struct surface_shape *shape, struct point *slope);

enum { MOST_MINIMA = 4 };

struct surface {
    const char *name, *title, *formula;
    surface_value *value;
    int has_shape; /* 1: looks at its shape, and is drawn with the same scale on both axes */
    struct window window;
    struct point start;
    struct point minima[MOST_MINIMA]; /* the places where the value is smallest */
    size_t minima_count;              /* 0: it has no smallest value */
    double least;                     /* that value */
    size_t steps;
    double rates[ADADELTA_METHOD_COUNT]; /* what --lr is unless given: large, but not so large that it diverges */
};

/* Row number k, or NULL past the last. */
const struct surface *surface_row(size_t k);

/* MISUSE, with the names there are, where none has that name. */
enum verdict surface_by_name(const struct surface **surface, const char *name, struct trouble *trouble);

#endif
