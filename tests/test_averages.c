/* SPDX-License-Identifier: MIT */
/* What the averages are: a second computation in long double with a bound on the errors, for every kind of storage, in
   dense and sparse steps. That they can be swapped in and out is test_averages_swap.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "averages.h"

enum { N = 601, STEPS = 60 };

/* ---- The second computation ---- */

struct way {
    enum adadelta_averaging averaging;
    double decay;
};

static const struct way ways[] = {{ADADELTA_AVERAGING_EXPONENTIAL, 0.9},
                                  {ADADELTA_AVERAGING_EXPONENTIAL, 0.999},
                                  {ADADELTA_AVERAGING_EXPONENTIAL, 0},
                                  {ADADELTA_AVERAGING_POLYAK, 0.5}};

enum { WAYS = sizeof ways / sizeof *ways };

/* The weight of the parameters of step number count (from 1) in the average. */
static long double weight_of(const struct way *way, uint64_t count)
{
    if (way->averaging == ADADELTA_AVERAGING_POLYAK)
        return 1 / (long double)count;
    return count == 1 ? 1 : 1 - (long double)way->decay;
}

/* (1 - weight)*a + weight*x, which is decay*a + (1 - decay)*x, or the mean of one more. Whichever way the library
   writes it, it is a difference or a product of the two, up to four roundings of them, and a sum. */
static void follow(struct approx *a, long double weight, double x, const struct precision *p)
{
    const long double value = (1 - weight) * a->value + weight * x;
    const long double parts = (1 - weight) * fabsl(a->value) + weight * (fabsl(x) + fabsl(a->value));
    a->error = (1 - weight) * a->error + p->unit * (4 * parts + fabsl(value)) + 4 * p->tiny;
    a->value = value;
}

static void expect_average(const struct run *r, size_t i, const struct approx *a)
{
    const double found = average_at(r, i);
    if (!believable((long double)found, *a))
        fail_msg("values %s weights %d element %zu: %.17g, not %.20Lg +- %.3Lg", adadelta_dtype_name(r->mix.values),
                 (int)r->mix.weights, i, found, a->value, a->error);
}

/* One dense step of the run, and of x and a. */
static void step_beside(struct run *r, const struct way *way, uint64_t count, uint64_t *seed, double *x,
                        struct approx *a)
{
    for (size_t i = 0; i < r->n; i++)
        x[i] = before_step(r, x[i], i);
    step(r, seed);
    for (size_t i = 0; i < r->n; i++) {
        x[i] = half_step_from(&r->mix, x[i], r->g[i]);
        follow(&a[i], weight_of(way, count), x[i], &precisions[computed_in(&r->mix)]);
        expect_average(r, i, &a[i]);
    }
}

static void begin(const struct run *r, double *x, struct approx *a)
{
    for (size_t i = 0; i < r->n; i++) {
        x[i] = number_at(r->mix.values, r->values, i);
        a[i] = exact(x[i]);
        assert_true(average_at(r, i) == x[i]); /* where the parameters are, from the start */
    }
}

/* ---- Dense ---- */

static void averages_follow_the_parameters(void **state)
{
    (void)state;
    static double x[N];
    static struct approx a[N];
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WAYS; w++) {
            const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ways[w].averaging, ways[w].decay);
            uint64_t seed = 5;
            struct run r;
            set_up(&r, &kinds[k], &options, &half_step, N, NULL, 0);
            begin(&r, x, a);
            for (uint64_t count = 1; count <= STEPS; count++)
                step_beside(&r, &ways[w], count, &seed, x, a);
            tear_down(&r);
        }
}

/* The mean as the word says: all parameters added up, and divided by their number. */
static void polyak_is_the_mean(void **state)
{
    (void)state;
    const struct mix mix = {ADADELTA_F64, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER};
    const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_POLYAK, 0);
    long double sum[17] = {0};
    uint64_t seed = 6;
    struct run r;
    set_up(&r, &mix, &options, NULL, 17, NULL, 0);
    for (int t = 1; t <= 500; t++) {
        step(&r, &seed);
        for (size_t i = 0; i < 17; i++) {
            sum[i] += ((double *)r.values)[i];
            const long double mean = sum[i] / t;
            assert_true(fabsl(average_at(&r, i) - mean) <= 1e-14L * (fabsl(mean) + 1));
        }
    }
    tear_down(&r);
}

/* The first step sets the average, and to the bit: what was there before, at registration or at the restart, leaves
   nothing behind. Arrays are often registered before they are filled. */
static void the_first_step_sets_the_average(void **state)
{
    (void)state;
    const double earlier[] = {(double)NAN, (double)INFINITY, 1e30, -3e4, 1.1, 0};
    for (int k = 0; k < KINDS; k++)
        for (int restarts = 0; restarts < 2; restarts++)
            for (int averaging = ADADELTA_AVERAGING_EXPONENTIAL; averaging <= ADADELTA_AVERAGING_POLYAK; averaging++) {
                const struct adadelta_options options =
                    options_of(ADADELTA_METHOD_SGD, (enum adadelta_averaging)averaging, 0.9);
                double x[6];
                uint64_t seed = 8;
                struct run r;
                set_up(&r, &kinds[k], &options, &half_step, 6, NULL, 0);
                if (restarts)
                    step(&r, &seed);
                for (size_t i = 0; i < 6; i++)
                    put_number(r.mix.values, r.values, i, earlier[i]);
                assert_int_equal(adadelta_restart_averages(r.optimizer), ADADELTA_OK);
                for (size_t i = 0; i < 6; i++)
                    put_number(r.mix.values, r.values, i, 0.01 * (double)(i + 1));
                if (has_low(&r.mix)) /* what the caller writes is the upper half only */
                    memset(state_named(r.optimizer, 0, "low"), 0, 6 * 2);
                for (size_t i = 0; i < 6; i++)
                    x[i] = number_at(r.mix.values, r.values, i);
                step(&r, &seed);
                for (size_t i = 0; i < 6; i++)
                    assert_true(average_at(&r, i) == half_step_from(&r.mix, x[i], r.g[i]));
                tear_down(&r);
            }
}

static void restart_begins_again(void **state)
{
    (void)state;
    static double x[N];
    static struct approx a[N];
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WAYS; w++) {
            const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ways[w].averaging, ways[w].decay);
            uint64_t seed = 7;
            struct run r;
            set_up(&r, &kinds[k], &options, &half_step, N, NULL, 0);
            begin(&r, x, a);
            for (uint64_t count = 1; count <= 10; count++)
                step_beside(&r, &ways[w], count, &seed, x, a);
            assert_int_equal(adadelta_restart_averages(r.optimizer), ADADELTA_OK);
            for (size_t i = 0; i < N; i++) { /* the parameters go on, not their averages */
                a[i] = exact(number_at(r.mix.values, r.values, i));
                assert_true(average_at(&r, i) == (double)a[i].value);
            }
            for (uint64_t count = 1; count <= 10; count++)
                step_beside(&r, &ways[w], count, &seed, x, a);
            tear_down(&r);
        }
}

/* ---- Who takes part ---- */

/* Steps without a gradient, and steps left out, are none of the average's. */
static void averages_wait_with_their_tensor(void **state)
{
    (void)state;
    static double x[N];
    static struct approx a[N];
    const struct adadelta_gradients skipping = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_SKIP};
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WAYS; w++) {
            const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ways[w].averaging, ways[w].decay);
            uint64_t seed = 9;
            struct run r;
            set_up(&r, &kinds[k], &options, &half_step, N, NULL, 0);
            assert_int_equal(adadelta_set_gradients(r.optimizer, &skipping), ADADELTA_OK);
            begin(&r, x, a);
            for (uint64_t count = 1; count <= 12; count++) {
                step_beside(&r, &ways[w], count, &seed, x, a);
                if (count % 3 == 1) {
                    assert_int_equal(adadelta_set_buffers(r.optimizer, 0, r.values, NULL), ADADELTA_OK);
                    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
                    assert_int_equal(adadelta_set_buffers(r.optimizer, 0, r.values, r.g), ADADELTA_OK);
                } else if (count % 3 == 2) {
                    r.g[count] = NAN;
                    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
                }
                for (size_t i = 0; i < N; i++)
                    expect_average(&r, i, &a[i]);
            }
            assert_true(adadelta_skip_count(r.optimizer) == 4 && adadelta_step_count(r.optimizer) == 16);
            tear_down(&r);
        }
}

/* Each tensor counts its own steps, wherever the others are. */
static void tensors_count_by_themselves(void **state)
{
    (void)state;
    const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ADADELTA_AVERAGING_POLYAK, 0);
    const struct mix mix = {ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER};
    double late = 8;
    const double g = 2, *average;
    const struct adadelta_tensor tensor = tensor_of(&mix, "late", 1, &late, &g);
    uint64_t seed = 10;
    struct run r;
    set_up(&r, &kinds[0], &options, &half_step, N, NULL, 0);
    for (int t = 0; t < 5; t++)
        step(&r, &seed);
    assert_int_equal(adadelta_add_tensor(r.optimizer, 0, &tensor, NULL), ADADELTA_OK);
    average = state_named(r.optimizer, 1, "average");
    for (int t = 1; t <= 4; t++) { /* 7, 6, 5, 4 */
        step(&r, &seed);
        assert_true(fabs(*average - (7 - 0.5 * (t - 1))) < 1e-14);
    }
    tear_down(&r);
}

/* ---- Sparse ---- */

enum { ROWS = 40, WIDTH = 13, NAMED = 8 };

/* Names distinct rows; row 0 always. */
static void draw_rows(size_t rows[NAMED], uint64_t *seed)
{
    rows[0] = 0;
    for (size_t k = 1; k < NAMED; k++)
        rows[k] = 1 + 5 * (k - 1) + random_bits(seed) % 5;
}

/* A step with distinct rows, here and beside; averages of rows that are not named keep their bits. */
static void step_rows_beside(struct run *r, const struct way *way, uint64_t count, uint64_t *seed, double *x,
                             struct approx *a)
{
    double averages[ROWS * WIDTH];
    size_t rows[NAMED];
    draw_rows(rows, seed);
    fill_random(ADADELTA_F32, r->g, NAMED * WIDTH, seed, -6, 1);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        averages[i] = average_at(r, i);
        x[i] = before_step(r, x[i], i);
    }
    assert_int_equal(adadelta_set_rows(r->optimizer, 0, NAMED, rows, r->g), ADADELTA_OK);
    assert_int_equal(adadelta_step(r->optimizer), ADADELTA_OK);
    for (size_t k = 0; k < NAMED; k++)
        for (size_t c = 0; c < WIDTH; c++) {
            const size_t i = rows[k] * WIDTH + c;
            x[i] = half_step_from(&r->mix, x[i], r->g[k * WIDTH + c]);
            follow(&a[i], weight_of(way, count), x[i], &precisions[computed_in(&r->mix)]);
            expect_average(r, i, &a[i]);
            averages[i] = average_at(r, i);
        }
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        assert_true(average_at(r, i) == averages[i]);
}

static void sparse_steps_average_the_rows_named(void **state)
{
    (void)state;
    static const size_t shape[2] = {ROWS, WIDTH};
    static double x[ROWS * WIDTH];
    static struct approx a[ROWS * WIDTH];
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < WAYS; w++) {
            const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ways[w].averaging, ways[w].decay);
            uint64_t seed = 11;
            struct run r;
            set_up(&r, &kinds[k], &options, &half_step, ROWS * WIDTH, shape, NAMED);
            begin(&r, x, a);
            for (uint64_t count = 1; count <= 20; count++)
                step_rows_beside(&r, &ways[w], count, &seed, x, a);
            tear_down(&r);
        }
}

/* A row that is named twice takes one step with the sum, and its average follows once. */
static void rows_named_twice_average_once(void **state)
{
    (void)state;
    static const size_t shape[2] = {4, 1}, rows[3] = {2, 0, 2};
    const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ADADELTA_AVERAGING_EXPONENTIAL, 0.5);
    struct run r;
    set_up(&r, &kinds[1], &options, &half_step, 4, shape, 3);
    double *x = r.values, a;
    memcpy(r.g, (float[]){2, 4, 6}, 3 * sizeof(float));
    x[2] = 10;
    assert_int_equal(adadelta_set_rows(r.optimizer, 0, 3, rows, r.g), ADADELTA_OK);
    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
    a = average_at(&r, 2);
    assert_true(x[2] == 6 && a == 6);
    assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
    a = average_at(&r, 2);
    assert_true(x[2] == 2 && a == 4);
    tear_down(&r);
}

/* One step after the other for the same row is still one step of the optimizer: the average follows what has become of
   the row. */
static void rows_in_order_average_once(void **state)
{
    (void)state;
    static const size_t shape[2] = {4, 1}, rows[4] = {2, 0, 2, 2};
    const struct adadelta_options options = options_of(ADADELTA_METHOD_SGD, ADADELTA_AVERAGING_POLYAK, 0);
    const struct adadelta_gradients gradients = {.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER};
    struct run r;
    set_up(&r, &kinds[1], &options, &half_step, 4, shape, 4);
    double *x = r.values;
    memcpy(r.g, (float[]){2, 4, 6, 8}, 4 * sizeof(float));
    x[2] = 10;
    assert_int_equal(adadelta_set_gradients(r.optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_rows(r.optimizer, 0, 4, rows, r.g), ADADELTA_OK);
    for (int t = 1; t <= 3; t++) { /* 2, -6, -14 */
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_true(x[2] == 10 - 8 * t);
        assert_true(fabs(average_at(&r, 2) - (2 - 4 * (t - 1))) < 1e-14);
    }
    tear_down(&r);
}

/* ---- The run itself ---- */

/* Keeping averages moves no bit of parameters and state. */
static void averaging_does_not_change_the_run(void **state)
{
    (void)state;
    static const char *const states[] = {"square_avg", "acc_delta", "master", "low"};
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        struct run runs[3];
        if (!goes_together(&mix) || mix.gradient != ADADELTA_F32)
            continue;
        for (int averaging = 0; averaging < 3; averaging++) {
            const struct adadelta_options options =
                options_of(ADADELTA_METHOD_ADADELTA, (enum adadelta_averaging)averaging, 0.9);
            uint64_t seed = 13;
            set_up(&runs[averaging], &mix, &options, NULL, N, NULL, 0);
            for (int t = 0; t < 20; t++)
                step(&runs[averaging], &seed);
        }
        for (int averaging = 1; averaging < 3; averaging++) {
            assert_memory_equal(runs[0].values, runs[averaging].values, N * binaries[mix.values].size);
            for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
                void *without, *with;
                const size_t sizes[] = {binaries[state_of_mix(&mix)].size, binaries[state_of_mix(&mix)].size, 4, 2};
                if (adadelta_state(runs[0].optimizer, 0, states[s], &without))
                    continue;
                with = state_named(runs[averaging].optimizer, 0, states[s]);
                assert_memory_equal(without, with, N * sizes[s]);
            }
        }
        for (int averaging = 0; averaging < 3; averaging++)
            tear_down(&runs[averaging]);
    }
}

/* One step of all, or of each tensor by itself, on one thread or on many: the same averages. */
static void averages_depend_on_nothing_else(void **state)
{
    (void)state;
    enum { LARGE = 233333 };
    const int threads[] = {2, 3, 7};
    for (int k = 0; k < KINDS; k++) {
        struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_EXPONENTIAL, 0.9);
        struct run one, other;
        uint64_t seed = 14;
        set_up(&one, &kinds[k], &options, NULL, LARGE, NULL, 0);
        for (int t = 0; t < 3; t++)
            step(&one, &seed);
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            options.threads = threads[i];
            seed = 14;
            set_up(&other, &kinds[k], &options, NULL, LARGE, NULL, 0);
            assert_int_equal(adadelta_set_buffers(other.optimizer, 0, other.values, NULL), ADADELTA_OK);
            for (int t = 0; t < 3; t++) {
                fill_random(ADADELTA_F32, other.g, LARGE, &seed, -6, 1);
                assert_int_equal(adadelta_step_tensor(other.optimizer, 0, other.g), ADADELTA_OK);
                assert_int_equal(adadelta_step(other.optimizer), ADADELTA_OK);
            }
            assert_true(print_of(&one, 1) == print_of(&other, 1));
            tear_down(&other);
        }
        tear_down(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_follow_the_parameters),      cmocka_unit_test(polyak_is_the_mean),
        cmocka_unit_test(the_first_step_sets_the_average),     cmocka_unit_test(restart_begins_again),
        cmocka_unit_test(averages_wait_with_their_tensor),     cmocka_unit_test(tensors_count_by_themselves),
        cmocka_unit_test(sparse_steps_average_the_rows_named), cmocka_unit_test(rows_named_twice_average_once),
        cmocka_unit_test(rows_in_order_average_once),          cmocka_unit_test(averaging_does_not_change_the_run),
        cmocka_unit_test(averages_depend_on_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
