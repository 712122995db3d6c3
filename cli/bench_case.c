/* SPDX-License-Identifier: MIT */
/* See bench_case.h. Step and limit loop take turns in rounds, so that a slow moment of the machine hits both; with one
   tensor they work on the very same arrays, so that the luck of where these lie in memory is the same too. */
#include "bench_case.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_limit.h"

/* A round lasts a millisecond at least, against the grain of clock and scheduler. */
static const double round_seconds = 1e-3, default_seconds = 0.3;
enum { ALIGNMENT = 64, MIN_ROUNDS = 7, MAX_ROUNDS = 300, CHECK_STEPS = 4, CHECK_SAMPLES = 256, TRIALS = 5 };

/* How many units in the last place a checked value may be off: a step has a dozen roundings, and four add up. */
static const double tolerance = 16;

struct bench {
    const struct bench_plan *plan;
    struct adadelta *optimizer;
    void *x, *g, *extra; /* extra: the limit's states, where the optimizer's do not lie in one piece */
    struct bench_arrays arrays;
    int limit_threads;
};

size_t bench_element_size(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_F32 ? sizeof(float) : sizeof(double);
}

size_t bench_bytes(const struct bench_plan *plan)
{
    return plan->n * bench_element_size(plan->dtype) * (plan->tensors > 1 ? 6 : 4);
}

/* ---- Setting up ---- */

/* A number of [-1, 1] that depends on seed and place only (SplitMix64's mixing). */
static double noise(uint64_t seed, uint64_t place)
{
    uint64_t z = (seed << 40) + (place + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1;
}

static double get(enum adadelta_dtype dtype, const void *array, size_t i)
{
    return dtype == ADADELTA_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

/* The first value of parameter i, or with shift 1 its gradient, rounded to the type. */
static double first_value(const struct bench_plan *plan, size_t i, unsigned shift)
{
    const double value = noise(plan->seed, 2 * (uint64_t)i + shift);
    return plan->dtype == ADADELTA_F32 ? (double)(float)value : value;
}

static void fill(const struct bench_plan *plan, void *array, unsigned shift)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->dtype == ADADELTA_F32)
            ((float *)array)[i] = (float)first_value(plan, i, shift);
        else
            ((double *)array)[i] = first_value(plan, i, shift);
    }
}

static void *allocate(size_t bytes)
{
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* Where tensor number t begins in the row of all parameters. */
static size_t start_of(const struct bench_plan *plan, size_t t)
{
    return plan->n / plan->tensors * t + plan->n % plan->tensors * t / plan->tensors;
}

static enum adadelta_status add_tensors(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    const size_t size = bench_element_size(plan->dtype);
    enum adadelta_status status = adadelta_add_group(bench->optimizer, NULL, NULL);
    for (size_t t = 0; t < plan->tensors && !status; t++) {
        const size_t start = start_of(plan, t);
        char name[32];
        snprintf(name, sizeof name, "tensor%zu", t);
        const struct adadelta_tensor tensor = {
            .name = name,
            .dtype = plan->dtype,
            .ndim = 1,
            .shape = {start_of(plan, t + 1) - start},
            .values = (char *)bench->x + start * size,
            .gradient = (char *)bench->g + start * size,
        };
        status = adadelta_add_tensor(bench->optimizer, 0, &tensor, NULL);
    }
    return status;
}

static enum adadelta_status set_up(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    const size_t bytes = plan->n * bench_element_size(plan->dtype);
    const struct adadelta_options options = {.method = ADADELTA_METHOD_ADADELTA, .threads = plan->threads};
    bench->x = allocate(bytes);
    bench->g = allocate(bytes);
    bench->extra = plan->tensors > 1 ? allocate(2 * bytes) : NULL;
    if (!bench->x || !bench->g || (plan->tensors > 1 && !bench->extra))
        return ADADELTA_ERROR_MEMORY;
    fill(plan, bench->x, 0);
    fill(plan, bench->g, 1);
    struct adadelta_gradients gradients = adadelta_gradients_default();
    if (!plan->look)
        gradients.nonfinite = ADADELTA_NONFINITE_PROPAGATE; /* the limit loop reads gradients once, too */
    if (plan->norm)
        gradients.clip_global_norm = FLT_MAX; /* nothing is that long: the values stay */
    enum adadelta_status status = adadelta_create(&options, &bench->optimizer);
    if (!status)
        status = adadelta_set_gradients(bench->optimizer, &gradients);
    if (!status)
        status = add_tensors(bench);
    if (status)
        return status;

    bench->arrays = (struct bench_arrays){.dtype = plan->dtype, .n = plan->n, .x = bench->x, .g = bench->g};
    if (bench->extra) {
        fill(plan, bench->extra, 0);
        fill(plan, (char *)bench->extra + bytes, 1);
        bench->arrays.state[0] = bench->extra;
        bench->arrays.state[1] = (char *)bench->extra + bytes;
        return ADADELTA_OK;
    }
    status = adadelta_state(bench->optimizer, 0, "square_avg", &bench->arrays.state[0]);
    return status ? status : adadelta_state(bench->optimizer, 0, "acc_delta", &bench->arrays.state[1]);
}

static void clear(struct bench *bench)
{
    adadelta_destroy(bench->optimizer);
    free(bench->extra);
    free(bench->g);
    free(bench->x);
}

/* ---- Checking ---- */

struct expectation {
    long double x, square_avg, acc_delta;
    long double way; /* the sum of |x| and of all moves: what x's error is measured by */
};

/* The paper's Algorithm 1 in the widest type, for one parameter. */
static struct expectation expect(double x, double g, int steps)
{
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    const long double rho = hyper.rho, eps = hyper.eps;
    struct expectation e = {.x = x, .way = fabs(x)};
    for (int i = 0; i < steps; i++) {
        e.square_avg = rho * e.square_avg + (1 - rho) * g * g;
        const long double d = sqrtl(e.acc_delta + eps) / sqrtl(e.square_avg + eps) * g;
        e.acc_delta = rho * e.acc_delta + (1 - rho) * d * d;
        e.x -= hyper.lr * d;
        e.way += fabsl(hyper.lr * d);
    }
    return e;
}

static int near(const struct bench_plan *plan, double value, long double expected, long double scale)
{
    const double unit = plan->dtype == ADADELTA_F32 ? FLT_EPSILON : DBL_EPSILON;
    return fabsl(value - expected) <= tolerance * unit * scale;
}

/* Takes the first steps and compares parameters from all over the row with the rule worked out by itself. */
static enum verdict check(struct bench *bench, struct trouble *trouble)
{
    const struct bench_plan *plan = bench->plan;
    const size_t samples = plan->n < CHECK_SAMPLES ? plan->n : CHECK_SAMPLES;
    for (int i = 0; i < CHECK_STEPS; i++)
        adadelta_step(bench->optimizer);
    for (size_t k = 0, t = 0; k < samples; k++) {
        /* From the first to the last; plan->n stays far below where this product would overflow. */
        const size_t i = samples > 1 ? (plan->n - 1) * k / (samples - 1) : 0;
        void *v, *u;
        while (start_of(plan, t + 1) <= i)
            t++;
        if (adadelta_state(bench->optimizer, t, "square_avg", &v) ||
            adadelta_state(bench->optimizer, t, "acc_delta", &u))
            return blame(trouble, FAILED, "the optimizer has lost its state");
        const size_t at = i - start_of(plan, t);
        const struct expectation e = expect(first_value(plan, i, 0), first_value(plan, i, 1), CHECK_STEPS);
        if (!near(plan, get(plan->dtype, bench->x, i), e.x, e.way) ||
            !near(plan, get(plan->dtype, v, at), e.square_avg, e.square_avg) ||
            !near(plan, get(plan->dtype, u, at), e.acc_delta, e.acc_delta))
            return blame(trouble, FAILED, "the step is wrong: parameter %zu of %zu is %.9g after %d steps, not %.9Lg",
                         i, plan->n, get(plan->dtype, bench->x, i), CHECK_STEPS, e.x);
    }
    return DONE;
}

/* ---- Timing ---- */

typedef void action(struct bench *bench);

static void take_step(struct bench *bench)
{
    adadelta_step(bench->optimizer);
}

static void take_limit(struct bench *bench)
{
    bench_limit(&bench->arrays, bench->limit_threads);
}

static double seconds(struct bench *bench, action *act, size_t calls)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < calls; i++)
        act(bench);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

/* A row may be too short to be worth a team: the limit is then what one thread reaches alone. */
static void choose_limit_threads(struct bench *bench, size_t calls)
{
    double best[2] = {INFINITY, INFINITY};
    const int threads[2] = {1, bench->plan->threads};
    for (int trial = 0; trial < 2 * TRIALS; trial++) {
        bench->limit_threads = threads[trial % 2];
        best[trial % 2] = fmin(best[trial % 2], seconds(bench, take_limit, calls));
    }
    bench->limit_threads = threads[best[1] < best[0]];
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static enum verdict measure(struct bench *bench, struct bench_times *times, struct trouble *trouble)
{
    const struct bench_plan *plan = bench->plan;
    size_t calls = 1, rounds = plan->rounds;
    double once;
    while ((once = seconds(bench, take_step, calls)) < round_seconds)
        calls *= 2;
    choose_limit_threads(bench, calls);
    if (!rounds)
        rounds = (size_t)fmin(fmax(default_seconds / (2 * once), MIN_ROUNDS), MAX_ROUNDS);

    double *step = calloc(2 * rounds, sizeof *step), *limit = step + rounds;
    if (!step)
        return blame_memory(trouble);
    for (size_t i = 0; i < rounds; i++) {
        step[i] = seconds(bench, take_step, calls);
        limit[i] = seconds(bench, take_limit, calls);
    }
    const double unit = 1e9 / (double)calls / (double)plan->n;
    times->step_ns = median(step, rounds) * unit;
    times->limit_ns = median(limit, rounds) * unit;
    free(step);
    return DONE;
}

enum verdict bench_case(const struct bench_plan *plan, struct bench_times *times, struct trouble *trouble)
{
    struct bench bench = {.plan = plan, .limit_threads = plan->threads};
    const enum adadelta_status status = set_up(&bench);
    enum verdict verdict = DONE;
    if (status == ADADELTA_ERROR_MEMORY)
        verdict = blame(trouble, FAILED, "%zu parameters need %.3g GB of memory, which cannot be had", plan->n,
                        1e-9 * (double)bench_bytes(plan));
    else if (status)
        verdict = blame(trouble, FAILED, "%s", adadelta_status_string(status));
    if (verdict == DONE)
        verdict = check(&bench, trouble);
    if (verdict == DONE)
        verdict = measure(&bench, times, trouble);
    clear(&bench);
    return verdict;
}
