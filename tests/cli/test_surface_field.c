/* SPDX-License-Identifier: MIT */
/* Levels and outlines of a surface against areas that are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "surface_field.h"

enum { SIDE = 201 };

static struct course course_of(const char *name, double condition)
{
    struct course course = {.shape = {condition, 0}};
    struct trouble trouble;
    assert_int_equal(surface_by_name(&course.surface, name, &trouble), DONE);
    return course;
}

/* From -2 to 2 each way. */
static struct field field_of(const struct course *course)
{
    struct field field;
    struct trouble trouble;
    assert_int_equal(field_make(&field, course, SIDE, SIDE, (struct point){-2, -2}, (struct point){2, 2}, &trouble),
                     DONE);
    return field;
}

/* The area with its sign, positive for a border against the clock: ways there and back cancel. */
static double area_of(const struct outline *outline)
{
    double sum = 0;
    for (size_t k = 0; k < outline->count; k++) {
        const struct point a = outline->at[k], b = outline->at[(k + 1) % outline->count];
        sum += a.x * b.y - b.x * a.y;
    }
    return sum / 2;
}

static double area_above(const struct field *field, double level)
{
    struct outline outline;
    struct trouble trouble;
    assert_int_equal(outline_trace(&outline, field, level, &trouble), DONE);
    for (size_t k = 0; k < outline.count; k++)
        assert_true(fabs(outline.at[k].x) <= 2 && fabs(outline.at[k].y) <= 2);
    const double area = area_of(&outline);
    free(outline.at);
    return area;
}

/* All but an ellipse within the window: a border around and a hole. */
static void areas_around_an_ellipse(void **state)
{
    const struct course course = course_of("bowl", 4);
    struct field field = field_of(&course);
    const double pi = acos(-1.0);
    (void)state;
    for (double level = 0.1; level < 2; level += 0.31) /* half axes sqrt(2 level) and half of that */
        assert_true(fabs(area_above(&field, level) - (16 - pi * 2 * level / 2)) < 0.003);
    assert_true(fabs(area_above(&field, -1) - 16) < 1e-12);
    assert_true(area_above(&field, 11) == 0);
    free(field.value);
}

/* x^2 - y^2 >= level: two pieces that leave the window, which meet for level 0. */
static void areas_of_a_saddle(void **state)
{
    const struct course course = course_of("saddle", 1);
    struct field field = field_of(&course);
    (void)state;
    assert_true(fabs(area_above(&field, 0) - 8) < 1e-9);
    for (double level = 0.5; level < 4; level += 0.5) {
        /* twice the integral of sqrt(x^2 - level) for x from its root to 2, times 2 */
        const double half = (2 * sqrt(4 - level) - level * log((2 + sqrt(4 - level)) / sqrt(level))) / 2;
        assert_true(fabs(area_above(&field, level) - 4 * half) < 0.003);
        assert_true(fabs(area_above(&field, -level) - (16 - 4 * half)) < 0.003);
    }
    free(field.value);
}

/* A cell with two high corners across: the mean says whether they are one piece, less two corners, or two. */
static void pieces_that_meet(void **state)
{
    static double across[2][4] = {{1, 0, 0, 1}, {0, 1, 1, 0}};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct field field = {2, 2, {0, 0}, {1, 1}, across[k]};
        assert_true(fabs(area_above(&field, 0.6) - 0.4 * 0.4) < 1e-12);
        assert_true(fabs(area_above(&field, 0.4) - (1 - 0.4 * 0.4)) < 1e-12);
    }
}

static void levels_cut_off_their_shares(void **state)
{
    enum { COUNT = 9 };
    const char *const names[] = {"beale", "rastrigin", "bowl", "saddle"};
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const struct course course = course_of(names[n], 100);
        struct field field = field_of(&course);
        struct trouble trouble;
        double level[COUNT];
        assert_int_equal(field_levels(&field, COUNT, level, &trouble), DONE);
        for (size_t k = 0; k < COUNT; k++) {
            const double share = (double)(k + 1) * (double)(k + 1) / ((COUNT + 1) * (COUNT + 1));
            size_t below = 0;
            for (size_t i = 0; i < SIDE * SIDE; i++)
                below += field.value[i] < level[k];
            assert_true(fabs((double)below / (SIDE * SIDE) - share) < 0.001);
            assert_true(fabs(area_above(&field, level[k]) / 16 - (1 - share)) < 0.01);
            assert_int_equal(field_band(level, COUNT, level[k]), k + 1);
            assert_int_equal(field_band(level, COUNT, nextafter(level[k], -INFINITY)), k);
        }
        free(field.value);
    }
}

static void check_clip(struct point from, struct point to, int is_seen, struct point from_seen, struct point to_seen)
{
    const struct window window = {-1, 3, 0, 2};
    assert_int_equal(clip_to_window(&window, &from, &to), is_seen);
    if (is_seen) {
        assert_true(hypot(from.x - from_seen.x, from.y - from_seen.y) < 1e-12);
        assert_true(hypot(to.x - to_seen.x, to.y - to_seen.y) < 1e-12);
    }
}

static void lines_are_clipped(void **state)
{
    const struct point none = {0, 0};
    (void)state;
    check_clip((struct point){0, 1}, (struct point){2, 1.5}, 1, (struct point){0, 1}, (struct point){2, 1.5});
    check_clip((struct point){-3, 1}, (struct point){5, 1}, 1, (struct point){-1, 1}, (struct point){3, 1});
    check_clip((struct point){0, -2}, (struct point){2, 2}, 1, (struct point){1, 0}, (struct point){2, 2});
    check_clip((struct point){1, 1}, (struct point){1e200, 1}, 1, (struct point){1, 1}, (struct point){3, 1});
    check_clip((struct point){1, 1}, (struct point){1, 1}, 1, (struct point){1, 1}, (struct point){1, 1});
    check_clip((struct point){-2, 0}, (struct point){-2, 2}, 0, none, none);
    check_clip((struct point){-2, 1}, (struct point){0, 4}, 0, none, none);
    check_clip((struct point){1, 1}, (struct point){NAN, 1}, 0, none, none);
    check_clip((struct point){1, 1}, (struct point){1, INFINITY}, 0, none, none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_around_an_ellipse), cmocka_unit_test(areas_of_a_saddle),
        cmocka_unit_test(pieces_that_meet),        cmocka_unit_test(levels_cut_off_their_shares),
        cmocka_unit_test(lines_are_clipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
