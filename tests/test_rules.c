/* SPDX-License-Identifier: MIT */
/* Every rule against the oracle, one step at a time from the library's own state, and over whole runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "oracle.h"

enum { N = 131, STEPS = 40 };

/* What to change of a method's defaults. lr and eps are factors. */
static const struct variant {
    double lr, eps, rho, weight_decay, momentum, beta1, beta2;
    int nesterov, decoupled;
} variants[] = {
    {1, 1, .95, 0, .9, .9, .999, 0, 0},         {1, 1, .9, .1, .9, .9, .99, 1, 0},
    {1, 1, .99, .1, .5, .5, .9, 0, 1},          {.3, 1e4, 0, 0, 0, 0, 0, 1, 0},
    {.3, 1e-3, .999, 3, .99, .99, .9999, 1, 1}, {0, 1, .5, .1, .9, .9, .999, 0, 0},
    {100, 1e6, .95, .5, .3, .1, .2, 0, 0},      {.7, 10, .1, .01, .95, 0, .999, 0, 1},
};

static struct adadelta_hyper make_hyper(enum adadelta_method method, const struct variant *variant)
{
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    hyper.lr *= variant->lr;
    hyper.eps *= variant->eps;
    hyper.rho = variant->rho;
    hyper.weight_decay = variant->weight_decay;
    hyper.momentum = variant->momentum;
    hyper.beta1 = variant->beta1;
    hyper.beta2 = variant->beta2;
    hyper.nesterov = variant->nesterov;
    hyper.decoupled = variant->decoupled;
    return hyper;
}

/* Room for an array of either type. */
union array {
    float f32[N];
    double f64[N];
};

/* An optimizer with one tensor, and its arrays. */
struct run {
    enum adadelta_method method;
    enum adadelta_dtype dtype;
    struct adadelta *optimizer;
    union array x, g;
    void *s[2];
};

static void start(struct run *run, enum adadelta_method method, enum adadelta_dtype dtype,
                  const struct adadelta_hyper *hyper)
{
    struct adadelta_options options = {.method = method, .threads = 1};
    struct adadelta_tensor tensor = {.name = "x", .dtype = dtype, .ndim = 1, .shape = {N}};
    *run = (struct run){.method = method, .dtype = dtype};
    tensor.values = &run->x;
    tensor.gradient = &run->g;
    assert_int_equal(adadelta_create(&options, &run->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(run->optimizer, hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(run->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (size_t k = 0; k < method_states(method); k++)
        assert_int_equal(adadelta_state(run->optimizer, 0, adadelta_method_state_name(method, k), &run->s[k]),
                         ADADELTA_OK);
}

/* A gradient's size belongs to its element, from where squares vanish to where they are big; some are zero. */
static double draw_gradient(enum adadelta_dtype dtype, size_t i, uint64_t *seed)
{
    int low = dtype == ADADELTA_F32 ? -66 : -520, high = dtype == ADADELTA_F32 ? 36 : 96;
    int exponent = low + (int)((size_t)(high - low) * i / (N - 1));
    return random_bits(seed) % 8 == 0 ? 0 : random_magnitude(seed, exponent, exponent + 3);
}

static void check(const struct run *run, const char *what, uint64_t t, size_t i, double computed,
                  struct approx expected)
{
    if (!isfinite(expected.error) || !believable(computed, expected))
        fail_msg("%s %s step %d element %d: %s is %.17g, expected %.17Lg within %.3Lg",
                 adadelta_method_name(run->method), run->dtype == ADADELTA_F32 ? "f32" : "f64", (int)t, (int)i, what,
                 computed, expected.value, expected.error);
}

static void step_and_check(struct run *run, const struct adadelta_hyper *hyper, uint64_t t)
{
    struct approx x[N], s[N][2];
    size_t states = method_states(run->method);
    for (size_t i = 0; i < N; i++) {
        x[i] = exact(load_element(run->dtype, &run->x, i));
        for (size_t k = 0; k < states; k++)
            s[i][k] = exact(load_element(run->dtype, run->s[k], i));
        oracle_step(run->method, run->dtype, hyper, t, load_element(run->dtype, &run->g, i), &x[i], s[i]);
    }
    assert_int_equal(adadelta_step(run->optimizer), ADADELTA_OK);
    for (size_t i = 0; i < N; i++) {
        check(run, "x", t, i, load_element(run->dtype, &run->x, i), x[i]);
        for (size_t k = 0; k < states; k++) {
            double value = load_element(run->dtype, run->s[k], i);
            check(run, adadelta_method_state_name(run->method, k), t, i, value, s[i][k]);
            assert_true(value == 0 || fabs(value) >= (double)precisions[run->dtype].normal);
        }
    }
}

static void one_step_at_a_time(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
            for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
                struct adadelta_hyper hyper = make_hyper((enum adadelta_method)m, &variants[v]);
                struct run run;
                uint64_t seed = 1000 * v + (uint64_t)m;
                start(&run, (enum adadelta_method)m, (enum adadelta_dtype)d, &hyper);
                for (size_t i = 0; i < N; i++)
                    store_element(run.dtype, &run.x, i, random_magnitude(&seed, -20, 20));
                for (uint64_t t = 1; t <= STEPS; t++) {
                    for (size_t i = 0; i < N; i++)
                        store_element(run.dtype, &run.g, i, draw_gradient(run.dtype, i, &seed));
                    step_and_check(&run, &hyper, t);
                }
                adadelta_destroy(run.optimizer);
            }
}

/* Whole runs in double: the oracle is never told the library's state. The rate is kept where the run does not magnify
   errors (momentum's 0.1 with decay 3 would). */
static void whole_runs(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (size_t v = 0; v < 3; v++) {
            struct adadelta_hyper hyper = make_hyper((enum adadelta_method)m, &variants[v]);
            struct run run;
            struct approx x[N], s[N][2];
            uint64_t seed = 77 + v;
            start(&run, (enum adadelta_method)m, ADADELTA_F64, &hyper);
            for (size_t i = 0; i < N; i++) {
                store_element(ADADELTA_F64, &run.x, i, random_magnitude(&seed, -1, 1));
                x[i] = exact(run.x.f64[i]);
                s[i][0] = s[i][1] = exact(0);
            }
            for (uint64_t t = 1; t <= STEPS; t++) {
                for (size_t i = 0; i < N; i++) {
                    run.g.f64[i] = random_magnitude(&seed, -8, 4);
                    oracle_step(run.method, ADADELTA_F64, &hyper, t, run.g.f64[i], &x[i], s[i]);
                }
                assert_int_equal(adadelta_step(run.optimizer), ADADELTA_OK);
                for (size_t i = 0; i < N; i++) {
                    struct approx expected = {x[i].value, 1e-12L * (1 + fabsl(x[i].value))};
                    check(&run, "x", t, i, run.x.f64[i], expected);
                }
            }
            adadelta_destroy(run.optimizer);
        }
}

/* The functions on the caller's arrays do what the object does, bit for bit. */
static void update_is_the_same_step(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
            struct adadelta_hyper hyper = make_hyper(ADADELTA_METHOD_ADADELTA, &variants[v]);
            struct run run;
            union array x, sv = {{0}}, su = {{0}};
            uint64_t seed = v;
            size_t bytes = N * element_size((enum adadelta_dtype)d);
            start(&run, ADADELTA_METHOD_ADADELTA, (enum adadelta_dtype)d, &hyper);
            for (size_t i = 0; i < N; i++)
                store_element(run.dtype, &run.x, i, random_magnitude(&seed, -20, 20));
            x = run.x;
            for (int t = 0; t < STEPS; t++) {
                for (size_t i = 0; i < N; i++)
                    store_element(run.dtype, &run.g, i, draw_gradient(run.dtype, i, &seed));
                assert_int_equal(adadelta_step(run.optimizer), ADADELTA_OK);
                assert_int_equal(d == ADADELTA_F32 ? adadelta_update_f32(N, x.f32, run.g.f32, sv.f32, su.f32, &hyper)
                                                   : adadelta_update_f64(N, x.f64, run.g.f64, sv.f64, su.f64, &hyper),
                                 ADADELTA_OK);
                assert_memory_equal(&x, &run.x, bytes);
                assert_memory_equal(&sv, run.s[0], bytes);
                assert_memory_equal(&su, run.s[1], bytes);
            }
            adadelta_destroy(run.optimizer);
        }
}

/* From x = 0 and without decay a step is lr times something that lr does not enter: twice the rate, exactly twice the
   way, and the same state. */
static void lr_scales_the_step_only(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
            struct adadelta_hyper hyper = adadelta_hyper_for((enum adadelta_method)m), twice = hyper;
            struct run a, b;
            uint64_t seed = 5;
            hyper.weight_decay = twice.weight_decay = 0;
            twice.lr = 2 * hyper.lr;
            start(&a, (enum adadelta_method)m, (enum adadelta_dtype)d, &hyper);
            start(&b, (enum adadelta_method)m, (enum adadelta_dtype)d, &twice);
            for (int t = 0; t < 5; t++) {
                for (size_t i = 0; i < N; i++) {
                    double g = random_magnitude(&seed, -12, 12);
                    store_element(a.dtype, &a.g, i, g);
                    store_element(b.dtype, &b.g, i, g);
                }
                memset(&a.x, 0, sizeof a.x);
                memset(&b.x, 0, sizeof b.x);
                assert_int_equal(adadelta_step(a.optimizer), ADADELTA_OK);
                assert_int_equal(adadelta_step(b.optimizer), ADADELTA_OK);
                for (size_t i = 0; i < N; i++) {
                    assert_true(load_element(a.dtype, &a.x, i) != 0);
                    assert_true(load_element(b.dtype, &b.x, i) == 2 * load_element(a.dtype, &a.x, i));
                }
                for (size_t k = 0; k < method_states(a.method); k++)
                    assert_memory_equal(a.s[k], b.s[k], N * element_size(a.dtype));
            }
            adadelta_destroy(a.optimizer);
            adadelta_destroy(b.optimizer);
        }
}

/* A poisoned gradient stays in its own element. */
static void infinities_and_nans_stay_where_they_are(void **state)
{
    (void)state;
    const double poisons[] = {(double)INFINITY, -(double)INFINITY, (double)NAN, 1e30};
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
            for (size_t i = 0; i < N; i += 13) {
                struct run good, bad;
                uint64_t seed = i;
                size_t size = element_size((enum adadelta_dtype)d);
                start(&good, (enum adadelta_method)m, (enum adadelta_dtype)d, NULL);
                for (size_t j = 0; j < N; j++) {
                    store_element(good.dtype, &good.x, j, random_magnitude(&seed, -3, 3));
                    store_element(good.dtype, &good.g, j, random_magnitude(&seed, -3, 3));
                }
                start(&bad, good.method, good.dtype, NULL);
                bad.x = good.x;
                bad.g = good.g;
                store_element(bad.dtype, &bad.g, i, poisons[i % 4]);
                struct adadelta_gradients gradients = adadelta_gradients_default();
                gradients.nonfinite = ADADELTA_NONFINITE_PROPAGATE;
                assert_int_equal(adadelta_set_gradients(bad.optimizer, &gradients), ADADELTA_OK);
                assert_int_equal(adadelta_step(good.optimizer), ADADELTA_OK);
                assert_int_equal(adadelta_step(bad.optimizer), ADADELTA_OK);
                assert_memory_equal(&good.x, &bad.x, i * size);
                assert_memory_equal((char *)&good.x + (i + 1) * size, (char *)&bad.x + (i + 1) * size,
                                    (N - i - 1) * size);
                if (i % 4 != 3)
                    assert_false(isfinite(load_element(bad.dtype, &bad.x, i)));
                for (size_t k = 0; k < method_states(good.method); k++) {
                    char *a = good.s[k], *b = bad.s[k];
                    assert_memory_equal(a, b, i * size);
                    assert_memory_equal(a + (i + 1) * size, b + (i + 1) * size, (N - i - 1) * size);
                }
                adadelta_destroy(good.optimizer);
                adadelta_destroy(bad.optimizer);
            }
}

/* When gradients end, state dies away to zero and never through numbers below the normal ones, which are slow. */
static void state_of_a_dead_gradient_becomes_zero(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
            struct adadelta_hyper hyper = make_hyper((enum adadelta_method)m, &variants[0]);
            struct run run;
            uint64_t seed = 3;
            hyper.beta2 = 0.95;
            start(&run, (enum adadelta_method)m, (enum adadelta_dtype)d, &hyper);
            for (size_t i = 0; i < N; i++)
                store_element(run.dtype, &run.g, i, random_magnitude(&seed, -10, 10));
            assert_int_equal(adadelta_step(run.optimizer), ADADELTA_OK);
            memset(&run.g, 0, sizeof run.g);
            /* 0.95^k passes from 2^22 to 2^-1022 in 14,200 steps. */
            for (int t = 0; t < 14400; t++) {
                assert_int_equal(adadelta_step(run.optimizer), ADADELTA_OK);
                for (size_t k = 0; k < method_states(run.method); k++)
                    for (size_t i = 0; i < N; i += 65) {
                        double value = fabs(load_element(run.dtype, run.s[k], i));
                        assert_true(value == 0 || value >= (double)precisions[run.dtype].normal);
                    }
            }
            union array x = run.x;
            assert_int_equal(adadelta_step(run.optimizer), ADADELTA_OK);
            assert_memory_equal(&x, &run.x, sizeof x);
            for (size_t k = 0; m != ADADELTA_METHOD_ADAGRAD && k < method_states(run.method); k++)
                for (size_t i = 0; i < N; i++)
                    assert_true(load_element(run.dtype, run.s[k], i) == 0);
            adadelta_destroy(run.optimizer);
        }
}

/* ---- What others got wrong, each in numbers of its own ---- */

static void new_square_avg_old_acc_delta(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0, .eps = 1};
    float x = 0, g = 1, v = 0, u = 0;
    double wx = 0, wg = 1, wv = 0, wu = 0;
    assert_int_equal(adadelta_update_f32(1, &x, &g, &v, &u, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_update_f64(1, &wx, &wg, &wv, &wu, &hyper), ADADELTA_OK);
    assert_true(fabs(x + 0.70710678118654752) < 1e-7 && v == 1 && fabs(u - 0.5) < 1e-7); /* the new u: -0.866 */
    assert_true(fabs(wx + 0.70710678118654752) < 1e-15 && wv == 1 && fabs(wu - 0.5) < 1e-15);
}

static void one_minus_rho_is_formed_in_double(void **state)
{
    (void)state;
    const double rhos[] = {0.9, 0.95, 0.99, 0.999, 0.9999};
    for (size_t i = 0; i < sizeof rhos / sizeof *rhos; i++) {
        struct adadelta_hyper hyper = {.lr = 1, .rho = rhos[i], .eps = 1e-6};
        float x = 0, g = 1, v = 0, u = 0;
        assert_int_equal(adadelta_update_f32(1, &x, &g, &v, &u, &hyper), ADADELTA_OK);
        assert_true(v == (float)(1 - rhos[i]));
        assert_true(v != 1 - (float)rhos[i]);
    }
}

static void first_step_on_a_large_gradient(void **state)
{
    (void)state;
    const struct adadelta_hyper twice = {.lr = 2, .rho = 0.9, .eps = 1e-4};
    for (double g = 1e6; g < 1e9; g *= 10) {
        double x = 0, v = 0, u = 0;
        assert_int_equal(adadelta_update_f64(1, &x, &g, &v, &u, NULL), ADADELTA_OK);
        assert_true(fabs(x / -4.4721359549995794e-3 - 1) < 1e-15); /* sqrt(1e-6 / 0.05) */
        x = v = u = 0;
        assert_int_equal(adadelta_update_f64(1, &x, &g, &v, &u, &twice), ADADELTA_OK);
        assert_true(fabs(x / -6.3245553203367587e-2 - 1) < 1e-15); /* 2*sqrt(1e-4 / 0.1) */
    }
}

/* 60 steps of gradients scale*r with r in [1, 2) of both signs: where x ends. */
static double walk(double scale, double eps)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    double x = 0, v = 0, u = 0;
    uint64_t seed = 11;
    hyper.eps = eps;
    for (int t = 0; t < 60; t++) {
        double g = scale * random_magnitude(&seed, 0, 0);
        assert_int_equal(adadelta_update_f64(1, &x, &g, &v, &u, &hyper), ADADELTA_OK);
    }
    return x;
}

static void scaling_the_loss_changes_nothing_above_sqrt_eps(void **state)
{
    (void)state;
    double x = walk(1e4, 1e-6);
    assert_true(fabs(x) > 1e-3);
    assert_true(fabs(walk(3e6, 1e-6) / x - 1) < 1e-12);
    assert_true(fabs(walk(1e-7, 1e-6) / walk(1e-9, 1e-6) / 100 - 1) <
                1e-3); /* far below, it is plain gradient descent */
}

static void steps_are_proportional_to_the_root_of_eps(void **state)
{
    (void)state;
    assert_true(fabs(walk(1e6, 4e-6) / walk(1e6, 1e-6) / 2 - 1) < 1e-12);
    assert_true(fabs(walk(1e6, 9e-8) / walk(1e6, 1e-6) / 0.3 - 1) < 1e-12);
}

static void an_overflowing_square_freezes_its_element(void **state)
{
    (void)state;
    float x[2] = {1, 1}, g[2] = {2e19f, 1}, v[2] = {0}, u[2] = {0};
    assert_int_equal(adadelta_update_f32(2, x, g, v, u, NULL), ADADELTA_OK);
    assert_true(isinf(v[0]) && x[0] == 1 && u[0] == 0);
    assert_true(v[1] == (float)(1 - 0.95) && x[1] < 1 && u[1] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step_at_a_time),
        cmocka_unit_test(whole_runs),
        cmocka_unit_test(update_is_the_same_step),
        cmocka_unit_test(lr_scales_the_step_only),
        cmocka_unit_test(infinities_and_nans_stay_where_they_are),
        cmocka_unit_test(state_of_a_dead_gradient_becomes_zero),
        cmocka_unit_test(new_square_avg_old_acc_delta),
        cmocka_unit_test(one_minus_rho_is_formed_in_double),
        cmocka_unit_test(first_step_on_a_large_gradient),
        cmocka_unit_test(scaling_the_loss_changes_nothing_above_sqrt_eps),
        cmocka_unit_test(steps_are_proportional_to_the_root_of_eps),
        cmocka_unit_test(an_overflowing_square_freezes_its_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
