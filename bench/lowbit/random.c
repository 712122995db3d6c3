/* SPDX-License-Identifier: MIT */
/* See random.h. The mixing function is splitmix64's (Steele, Lea and Flood 2014). */
#include "random.h"

#include <math.h>

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t random_hash(uint64_t seed, uint64_t place, uint64_t step)
{
    return mix(mix(mix(seed) ^ place) ^ step);
}

double random_uniform(struct stream *stream)
{
    stream->state += 0x9e3779b97f4a7c15;
    return ((double)(mix(stream->state) >> 12) + 0.5) * 0x1p-52;
}

double random_normal(struct stream *stream)
{
    const double radius = sqrt(-2 * log(random_uniform(stream)));
    return radius * cos(6.283185307179586 * random_uniform(stream));
}
