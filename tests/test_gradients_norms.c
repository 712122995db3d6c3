/* SPDX-License-Identifier: MIT */
/* Norms as they are told afterwards, and what becomes of one that is no number where nobody looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"

enum { TENSORS = 3, N = 5000, ROWS = 10, COUNT = 4 };

static const char *const names[TENSORS] = {"float", "double", "rows"};
static const size_t list[COUNT] = {3, 7, 3, 3};

struct fixture {
    struct adadelta *optimizer;
    void *x[TENSORS], *g[TENSORS];
};

static void build(struct fixture *f, struct adadelta_gradients how)
{
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    f->optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    set_gradients(f->optimizer, how);
    for (size_t k = 0; k < TENSORS; k++) {
        const enum adadelta_dtype dtype = k == 1 ? ADADELTA_F64 : ADADELTA_F32;
        f->x[k] = random_array(dtype, N, k, -1, 1);
        f->g[k] = random_array(dtype, N, 10 + k, -4, 4);
        add_tensor(f->optimizer, &(struct adadelta_tensor){.name = names[k],
                                                           .dtype = dtype,
                                                           .ndim = 2,
                                                           .shape = {ROWS, N / ROWS},
                                                           .values = f->x[k],
                                                           .gradient = f->g[k],
                                                           .max_rows = COUNT});
    }
    OK(adadelta_set_rows(f->optimizer, 2, COUNT, list, f->g[2]));
}

static void finish(struct fixture *f)
{
    adadelta_destroy(f->optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(f->x[k]);
        free(f->g[k]);
    }
}

/* Divided by the scale, cut at the bound of each, and summed up by row. */
static long double norm_by_hand(const struct fixture *f, size_t k, double scale, double clip)
{
    static long double sums[N];
    long double squares = 0;
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i < (k == 2 ? COUNT * (N / ROWS) : N); i++)
        sums[k == 2 ? list[i / (N / ROWS)] * (N / ROWS) + i % (N / ROWS) : i] +=
            number(tensor_of(f->optimizer, k).gradient_dtype, f->g[k], i);
    for (size_t i = 0; i < N; i++) {
        const long double g = fabsl(sums[i] / scale), cut = clip > 0 && g > clip ? clip : g;
        squares += cut * cut;
    }
    return sqrtl(squares);
}

/* NaN until a step has taken norms; then before the norms' own bounds, whichever of them asked for it. */
static void norms_are_told(void **state)
{
    (void)state;
    for (int on = 1; on < 4; on++) {
        struct adadelta_gradients how = {.scale = 3, .clip_value = 2};
        struct fixture f;
        build(&f, how);
        OK(adadelta_step(f.optimizer));
        for (size_t k = 0; k < TENSORS; k++)
            assert_true(isnan(stats_of(f.optimizer, k).gradient_norm));
        how.clip_norm = on & 1 ? 0.5 : 0;
        how.clip_global_norm = on & 2 ? 0.25 : 0;
        set_gradients(f.optimizer, how);
        OK(adadelta_step(f.optimizer));
        how.clip_norm = how.clip_global_norm = 0;
        set_gradients(f.optimizer, how);
        for (int t = 0; t < 2; t++) {
            for (size_t k = 0; k < TENSORS; k++) {
                const long double wanted = norm_by_hand(&f, k, 3, 2);
                assert_true(fabsl(stats_of(f.optimizer, k).gradient_norm / wanted - 1) < (k == 2 ? 1e-7L : 1e-13L));
            }
            OK(adadelta_step(f.optimizer)); /* takes none, and leaves what was told */
        }
        finish(&f);
    }
}

/* Where nobody looks, a norm that is NaN makes all that it bounds NaN: its tensor, or every tensor. */
static void a_norm_that_is_no_number(void **state)
{
    (void)state;
    for (int global = 0; global < 2; global++) {
        const struct adadelta_gradients how = {.scale = 1,
                                               .nonfinite = ADADELTA_NONFINITE_PROPAGATE,
                                               .clip_norm = global ? 0 : 1e9,
                                               .clip_global_norm = global ? 1e9 : 0};
        struct fixture f;
        build(&f, how);
        put_number(ADADELTA_F32, f.g[0], N - 1, (double)NAN);
        OK(adadelta_step(f.optimizer));
        for (size_t k = 0; k < TENSORS; k++)
            for (size_t i = 0; i < N; i++) {
                const size_t row = i / (N / ROWS);
                const int bounded = global ? k < 2 || row == 3 || row == 7 : k == 0;
                assert_int_equal(isnan(load_element(k == 1 ? ADADELTA_F64 : ADADELTA_F32, f.x[k], i)), bounded);
            }
        assert_true(adadelta_step_count(f.optimizer) == 1 && adadelta_skip_count(f.optimizer) == 0);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_told),
        cmocka_unit_test(a_norm_that_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
