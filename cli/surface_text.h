/* SPDX-License-Identifier: MIT */
/* The drawing of `surface` on a terminal: bands as characters, paths as digits. */
#ifndef CLI_SURFACE_TEXT_H
#define CLI_SURFACE_TEXT_H

#include "surface_walk.h"

enum { TEXT_LEAST_WIDTH = 40, TEXT_MOST_WIDTH = 200 };

/* How wide a drawing is that is asked to be so wide; 0: as wide as the terminal, 80 elsewhere. */
size_t surface_width(size_t asked);

/* Prints the drawing on standard output, within surface_width(width) columns, and so high that it and rows_below more
   lines have room on the terminal, or in 24 lines. */
enum verdict surface_print(const struct course *course, const struct walk *walks, size_t count, size_t width,
                           size_t rows_below, struct trouble *trouble);

#endif
