/* SPDX-License-Identifier: MIT */
/*
 * Where state in codes meets limits that float state does not have: gradients that are clipped by their norm, settings
 * in units of eps, and settings of a group that a tensor does not follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

static const enum adadelta_dtype coded_types[] = {ADADELTA_U16, ADADELTA_U8};

static struct adadelta *optimizer_with(enum adadelta_dtype values, enum adadelta_dtype state,
                                       const struct adadelta_hyper *hyper, void *x, const void *gradient)
{
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    const struct adadelta_tensor tensor = {
        .name = "x", .dtype = values, .ndim = 1, .shape = {1}, .values = x, .gradient = gradient, .state_dtype = state};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    return optimizer;
}

/* The first step from 0: a gradient g that the norm's bound makes b moves x by b*sqrt(eps/((1 - rho)*b^2 + eps)). */
static void norms_bound_before_codes_do(void **state)
{
    (void)state;
    static const float gradients_of[] = {10, 1e3F, 1e6F, 1e9F, 1e18F};
    static const enum adadelta_nonfinite policies[] = {ADADELTA_NONFINITE_RAISE, ADADELTA_NONFINITE_PROPAGATE};
    const double bound = 1e-3, eps = 1e-6, expected = -bound * sqrt(eps / (0.05 * bound * bound + eps));
    for (size_t t = 0; t < 2; t++)
        for (size_t p = 0; p < 2; p++)
            for (size_t i = 0; i < sizeof gradients_of / sizeof *gradients_of; i++) {
                float x = 0;
                struct adadelta *optimizer = optimizer_with(ADADELTA_F32, coded_types[t], NULL, &x, &gradients_of[i]);
                struct adadelta_gradients gradients = adadelta_gradients_default();
                gradients.nonfinite = policies[p];
                gradients.clip_norm = bound;
                assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
                assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
                assert_true(fabs(x - expected) < 1e-5 * -expected);
                adadelta_destroy(optimizer);
            }
}

/* lr*sqrt(eps) and weight_decay/sqrt(eps) must be numbers of the type computed in. */
static void settings_hold_in_units(void **state)
{
    (void)state;
    static const struct {
        enum adadelta_dtype values;
        double lr, eps, decay;
        enum adadelta_status status;
    } cases[] = {
        {ADADELTA_F64, 1e300, 1e20, 0, ADADELTA_ERROR_LR},
        {ADADELTA_F64, 1e300, 1e10, 0, ADADELTA_OK},
        {ADADELTA_F32, 1e37, 1e4, 0, ADADELTA_ERROR_LR},
        {ADADELTA_F32, 1e37, 1, 0, ADADELTA_OK},
        {ADADELTA_F32, 1, 1e-4, 1e37, ADADELTA_ERROR_WEIGHT_DECAY},
        {ADADELTA_F32, 1, 1, 1e37, ADADELTA_OK},
        {ADADELTA_F64, 1, 1e-30, 1e300, ADADELTA_ERROR_WEIGHT_DECAY},
        {ADADELTA_F64, 1, 1, 1e300, ADADELTA_OK},
    };
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            double x = 0;
            struct adadelta *optimizer = optimizer_with(cases[i].values, coded_types[t], NULL, &x, NULL);
            struct adadelta_hyper hyper = adadelta_hyper_default();
            hyper.lr = cases[i].lr;
            hyper.eps = cases[i].eps;
            hyper.weight_decay = cases[i].decay;
            assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), cases[i].status);
            adadelta_destroy(optimizer);
        }
}

/* A tensor may come to follow its group again, so the group's settings must hold for it whatever type it gets. */
static void the_groups_settings_must_hold_too(void **state)
{
    (void)state;
    float x = 0;
    struct adadelta_hyper large = adadelta_hyper_default();
    const struct adadelta_hyper own = adadelta_hyper_default();
    large.lr = 1e200;
    struct adadelta *optimizer = optimizer_with(ADADELTA_F32, ADADELTA_F64, &large, &x, NULL);
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &own), ADADELTA_OK);
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_F32), ADADELTA_ERROR_LR);
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_U16), ADADELTA_ERROR_LR);
    assert_non_null(strstr(adadelta_error_text(optimizer), "'x'"));
    assert_int_equal(adadelta_set_hyper(optimizer, 0, &own), ADADELTA_OK);
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_U16), ADADELTA_OK);
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_bound_before_codes_do),
        cmocka_unit_test(settings_hold_in_units),
        cmocka_unit_test(the_groups_settings_must_hold_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
