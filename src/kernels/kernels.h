/* SPDX-License-Identifier: MIT */
/* The kernels: every rule for every type on one instruction set, what else walks over arrays, and the set that this
   process uses. Arrays may have any alignment; results of an element depend on nothing but its inputs. */
#ifndef ADADELTA_SRC_KERNELS_H
#define ADADELTA_SRC_KERNELS_H

#include "../method.h"

/* The chance that parameters of 16 bits and state in codes are rounded by, of a tensor's elements from number first on:
   element i takes random word i mod CHANCES of those that a step has for each array; each thousand makes other ones of
   them by a hash of its number and salt. (A hash an element would take more time than all the rest of the step.) */
enum { CHANCES = 1024, CHANCE_ROOM = CHANCES + 64 /* a rule's word may read on */ };
enum { PARAMETERS = MAX_STATES, ROUNDED_ARRAYS = MAX_STATES + 1 };
struct chance {
    const uint32_t (
        *words)[CHANCE_ROOM]; /* [ROUNDED_ARRAYS]: those of states are the set's chances, the last row drawn */
    uint32_t salt;
    uint64_t first;
};

/* The arrays [n] of one step of a rule. */
struct arrays {
    void *x;
    const void *gradient;
    void *state[MAX_STATES];
    void *average; /* of the type computed in, or NULL */
    /* Of parameters that are stored in BF16: */
    void *kept; /* the master or the lower halves, where there are any */
    enum adadelta_weights weights;
    int float_gradient; /* 1: the gradient is of floats, 0: BF16 */
};

/* One step of a rule on n elements. Arrays are of the type computed in, but where the kernel is for others. chance may
   be NULL where nothing is rounded by it. */
typedef void kernel(size_t n, const struct arrays *arrays, const struct coefs *coefs, const struct chance *chance);

/* Brings n elements from one type to another, to nearest, ties to even. */
typedef void conversion(size_t n, void *to, const void *from);

/* What a stretch of numbers is like: the sum of their squares, each number times a factor and cut at a bound, and the
   largest magnitude of the numbers themselves. A NaN makes the sum one. */
struct measure {
    double sum, largest;
};

struct kernel_set {
    const char *isa;
    /* [type of the parameters][type of the state]: the kernels that take arrays as they are stored. NULL: they must be
       brought into the type computed in before. */
    kernel *update[ADADELTA_DTYPE_COUNT][ADADELTA_DTYPE_COUNT][ADADELTA_METHOD_COUNT];

    /* [type computed in][type stored as]: from storage, and into it. */
    conversion *load[DTYPES][ADADELTA_DTYPE_COUNT];
    conversion *store[DTYPES][ADADELTA_DTYPE_COUNT];

    /* Weights of 16 bits, by their type. adopt: a master whose nearest is not the weight any more becomes the weight.
       dither: rounds up or down by chance. draw: random words number first .. first + n - 1
       of a key. */
    void (*adopt[ADADELTA_DTYPE_COUNT])(size_t n, void *master, const void *values);
    void (*dither[ADADELTA_DTYPE_COUNT])(size_t n, void *to, const void *from, const struct chance *chance);
    void (*draw)(uint32_t n, uint32_t *words, uint64_t key, uint32_t first);
    /* BF16 and its lower half: an exact float. */
    void (*join)(size_t n, void *x, const void *values, const void *low);
    void (*split)(size_t n, void *values, void *low, const void *x);

    /* State in codes, by their type: the two arrays of the rules that can have it. decode: values times unit. encode:
       of numbers times rate. chances: the first n words of both states, up to CHANCE_ROOM, that a
       key gives. */
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
