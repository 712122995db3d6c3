/* SPDX-License-Identifier: MIT */
/* Curves from elsewhere to lay beside those of a comparison: a table whose first column is the epoch and whose others
   are figures in the unit that is shown (percent for errors), each under a name. */
#ifndef CLI_OVERLAY_H
#define CLI_OVERLAY_H

#include <adadelta.h>

#include "plot_table.h"

struct overlay {
    const char *name; /* the file's, without its folders */
    struct plot_table table;
    size_t curves; /* 0: there is no overlay */
};

/* Reads a CSV file with a header line and only numbers; path NULL: none. overlay_free must follow, even on failure. */
enum verdict overlay_read(struct overlay *overlay, const char *path, struct trouble *trouble);

void overlay_free(struct overlay *overlay);

/* Curve k's name, its method (1; 0 where it is named after none), and its row number i, NAN in a gap. */
const char *overlay_name(const struct overlay *overlay, size_t k);
int overlay_method(const struct overlay *overlay, size_t k, enum adadelta_method *method);
double overlay_epoch(const struct overlay *overlay, size_t i);
double overlay_figure(const struct overlay *overlay, size_t k, size_t i);

/* Curve k's figure at an epoch; NAN where it has none. */
double overlay_at(const struct overlay *overlay, size_t k, size_t epoch);

#endif
