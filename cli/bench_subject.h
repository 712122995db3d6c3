/* SPDX-License-Identifier: MIT */
/* An optimizer under measurement with its arrays: set up by a plan (bench_subject.c), its steps checked against the
   rule worked out once more (bench_check.c), and timed (bench_case.c). */
#ifndef CLI_BENCH_SUBJECT_H
#define CLI_BENCH_SUBJECT_H

#include "bench_limit.h"
#include "bench_plan.h"
#include "trouble.h"

/* The settings of the extras. Clipping by norm halves the gradients. */
#define BENCH_CLIP_VALUE   0.5
#define BENCH_SCALE        3.0
#define BENCH_WEIGHT_DECAY 0.01
#define BENCH_NORM_SHRINK  0.5

struct bench {
    const struct bench_plan *plan;
    struct adadelta *optimizer;
    void *x;      /* [n] */
    void *g;      /* [bench_moved] */
    size_t *rows; /* [bench_named_rows] named, each once, in random order; NULL without rows */
    size_t *turn; /* [all rows] where a row stands in rows, SIZE_MAX: it is not named; NULL without rows */
    void *extra;  /* the limit's arrays, where the optimizer's do not lie in one piece */
    struct limit limit;
};

/* Makes everything; *bench is to be given to bench_clear, whatever comes of it. */
enum verdict bench_set_up(struct bench *bench, const struct bench_plan *plan, struct trouble *trouble);

void bench_clear(struct bench *bench);

/* A tensor's state of that name, or NULL. */
const void *bench_state(const struct bench *bench, size_t t, const char *name);

/* The element of the gradient that moves parameter i, or SIZE_MAX. */
size_t bench_gradient_of(const struct bench *bench, size_t i);

/* The parameter that element j of the gradient moves. */
size_t bench_parameter_of(const struct bench *bench, size_t j);

/* Takes the first steps and compares parameters and state from all over with the rule worked out in long double. */
enum verdict bench_check(struct bench *bench, struct trouble *trouble);

#endif
