/* SPDX-License-Identifier: MIT */
/* Words for 64-bit Arm: four floats or two doubles. */
#ifndef ADADELTA_VEC_NEON_H
#define ADADELTA_VEC_NEON_H

#include <arm_neon.h>
#include <float.h>
#include <stddef.h>

enum { LANES_f32 = 4, LANES_f64 = 2 };
typedef float32x4_t vec_f32;
typedef float64x2_t vec_f64;

#define NEON_WORDS(T, REAL, UINT, TINY)                                                                                \
    static inline vec_##T load_##T(const REAL *p)                                                                      \
    {                                                                                                                  \
        return vld1q_##T(p);                                                                                           \
    }                                                                                                                  \
    static inline void store_##T(REAL *p, vec_##T a)                                                                   \
    {                                                                                                                  \
        vst1q_##T(p, a);                                                                                               \
    }                                                                                                                  \
    static inline vec_##T set_##T(REAL a)                                                                              \
    {                                                                                                                  \
        return vdupq_n_##T(a);                                                                                         \
    }                                                                                                                  \
    static inline vec_##T add_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return vaddq_##T(a, b);                                                                                        \
    }                                                                                                                  \
    static inline vec_##T sub_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return vsubq_##T(a, b);                                                                                        \
    }                                                                                                                  \
    static inline vec_##T mul_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return vmulq_##T(a, b);                                                                                        \
    }                                                                                                                  \
    static inline vec_##T div_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return vdivq_##T(a, b);                                                                                        \
    }                                                                                                                  \
    static inline vec_##T min_##T(vec_##T a, vec_##T b) /* not vminq: of a NaN and a number it takes the NaN */        \
    {                                                                                                                  \
        return vbslq_##T(vcltq_##T(a, b), a, b);                                                                       \
    }                                                                                                                  \
    static inline vec_##T max_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return vbslq_##T(vcgtq_##T(a, b), a, b);                                                                       \
    }                                                                                                                  \
    static inline vec_##T sqrt_##T(vec_##T a)                                                                          \
    {                                                                                                                  \
        return vsqrtq_##T(a);                                                                                          \
    }                                                                                                                  \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        return vreinterpretq_##T##_##UINT(                                                                             \
            vbicq_##UINT(vreinterpretq_##UINT##_##T(a), vcaltq_##T(a, vdupq_n_##T(TINY))));                            \
    }

NEON_WORDS(f32, float, u32, FLT_MIN)
NEON_WORDS(f64, double, u64, DBL_MIN)

static inline vec_f64 widen_f32(const float *p)
{
    return vcvt_f64_f32(vld1_f32(p));
}

#include "part_by_copy.inc.h"

#endif
