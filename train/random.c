/* SPDX-License-Identifier: MIT */
/* SplitMix64 as a counter-based generator: its state after k numbers is key + k*GAMMA, so any number can be had at
   once. (G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.) */
#include "random.h"

#include <math.h>

#define GAMMA UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio, odd */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct random random_stream(uint64_t seed, uint64_t stream)
{
    /* The key is number `stream` of a generator that the seed keys; mixed first, as seeds are small and alike. */
    struct random random = {mix(mix(seed + GAMMA) + (stream + 1) * GAMMA), 0};
    return random;
}

uint64_t random_bits(struct random *random)
{
    return mix(random->key + ++random->counter * GAMMA);
}

double random_uniform(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

uint64_t random_below(struct random *random, uint64_t n)
{
    /* 2^64 mod n values at the lower end would make some remainders likelier than others: draw again. */
    uint64_t excess = (0 - n) % n;
    uint64_t bits;
    do
        bits = random_bits(random);
    while (bits < excess);
    return bits % n;
}

/* The natural logarithm of 0 < x < 1 from exactly rounded operations alone: libm's differs between machines in the last
   bit. log m = 2 atanh t with t = (m - 1) / (m + 1); |t| <= 0.172 leaves 23 terms' remainder below 2^-55. */
static double logarithm(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    double t = (m - 1) / (m + 1), square = t * t, sum = 0;
    for (int power = 23; power >= 1; power -= 2)
        sum = sum * square + 1.0 / power;
    return 2 * t * sum + exponent * 0.69314718055994531;
}

double random_normal(struct random *random)
{
    /* Marsaglia's polar method: a point in the unit disc; its second coordinate's number is not kept, as the counter is
       all the state there is. */
    double x, y, square;
    do {
        x = 2 * random_uniform(random) - 1;
        y = 2 * random_uniform(random) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    return x * sqrt(-2 * logarithm(square) / square);
}

void random_shuffle(struct random *random, size_t n, size_t *index)
{
    for (size_t left = n; left > 1; left--) {
        size_t chosen = (size_t)random_below(random, left);
        size_t last = index[left - 1];
        index[left - 1] = index[chosen];
        index[chosen] = last;
    }
}
