/* SPDX-License-Identifier: MIT */
/*
 * From the gradient to the rule: the scale, clipping by value and by norms, the sign, the decay, each by itself and all
 * together in the documented order; and whose settings a tensor follows. What a method does then is test_rules.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"

enum { TENSORS = 3, STEPS = 3, LONGEST = 37 };

/* The third tensor has the largest gradients, the first the smallest. */
static const size_t lengths[TENSORS] = {1, 17, LONGEST};
static const char *const names[TENSORS] = {"small", "middle", "large"};

/* ---- Everything together ---- */

struct fixture {
    struct adadelta *optimizer;
    struct adadelta_gradients how;
    enum adadelta_dtype dtype;
    void *x[TENSORS], *g[TENSORS];
    struct model models[TENSORS];
    long double shrink[TENSORS]; /* of the last step */
    int clipped;                 /* elements, so far */
};

static void build(struct fixture *f, enum adadelta_method method, const struct adadelta_hyper *hyper)
{
    f->optimizer = new_method(method, hyper);
    set_gradients(f->optimizer, f->how);
    for (size_t k = 0; k < TENSORS; k++) {
        struct adadelta_hyper own = *hyper;
        f->x[k] = random_array(f->dtype, lengths[k], k, -1, 1);
        f->g[k] = random_array(f->dtype, lengths[k], 0, 0, 0);
        add_tensor(f->optimizer, &(struct adadelta_tensor){.name = names[k],
                                                           .dtype = f->dtype,
                                                           .ndim = 1,
                                                           .shape = {lengths[k]},
                                                           .values = f->x[k],
                                                           .gradient = f->g[k],
                                                           .no_decay = k == 1});
        if (k == 0)
            own.lr *= 0.75;
        if (k == 0)
            OK(adadelta_set_tensor_hyper(f->optimizer, k, &own));
        if (k == 1)
            own.weight_decay = 0;
        f->models[k] = new_model(method, f->dtype, &own, lengths[k], f->x[k]);
    }
}

static void finish(struct fixture *f)
{
    adadelta_destroy(f->optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(f->x[k]);
        free(f->g[k]);
        free_model(&f->models[k]);
    }
}

static void model_step(struct fixture *f)
{
    struct approx g[TENSORS][LONGEST];
    long double squares = 0;
    precision = &precisions[f->dtype];
    for (size_t k = 0; k < TENSORS; k++) {
        long double sum = 0;
        for (size_t i = 0; i < lengths[k]; i++) {
            g[k][i] = scaled_and_clipped(&f->how, exact(load_element(f->dtype, f->g[k], i)));
            f->clipped += f->how.clip_value > 0 && fabsl(g[k][i].value) == f->how.clip_value;
            sum += g[k][i].value * g[k][i].value;
        }
        f->shrink[k] = shrink_to(f->how.clip_norm, sqrtl(sum));
        squares += f->shrink[k] * f->shrink[k] * sum;
    }
    for (size_t k = 0; k < TENSORS; k++) {
        f->shrink[k] *= shrink_to(f->how.clip_global_norm, sqrtl(squares));
        for (size_t i = 0; i < lengths[k]; i++)
            model_element(&f->models[k], i, g[k][i], f->shrink[k], LONGEST);
        f->models[k].steps++;
    }
}

/* Lest a setting go unnoticed as it had nothing to do: some of the gradients meet each bound, and some do not. */
static void check_effect(const struct fixture *f)
{
    const int norm = f->how.clip_norm > 0, all = f->how.clip_global_norm > 0;
    assert_true((f->clipped > 5) == (f->how.clip_value > 0));
    assert_true((f->shrink[0] == 1) == !all);
    assert_true((f->shrink[2] == 1) == (!norm && !all));
    assert_true((f->shrink[2] != f->shrink[0]) == norm);
}

/* Which of scale, value, norm, global norm and maximize are on, and the decay: none, coupled, decoupled. */
static void check_way(enum adadelta_method method, enum adadelta_dtype dtype, int on, int decay)
{
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    struct fixture f = {.dtype = dtype, .how = adadelta_gradients_default()};
    f.how.scale = on & 1 ? 3 : 1;
    f.how.clip_value = on & 2 ? 1.6 : 0;
    f.how.clip_norm = on & 4 ? 5 : 0;
    f.how.clip_global_norm = on & 8 ? 2.7 : 0;
    hyper.maximize = on >> 4;
    hyper.weight_decay = decay ? 0.15 : 0;
    hyper.decoupled = decay == 2;
    build(&f, method, &hyper);
    for (int t = 0; t < STEPS; t++) {
        for (size_t k = 0; k < TENSORS; k++) {
            uint64_t seed = 10 * (uint64_t)t + k;
            for (size_t i = 0; i < lengths[k]; i++)
                store_element(dtype, f.g[k], i, random_magnitude(&seed, -4 + 2 * (int)k, 2 * (int)k));
        }
        OK(adadelta_step(f.optimizer));
        model_step(&f);
        check_effect(&f);
        for (size_t k = 0; k < TENSORS; k++)
            assert_true(follows(f.optimizer, k, &f.models[k]));
    }
    finish(&f);
}

static void every_way_to_the_rule(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
            for (int on = 0; on < 32; on++)
                for (int decay = 0; decay < 3; decay++)
                    check_way((enum adadelta_method)m, (enum adadelta_dtype)d, on, decay);
}

/* ---- Norms by themselves ---- */

/* All ordinary, all tiny, all large (in float their squares are not there), and one large among tiny ones. */
enum { ORDINARY, TINY, LARGE, ONE_LARGE, KINDS };

static void *gradient_of_kind(enum adadelta_dtype dtype, size_t n, int kind, uint64_t seed)
{
    const double large = dtype == ADADELTA_F32 ? 1e30 : 1e150;
    double *g = random_array(dtype, n, seed, -6, 6);
    for (size_t i = 0; i < n && kind != ORDINARY; i++)
        store_element(dtype, g, i, kind == LARGE || (kind == ONE_LARGE && i == n / 2) ? large : 1 / large);
    return g;
}

static long double squares_of(enum adadelta_dtype dtype, size_t n, const void *g)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (long double)load_element(dtype, g, i) * load_element(dtype, g, i);
    return sum;
}

/* Units in the last place: of the factor, its rounding and the product's; and, where the numbers are equal so that
   their roundings all go the same way, of sums in double: 16 side by side in each block of 4096, then all blocks'. */
static double units_allowed(enum adadelta_dtype dtype, size_t n, int kind)
{
    const double additions = fmin((double)n / 16, 256) + 4 + (double)n / 4096;
    return 4 + (dtype == ADADELTA_F64 && kind != ORDINARY ? additions / 2 : 0);
}

/* Sgd with lr 1 from 0 shows the gradient that the rule saw. The second tensor is there for the common norm. */
static void check_norm(enum adadelta_dtype dtype, size_t n, int kind, int global, double excess)
{
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    struct adadelta_gradients how = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    const size_t sizes[2] = {n, 5}, count = global ? 2 : 1;
    void *g[2], *x[2];
    long double squares = 0;
    for (size_t k = 0; k < count; k++) {
        g[k] = gradient_of_kind(dtype, sizes[k], kind, n + k);
        x[k] = calloc(sizes[k], sizeof(double));
        squares += squares_of(dtype, sizes[k], g[k]);
        add_array(optimizer, names[k], dtype, sizes[k], x[k], g[k]);
    }
    const double bound = (double)(sqrtl(squares) / excess);
    *(global ? &how.clip_global_norm : &how.clip_norm) = bound;
    how.nonfinite = excess < 10 ? ADADELTA_NONFINITE_PROPAGATE : ADADELTA_NONFINITE_RAISE;
    set_gradients(optimizer, how);
    OK(adadelta_step(optimizer));
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < sizes[k]; i++) {
            const long double expected = -load_element(dtype, g[k], i) * bound / sqrtl(squares);
            const long double error = fabsl(load_element(dtype, x[k], i) / expected - 1);
            assert_true(error <= units_allowed(dtype, n, kind) * precisions[dtype].unit);
        }
        free(g[k]);
        free(x[k]);
    }
    adadelta_destroy(optimizer);
}

static void norms_are_good_to_a_few_ulps(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 2, 15, 16, 17, 4095, 4096, 4097, 3 * 4096 + 5, 300000};
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (size_t i = 0; i < LENGTH(sizes); i++)
            for (int global = 0; global < 2; global++) {
                for (int kind = 0; kind < KINDS; kind++)
                    check_norm((enum adadelta_dtype)d, sizes[i], kind, global, 3.7);
                check_norm((enum adadelta_dtype)d, sizes[i], LARGE, global, 1e30);
            }
}

/* A norm that equals its bound, or is a little less, keeps every bit; one a little above does not. */
static void a_norm_at_its_bound_is_left_alone(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    const double bounds[] = {5, nextafter(5, 6), 5 + 1e-7, nextafter(5, 0)};
    for (int global = 0; global < 2; global++)
        for (size_t k = 0; k < LENGTH(bounds); k++) {
            struct adadelta_gradients how = adadelta_gradients_default();
            struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
            double g[2] = {3, -4}, x[2] = {0, 0};
            add_array(optimizer, "x", ADADELTA_F64, 2, x, g);
            *(global ? &how.clip_global_norm : &how.clip_norm) = bounds[k];
            set_gradients(optimizer, how);
            OK(adadelta_step(optimizer));
            assert_true((x[0] == -3 && x[1] == 4) == (bounds[k] >= 5));
            assert_true(fabs(x[0] + 3) <= 8 * DBL_EPSILON && fabs(x[1] - 4) <= 8 * DBL_EPSILON);
            adadelta_destroy(optimizer);
        }
}

/* ---- The scale by itself ---- */

/* A division, rounded once, and not a product with the reciprocal. */
static void the_scale_divides(void **state)
{
    (void)state;
    enum { N = 1000 };
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    static double x[N];
    static float narrow_x[N];
    double *g = random_array(ADADELTA_F64, N, 1, -9, 9);
    float *narrow_g = random_array(ADADELTA_F32, N, 1, -9, 9);
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    set_gradients(optimizer, (struct adadelta_gradients){.scale = 0.7});
    add_array(optimizer, "wide", ADADELTA_F64, N, x, g);
    add_array(optimizer, "narrow", ADADELTA_F32, N, narrow_x, narrow_g);
    OK(adadelta_step(optimizer));
    for (size_t i = 0; i < N; i++) {
        const float quotient_of_floats = narrow_g[i] / 0.7F;
        assert_true(x[i] == -(g[i] / 0.7) && narrow_x[i] == -quotient_of_floats);
    }
    adadelta_destroy(optimizer);
    free(g);
    free(narrow_g);
}

/* ---- The sign ---- */

/* Climbing along g is descending along -g, to the bit: zeros, denormals and infinities too. */
static void maximize_negates_the_gradient(void **state)
{
    (void)state;
    const double specials[] = {0, -0.0, 1e-310, -1e-42, 3e38, -1.7e308, (double)INFINITY, -(double)INFINITY, 1e-3, -7};
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
            for (int variant = 0; variant < 6; variant++) {
                const enum adadelta_dtype dtype = (enum adadelta_dtype)d;
                struct adadelta_hyper hyper = adadelta_hyper_for((enum adadelta_method)m);
                struct adadelta_gradients how = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
                struct adadelta *optimizers[2];
                void *x[2], *g[2];
                how.clip_value = variant >= 3 ? 5 : 0;
                hyper.weight_decay = variant % 3 ? 0.1 : 0;
                hyper.decoupled = variant % 3 == 2;
                for (int k = 0; k < 2; k++) {
                    x[k] = random_array(dtype, LONGEST, 1, -2, 2);
                    g[k] = random_array(dtype, LONGEST, 2, -2, 2);
                    for (size_t i = 0; i < LONGEST; i++) {
                        const double value = i < LENGTH(specials) ? specials[i] : load_element(dtype, g[k], i);
                        store_element(dtype, g[k], i, k ? -value : value);
                        if (i < 2)
                            store_element(dtype, x[k], i, -0.0); /* where the sign of a zero shows */
                    }
                    hyper.maximize = k == 0;
                    optimizers[k] = new_method((enum adadelta_method)m, &hyper);
                    set_gradients(optimizers[k], how);
                    add_array(optimizers[k], "x", dtype, LONGEST, x[k], g[k]);
                }
                for (int t = 0; t < STEPS; t++) {
                    OK(adadelta_step(optimizers[0]));
                    OK(adadelta_step(optimizers[1]));
                    assert_true(hold_the_same(optimizers[0], optimizers[1]));
                }
                for (int k = 0; k < 2; k++) {
                    adadelta_destroy(optimizers[k]);
                    free(x[k]);
                    free(g[k]);
                }
            }
}

/* ---- Types of gradients ---- */

/* Values, state and gradient as stored, and the type that they are computed in. */
static void check_gradient_type(enum adadelta_dtype values, enum adadelta_dtype state, enum adadelta_dtype gradient,
                                size_t n)
{
    const enum adadelta_dtype computed = values == ADADELTA_F64 || state == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
    const struct adadelta_hyper hyper = {.lr = 0.5, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .maximize = 1};
    struct adadelta *optimizers[2];
    void *g = random_array(gradient, n, n, -5, 5), *converted = random_array(computed, n, 0, 0, 0), *x[2];
    OK(adadelta_convert(n, computed, converted, gradient, g));
    for (int k = 0; k < 2; k++) {
        struct adadelta_gradients how = adadelta_gradients_default();
        optimizers[k] = new_method(ADADELTA_METHOD_ADADELTA, &hyper);
        x[k] = random_array(values, n, 3, -2, 2);
        add_tensor(optimizers[k], &(struct adadelta_tensor){.name = "x",
                                                            .dtype = values,
                                                            .ndim = 1,
                                                            .shape = {n},
                                                            .values = x[k],
                                                            .gradient = k ? converted : g,
                                                            .gradient_dtype = k ? computed : gradient,
                                                            .state_dtype = state});
        for (int t = 0; t < STEPS; t++) {
            how.scale = 1 + t;
            how.clip_value = t == 2 ? 3 : 0;
            set_gradients(optimizers[k], how);
            OK(adadelta_step(optimizers[k]));
        }
    }
    assert_true(hold_the_same(optimizers[0], optimizers[1]));
    for (int k = 0; k < 2; k++) {
        adadelta_destroy(optimizers[k]);
        free(x[k]);
    }
    free(g);
    free(converted);
}

/* A gradient of another type is converted, and that is all. */
static void gradients_of_other_types(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 7, 511, 512, 513, 5000};
    const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16, ADADELTA_F16};
    for (size_t i = 0; i < LENGTH(sizes); i++)
        for (size_t k = 0; k < LENGTH(types); k++) {
            check_gradient_type(ADADELTA_F32, ADADELTA_F32, types[k], sizes[i]);
            check_gradient_type(ADADELTA_F64, ADADELTA_F64, types[k], sizes[i]);
            check_gradient_type(ADADELTA_F32, ADADELTA_F64, types[k], sizes[i]);
            check_gradient_type(ADADELTA_F64, ADADELTA_F32, types[k], sizes[i]);
            check_gradient_type(ADADELTA_BF16, ADADELTA_F32, types[k], sizes[i]);
            check_gradient_type(ADADELTA_F16, ADADELTA_F16, types[k], sizes[i]);
        }
}

/* ---- Whose settings ---- */

enum { N = 5 };

/* Two tensors; both in group 0, or the second in group 1. */
static struct adadelta *new_pair(int groups, double x[2][N], double g[2][N])
{
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
    uint64_t seed = 4;
    OK(adadelta_add_group(optimizer, NULL, NULL));
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < N; i++) {
            x[k][i] = random_magnitude(&seed, -1, 1);
            g[k][i] = random_magnitude(&seed, -3, 3);
        }
        OK(adadelta_add_tensor(
            optimizer, groups == 2 ? k : 0,
            &(struct adadelta_tensor){
                .name = names[k], .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = x[k], .gradient = g[k]},
            NULL));
    }
    return optimizer;
}

static const struct adadelta_hyper first = {.lr = 0.5, .rho = 0.9, .eps = 1e-5, .weight_decay = 0.1, .maximize = 1},
                                   second = {.lr = 2, .rho = 0.5, .eps = 1e-4, .weight_decay = 0.2, .decoupled = 1};

static void assert_follows(const struct adadelta *optimizer, size_t index, const struct adadelta_hyper *expected)
{
    struct adadelta_hyper hyper;
    OK(adadelta_get_tensor_hyper(optimizer, index, &hyper));
    assert_memory_equal(&hyper, expected, sizeof hyper);
}

/* What the settings of one tensor are changed to at a step, or its group's; the other optimizer has a group for each
   tensor, to do the same with. */
static void change_settings(int step, struct adadelta *own, struct adadelta *grouped)
{
    const struct adadelta_hyper defaults = adadelta_hyper_default();
    if (step == 1) { /* its own */
        OK(adadelta_set_tensor_hyper(own, 1, &second));
        OK(adadelta_set_hyper(grouped, 1, &second));
        assert_follows(own, 0, &defaults);
        assert_follows(own, 1, &second);
    } else if (step == 2) { /* the group's do not matter to it */
        OK(adadelta_set_hyper(own, 0, &first));
        OK(adadelta_set_hyper(grouped, 0, &first));
        assert_follows(own, 0, &first);
        assert_follows(own, 1, &second);
    } else if (step == 4) { /* the group's as they are now */
        OK(adadelta_set_tensor_hyper(own, 1, NULL));
        OK(adadelta_set_hyper(grouped, 1, &first));
        assert_follows(own, 1, &first);
    } else if (step == 5) { /* both at once again */
        OK(adadelta_set_hyper(own, 0, &second));
        OK(adadelta_set_hyper(grouped, 0, &second));
        OK(adadelta_set_hyper(grouped, 1, &second));
    }
}

static void settings_of_its_own(void **state)
{
    (void)state;
    double x[3][2][N], g[3][2][N];
    struct adadelta *own = new_pair(1, x[0], g[0]), *grouped = new_pair(2, x[1], g[1]), *clone = NULL;
    for (int t = 0; t < 7; t++) {
        change_settings(t, own, grouped);
        if (t == 3) {
            OK(adadelta_clone(own, &clone));
            memcpy(x[2], x[0], sizeof x[0]);
            for (size_t k = 0; k < 2; k++)
                OK(adadelta_set_buffers(clone, k, x[2][k], g[0][k]));
        }
        OK(adadelta_step(own));
        OK(adadelta_step(grouped));
        assert_true(hold_the_same(own, grouped));
        if (t == 3) {
            OK(adadelta_step(clone));
            assert_true(hold_the_same(own, clone));
            assert_follows(clone, 1, &second);
        }
    }
    adadelta_destroy(own);
    adadelta_destroy(grouped);
    adadelta_destroy(clone);
}

/* A tensor without gradient keeps everything, and counts for nothing in the norm of all. */
static void without_gradient(void **state)
{
    (void)state;
    double x[2][2][N], g[2][2][N];
    struct adadelta *pair = new_pair(1, x[0], g[0]), *alone = new_pair(1, x[1], g[1]);
    const struct adadelta_gradients how = {.scale = 1, .clip_norm = 3, .clip_global_norm = 1};
    OK(adadelta_step(pair));
    OK(adadelta_step(alone));
    set_gradients(pair, how);
    OK(adadelta_set_buffers(pair, 1, x[0][1], NULL));
    memset(g[1][1], 0, sizeof g[1][1]); /* takes part, but is no part of the norm */
    set_gradients(alone, how);
    struct snapshot before = {0, NULL}, after = {0, NULL}, expected = {0, NULL}, moved = {0, NULL};
    append_tensor(&before, pair, 1);
    OK(adadelta_step(pair));
    OK(adadelta_step(alone));
    append_tensor(&after, pair, 1);
    append_tensor(&moved, pair, 0);
    append_tensor(&expected, alone, 0);
    assert_true(snapshots_equal(&before, &after) && snapshots_equal(&moved, &expected));
    assert_true(adadelta_step_count(pair) == 2 && stats_of(pair, 1).steps == 1);
    free(before.bytes);
    free(after.bytes);
    free(moved.bytes);
    free(expected.bytes);
    adadelta_destroy(pair);
    adadelta_destroy(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_the_rule),
        cmocka_unit_test(norms_are_good_to_a_few_ulps),
        cmocka_unit_test(a_norm_at_its_bound_is_left_alone),
        cmocka_unit_test(the_scale_divides),
        cmocka_unit_test(maximize_negates_the_gradient),
        cmocka_unit_test(gradients_of_other_types),
        cmocka_unit_test(settings_of_its_own),
        cmocka_unit_test(without_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
