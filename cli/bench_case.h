/* SPDX-License-Identifier: MIT */
/* One row of `bench step`: an optimizer of one size, checked, then timed against the limit of its own arrays. */
#ifndef CLI_BENCH_CASE_H
#define CLI_BENCH_CASE_H

#include <stddef.h>
#include <stdint.h>

#include <adadelta.h>

#include "trouble.h"

struct bench_plan {
    size_t n; /* parameters in all */
    enum adadelta_dtype dtype;
    size_t tensors; /* that n is split over; at most n */
    int threads;    /* at least 1 */
    size_t rounds;  /* 0: as many as fit in a third of a second, and no fewer than 7 */
    uint64_t seed;
    int look, norm; /* 1: the step looks for gradients that are not finite, takes the norm of all */
};

/* Medians of the rounds. */
struct bench_times {
    double step_ns, limit_ns; /* for one parameter */
};

/* Bytes of one element. */
size_t bench_element_size(enum adadelta_dtype dtype);

/* Bytes that all arrays of a plan take. */
size_t bench_bytes(const struct bench_plan *plan);

/* FAILED where memory is too small or the step's result is wrong. */
enum verdict bench_case(const struct bench_plan *plan, struct bench_times *times, struct trouble *trouble);

#endif
