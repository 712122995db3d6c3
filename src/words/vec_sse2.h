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

#endif
