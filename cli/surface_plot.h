/* SPDX-License-Identifier: MIT */
/* The picture of `surface`: the map, and below it what the steps of one Adadelta run were made of. */
#ifndef CLI_SURFACE_PLOT_H
#define CLI_SURFACE_PLOT_H

#include "surface_walk.h"

/* Draws walks [count] into a file that gnuplot_check has approved of; explained is one of them, or NULL. title NULL:
   the function's. */
enum verdict surface_draw(const char *path, const struct course *course, const struct walk *walks, size_t count,
                          const struct walk *explained, const char *title, struct trouble *trouble);

#endif
