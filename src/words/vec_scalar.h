/* SPDX-License-Identifier: MIT */
/* Words for any machine: one element at a time, with the C operators. The reference for what every other set must
   say. */
#ifndef ADADELTA_VEC_SCALAR_H
#define ADADELTA_VEC_SCALAR_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "float must be computed as float and double as double (no x87): other widths change the bits that are promised"
#endif

/* memcpy instead of a dereference: the caller's array may have any alignment. A word has one element, so that loops
   have no tail and the partial words are never used. */
#define SCALAR_WORDS(T, REAL, SQRT, SMALLEST_NORMAL)                                                                   \
    enum { LANES_##T = 1 };                                                                                            \
    typedef REAL vec_##T;                                                                                              \
    static inline vec_##T load_##T(const REAL *p)                                                                      \
    {                                                                                                                  \
        REAL a;                                                                                                        \
        memcpy(&a, p, sizeof a);                                                                                       \
        return a;                                                                                                      \
    }                                                                                                                  \
    static inline void store_##T(REAL *p, vec_##T a)                                                                   \
    {                                                                                                                  \
        memcpy(p, &a, sizeof a);                                                                                       \
    }                                                                                                                  \
    static inline vec_##T load_part_##T(const REAL *p, size_t n)                                                       \
    {                                                                                                                  \
        return n ? load_##T(p) : 0;                                                                                    \
    }                                                                                                                  \
    static inline void store_part_##T(REAL *p, vec_##T a, size_t n)                                                    \
    {                                                                                                                  \
        if (n)                                                                                                         \
            store_##T(p, a);                                                                                           \
    }                                                                                                                  \
    static inline vec_##T set_##T(REAL a)                                                                              \
    {                                                                                                                  \
        return a;                                                                                                      \
    }                                                                                                                  \
    static inline vec_##T add_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a + b;                                                                                                  \
    }                                                                                                                  \
    static inline vec_##T sub_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a - b;                                                                                                  \
    }                                                                                                                  \
    static inline vec_##T mul_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a * b;                                                                                                  \
    }                                                                                                                  \
    static inline vec_##T div_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a / b;                                                                                                  \
    }                                                                                                                  \
    static inline vec_##T sqrt_##T(vec_##T a)                                                                          \
    {                                                                                                                  \
        return SQRT(a);                                                                                                \
    }                                                                                                                  \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        return -SMALLEST_NORMAL < a && a < SMALLEST_NORMAL ? 0 : a;                                                    \
    }

SCALAR_WORDS(f32, float, sqrtf, FLT_MIN)
SCALAR_WORDS(f64, double, sqrt, DBL_MIN)

#endif
