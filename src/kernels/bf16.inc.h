/* SPDX-License-Identifier: MIT */
/* Between the patterns of BF16 and of float. C's operators say it for one number and for a register of them
   (bits.inc.h) alike, so it stands here once, and is made for both. Without comparisons, which give other values for
   registers. */

/* All ones where a is below b, else 0; of numbers below 2^31. The shift of a negative number takes its sign along, as
   with every compiler that has these types. */
#define LESS(U, I, a, b) ((U)((I)((a) - (b)) >> 31))

/* x where the mask is all ones, else y. */
#define EITHER(mask, x, y) ((y) ^ (((x) ^ (y)) & (mask)))

/* U and I: uint32_t and int32_t, or registers of them; codes are in the lower halves. widen: exact; a NaN becomes
   quiet. nearest: ties to even. by_chance: up or down so that the mean is the number, by 16 bits of chance that are
   added to the digits before they are cut; above the largest number to nearest. To neither is anything added where it
   would carry a NaN into the sign.

   join and split: a float in two. The upper half is rounded, ties upwards, so that it is the parameter to use; the
   lower one has the digits as they are, and its first bit tells whether the upper one was rounded up. (A zero was not:
   where a caller has put it there, it stays next to zero.) An infinite upper half may be a number near the largest; a
   NaN loses its digits lest it become one. */
#define BF16_PATTERNS(U, I, NAME)                                                                                      \
    static ALWAYS_INLINE U is_nan_##NAME(U x)                                                                          \
    {                                                                                                                  \
        return LESS(U, I, F32_INF, x & MAGNITUDE);                                                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE U widen_bf16_##NAME(U code)                                                                   \
    {                                                                                                                  \
        return code << 16 | (is_nan_##NAME(code << 16) & F32_QUIET);                                                   \
    }                                                                                                                  \
    static ALWAYS_INLINE U nearest_bf16_##NAME(U x)                                                                    \
    {                                                                                                                  \
        const U nan = is_nan_##NAME(x), half = 0x7fff + (x >> 16 & 1);                                                 \
        return (x + (half & ~nan)) >> 16 | (nan & BF16_QUIET);                                                         \
    }                                                                                                                  \
    static ALWAYS_INLINE U bf16_by_chance_##NAME(U x, U chance)                                                        \
    {                                                                                                                  \
        const U last = LESS(U, I, F32_BF16_LARGEST - 1, x & MAGNITUDE), nan = is_nan_##NAME(x);                        \
        const U added = EITHER(last, 0x8000, chance & 0xffff);                                                         \
        return (x + (added & ~nan)) >> 16 | (nan & BF16_QUIET);                                                        \
    }                                                                                                                  \
    static ALWAYS_INLINE U join_bf16_##NAME(U upper, U lower)                                                          \
    {                                                                                                                  \
        const U rounded_up = LESS(U, I, 0, upper & (MAGNITUDE >> 16)) & (lower >> 15);                                 \
        return (upper - rounded_up) << 16 | lower;                                                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE U splittable_bf16_##NAME(U x)                                                                 \
    {                                                                                                                  \
        const U nan = (x & ~(uint32_t)MAGNITUDE) | F32_INF | F32_QUIET;                                                \
        return EITHER(is_nan_##NAME(x), nan, x);                                                                       \
    }                                                                                                                  \
    static ALWAYS_INLINE U upper_bf16_##NAME(U splittable)                                                             \
    {                                                                                                                  \
        return (splittable + 0x8000) >> 16;                                                                            \
    }                                                                                                                  \
    /* A master whose nearest is not the parameter any more becomes the parameter. */                                  \
    static ALWAYS_INLINE U adopted_bf16_##NAME(U master, U code)                                                       \
    {                                                                                                                  \
        return EITHER(LESS(U, I, 0, nearest_bf16_##NAME(master) ^ code), widen_bf16_##NAME(code), master);             \
    }

BF16_PATTERNS(uint32_t, int32_t, u32)
