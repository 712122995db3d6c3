/* SPDX-License-Identifier: MIT */
/* adadelta_update_f32 and _f64: every documented error, with nothing changed; and the settings' ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "oracle.h"

enum { N = 5, ARRAYS = 4 };

/* The four arrays of a call, for either type. */
union values {
    float f32[ARRAYS][4 * N];
    double f64[ARRAYS][4 * N];
};

static void fill(enum adadelta_dtype dtype, union values *values)
{
    memset(values, 0, sizeof *values);
    for (size_t i = 0; i < (size_t)4 * N * ARRAYS; i++)
        store_element(dtype, values, i, 0.5 + (double)i);
}

static enum adadelta_status update(enum adadelta_dtype dtype, size_t n, void *const a[ARRAYS],
                                   const struct adadelta_hyper *hyper)
{
    return dtype == ADADELTA_F32 ? adadelta_update_f32(n, a[0], a[1], a[2], a[3], hyper)
                                 : adadelta_update_f64(n, a[0], a[1], a[2], a[3], hyper);
}

static void *array_of(enum adadelta_dtype dtype, union values *values, int k)
{
    return dtype == ADADELTA_F32 ? (void *)values->f32[k] : (void *)values->f64[k];
}

/* Calls on good arrays, save as replaced by the caller, and checks that an error has changed nothing. */
static void expect(enum adadelta_dtype dtype, size_t n, int replaced, void *with, const struct adadelta_hyper *hyper,
                   enum adadelta_status expected)
{
    union values values, before;
    void *arrays[ARRAYS];
    fill(dtype, &values);
    before = values;
    for (int k = 0; k < ARRAYS; k++)
        arrays[k] = k == replaced ? with : array_of(dtype, &values, k);
    assert_int_equal(update(dtype, n, arrays, hyper), expected);
    assert_int_equal(memcmp(&values, &before, sizeof values) == 0, expected != ADADELTA_OK || n == 0);
}

static void arrays_are_checked(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++) {
        enum adadelta_dtype dtype = (enum adadelta_dtype)d;
        size_t size = element_size(dtype);
        void *const none[ARRAYS] = {NULL};
        expect(dtype, N, -1, NULL, NULL, ADADELTA_OK);
        for (int k = 0; k < ARRAYS; k++)
            expect(dtype, N, k, NULL, NULL, ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(update(dtype, 0, none, NULL), ADADELTA_OK);
        assert_int_equal(update(dtype, N, none, NULL), ADADELTA_ERROR_ARGUMENT);
        expect(dtype, 0, -1, NULL, NULL, ADADELTA_OK);
        expect(dtype, SIZE_MAX, -1, NULL, NULL, ADADELTA_ERROR_ARGUMENT);
        expect(dtype, SIZE_MAX / size, -1, NULL, NULL, ADADELTA_ERROR_ARGUMENT);
        expect(dtype, SIZE_MAX / size + 2, -1, NULL, NULL, ADADELTA_ERROR_ARGUMENT); /* wraps to a few bytes */
        expect(dtype, (size_t)PTRDIFF_MAX / size + 1, -1, NULL, NULL, ADADELTA_ERROR_ARGUMENT);
    }
}

/* Each pair of arrays, from just touching to all the same; a byte in common is too much. */
static void overlaps_are_refused(void **state)
{
    (void)state;
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int a = 0; a < ARRAYS; a++)
            for (int b = 0; b < ARRAYS; b++) {
                enum adadelta_dtype dtype = (enum adadelta_dtype)d;
                const ptrdiff_t bytes = (ptrdiff_t)(N * element_size(dtype));
                const ptrdiff_t distances[] = {0, 1, bytes - 1, bytes, 1 - bytes, -bytes};
                for (size_t i = 0; a != b && i < sizeof distances / sizeof *distances; i++) {
                    union values values, before;
                    void *arrays[ARRAYS];
                    int touching = distances[i] == bytes || distances[i] == -bytes;
                    fill(dtype, &values);
                    before = values;
                    for (int k = 0; k < ARRAYS; k++)
                        arrays[k] = array_of(dtype, &values, k);
                    arrays[a] = (char *)array_of(dtype, &values, a) + bytes; /* room on both sides */
                    arrays[b] = (char *)arrays[a] + distances[i];
                    assert_int_equal(update(dtype, N, arrays, NULL), touching ? ADADELTA_OK : ADADELTA_ERROR_OVERLAP);
                    if (!touching)
                        assert_memory_equal(&values, &before, sizeof values);
                }
            }
}

/* One field out of its range, in place of the default, and what both types answer. */
static const struct bad_setting {
    size_t field;
    double value;
    enum adadelta_status f32, f64;
} bad_settings[] = {
#define FIELD(name) offsetof(struct adadelta_hyper, name)
#define BOTH(name, value, status)                                                                                      \
    {                                                                                                                  \
        FIELD(name), value, ADADELTA_##status, ADADELTA_##status                                                       \
    }
#define FLOAT(name, value, status)                                                                                     \
    {                                                                                                                  \
        FIELD(name), value, ADADELTA_##status, ADADELTA_OK                                                             \
    }
    BOTH(lr, -1, ERROR_LR),
    BOTH(lr, -DBL_TRUE_MIN, ERROR_LR),
    BOTH(lr, NAN, ERROR_LR),
    BOTH(lr, INFINITY, ERROR_LR),
    BOTH(lr, 0, OK),
    BOTH(lr, -0.0, OK),
    FLOAT(lr, 1e39, ERROR_LR),
    BOTH(rho, -0.1, ERROR_RHO),
    BOTH(rho, 1, ERROR_RHO),
    BOTH(rho, 1.5, ERROR_RHO),
    BOTH(rho, NAN, ERROR_RHO),
    BOTH(rho, -INFINITY, ERROR_RHO),
    BOTH(rho, 0, OK),
    BOTH(eps, 0, ERROR_EPS),
    BOTH(eps, -1e-6, ERROR_EPS),
    BOTH(eps, NAN, ERROR_EPS),
    BOTH(eps, INFINITY, ERROR_EPS),
    FLOAT(eps, 1e-60, ERROR_EPS),
    FLOAT(eps, 1e39, ERROR_EPS),
    BOTH(eps, 1, OK),
    BOTH(weight_decay, -0.1, ERROR_WEIGHT_DECAY),
    BOTH(weight_decay, NAN, ERROR_WEIGHT_DECAY),
    BOTH(weight_decay, INFINITY, ERROR_WEIGHT_DECAY),
    FLOAT(weight_decay, 1e39, ERROR_WEIGHT_DECAY),
    BOTH(weight_decay, 0.1, OK),
    BOTH(momentum, -0.1, ERROR_MOMENTUM),
    BOTH(momentum, 1, ERROR_MOMENTUM),
    BOTH(momentum, NAN, ERROR_MOMENTUM),
    BOTH(beta1, -0.1, ERROR_BETA),
    BOTH(beta1, 1, ERROR_BETA),
    BOTH(beta1, NAN, ERROR_BETA),
    BOTH(beta2, -0.1, ERROR_BETA),
    BOTH(beta2, 1, ERROR_BETA),
    BOTH(beta2, NAN, ERROR_BETA),
};

static void settings_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_settings / sizeof *bad_settings; i++) {
        const struct bad_setting *bad = &bad_settings[i];
        struct adadelta_hyper hyper = adadelta_hyper_default();
        memcpy((char *)&hyper + bad->field, &bad->value, sizeof bad->value);
        assert_int_equal(adadelta_hyper_check(&hyper), bad->f64);
        expect(ADADELTA_F32, N, -1, NULL, &hyper, bad->f32);
        expect(ADADELTA_F64, N, -1, NULL, &hyper, bad->f64);
        expect(ADADELTA_F64, 0, -1, NULL, &hyper, bad->f64);
    }
    assert_int_equal(adadelta_hyper_check(NULL), ADADELTA_ERROR_ARGUMENT);
}

/* The first bad field counts, in the order of the structure. */
static void first_bad_setting_is_named(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = {.lr = -1, .rho = 2, .eps = -1, .weight_decay = -1, .momentum = 2, .beta1 = 2};
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_LR);
    hyper.lr = 1;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_RHO);
    hyper.rho = 0.5;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_EPS);
    hyper.eps = 1;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_WEIGHT_DECAY);
    hyper.weight_decay = 0;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_MOMENTUM);
    hyper.momentum = 0;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_ERROR_BETA);
    hyper.beta1 = 0;
    assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_OK);
}

/* NULL stands for lr 1, rho 0.95, eps 1e-6 and no decay. */
static void defaults_are_zeilers(void **state)
{
    (void)state;
    const struct adadelta_hyper written = {.lr = 1, .rho = 0.95, .eps = 1e-6};
    struct adadelta_hyper given = adadelta_hyper_default();
    double a[4] = {1, 2, 0, 0}, b[4] = {1, 2, 0, 0};
    assert_int_equal(adadelta_update_f64(1, &a[0], &a[1], &a[2], &a[3], NULL), ADADELTA_OK);
    assert_int_equal(adadelta_update_f64(1, &b[0], &b[1], &b[2], &b[3], &written), ADADELTA_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_true(given.lr == 1 && given.rho == 0.95 && given.eps == 1e-6 && given.weight_decay == 0);
    assert_true(!given.decoupled);
}

/* The gradient stays as it is, and so does what lies behind the arrays. */
static void gradient_is_only_read(void **state)
{
    (void)state;
    union values values, before;
    void *arrays[ARRAYS];
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++) {
        enum adadelta_dtype dtype = (enum adadelta_dtype)d;
        fill(dtype, &values);
        before = values;
        for (int k = 0; k < ARRAYS; k++)
            arrays[k] = array_of(dtype, &values, k);
        assert_int_equal(update(dtype, N, arrays, NULL), ADADELTA_OK);
        assert_memory_equal(arrays[1], array_of(dtype, &before, 1), 4 * N * element_size(dtype));
        for (int k = 0; k < ARRAYS; k++)
            assert_memory_equal((char *)arrays[k] + N * element_size(dtype),
                                (char *)array_of(dtype, &before, k) + N * element_size(dtype),
                                3 * N * element_size(dtype));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_checked),   cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(settings_are_checked), cmocka_unit_test(first_bad_setting_is_named),
        cmocka_unit_test(defaults_are_zeilers), cmocka_unit_test(gradient_is_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
