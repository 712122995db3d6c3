/* SPDX-License-Identifier: MIT */
/* Gradients that are NaN, infinite or too large to be squared: found wherever they stand, whatever the types; refused
   or skipped with nothing changed, or let through; and what clipping saves from that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"

/* Several blocks, several threads, an odd end; and one without gradient. */
enum { LARGE = 2, IDLE = 4, TENSORS = 5 };

static const size_t lengths[TENSORS] = {1, 17, 70003, 33, 6};
static const char *const names[TENSORS] = {"one", "odd", "large", "last", "idle"};

/* How numbers are stored, and a number that the type computed in cannot square (0: the gradient's has none). */
struct types {
    enum adadelta_method method;
    enum adadelta_dtype values, gradient, state, computed;
    enum adadelta_weights weights;
    double too_large;
};

/* No Adadelta: what adadelta_tensor_stats tells of it takes long. */
static const struct types all_types[] = {
    {ADADELTA_METHOD_ADAMW, ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, 0, 1.85e19},
    {ADADELTA_METHOD_ADAMW, ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, 0, 1.35e154},
    {ADADELTA_METHOD_RMSPROP, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER,
     1.86e19},
    {ADADELTA_METHOD_SGD, ADADELTA_BF16, ADADELTA_F16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_SPLIT, 0},
    {ADADELTA_METHOD_MOMENTUM, ADADELTA_F16, ADADELTA_F32, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC,
     3e38},
    {ADADELTA_METHOD_ADAGRAD, ADADELTA_F32, ADADELTA_F64, ADADELTA_F32, ADADELTA_F32, 0, 1e300},
    {ADADELTA_METHOD_ADAMW, ADADELTA_F32, ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, 0, 1.7e308},
};

struct fixture {
    struct adadelta *optimizer;
    void *x[TENSORS], *g[TENSORS];
};

static void build(struct fixture *f, const struct types *types, int threads)
{
    const struct adadelta_options options = {
        .method = types->method, .threads = threads, .averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = 0.9};
    f->optimizer = new_optimizer(options, NULL);
    OK(adadelta_set_measuring(f->optimizer, 1));
    for (size_t k = 0; k < TENSORS; k++) {
        f->x[k] = random_array(types->values, lengths[k], k, -1, 1);
        f->g[k] = random_array(types->gradient, lengths[k], 10 + k, -3, 3);
        add_tensor(f->optimizer, &(struct adadelta_tensor){.name = names[k],
                                                           .dtype = types->values,
                                                           .ndim = 1,
                                                           .shape = {lengths[k]},
                                                           .values = f->x[k],
                                                           .gradient = k == IDLE ? NULL : f->g[k],
                                                           .gradient_dtype = types->gradient,
                                                           .state_dtype = types->state,
                                                           .weights = types->weights});
    }
    OK(adadelta_step(f->optimizer));
}

static void finish(struct fixture *f)
{
    adadelta_destroy(f->optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(f->x[k]);
        free(f->g[k]);
    }
}

static void set_policy(struct adadelta *optimizer, enum adadelta_nonfinite policy)
{
    struct adadelta_gradients how;
    OK(adadelta_get_gradients(optimizer, &how));
    how.nonfinite = policy;
    set_gradients(optimizer, how);
}

/* ---- Refused or skipped ---- */

/* A step that raises, then one that is skipped. */
static void check_caught(struct fixture *f, size_t k, const struct snapshot *before)
{
    const uint64_t skips = adadelta_skip_count(f->optimizer);
    uint64_t skipped[TENSORS];
    char quoted[16];
    snprintf(quoted, sizeof quoted, "'%s'", names[k]);
    for (size_t i = 0; i < TENSORS; i++)
        skipped[i] = stats_of(f->optimizer, i).skipped;

    set_policy(f->optimizer, ADADELTA_NONFINITE_RAISE);
    assert_int_equal(adadelta_step(f->optimizer), ADADELTA_ERROR_NONFINITE);
    assert_non_null(strstr(adadelta_error_text(f->optimizer), quoted));
    assert_said(f->optimizer);
    assert_true(adadelta_skip_count(f->optimizer) == skips);
    for (size_t i = 0; i < TENSORS; i++)
        assert_true(stats_of(f->optimizer, i).skipped == skipped[i]);
    assert_true(holds(f->optimizer, before));

    set_policy(f->optimizer, ADADELTA_NONFINITE_SKIP);
    OK(adadelta_step(f->optimizer));
    assert_true(adadelta_skip_count(f->optimizer) == skips + 1);
    for (size_t i = 0; i < TENSORS; i++)
        assert_true(stats_of(f->optimizer, i).skipped == skipped[i] + (i != IDLE));
    assert_true(holds(f->optimizer, before));
}

/* Every position of short tensors, and those of the large one where chunks, blocks and threads meet. */
static size_t next_position(size_t k, size_t at)
{
    static const size_t wanted[] = {0,    1,    511,  512,   4094,  4095,  4096,  4097,
                                    8191, 8192, 8193, 35000, 65535, 65536, 69999, 70002};
    size_t i = 0;
    if (k != LARGE)
        return at + 1;
    while (i < LENGTH(wanted) && wanted[i] <= at)
        i++;
    return i < LENGTH(wanted) ? wanted[i] : lengths[LARGE];
}

static void check_tensor(struct fixture *f, const struct types *types, size_t k, const struct snapshot *before)
{
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, types->too_large, -types->too_large};
    for (size_t i = 0; i < lengths[k]; i = next_position(k, i)) {
        const double good = number(types->gradient, f->g[k], i);
        const size_t all = i == 0 || i + 1 == lengths[k]; /* kinds there, else one after the other */
        for (size_t b = all ? 0 : i % 5; b < LENGTH(bad) && bad[b] != 0; b += all ? 1 : 5) {
            put_number(types->gradient, f->g[k], i, bad[b]);
            check_caught(f, k, before);
        }
        put_number(types->gradient, f->g[k], i, good);
    }
}

static void check_types(const struct types *types, int threads)
{
    struct fixture f, twin;
    build(&f, types, threads);
    build(&twin, types, threads);
    struct snapshot before = take_snapshot(f.optimizer);
    for (size_t k = 0; k < IDLE; k++)
        if (k == LARGE || threads == 1)
            check_tensor(&f, types, k, &before);
    OK(adadelta_step(f.optimizer)); /* goes on as if nothing had been */
    OK(adadelta_step(twin.optimizer));
    assert_true(hold_the_same(f.optimizer, twin.optimizer));
    free(before.bytes);
    finish(&f);
    finish(&twin);
}

static void found_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t t = 0; t < LENGTH(all_types); t++)
        check_types(&all_types[t], 1);
    check_types(&all_types[0], 2);
}

/* The policy of a step of one tensor is that tensor's matter. */
static void one_tensor_alone(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, &all_types[0], 1);
    struct snapshot before = take_snapshot(f.optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        put_number(ADADELTA_F32, f.g[k], lengths[k] - 1, (double)NAN);
        set_policy(f.optimizer, ADADELTA_NONFINITE_RAISE);
        assert_int_equal(adadelta_step_tensor(f.optimizer, k, f.g[k]), ADADELTA_ERROR_NONFINITE);
        assert_non_null(strstr(adadelta_error_text(f.optimizer), names[k]));
        set_policy(f.optimizer, ADADELTA_NONFINITE_SKIP);
        OK(adadelta_step_tensor(f.optimizer, k, f.g[k]));
        assert_true(holds(f.optimizer, &before));
        assert_true(adadelta_skip_count(f.optimizer) == 0);
        for (size_t i = 0; i < TENSORS; i++)
            assert_true(stats_of(f.optimizer, i).skipped == (i <= k));
    }
    free(before.bytes);
    finish(&f);
}

static double record_step(uint64_t step, void *context)
{
    *(uint64_t *)context = step;
    return 1;
}

/* The schedule does not move either. */
static void a_skipped_step_leaves_the_schedule(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t seen = 99;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = record_step;
    schedule.context = &seen;
    build(&f, &all_types[0], 1);
    OK(adadelta_set_schedule(f.optimizer, &schedule));
    set_policy(f.optimizer, ADADELTA_NONFINITE_SKIP);
    for (int t = 0; t < 6; t++) {
        put_number(ADADELTA_F32, f.g[1], 3, t % 2 ? (double)NAN : 1);
        OK(adadelta_step(f.optimizer));
        assert_true(seen == 1 + (uint64_t)(t + 1) / 2);
    }
    assert_true(adadelta_skip_count(f.optimizer) == 3 && adadelta_step_count(f.optimizer) == 4);
    finish(&f);
}

/* ---- Where the border is, and what is saved from it ---- */

/* What a step of one element says, with a second one beside it that is ordinary. */
static enum adadelta_status step_of(enum adadelta_dtype dtype, struct adadelta_gradients how, double gradient)
{
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
    double x[2] = {0}, g[2];
    store_element(dtype, g, 0, 0.5);
    store_element(dtype, g, 1, gradient);
    set_gradients(optimizer, how);
    add_array(optimizer, "x", dtype, 2, x, g);
    const enum adadelta_status status = adadelta_step(optimizer);
    const double moved = load_element(dtype, x, 1), v = load_element(dtype, state_of(optimizer, 0, "square_avg"), 1);
    assert_true(status == ADADELTA_OK ? isfinite(v) && moved != 0 : v == 0 && moved == 0);
    adadelta_destroy(optimizer);
    return status;
}

/* The largest number whose square is there passes, the next one does not. */
static void the_border_is_where_squares_overflow(void **state)
{
    (void)state;
    const struct adadelta_gradients how = adadelta_gradients_default();
    const float narrow = sqrtf(FLT_MAX);
    const double wide = sqrt(DBL_MAX);
    assert_true(isfinite(narrow * narrow) && isinf(nextafterf(narrow, INFINITY) * nextafterf(narrow, INFINITY)));
    assert_true(isfinite(wide * wide) && isinf(nextafter(wide, INFINITY) * nextafter(wide, INFINITY)));
    for (int sign = -1; sign <= 1; sign += 2) {
        OK(step_of(ADADELTA_F32, how, sign * (double)narrow));
        assert_int_equal(step_of(ADADELTA_F32, how, sign * (double)nextafterf(narrow, INFINITY)),
                         ADADELTA_ERROR_NONFINITE);
        OK(step_of(ADADELTA_F64, how, sign * wide));
        assert_int_equal(step_of(ADADELTA_F64, how, sign * nextafter(wide, INFINITY)), ADADELTA_ERROR_NONFINITE);
    }
}

static void clipping_and_scale_save(void **state)
{
    (void)state;
    const enum adadelta_status bad = ADADELTA_ERROR_NONFINITE;
    const struct {
        struct adadelta_gradients how;
        double gradient;
        enum adadelta_status expected, wide; /* for F32, for F64 */
    } rows[] = {
        {{.scale = 1}, 1.85e19, bad, ADADELTA_OK},
        {{.scale = 2}, 3e19, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 2}, 4e19, bad, ADADELTA_OK},
        {{.scale = 0.5}, 1e19, bad, ADADELTA_OK},
        {{.scale = 0.5}, 0.9e19, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_value = 100}, 3e38, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_value = 100}, -3e38, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_value = 1.9e19}, 3e38, bad, ADADELTA_OK},
        {{.scale = 4, .clip_value = 1.9e19}, 7e19, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 100}, -3e30, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 1.9e19}, 3e30, bad, ADADELTA_OK},
        {{.scale = 1, .clip_global_norm = 100}, 3e30, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_global_norm = 1.9e19}, 3e30, bad, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 1.9e19, .clip_global_norm = 1e19}, 3e30, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_value = 2e19, .clip_norm = 1e19}, 3e38, ADADELTA_OK, ADADELTA_OK},
        /* The scale makes an infinity of it, in float; what comes after saves no infinity. */
        {{.scale = 1e-5, .clip_norm = 1}, 1e35, bad, ADADELTA_OK},
        {{.scale = 1e-5, .clip_value = 1}, 1e35, bad, ADADELTA_OK},
        {{.scale = 1e-5, .clip_value = 1, .clip_global_norm = 1}, -1e35, bad, ADADELTA_OK},
        /* A factor below the smallest normal float has not the digits. */
        {{.scale = 1, .clip_norm = 1}, 8e37, ADADELTA_OK, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 1}, 9e37, bad, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 10, .clip_global_norm = 1e-5}, 3e38, bad, ADADELTA_OK},
        /* A norm is taken after the scale and after clipping by value, and must itself be there. */
        {{.scale = 1e20}, 1e160, bad, ADADELTA_OK},
        {{.scale = 1e20, .clip_norm = 1}, 1e160, bad, ADADELTA_OK},
        {{.scale = 1, .clip_value = 1, .clip_global_norm = 1}, 1e300, bad, ADADELTA_OK},
        {{.scale = 1, .clip_norm = 1}, 1e160, bad, bad},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(step_of(ADADELTA_F32, rows[i].how, rows[i].gradient), rows[i].expected);
        assert_int_equal(step_of(ADADELTA_F64, rows[i].how, rows[i].gradient), rows[i].wide);
    }
    for (size_t i = 0; i < LENGTH(rows); i++) { /* nothing saves these */
        assert_int_equal(step_of(ADADELTA_F32, rows[i].how, (double)NAN), bad);
        assert_int_equal(step_of(ADADELTA_F64, rows[i].how, (double)INFINITY), bad);
        assert_int_equal(step_of(ADADELTA_F32, rows[i].how, -(double)INFINITY), bad);
    }
}

/* Where the norm of all brings down a large element, a NaN elsewhere keeps it from doing so; to blame is the NaN. */
static void the_tensor_at_fault_is_named(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t b = 0; b < LENGTH(bad); b++)
        for (size_t at = 0; at < 3; at++) {
            static const char *const three[] = {"first", "second", "third"};
            struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
            float x[3] = {0}, g[3] = {3e19F, 1, 2e19F};
            char quoted[16];
            snprintf(quoted, sizeof quoted, "'%s'", three[at]);
            set_gradients(optimizer, (struct adadelta_gradients){.scale = 1, .clip_global_norm = 1});
            for (size_t k = 0; k < 3; k++)
                add_array(optimizer, three[k], ADADELTA_F32, 1, &x[k], &g[k]);
            OK(adadelta_step(optimizer));
            g[at] = bad[b];
            assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
            assert_non_null(strstr(adadelta_error_text(optimizer), quoted));
            adadelta_destroy(optimizer);
        }
}

/* ---- Let through ---- */

/* Steps with one element of the gradient so. What it made of the parameter goes to *became; the others must be as
   they are without it. */
static void check_let_through(enum adadelta_method method, enum adadelta_dtype dtype, double clip, size_t at,
                              double gradient, double *became)
{
    enum { N = 37 };
    struct adadelta *optimizers[2];
    void *x[2], *g[2];
    for (size_t k = 0; k < 2; k++) {
        optimizers[k] = new_method(method, NULL);
        set_gradients(optimizers[k], (struct adadelta_gradients){
                                         .scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE, .clip_value = clip});
        x[k] = random_array(dtype, N, 1, -1, 1);
        g[k] = random_array(dtype, N, 2, -1, 1);
        add_array(optimizers[k], "x", dtype, N, x[k], g[k]);
    }
    store_element(dtype, g[1], at, gradient);
    for (size_t k = 0; k < 2; k++) {
        OK(adadelta_step(optimizers[k]));
        assert_true(adadelta_step_count(optimizers[k]) == 1 && adadelta_skip_count(optimizers[k]) == 0);
        assert_true(stats_of(optimizers[k], 0).steps == 1 && stats_of(optimizers[k], 0).skipped == 0);
    }
    *became = load_element(dtype, x[1], at);
    store_element(dtype, x[1], at, load_element(dtype, x[0], at));
    for (size_t s = 0; s < method_states(method); s++) {
        const char *name = adadelta_method_state_name(method, s);
        store_element(dtype, state_of(optimizers[1], 0, name), at,
                      load_element(dtype, state_of(optimizers[0], 0, name), at));
    }
    assert_true(hold_the_same(optimizers[0], optimizers[1]));
    for (size_t k = 0; k < 2; k++) {
        adadelta_destroy(optimizers[k]);
        free(x[k]);
        free(g[k]);
    }
}

static void propagate_lets_ieee_take_its_course(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
            for (size_t at = 0; at < 37; at += 4) {
                const enum adadelta_method method = (enum adadelta_method)m;
                const enum adadelta_dtype dtype = (enum adadelta_dtype)d;
                double became, clipped;
                check_let_through(method, dtype, 0, at, (double)NAN, &became);
                assert_true(isnan(became));
                check_let_through(method, dtype, 0, at, (double)INFINITY, &became);
                assert_false(isfinite(became));
                /* Clipped by value a NaN stays one, an infinity becomes a number. */
                check_let_through(method, dtype, 0.75, at, (double)NAN, &became);
                assert_true(isnan(became));
                check_let_through(method, dtype, 0.75, at, -(double)INFINITY, &became);
                check_let_through(method, dtype, 0.75, at, -0.75, &clipped);
                assert_true(became == clipped && isfinite(became));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_wherever_it_stands),
        cmocka_unit_test(one_tensor_alone),
        cmocka_unit_test(a_skipped_step_leaves_the_schedule),
        cmocka_unit_test(the_border_is_where_squares_overflow),
        cmocka_unit_test(clipping_and_scale_save),
        cmocka_unit_test(the_tensor_at_fault_is_named),
        cmocka_unit_test(propagate_lets_ieee_take_its_course),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
