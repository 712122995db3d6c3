/* SPDX-License-Identifier: MIT */
/* The table of formats: adding one is a row. */
#include "formats.h"

#include <string.h>

/* What |g|/sqrt(eps) may be: the root of v's range, 2^(2^(exponent bits)), less an eighth. */
#define BOUND_5 57344.0
#define BOUND_6 3758096384.0

/* A name, bits a state, mantissa and exponent bits of v and of u, where chances come from, and the family. */
#define ROW(label, bits_each, v_mantissa, v_exponent, u_mantissa, u_exponent, chances, family)                         \
    .name = label, .bits = bits_each, .shape = {{v_mantissa, v_exponent}, {u_mantissa, u_exponent}},                   \
    .chance = chances, .keep = keep_##family, .recall = recall_##family

/* The same shape for v and u; the sign of a float counts as a bit of its exponent. */
#define BOTH(label, mantissa, exponent, chances, family)                                                               \
    ROW(label, mantissa + exponent, mantissa, exponent, mantissa, exponent, chances, family)

static const struct format formats[] = {
    {BOTH("f64", 52, 12, nearest, double), .doubles = 1, .about = "double throughout"},
    {BOTH("f32", 23, 9, nearest, single), .about = "float"},
    {BOTH("f32-bound", 23, 9, nearest, single), .bound = BOUND_5,
     .about = "float, gradients bounded as those of 8 bits"},
    {BOTH("bf16", 7, 9, nearest, bf16), .about = "BF16, to nearest"},
    {BOTH("bf16-s", 7, 9, fresh, bf16), .about = "BF16, by chance"},
    {BOTH("bf16-one", 7, 9, one_for_both, bf16), .about = "BF16, one chance for v and u"},
    {BOTH("f16", 10, 6, nearest, f16), .about = "F16, to nearest"},
    {BOTH("u16-n", 10, 6, nearest, above_one), .bound = BOUND_6, .about = "w = s/eps + 1, to nearest"},
    {BOTH("u16-two", 10, 6, fresh, above_one), .bound = BOUND_6, .about = "w, two chances"},
    {BOTH("u16", 10, 6, one_for_both, above_one), .bound = BOUND_6,
     .about = "w, one chance for v and u: the library's U16"},
    {BOTH("u8-n", 3, 5, nearest, above_one), .bound = BOUND_5, .about = "w, to nearest"},
    {BOTH("u8-two", 3, 5, fresh, above_one), .bound = BOUND_5, .about = "w, two chances"},
    {BOTH("u8-one", 3, 5, one_for_both, above_one), .bound = BOUND_5, .about = "w, one chance for v and u"},
    {BOTH("u8-cubic", 3, 5, one_for_both, cubic), .bound = BOUND_5,
     .about = "u8-one in equal steps of log w by a cubic"},
    /* As for Adam */
    {BOTH("block-linear", 8, 0, nearest, block_linear), .about = "256 even steps to the tensor's largest"},
    {BOTH("block-dynamic", 5, 3, nearest, block_dynamic), .about = "8-bit Adam's map to the tensor's largest"},
    /* Other chances */
    {BOTH("u16-anti", 10, 6, antithetic, above_one), .bound = BOUND_6, .about = "every second chance 1 - the last"},
    {BOTH("u16-weyl", 10, 6, weyl, above_one), .bound = BOUND_6, .about = "chances even over the steps"},
    {BOTH("u8-anti", 3, 5, antithetic, above_one), .bound = BOUND_5, .about = "every second chance 1 - the last"},
    {BOTH("u8-weyl", 3, 5, weyl, above_one), .bound = BOUND_5, .about = "chances even over the steps"},
    {BOTH("u8-weyl64", 3, 5, weyl_restarted, above_one), .bound = BOUND_5, .about = "the same, restarted each 64"},
    /* Other 8 bits, two chances */
    {BOTH("u8-e4m4", 4, 4, fresh, scaled), .about = "unit a power of 2 for the tensor"},
    {BOTH("u8-root", 4, 4, fresh, root), .bound = BOUND_5, .about = "sqrt(w)"},
    {BOTH("u8-log", 3, 5, fresh, log), .bound = BOUND_5, .about = "log w"},
    {BOTH("u8-lazy", 3, 5, fresh, above_one), .bound = BOUND_5, .every = 4,
     .about = "moved each 4 steps, 4 times as far"},
    {ROW("v9u7", 8, 4, 5, 2, 5, fresh, above_one), .bound = BOUND_5, .about = "v finer than u"},
    {ROW("v7u9", 8, 2, 5, 4, 5, fresh, above_one), .bound = BOUND_5, .about = "u finer than v"},
    {ROW("v7u9-log", 8, 2, 5, 4, 5, fresh, log), .bound = BOUND_5, .about = "the same, log w"},
    /* The ratio q = w_u/w_v in the place of u */
    {ROW("v9q7", 8, 4, 5, 1, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q"},
    {ROW("v8q8", 8, 3, 5, 2, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q: the library's U8"},
    {ROW("v7q9", 8, 2, 5, 3, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q"},
    {ROW("v6q10", 8, 1, 5, 4, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q"},
    {ROW("v5q11", 8, 0, 5, 5, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q"},
    {ROW("v8q8-weyl", 8, 3, 5, 2, 6, weyl, ratio), .bound = BOUND_5, .about = "v and q, chances even over the steps"},
    /* One chance */
    {BOTH("u8-parabola", 3, 5, one_for_both, parabola), .bound = BOUND_5, .about = "a parabola for the cubic"},
    {BOTH("u8-log-one", 3, 5, one_for_both, log), .bound = BOUND_5, .about = "log w, one chance"},
    {BOTH("u8-cubic-e6", 2, 6, one_for_both, cubic), .bound = BOUND_6, .about = "u8-cubic with the range of u16"},
    {ROW("v9u7-one", 8, 4, 5, 2, 5, one_for_both, above_one), .bound = BOUND_5, .about = "v finer than u, one chance"},
    {BOTH("u6-cubic", 1, 5, one_for_both, cubic), .bound = BOUND_5, .about = "u8-cubic in 6 bits"},
    /* 12 bits */
    {BOTH("u12", 7, 5, fresh, above_one), .bound = BOUND_5, .about = "w by chance"},
    {BOTH("u12-one", 7, 5, one_for_both, above_one), .bound = BOUND_5, .about = "w, one chance"},
    {BOTH("u12-cubic", 7, 5, one_for_both, cubic), .bound = BOUND_5, .about = "u8-cubic in 12 bits"},
    {BOTH("u12-cubic-e6", 6, 6, one_for_both, cubic), .bound = BOUND_6, .about = "the same with the range of u16"},
    {ROW("v10q14", 12, 5, 5, 8, 6, fresh, ratio), .bound = BOUND_5, .about = "v and q"},
    /* 16 bits */
    {BOTH("u16-cubic", 10, 6, one_for_both, cubic), .bound = BOUND_6, .about = "u8-cubic in 16 bits"},
    {ROW("v16q16", 16, 10, 6, 9, 7, fresh, ratio), .bound = BOUND_6, .about = "v and q"},
};

const struct format *format_at(size_t index)
{
    return index < sizeof formats / sizeof *formats ? &formats[index] : NULL;
}

const struct format *format_find(const char *name)
{
    const struct format *format;
    for (size_t i = 0; (format = format_at(i)); i++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
