/* SPDX-License-Identifier: MIT */
/* Random numbers from a counter: the k-th number of stream s for a seed is a function of (seed, s, k) alone, so that
   any part of a run can be taken up again without the numbers before it, and every machine draws the same. */
#ifndef TRAIN_RANDOM_H
#define TRAIN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t key;     /* from seed and stream */
    uint64_t counter; /* numbers drawn */
};

/* A stream of its own for each purpose (split, initial weights, shuffle of an epoch), so that none shifts another. */
struct random random_stream(uint64_t seed, uint64_t stream);

uint64_t random_bits(struct random *random);

/* Uniform in [0, 1), a multiple of 2^-53. */
double random_uniform(struct random *random);

/* Uniform in 0 .. n-1, exactly (no modulo bias); n >= 1. */
uint64_t random_below(struct random *random, uint64_t n);

/* Standard normal. */
double random_normal(struct random *random);

/* Puts index [n] in an order drawn uniformly (Fisher-Yates). */
void random_shuffle(struct random *random, size_t n, size_t *index);

#endif
