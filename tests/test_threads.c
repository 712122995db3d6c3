/* SPDX-License-Identifier: MIT */
/* The number of threads changes nothing: the same bits from 1, 2, 3 and 7, for tensors from one element to a
   million. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "oracle.h"

enum { TENSORS = 10, STEPS = 3, WITHOUT_GRADIENT = 4 };

static const size_t lengths[TENSORS] = {1, 10, 100003, 300001, 1000, 0, 1000001, 250001, 17, 500003};

/* What an optimizer ends with. */
struct outcome {
    struct adadelta *optimizer;
    void *x[TENSORS], *g[TENSORS];
};

static void *make_array(enum adadelta_dtype dtype, size_t n, uint64_t seed)
{
    void *array = calloc(n ? n : 1, element_size(dtype));
    assert_non_null(array);
    for (size_t i = 0; i < n; i++)
        store_element(dtype, array, i, random_magnitude(&seed, -8, 8));
    return array;
}

static void run(struct outcome *outcome, enum adadelta_method method, enum adadelta_dtype dtype, int threads)
{
    struct adadelta_options options = {.method = method, .threads = threads};
    char name[16];
    assert_int_equal(adadelta_create(&options, &outcome->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(outcome->optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < TENSORS; k++) {
        outcome->x[k] = make_array(dtype, lengths[k], k);
        outcome->g[k] = make_array(dtype, lengths[k], 50 + k);
        snprintf(name, sizeof name, "x%d", (int)k);
        struct adadelta_tensor tensor = {.name = name,
                                         .dtype = dtype,
                                         .ndim = 1,
                                         .shape = {lengths[k]},
                                         .values = outcome->x[k],
                                         .gradient = k == WITHOUT_GRADIENT ? NULL : outcome->g[k]};
        assert_int_equal(adadelta_add_tensor(outcome->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    for (int t = 0; t < STEPS; t++)
        assert_int_equal(adadelta_step(outcome->optimizer), ADADELTA_OK);
}

static void finish(struct outcome *outcome)
{
    adadelta_destroy(outcome->optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(outcome->x[k]);
        free(outcome->g[k]);
    }
}

static void compare(const struct outcome *a, const struct outcome *b, enum adadelta_method method,
                    enum adadelta_dtype dtype)
{
    for (size_t k = 0; k < TENSORS; k++) {
        size_t bytes = lengths[k] * element_size(dtype);
        const char *name;
        assert_int_equal(memcmp(a->x[k], b->x[k], bytes), 0);
        for (size_t s = 0; (name = adadelta_method_state_name(method, s)); s++) {
            void *left, *right;
            assert_int_equal(adadelta_state(a->optimizer, k, name, &left), ADADELTA_OK);
            assert_int_equal(adadelta_state(b->optimizer, k, name, &right), ADADELTA_OK);
            if (bytes)
                assert_int_equal(memcmp(left, right, bytes), 0);
        }
    }
}

/* Every element took part in every step: equal results must not be equal because nothing moved. */
static void check_moved(const struct outcome *outcome, enum adadelta_dtype dtype)
{
    for (size_t k = 0; k < TENSORS; k++) {
        void *before = make_array(dtype, lengths[k], k);
        size_t moved = 0;
        for (size_t i = 0; i < lengths[k]; i++)
            moved += load_element(dtype, before, i) != load_element(dtype, outcome->x[k], i);
        if (k == WITHOUT_GRADIENT)
            assert_int_equal(moved, 0);
        else /* a small step may vanish in a large parameter */
            assert_true(moved >= lengths[k] - lengths[k] / 4);
        free(before);
    }
}

static void same_bits_for_every_number_of_threads(void **state)
{
    (void)state;
    const int threads[] = {2, 3, 7, 0};
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
            enum adadelta_method method = (enum adadelta_method)m;
            enum adadelta_dtype dtype = (enum adadelta_dtype)d;
            struct outcome one, many;
            run(&one, method, dtype, 1);
            check_moved(&one, dtype);
            for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
                run(&many, method, dtype, threads[i]);
                compare(&one, &many, method, dtype);
                finish(&many);
            }
            finish(&one);
        }
}

/* A long tensor in an object is stepped like the same elements by themselves, wherever threads divide it. */
static void threads_agree_with_the_plain_function(void **state)
{
    (void)state;
    enum { LONGEST = 6 };
    struct outcome many;
    size_t n = lengths[LONGEST];
    float *x = make_array(ADADELTA_F32, n, LONGEST);
    float *v = calloc(n, sizeof *v), *u = calloc(n, sizeof *u);
    run(&many, ADADELTA_METHOD_ADADELTA, ADADELTA_F32, 7);
    for (int t = 0; t < STEPS; t++)
        assert_int_equal(adadelta_update_f32(n, x, many.g[LONGEST], v, u, NULL), ADADELTA_OK);
    assert_int_equal(memcmp(x, many.x[LONGEST], n * sizeof *x), 0);
    finish(&many);
    free(x);
    free(v);
    free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_every_number_of_threads),
        cmocka_unit_test(threads_agree_with_the_plain_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
