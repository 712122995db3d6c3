/* SPDX-License-Identifier: MIT */
/* Words for AVX2: eight floats or four doubles, masked loads and stores for the ends of arrays. */
#ifndef ADADELTA_VEC_AVX2_H
#define ADADELTA_VEC_AVX2_H

#include <float.h>
#include <immintrin.h>
#include <stddef.h>

enum { LANES_f32 = 8, LANES_f64 = 4 };
typedef __m256 vec_f32;
typedef __m256d vec_f64;

#define X86(op, suffix) _mm256_##op##_##suffix
#include "vec_x86.inc.h"

/* The first n elements on. */
static inline __m256i part_f32(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256i part_f64(size_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}

#define AVX2_WORDS(T, REAL, SUFFIX, SMALLEST_NORMAL)                                                                   \
    static inline vec_##T load_part_##T(const REAL *p, size_t n)                                                       \
    {                                                                                                                  \
        return X86(maskload, SUFFIX)(p, part_##T(n));                                                                  \
    }                                                                                                                  \
    static inline void store_part_##T(REAL *p, vec_##T a, size_t n)                                                    \
    {                                                                                                                  \
        X86(maskstore, SUFFIX)(p, part_##T(n), a);                                                                     \
    }                                                                                                                  \
    static inline vec_##T drop_tiny_##T(vec_##T a)                                                                     \
    {                                                                                                                  \
        const vec_##T magnitude = X86(andnot, SUFFIX)(set_##T(-0.0), a);                                               \
        return X86(andnot, SUFFIX)(X86(cmp, SUFFIX)(magnitude, set_##T(SMALLEST_NORMAL), _CMP_LT_OQ), a);              \
    }

AVX2_WORDS(f32, float, ps, FLT_MIN)
AVX2_WORDS(f64, double, pd, DBL_MIN)

static inline vec_f64 widen_f32(const float *p)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(p));
}

/* Codes of 16 and of 8 bits as whole numbers of a register, one a lane; too large ones are stored as the largest. */
#include "bits.inc.h"

static inline vec_u32 load_u16(const void *p)
{
    return (vec_u32)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}

/* Packing works on the halves of a register; the eight numbers then lie in its first and third quarter. */
static inline __m128i packed_u16(vec_u32 a)
{
    const __m256i halves = _mm256_packus_epi32((__m256i)a, (__m256i)a);
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(halves, 0x08));
}

static inline void store_u16(void *p, vec_u32 a)
{
    _mm_storeu_si128((__m128i *)p, packed_u16(a));
}

static inline vec_u32 load_u8(const void *p)
{
    return (vec_u32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

/* By way of 16 bits with a sign, whose largest number is kept as 255 as well. */
static inline void store_u8(void *p, vec_u32 a)
{
    const __m256i halves = _mm256_packs_epi32((__m256i)a, (__m256i)a);
    const __m128i shorts = _mm256_castsi256_si128(_mm256_permute4x64_epi64(halves, 0x08));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(shorts, shorts));
}

#define F16_WORDS
static inline vec_f32 load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline void store_f16(void *p, vec_f32 a)
{
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#endif
