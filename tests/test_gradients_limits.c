/* SPDX-License-Identifier: MIT */
/* Where gradients come to the ends of their type on the way to the rule: by the scale, by a norm's bound, or in one
   tensor of several. Numbers are worked out by hand from the ends of float: 3.4e38, and 1.8447e19 for what can be
   squared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"

/* One float with its gradient, under such settings. */
static struct adadelta *one_float(const struct adadelta_gradients *gradients, float *x, float *g)
{
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
    add_tensor(optimizer, &(struct adadelta_tensor){.name = "one", .values = x, .gradient = g});
    set_gradients(optimizer, *gradients);
    return optimizer;
}

/* A step with a gradient under settings; *square is v after it. */
static enum adadelta_status step_with(struct adadelta_gradients gradients, float g, float *square)
{
    float x = 0;
    struct adadelta *optimizer = one_float(&gradients, &x, &g);
    const enum adadelta_status status = adadelta_step(optimizer);
    *square = *(float *)state_of(optimizer, 0, "square_avg");
    adadelta_destroy(optimizer);
    return status;
}

/* 1e35/1e-5 is no float, whatever a norm would make of it afterwards; 1e30/1e-5 is one, and is shrunk. */
static void the_scale_may_overflow(void **state)
{
    (void)state;
    float square;
    const struct adadelta_gradients norm = {.scale = 1e-5, .clip_norm = 1}, value = {.scale = 1e-5, .clip_value = 1};
    assert_int_equal(step_with(norm, 1e35F, &square), ADADELTA_ERROR_NONFINITE);
    assert_int_equal(step_with(value, 1e35F, &square), ADADELTA_ERROR_NONFINITE);
    assert_int_equal(step_with(norm, 1e30F, &square), ADADELTA_OK);
    assert_true(fabsf(square - 0.05F) < 1e-7F); /* (1 - rho)*1^2 */
    assert_int_equal(step_with(value, 1e30F, &square), ADADELTA_OK);
    assert_true(fabsf(square - 0.05F) < 1e-7F);
}

/* What must be multiplied by less than 1.2e-38 to keep a bound would lose its digits on the way. */
static void a_factor_has_all_its_digits(void **state)
{
    (void)state;
    float square;
    assert_int_equal(step_with((struct adadelta_gradients){.scale = 1, .clip_norm = 1e-5}, 3e38F, &square),
                     ADADELTA_ERROR_NONFINITE);
    assert_int_equal(step_with((struct adadelta_gradients){.scale = 1, .clip_norm = 10}, 3e38F, &square), ADADELTA_OK);
    assert_true(fabsf(square - 5) < 1e-5F);
}

/* A bound of the norm at the very end of what can be squared: no rounding takes an element over it. */
static void a_bound_at_the_end_freezes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 1;
    size_t taken = 0;
    for (int i = 0; i < 3000; i++) {
        float square;
        const float g = (float)(2e19 * (1 + 100 * random_unit(&seed)));
        const struct adadelta_gradients gradients = {.scale = 1, .clip_norm = 1.8446742974197923e19};
        if (step_with(gradients, g, &square) == ADADELTA_OK) {
            assert_true(isfinite(square));
            taken++;
        }
        const struct adadelta_gradients less = {.scale = 1, .clip_norm = 1.8446e19};
        assert_int_equal(step_with(less, g, &square), ADADELTA_OK);
        assert_true(isfinite(square));
    }
    assert_true(taken < 3000); /* some were at the end indeed */
}

/* A scale or a bound of the values that float cannot say with all its digits is refused. */
static void settings_are_normal_floats(void **state)
{
    (void)state;
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
    const struct adadelta_gradients good[] = {
        {.scale = 0x1p-126}, {.scale = 0x1.fffffep127}, {.scale = 1, .clip_value = 0x1p-126}, {.scale = 1}};
    const struct adadelta_gradients bad[] = {{.scale = 0x1.fffffcp-127},
                                             {.scale = 2e-45},
                                             {.scale = 3.5e38},
                                             {.scale = 1, .clip_value = 1e-50},
                                             {.scale = 1, .clip_value = 0x1.fffffcp-127},
                                             {.scale = 1, .clip_value = (double)INFINITY}};
    for (size_t k = 0; k < sizeof good / sizeof *good; k++)
        OK(adadelta_set_gradients(optimizer, &good[k]));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct adadelta_gradients kept;
        assert_int_equal(adadelta_set_gradients(optimizer, &bad[k]), ADADELTA_ERROR_CLIP);
        OK(adadelta_get_gradients(optimizer, &kept));
        assert_true(kept.scale == 1 && kept.clip_value == 0);
    }
    adadelta_destroy(optimizer);
}

/* The text names the tensor that is at fault, and its fault: a NaN elsewhere makes the norm of all NaN. */
static void the_faulty_tensor_is_named(void **state)
{
    (void)state;
    static const struct {
        float g;
        const char *says;
    } faults[] = {{NAN, "'faulty': the gradient has a NaN"},
                  {-INFINITY, "'faulty': the gradient has an infinity"},
                  {3e38F, "'faulty': the gradient has an infinity, or the scale 0.5 makes it one"}};
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
        float x[2] = {0, 0}, large = 2e19F, fault = faults[k].g;
        struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
        add_tensor(optimizer, &(struct adadelta_tensor){.name = "large", .values = &x[0], .gradient = &large});
        add_tensor(optimizer, &(struct adadelta_tensor){.name = "faulty", .values = &x[1], .gradient = &fault});
        set_gradients(optimizer, (struct adadelta_gradients){.scale = 0.5});
        assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
        assert_non_null(strstr(adadelta_error_text(optimizer), faults[k].says));
        fault = 1;
        assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
        assert_non_null(strstr(adadelta_error_text(optimizer), "'large': the gradient has an element of 2e+19"));
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_may_overflow),
        cmocka_unit_test(a_factor_has_all_its_digits),
        cmocka_unit_test(a_bound_at_the_end_freezes_nothing),
        cmocka_unit_test(settings_are_normal_floats),
        cmocka_unit_test(the_faulty_tensor_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
