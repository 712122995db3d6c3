/* SPDX-License-Identifier: MIT */
/* The functions of `surface` against published places and values, and each gradient against differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "surface_functions.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct surface_shape plain = {100, 0};

static const struct surface *find(const char *name)
{
    const struct surface *surface = NULL;
    struct trouble trouble;
    assert_int_equal(surface_by_name(&surface, name, &trouble), DONE);
    assert_string_equal(surface->name, name);
    return surface;
}

static double value(const char *name, double x, double y)
{
    struct point slope;
    return find(name)->value((struct point){x, y}, &plain, &slope);
}

/* Minima as printed by the Virtual Library of Simulation Experiments (Surjanovic and Bingham), with as many digits as
   are there. It has none of Himmelblau's, which are from his Applied Nonlinear Programming (1972), and of Styblinski
   and Tang's a value (-39.16599 for each variable) that is not the function's at its place: that one is Jamil and
   Yang's (A Literature Survey of Benchmark Functions, 2013). The bowl's is plain. */
static const struct {
    const char *name;
    double x, y, least, digit; /* the last digit of a place, and about that of the value */
} published[] = {
    {"beale", 3, 0.5, 0, 0},
    {"rosenbrock", 1, 1, 0, 0},
    {"himmelblau", 3, 2, 0, 0},
    {"himmelblau", -2.805118, 3.131312, 0, 1e-6},
    {"himmelblau", -3.779310, -3.283186, 0, 1e-6},
    {"himmelblau", 3.584428, -1.848126, 0, 1e-6},
    {"booth", 1, 3, 0, 0},
    {"three-hump-camel", 0, 0, 0, 0},
    {"six-hump-camel", 0.0898, -0.7126, -1.0316, 1e-4},
    {"six-hump-camel", -0.0898, 0.7126, -1.0316, 1e-4},
    {"rastrigin", 0, 0, 0, 0},
    {"ackley", 0, 0, 0, 0},
    {"branin", -3.14159265, 12.275, 0.397887, 1e-6},
    {"branin", 3.14159265, 2.275, 0.397887, 1e-6},
    {"branin", 9.42478, 2.475, 0.397887, 1e-5},
    {"styblinski-tang", -2.903534, -2.903534, -78.332, 5e-4},
    {"bowl", 0, 0, 0, 0},
};

/* The table has each of them, no other, and the value there. */
static void minima_are_the_published_ones(void **state)
{
    size_t known = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(published); i++) {
        const struct surface *surface = find(published[i].name);
        double nearest = INFINITY;
        for (size_t k = 0; k < surface->minima_count; k++)
            nearest =
                fmin(nearest, hypot(surface->minima[k].x - published[i].x, surface->minima[k].y - published[i].y));
        assert_true(nearest <= 1.5 * published[i].digit);
        assert_true(fabs(surface->least - published[i].least) <= 2 * published[i].digit);
        /* The value is flat there: a place that is off by its last digit is off by the square of that, times the
           curvature, which is below 100 in all of them. */
        assert_true(fabs(value(published[i].name, published[i].x, published[i].y) - published[i].least) <=
                    2 * published[i].digit + 1e-14);
    }
    for (size_t k = 0; surface_row(k); k++)
        known += surface_row(k)->minima_count;
    assert_int_equal(known, COUNT(published));
    assert_int_equal(find("saddle")->minima_count, 0);
}

/* Where the gradient is 0 and the value is the row's own, to all digits. */
static void minima_are_flat(void **state)
{
    (void)state;
    for (size_t k = 0; surface_row(k); k++) {
        const struct surface *surface = surface_row(k);
        for (size_t i = 0; i < surface->minima_count; i++) {
            struct point slope;
            const double there = surface->value(surface->minima[i], &plain, &slope);
            assert_true(fabs(there - surface->least) <= 1e-13);
            assert_true(fabs(slope.x) <= 1e-12 && fabs(slope.y) <= 1e-12);
        }
    }
}

/* Other values, by hand: f(0, 0) and f(1, 2) from the formulas as published. */
static void values_by_hand(void **state)
{
    (void)state;
    assert_true(value("beale", 0, 0) == 14.203125);
    assert_true(value("beale", 1, 2) == 2.5 * 2.5 + 5.25 * 5.25 + 9.625 * 9.625);
    assert_true(value("rosenbrock", -1, 2) == 104);
    assert_true(value("himmelblau", 0, 0) == 170);
    assert_true(value("himmelblau", 1, 2) == 64 + 4);
    assert_true(value("booth", 0, 0) == 74);
    assert_true(fabs(value("three-hump-camel", 1, 2) - (2 - 1.05 + 1.0 / 6 + 2 + 4)) < 1e-14);
    assert_true(fabs(value("six-hump-camel", 1, 2) - (4 - 2.1 + 1.0 / 3 + 2 + 48)) < 1e-13);
    assert_true(fabs(value("rastrigin", 1, 2) - 5) < 1e-12);
    assert_true(fabs(value("rastrigin", 0.5, 0) - 20.25) < 1e-12);
    assert_true(fabs(value("ackley", 3, 0) - (20 - 20 * exp(-0.2 * sqrt(4.5)))) < 1e-12); /* waves at their crest */
    assert_true(fabs(value("branin", 0, 6) - (20 - 10 / (8 * acos(-1.0)))) < 1e-12);
    assert_true(value("styblinski-tang", 1, 2) == (1 - 16 + 5 + 16 - 64 + 10) / 2.0);
    assert_true(value("saddle", 3, 2) == 5);
    assert_true(value("bowl", 3, 2) == (9 + 100 * 4) / 2.0);
}

static void check_gradient(const struct surface *surface, const struct surface_shape *shape, struct point at)
{
    const double h = 1e-5;
    struct point slope, ignored;
    surface->value(at, shape, &slope);
    const double x = (surface->value((struct point){at.x + h, at.y}, shape, &ignored) -
                      surface->value((struct point){at.x - h, at.y}, shape, &ignored)) /
                     (2 * h);
    const double y = (surface->value((struct point){at.x, at.y + h}, shape, &ignored) -
                      surface->value((struct point){at.x, at.y - h}, shape, &ignored)) /
                     (2 * h);
    const double scale = 1 + fabs(x) + fabs(y);
    assert_true(fabs(slope.x - x) < 1e-6 * scale && fabs(slope.y - y) < 1e-6 * scale);
}

/* Over the window, at places that lie on no axis of symmetry. */
static void gradients_are_those_of_differences(void **state)
{
    (void)state;
    for (size_t k = 0; surface_row(k); k++) {
        const struct surface *surface = surface_row(k);
        const struct window *w = &surface->window;
        for (int i = 0; i < 20; i++) {
            for (int j = 0; j < 20; j++) {
                const struct point at = {w->x0 + (w->x1 - w->x0) * (i + 0.37) / 20,
                                         w->y0 + (w->y1 - w->y0) * (j + 0.41) / 20};
                check_gradient(surface, &plain, at);
            }
        }
        check_gradient(surface, &plain, surface->start);
    }
}

static void bowls_turn(void **state)
{
    const struct surface *bowl = find("bowl");
    struct point slope;
    (void)state;
    for (int angle = -360; angle <= 360; angle += 15) {
        const double a = angle * acos(-1.0) / 180;
        const struct surface_shape shape = {30, angle};
        check_gradient(bowl, &shape, (struct point){1.3, -0.7});
        /* 1 along the flat axis, 30 along the steep one */
        assert_true(fabs(bowl->value((struct point){cos(a), sin(a)}, &shape, &slope) - 0.5) < 1e-12);
        assert_true(fabs(bowl->value((struct point){-sin(a), cos(a)}, &shape, &slope) - 15) < 1e-12);
    }
    const struct surface_shape quarter = {100, 90}, back = {100, -270};
    assert_true(bowl->value((struct point){2, 3}, &quarter, &slope) == (9 + 100 * 4) / 2.0);
    assert_true(bowl->value((struct point){2, 3}, &back, &slope) == (9 + 100 * 4) / 2.0);
}

static void no_gradient_at_ackleys_point(void **state)
{
    struct point slope;
    (void)state;
    find("ackley")->value((struct point){0, 0}, &plain, &slope);
    assert_true(slope.x == 0 && slope.y == 0);
}

/* A picture needs its start, and a place to see it from. */
static void rows_are_whole(void **state)
{
    size_t count = 0;
    (void)state;
    for (; surface_row(count); count++) {
        const struct surface *surface = surface_row(count);
        const struct window *w = &surface->window;
        assert_true(w->x0 < surface->start.x && surface->start.x < w->x1);
        assert_true(w->y0 < surface->start.y && surface->start.y < w->y1);
        for (size_t i = 0; i < surface->minima_count; i++)
            assert_true(w->x0 < surface->minima[i].x && surface->minima[i].x < w->x1 && w->y0 < surface->minima[i].y &&
                        surface->minima[i].y < w->y1);
        for (size_t m = 0; m < ADADELTA_METHOD_COUNT; m++)
            assert_true(surface->rates[m] > 0);
        assert_true(surface->steps > 0 && *surface->title && *surface->formula);
    }
    assert_int_equal(count, 12);
}

static void names(void **state)
{
    const struct surface *surface = NULL;
    struct trouble trouble;
    (void)state;
    assert_int_equal(surface_by_name(&surface, "beal", &trouble), MISUSE);
    assert_non_null(strstr(trouble.text, "did you mean beale?"));
    assert_non_null(strstr(trouble.text, "styblinski-tang, saddle, bowl"));
    assert_int_equal(surface_by_name(&surface, "zzzzzz", &trouble), MISUSE);
    assert_non_null(strstr(trouble.text, "unknown function zzzzzz; there are beale,"));
    assert_null(surface);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minima_are_the_published_ones),
        cmocka_unit_test(minima_are_flat),
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(bowls_turn),
        cmocka_unit_test(no_gradient_at_ackleys_point),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
