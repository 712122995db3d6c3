/* SPDX-License-Identifier: MIT */
/* A sweep as a picture: two axes as a heat map, one as points with their spread. */
#ifndef CLI_SWEEP_PLOT_H
#define CLI_SWEEP_PLOT_H

#include "sweep_result.h"

/* Whether a grid of so many axes can be drawn: MISUSE where not. */
enum verdict sweep_plot_check(const struct grid *grid, struct trouble *trouble);

/* Writes the picture; gnuplot_check has approved of path. */
enum verdict sweep_plot(const struct sweep *sweep, const char *path, struct trouble *trouble);

#endif
