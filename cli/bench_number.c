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
    [ADADELTA_F32] = {"f32", 24, -149}, [ADADELTA_F64] = {"f64", 53, -1074}, [ADADELTA_BF16] = {"bf16", 8, -133},
    [ADADELTA_F16] = {"f16", 11, -24},  [ADADELTA_U16] = {"u16", 0, 0},      [ADADELTA_U8] = {"u8", 0, 0},
};

const char number_names[] = "f32, f64, bf16, f16", state_names[] = "f32, f64, bf16, f16, u16, u8";

int number_is_coded(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_U16 || dtype == ADADELTA_U8;
}

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

/* The number with that many digits, the first of which is not stored, and the exponent of code 0 lowest. */
static double decode_code(unsigned code, int digits, int lowest)
{
    const unsigned fractions = 1u << (digits - 1);
    return ldexp((double)(code % fractions + fractions), (int)(code / fractions) + lowest - digits + 1);
}

struct code_pair number_codes(enum adadelta_dtype dtype, const void *square_avg, const void *acc_delta, size_t i)
{
    if (dtype == ADADELTA_U16) {
        const uint16_t *v = square_avg, *u = acc_delta;
        return (struct code_pair){decode_code(v[i], 11, 0), decode_code(u[i], 11, 0), 11, 11};
    }
    const uint8_t *v = square_avg, *q = acc_delta;
    return (struct code_pair){decode_code(v[i], 4, 0), decode_code(q[i] ^ 0x80u, 3, -32), 4, 3};
}
