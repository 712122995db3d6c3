/* SPDX-License-Identifier: MIT */
/* Schedules of the rate, from +, -, *, / and whole numbers alone: libm's cos and pow round differently from one machine
 * to the next. */
#include "method.h"

#include <math.h>
#include <string.h>

static const char *const names[ADADELTA_SCHEDULE_COUNT] = {
#define NAME(kind, name) [kind] = name,
    ADADELTA_SCHEDULE_LIST(NAME)
#undef NAME
};

static int is_schedule(enum adadelta_schedule_kind kind)
{
    return (unsigned)kind < ADADELTA_SCHEDULE_COUNT;
}

const char *adadelta_schedule_name(enum adadelta_schedule_kind kind)
{
    return is_schedule(kind) ? names[kind] : NULL;
}

enum adadelta_status adadelta_schedule_by_name(const char *name, enum adadelta_schedule_kind *kind)
{
    if (!name || !kind)
        return ADADELTA_ERROR_ARGUMENT;
    for (int i = 0; i < ADADELTA_SCHEDULE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum adadelta_schedule_kind)i;
            return ADADELTA_OK;
        }
    }
    return ADADELTA_ERROR_NAME;
}

struct adadelta_schedule adadelta_schedule_default(void)
{
    return (struct adadelta_schedule){.kind = ADADELTA_SCHEDULE_CONSTANT, .gamma = 0.1};
}

/* ---- The parts of a rate ---- */

/* From 1 down (or up) to end as w goes from 1 to 0; exact at both, and without a turn on the way. */
static double between(double end, double w)
{
    return w < 1 ? end + (1 - end) * w : 1;
}

/* How much of the run after the warm-up is left: 1 - t, from whole numbers, so that it has all its digits near 0. */
static double left(const struct adadelta_schedule *schedule, uint64_t step)
{
    if (step >= schedule->steps)
        return 0;
    return (double)(schedule->steps - step) / (double)(schedule->steps - schedule->warmup);
}

/* (1 - cos(pi*z))/2 for z in [0, 1/2]: with x = pi*z Taylor's series x^2/2*(1/2! - x^2/4! + ... - x^18/20!), from its
 * end; what is left out is less than 2e-17 of the sum. */
static double half_wave(double z)
{
    const double x = 3.14159265358979323846 * z;
    double sum = 0;
    for (int k = 20; k > 0; k -= 2)
        sum = (1 - x * x * sum) / (k * (k - 1));
    return x * x * sum / 2;
}

/* ---- The schedules: what a kind asks of its fields, and its rate after the warm-up ---- */

static int any(const struct adadelta_schedule *schedule)
{
    (void)schedule;
    return 1;
}

static int has_run(const struct adadelta_schedule *schedule)
{
    return schedule->steps > schedule->warmup && is_amount(schedule->end);
}

static int has_decay(const struct adadelta_schedule *schedule)
{
    return schedule->every > 0 && is_amount(schedule->gamma);
}

static int has_callback(const struct adadelta_schedule *schedule)
{
    return schedule->rate != NULL;
}

static double constant(const struct adadelta_schedule *schedule, uint64_t step)
{
    (void)schedule;
    (void)step;
    return 1;
}

static double linear(const struct adadelta_schedule *schedule, uint64_t step)
{
    return between(schedule->end, left(schedule, step));
}

static double cosine(const struct adadelta_schedule *schedule, uint64_t step)
{
    const double rest = left(schedule, step);
    return between(schedule->end, rest < 0.5 ? half_wave(rest) : 1 - half_wave(1 - rest));
}

static double decay(const struct adadelta_schedule *schedule, uint64_t step)
{
    return power(schedule->gamma, (step - schedule->warmup) / schedule->every);
}

static double tail(const struct adadelta_schedule *schedule, uint64_t step)
{
    return between(schedule->end, 3 * left(schedule, step));
}

static double callback(const struct adadelta_schedule *schedule, uint64_t step)
{
    return schedule->rate(step, schedule->context);
}

static const char run_needs[] = "linear, cosine and tail need steps above warmup, and end finite and at least 0";

static const struct {
    int (*valid)(const struct adadelta_schedule *schedule);
    double (*rate)(const struct adadelta_schedule *schedule, uint64_t step);
    int warms_up;
    const char *needs;
} kinds[ADADELTA_SCHEDULE_COUNT] = {
    [ADADELTA_SCHEDULE_CONSTANT] = {any, constant, 1, "constant needs nothing"},
    [ADADELTA_SCHEDULE_LINEAR] = {has_run, linear, 1, run_needs},
    [ADADELTA_SCHEDULE_COSINE] = {has_run, cosine, 1, run_needs},
    [ADADELTA_SCHEDULE_STEP] = {has_decay, decay, 1, "step needs every above 0, and gamma finite and at least 0"},
    [ADADELTA_SCHEDULE_TAIL] = {has_run, tail, 1, run_needs},
    [ADADELTA_SCHEDULE_CALLBACK] = {has_callback, callback, 0, "callback needs rate"},
};

const char *schedule_needs(enum adadelta_schedule_kind kind)
{
    return is_schedule(kind) ? kinds[kind].needs : "kind is not one of enum adadelta_schedule_kind";
}

enum adadelta_status adadelta_schedule_check(const struct adadelta_schedule *schedule)
{
    if (!schedule)
        return ADADELTA_ERROR_ARGUMENT;
    return is_schedule(schedule->kind) && kinds[schedule->kind].valid(schedule) ? ADADELTA_OK : ADADELTA_ERROR_SCHEDULE;
}

double adadelta_schedule_rate(const struct adadelta_schedule *schedule, uint64_t step)
{
    if (adadelta_schedule_check(schedule))
        return NAN;
    if (kinds[schedule->kind].warms_up && step < schedule->warmup)
        return (double)(step + 1) / (double)schedule->warmup;
    return kinds[schedule->kind].rate(schedule, step);
}
