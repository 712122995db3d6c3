/* SPDX-License-Identifier: MIT */
/* Words for SSE2, which every x86-64 has: four floats or two doubles. */
#ifndef ADADELTA_VEC_SSE2_H
#define ADADELTA_VEC_SSE2_H

#include <emmintrin.h>
#include <float.h>
#include <stddef.h>

enum { LANES_f32 = 4, LANES_f64 = 2 };
typedef __m128 vec_f32;
typedef __m128d vec_f64;

#define X86(op, suffix) _mm_##op##_##suffix
#include "vec_x86.inc.h"
#include "part_by_copy.inc.h"

#define SSE2_WORDS(T, SUFFIX, SMALLEST_NORMAL)                                                                         \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        const vec_##T magnitude = X86(andnot, SUFFIX)(set_##T(-0.0), a);                                               \
        return X86(andnot, SUFFIX)(X86(cmplt, SUFFIX)(magnitude, set_##T(SMALLEST_NORMAL)), a);                        \
    }

SSE2_WORDS(f32, ps, FLT_MIN)
SSE2_WORDS(f64, pd, DBL_MIN)

static inline vec_f64 widen_f32(const float *p)
{
    return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

/* Codes of 16 and of 8 bits as whole numbers of a register, one a lane; too large ones are stored as the largest. */
#include "bits.inc.h"

static inline vec_u32 load_u16(const void *p)
{
    return (vec_u32)_mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)p), _mm_setzero_si128());
}

/* There is only the packing with a sign: the numbers are moved down by 2^15 for it, and back up. */
static inline void store_u16(void *p, vec_u32 a)
{
    const __m128i below = _mm_sub_epi32((__m128i)a, _mm_set1_epi32(0x8000));
    _mm_storel_epi64((__m128i *)p, _mm_xor_si128(_mm_packs_epi32(below, below), _mm_set1_epi16((short)0x8000)));
}

static inline vec_u32 load_u8(const void *p)
{
    uint32_t four;
    copy_bytes(&four, p, sizeof four);
    const __m128i shorts = _mm_unpacklo_epi8(_mm_cvtsi32_si128((int)four), _mm_setzero_si128());
    return (vec_u32)_mm_unpacklo_epi16(shorts, _mm_setzero_si128());
}

static inline void store_u8(void *p, vec_u32 a)
{
    const __m128i shorts = _mm_packs_epi32((__m128i)a, (__m128i)a);
    const int four = _mm_cvtsi128_si32(_mm_packus_epi16(shorts, shorts));
    copy_bytes(p, &four, sizeof four);
}

#endif
