/* SPDX-License-Identifier: MIT */
/*
 * For tests of the conversions: the kernels of every instruction set that this machine has, and the types by their
 * definition. A code's value, and the code of a value, are worked out in long double.
 */
#ifndef TESTS_FORMATS_H
#define TESTS_FORMATS_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "instruction_sets.h"
#include "kernels/kernels.h"
#include "kernels/convert.inc.h"

/* ---- The sets ---- */

extern const struct kernel_set kernels_scalar, kernels_sse2, kernels_avx2, kernels_avx512, kernels_neon;

/* The same text compiled like the test, where single numbers can be asked for, too. */
static const struct kernel_set plain = {.isa = "plain", CONVERSIONS};

static const struct kernel_set *sets[5];
static size_t set_count;

static inline int find_sets(void **state)
{
    (void)state;
    sets[set_count++] = &plain;
    sets[set_count++] = &kernels_scalar;
#if defined(__x86_64__)
    sets[set_count++] = &kernels_sse2;
    if (machine_has("avx2"))
        sets[set_count++] = &kernels_avx2;
    if (machine_has("avx512"))
        sets[set_count++] = &kernels_avx512;
#elif defined(__aarch64__)
    sets[set_count++] = &kernels_neon;
#endif
    return 0;
}

/* ---- The types by their definition ---- */

struct format {
    int size, digits,
        lowest; /* bytes; binary digits, the first one included; the last digit of denormals is 2^lowest */
};

static const struct format formats[] = {
    [ADADELTA_F32] = {4, 24, -149},
    [ADADELTA_F64] = {8, 53, -1074},
    [ADADELTA_BF16] = {2, 8, -133},
    [ADADELTA_F16] = {2, 11, -24},
};

static inline uint64_t sign_of(enum adadelta_dtype type)
{
    return (uint64_t)1 << (8 * formats[type].size - 1);
}

static inline uint64_t inf_of(enum adadelta_dtype type)
{
    uint64_t one = (uint64_t)1 << (formats[type].digits - 1);
    return sign_of(type) - one;
}

static inline int is_nan(enum adadelta_dtype type, uint64_t code)
{
    return (code & (sign_of(type) - 1)) > inf_of(type);
}

/* Of a finite code. Inf stands for the number that would come after the largest. */
static inline long double value_of(enum adadelta_dtype type, uint64_t code)
{
    const struct format *f = &formats[type];
    const uint64_t magnitude = code & (sign_of(type) - 1), one = (uint64_t)1 << (f->digits - 1);
    const int exponent = (int)(magnitude / one);
    const long double value = exponent ? ldexpl((long double)(magnitude % one + one), f->lowest + exponent - 1)
                                       : ldexpl((long double)magnitude, f->lowest);
    return code & sign_of(type) ? -value : value;
}

/* The code of a value brought to the type's digits by rintl (to nearest, ties to even) or truncl. */
static inline uint64_t code_of(enum adadelta_dtype type, long double value, long double (*rounding)(long double))
{
    const struct format *f = &formats[type];
    const uint64_t sign = signbit(value) ? sign_of(type) : 0;
    int exponent;
    frexpl(value, &exponent);
    if (value == 0 || isinf(value))
        return sign | (value == 0 ? 0 : inf_of(type));
    const int last = exponent - f->digits > f->lowest ? exponent - f->digits : f->lowest;
    const uint64_t number = (uint64_t)rounding(ldexpl(fabsl(value), -last));
    const uint64_t code = ((uint64_t)(last - f->lowest) << (f->digits - 1)) + number;
    return sign | (code < inf_of(type) ? code : inf_of(type));
}

/* Sign and first digits of a NaN stay, and it is quiet. */
static inline uint64_t nan_of(enum adadelta_dtype to, enum adadelta_dtype from, uint64_t code)
{
    const int shift = formats[to].digits - formats[from].digits;
    const uint64_t sign = code & sign_of(from) ? sign_of(to) : 0, digits = code & (sign_of(from) - inf_of(from) - 1);
    const uint64_t quiet = (uint64_t)1 << (formats[to].digits - 2);
    return sign | inf_of(to) | quiet | (shift < 0 ? digits >> -shift : digits << shift);
}

static inline uint64_t expected_code(enum adadelta_dtype to, enum adadelta_dtype from, uint64_t code)
{
    if (to == from)
        return code;
    if (is_nan(from, code))
        return nan_of(to, from, code);
    if ((code & (sign_of(from) - 1)) == inf_of(from))
        return inf_of(to) | (code & sign_of(from) ? sign_of(to) : 0);
    return code_of(to, value_of(from, code), rintl);
}

/* Element i of an array, whatever it was declared as. */
static inline uint64_t get(enum adadelta_dtype type, const void *array, size_t i)
{
    const unsigned char *p = (const unsigned char *)array + i * (size_t)formats[type].size;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    memcpy(&u16, p, sizeof u16);
    if (formats[type].size == 2)
        return u16;
    memcpy(&u32, p, sizeof u32);
    if (formats[type].size == 4)
        return u32;
    memcpy(&u64, p, sizeof u64);
    return u64;
}

static inline void put(enum adadelta_dtype type, void *array, size_t i, uint64_t code)
{
    unsigned char *p = (unsigned char *)array + i * (size_t)formats[type].size;
    const uint32_t u32 = (uint32_t)code;
    const uint16_t u16 = (uint16_t)code;
    memcpy(p,
           formats[type].size == 8   ? (const void *)&code
           : formats[type].size == 4 ? (const void *)&u32
                                     : &u16,
           (size_t)formats[type].size);
}

/* Rounds by the chance that a key gives the elements from number first on. */
static inline void dither(const struct kernel_set *set, enum adadelta_dtype type, size_t n, void *to, const void *from,
                          uint64_t key, uint64_t first)
{
    static uint32_t words[ROUNDED_ARRAYS][CHANCE_ROOM];
    set->draw(CHANCE_ROOM, words[PARAMETERS], key, 0);
    const struct chance chance = {.words = words, .salt = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32), .first = first};
    set->dither[type](n, to, from, &chance);
}

#endif
