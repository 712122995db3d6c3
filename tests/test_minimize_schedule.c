/* SPDX-License-Identifier: MIT */
/* adadelta_minimize with a schedule: each step is adadelta_update_f64's with lr times the rate of its number, runs in
 * parts too; and a rate that is none ends the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

enum { STEPS = 100 };

static const struct adadelta_hyper settings = {.lr = 0.7, .rho = 0.9, .eps = 1e-3, .weight_decay = 0.2, .decoupled = 1};

static double rosenbrock(size_t n, const double *x, double *g, uint64_t iteration, void *calls)
{
    const double bend = x[1] - x[0] * x[0];
    (void)iteration;
    assert_int_equal(n, 2);
    g[0] = -400 * x[0] * bend - 2 * (1 - x[0]);
    g[1] = 200 * bend;
    if (calls)
        ++*(uint64_t *)calls;
    return 100 * bend * bend + (1 - x[0]) * (1 - x[0]);
}

/* A callback that must be asked for the rate of each step once, in order. */
struct rates {
    uint64_t first, calls;
    uint64_t spoil_at; /* the call, from 0, that answers with spoiled */
    double spoiled;
};

static double falling(uint64_t step, void *context)
{
    struct rates *rates = context;
    assert_true(step == rates->first + rates->calls);
    return rates->calls++ == rates->spoil_at ? rates->spoiled : 1 / (1 + (double)step);
}

static struct adadelta_schedule schedule_of(enum adadelta_schedule_kind kind, uint64_t steps, struct rates *rates)
{
    return (struct adadelta_schedule){.kind = kind,
                                      .steps = steps,
                                      .warmup = 5,
                                      .every = 20,
                                      .gamma = 0.1,
                                      .end = 0.1,
                                      .rate = falling,
                                      .context = rates};
}

/* A point with its state, and where it goes by so many steps by hand from step number first on. */
struct place {
    double x[2], v[2], u[2];
};

static const struct place start = {.x = {-1.2, 1}};

static void by_hand(const struct adadelta_schedule *schedule, uint64_t first, uint64_t steps, struct place *place)
{
    for (uint64_t t = first; t < first + steps; t++) {
        struct adadelta_hyper hyper = settings;
        double g[2];
        hyper.lr *= adadelta_schedule_rate(schedule, t);
        rosenbrock(2, place->x, g, t, NULL);
        assert_int_equal(adadelta_update_f64(2, place->x, g, place->v, place->u, &hyper), ADADELTA_OK);
    }
}

/* The same by a run that nothing but the count of steps or a rate ends. */
static struct adadelta_minimize_result run(const struct adadelta_schedule *schedule, uint64_t first, uint64_t steps,
                                           double lr, struct place *place)
{
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    struct adadelta_minimize_result result;
    uint64_t calls = 0;
    options.hyper = settings;
    options.hyper.lr = lr;
    options.schedule = *schedule;
    options.max_iterations = steps;
    options.patience = 0;
    options.gradient_tolerance = 0;
    options.return_last = 1;
    options.first_iteration = first;
    options.square_avg = place->v;
    options.acc_delta = place->u;
    assert_int_equal(adadelta_minimize(2, place->x, rosenbrock, &calls, &options, &result), ADADELTA_OK);
    assert_true(calls == result.iterations + 1);
    return result;
}

/* Where the schedule has no steps, they are those up to the end of the run. */
static void a_schedule_scales_lr(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 60, STEPS, 3 * STEPS}, firsts[] = {0, 40};
    for (int i = 0; i < 8 * ADADELTA_SCHEDULE_COUNT; i++) {
        const uint64_t first = firsts[i % 2], length = lengths[i % 8 / 2];
        struct rates rates = {.first = first, .spoil_at = UINT64_MAX};
        struct adadelta_schedule schedule = schedule_of((enum adadelta_schedule_kind)(i / 8), length, &rates);
        struct place by_run = start, hand = start;
        const struct adadelta_minimize_result result = run(&schedule, first, STEPS, settings.lr, &by_run);
        assert_int_equal(result.reason, ADADELTA_MINIMIZE_ITERATIONS);
        assert_true(rates.calls == (schedule.kind == ADADELTA_SCHEDULE_CALLBACK ? STEPS : 0)); /* not after the last */
        rates.calls = 0;
        schedule.steps = length ? length : first + STEPS;
        by_hand(&schedule, first, STEPS, &hand);
        assert_memory_equal(&by_run, &hand, sizeof hand);
    }
}

static void no_length_overflows(void **state)
{
    (void)state;
    struct adadelta_schedule schedule = schedule_of(ADADELTA_SCHEDULE_LINEAR, 0, NULL);
    struct place by_run = start, hand = start;
    run(&schedule, UINT64_MAX - 8, 5, settings.lr, &by_run);
    schedule.steps = UINT64_MAX - 3;
    by_hand(&schedule, UINT64_MAX - 8, 5, &hand);
    assert_memory_equal(&by_run, &hand, sizeof hand);
    /* A run that would go past the last number, were it not at its target: the last number is its end. */
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    uint64_t calls = 0;
    double x[2] = {-1.2, 1};
    options.schedule = schedule_of(ADADELTA_SCHEDULE_LINEAR, 0, NULL);
    options.first_iteration = UINT64_MAX - 1;
    options.max_iterations = 5;
    options.f_target = 1000;
    assert_int_equal(adadelta_minimize(2, x, rosenbrock, &calls, &options, NULL), ADADELTA_OK);
    assert_true(calls == 1);
}

static void a_run_in_parts_is_an_unbroken_one(void **state)
{
    (void)state;
    for (int k = 0; k < ADADELTA_SCHEDULE_COUNT; k++) {
        struct rates rates = {.spoil_at = UINT64_MAX};
        const struct adadelta_schedule schedule = schedule_of((enum adadelta_schedule_kind)k, STEPS, &rates);
        struct place whole = start, parts = start;
        run(&schedule, 0, STEPS, settings.lr, &whole);
        rates.calls = 0;
        run(&schedule, 0, 37, settings.lr, &parts);
        assert_memory_not_equal(&parts, &whole, sizeof whole);
        run(&schedule, 37, STEPS - 37, settings.lr, &parts);
        assert_memory_equal(&parts, &whole, sizeof whole);
    }
}

/* The run ends where it stands: after three good steps, before the fourth. */
static void a_rate_that_is_none_ends_a_run(void **state)
{
    (void)state;
    static const double spoiled[] = {-1, -DBL_TRUE_MIN, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        for (int lr = 0; lr < 2; lr++) { /* no lr makes such a rate good */
            struct rates rates = {.spoil_at = 3, .spoiled = spoiled[i]};
            const struct adadelta_schedule schedule = schedule_of(ADADELTA_SCHEDULE_CALLBACK, 0, &rates);
            struct place by_run = start, hand = start;
            const struct adadelta_minimize_result result = run(&schedule, 0, STEPS, lr ? settings.lr : 0, &by_run);
            assert_int_equal(result.reason, ADADELTA_MINIMIZE_RATE);
            assert_true(result.iterations == 3 && result.best_iteration <= 3 && rates.calls == 4);
            rates = (struct rates){.spoil_at = UINT64_MAX};
            by_hand(&schedule, 0, 3, &hand);
            if (lr)
                assert_memory_equal(&by_run, &hand, sizeof hand);
            else
                assert_memory_equal(by_run.x, start.x, sizeof start.x);
        }
    }
}

static void an_lr_out_of_range_ends_a_run(void **state)
{
    (void)state;
    struct rates rates = {.spoil_at = 0, .spoiled = 3};
    const struct adadelta_schedule schedule = schedule_of(ADADELTA_SCHEDULE_CALLBACK, 0, &rates);
    struct place place = start;
    const struct adadelta_minimize_result result = run(&schedule, 0, STEPS, DBL_MAX / 2, &place);
    assert_int_equal(result.reason, ADADELTA_MINIMIZE_RATE);
    assert_true(result.iterations == 0 && isfinite(result.value));
    assert_memory_equal(&place, &start, sizeof start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_scales_lr),
        cmocka_unit_test(no_length_overflows),
        cmocka_unit_test(a_run_in_parts_is_an_unbroken_one),
        cmocka_unit_test(a_rate_that_is_none_ends_a_run),
        cmocka_unit_test(an_lr_out_of_range_ends_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
