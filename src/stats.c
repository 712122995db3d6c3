/* SPDX-License-Identifier: MIT */
/* How a tensor stands. The median is found among the bit patterns of the ratios, which for numbers of one sign lie in
   the order of their values: digit by digit, by counting, so that nothing is allocated or sorted. */
#include "optimizer.h"

#include <math.h>
#include <string.h>

enum { STRETCH = 512, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* The accumulators of a tensor, and what its ratios are made with. */
struct source {
    const struct adadelta *optimizer;
    const struct tensor *tensor;
    double eps;
};

/* Fills ratio [count] with (u + eps)/(v + eps) of the elements from first on. */
static void ratios(const struct source *source, size_t first, size_t count, double ratio[STRETCH])
{
    double v[STRETCH], u[STRETCH];
    state_read(source->optimizer, source->tensor, first, count, (double *const[]){v, u});
    for (size_t i = 0; i < count; i++)
        ratio[i] = (u[i] + source->eps) / (v[i] + source->eps);
}

static uint64_t pattern(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Counts, among the ratios whose pattern begins with prefix above shift + DIGIT_BITS, the digits at shift. */
static void count_digits(const struct source *source, uint64_t prefix, int shift, size_t counts[DIGITS])
{
    double ratio[STRETCH];
    const uint64_t above = shift + DIGIT_BITS < 64 ? UINT64_MAX << (shift + DIGIT_BITS) : 0;
    memset(counts, 0, DIGITS * sizeof *counts);
    for (size_t first = 0; first < source->tensor->n; first += STRETCH) {
        const size_t left = source->tensor->n - first, count = left < STRETCH ? left : STRETCH;
        ratios(source, first, count, ratio);
        for (size_t i = 0; i < count; i++) {
            const uint64_t bits = pattern(ratio[i]);
            counts[bits >> shift & (DIGITS - 1)] += (bits & above) == prefix;
        }
    }
}

/* The pattern of the ratio of a rank, from 0 for the smallest. */
static uint64_t ratio_of_rank(const struct source *source, size_t rank)
{
    size_t counts[DIGITS];
    uint64_t prefix = 0;
    /* 64 bits are six digits, the highest of nine bits. */
    for (int shift = 64 / DIGIT_BITS * DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
        size_t digit = 0;
        count_digits(source, prefix, shift, counts);
        while (digit + 1 < DIGITS && rank >= counts[digit])
            rank -= counts[digit++];
        prefix |= (uint64_t)digit << shift;
    }
    return prefix;
}

/* The smallest and the largest ratio, and the smallest above one and the number not above it. */
struct extremes {
    uint64_t least, most, above;
    size_t not_above;
};

static struct extremes find_extremes(const struct source *source, uint64_t one)
{
    struct extremes found = {.least = UINT64_MAX, .most = 0, .above = UINT64_MAX, .not_above = 0};
    double ratio[STRETCH];
    for (size_t first = 0; first < source->tensor->n; first += STRETCH) {
        const size_t left = source->tensor->n - first, count = left < STRETCH ? left : STRETCH;
        ratios(source, first, count, ratio);
        for (size_t i = 0; i < count; i++) {
            const uint64_t bits = pattern(ratio[i]);
            found.least = bits < found.least ? bits : found.least;
            found.most = bits > found.most ? bits : found.most;
            found.above = bits > one && bits < found.above ? bits : found.above;
            found.not_above += bits <= one;
        }
    }
    return found;
}

static double rate(uint64_t bits)
{
    double ratio;
    memcpy(&ratio, &bits, sizeof ratio);
    return sqrt(ratio);
}

static void fill_rates(const struct source *source, struct adadelta_tensor_stats *stats)
{
    const size_t n = source->tensor->n;
    const uint64_t lower = ratio_of_rank(source, (n - 1) / 2);
    const struct extremes found = find_extremes(source, lower);
    stats->rate_min = rate(found.least);
    stats->rate_max = rate(found.most);
    const uint64_t upper = found.not_above > n / 2 ? lower : found.above; /* of the two in the middle */
    stats->rate_median = upper == lower ? rate(lower) : (rate(lower) + rate(upper)) / 2;
}

enum adadelta_status adadelta_get_tensor_stats(const struct adadelta *optimizer, size_t index,
                                               struct adadelta_tensor_stats *stats)
{
    if (!optimizer || index >= optimizer->tensor_count || !stats)
        return ADADELTA_ERROR_ARGUMENT;
    const struct tensor *tensor = &optimizer->tensors[index];
    *stats = (struct adadelta_tensor_stats){
        .steps = tensor->steps,
        .skipped = tensor->skipped,
        .state_bytes = tensor->block_size,
        .rate_min = NAN,
        .rate_median = NAN,
        .rate_max = NAN,
        .update_norm = tensor->update_norm,
        .gradient_norm = tensor->gradient_norm,
    };
    const struct source source = {optimizer, tensor, tensor_hyper(optimizer, tensor)->eps};
    if (optimizer->options.method == ADADELTA_METHOD_ADADELTA && tensor->n)
        fill_rates(&source, stats);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_measuring(struct adadelta *optimizer, int on)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    optimizer->measuring = on != 0;
    return ADADELTA_OK;
}
