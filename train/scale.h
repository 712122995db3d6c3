/* SPDX-License-Identifier: MIT */
/* Scaling: every feature becomes (value - offset) * factor. Fitted on training rows, kept in the model, applied to all.
 */
#ifndef TRAIN_SCALE_H
#define TRAIN_SCALE_H

#include "dataset.h"

/* SCALE_AUTO: tables are standardised, pixels are divided by 255. */
enum scale_kind { SCALE_AUTO, SCALE_STANDARD, SCALE_MINMAX, SCALE_NONE };

struct scale {
    size_t columns;
    double *offset; /* [columns] */
    double
        *factor; /* [columns] never 0: a constant column has factor 1, so that it becomes 0 (auto, standard, minmax) */
};

/* The name of a kind ("auto", "standard", "minmax", "none"), NULL past the last. */
const char *scale_name(enum scale_kind kind);

/* Finds a kind by name; 0 and *kind, or -1. */
int scale_by_name(const char *name, enum scale_kind *kind);

/* Fits a scaling: standard to mean 0 and (population) standard deviation 1, minmax to [0, 1], none to the values as
 * they are. */
enum verdict scale_fit(struct scale *scale, enum scale_kind kind, const struct dataset *data, struct trouble *trouble);

/* The same for a numeric target [rows]: one column, standardised, or as it is with SCALE_NONE. */
enum verdict scale_fit_target(struct scale *scale, enum scale_kind kind, const struct dataset *data,
                              struct trouble *trouble);

/* A scaling that leaves everything as it is. */
enum verdict scale_identity(struct scale *scale, size_t columns, struct trouble *trouble);

void scale_free(struct scale *scale);

#endif
