/* SPDX-License-Identifier: MIT */
/* See elementwise.h. */
#include "elementwise.h"

#include <string.h>

#include <adadelta.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- Functions of one number ---- */

INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for -126 <= n <= 127. */
INLINE float power_of_two(int32_t n)
{
    return float_of((uint32_t)(n + 127) << 23);
}

/* e^x for x <= 88, the range that is needed here: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by a polynomial (Cephes,
   expf: Moshier 1992), and 2^n in two factors, so that small results lose their digits one by one down to 0. */
INLINE float exponential(float x)
{
    const float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const float whole = 0x1.8p23f; /* what is added to this is rounded to a whole number, in the lowest bits */
    x = x < -105 ? -105 : x;       /* e^-104 is half the least float */
    const float shifted = x * log2_e + whole, n = shifted - whole;
    const int32_t power = (int32_t)(bits_of(shifted) - bits_of(whole));
    const float r = x - n * ln2_high - n * ln2_low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float e = p * (r * r) + r + 1;
    const int32_t half = power >> 1;
    return e * power_of_two(half) * power_of_two(power - half);
}

/* From e^2|x| where that is exact enough, below by a polynomial in x^2 (Cephes, tanhf). */
INLINE float hyperbolic_tangent(float x)
{
    const float size = float_of(bits_of(x) & 0x7fffffff), square = size * size;
    const float bounded = size > 10 ? 10 : size; /* tanh 10 is 1 to more digits than a float has */
    const float far = 1 - 2 / (exponential(2 * bounded) + 1);
    float p = -5.70498872745e-3f;
    p = p * square + 2.06390887954e-2f;
    p = p * square - 5.37397155531e-2f;
    p = p * square + 1.33314422036e-1f;
    p = p * square - 3.33332819422e-1f;
    const float near = p * square * size + size;
    return float_of(bits_of(size < 0.625f ? near : far) | (bits_of(x) & 0x80000000));
}

INLINE float logistic(float x)
{
    const float size = float_of(bits_of(x) & 0x7fffffff);
    const float e = exponential(-size);
    return (x < 0 ? e : 1) / (1 + e);
}

/* The comparison lets NaN through, so that a diverged run is noticed. */
INLINE float rectified(float x)
{
    return x < 0 ? 0 : x;
}

INLINE float rectified_back(float delta, float a)
{
    return a > 0 ? delta : 0;
}

INLINE float hyperbolic_tangent_back(float delta, float a)
{
    return delta * (1 - a * a);
}

INLINE float logistic_back(float delta, float a)
{
    return delta * (a * (1 - a));
}

/* ---- Loops, once an instruction set ---- */

#define FORWARD(set, attribute, function)                                                                              \
    attribute static void function##_##set(float *restrict z, size_t n)                                                \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            z[i] = function(z[i]);                                                                                     \
    }

#define BACKWARD(set, attribute, function)                                                                             \
    attribute static void function##_##set(float *restrict delta, const float *restrict a, size_t n)                   \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            delta[i] = function(delta[i], a[i]);                                                                       \
    }

#define SCALE_BYTES(set, attribute)                                                                                    \
    attribute static void scale_bytes_##set(float *restrict x, const uint8_t *restrict bytes,                          \
                                            const float *restrict offset, const float *restrict factor, size_t n)      \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            x[i] = (bytes[i] - offset[i]) * factor[i];                                                                 \
    }

#define ADD(set, attribute)                                                                                            \
    attribute static void add_##set(float *restrict sum, const float *restrict row, size_t n)                          \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            sum[i] += row[i];                                                                                          \
    }

#define LOOPS(set, attribute)                                                                                          \
    FORWARD(set, attribute, rectified)                                                                                 \
    FORWARD(set, attribute, hyperbolic_tangent)                                                                        \
    FORWARD(set, attribute, logistic)                                                                                  \
    BACKWARD(set, attribute, rectified_back)                                                                           \
    BACKWARD(set, attribute, hyperbolic_tangent_back)                                                                  \
    BACKWARD(set, attribute, logistic_back)                                                                            \
    SCALE_BYTES(set, attribute)                                                                                        \
    ADD(set, attribute)

#define SET(set)                                                                                                       \
    {                                                                                                                  \
#set, usable_##set,                                                                                            \
            {rectified_##set, hyperbolic_tangent_##set, logistic_##set },                                              \
             {rectified_back_##set, hyperbolic_tangent_back_##set, logistic_back_##set }, scale_bytes_##set, add_##set \
    }

static int usable_plain(void)
{
    return 1;
}

LOOPS(plain, )

#if defined(__x86_64__)
/* Where the library may use it, too: ADADELTA_ISA holds for both. */
static int usable_avx2(void)
{
    return strncmp(adadelta_isa_name(), "avx", 3) == 0;
}

LOOPS(avx2, __attribute__((target("avx2"))))
#endif

const struct elementwise elementwise_sets[] = {
    SET(plain),
#if defined(__x86_64__)
    SET(avx2),
#endif
    {0},
};

const struct elementwise *elementwise_in_use(void)
{
    const struct elementwise *best = elementwise_sets;
    for (const struct elementwise *set = elementwise_sets; set->name; set++)
        best = set->usable() ? set : best;
    return best;
}
