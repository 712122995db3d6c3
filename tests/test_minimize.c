/* SPDX-License-Identifier: MIT */
/* adadelta_minimize: its steps are those of adadelta_update_f64, each rule ends a run and only that one, and the point
 * promised comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <adadelta.h>

enum { STEPS = 100 };

/* ---- Objectives ---- */

/* What an objective was called with, and what it is to do. */
struct probe {
    uint64_t first, calls;
    uint64_t spoil_at;                  /* the call, from 0, that answers with the two below */
    double spoiled_value, spoiled_part; /* 0: as it should be */
    const double *x;
};

static const struct probe honest = {.spoil_at = UINT64_MAX};

/* The function of the published trajectories (tests/test_golden.c): its gradient has a factor x[0] too many. */
static void published_gradient(const double *x, double *g)
{
    const double bend = x[1] - x[0] * x[0];
    g[0] = -400 * x[0] * bend - 2 * (1 - x[0]);
    g[1] = 200 * x[0] * bend;
}

/* Counts its calls and sees that they come as promised. */
static double called(struct probe *probe, const double *x, double *g, uint64_t iteration, double value)
{
    assert_true(iteration == probe->first + probe->calls);
    assert_true(!probe->x || probe->x == x);
    if (probe->calls++ == probe->spoil_at) {
        if (probe->spoiled_part != 0)
            g[1] = probe->spoiled_part;
        if (probe->spoiled_value != 0)
            return probe->spoiled_value;
    }
    return value;
}

static double rosenbrock(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    assert_int_equal(n, 2);
    published_gradient(x, g);
    return called(context, x, g, iteration, 100 * pow(x[1] - x[0] * x[0], 2) + pow(1 - x[0], 2));
}

/* Its minimum is 5, at (3, -1). */
static double bowl(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    assert_int_equal(n, 2);
    g[0] = 2 * (x[0] - 3);
    g[1] = 2 * (x[1] + 1);
    return called(context, x, g, iteration, 5 + pow(x[0] - 3, 2) + pow(x[1] + 1, 2));
}

/* A slope that says it is level: every step goes down it, and no value is better than the first. */
static double level(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    assert_int_equal(n, 2);
    g[0] = g[1] = 1;
    return called(context, x, g, iteration, 7);
}

/* The same below zero, where a part of the value is negative. */
static double level_below_zero(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    return -level(n, x, g, iteration, context);
}

/* A batch's loss: the value falls and rises, lowest at call 3. */
static double waves(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    static const double values[] = {4, 3, 2, 1, 2, 3};
    assert_int_equal(n, 2);
    g[0] = 1;
    g[1] = -2;
    return called(context, x, g, iteration, values[iteration % 6]);
}

/* Takes a hundredth of a second. */
static double slow(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return bowl(n, x, g, iteration, context);
}

/* No rule but the count of steps. */
static struct adadelta_minimize_options count_only(uint64_t steps)
{
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    options.max_iterations = steps;
    options.patience = 0;
    options.gradient_tolerance = 0;
    return options;
}

/* So many steps by hand of the published function. */
static void by_hand(int steps, double *x, const struct adadelta_hyper *hyper)
{
    double g[2], v[2] = {0}, u[2] = {0};
    for (int t = 0; t < steps; t++) {
        published_gradient(x, g);
        assert_int_equal(adadelta_update_f64(2, x, g, v, u, hyper), ADADELTA_OK);
    }
}

/* ---- The steps ---- */

static void defaults_are_the_documented_ones(void **state)
{
    (void)state;
    const struct adadelta_minimize_options o = adadelta_minimize_options_default();
    assert_true(o.hyper.lr == 1 && o.hyper.rho == 0.95 && o.hyper.eps == 1e-6 && o.hyper.weight_decay == 0);
    assert_true(o.max_iterations == 100000 && o.max_seconds == 0 && o.f_target == -INFINITY);
    assert_true(o.gradient_tolerance == 1e-6 && o.objective_tolerance == 1e-9 && o.patience == 1000);
    assert_true(!o.return_last && o.first_iteration == 0 && !o.square_avg && !o.acc_delta && !o.progress);
    assert_true(o.schedule.kind == ADADELTA_SCHEDULE_CONSTANT && o.schedule.steps == 0 && o.schedule.warmup == 0);
}

static int compare_with_hand(const struct adadelta_minimize_progress *now, void *context)
{
    double x[2] = {1.5, 1.5};
    by_hand((int)now->iteration, x, context);
    assert_memory_equal(now->x, x, sizeof x);
    return 0;
}

static void steps_are_those_of_update(void **state)
{
    (void)state;
    static const struct adadelta_hyper settings[] = {
        {.lr = 1, .rho = 0.95, .eps = 1e-6}, {.lr = 0.5, .rho = 0.9, .eps = 1e-3, .weight_decay = 0.2, .decoupled = 1}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct adadelta_hyper hyper = settings[i];
        struct adadelta_minimize_options options = count_only(STEPS);
        struct adadelta_minimize_result result;
        struct probe probe = honest;
        double x[2] = {1.5, 1.5}, end[2] = {1.5, 1.5};
        options.hyper = hyper;
        options.return_last = 1;
        options.progress = compare_with_hand;
        options.progress_context = &hyper;
        assert_int_equal(adadelta_minimize(2, x, rosenbrock, &probe, &options, &result), ADADELTA_OK);
        by_hand(STEPS, end, &hyper);
        assert_memory_equal(x, end, sizeof x);
        assert_true(probe.calls == STEPS + 1 && result.iterations == STEPS);
        assert_int_equal(result.reason, ADADELTA_MINIMIZE_ITERATIONS);
    }
}

/* The published trajectories, 12 decimals; the rows of config 1 are those of the defaults. */
static void published_rows_are_followed(void **state)
{
    (void)state;
    FILE *file = fopen(SOURCE_DIR "/tests/golden/rosenbrock_f64.csv", "r");
    char line[512];
    int rows = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        int config, step;
        double published[2], x[2] = {1.5, 1.5};
        struct probe probe = honest;
        if (sscanf(line, "%d,%d,%lf,%lf", &config, &step, &published[0], &published[1]) != 4 || config != 1)
            continue;
        struct adadelta_minimize_options options = count_only((uint64_t)step);
        options.return_last = 1;
        assert_int_equal(adadelta_minimize(2, x, rosenbrock, &probe, &options, NULL), ADADELTA_OK);
        assert_true(fabs(x[0] - published[0]) <= 1e-11 && fabs(x[1] - published[1]) <= 1e-11);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, STEPS);
}

static void warm_start_is_an_unbroken_run(void **state)
{
    (void)state;
    double whole[2] = {1.5, 1.5}, parts[2] = {1.5, 1.5}, v[2][2] = {{0}}, u[2][2] = {{0}};
    struct probe probe = honest;
    struct adadelta_minimize_options options = count_only(STEPS);
    options.return_last = 1;
    options.square_avg = v[0];
    options.acc_delta = u[0];
    assert_int_equal(adadelta_minimize(2, whole, rosenbrock, &probe, &options, NULL), ADADELTA_OK);
    options.square_avg = v[1];
    options.acc_delta = u[1];
    for (int part = 0; part < 2; part++) {
        const uint64_t steps[] = {37, STEPS - 37};
        struct adadelta_minimize_result result;
        probe = honest;
        probe.first = options.first_iteration = part ? 37 : 0;
        options.max_iterations = steps[part];
        assert_int_equal(adadelta_minimize(2, parts, rosenbrock, &probe, &options, &result), ADADELTA_OK);
        assert_true(result.iterations == steps[part]);
    }
    assert_memory_equal(whole, parts, sizeof whole);
    assert_memory_equal(v[0], v[1], sizeof v[0]);
    assert_memory_equal(u[0], u[1], sizeof u[0]);
    assert_true(v[0][0] > 0 && u[0][0] > 0);
}

static void a_known_minimum_is_found(void **state)
{
    (void)state;
    double x[2] = {0, 0};
    struct probe probe = honest;
    struct adadelta_minimize_result result;
    assert_int_equal(adadelta_minimize(2, x, bowl, &probe, NULL, &result), ADADELTA_OK);
    assert_int_equal(result.reason, ADADELTA_MINIMIZE_CONVERGED);
    assert_true(fabs(x[0] - 3) < 5e-7 && fabs(x[1] + 1) < 5e-7); /* half the tolerance: the gradient is twice that */
    assert_true(fabs(result.value - 5) < 1e-12 && result.best_value == result.value);
    assert_true(result.gradient_norm == fmax(fabs(2 * (x[0] - 3)), fabs(2 * (x[1] + 1))));
    assert_true(probe.calls == result.iterations + 1);
}

/* ---- The rules ---- */

static int stop_at(const struct adadelta_minimize_progress *now, void *context)
{
    return now->iteration == *(uint64_t *)context;
}

/* One rule is set, by the case; the run must end for it, after the steps expected (UINT64_MAX: whatever). */
static void end_of(adadelta_objective *objective, const struct adadelta_minimize_options *options,
                   enum adadelta_minimize_reason reason, uint64_t steps)
{
    double x[2] = {0, 0};
    struct probe probe = honest;
    struct adadelta_minimize_result result;
    assert_int_equal(adadelta_minimize(2, x, objective, &probe, options, &result), ADADELTA_OK);
    assert_string_equal(adadelta_minimize_reason_string(result.reason), adadelta_minimize_reason_string(reason));
    assert_true(steps == UINT64_MAX || result.iterations == steps);
    assert_true(probe.calls == result.iterations + 1 && result.seconds >= 0);
}

static void each_rule_ends_a_run(void **state)
{
    (void)state;
    uint64_t stop = 17;
    struct adadelta_minimize_options options = count_only(23);
    end_of(bowl, &options, ADADELTA_MINIMIZE_ITERATIONS, 23);
    options.max_iterations = 0;
    end_of(bowl, &options, ADADELTA_MINIMIZE_ITERATIONS, 0);

    options = count_only(UINT64_MAX);
    options.f_target = 6;
    end_of(bowl, &options, ADADELTA_MINIMIZE_TARGET, UINT64_MAX);
    options.f_target = 15; /* the value at the start: reached is at or below */
    end_of(bowl, &options, ADADELTA_MINIMIZE_TARGET, 0);

    options = count_only(UINT64_MAX);
    options.gradient_tolerance = 0.5;
    end_of(bowl, &options, ADADELTA_MINIMIZE_CONVERGED, UINT64_MAX);
    options.gradient_tolerance = 1; /* below, not at */
    options.max_iterations = 5;
    end_of(level, &options, ADADELTA_MINIMIZE_ITERATIONS, 5);

    options = count_only(UINT64_MAX);
    options.patience = 10;
    end_of(level, &options, ADADELTA_MINIMIZE_STALLED, 10);

    options = count_only(UINT64_MAX);
    options.progress = stop_at;
    options.progress_context = &stop;
    end_of(bowl, &options, ADADELTA_MINIMIZE_STOPPED, 17);
}

static void patience_counts_relative_improvement(void **state)
{
    (void)state;
    struct adadelta_minimize_options options = count_only(UINT64_MAX);
    options.patience = 3;
    end_of(waves, &options, ADADELTA_MINIMIZE_STALLED, 6); /* the last better value is that of call 3 */
    options.objective_tolerance = 0.4;                     /* 4, 3 is a quarter less, 2 is half, 1 half of that */
    end_of(waves, &options, ADADELTA_MINIMIZE_STALLED, 6);
    options.objective_tolerance = 0.6; /* 4, then 1 */
    end_of(waves, &options, ADADELTA_MINIMIZE_STALLED, 6);
    options.patience = 2; /* and 2 is not enough by the second step */
    end_of(waves, &options, ADADELTA_MINIMIZE_STALLED, 2);
    options.max_iterations = 50;
    end_of(level_below_zero, &options, ADADELTA_MINIMIZE_STALLED, 2);
}

static void the_first_reason_wins(void **state)
{
    (void)state;
    uint64_t at_once = 0;
    struct adadelta_minimize_options options = count_only(0);
    options.max_seconds = DBL_MIN;
    end_of(level, &options, ADADELTA_MINIMIZE_ITERATIONS, 0);
    options.progress = stop_at;
    options.progress_context = &at_once;
    end_of(level, &options, ADADELTA_MINIMIZE_STOPPED, 0);
    options.gradient_tolerance = 2;
    end_of(level, &options, ADADELTA_MINIMIZE_CONVERGED, 0);
    options.f_target = INFINITY;
    end_of(level, &options, ADADELTA_MINIMIZE_TARGET, 0);
}

static void time_ends_a_run(void **state)
{
    (void)state;
    double x[2] = {0, 0};
    struct probe probe = honest;
    struct adadelta_minimize_result result;
    struct adadelta_minimize_options options = count_only(UINT64_MAX);
    options.max_seconds = 0.055;
    assert_int_equal(adadelta_minimize(2, x, slow, &probe, &options, &result), ADADELTA_OK);
    assert_int_equal(result.reason, ADADELTA_MINIMIZE_TIME);
    assert_true(result.seconds >= 0.055 && result.seconds < 60);
    assert_true(probe.calls >= 1 && probe.calls <= 6); /* six calls take 0.06 s at least */
}

/* ---- The point given back ---- */

static void best_or_last_is_given_back(void **state)
{
    (void)state;
    double at[6][2] = {{0}}, v[2] = {0}, u[2] = {0};
    const double g[2] = {1, -2};
    for (int t = 1; t < 6; t++) {
        memcpy(at[t], at[t - 1], sizeof at[t]);
        assert_int_equal(adadelta_update_f64(2, at[t], g, v, u, NULL), ADADELTA_OK);
    }
    for (int last = 0; last < 2; last++) {
        double x[2] = {0, 0}, ends[2][2] = {{0}};
        struct probe probe = honest;
        struct adadelta_minimize_result result;
        struct adadelta_minimize_options options = count_only(5);
        options.return_last = last;
        options.square_avg = ends[0];
        options.acc_delta = ends[1];
        assert_int_equal(adadelta_minimize(2, x, waves, &probe, &options, &result), ADADELTA_OK);
        assert_memory_equal(x, at[last ? 5 : 3], sizeof x);
        assert_true(result.value == (last ? 3 : 1) && result.gradient_norm == 2);
        assert_true(result.best_value == 1 && result.best_iteration == 3 && result.iterations == 5);
        assert_memory_equal(ends[0], v, sizeof v); /* state is that of the last step in both */
        assert_memory_equal(ends[1], u, sizeof u);
    }
}

static void the_later_of_equal_values_is_the_best(void **state)
{
    (void)state;
    double x[2] = {0, 0};
    struct probe probe = honest;
    struct adadelta_minimize_result result;
    struct adadelta_minimize_options options = count_only(4);
    probe.first = options.first_iteration = 100;
    assert_int_equal(adadelta_minimize(2, x, level, &probe, &options, &result), ADADELTA_OK);
    assert_true(result.best_iteration == 104 && x[0] < 0);
}

/* What is not finite at call 4 ends the run there, and x is the point of call 3. */
static void not_finite_ends_a_run(void **state)
{
    (void)state;
    static const struct {
        double value, part;
        enum adadelta_minimize_reason reason;
    } cases[] = {
        {NAN, 0, ADADELTA_MINIMIZE_VALUE},          {INFINITY, 0, ADADELTA_MINIMIZE_VALUE},
        {-INFINITY, 0, ADADELTA_MINIMIZE_VALUE},    {NAN, NAN, ADADELTA_MINIMIZE_VALUE},
        {0, NAN, ADADELTA_MINIMIZE_GRADIENT},       {0, INFINITY, ADADELTA_MINIMIZE_GRADIENT},
        {0, -INFINITY, ADADELTA_MINIMIZE_GRADIENT}, {0, 1e200, ADADELTA_MINIMIZE_GRADIENT},
    };
    double before[2] = {1.5, 1.5};
    by_hand(3, before, NULL);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const size_t k = i / 2;
        double x[2] = {1.5, 1.5}, v[2] = {0}, u[2] = {0};
        struct probe probe = {.spoil_at = 4, .spoiled_value = cases[k].value, .spoiled_part = cases[k].part};
        struct adadelta_minimize_result result;
        struct adadelta_minimize_options options = count_only(STEPS);
        options.return_last = i % 2; /* the values fall, so that the last good one is the best */
        options.square_avg = v;
        options.acc_delta = u;
        options.f_target = -DBL_MAX;
        assert_int_equal(adadelta_minimize(2, x, rosenbrock, &probe, &options, &result), ADADELTA_OK);
        assert_int_equal(result.reason, cases[k].reason);
        assert_true(result.iterations == 4 && probe.calls == 5 && result.best_iteration == 3);
        assert_memory_equal(x, before, sizeof x);
        assert_true(isfinite(result.value) && isfinite(v[1]) && isfinite(u[1]));
    }
}

static void without_a_good_point_x_is_as_it_was(void **state)
{
    (void)state;
    double x[2] = {1.5, 1.5};
    struct probe probe = {.spoil_at = 0, .spoiled_value = NAN};
    struct adadelta_minimize_result result;
    assert_int_equal(adadelta_minimize(2, x, rosenbrock, &probe, NULL, &result), ADADELTA_OK);
    assert_int_equal(result.reason, ADADELTA_MINIMIZE_VALUE);
    assert_true(x[0] == 1.5 && x[1] == 1.5 && probe.calls == 1 && result.iterations == 0);
    assert_true(isnan(result.value) && isnan(result.gradient_norm) && isnan(result.best_value));
}

/* The first step on a gradient of 1 is lr*sqrt(eps/(1 - rho)) = 0.0045*lr: from -1.797e308 it leaves double's range. */
static void a_step_out_of_range_ends_a_run(void **state)
{
    (void)state;
    double x[2] = {-1.797e308, 0};
    struct probe probe = honest;
    struct adadelta_minimize_result result;
    struct adadelta_minimize_options options = count_only(STEPS);
    options.hyper.lr = 1e308;
    assert_int_equal(adadelta_minimize(2, x, level, &probe, &options, &result), ADADELTA_OK);
    assert_int_equal(result.reason, ADADELTA_MINIMIZE_RANGE);
    assert_true(x[0] == -1.797e308 && x[1] == 0 && probe.calls == 1);
}

/* ---- Progress ---- */

static int watch(const struct adadelta_minimize_progress *now, void *context)
{
    static const double values[] = {4, 3, 2, 1, 2, 3};
    uint64_t *calls = context;
    assert_true(now->iteration == *calls && now->value == values[now->iteration]);
    assert_true(now->best_value == (now->iteration < 3 ? now->value : 1));
    assert_true(now->n == 2 && now->gradient_norm == 2 && now->gradient[0] == 1 && now->gradient[1] == -2);
    assert_true(now->seconds >= 0 && (now->iteration == 0) == (now->x[0] == 0));
    ++*calls;
    return 0;
}

static void progress_sees_every_point(void **state)
{
    (void)state;
    double x[2] = {0, 0};
    uint64_t calls = 0;
    struct probe probe = honest;
    struct adadelta_minimize_options options = count_only(5);
    probe.x = x;
    options.progress = watch;
    options.progress_context = &calls;
    assert_int_equal(adadelta_minimize(2, x, waves, &probe, &options, NULL), ADADELTA_OK);
    assert_true(calls == 6);
}

static void reasons_have_texts_of_their_own(void **state)
{
    (void)state;
    const int count = ADADELTA_MINIMIZE_REASON_COUNT;
    for (int i = -1; i <= count; i++)
        for (int k = -1; k < i; k++)
            if (i < count || k >= 0) /* the two that are no reasons share theirs */
                assert_string_not_equal(adadelta_minimize_reason_string((enum adadelta_minimize_reason)i),
                                        adadelta_minimize_reason_string((enum adadelta_minimize_reason)k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(steps_are_those_of_update),
        cmocka_unit_test(published_rows_are_followed),
        cmocka_unit_test(warm_start_is_an_unbroken_run),
        cmocka_unit_test(a_known_minimum_is_found),
        cmocka_unit_test(each_rule_ends_a_run),
        cmocka_unit_test(patience_counts_relative_improvement),
        cmocka_unit_test(the_first_reason_wins),
        cmocka_unit_test(time_ends_a_run),
        cmocka_unit_test(best_or_last_is_given_back),
        cmocka_unit_test(the_later_of_equal_values_is_the_best),
        cmocka_unit_test(not_finite_ends_a_run),
        cmocka_unit_test(without_a_good_point_x_is_as_it_was),
        cmocka_unit_test(a_step_out_of_range_ends_a_run),
        cmocka_unit_test(progress_sees_every_point),
        cmocka_unit_test(reasons_have_texts_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
