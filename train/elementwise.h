/* SPDX-License-Identifier: MIT */
/* Loops over single elements: activations, their derivatives, bytes to floats. Plain C that compilers turn into vector
   code, compiled once for each instruction set worth having; each operation rounds as IEEE 754 says and none is fused,
   so an element has the same bits in all of them, wherever it stands in its array.

   tanh and the logistic function are polynomials of this house, since those of C libraries take one element at a time,
   and their bits differ from one library to the next. Largest errors over all floats, in units in the last place of the
   exact value, against long double: tanh 1.34, logistic 2.41. NaN gives NaN; infinities give the limits. */
#ifndef TRAIN_ELEMENTWISE_H
#define TRAIN_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "network.h"

struct elementwise {
    const char *name;
    int (*usable)(void); /* on this machine, and within ADADELTA_ISA */
    /* z [n] in place. */
    void (*forward[ACTIVATION_COUNT])(float *z, size_t n);
    /* delta [n] times the derivative, told from the activation's output a [n]. */
    void (*backward[ACTIVATION_COUNT])(float *delta, const float *a, size_t n);
    /* x = (byte - offset) * factor, all [n]. */
    void (*scale_bytes)(float *x, const uint8_t *bytes, const float *offset, const float *factor, size_t n);
    /* sum [n] += row [n]. */
    void (*add)(float *sum, const float *row, size_t n);
};

/* Every set of this build, from the least to the most; a row without a name ends them. */
extern const struct elementwise elementwise_sets[];

/* The most that this machine can use. */
const struct elementwise *elementwise_in_use(void);

#endif
