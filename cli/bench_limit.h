/* SPDX-License-Identifier: MIT */
/* The limit of a step: a loop that only reads the four arrays and writes the three. */
#ifndef CLI_BENCH_LIMIT_H
#define CLI_BENCH_LIMIT_H

#include <stddef.h>

#include <adadelta.h>

/* What a step of Adadelta moves through memory. */
struct bench_arrays {
    enum adadelta_dtype dtype;
    size_t n;
    void *x;        /* [n] in and out */
    const void *g;  /* [n] in, finite */
    void *state[2]; /* [n] in and out */
};

/* Reads and writes each element once, on so many threads, and leaves every value as it was. */
void bench_limit(const struct bench_arrays *arrays, int threads);

#endif
