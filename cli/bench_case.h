/* SPDX-License-Identifier: MIT */
/* One row of `bench step`: an optimizer set up by a plan, checked, then timed against the limit of its own arrays. */
#ifndef CLI_BENCH_CASE_H
#define CLI_BENCH_CASE_H

#include "bench_plan.h"
#include "trouble.h"

/* Medians of the rounds. */
struct bench_times {
    double step_ns, limit_ns; /* for one element that the step moves */
    size_t bytes;             /* that the step must move for it */
};

/* FAILED where memory is too small or the step's result is wrong. */
enum verdict bench_case(const struct bench_plan *plan, struct bench_times *times, struct trouble *trouble);

/* MISUSE, in the library's words, where there can be no optimizer of a plan's types. */
enum verdict bench_case_possible(const struct bench_plan *plan, struct trouble *trouble);

#endif
