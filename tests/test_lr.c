/* SPDX-License-Identifier: MIT */
/* lr acts on every path that a step can take, for every type: 0 moves no parameter, twice as much moves it twice as
 * far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>
#include "oracle.h"

static void near_to(size_t n, const double *got, const double *want, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("number %zu is %.17g, published %.17g", i, got[i], want[i]);
}

/* How the step is taken; how lr gets there, if not with the group. */
enum rate_path { ALL, ONE, ROWS_SET, ROWS_NOW, OWN_HYPER, SCHEDULED, CHANGED, RATE_PATHS };

struct rate_run {
    enum rate_path path;
    struct adadelta_tensor tensor; /* its types and weights */
    size_t n;
    int threads;
    double decay;
};

static double rate_given(uint64_t step, void *context)
{
    (void)step;
    return *(double *)context;
}

/* lr comes by the run's path; the group's is then 1. */
static void give_rate(const struct rate_run *run, struct adadelta *optimizer, struct adadelta_hyper *hyper, double *lr)
{
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = rate_given;
    schedule.context = lr;
    hyper->lr = *lr;
    if (run->path == OWN_HYPER)
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, hyper), ADADELTA_OK);
    else if (run->path == SCHEDULED)
        assert_int_equal(adadelta_set_schedule(optimizer, &schedule), ADADELTA_OK);
    else if (run->path == CHANGED)
        assert_int_equal(adadelta_set_hyper(optimizer, 0, hyper), ADADELTA_OK);
}

static void rate_step(const struct rate_run *run, struct adadelta *optimizer, const size_t *rows, const void *gradient)
{
    if (run->path == ONE)
        assert_int_equal(adadelta_step_tensor(optimizer, 0, gradient), ADADELTA_OK);
    else if (run->path == ROWS_NOW)
        assert_int_equal(adadelta_step_rows(optimizer, 0, run->n / 4, rows, gradient), ADADELTA_OK);
    else if (run->path == ROWS_SET)
        assert_int_equal(adadelta_set_rows(optimizer, 0, run->n / 4, rows, gradient), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
}

/* Three steps with lr from x [n]; gradients keep their sign, so that no step takes back another. */
static void rate_walk(const struct rate_run *run, double lr, double *x)
{
    const size_t n = run->n;
    struct adadelta_options options = adadelta_options_default();
    struct adadelta_hyper hyper = adadelta_hyper_default();
    struct adadelta_tensor tensor = run->tensor;
    struct adadelta *optimizer;
    double *wide = malloc(n * sizeof *wide);
    void *values = malloc(n * sizeof *wide), *gradient = malloc(n * sizeof *wide);
    size_t *rows = malloc(n / 4 * sizeof *rows);
    assert_true(wide && values && gradient && rows);
    for (size_t i = 0; i < n / 4; i++)
        rows[i] = n / 4 - 1 - i;
    uint64_t seed = 11;
    for (size_t i = 0; i < n; i++)
        wide[i] = random_magnitude(&seed, -1, 0);
    assert_int_equal(adadelta_convert(n, tensor.dtype, values, ADADELTA_F64, x), ADADELTA_OK);
    assert_int_equal(adadelta_convert(n, tensor.dtype, gradient, ADADELTA_F64, wide), ADADELTA_OK);
    options.threads = run->threads;
    hyper.weight_decay = run->decay;
    hyper.decoupled = 1;
    hyper.lr = run->path < OWN_HYPER ? lr : 1;
    tensor.name = "x";
    tensor.ndim = 2;
    tensor.shape[0] = n / 4;
    tensor.shape[1] = 4;
    tensor.values = values;
    tensor.gradient = run->path == ONE || run->path == ROWS_NOW ? NULL : gradient;
    tensor.max_rows = run->path == ROWS_SET || run->path == ROWS_NOW ? n / 4 : 0;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    give_rate(run, optimizer, &hyper, &lr);
    for (int step = 0; step < 3; step++)
        rate_step(run, optimizer, rows, gradient);
    assert_int_equal(adadelta_convert(n, ADADELTA_F64, x, tensor.dtype, values), ADADELTA_OK);
    for (int k = 0; k < 2; k++) { /* the averages move, whatever lr is */
        void *average;
        assert_int_equal(adadelta_get_tensor(optimizer, 0, &tensor), ADADELTA_OK);
        assert_int_equal(adadelta_state(optimizer, 0, k ? "acc_delta" : "square_avg", &average), ADADELTA_OK);
        assert_int_equal(adadelta_convert(n, ADADELTA_F64, wide, tensor.state_dtype, average), ADADELTA_OK);
        for (size_t i = 0; i < n; i++)
            assert_true(wide[i] > 0);
    }
    adadelta_destroy(optimizer);
    free(wide);
    free(values);
    free(gradient);
    free(rows);
}

/* With lr 0 no parameter moves, by step or decay; from 0, with lr 2 each goes exactly twice as far as with lr 1. */
static void rate_acts(struct rate_run run)
{
    double *x = calloc(run.n, sizeof *x), *y = calloc(run.n, sizeof *y);
    assert_true(x && y);
    rate_walk(&run, 1, x);
    rate_walk(&run, 2, y);
    for (size_t i = 0; i < run.n; i++) {
        assert_true(x[i] != 0);
        assert_true(y[i] == 2 * x[i]);
    }
    uint64_t seed = 13;
    for (size_t i = 0; i < run.n; i++)
        x[i] = y[i] = 1 + (double)(random_bits(&seed) % 128) / 128;
    run.decay = 0.25;
    rate_walk(&run, 0, x);
    assert_memory_equal(x, y, run.n * sizeof *x);
    free(x);
    free(y);
}

static const struct adadelta_tensor types[] = {
    {.dtype = ADADELTA_F64},
    {.dtype = ADADELTA_F32},
    {.dtype = ADADELTA_F32, .state_dtype = ADADELTA_F64},
    {.dtype = ADADELTA_F32, .state_dtype = ADADELTA_BF16},
    {.dtype = ADADELTA_F32, .state_dtype = ADADELTA_F16},
    {.dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_MASTER},
    {.dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_SPLIT},
    {.dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_NEAREST},
    {.dtype = ADADELTA_F16, .weights = ADADELTA_WEIGHTS_MASTER},
    {.dtype = ADADELTA_F16, .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.dtype = ADADELTA_F16, .weights = ADADELTA_WEIGHTS_NEAREST},
};

static void lr_acts_on_every_path(void **state)
{
    (void)state;
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        for (enum rate_path path = 0; path < RATE_PATHS; path++)
            rate_acts((struct rate_run){.path = path, .tensor = types[type], .n = 84, .threads = 1});
}

static void lr_acts_in_every_thread(void **state)
{
    (void)state;
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        for (int threads = 2; threads <= 4; threads += 2)
            rate_acts((struct rate_run){.path = ALL, .tensor = types[type], .n = 400004, .threads = threads});
}

static void lr_acts_in_the_plain_functions(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = adadelta_hyper_default();
    for (hyper.lr = 0; hyper.lr <= 2; hyper.lr++) {
        double x = 0, g = 1, v = 0, u = 0;
        float y = 0, h = 1, w = 0, z = 0;
        assert_int_equal(adadelta_update_f64(1, &x, &g, &v, &u, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_update_f32(1, &y, &h, &w, &z, &hyper), ADADELTA_OK);
        assert_true(v > 0 && u > 0 && w > 0 && z > 0);
        near_to(2, (double[]){x, y}, (double[]){hyper.lr * -0.0044720912, hyper.lr * -0.0044720912}, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lr_acts_on_every_path),
        cmocka_unit_test(lr_acts_in_every_thread),
        cmocka_unit_test(lr_acts_in_the_plain_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
