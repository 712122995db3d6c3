/* SPDX-License-Identifier: MIT */
/*
 * BF16 parameters beside state in codes or in BF16: the kernels that take them as they are stored give the bits of the
 * way through buffers, which a measured step goes, for every way of keeping them, length and kind of gradient. Arrays
 * are as long as they must be and no longer, for the sanitizers to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

enum { STEPS = 4 };

struct twin {
    struct adadelta *optimizer;
    uint16_t *x;
};

static struct twin twin_of(const struct adadelta_tensor *model, size_t n)
{
    struct twin twin = {.x = malloc(n * sizeof *twin.x)};
    struct adadelta_options options = adadelta_options_default();
    struct adadelta_tensor tensor = *model;
    assert_non_null(twin.x);
    options.seed = 5;
    options.averaging = ADADELTA_AVERAGING_EXPONENTIAL;
    for (size_t i = 0; i < n; i++)
        twin.x[i] = (uint16_t)(0x3f80 + i % 97 + (i % 2 ? 0x8000 : 0)); /* 1 to 1.76 in magnitude */
    tensor.values = twin.x;
    assert_int_equal(adadelta_create(&options, &twin.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(twin.optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(twin.optimizer, 0, &tensor, NULL), ADADELTA_OK);
    return twin;
}

static void expect_same(const struct twin *a, const struct twin *b, size_t n)
{
    struct adadelta_tensor ours, theirs;
    assert_memory_equal(a->x, b->x, n * sizeof *a->x);
    for (size_t k = 0; adadelta_get_state(a->optimizer, 0, k, &ours) == ADADELTA_OK; k++) {
        assert_int_equal(adadelta_get_state(b->optimizer, 0, k, &theirs), ADADELTA_OK);
        assert_memory_equal(ours.values, theirs.values, n * adadelta_dtype_size(ours.dtype));
    }
}

static void check(const struct adadelta_tensor *kind, size_t n)
{
    struct adadelta_tensor tensor = *kind;
    float *g = malloc(n * sizeof *g);
    void *stored = malloc(n * adadelta_dtype_size(kind->gradient_dtype));
    assert_true(g && stored);
    tensor.shape[0] = n;
    tensor.gradient = stored;
    struct twin in_place = twin_of(&tensor, n), measured = twin_of(&tensor, n);
    assert_int_equal(adadelta_set_measuring(measured.optimizer, 1), ADADELTA_OK);
    for (int step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < n; i++)
            g[i] = (float)((i * 37 + (size_t)step * 11) % 101) / 16 - 3;
        assert_int_equal(adadelta_convert(n, kind->gradient_dtype, stored, ADADELTA_F32, g), ADADELTA_OK);
        assert_int_equal(adadelta_step(in_place.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_step(measured.optimizer), ADADELTA_OK);
        expect_same(&in_place, &measured, n);
    }
    adadelta_destroy(in_place.optimizer);
    adadelta_destroy(measured.optimizer);
    free(in_place.x);
    free(measured.x);
    free(stored);
    free(g);
}

static void in_place_is_as_through_buffers(void **state)
{
    (void)state;
    static const enum adadelta_dtype states[] = {ADADELTA_U16, ADADELTA_U8, ADADELTA_BF16, ADADELTA_F32};
    static const size_t lengths[] = {1,  2,  3,  4,  5,   7,   8,    15,   16,   17,  31,
                                     33, 63, 64, 65, 127, 130, 1023, 1024, 1025, 2100};
    for (size_t s = 0; s < sizeof states / sizeof *states; s++)
        for (int weights = ADADELTA_WEIGHTS_MASTER; weights <= ADADELTA_WEIGHTS_NEAREST; weights++)
            for (int wide = 0; wide < 2; wide++)
                for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                    const struct adadelta_tensor kind = {.name = "x",
                                                         .dtype = ADADELTA_BF16,
                                                         .ndim = 1,
                                                         .gradient_dtype = wide ? ADADELTA_F32 : ADADELTA_BF16,
                                                         .state_dtype = states[s],
                                                         .weights = (enum adadelta_weights)weights};
                    check(&kind, lengths[i]);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_place_is_as_through_buffers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
