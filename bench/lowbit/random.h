/* SPDX-License-Identifier: MIT */
/* Random numbers as functions of where they are used, not of a stream: every format meets the same noise. */
#ifndef LOWBIT_RANDOM_H
#define LOWBIT_RANDOM_H

#include <stdint.h>

/* Three numbers to 64 random bits. */
uint64_t random_hash(uint64_t seed, uint64_t place, uint64_t step);

/* A stream, for draws whose number is not known before. */
struct stream {
    uint64_t state;
};

double random_uniform(struct stream *stream); /* in (0, 1) */
double random_normal(struct stream *stream);  /* mean 0, variance 1 */

#endif
