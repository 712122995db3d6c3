/* SPDX-License-Identifier: MIT */
/* The norms of updates against sums in long double: dense and sparse steps, with decay, for every kind of storage; and
   that measuring changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "averages.h"

enum { N = 1025 };

static double norm_of(const struct adadelta *optimizer, size_t index)
{
    struct adadelta_tensor_stats stats;
    assert_int_equal(adadelta_get_tensor_stats(optimizer, index, &stats), ADADELTA_OK);
    return stats.update_norm;
}

/* Sums of up to so many squares in double, and a root: a relative error below this. */
static void expect_norm(double found, long double squares)
{
    if (!(fabsl((long double)found - sqrtl(squares)) <= 1e-12L * sqrtl(squares)))
        fail_msg("%.17g, not %.20Lg", found, sqrtl(squares));
}

static const struct adadelta_options plain_options = {.method = ADADELTA_METHOD_SGD, .threads = 1, .seed = 4};

static void start(struct run *r, const struct mix *mix, const struct adadelta_hyper *hyper, const size_t *shape,
                  size_t max_rows, size_t n)
{
    set_up(r, mix, &plain_options, hyper, n, shape, max_rows);
    assert_int_equal(adadelta_set_measuring(r->optimizer, 1), ADADELTA_OK);
    assert_true(isnan(norm_of(r->optimizer, 0)));
}

/* ---- Dense ---- */

/* Before they are rounded: x as the step computes it, less what it started from. */
static void norms_are_of_what_is_computed(void **state)
{
    (void)state;
    static double x[N];
    for (int k = 0; k < KINDS; k++) {
        uint64_t seed = 60;
        struct run r;
        start(&r, &kinds[k], &half_step, NULL, 0, N);
        for (size_t i = 0; i < N; i++)
            x[i] = number_at(r.mix.values, r.values, i);
        for (int t = 0; t < 20; t++) {
            long double squares = 0;
            for (size_t i = 0; i < N; i++)
                x[i] = before_step(&r, x[i], i);
            step(&r, &seed);
            for (size_t i = 0; i < N; i++) {
                const double after = half_step_from(&r.mix, x[i], r.g[i]);
                squares += ((long double)after - x[i]) * ((long double)after - x[i]);
                x[i] = after;
            }
            expect_norm(norm_of(r.optimizer, 0), squares);
        }
        tear_down(&r);
    }
}

/* Whatever moves the parameters: the rule, its decay, a schedule. What the caller has changed between is no update. */
static void norms_are_of_all_that_moves(void **state)
{
    (void)state;
    static double before[N];
    const struct mix mix = {ADADELTA_F64, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER};
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int decoupled = 0; decoupled < 2; decoupled++) {
            const struct adadelta_options options = {.method = (enum adadelta_method)m, .threads = 1};
            struct adadelta_hyper hyper = adadelta_hyper_for(options.method);
            uint64_t seed = 61;
            struct run r;
            hyper.weight_decay = 0.1;
            hyper.decoupled = decoupled;
            set_up(&r, &mix, &options, &hyper, N, NULL, 0);
            double *x = r.values;
            assert_int_equal(adadelta_set_measuring(r.optimizer, 1), ADADELTA_OK);
            for (int t = 0; t < 10; t++) {
                long double squares = 0;
                x[t] = 100 + t;
                memcpy(before, x, sizeof before);
                step(&r, &seed);
                for (size_t i = 0; i < N; i++)
                    squares += ((long double)x[i] - before[i]) * ((long double)x[i] - before[i]);
                expect_norm(norm_of(r.optimizer, 0), squares);
            }
            tear_down(&r);
        }
}

/* A change of a master by the caller is none of the step's. */
static void adopted_weights_are_no_update(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        uint64_t seed = 62;
        struct run r;
        start(&r, &kinds[k], NULL, NULL, 0, N);
        step(&r, &seed);
        for (size_t i = 0; i < N; i++)
            put_number(r.mix.values, r.values, i, 7);
        memset(r.g, 0, N * sizeof *r.g);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_true(norm_of(r.optimizer, 0) == 0);
        tear_down(&r);
    }
}

static void norms_of_several_tensors(void **state)
{
    (void)state;
    enum { LARGE = 9000 };
    static float x[3][LARGE], g[3][LARGE];
    const size_t sizes[3] = {LARGE, 0, 5};
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(&plain_options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &half_step, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_measuring(optimizer, 1), ADADELTA_OK);
    for (size_t k = 0; k < 3; k++) {
        const char *const names[] = {"a", "b", "c"};
        const struct adadelta_tensor tensor = tensor_of(&kinds[0], names[k], sizes[k], x[k], g[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            g[k][i] = (float)(2 * k + 2);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    expect_norm(norm_of(optimizer, 0), LARGE);
    assert_true(norm_of(optimizer, 1) == 0);
    expect_norm(norm_of(optimizer, 2), 5 * 9);
    assert_int_equal(adadelta_step_tensor(optimizer, 2, g[0]), ADADELTA_OK);
    expect_norm(norm_of(optimizer, 2), 5);
    expect_norm(norm_of(optimizer, 0), LARGE);
    adadelta_destroy(optimizer);
}

/* ---- Sparse ---- */

enum { ROWS = 50, WIDTH = 7, NAMED = 12 };

static void check_sparse_norms(enum adadelta_duplicates duplicates)
{
    static const size_t shape[2] = {ROWS, WIDTH};
    static double before[ROWS * WIDTH];
    const struct mix mix = {ADADELTA_F64, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER};
    const struct adadelta_gradients gradients = {.scale = 1, .duplicates = duplicates};
    uint64_t seed = 63;
    struct run r;
    start(&r, &mix, &half_step, shape, NAMED, ROWS * WIDTH);
    assert_int_equal(adadelta_set_gradients(r.optimizer, &gradients), ADADELTA_OK);
    double *x = r.values;
    for (int t = 0; t < 10; t++) {
        size_t rows[NAMED];
        long double squares = 0;
        for (size_t k = 0; k < NAMED; k++)
            rows[k] = random_bits(&seed) % (t % 2 ? ROWS : 6); /* many are named more than once */
        fill_random(ADADELTA_F32, r.g, NAMED * WIDTH, &seed, -6, 1);
        memcpy(before, x, sizeof before);
        assert_int_equal(adadelta_step_rows(r.optimizer, 0, NAMED, rows, r.g), ADADELTA_OK);
        for (size_t i = 0; i < ROWS * WIDTH; i++)
            squares += ((long double)x[i] - before[i]) * ((long double)x[i] - before[i]);
        expect_norm(norm_of(r.optimizer, 0), squares);
    }
    tear_down(&r);
}

static void norms_of_sparse_steps(void **state)
{
    (void)state;
    check_sparse_norms(ADADELTA_DUPLICATES_SUM);
}

/* A row named more than once moves more than once in a step; the norm is of what has become of it. */
static void norms_of_rows_one_after_the_other(void **state)
{
    (void)state;
    check_sparse_norms(ADADELTA_DUPLICATES_IN_ORDER);
}

/* ---- When ---- */

static void norms_are_kept_when_asked_for(void **state)
{
    (void)state;
    const struct adadelta_gradients skipping = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_SKIP};
    uint64_t seed = 64;
    struct run r;
    set_up(&r, &kinds[0], &plain_options, &half_step, N, NULL, 0);
    assert_int_equal(adadelta_set_gradients(r.optimizer, &skipping), ADADELTA_OK);
    step(&r, &seed);
    assert_true(isnan(norm_of(r.optimizer, 0))); /* off at first */
    assert_int_equal(adadelta_set_measuring(r.optimizer, 5), ADADELTA_OK);
    assert_true(isnan(norm_of(r.optimizer, 0)));
    r.g[0] = NAN;
    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
    assert_true(isnan(norm_of(r.optimizer, 0))); /* a step left out is none */
    step(&r, &seed);
    const double norm = norm_of(r.optimizer, 0);
    assert_true(norm > 0 && isfinite(norm));
    r.g[0] = NAN;
    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
    assert_true(norm_of(r.optimizer, 0) == norm);
    assert_int_equal(adadelta_set_measuring(r.optimizer, 0), ADADELTA_OK);
    step(&r, &seed);
    assert_true(norm_of(r.optimizer, 0) == norm); /* the last that was measured */
    assert_int_equal(adadelta_set_measuring(r.optimizer, 1), ADADELTA_OK);
    struct adadelta *copy;
    assert_int_equal(adadelta_clone(r.optimizer, &copy), ADADELTA_OK);
    assert_true(norm_of(copy, 0) == norm);
    memset(r.g, 0, N * sizeof *r.g);
    assert_int_equal(adadelta_step(copy), ADADELTA_OK);
    assert_true(norm_of(copy, 0) == 0 && norm_of(r.optimizer, 0) == norm);
    adadelta_destroy(copy);
    tear_down(&r);
}

/* Measured or not, now and then, the run is the same to the bit. */
static void measuring_does_not_change_the_run(void **state)
{
    (void)state;
    for (int k = 0; k < MIXES; k++)
        for (int averaging = 0; averaging < 2; averaging++) {
            const struct mix mix = mix_number(k);
            const struct adadelta_options options =
                options_of(ADADELTA_METHOD_ADADELTA, (enum adadelta_averaging)averaging, 0.9);
            uint64_t prints[3];
            if (!goes_together(&mix) || mix.gradient != ADADELTA_F32)
                continue;
            for (int way = 0; way < 3; way++) { /* never, always, at every third step */
                uint64_t seed = 65;
                struct run r;
                set_up(&r, &mix, &options, NULL, N, NULL, 0);
                for (int t = 0; t < 10; t++) {
                    assert_int_equal(adadelta_set_measuring(r.optimizer, way == 1 || (way == 2 && t % 3 == 0)),
                                     ADADELTA_OK);
                    step(&r, &seed);
                }
                prints[way] = print_of(&r, 1);
                assert_int_equal(isnan(norm_of(r.optimizer, 0)) != 0, way == 0);
                tear_down(&r);
            }
            assert_true(prints[0] == prints[1] && prints[0] == prints[2]);
        }
}

static void threads_give_the_same_norm(void **state)
{
    (void)state;
    enum { LARGE = 233333 };
    const int threads[] = {1, 2, 3, 7};
    for (int k = 0; k < KINDS; k += 3) {
        double norms[4];
        for (int i = 0; i < 4; i++) {
            struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE, 0);
            uint64_t seed = 66;
            struct run r;
            options.threads = threads[i];
            set_up(&r, &kinds[k], &options, NULL, LARGE, NULL, 0);
            assert_int_equal(adadelta_set_measuring(r.optimizer, 1), ADADELTA_OK);
            step(&r, &seed);
            step(&r, &seed);
            norms[i] = norm_of(r.optimizer, 0);
            assert_true(norms[i] > 0 && norms[i] == norms[0]);
            tear_down(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_of_what_is_computed), cmocka_unit_test(norms_are_of_all_that_moves),
        cmocka_unit_test(adopted_weights_are_no_update), cmocka_unit_test(norms_of_several_tensors),
        cmocka_unit_test(norms_of_sparse_steps),         cmocka_unit_test(norms_of_rows_one_after_the_other),
        cmocka_unit_test(norms_are_kept_when_asked_for), cmocka_unit_test(measuring_does_not_change_the_run),
        cmocka_unit_test(threads_give_the_same_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
