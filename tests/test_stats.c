/* SPDX-License-Identifier: MIT */
/* How a tensor stands: rates against a sort in long double, counts, and bytes of state. The norms of updates are
   test_stats_updates.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage.h"

enum { LONGEST = 5000 };

static struct adadelta *new_optimizer(const struct adadelta_options *options, const struct adadelta_hyper *hyper)
{
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    return optimizer;
}

static struct adadelta_tensor_stats stats_of(const struct adadelta *optimizer, size_t index)
{
    struct adadelta_tensor_stats stats;
    assert_int_equal(adadelta_get_tensor_stats(optimizer, index, &stats), ADADELTA_OK);
    return stats;
}

/* ---- Rates ---- */

static int ascending(const void *a, const void *b)
{
    const long double x = *(const long double *)a, y = *(const long double *)b;
    return (x > y) - (x < y);
}

/* A quotient of sums of doubles, its root, and the mean of two: five roundings. */
static void expect_rate(double found, long double expected)
{
    if (!(fabsl((long double)found - expected) <= 5 * DBL_EPSILON / 2 * expected))
        fail_msg("%.17g, not %.20Lg", found, expected);
}

static void expect_rates(struct adadelta *optimizer, enum adadelta_dtype dtype, size_t n, double eps)
{
    static long double rates[LONGEST];
    const struct adadelta_tensor_stats stats = stats_of(optimizer, 0);
    void *v, *u;
    assert_int_equal(adadelta_state(optimizer, 0, "square_avg", &v), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", &u), ADADELTA_OK);
    for (size_t i = 0; i < n; i++)
        rates[i] = sqrtl(((long double)number_at(dtype, u, i) + eps) / ((long double)number_at(dtype, v, i) + eps));
    qsort(rates, n, sizeof *rates, ascending);
    if (n == 0) {
        assert_true(isnan(stats.rate_min) && isnan(stats.rate_median) && isnan(stats.rate_max));
        return;
    }
    expect_rate(stats.rate_min, rates[0]);
    expect_rate(stats.rate_max, rates[n - 1]);
    expect_rate(stats.rate_median, n % 2 ? rates[n / 2] : (rates[n / 2 - 1] + rates[n / 2]) / 2);
}

/* What the state can be like. */
enum { ZERO, SPREAD, FEW, TWO_HALVES, CLOSE, ALL_EQUAL, ONE_APART, PATTERNS };

static double draw(int pattern, size_t i, size_t n, uint64_t *seed)
{
    static const double few[] = {0, 1e-6, 0.25};
    switch (pattern) {
    case SPREAD:
        return fabs(random_magnitude(seed, -24, 12));
    case FEW:
        return few[random_bits(seed) % 3];
    case TWO_HALVES: /* the two in the middle are far from one another */
        return i < n / 2 ? 1e-6 : 4;
    case CLOSE: /* ratios that differ in their last digits */
        return 1 + 0x1p-20 * (double)(random_bits(seed) % 16);
    case ALL_EQUAL:
        return 0.375;
    case ONE_APART:
        return i == n / 3 ? 1e3 : 1e-3;
    default:
        return 0;
    }
}

static void rates_agree_with_a_sort(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 16, 511, 512, 513, 1024, 1025, LONGEST - 1, LONGEST};
    static double x[LONGEST];
    const struct adadelta_options options = {.threads = 1};
    for (int k = 0; k < MIXES; k++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (int pattern = 0; pattern < PATTERNS; pattern++) {
                const struct mix mix = mix_number(k);
                const size_t n = lengths[l];
                const struct adadelta_hyper hyper = {.lr = 1, .eps = pattern % 2 ? 1e-6 : 0.01};
                uint64_t seed = 40 + (uint64_t)pattern;
                if (!goes_together(&mix) || mix.gradient != ADADELTA_F32 || mix.weights != ADADELTA_WEIGHTS_NEAREST)
                    continue;
                struct adadelta *optimizer = new_optimizer(&options, &hyper);
                const struct adadelta_tensor tensor = tensor_of(&mix, "x", n, x, NULL);
                assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
                void *v = NULL, *u = NULL;
                assert_int_equal(adadelta_state(optimizer, 0, "square_avg", &v), ADADELTA_OK);
                assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", &u), ADADELTA_OK);
                for (size_t i = 0; i < n; i++) {
                    put_number(state_of_mix(&mix), v, i, draw(pattern, i, n, &seed));
                    put_number(state_of_mix(&mix), u, i, draw(pattern == SPREAD ? FEW : pattern, n - 1 - i, n, &seed));
                }
                expect_rates(optimizer, state_of_mix(&mix), n, hyper.eps);
                adadelta_destroy(optimizer);
            }
}

/* Along a run, with the tensor's own eps where it has one, and of its own state among several. */
static void rates_follow_the_settings(void **state)
{
    (void)state;
    enum { N = 700 };
    static float x[3][N], g[3][N];
    const struct adadelta_options options = {.threads = 1};
    const struct mix mix = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER};
    struct adadelta_hyper hyper = adadelta_hyper_default();
    struct adadelta *optimizer = new_optimizer(&options, NULL);
    uint64_t seed = 50;
    for (int k = 0; k < 3; k++) {
        const char *const names[] = {"a", "b", "c"};
        const struct adadelta_tensor tensor = tensor_of(&mix, names[k], N, x[k], g[k]);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    const struct adadelta_tensor_stats fresh = stats_of(optimizer, 0);
    assert_true(fresh.rate_min == 1 && fresh.rate_median == 1 && fresh.rate_max == 1);
    for (int t = 0; t < 10; t++) {
        for (int k = 0; k < 3; k++)
            fill_random(ADADELTA_F32, g[k], N, &seed, -10 + 3 * k, -8 + 3 * k);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        expect_rates(optimizer, ADADELTA_F32, N, 1e-6);
    }
    assert_true(stats_of(optimizer, 0).rate_median > 2 * stats_of(optimizer, 1).rate_median);
    assert_true(stats_of(optimizer, 1).rate_median > 2 * stats_of(optimizer, 2).rate_median);
    hyper.eps = 0.5;
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_OK);
    expect_rates(optimizer, ADADELTA_F32, N, 0.5);
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, NULL), ADADELTA_OK);
    expect_rates(optimizer, ADADELTA_F32, N, 1e-6);
    hyper.eps = 2;
    assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_OK);
    expect_rates(optimizer, ADADELTA_F32, N, 2);
    adadelta_destroy(optimizer);
}

/* State that has overflowed: a rate of 0 at an infinite v, an infinite one at an infinite u. */
static void rates_of_infinite_state(void **state)
{
    (void)state;
    const struct adadelta_options options = {.threads = 1};
    const struct mix mix = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER};
    float x[3] = {0};
    uint16_t *v, *u;
    void *found;
    const struct adadelta_tensor tensor = tensor_of(&mix, "x", 3, x, NULL);
    struct adadelta *optimizer = new_optimizer(&options, NULL);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "square_avg", &found), ADADELTA_OK);
    v = found;
    assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", &found), ADADELTA_OK);
    u = found;
    v[1] = u[2] = 0x7c00;
    const struct adadelta_tensor_stats stats = stats_of(optimizer, 0);
    assert_true(stats.rate_min == 0 && stats.rate_median == 1 && isinf(stats.rate_max));
    adadelta_destroy(optimizer);
}

static void other_methods_have_no_rates(void **state)
{
    (void)state;
    float x[5] = {1, 2, 3, 4, 5}, g[5] = {1, 1, 1, 1, 1};
    const struct mix mix = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER};
    const struct adadelta_tensor tensor = tensor_of(&mix, "x", 5, x, g);
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        const struct adadelta_options options = {.method = (enum adadelta_method)m, .threads = 1};
        struct adadelta *optimizer = new_optimizer(&options, NULL);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        for (int t = 0; t < 2; t++) {
            const struct adadelta_tensor_stats stats = stats_of(optimizer, 0);
            const int none = m != ADADELTA_METHOD_ADADELTA;
            assert_int_equal(isnan(stats.rate_min) != 0, none);
            assert_int_equal(isnan(stats.rate_median) != 0, none);
            assert_int_equal(isnan(stats.rate_max) != 0, none);
            assert_true(isnan(stats.update_norm) && stats.steps == (uint64_t)t && stats.skipped == 0);
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        }
        adadelta_destroy(optimizer);
    }
}

static void stats_check_their_arguments(void **state)
{
    (void)state;
    struct adadelta_tensor_stats stats, before;
    struct adadelta *optimizer = new_optimizer(NULL, NULL);
    memset(&stats, 0x3c, sizeof stats);
    memcpy(&before, &stats, sizeof stats);
    assert_int_equal(adadelta_get_tensor_stats(NULL, 0, &stats), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, 0, &stats), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, SIZE_MAX, &stats), ADADELTA_ERROR_ARGUMENT);
    assert_memory_equal(&stats, &before, sizeof stats);
    float x = 0;
    const struct adadelta_tensor tensor = {.name = "x", .values = &x};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, 1, &stats), ADADELTA_ERROR_ARGUMENT);
    assert_memory_equal(&stats, &before, sizeof stats);
    assert_int_equal(adadelta_state_bytes(NULL), 0);
    assert_int_equal(adadelta_set_measuring(NULL, 1), ADADELTA_ERROR_ARGUMENT);
    adadelta_destroy(optimizer);
}

/* ---- Bytes ---- */

/* An array's bytes: state lies at multiples of 64. */
static size_t array_bytes(size_t n, size_t size)
{
    return (n * size + 63) / 64 * 64;
}

/* The arrays of the header's types. While averages of another type are swapped in, the parameters lie beside them. */
static size_t expected_bytes(const struct mix *mix, const struct adadelta_options *options, size_t n)
{
    size_t bytes = method_states(options->method) * array_bytes(n, binaries[state_of_mix(mix)].size);
    bytes += array_bytes(n, has_master(mix) ? 4 : has_low(mix) ? 2 : 0);
    if (options->averaging != ADADELTA_AVERAGING_NONE)
        bytes += array_bytes(n, binaries[computed_in(mix)].size) +
                 array_bytes(n, computed_in(mix) == mix->values ? 0 : binaries[mix->values].size);
    return bytes;
}

static void state_takes_the_bytes_of_its_types(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 16, 33, 1000};
    static double x[5][1000];
    for (int k = 0; k < MIXES; k++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
            for (int averaging = 0; averaging < 3; averaging++) {
                const struct mix mix = mix_number(k);
                const struct adadelta_options options = {.method = (enum adadelta_method)m,
                                                         .averaging = (enum adadelta_averaging)averaging};
                size_t sum = 0;
                if (!goes_together(&mix) || mix.gradient != ADADELTA_F32)
                    continue;
                struct adadelta *optimizer = new_optimizer(&options, NULL);
                assert_int_equal(adadelta_state_bytes(optimizer), 0);
                for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                    const char *const names[] = {"a", "b", "c", "d", "e"};
                    const struct adadelta_tensor tensor = tensor_of(&mix, names[l], lengths[l], x[l], NULL);
                    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
                    assert_int_equal(stats_of(optimizer, l).state_bytes, expected_bytes(&mix, &options, lengths[l]));
                    sum += stats_of(optimizer, l).state_bytes;
                    assert_int_equal(adadelta_state_bytes(optimizer), sum);
                }
                adadelta_destroy(optimizer);
            }
}

/* ---- Counts ---- */

/* Two tensors, the second of which may have a gradient that is not finite. */
struct two {
    struct adadelta *optimizer;
    float x[2], good, maybe;
};

static void build(struct two *f, enum adadelta_nonfinite nonfinite)
{
    const struct adadelta_gradients gradients = {.scale = 1, .nonfinite = nonfinite};
    *f = (struct two){.optimizer = new_optimizer(NULL, NULL), .good = 1, .maybe = 1};
    const struct adadelta_tensor tensors[] = {{.name = "a", .values = &f->x[0], .gradient = &f->good},
                                              {.name = "b", .values = &f->x[1], .gradient = &f->maybe}};
    assert_int_equal(adadelta_set_gradients(f->optimizer, &gradients), ADADELTA_OK);
    for (size_t k = 0; k < 2; k++)
        assert_int_equal(adadelta_add_tensor(f->optimizer, 0, &tensors[k], NULL), ADADELTA_OK);
}

static void expect_counts(const struct two *f, const uint64_t expected[6])
{
    const struct adadelta_tensor_stats a = stats_of(f->optimizer, 0), b = stats_of(f->optimizer, 1);
    const uint64_t found[6] = {
        adadelta_step_count(f->optimizer), adadelta_skip_count(f->optimizer), a.steps, a.skipped, b.steps, b.skipped};
    for (int k = 0; k < 6; k++)
        assert_int_equal(found[k], expected[k]);
}

static void steps_are_counted(void **state)
{
    (void)state;
    struct two f;
    build(&f, ADADELTA_NONFINITE_SKIP);
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_OK);
    expect_counts(&f, (uint64_t[]){1, 0, 1, 0, 1, 0});
    f.maybe = NAN; /* the other tensor is left out, too */
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_OK);
    expect_counts(&f, (uint64_t[]){1, 1, 1, 1, 1, 1});
    assert_int_equal(adadelta_step_tensor(f.optimizer, 1, &f.maybe), ADADELTA_OK); /* but not by a step of one */
    expect_counts(&f, (uint64_t[]){1, 1, 1, 1, 1, 2});
    assert_int_equal(adadelta_step_tensor(f.optimizer, 0, &f.good), ADADELTA_OK);
    expect_counts(&f, (uint64_t[]){1, 1, 2, 1, 1, 2});
    assert_int_equal(adadelta_set_buffers(f.optimizer, 0, &f.x[0], NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_OK); /* one without a gradient takes no part */
    expect_counts(&f, (uint64_t[]){1, 2, 2, 1, 1, 3});
    f.maybe = 2;
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_OK);
    expect_counts(&f, (uint64_t[]){2, 2, 2, 1, 2, 3});
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, &f.x[1], NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_OK);
    expect_counts(&f, (uint64_t[]){3, 2, 2, 1, 2, 3});
    struct two copy = f;
    assert_int_equal(adadelta_clone(f.optimizer, &copy.optimizer), ADADELTA_OK);
    expect_counts(&copy, (uint64_t[]){3, 2, 2, 1, 2, 3});
    adadelta_destroy(copy.optimizer);
    adadelta_destroy(f.optimizer);
}

static void errors_are_not_counted(void **state)
{
    (void)state;
    struct two f;
    build(&f, ADADELTA_NONFINITE_RAISE);
    f.maybe = INFINITY;
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_ERROR_NONFINITE);
    assert_int_equal(adadelta_step_tensor(f.optimizer, 1, &f.maybe), ADADELTA_ERROR_NONFINITE);
    expect_counts(&f, (uint64_t[]){0, 0, 0, 0, 0, 0});
    assert_true(f.x[0] == 0 && f.x[1] == 0);
    adadelta_destroy(f.optimizer);
}

/* Of what the bounds are compared with: after scale and clipping by value, before they shrink it; NaN where no norm was
   asked for. */
static void norms_of_gradients_are_kept(void **state)
{
    (void)state;
    float x[3] = {0};
    float g[3] = {6, -8, 30}; /* over 2: 3, -4, 15, which is cut to 12: the norm is 13 */
    const struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {3}, .values = x, .gradient = g};
    struct adadelta *optimizer = new_optimizer(NULL, NULL);
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.scale = 2;
    gradients.clip_value = 12;
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (int kind = 0; kind < 3; kind++) {
        gradients.clip_norm = kind == 1 ? 0.5 : 0;
        gradients.clip_global_norm = kind == 2 ? 100 : 0;
        assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        const double norm = stats_of(optimizer, 0).gradient_norm;
        assert_true(kind == 0 ? isnan(norm) : norm == 13);
    }
    /* Neither a step that is refused nor one without it changes that. */
    g[0] = NAN;
    assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
    assert_true(stats_of(optimizer, 0).gradient_norm == 13);
    assert_int_equal(adadelta_set_buffers(optimizer, 0, x, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_true(stats_of(optimizer, 0).gradient_norm == 13);
    adadelta_destroy(optimizer);
}

/* The number of left out steps of one tensor, without its statistics. */
static void skips_are_told_cheaply(void **state)
{
    (void)state;
    struct two f;
    build(&f, ADADELTA_NONFINITE_SKIP);
    f.maybe = NAN;
    assert_int_equal(adadelta_step_tensor(f.optimizer, 1, &f.maybe), ADADELTA_OK);
    assert_true(adadelta_tensor_skip_count(f.optimizer, 0) == 0 && adadelta_tensor_skip_count(f.optimizer, 1) == 1);
    assert_true(adadelta_tensor_skip_count(f.optimizer, 2) == 0 && adadelta_tensor_skip_count(NULL, 1) == 0);
    assert_true(adadelta_skip_count(f.optimizer) == 0);
    adadelta_destroy(f.optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_agree_with_a_sort),     cmocka_unit_test(rates_follow_the_settings),
        cmocka_unit_test(rates_of_infinite_state),     cmocka_unit_test(other_methods_have_no_rates),
        cmocka_unit_test(stats_check_their_arguments), cmocka_unit_test(state_takes_the_bytes_of_its_types),
        cmocka_unit_test(steps_are_counted),           cmocka_unit_test(errors_are_not_counted),
        cmocka_unit_test(norms_of_gradients_are_kept), cmocka_unit_test(skips_are_told_cheaply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
