/* SPDX-License-Identifier: MIT */
/* See trial.h. */
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_lost(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) < 1e30))
            return 1;
    return 0;
}

void trial_walk(const struct instance *instance, const struct format *format, const struct settings *settings,
                uint32_t steps, double start_off, struct trial *trial)
{
    const struct problem *problem = instance->problem;
    double start[PARAMETERS_MAX], g[PARAMETERS_MAX];
    struct walker walker;
    uint32_t place = 0;
    memset(trial, 0, sizeof *trial);
    for (size_t i = 0; i < problem->n; i++)
        start[i] = instance->start[i] * (1 + start_off);
    walker_start(&walker, format, settings, instance->seed + 1000003, problem->n, start);
    for (uint32_t step = 1; step <= steps; step++) {
        problem->gradient(instance, step, walker.x, g);
        walker_step(&walker, g);
        if ((trial->lost = is_lost(walker.x, problem->n)))
            break;
        if (step >= (uint64_t)steps * (place + 1) / PLACES && place < PLACES) {
            memcpy(trial->place[place], walker.x, sizeof walker.x);
            trial->at[place] = problem->value(instance, walker.x);
            if (++place > PLACES - PLACES / 8)
                trial->value += trial->at[place - 1] / (PLACES / 8);
        }
    }
    if (trial->lost)
        trial->value = INFINITY;
}

double trial_distance(const struct instance *instance, const struct trial *first, const struct trial *second)
{
    double apart = 0, went = 0;
    if (first->lost || second->lost)
        return INFINITY;
    for (int place = 0; place < PLACES; place++)
        for (size_t i = 0; i < instance->problem->n; i++) {
            const double a = first->place[place][i], b = second->place[place][i];
            apart += (a - b) * (a - b);
            went += (a - instance->start[i]) * (a - instance->start[i]);
        }
    return sqrt(apart / went);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where it falls on a value, that one alone: an infinite neighbour stays out. */
static double at(const double *sorted, size_t n, double share)
{
    const double place = share * (double)(n - 1);
    const size_t below = (size_t)place, above = below + (place > (double)below);
    const double part = place - (double)below;
    return part == 0 ? sorted[below] : (1 - part) * sorted[below] + part * sorted[above];
}

struct quartiles quartiles_of(const double *values, size_t n)
{
    double sorted[SEEDS_MAX];
    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, by_size);
    return (struct quartiles){at(sorted, n, 0.25), at(sorted, n, 0.5), at(sorted, n, 0.75)};
}

double sign_test(int worse, int of)
{
    const int extreme = worse > of - worse ? worse : of - worse;
    double sum = 0, term = ldexp(1, -of); /* binomial coefficients over 2^of, from of down */
    if (2 * extreme == of)
        return 1;
    for (int k = of; k >= extreme; k--) {
        sum += term;
        term *= (double)k / (double)(of - k + 1);
    }
    return fmin(1, 2 * sum);
}
