/* SPDX-License-Identifier: MIT */
/* The words that SSE2, AVX2 and AVX-512 spell alike but for a prefix and a suffix: X86(op, suffix) is the set's
 * intrinsic. */

#define X86_WORDS(T, REAL, SUFFIX)                                                                                     \
    static inline vec_##T load_##T(const REAL *p)                                                                      \
    {                                                                                                                  \
        return X86(loadu, SUFFIX)(p);                                                                                  \
    }                                                                                                                  \
    static inline void store_##T(REAL *p, vec_##T a)                                                                   \
    {                                                                                                                  \
        X86(storeu, SUFFIX)(p, a);                                                                                     \
    }                                                                                                                  \
    static inline vec_##T set_##T(REAL a)                                                                              \
    {                                                                                                                  \
        return X86(set1, SUFFIX)(a);                                                                                   \
    }                                                                                                                  \
    static inline vec_##T add_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(add, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T sub_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(sub, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T mul_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(mul, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T div_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(div, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T min_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(min, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T max_##T(vec_##T a, vec_##T b)                                                                \
    {                                                                                                                  \
        return X86(max, SUFFIX)(a, b);                                                                                 \
    }                                                                                                                  \
    static inline vec_##T sqrt_##T(vec_##T a)                                                                          \
    {                                                                                                                  \
        return X86(sqrt, SUFFIX)(a);                                                                                   \
    }

X86_WORDS(f32, float, ps)
X86_WORDS(f64, double, pd)
