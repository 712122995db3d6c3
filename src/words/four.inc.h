/* SPDX-License-Identifier: MIT */
/* Four registers of a set side by side as one word: an operation is done on all four before the next one begins. Their
   results are those of one register, and dividers like it: four divisions and then four roots took three quarters of
   the time that they take in turns (docs/performance.md). Read behind a set's own words. */

#include "builtins.h"

/* Nothing goes on with one of four before all are there: compilers would mix the divisions with the roots again. */
#if defined(__GNUC__) && defined(__x86_64__)
#define AWAIT(x) __asm__("" : "+v"((x).a), "+v"((x).b), "+v"((x).c), "+v"((x).d))
#elif defined(__GNUC__) && defined(__aarch64__)
#define AWAIT(x) __asm__("" : "+w"((x).a), "+w"((x).b), "+w"((x).c), "+w"((x).d))
#else
#define AWAIT(x) (void)(x)
#endif

#define FOUR_OF_ONE(T, op, await)                                                                                      \
    static ALWAYS_INLINE four_##T four_##op##_##T(four_##T x)                                                          \
    {                                                                                                                  \
        x = (four_##T){op##_##T(x.a), op##_##T(x.b), op##_##T(x.c), op##_##T(x.d)};                                    \
        await(x);                                                                                                      \
        return x;                                                                                                      \
    }

#define FOUR_OF_TWO(T, op, await)                                                                                      \
    static ALWAYS_INLINE four_##T four_##op##_##T(four_##T x, four_##T y)                                              \
    {                                                                                                                  \
        x = (four_##T){op##_##T(x.a, y.a), op##_##T(x.b, y.b), op##_##T(x.c, y.c), op##_##T(x.d, y.d)};                \
        await(x);                                                                                                      \
        return x;                                                                                                      \
    }

#define GO_ON(x) (void)0

/* some: of an array with n elements left, those of the register that begins at at: all, a part, or none. */
#define FOUR_WORDS(T, REAL)                                                                                            \
    enum { FOUR_LANES_##T = 4 * LANES_##T };                                                                           \
    typedef struct {                                                                                                   \
        vec_##T a, b, c, d;                                                                                            \
    } four_##T;                                                                                                        \
    static ALWAYS_INLINE vec_##T load_some_##T(const REAL *p, size_t n, size_t at)                                     \
    {                                                                                                                  \
        return n >= at + LANES_##T ? load_##T(p + at) : n > at ? load_part_##T(p + at, n - at) : set_##T(0);           \
    }                                                                                                                  \
    static ALWAYS_INLINE void store_some_##T(REAL *p, vec_##T x, size_t n, size_t at)                                  \
    {                                                                                                                  \
        if (n >= at + LANES_##T)                                                                                       \
            store_##T(p + at, x);                                                                                      \
        else if (n > at)                                                                                               \
            store_part_##T(p + at, x, n - at);                                                                         \
    }                                                                                                                  \
    static ALWAYS_INLINE four_##T four_load_part_##T(const REAL *p, size_t n)                                          \
    {                                                                                                                  \
        return (four_##T){load_some_##T(p, n, 0), load_some_##T(p, n, LANES_##T), load_some_##T(p, n, 2 * LANES_##T),  \
                          load_some_##T(p, n, 3 * LANES_##T)};                                                         \
    }                                                                                                                  \
    static ALWAYS_INLINE void four_store_part_##T(REAL *p, four_##T x, size_t n)                                       \
    {                                                                                                                  \
        store_some_##T(p, x.a, n, 0);                                                                                  \
        store_some_##T(p, x.b, n, LANES_##T);                                                                          \
        store_some_##T(p, x.c, n, 2 * LANES_##T);                                                                      \
        store_some_##T(p, x.d, n, 3 * LANES_##T);                                                                      \
    }                                                                                                                  \
    static ALWAYS_INLINE four_##T four_load_##T(const REAL *p)                                                         \
    {                                                                                                                  \
        return four_load_part_##T(p, FOUR_LANES_##T);                                                                  \
    }                                                                                                                  \
    static ALWAYS_INLINE void four_store_##T(REAL *p, four_##T x)                                                      \
    {                                                                                                                  \
        four_store_part_##T(p, x, FOUR_LANES_##T);                                                                     \
    }                                                                                                                  \
    static ALWAYS_INLINE four_##T four_set_##T(REAL x)                                                                 \
    {                                                                                                                  \
        const vec_##T all = set_##T(x);                                                                                \
        return (four_##T){all, all, all, all};                                                                         \
    }                                                                                                                  \
    FOUR_OF_TWO(T, add, GO_ON)                                                                                         \
    FOUR_OF_TWO(T, sub, GO_ON)                                                                                         \
    FOUR_OF_TWO(T, mul, GO_ON)                                                                                         \
    FOUR_OF_TWO(T, min, GO_ON)                                                                                         \
    FOUR_OF_TWO(T, max, GO_ON)                                                                                         \
    FOUR_OF_TWO(T, div, AWAIT)                                                                                         \
    FOUR_OF_ONE(T, sqrt, AWAIT)                                                                                        \
    FOUR_OF_ONE(T, drop_tiny, GO_ON)

FOUR_WORDS(f32, float)
FOUR_WORDS(f64, double)
