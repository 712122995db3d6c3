/* SPDX-License-Identifier: MIT */
/* The paired comparison of a sweep: on one axis each value with the reference, the other axes fixed, seed by seed. */
#ifndef CLI_SWEEP_COMPARE_H
#define CLI_SWEEP_COMPARE_H

#include "sweep_result.h"
#include "text_table.h"

/* The axis and the reference's place on it. */
struct comparison {
    size_t axis, reference;
};

/* A table for people or as CSV; JSON lines. */
enum verdict comparison_print(const struct sweep *sweep, const struct comparison *comparison, enum table_format format,
                              struct trouble *trouble);
enum verdict comparison_report(const struct sweep *sweep, const struct comparison *comparison, struct trouble *trouble);

#endif
