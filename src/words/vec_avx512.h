/* SPDX-License-Identifier: MIT */
/* Words for AVX-512: sixteen floats or eight doubles, with mask registers. (Of the F and DQ parts; the kernels are
   compiled with BW, too, for the loops over 16-bit numbers.) */
#ifndef ADADELTA_VEC_AVX512_H
#define ADADELTA_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>

enum { LANES_f32 = 16, LANES_f64 = 8 };
typedef __m512 vec_f32;
typedef __m512d vec_f64;

#define X86(op, suffix) _mm512_##op##_##suffix
#include "vec_x86.inc.h"

/* Zero, minus zero, and denormal numbers, which a thread may have set to be seen as zeros. */
enum { TINY_CLASSES = 0x02 | 0x04 | 0x20 };

#define AVX512_WORDS(T, REAL, SUFFIX, MASK)                                                                            \
    static inline MASK part_##T(size_t n) /* the first n elements on */                                                \
    {                                                                                                                  \
        return (MASK)((1u << n) - 1);                                                                                  \
    }                                                                                                                  \
    static inline vec_##T load_part_##T(const REAL *p, size_t n)                                                       \
    {                                                                                                                  \
        return X86(maskz_loadu, SUFFIX)(part_##T(n), p);                                                               \
    }                                                                                                                  \
    static inline void store_part_##T(REAL *p, vec_##T a, size_t n)                                                    \
    {                                                                                                                  \
        X86(mask_storeu, SUFFIX)(p, part_##T(n), a);                                                                   \
    }                                                                                                                  \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        return X86(mask_mov, SUFFIX)(a, X86(fpclass, SUFFIX##_mask)(a, TINY_CLASSES), set_##T(0));                     \
    }

AVX512_WORDS(f32, float, ps, __mmask16)
AVX512_WORDS(f64, double, pd, __mmask8)

static inline vec_f64 widen_f32(const float *p)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(p));
}

/* Codes of 16 and of 8 bits as whole numbers of a register, one a lane; too large ones are stored as the largest. */
#include "bits.inc.h"

static inline vec_u32 load_u16(const void *p)
{
    return (vec_u32)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
}

static inline void store_u16(void *p, vec_u32 a)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtusepi32_epi16((__m512i)a));
}

static inline vec_u32 load_u8(const void *p)
{
    return (vec_u32)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline void store_u8(void *p, vec_u32 a)
{
    _mm_storeu_si128((__m128i *)p, _mm512_cvtusepi32_epi8((__m512i)a));
}

#define F16_WORDS
static inline vec_f32 load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline void store_f16(void *p, vec_f32 a)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#endif
