/* SPDX-License-Identifier: MIT */
/*
 * For tests of how numbers are stored: the types by their definition, without a line of the library's, and every way
 * in which values, gradient, state and weights can go together.
 */
#ifndef TESTS_STORAGE_H
#define TESTS_STORAGE_H

#include <stdlib.h>
#include "oracle.h"

/* ---- Numbers as they are stored ---- */

/* Bytes; binary digits, the first one included; the last digit of denormals is 2^lowest. */
struct binary {
    size_t size;
    int digits, lowest;
};

static const struct binary binaries[] = {
    [ADADELTA_F32] = {4, 24, -149},
    [ADADELTA_F64] = {8, 53, -1074},
    [ADADELTA_BF16] = {2, 8, -133},
    [ADADELTA_F16] = {2, 11, -24},
};

static inline int is_half(enum adadelta_dtype dtype)
{
    return binaries[dtype].size == 2;
}

static inline uint64_t half_inf(enum adadelta_dtype dtype)
{
    return 0x8000u - (1u << (binaries[dtype].digits - 1));
}

static inline double half_value(enum adadelta_dtype dtype, uint64_t code)
{
    const struct binary *b = &binaries[dtype];
    const uint64_t magnitude = code & 0x7fff, one = (uint64_t)1 << (b->digits - 1);
    const int exponent = (int)(magnitude / one);
    double value = exponent ? ldexp((double)(magnitude % one + one), b->lowest + exponent - 1)
                            : ldexp((double)magnitude, b->lowest);
    if (magnitude >= half_inf(dtype))
        value = magnitude == half_inf(dtype) ? (double)INFINITY : (double)NAN;
    return code & 0x8000 ? -value : value;
}

/* The code of a value brought to the type's digits: by rint to nearest, ties to even; by trunc towards zero. */
static inline uint64_t half_code(enum adadelta_dtype dtype, double value, double (*rounding)(double))
{
    const struct binary *b = &binaries[dtype];
    const uint64_t sign = signbit(value) ? 0x8000 : 0, inf = half_inf(dtype);
    int exponent;
    if (isnan(value))
        return sign | inf | (uint64_t)1 << (b->digits - 2);
    if (value == 0 || isinf(value))
        return sign | (value == 0 ? 0 : inf);
    frexp(value, &exponent);
    const int last = exponent - b->digits > b->lowest ? exponent - b->digits : b->lowest;
    const uint64_t number = (uint64_t)rounding(ldexp(fabs(value), -last));
    const uint64_t code = ((uint64_t)(last - b->lowest) << (b->digits - 1)) + number;
    return sign | (code < inf ? code : inf);
}

/* The bits of element i of an array of any alignment. */
static inline uint64_t bits_at(enum adadelta_dtype dtype, const void *array, size_t i)
{
    const size_t size = binaries[dtype].size;
    const char *at = (const char *)array + i * size;
    uint64_t wide;
    uint32_t narrow;
    uint16_t half;
    memcpy(&half, at, sizeof half);
    if (size == sizeof half)
        return half;
    memcpy(&narrow, at, sizeof narrow);
    if (size == sizeof narrow)
        return narrow;
    memcpy(&wide, at, sizeof wide);
    return wide;
}

static inline double number_at(enum adadelta_dtype dtype, const void *array, size_t i)
{
    return is_half(dtype) ? half_value(dtype, bits_at(dtype, array, i)) : load_element(dtype, array, i);
}

/* The nearest number of the type. */
static inline void put_number(enum adadelta_dtype dtype, void *array, size_t i, double value)
{
    const uint16_t code = is_half(dtype) ? (uint16_t)half_code(dtype, value, rint) : 0;
    if (is_half(dtype))
        memcpy((char *)array + i * sizeof code, &code, sizeof code);
    else
        store_element(dtype, array, i, value);
}

static inline uint64_t nearest_bits(enum adadelta_dtype dtype, double value)
{
    uint64_t room = 0;
    put_number(dtype, &room, 0, value);
    return bits_at(dtype, &room, 0);
}

static inline double nearest(enum adadelta_dtype dtype, double value)
{
    uint64_t room = 0;
    put_number(dtype, &room, 0, value);
    return number_at(dtype, &room, 0);
}

/* n elements, one where there are none. To be given to free. */
static inline void *new_array(enum adadelta_dtype dtype, size_t n)
{
    void *array = calloc(n ? n : 1, binaries[dtype].size);
    if (!array)
        abort();
    return array;
}

static inline void fill_random(enum adadelta_dtype dtype, void *array, size_t n, uint64_t *seed, int low, int high)
{
    for (size_t i = 0; i < n; i++)
        put_number(dtype, array, i, random_bits(seed) % 16 ? random_magnitude(seed, low, high) : 0);
}

/* ---- What can go together ---- */

struct mix {
    enum adadelta_dtype values, gradient, state; /* state may be the default */
    enum adadelta_weights weights;
};

enum { REALS = 4, WEIGHTS = 4, MIXES = REALS * REALS * (REALS + 1) * WEIGHTS };

static inline struct mix mix_number(int k)
{
    return (struct mix){.values = (enum adadelta_dtype)(ADADELTA_F32 + k % REALS),
                        .gradient = (enum adadelta_dtype)(ADADELTA_F32 + k / REALS % REALS),
                        .weights = (enum adadelta_weights)(k / REALS / REALS % WEIGHTS),
                        .state = (enum adadelta_dtype)(k / REALS / REALS / WEIGHTS)};
}

/* As the header says it. */
static inline int goes_together(const struct mix *mix)
{
    return !(is_half(mix->values) && mix->state == ADADELTA_F64) &&
           !(mix->values == ADADELTA_F16 && mix->weights == ADADELTA_WEIGHTS_SPLIT);
}

static inline enum adadelta_dtype state_of_mix(const struct mix *mix)
{
    if (mix->state != ADADELTA_DTYPE_DEFAULT)
        return mix->state;
    return mix->values == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

static inline enum adadelta_dtype computed_in(const struct mix *mix)
{
    return mix->values == ADADELTA_F64 || mix->state == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

static inline int has_master(const struct mix *mix)
{
    return is_half(mix->values) && mix->weights == ADADELTA_WEIGHTS_MASTER;
}

static inline int has_low(const struct mix *mix)
{
    return mix->values == ADADELTA_BF16 && mix->weights == ADADELTA_WEIGHTS_SPLIT;
}

static inline int is_dithered(const struct mix *mix)
{
    return is_half(mix->values) && mix->weights == ADADELTA_WEIGHTS_STOCHASTIC;
}

static inline struct adadelta_tensor tensor_of(const struct mix *mix, const char *name, size_t n, void *values,
                                               const void *gradient)
{
    return (struct adadelta_tensor){.name = name,
                                    .dtype = mix->values,
                                    .ndim = 1,
                                    .shape = {n},
                                    .values = values,
                                    .gradient = gradient,
                                    .gradient_dtype = mix->gradient,
                                    .state_dtype = mix->state,
                                    .weights = mix->weights};
}

#endif
