/* SPDX-License-Identifier: MIT */
/* Between the patterns of BF16 and of float. C's operators say it for one number and for a register of them
   (bits.inc.h) alike, so it stands here once, and is made for both. Without comparisons, which give other values for
   registers. */

/* All ones where a is below b, else 0; of numbers below 2^31. */
#define LESS(a, b) (0 - (((a) - (b)) >> 31))

/* x where the mask is all ones, else y. */
#define EITHER(mask, x, y) ((y) ^ (((x) ^ (y)) & (mask)))

/* U: uint32_t, or vec_u32; codes are in its lower halves. widen: exact; a NaN becomes quiet. nearest: ties to even;
   nothing but a NaN can carry into the sign. by_chance: up or down so that the mean is the number, by 16 bits of chance
   that are added to the digits before they are cut; above the largest number to nearest.

   join and split: a float in two. The upper half is rounded, ties upwards, so that it is the parameter to use; the
   lower one has the digits as they are, and its first bit tells whether the upper one was rounded up. (A zero was not:
   where a caller has put it there, it stays next to zero.) An infinite upper half may be a number near the largest; a
   NaN loses its digits lest it become one. */
#define BF16_PATTERNS(U, NAME)                                                                                         \
    static ALWAYS_INLINE U widen_bf16_##NAME(U code)                                                                   \
    {                                                                                                                  \
        const U x = code << 16;                                                                                        \
        return x | (LESS(F32_INF, x & MAGNITUDE) & F32_QUIET);                                                         \
    }                                                                                                                  \
    static ALWAYS_INLINE U nearest_bf16_##NAME(U x)                                                                    \
    {                                                                                                                  \
        const U number = (x + 0x7fff + (x >> 16 & 1)) >> 16;                                                           \
        return EITHER(LESS(F32_INF, x & MAGNITUDE), x >> 16 | BF16_QUIET, number);                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE U bf16_by_chance_##NAME(U x, U chance)                                                        \
    {                                                                                                                  \
        const U magnitude = x & MAGNITUDE, cut = (magnitude + (chance & 0xffff)) >> 16;                                \
        const U number = EITHER(LESS(cut, BF16_INF), cut, (cut & 0) + (BF16_INF - 1));                                 \
        const U inf = LESS(F32_BF16_INF - 1, magnitude) & 1, nan = LESS(F32_INF, magnitude);                           \
        return (x >> 16 & SIGN_16) | (number + inf) | (nan & (magnitude >> 16 | BF16_QUIET));                          \
    }                                                                                                                  \
    static ALWAYS_INLINE U join_bf16_##NAME(U upper, U lower)                                                          \
    {                                                                                                                  \
        const U rounded_up = LESS(0, upper & (MAGNITUDE >> 16)) & (lower >> 15);                                       \
        return (upper - rounded_up) << 16 | lower;                                                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE U splittable_bf16_##NAME(U x)                                                                 \
    {                                                                                                                  \
        const U nan = (x & ~(uint32_t)MAGNITUDE) | F32_INF | F32_QUIET;                                                \
        return EITHER(LESS(F32_INF, x & MAGNITUDE), nan, x);                                                           \
    }                                                                                                                  \
    static ALWAYS_INLINE U upper_bf16_##NAME(U splittable)                                                             \
    {                                                                                                                  \
        return (splittable + 0x8000) >> 16;                                                                            \
    }                                                                                                                  \
    /* A master whose nearest is not the parameter any more becomes the parameter. */                                  \
    static ALWAYS_INLINE U adopted_bf16_##NAME(U master, U code)                                                       \
    {                                                                                                                  \
        return EITHER(LESS(0, nearest_bf16_##NAME(master) ^ code), widen_bf16_##NAME(code), master);                   \
    }

BF16_PATTERNS(uint32_t, u32)
