/* SPDX-License-Identifier: MIT */
/* The picture of any table of numbers: the first column is x, each other one a line. */
#ifndef CLI_PLOT_LINES_H
#define CLI_PLOT_LINES_H

#include "plot_table.h"

/* What may be said of the picture; a text that is NULL is chosen by the table. */
struct line_words {
    const char *title, *x_label, *y_label;
    int log_x, log_y;
};

/* Draws a table. *left_out is how many values a logarithmic axis has no place for. */
enum verdict plot_lines(const char *path, const struct plot_table *table, const struct line_words *words,
                        size_t *left_out, struct trouble *trouble);

#endif
