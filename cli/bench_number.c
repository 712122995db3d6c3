/* SPDX-License-Identifier: MIT */
/* See bench_number.h. A type is its digits and the exponent of its smallest number. */
#include "bench_number.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *name;
    int digits;
    int lowest; /* the smallest number is 2 to this */
} types[ADADELTA_DTYPE_COUNT] = {
    [ADADELTA_F32] = {"f32", 24, -149},
    [ADADELTA_F64] = {"f64", 53, -1074},
    [ADADELTA_BF16] = {"bf16", 8, -133},
    [ADADELTA_F16] = {"f16", 11, -24},
};

const char number_names[] = "f32, f64, bf16, f16";

const char *number_name(enum adadelta_dtype dtype)
{
    return types[dtype].name;
}

enum adadelta_dtype number_by_name(const char *name)
{
    for (size_t i = 0; i < ADADELTA_DTYPE_COUNT; i++) {
        if (types[i].name && strcmp(types[i].name, name) == 0)
            return (enum adadelta_dtype)i;
    }
    return ADADELTA_DTYPE_DEFAULT;
}

/* The value of a pattern of 16 bits with so many digits, the first of which is not stored. */
static double decode(unsigned pattern, int digits, int lowest)
{
    const int exponent = (int)((pattern & 0x7fff) >> (digits - 1)), most = (1 << (16 - digits)) - 1;
    const int fraction = (int)(pattern & ((1u << (digits - 1)) - 1));
    double value = ldexp(fraction, lowest);
    if (exponent == most)
        value = fraction ? NAN : INFINITY;
    else if (exponent)
        value = ldexp(fraction + (1 << (digits - 1)), lowest + exponent - 1);
    return pattern & 0x8000 ? -value : value;
}

double number_get(enum adadelta_dtype dtype, const void *array, size_t i)
{
    uint16_t pattern;
    if (dtype == ADADELTA_F32)
        return (double)((const float *)array)[i];
    if (dtype == ADADELTA_F64)
        return ((const double *)array)[i];
    memcpy(&pattern, (const char *)array + i * sizeof pattern, sizeof pattern);
    return decode(pattern, types[dtype].digits, types[dtype].lowest);
}

double number_spacing(enum adadelta_dtype dtype, double size)
{
    const int exponent = size > 0 ? ilogb(size) - types[dtype].digits + 1 : types[dtype].lowest;
    return ldexp(1, exponent > types[dtype].lowest ? exponent : types[dtype].lowest);
}
