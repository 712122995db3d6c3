/* SPDX-License-Identifier: MIT */
/* Small problems to walk on. A problem with a seed is an instance: a start, and a gradient for each step. */
#ifndef LOWBIT_PROBLEMS_H
#define LOWBIT_PROBLEMS_H

#include "adadelta.h"

enum { ROWS_MAX = 256, SAMPLES_A_STEP = 8 };

struct instance;

struct problem {
    const char *name;
    size_t n;
    double condition; /* of a quadratic: its largest curvature, 10, over its smallest */
    double noise;     /* of each gradient, beside the true one */
    int heavy;        /* 1: noise of Student's t with 2 degrees of freedom, which has no variance */
    double seldom;    /* the share of the steps in which an element has a gradient; 0: all */
    int has_noise;    /* 1: steps differ by the number of a stream */
    void (*set_up)(struct instance *instance);
    void (*gradient)(const struct instance *instance, uint32_t step, const double *x, double *g);
    double (*value)(const struct instance *instance, const double *x);
};

struct instance {
    const struct problem *problem;
    uint64_t seed, noise; /* of the problem, and of what its steps draw */
    double start[PARAMETERS_MAX];
    double matrix[ROWS_MAX][PARAMETERS_MAX]; /* of a quadratic: its curvature; of a regression: its rows */
    double label[ROWS_MAX];
};

const struct problem *problem_at(size_t index); /* NULL: behind the last */
const struct problem *problem_find(const char *name);
void problem_set_up(const struct problem *problem, uint64_t seed, struct instance *instance);

#endif
