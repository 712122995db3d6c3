/* SPDX-License-Identifier: MIT */
/* What `bench step` prints: a table with the columns that its rows need, or JSON. */
#ifndef CLI_BENCH_TABLE_H
#define CLI_BENCH_TABLE_H

#include <stddef.h>

#include "bench_case.h"

/* The table's head for rows of these plans [count]. */
void bench_table_head(const struct bench_plan *plans, size_t count);

/* Row number i of them. */
enum verdict bench_table_row(const struct bench_plan *plans, size_t count, size_t i, const struct bench_times *times,
                             struct trouble *trouble);

enum verdict bench_table_json(const struct bench_plan *plan, const struct bench_times *times, struct trouble *trouble);

#endif
