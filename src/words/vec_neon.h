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

/* Codes of 16 and of 8 bits as whole numbers of a register, one a lane; too large ones are stored as the largest. */
#include "bits.inc.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "codes of 8 bits are loaded as on little-endian machines"
#endif

static inline vec_u32 load_u16(const void *p)
{
    uint16_t codes[LANES_f32];
    copy_bytes(codes, p, sizeof codes);
    return (vec_u32)vmovl_u16(vld1_u16(codes));
}

static inline void store_u16(void *p, vec_u32 a)
{
    const uint16x4_t codes = vqmovn_u32((uint32x4_t)a);
    copy_bytes(p, &codes, sizeof codes);
}

static inline vec_u32 load_u8(const void *p)
{
    uint64_t four = 0;
    copy_bytes(&four, p, LANES_f32);
    return (vec_u32)vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four))));
}

static inline void store_u8(void *p, vec_u32 a)
{
    const uint16x4_t shorts = vqmovn_u32((uint32x4_t)a);
    const uint8x8_t codes = vqmovn_u16(vcombine_u16(shorts, shorts));
    copy_bytes(p, &codes, LANES_f32);
}

#endif
