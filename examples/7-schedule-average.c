/* SPDX-License-Identifier: MIT */
/* Schedules, averages and a look inside: Adadelta does not anneal, so under noise it ends as far from the minimum as it
   wanders. A rate that falls over the last third, or the average of the way, end nearer. */
#include <adadelta.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { N = 64, STEPS = 12000 };

/* Between -1 and 1, the same at every call with the same numbers. */
static double noise(uint32_t step, uint32_t element)
{
    uint32_t x = step * 2654435761u + element * 40503u + 12345u;
    x = (x ^ x >> 15) * 2246822519u;
    x = (x ^ x >> 13) * 3266489917u;
    return (double)(x >> 8) / (1 << 23) - 1;
}

static double distance(const double *x)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += (x[i] - 1) * (x[i] - 1);
    return sqrt(sum / N);
}

/* Minimises the sum of (x - 1)^2/2 by noisy gradients. end[0] is how far off it ends, end[1] how far the average of the
   last third is. */
static enum adadelta_status run(enum adadelta_schedule_kind kind, double end[2], struct adadelta_tensor_stats *stats)
{
    double x[N] = {0}, g[N];
    struct adadelta_options options = adadelta_options_default();
    options.averaging = ADADELTA_AVERAGING_POLYAK;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = kind;
    schedule.steps = STEPS;
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = x, .gradient = g};
    struct adadelta *optimizer;
    enum adadelta_status status = adadelta_create(&options, &optimizer);
    if (!status)
        status = adadelta_add_group(optimizer, NULL, NULL);
    if (!status)
        status = adadelta_add_tensor(optimizer, 0, &tensor, NULL);
    if (!status)
        status = adadelta_set_schedule(optimizer, &schedule);
    for (uint32_t step = 0; !status && step < STEPS; step++) {
        for (uint32_t i = 0; i < N; i++)
            g[i] = x[i] - 1 + 5 * noise(step, i);
        if (step == STEPS - STEPS / 3)
            status = adadelta_restart_averages(optimizer);
        if (!status)
            status = adadelta_step(optimizer);
    }
    if (!status)
        status = adadelta_get_tensor_stats(optimizer, 0, stats);
    end[0] = distance(x);
    if (!status)
        status = adadelta_swap_averages(optimizer); /* once more would bring x back */
    end[1] = distance(x);
    adadelta_destroy(optimizer);
    return status;
}

int main(void)
{
    double constant[2], tail[2];
    struct adadelta_tensor_stats stats;
    if (run(ADADELTA_SCHEDULE_TAIL, tail, &stats) || run(ADADELTA_SCHEDULE_CONSTANT, constant, &stats))
        return 1;
    printf("tail ends nearer: %s\n", tail[0] < constant[0] ? "yes" : "no");
    printf("the average is nearer: %s\n", constant[1] < constant[0] ? "yes" : "no");
    printf("effective rates %.2g to %.2g, median %.2g, after %d steps\n", stats.rate_min, stats.rate_max,
           stats.rate_median, (int)stats.steps);
    fprintf(stderr, "distances: constant %.4f, its average %.4f, tail %.4f\n", constant[0], constant[1], tail[0]);
    return 0;
}
