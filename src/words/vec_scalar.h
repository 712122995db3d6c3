/* SPDX-License-Identifier: MIT */
/* Words for any machine: one element at a time, with the C operators. The reference for what every other set must
   say. */
#ifndef ADADELTA_VEC_SCALAR_H
#define ADADELTA_VEC_SCALAR_H

#include <float.h>
#include <stddef.h>

#include "builtins.h"

#if FLT_EVAL_METHOD != 0
#error "float must be computed as float and double as double (no x87): other widths change the bits that are promised"
#endif

/* copy_bytes instead of a dereference: the caller's array may have any alignment. A word has one element, so that it
   is never there in part. */
#define SCALAR_WORDS(T, REAL, SQRT, SMALLEST_NORMAL)                                                                   \
    enum { LANES_##T = 1 };                                                                                            \
    typedef REAL vec_##T;                                                                                              \
    static inline vec_##T load_##T(const REAL *p)                                                                      \
    {                                                                                                                  \
        REAL a;                                                                                                        \
        copy_bytes(&a, p, sizeof a);                                                                                   \
        return a;                                                                                                      \
    }                                                                                                                  \
    static inline void store_##T(REAL *p, vec_##T a)                                                                   \
    {                                                                                                                  \
        copy_bytes(p, &a, sizeof a);                                                                                   \
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
    /* Where neither is smaller (larger), as beside a NaN, it is b: the x86 instructions' choice. */                   \
    static inline vec_##T min_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a < b ? a : b;                                                                                          \
    }                                                                                                                  \
    static inline vec_##T max_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return a > b ? a : b;                                                                                          \
    }                                                                                                                  \
    static inline vec_##T sqrt_##T(vec_##T a)                                                                          \
    {                                                                                                                  \
        return SQRT(a);                                                                                                \
    }                                                                                                                  \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        return -SMALLEST_NORMAL < a && a < SMALLEST_NORMAL ? 0 : a;                                                    \
    }

SCALAR_WORDS(f32, float, root_of_float, FLT_MIN)
SCALAR_WORDS(f64, double, root_of_double, DBL_MIN)

static inline vec_f64 widen_f32(const float *p)
{
    return load_f32(p);
}

/* Codes of 16 and of 8 bits as whole numbers; too large ones are stored as the largest. */
#define ONE_LANE
#include "bits.inc.h"

#define SCALAR_CODES(NAME, UINT, LARGEST)                                                                              \
    static inline vec_u32 load_##NAME(const void *p)                                                                   \
    {                                                                                                                  \
        UINT code;                                                                                                     \
        copy_bytes(&code, p, sizeof code);                                                                             \
        return code;                                                                                                   \
    }                                                                                                                  \
    static inline void store_##NAME(void *p, vec_u32 a)                                                                \
    {                                                                                                                  \
        const UINT code = (UINT)(a < LARGEST ? a : LARGEST);                                                           \
        copy_bytes(p, &code, sizeof code);                                                                             \
    }

SCALAR_CODES(u16, uint16_t, UINT16_MAX)
SCALAR_CODES(u8, uint8_t, UINT8_MAX)

#endif
