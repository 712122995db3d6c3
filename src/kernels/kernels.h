/* SPDX-License-Identifier: MIT */
/* The kernels: every rule for every type on one instruction set, what else walks over arrays, and the set that this
   process uses. Arrays may have any alignment; results of an element depend on nothing but its inputs. */
#ifndef ADADELTA_SRC_KERNELS_H
#define ADADELTA_SRC_KERNELS_H

#include "../method.h"

/* The chance of state in codes, of a tensor's elements from number first on: element i takes random word i mod CHANCES
   of those that a step has for each state array; each thousand makes other ones of them by a hash of its number and
   salt. (A hash an element would take more time than all the rest of the step.) */
enum { CHANCES = 1024, CHANCE_ROOM = CHANCES + 64 /* a rule's word may read on */ };
struct chance {
    const uint32_t (*words)[CHANCE_ROOM]; /* [MAX_STATES], as the set's chances fills them for the format */
    uint32_t salt;
    size_t first;
};

/* One step of a rule on n elements. x, gradient and the average, which may be NULL, are of the type computed in; the
   rule's state arrays [n], too, or codes, and then chance is what rounds them. */
typedef void kernel(size_t n, void *x, const void *gradient, void *const state[], void *average,
                    const struct coefs *coefs, const struct chance *chance);

/* Brings n elements from one type to another, to nearest, ties to even. */
typedef void conversion(size_t n, void *to, const void *from);

/* What a stretch of numbers is like: the sum of their squares, each number times a factor and cut at a bound, and the
   largest magnitude of the numbers themselves. A NaN makes the sum one. */
struct measure {
    double sum, largest;
};

struct kernel_set {
    const char *isa;
    /* [type computed in][type of the state]: NULL where the state must be brought into the type computed in before. */
    kernel *update[DTYPES][ADADELTA_DTYPE_COUNT][ADADELTA_METHOD_COUNT];

    /* [type computed in][type stored as]: from storage, and into it. */
    conversion *load[DTYPES][ADADELTA_DTYPE_COUNT];
    conversion *store[DTYPES][ADADELTA_DTYPE_COUNT];

    /* Weights of 16 bits, by their type. adopt: a master whose nearest is not the weight any more becomes the weight.
       dither: rounds up or down by chance; element number first + i takes chance number first + i of the key's. */
    void (*adopt[ADADELTA_DTYPE_COUNT])(size_t n, void *master, const void *values);
    void (*dither[ADADELTA_DTYPE_COUNT])(size_t n, void *to, const void *from, uint64_t key, uint64_t first);
    /* BF16 and its lower half: an exact float. */
    void (*join)(size_t n, void *x, const void *values, const void *low);
    void (*split)(size_t n, void *values, void *low, const void *x);

    /* State in codes, by their type: the two arrays of the rules that can have it. decode: values times unit. encode:
       of numbers times rate. chances: the first n words, up to CHANCE_ROOM, that key gives. */
    void (*decode[ADADELTA_DTYPE_COUNT])(size_t n, float *const to[], void *const codes[], float unit);
    void (*encode[ADADELTA_DTYPE_COUNT])(size_t n, void *const codes[], float *const from[], float rate,
                                         const struct chance *chance);
    void (*chances[ADADELTA_DTYPE_COUNT])(uint32_t n, uint32_t words[][CHANCE_ROOM], uint64_t key);

    /* By the type computed in. look is measure with a sum of 0 or NaN; the largest may be a NaN, too. */
    struct measure (*measure[DTYPES])(size_t n, const void *gradient, double factor, double bound);
    struct measure (*look[DTYPES])(size_t n, const void *gradient);
    double (*distance[DTYPES])(size_t n, const void *a, const void *b); /* the sum of (a - b)^2 */
    void (*accumulate[DTYPES])(size_t n, void *sum, const void *x);     /* sum = sum + x */
};

/* The set in use, or NULL where ADADELTA_ISA names none. Looked up once; any thread may ask. */
const struct kernel_set *kernels_in_use(void);

#endif
