/* SPDX-License-Identifier: MIT */
/* Formats that keep each element by itself. */
#include "formats.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- All the bits ---- */

void keep_double(const struct format *format, struct kept *kept, struct moment moment, const double *v, const double *u)
{
    (void)format, (void)moment;
    memcpy(kept->code[OF_V], v, kept->n * sizeof *v);
    memcpy(kept->code[OF_U], u, kept->n * sizeof *u);
}

void recall_double(const struct format *format, const struct kept *kept, double *v, double *u)
{
    (void)format;
    memcpy(v, kept->code[OF_V], kept->n * sizeof *v);
    memcpy(u, kept->code[OF_U], kept->n * sizeof *u);
}

/* ---- One function for v and u alike ---- */

typedef uint64_t encoder(const struct format *format, double eps, double s, enum which which, uint32_t chance);
typedef double decoder(const struct format *format, double eps, uint64_t code, enum which which);

static void keep_each(const struct format *format, struct kept *kept, struct moment moment, const double *v,
                      const double *u, encoder *encode)
{
    for (size_t i = 0; i < kept->n; i++) {
        const uint32_t of_v = format->chance(moment, (uint32_t)i, OF_V);
        const uint32_t of_u = format->chance(moment, (uint32_t)i, OF_U);
        kept->code[OF_V][i] = encode(format, kept->eps, v[i], OF_V, of_v);
        kept->code[OF_U][i] = encode(format, kept->eps, u[i], OF_U, of_u);
    }
}

static void recall_each(const struct format *format, const struct kept *kept, double *v, double *u, decoder *decode)
{
    for (size_t i = 0; i < kept->n; i++) {
        v[i] = decode(format, kept->eps, kept->code[OF_V][i], OF_V);
        u[i] = decode(format, kept->eps, kept->code[OF_U][i], OF_U);
    }
}

/* f32, bf16, f16 keep v and u themselves, not v/eps and u/eps: where their range ends shows. */
static uint64_t encode_single(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    (void)format, (void)which, (void)chance;
    return bits_of((float)(s * eps));
}

static double decode_single(const struct format *format, double eps, uint64_t code, enum which which)
{
    (void)format, (void)which;
    return float_of((uint32_t)code) / eps;
}

static uint64_t encode_bf16(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const uint32_t bits = bits_of((float)(s * eps));
    (void)which;
    if (format->chance == nearest) /* ties to even */
        return (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    return (bits + (chance >> 16)) & 0xffff0000;
}

/* The number of 11 significant bits, or of 2^-24, nearest; what it stands for is the code here. */
static uint64_t encode_f16(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const double x = s * eps;
    (void)format, (void)which, (void)chance;
    if (!(x < 65520)) /* what rounds to infinity, and what is no number */
        return bits_of((float)INFINITY);
    const double unit = ldexp(1, (x < 0x1p-14 ? -14 : ilogb(x)) - 10);
    return bits_of((float)(nearbyint(x / unit) * unit));
}

/* ---- w = s/eps + 1, a float's bits cut: the library's ---- */

uint32_t encode_above_one(struct shape shape, float w, uint32_t chance)
{
    const uint32_t last = (1u << (shape.mantissa + shape.exponent)) - 1;
    const uint32_t code = (bits_of(w) - 0x3f800000u + chance) >> (23 - shape.mantissa);
    return code < last ? code : last;
}

float decode_above_one(struct shape shape, uint32_t code)
{
    return float_of((code << (23 - shape.mantissa)) + 0x3f800000u);
}

static uint64_t encode_relative(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const struct shape shape = format->shape[which];
    (void)eps;
    return encode_above_one(shape, (float)s + 1, chance >> (9 + shape.mantissa));
}

static double decode_relative(const struct format *format, double eps, uint64_t code, enum which which)
{
    (void)eps;
    return decode_above_one(format->shape[which], (uint32_t)code) - 1.0f;
}

/* ---- The same steps in log w: up with the probability that leaves log w, not w, unbiased ---- */

static uint64_t encode_log(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const struct shape shape = format->shape[which];
    const double last = ldexp(1, shape.mantissa + shape.exponent) - 1;
    (void)eps;
    return (uint64_t)fmin(floor(ldexp(log2(s + 1), shape.mantissa) + chance * 0x1p-32), last);
}

static double decode_log(const struct format *format, double eps, uint64_t code, enum which which)
{
    (void)eps;
    return exp2(ldexp((double)code, -format->shape[which].mantissa)) - 1;
}

/* ---- The same with a parabola for the logarithm's bend between two powers of 2, in whole numbers: x becomes
   x + 11/32 x (1 - x), off by 0.009 at most ---- */

static uint64_t encode_parabola(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const struct shape shape = format->shape[which];
    const uint32_t last = (1u << (shape.mantissa + shape.exponent)) - 1, bits = bits_of((float)s + 1);
    const uint32_t top = bits >> 8 & 0x7fff, bend = top * (0x8000 - top) * 11 >> 12;
    const uint32_t code = (bits - 0x3f800000u + bend + (chance >> (9 + shape.mantissa))) >> (23 - shape.mantissa);
    (void)eps;
    return code < last ? code : last;
}

static double decode_parabola(const struct format *format, double eps, uint64_t code, enum which which)
{
    const uint32_t steps = 1u << format->shape[which].mantissa;
    const double straight = (double)(code % steps) / steps; /* = x + 11/32 x (1 - x) */
    const double x = (43 - sqrt(43 * 43 - 4 * 11 * 32 * straight)) / 22;
    (void)eps;
    return ldexp((float)(1 + x), (int)(code / steps)) - 1;
}

/* ---- The same with a cubic, x + x (1 - x) (27 - 10 x)/64, off by 0.001 at most and in its slope by 1.8 % ---- */

static uint64_t encode_cubic(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    const struct shape shape = format->shape[which];
    const uint32_t last = (1u << (shape.mantissa + shape.exponent)) - 1, bits = bits_of((float)s + 1);
    const uint32_t top = bits >> 8 & 0x7fff, bow = top * (0x8000 - top) >> 12, lean = (27 * 0x8000 - 10 * top) >> 4;
    const uint32_t bend = bow * lean >> 12;
    const uint32_t code = (bits - 0x3f800000u + bend + (chance >> (9 + shape.mantissa))) >> (23 - shape.mantissa);
    (void)eps;
    return code < last ? code : last;
}

static double decode_cubic(const struct format *format, double eps, uint64_t code, enum which which)
{
    const uint32_t steps = 1u << format->shape[which].mantissa;
    const double straight = (double)(code % steps) / steps;
    double low = 0, high = 1; /* the x of which it is the image, by halving */
    for (int turn = 0; turn < 40 && straight > 0; turn++) {
        const double x = (low + high) / 2;
        *(x + x * (1 - x) * (27 - 10 * x) / 64 < straight ? &low : &high) = x;
    }
    (void)eps;
    return ldexp((float)(1 + low), (int)(code / steps)) - 1;
}

/* ---- sqrt(w): half the exponent, so a bit more for the mantissa ---- */

static uint64_t encode_root(const struct format *format, double eps, double s, enum which which, uint32_t chance)
{
    return encode_relative(format, eps, sqrt(s + 1) - 1, which, chance);
}

static double decode_root(const struct format *format, double eps, uint64_t code, enum which which)
{
    const double root = decode_relative(format, eps, code, which) + 1;
    return root * root - 1;
}

/* ---- v, and in the place of u the ratio q = (u + eps)/(v + eps), the square of the step's factor ---- */

/* q goes both ways from 1, so its exponents are half below. Code 0 is 1 for both, and zeroed memory a start. */
static uint32_t encode_around_one(struct shape shape, float q, uint32_t chance)
{
    const uint32_t size = 1u << (shape.mantissa + shape.exponent);
    const int32_t from_one = (int32_t)(bits_of(q) - 0x3f800000u) + (int32_t)(size << (22 - shape.mantissa));
    const uint32_t code = from_one < 0 ? 0 : ((uint32_t)from_one + chance) >> (23 - shape.mantissa);
    return (code < size ? code : size - 1) ^ size / 2;
}

static float decode_around_one(struct shape shape, uint32_t code)
{
    const uint32_t half = 1u << (shape.mantissa + shape.exponent - 1);
    return float_of(((code ^ half) - half) * (1u << (23 - shape.mantissa)) + 0x3f800000u);
}

void keep_ratio(const struct format *format, struct kept *kept, struct moment moment, const double *v, const double *u)
{
    const struct shape of_v = format->shape[OF_V], of_q = format->shape[OF_U];
    for (size_t i = 0; i < kept->n; i++) {
        const float w = (float)v[i] + 1, q = ((float)u[i] + 1) / w;
        const uint32_t for_v = format->chance(moment, (uint32_t)i, OF_V) >> (9 + of_v.mantissa);
        const uint32_t for_q = format->chance(moment, (uint32_t)i, OF_U) >> (9 + of_q.mantissa);
        kept->code[OF_V][i] = encode_above_one(of_v, w, for_v);
        kept->code[OF_U][i] = encode_around_one(of_q, q, for_q);
    }
}

void recall_ratio(const struct format *format, const struct kept *kept, double *v, double *u)
{
    for (size_t i = 0; i < kept->n; i++) {
        const float w = decode_above_one(format->shape[OF_V], (uint32_t)kept->code[OF_V][i]);
        v[i] = w - 1;
        u[i] = decode_around_one(format->shape[OF_U], (uint32_t)kept->code[OF_U][i]) * w - 1;
    }
}

/* ---- The pairs of functions of the rows ---- */

#define EACH(keeps, encodes, recalls, decodes)                                                                         \
    void keeps(const struct format *format, struct kept *kept, struct moment moment, const double *v, const double *u) \
    {                                                                                                                  \
        keep_each(format, kept, moment, v, u, encodes);                                                                \
    }                                                                                                                  \
    void recalls(const struct format *format, const struct kept *kept, double *v, double *u)                           \
    {                                                                                                                  \
        recall_each(format, kept, v, u, decodes);                                                                      \
    }

EACH(keep_single, encode_single, recall_single, decode_single)
EACH(keep_above_one, encode_relative, recall_above_one, decode_relative)
EACH(keep_bf16, encode_bf16, recall_bf16, decode_single)
EACH(keep_f16, encode_f16, recall_f16, decode_single)
EACH(keep_parabola, encode_parabola, recall_parabola, decode_parabola)
EACH(keep_cubic, encode_cubic, recall_cubic, decode_cubic)
EACH(keep_log, encode_log, recall_log, decode_log)
EACH(keep_root, encode_root, recall_root, decode_root)
