/* SPDX-License-Identifier: MIT */
/* Formats with a scale for a tensor, as are in use for Adam: what is small beside the largest element is lost. */
#include "formats.h"

#include <math.h>
#include <stdlib.h>

static double largest(const double *s, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = s[i] > most ? s[i] : most;
    return most;
}

/* ---- 256 numbers from 0 to the largest ---- */

static void linear_one(struct kept *kept, enum which which, const double *s)
{
    kept->scale[which] = largest(s, kept->n);
    for (size_t i = 0; i < kept->n; i++)
        kept->code[which][i] = kept->scale[which] > 0 ? (uint64_t)lrint(255 * s[i] / kept->scale[which]) : 0;
}

void keep_block_linear(const struct format *format, struct kept *kept, struct moment moment, const double *v,
                       const double *u)
{
    (void)format, (void)moment;
    linear_one(kept, OF_V, v);
    linear_one(kept, OF_U, u);
}

void recall_block_linear(const struct format *format, const struct kept *kept, double *v, double *u)
{
    (void)format;
    for (size_t i = 0; i < kept->n; i++) {
        v[i] = kept->scale[OF_V] * (double)kept->code[OF_V][i] / 255;
        u[i] = kept->scale[OF_U] * (double)kept->code[OF_U][i] / 255;
    }
}

/* ---- The dynamic map of 8-bit Adam (Dettmers and others 2021): seven decades, each with twice the numbers of the one
   below; and 0, and 1 ---- */

static const double *dynamic_map(void)
{
    static double map[256];
    size_t next = 1;
    if (map[255] == 1)
        return map;
    for (int decade = 0; decade < 7; decade++)
        for (int k = 0, count = 2 << decade; k < count; k++)
            map[next++] = pow(10, decade - 6) * (0.1 + 0.9 * (k + 0.5) / count);
    map[255] = 1;
    return map;
}

/* The place of the nearest. */
static uint64_t place_in(const double *map, double x)
{
    size_t low = 0, high = 255;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        *(map[middle] <= x ? &low : &high) = middle;
    }
    return x - map[low] < map[high] - x ? low : high;
}

static void dynamic_one(struct kept *kept, enum which which, const double *s)
{
    const double *map = dynamic_map();
    kept->scale[which] = largest(s, kept->n);
    for (size_t i = 0; i < kept->n; i++)
        kept->code[which][i] = kept->scale[which] > 0 ? place_in(map, s[i] / kept->scale[which]) : 0;
}

void keep_block_dynamic(const struct format *format, struct kept *kept, struct moment moment, const double *v,
                        const double *u)
{
    (void)format, (void)moment;
    dynamic_one(kept, OF_V, v);
    dynamic_one(kept, OF_U, u);
}

void recall_block_dynamic(const struct format *format, const struct kept *kept, double *v, double *u)
{
    const double *map = dynamic_map();
    (void)format;
    for (size_t i = 0; i < kept->n; i++) {
        v[i] = kept->scale[OF_V] * map[kept->code[OF_V][i]];
        u[i] = kept->scale[OF_U] * map[kept->code[OF_U][i]];
    }
}

/* ---- w = s/unit + 1, the unit eps times the least power of 2 for which the largest fits ---- */

static void scaled_one(const struct format *format, struct kept *kept, struct moment moment, enum which which,
                       const double *s)
{
    const struct shape shape = format->shape[which];
    const double end = ldexp(2 - ldexp(1, -shape.mantissa), (1 << shape.exponent) - 1);
    double unit = 1;
    while (largest(s, kept->n) / unit + 1 > end)
        unit *= 2;
    kept->scale[which] = unit;
    for (size_t i = 0; i < kept->n; i++) {
        const uint32_t chance = format->chance(moment, (uint32_t)i, which) >> (9 + shape.mantissa);
        kept->code[which][i] = encode_above_one(shape, (float)(s[i] / unit) + 1, chance);
    }
}

void keep_scaled(const struct format *format, struct kept *kept, struct moment moment, const double *v, const double *u)
{
    scaled_one(format, kept, moment, OF_V, v);
    scaled_one(format, kept, moment, OF_U, u);
}

void recall_scaled(const struct format *format, const struct kept *kept, double *v, double *u)
{
    double *const to[2] = {v, u};
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < kept->n; i++)
            to[which][i] =
                kept->scale[which] * (decode_above_one(format->shape[which], (uint32_t)kept->code[which][i]) - 1.0f);
}
