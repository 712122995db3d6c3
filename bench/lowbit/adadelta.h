/* SPDX-License-Identifier: MIT */
/* Adadelta written out once more, by itself, with its averages kept in any format between two steps. */
#ifndef LOWBIT_ADADELTA_H
#define LOWBIT_ADADELTA_H

#include "formats.h"

enum { PARAMETERS_MAX = 32 };

struct settings {
    double lr, rho, eps;
};

struct walker {
    const struct format *format;
    struct settings settings;
    uint64_t seed;
    uint32_t step;
    struct kept kept;
    uint64_t code[2][PARAMETERS_MAX];
    double x[PARAMETERS_MAX]; /* floats, where the format's step computes in float */
};

/* Begins at x, [n], with averages of zero. Not to be moved after. */
void walker_start(struct walker *walker, const struct format *format, const struct settings *settings, uint64_t seed,
                  size_t n, const double *x);
/* One step on the gradient g, [n]. */
void walker_step(struct walker *walker, const double *g);

#endif
