/* SPDX-License-Identifier: MIT */
/* Random numbers: SplitMix64's published values, uniform and normal distributions, and no number that depends on
 * another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

enum { DRAWS = 200000 };

/* Vigna's splitmix64.c seeded with 1234567, as tabulated at Rosetta Code ("Pseudo-random numbers/Splitmix64"), and with
 * 0. */
static void bits_are_splitmix64(void **state)
{
    static const uint64_t of_1234567[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                          UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                          UINT64_C(16408922859458223821)};
    static const uint64_t of_0[] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                    UINT64_C(0x06c45d188009454f)};
    struct random random = {1234567, 0};
    (void)state;
    for (size_t k = 0; k < 5; k++)
        assert_true(random_bits(&random) == of_1234567[k]);
    random = (struct random){0, 0};
    for (size_t k = 0; k < 3; k++)
        assert_true(random_bits(&random) == of_0[k]);
}

static void a_number_depends_on_seed_stream_and_counter_alone(void **state)
{
    struct random random = random_stream(7, 3), later = random_stream(7, 3);
    uint64_t numbers[100];
    (void)state;
    for (size_t k = 0; k < 100; k++)
        numbers[k] = random_bits(&random);
    later.counter = 60;
    for (size_t k = 60; k < 100; k++)
        assert_true(random_bits(&later) == numbers[k]);
}

static int compare_bits(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void streams_and_seeds_share_no_number(void **state)
{
    enum { SEEDS = 10, STREAMS = 10, EACH = 100, ALL = SEEDS * STREAMS * EACH };
    static uint64_t all[ALL];
    size_t count = 0;
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (uint64_t stream = 0; stream < STREAMS; stream++) {
            struct random random = random_stream(seed, stream);
            for (size_t k = 0; k < EACH; k++)
                all[count++] = random_bits(&random);
        }
    qsort(all, ALL, sizeof *all, compare_bits);
    for (size_t k = 1; k < ALL; k++)
        assert_true(all[k - 1] != all[k]);
}

static void uniform_fills_its_interval(void **state)
{
    struct random random = random_stream(1, 0);
    double sum = 0, least = 1, most = 0;
    (void)state;
    for (size_t k = 0; k < DRAWS; k++) {
        double value = random_uniform(&random);
        assert_true(value >= 0 && value < 1 && ldexp(value, 53) == floor(ldexp(value, 53)));
        sum += value;
        least = fmin(least, value);
        most = fmax(most, value);
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
    assert_true(least < 1e-4 && most > 1 - 1e-4);
}

static void below_is_without_bias(void **state)
{
    struct random random = random_stream(1, 1);
    uint64_t n = UINT64_C(3) << 62; /* by remainders alone the lower third would come up twice as often */
    size_t low = 0, counts[7] = {0};
    double chi_square = 0;
    (void)state;
    for (size_t k = 0; k < DRAWS; k++) {
        uint64_t value = random_below(&random, n);
        assert_true(value < n);
        low += value < n / 3;
        counts[random_below(&random, 7)]++;
        assert_true(random_below(&random, 1) == 0);
    }
    assert_true(fabs((double)low / DRAWS - 1.0 / 3) < 4 * sqrt(2.0 / 9 / DRAWS));
    for (size_t k = 0; k < 7; k++)
        chi_square += pow((double)counts[k] - DRAWS / 7.0, 2) / (DRAWS / 7.0);
    assert_true(chi_square < 22.5); /* 6 degrees of freedom: 1 in 1000 */
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void normal_is_normal(void **state)
{
    static double values[DRAWS];
    struct random random = random_stream(1, 2);
    double sum = 0, squares = 0, distance = 0;
    (void)state;
    for (size_t k = 0; k < DRAWS; k++) {
        values[k] = random_normal(&random);
        sum += values[k];
        squares += values[k] * values[k];
    }
    qsort(values, DRAWS, sizeof *values, compare_doubles);
    for (size_t k = 0; k < DRAWS; k++) {
        double below = 0.5 * (1 + erf(values[k] / sqrt(2)));
        distance = fmax(distance, fmax(fabs(below - (double)k / DRAWS), fabs(below - (double)(k + 1) / DRAWS)));
    }
    assert_true(fabs(sum / DRAWS) < 4 / sqrt(DRAWS));
    assert_true(fabs(squares / DRAWS - 1) < 4 * sqrt(2.0 / DRAWS));
    assert_true(distance < 1.95 / sqrt(DRAWS)); /* Kolmogorov-Smirnov, 1 in 1000 */
    assert_true(values[0] < -4 && values[DRAWS - 1] > 4);
}

/* The logarithm inside has the accuracy of libm's. */
static void normal_agrees_with_long_double(void **state)
{
    struct random random = random_stream(5, 0), raw = random_stream(5, 0);
    (void)state;
    for (size_t k = 0; k < 10000; k++) {
        long double x, y, square;
        do {
            x = 2 * random_uniform(&raw) - 1;
            y = 2 * random_uniform(&raw) - 1;
            square = x * x + y * y;
        } while (square >= 1 || square == 0);
        long double expected = x * sqrtl(-2 * logl(square) / square);
        /* log s loses what s lost: its relative error grows as s nears 1. */
        long double slack = 1e-15L * (1 + 1 / -logl(square));
        assert_true(fabsl(random_normal(&random) - expected) <= slack * fabsl(expected));
        assert_true(random.counter == raw.counter);
    }
}

static void shuffle_draws_every_order(void **state)
{
    struct random random = random_stream(1, 3);
    size_t counts[27] = {0}, orders = 0, many[1000], seen[1000] = {0};
    double chi_square = 0;
    (void)state;
    for (size_t k = 0; k < 60000; k++) {
        size_t index[3] = {0, 1, 2};
        random_shuffle(&random, 3, index);
        counts[9 * index[0] + 3 * index[1] + index[2]]++;
    }
    for (size_t k = 0; k < 27; k++) {
        orders += counts[k] > 0;
        if (counts[k] > 0)
            chi_square += pow((double)counts[k] - 10000, 2) / 10000;
    }
    assert_int_equal(orders, 6);
    assert_true(chi_square < 20.5); /* 5 degrees of freedom: 1 in 1000 */
    for (size_t k = 0; k < 1000; k++)
        many[k] = k;
    random_shuffle(&random, 1000, many);
    for (size_t k = 0; k < 1000; k++)
        assert_int_equal(seen[many[k]]++, 0);
    random_shuffle(&random, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_splitmix64),
        cmocka_unit_test(a_number_depends_on_seed_stream_and_counter_alone),
        cmocka_unit_test(streams_and_seeds_share_no_number),
        cmocka_unit_test(uniform_fills_its_interval),
        cmocka_unit_test(below_is_without_bias),
        cmocka_unit_test(normal_is_normal),
        cmocka_unit_test(normal_agrees_with_long_double),
        cmocka_unit_test(shuffle_draws_every_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
