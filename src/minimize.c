/* SPDX-License-Identifier: MIT */
/* A function minimised: the loop of objective and step, and the rules that end it. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The kinds of array: kept, gradient, and the state where the caller gives none. */
enum { OWN_ARRAYS = 2, STATE_ARRAYS = 2 };

struct run {
    double *x, *kept; /* kept: the point to give back */
    double *gradient, *square_avg, *acc_delta;
    adadelta_objective *objective;
    void *context;
    struct adadelta_minimize_options options;
    struct timespec begin;
    struct adadelta_minimize_progress now;
    struct adadelta_minimize_result result;
    double improved_value; /* the patience rule: the value that counted last as an improvement, and its step */
    uint64_t improved_step;
};

struct adadelta_minimize_options adadelta_minimize_options_default(void)
{
    return (struct adadelta_minimize_options){
        .hyper = adadelta_hyper_default(),
        .schedule = adadelta_schedule_default(),
        .max_iterations = 100000,
        .f_target = -INFINITY,
        .gradient_tolerance = 1e-6,
        .objective_tolerance = 1e-9,
        .patience = 1000,
    };
}

const char *adadelta_minimize_reason_string(enum adadelta_minimize_reason reason)
{
    static const char *const texts[] = {
#define TEXT(name, text) [name] = text,
        ADADELTA_MINIMIZE_REASON_LIST(TEXT)
#undef TEXT
    };
    return (size_t)reason < ADADELTA_MINIMIZE_REASON_COUNT ? texts[reason] : "not a reason";
}

/* ---- Checks ---- */

static int all_finite(size_t n, const double *values)
{
    size_t i = 0;
    while (i < n && isfinite(values[i]))
        i++;
    return i == n;
}

static int all_state(size_t n, const double *values)
{
    size_t i = 0;
    while (i < n && isfinite(values[i]) && values[i] >= 0)
        i++;
    return i == n;
}

static enum adadelta_status check(size_t n, const double *x, adadelta_objective *objective,
                                  const struct adadelta_minimize_options *options)
{
    const double *v = options->square_avg, *u = options->acc_delta;
    if (n == 0 || n > PTRDIFF_MAX / sizeof *x || !x || !objective || !v != !u)
        return ADADELTA_ERROR_ARGUMENT;
    if (!is_amount(options->max_seconds) || isnan(options->f_target) || !is_amount(options->gradient_tolerance) ||
        !is_amount(options->objective_tolerance))
        return ADADELTA_ERROR_ARGUMENT;
    const size_t bytes = n * sizeof *x;
    /* A step on nothing checks the settings and the instruction set, as each step will. */
    enum adadelta_status status = adadelta_update_f64(0, NULL, NULL, NULL, NULL, &options->hyper);
    if (status)
        return status;
    status = adadelta_schedule_check(&options->schedule);
    if (status)
        return status;
    if (v && (arrays_overlap(x, bytes, v, bytes) || arrays_overlap(x, bytes, u, bytes) ||
              arrays_overlap(v, bytes, u, bytes)))
        return ADADELTA_ERROR_OVERLAP;
    if (!all_finite(n, x) || (v && !(all_state(n, v) && all_state(n, u))))
        return ADADELTA_ERROR_ARGUMENT;
    return ADADELTA_OK;
}

/* ---- The run ---- */

static double seconds_since(const struct timespec *begin)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begin->tv_sec) + (double)(now.tv_nsec - begin->tv_nsec) * 1e-9;
}

/* The largest absolute component of a gradient, or infinity where one would poison the state. */
static double gradient_norm(size_t n, const double *gradient)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(gradient[i] * gradient[i]))
            return INFINITY;
        largest = fmax(largest, fabs(gradient[i]));
    }
    return largest;
}

/* Calls the objective. Returns why the point is not a good one, or ADADELTA_MINIMIZE_REASON_COUNT. */
static enum adadelta_minimize_reason evaluate(struct run *run)
{
    struct adadelta_minimize_progress *now = &run->now;
    if (!all_finite(now->n, run->x))
        return ADADELTA_MINIMIZE_RANGE;
    now->iteration = run->options.first_iteration + run->result.iterations;
    now->value = run->objective(now->n, run->x, run->gradient, now->iteration, run->context);
    now->seconds = seconds_since(&run->begin);
    if (!isfinite(now->value))
        return ADADELTA_MINIMIZE_VALUE;
    now->gradient_norm = gradient_norm(now->n, run->gradient);
    return isfinite(now->gradient_norm) ? ADADELTA_MINIMIZE_REASON_COUNT : ADADELTA_MINIMIZE_GRADIENT;
}

/* Books a good point. The later of two equal values counts as the better one: where rounding has made the function
 * flat, it is the one nearer to the minimum. */
static void book(struct run *run)
{
    struct adadelta_minimize_progress *now = &run->now;
    struct adadelta_minimize_result *result = &run->result;
    const int best = !(now->value > result->best_value); /* true for the first, beside NaN */
    if (best) {
        now->best_value = result->best_value = now->value;
        result->best_iteration = now->iteration;
    }
    if (best || run->options.return_last) {
        memcpy(run->kept, run->x, now->n * sizeof *run->x);
        result->value = now->value;
        result->gradient_norm = now->gradient_norm;
    }
    if (!(now->value >= run->improved_value - run->options.objective_tolerance * fabs(run->improved_value))) {
        run->improved_value = now->value;
        run->improved_step = result->iterations;
    }
}

/* The first rule that ends the run at a good point, or ADADELTA_MINIMIZE_REASON_COUNT. */
static enum adadelta_minimize_reason stopping_rule(const struct run *run)
{
    const struct adadelta_minimize_options *options = &run->options;
    const uint64_t steps = run->result.iterations;
    const int asked = options->progress && options->progress(&run->now, options->progress_context);
    const int rules[ADADELTA_MINIMIZE_REASON_COUNT] = {
        [ADADELTA_MINIMIZE_TARGET] = run->now.value <= options->f_target,
        [ADADELTA_MINIMIZE_CONVERGED] = run->now.gradient_norm < options->gradient_tolerance,
        [ADADELTA_MINIMIZE_STALLED] = options->patience && steps - run->improved_step >= options->patience,
        [ADADELTA_MINIMIZE_STOPPED] = asked,
        [ADADELTA_MINIMIZE_ITERATIONS] = options->max_iterations != UINT64_MAX && steps >= options->max_iterations,
        [ADADELTA_MINIMIZE_TIME] = options->max_seconds > 0 && run->now.seconds >= options->max_seconds,
    };
    int reason = 0;
    while (reason < ADADELTA_MINIMIZE_REASON_COUNT && !rules[reason])
        reason++;
    return (enum adadelta_minimize_reason)reason;
}

static enum adadelta_status descend(struct run *run)
{
    struct adadelta_minimize_result *result = &run->result;
    for (;;) {
        result->reason = evaluate(run);
        if (result->reason != ADADELTA_MINIMIZE_REASON_COUNT)
            break;
        book(run);
        result->reason = stopping_rule(run);
        if (result->reason != ADADELTA_MINIMIZE_REASON_COUNT)
            break;
        const double rate = adadelta_schedule_rate(&run->options.schedule, run->now.iteration);
        struct adadelta_hyper hyper = run->options.hyper;
        hyper.lr *= rate;
        if (!(rate >= 0 && isfinite(hyper.lr))) {
            result->reason = ADADELTA_MINIMIZE_RATE;
            break;
        }
        const enum adadelta_status status =
            adadelta_update_f64(run->now.n, run->x, run->gradient, run->square_avg, run->acc_delta, &hyper);
        if (status)
            return status;
        result->iterations++;
    }
    memcpy(run->x, run->kept, run->now.n * sizeof *run->x);
    result->seconds = seconds_since(&run->begin);
    return ADADELTA_OK;
}

/* A schedule without a length of its own ends with the run, where that has an end. */
static void end_schedule(struct adadelta_minimize_options *options)
{
    const uint64_t first = options->first_iteration, count = options->max_iterations;
    if (options->schedule.steps == 0 && count == 0 && options->schedule.warmup < UINT64_MAX)
        options->schedule.steps = options->schedule.warmup + 1; /* a look at x: any length will do */
    else if (options->schedule.steps == 0 && count != UINT64_MAX)
        options->schedule.steps = count < UINT64_MAX - first ? first + count : UINT64_MAX;
}

enum adadelta_status adadelta_minimize(size_t n, double *x, adadelta_objective *objective, void *context,
                                       const struct adadelta_minimize_options *options,
                                       struct adadelta_minimize_result *result)
{
    struct run run = {
        .x = x,
        .objective = objective,
        .context = context,
        .options = options ? *options : adadelta_minimize_options_default(),
        .now = {.n = n, .x = x},
        .result = {.value = NAN, .gradient_norm = NAN, .best_value = NAN},
        .improved_value = NAN,
    };
    end_schedule(&run.options);
    enum adadelta_status status = check(n, x, objective, &run.options);
    if (status)
        return status;
    clock_gettime(CLOCK_MONOTONIC, &run.begin);
    const int has_state = run.options.square_avg != NULL;
    double *arrays = calloc(OWN_ARRAYS + (has_state ? 0 : STATE_ARRAYS), n * sizeof *arrays);
    if (!arrays)
        return ADADELTA_ERROR_MEMORY;
    run.kept = memcpy(arrays, x, n * sizeof *x);
    run.now.gradient = run.gradient = arrays + n;
    run.square_avg = has_state ? run.options.square_avg : arrays + 2 * n;
    run.acc_delta = has_state ? run.options.acc_delta : arrays + 3 * n;
    status = descend(&run);
    free(arrays);
    if (!status && result)
        *result = run.result;
    return status;
}
