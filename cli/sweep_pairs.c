/* SPDX-License-Identifier: MIT */
/* See sweep_pairs.h. */
#include "sweep_pairs.h"

#include <math.h>

#include "random.h"

/* Sums that differ by less than this part of all differences are the same: they are rounded. */
static const double same_sum = 1e-9;

/* The signs that are drawn are the same every time. */
static const uint64_t flip_seed = 1, flip_stream = 0;

static const double pi = 3.14159265358979323846;

/* P(|T| <= t) with t = sqrt(degrees) tan(angle): finite sums for whole degrees of freedom, Abramowitz and Stegun,
   Handbook of Mathematical Functions, 26.7.3 (odd) and 26.7.4 (even). */
static double student_within(size_t degrees, double angle)
{
    const double cosine = cos(angle), square = cosine * cosine;
    const size_t first = degrees % 2 ? 3 : 2; /* the degrees whose sum has one term */
    double term = degrees % 2 ? cosine : 1, sum = 0;
    for (size_t d = first; d <= degrees; d += 2) {
        sum += term;
        term *= square * (double)(d - 1) / (double)d;
    }
    return degrees % 2 ? 2 / pi * (angle + sin(angle) * sum) : sin(angle) * sum;
}

double student_two_sided(size_t degrees, double alpha)
{
    enum { HALVINGS = 60 };
    double low = 0, high = pi / 2;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2;
        if (student_within(degrees, middle) < 1 - alpha)
            low = middle;
        else
            high = middle;
    }
    return sqrt((double)degrees) * tan((low + high) / 2);
}

/* The sum of n <= 64, with the sign of difference i flipped where bit i is set. */
static double flipped_sum(const double *differences, size_t n, uint64_t bits)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += bits >> i & 1 ? -differences[i] : differences[i];
    return sum;
}

/* Whether a sum is as far from 0 as the one that was seen. */
static int is_as_far(double sum, double seen, double size)
{
    return fabs(sum) >= fabs(seen) - same_sum * size;
}

static double drawn_flip_sum(const double *differences, size_t n, struct random *random)
{
    double sum = 0;
    for (size_t i = 0; i < n; i += 64)
        sum += flipped_sum(differences + i, n - i < 64 ? n - i : 64, random_bits(random));
    return sum;
}

double sign_flip_p(const double *differences, size_t n)
{
    double seen = 0, size = 0;
    size_t far = 0;
    for (size_t i = 0; i < n; i++) {
        seen += differences[i];
        size += fabs(differences[i]);
    }
    if (n <= MOST_EXACT) {
        for (uint64_t bits = 0; bits < UINT64_C(1) << n; bits++)
            far += (size_t)is_as_far(flipped_sum(differences, n, bits), seen, size);
        return (double)far / (double)(UINT64_C(1) << n);
    }
    struct random random = random_stream(flip_seed, flip_stream);
    for (int i = 0; i < FLIPS_DRAWN; i++)
        far += (size_t)is_as_far(drawn_flip_sum(differences, n, &random), seen, size);
    return (double)(far + 1) / (FLIPS_DRAWN + 1.0); /* what was seen is one of the patterns, so p is never 0 */
}

struct pairs pairs_of(const double *differences, size_t n)
{
    struct pairs pairs = {n, NAN, NAN, NAN, NAN, NAN, n <= MOST_EXACT};
    double sum = 0, squares = 0;
    if (n == 0)
        return pairs;
    for (size_t i = 0; i < n; i++)
        sum += differences[i];
    pairs.mean = sum / (double)n;
    pairs.p = sign_flip_p(differences, n);
    if (n == 1)
        return pairs;
    for (size_t i = 0; i < n; i++)
        squares += (differences[i] - pairs.mean) * (differences[i] - pairs.mean);
    pairs.error = sqrt(squares / (double)(n - 1) / (double)n);
    const double reach = student_two_sided(n - 1, 0.05) * pairs.error;
    pairs.low = pairs.mean - reach;
    pairs.high = pairs.mean + reach;
    return pairs;
}
