/* SPDX-License-Identifier: MIT */
/* `bench step --plot`: how the cost of a step goes with the number of parameters, as a picture. */
#ifndef CLI_BENCH_PLOT_H
#define CLI_BENCH_PLOT_H

#include <stddef.h>

#include "trouble.h"

/* What was measured for one number of parameters. */
struct bench_point {
    size_t n;
    int threads;
    double step_ns, limit_ns; /* for one parameter */
};

/* Draws a curve of the step and one of the limit for each number of threads among the points [count, at least 1], which
   stand in groups of the same; subtitle tells what ran them. gnuplot_check has approved of path. */
enum verdict bench_plot(const char *path, const struct bench_point *points, size_t count, const char *subtitle,
                        struct trouble *trouble);

#endif
