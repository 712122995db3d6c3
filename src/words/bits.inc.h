/* SPDX-License-Identifier: MIT */
/* A register of floats seen as whole numbers of 32 bits. C's operators work on vec_u32 lane by lane, with numbers of
   one lane, too: compilers have them for vectors. ONE_LANE: the register is a float. */
#include <stdint.h>

#include "builtins.h"

#ifdef ONE_LANE
typedef uint32_t vec_u32;
typedef int32_t vec_i32;
#else
typedef uint32_t vec_u32 __attribute__((vector_size(sizeof(vec_f32))));
typedef int32_t vec_i32 __attribute__((vector_size(sizeof(vec_f32))));
#endif

static inline vec_u32 bits_of(vec_f32 x)
{
    vec_u32 bits;
    copy_bytes(&bits, &x, sizeof bits);
    return bits;
}

static inline vec_f32 float_of(vec_u32 bits)
{
    vec_f32 x;
    copy_bytes(&x, &bits, sizeof x);
    return x;
}

static inline vec_u32 load_u32(const uint32_t *p)
{
    vec_u32 bits;
    copy_bytes(&bits, p, sizeof bits);
    return bits;
}
