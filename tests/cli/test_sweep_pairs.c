/* SPDX-License-Identifier: MIT */
/* The statistics of paired differences against published values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sweep_pairs.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Two-sided points of Student's t: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, columns 0.975, 0.995. */
static void student_is_the_published_one(void **state)
{
    static const struct {
        size_t degrees;
        double five, one; /* percent */
    } points[] = {{1, 12.706, 63.657}, {2, 4.303, 9.925},  {3, 3.182, 5.841},  {4, 2.776, 4.604},
                  {5, 2.571, 4.032},   {6, 2.447, 3.707},  {7, 2.365, 3.499},  {8, 2.306, 3.355},
                  {9, 2.262, 3.250},   {10, 2.228, 3.169}, {15, 2.131, 2.947}, {19, 2.093, 2.861},
                  {20, 2.086, 2.845},  {30, 2.042, 2.750}, {60, 2.000, 2.660}, {100, 1.984, 2.626}};
    (void)state;
    for (size_t i = 0; i < COUNT(points); i++) {
        assert_true(fabs(student_two_sided(points[i].degrees, 0.05) - points[i].five) < 0.00051);
        assert_true(fabs(student_two_sided(points[i].degrees, 0.01) - points[i].one) < 0.00051);
    }
}

/* With one degree the distribution is Cauchy's, with two its inverse is elementary, with many it is the normal one. */
static void student_has_its_closed_forms(void **state)
{
    static const double alphas[] = {0.5, 0.1, 0.05, 0.01, 0.001};
    (void)state;
    for (size_t i = 0; i < COUNT(alphas); i++) {
        const double within = 1 - alphas[i], cauchy = tan(acos(-1.0) / 2 * within);
        const double two = within * sqrt(2 / (1 - within * within));
        assert_true(fabs(student_two_sided(1, alphas[i]) / cauchy - 1) < 1e-9);
        assert_true(fabs(student_two_sided(2, alphas[i]) / two - 1) < 1e-9);
    }
    assert_true(fabs(student_two_sided(1000000, 0.05) - 1.959964) < 5e-6);
}

/* Darwin's maize, crossed against self-fertilized, in eighths of an inch: R. A. Fisher, The Design of Experiments,
   1935, sections 17 and 21. t is 2.148; of the 32,768 sign patterns 863 have a sum of 314 or more. */
static void fishers_example(void **state)
{
    static const double maize[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
    const struct pairs pairs = pairs_of(maize, COUNT(maize));
    (void)state;
    assert_int_equal(pairs.n, 15);
    assert_true(pairs.is_exact);
    assert_true(fabs(pairs.mean - 314.0 / 15) < 1e-12);
    assert_true(fabs(pairs.mean / pairs.error - 2.148) < 0.0005);
    assert_true(pairs.p == 2 * 863.0 / 32768);
    assert_true(fabs(pairs.low - (pairs.mean - 2.14479 * pairs.error)) < 1e-4 * pairs.error);
    assert_true(fabs(pairs.high - (pairs.mean + 2.14479 * pairs.error)) < 1e-4 * pairs.error);
}

static void all_of_one_sign(void **state)
{
    double differences[16];
    (void)state;
    for (size_t n = 1; n <= COUNT(differences); n++) {
        differences[n - 1] = -0.1 * (double)n;
        assert_true(sign_flip_p(differences, n) == ldexp(2, -(int)n));
    }
}

/* Where sums are equal but for rounding, as 0.1 + 0.2 and 0.3, they count as equal. */
static void ties_are_ties(void **state)
{
    const double ties[] = {0.1, 0.2, -0.3}, zeros[] = {0, 0, 0, 0};
    (void)state;
    assert_true(sign_flip_p(ties, COUNT(ties)) == 1);
    const double one[] = {0.1, 0.2, 0.3, -0.3}; /* their sum is 3 tenths */
    size_t far = 0;
    for (int bits = 0; bits < 16; bits++) {
        const int sum = (bits & 1 ? -1 : 1) + (bits & 2 ? -2 : 2) + (bits & 4 ? -3 : 3) + (bits & 8 ? 3 : -3);
        far += sum >= 3 || sum <= -3;
    }
    assert_true(sign_flip_p(one, COUNT(one)) == (double)far / 16);
    const struct pairs none = pairs_of(zeros, COUNT(zeros));
    assert_true(none.p == 1 && none.mean == 0 && none.error == 0 && none.low == 0 && none.high == 0);
}

/* Above 16 signs are drawn: near the exact share, which whole numbers give by counting sums, and never 0. */
static void drawn_signs(void **state)
{
    enum { N = 70, MOST = 400 };
    double differences[N], ways[2 * MOST + 1] = {0};
    int seen = 0;
    (void)state;
    ways[MOST] = 1;
    for (int i = 0; i < N; i++) {
        double next[2 * MOST + 1] = {0};
        const int d = i % 2 ? -(i % 7 + 1) : i % 5 + 1;
        differences[i] = d;
        seen += d;
        for (int k = 10; k <= 2 * MOST - 10; k++) {
            next[k + d] += ways[k] / 2;
            next[k - d] += ways[k] / 2;
        }
        for (int k = 0; k <= 2 * MOST; k++)
            ways[k] = next[k];
    }
    double exact = 0;
    for (int k = 0; k <= 2 * MOST; k++)
        exact += abs(k - MOST) >= abs(seen) ? ways[k] : 0;
    const struct pairs pairs = pairs_of(differences, N);
    assert_false(pairs.is_exact);
    assert_true(exact > 0.01 && exact < 0.9);
    assert_true(fabs(pairs.p - exact) < 5 * sqrt(exact * (1 - exact) / FLIPS_DRAWN));
    assert_true(pairs.p == pairs_of(differences, N).p);
    double same[200];
    for (size_t i = 0; i < COUNT(same); i++)
        same[i] = 1;
    assert_true(sign_flip_p(same, COUNT(same)) == 1 / (FLIPS_DRAWN + 1.0));
}

static void too_few(void **state)
{
    const double one[] = {3};
    (void)state;
    struct pairs pairs = pairs_of(one, 0);
    assert_true(isnan(pairs.mean) && isnan(pairs.p) && isnan(pairs.error) && isnan(pairs.low) && isnan(pairs.high));
    pairs = pairs_of(one, 1);
    assert_true(pairs.mean == 3 && pairs.p == 1 && isnan(pairs.error) && isnan(pairs.low) && isnan(pairs.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_is_the_published_one),
        cmocka_unit_test(student_has_its_closed_forms),
        cmocka_unit_test(fishers_example),
        cmocka_unit_test(all_of_one_sign),
        cmocka_unit_test(ties_are_ties),
        cmocka_unit_test(drawn_signs),
        cmocka_unit_test(too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
