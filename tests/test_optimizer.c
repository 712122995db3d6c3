/* SPDX-License-Identifier: MIT */
/* The optimizer object: registration, groups, state, clones, and every documented error with nothing changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "oracle.h"

enum { N = 6, TENSORS = 3 };

/* Two groups and three tensors of different kinds, with all their arrays. */
struct fixture {
    struct adadelta *optimizer;
    float a[N], a_gradient[N];
    double b[N], b_gradient[N], c, c_gradient;
    struct adadelta_tensor tensors[TENSORS];
};

static void fill(struct fixture *f)
{
    for (int i = 0; i < N; i++) {
        f->a[i] = (float)(i + 1);
        f->a_gradient[i] = (float)(2 - i);
        f->b[i] = -i;
        f->b_gradient[i] = 0.25 * i - 1;
    }
    f->c = 3;
    f->c_gradient = 0.5;
    f->tensors[0] = (struct adadelta_tensor){.name = "layer.weight",
                                             .dtype = ADADELTA_F32,
                                             .ndim = 2,
                                             .shape = {2, 3},
                                             .values = f->a,
                                             .gradient = f->a_gradient};
    f->tensors[1] = (struct adadelta_tensor){
        .name = "größe", .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = f->b, .gradient = f->b_gradient};
    f->tensors[2] =
        (struct adadelta_tensor){.name = "scalar", .dtype = ADADELTA_F64, .values = &f->c, .gradient = &f->c_gradient};
}

static void build(struct fixture *f, enum adadelta_method method)
{
    struct adadelta_options options = {.method = method, .threads = 1};
    struct adadelta_hyper second = adadelta_hyper_for(method);
    size_t number = 99;
    second.lr *= 0.5;
    fill(f);
    assert_int_equal(adadelta_create(&options, &f->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(f->optimizer, NULL, &number), ADADELTA_OK);
    assert_int_equal(number, 0);
    assert_int_equal(adadelta_add_group(f->optimizer, &second, &number), ADADELTA_OK);
    assert_int_equal(number, 1);
    for (size_t i = 0; i < TENSORS; i++) {
        assert_int_equal(adadelta_add_tensor(f->optimizer, i == 1, &f->tensors[i], &number), ADADELTA_OK);
        assert_int_equal(number, i);
    }
}

static void step(struct fixture *f, int times)
{
    for (int t = 0; t < times; t++)
        assert_int_equal(adadelta_step(f->optimizer), ADADELTA_OK);
}

static void *state_of(struct adadelta *optimizer, size_t index, const char *name)
{
    void *state = NULL;
    assert_int_equal(adadelta_state(optimizer, index, name, &state), ADADELTA_OK);
    assert_non_null(state);
    return state;
}

static void check_counts(const struct fixture *f, uint64_t steps, size_t groups, size_t tensors)
{
    assert_true(adadelta_step_count(f->optimizer) == steps);
    assert_int_equal(adadelta_group_count(f->optimizer), groups);
    assert_int_equal(adadelta_tensor_count(f->optimizer), tensors);
}

/* ---- Creation ---- */

static void creation(void **state)
{
    (void)state;
    const struct adadelta_options bad[] = {
        {.method = ADADELTA_METHOD_COUNT}, {.method = (enum adadelta_method) - 1}, {.threads = -1}, {.threads = 1025}};
    struct adadelta_options defaults = adadelta_options_default(), most = {.threads = 1024};
    struct adadelta *optimizer = NULL;
    struct fixture f;
    assert_true(defaults.method == ADADELTA_METHOD_ADADELTA && defaults.threads == 0);
    assert_int_equal(adadelta_create(NULL, NULL), ADADELTA_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        optimizer = (struct adadelta *)(void *)&f;
        assert_int_equal(adadelta_create(&bad[i], &optimizer), ADADELTA_ERROR_ARGUMENT);
        assert_null(optimizer);
    }
    assert_int_equal(adadelta_create(&most, &f.optimizer), ADADELTA_OK);
    check_counts(&f, 0, 0, 0);
    step(&f, 2); /* of nothing */
    check_counts(&f, 2, 0, 0);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(NULL);
    f.optimizer = NULL;
    check_counts(&f, 0, 0, 0);
    assert_int_equal(adadelta_step(NULL), ADADELTA_ERROR_ARGUMENT);
}

/* ---- Groups ---- */

static void groups(void **state)
{
    (void)state;
    struct fixture f;
    struct adadelta_hyper hyper, bad = adadelta_hyper_default();
    size_t number = 77;
    build(&f, ADADELTA_METHOD_ADADELTA);
    assert_int_equal(adadelta_get_hyper(f.optimizer, 0, &hyper), ADADELTA_OK);
    assert_true(hyper.lr == 1 && hyper.rho == 0.95 && hyper.eps == 1e-6 && hyper.weight_decay == 0);
    assert_int_equal(adadelta_get_hyper(f.optimizer, 1, &hyper), ADADELTA_OK);
    assert_true(hyper.lr == 0.5);
    bad.rho = 1;
    assert_int_equal(adadelta_add_group(f.optimizer, &bad, &number), ADADELTA_ERROR_RHO);
    assert_int_equal(adadelta_set_hyper(f.optimizer, 0, &bad), ADADELTA_ERROR_RHO);
    assert_int_equal(adadelta_add_group(NULL, NULL, &number), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_hyper(NULL, 0, &hyper), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_hyper(f.optimizer, 2, &hyper), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_hyper(f.optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    hyper = adadelta_hyper_default();
    assert_int_equal(adadelta_set_hyper(NULL, 0, &hyper), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_hyper(f.optimizer, 2, &hyper), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_hyper(f.optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    hyper.eps = 1e-60; /* group 0 holds a float tensor, group 1 does not */
    assert_int_equal(adadelta_set_hyper(f.optimizer, 0, &hyper), ADADELTA_ERROR_EPS);
    assert_int_equal(adadelta_set_hyper(f.optimizer, 1, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_get_hyper(f.optimizer, 0, &hyper), ADADELTA_OK);
    assert_true(hyper.rho == 0.95 && hyper.eps == 1e-6);
    assert_int_equal(number, 77);
    check_counts(&f, 0, 2, TENSORS);
    adadelta_destroy(f.optimizer);
}

/* Settings changed on the way act from the next step, on their own group. */
static void settings_change_between_steps(void **state)
{
    (void)state;
    struct fixture f;
    struct adadelta_hyper hyper = adadelta_hyper_default();
    build(&f, ADADELTA_METHOD_SGD);
    for (int t = 1; t <= 3; t++) {
        double b = f.b[1], c = f.c;
        hyper.lr = t;
        assert_int_equal(adadelta_set_hyper(f.optimizer, 1, &hyper), ADADELTA_OK);
        step(&f, 1);
        assert_true(f.b[1] == b - t * f.b_gradient[1]);
        assert_true(f.c == c - 0.1 * f.c_gradient);
    }
    adadelta_destroy(f.optimizer);
}

/* ---- Tensors ---- */

static void expect_refused(struct fixture *f, size_t group, const struct adadelta_tensor *tensor,
                           enum adadelta_status expected)
{
    size_t number = 55;
    assert_int_equal(adadelta_add_tensor(f->optimizer, group, tensor, &number), expected);
    assert_int_equal(number, 55);
    check_counts(f, 0, 2, TENSORS);
}

static void tensors_are_checked(void **state)
{
    (void)state;
    struct fixture f;
    double x[N] = {0}, g[N] = {0};
    const struct adadelta_tensor good = {
        .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = x, .gradient = g};
    struct adadelta_tensor bad;
    build(&f, ADADELTA_METHOD_ADADELTA);
#define REFUSE(status, ...)                                                                                            \
    do {                                                                                                               \
        bad = good;                                                                                                    \
        __VA_ARGS__;                                                                                                   \
        expect_refused(&f, 0, &bad, ADADELTA_##status);                                                                \
    } while (0)
    REFUSE(ERROR_ARGUMENT, bad.name = NULL);
    REFUSE(ERROR_ARGUMENT, bad.values = NULL);
    REFUSE(ERROR_DTYPE, bad.dtype = ADADELTA_U8);
    REFUSE(ERROR_DTYPE, bad.dtype = (enum adadelta_dtype)17);
    REFUSE(ERROR_DTYPE, bad.dtype = (enum adadelta_dtype) - 1);
    REFUSE(ERROR_ARGUMENT, bad.ndim = ADADELTA_MAX_DIMS + 1);
    REFUSE(ERROR_ARGUMENT, bad.ndim = SIZE_MAX);
    REFUSE(ERROR_ARGUMENT, bad.shape[0] = SIZE_MAX);
    REFUSE(ERROR_ARGUMENT, bad.shape[0] = SIZE_MAX / 8 + 2);
    REFUSE(ERROR_ARGUMENT, bad.ndim = 2, bad.shape[0] = SIZE_MAX, bad.shape[1] = 0);
    REFUSE(ERROR_ARGUMENT, bad.ndim = 2, bad.shape[0] = bad.shape[1] = (size_t)1 << 32);
    REFUSE(ERROR_ARGUMENT, bad.ndim = 3, bad.shape[0] = bad.shape[1] = bad.shape[2] = (size_t)1 << 22);
    REFUSE(ERROR_ARGUMENT, bad.shape[1] = 1); /* beyond ndim */
    REFUSE(ERROR_NAME, bad.name = "");
    REFUSE(ERROR_NAME, bad.name = "layer.weight");
    REFUSE(ERROR_NAME, bad.name = "größe");
    REFUSE(ERROR_OVERLAP, bad.gradient = x);
    REFUSE(ERROR_OVERLAP, bad.gradient = (char *)x + 1);
    REFUSE(ERROR_OVERLAP, bad.values = f.b);
    REFUSE(ERROR_OVERLAP, bad.values = (char *)f.b + sizeof f.b - 1);
    REFUSE(ERROR_OVERLAP, bad.values = f.b_gradient);
    REFUSE(ERROR_OVERLAP, bad.gradient = f.b);
    expect_refused(&f, 2, &good, ADADELTA_ERROR_ARGUMENT);
    expect_refused(&f, 0, NULL, ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_add_tensor(NULL, 0, &good, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_add_tensor(f.optimizer, 0, &good, NULL), ADADELTA_OK);
    check_counts(&f, 0, 2, TENSORS + 1);
    adadelta_destroy(f.optimizer);
}

/* Bytes that are not UTF-8 (Unicode 15, table 3-7: stray, cut, overlong, surrogate, too large), and some that are. */
static void names_are_utf8(void **state)
{
    (void)state;
    const char *const bad[] = {"\x80",
                               "a\xff",
                               "\xc3",
                               "\xc0\x80",
                               "\xc1\xbf",
                               "\xe2\x82",
                               "\xe0\x80\x80",
                               "\xed\xa0\x80",
                               "\xf0\x80\x80\x80",
                               "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80",
                               "\xe2\x28\xa1",
                               "ab\xf0\x9f\x98"};
    const char *const good[] = {
        "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
    struct fixture f;
    struct adadelta_tensor tensor = {.dtype = ADADELTA_F64};
    double x[8];
    build(&f, ADADELTA_METHOD_ADADELTA);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tensor.name = bad[i];
        tensor.values = x;
        expect_refused(&f, 0, &tensor, ADADELTA_ERROR_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        tensor.name = good[i];
        tensor.values = &x[i];
        assert_int_equal(adadelta_add_tensor(f.optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    adadelta_destroy(f.optimizer);
}

/* Settings that leave their range as float are the tensor's error. */
static void float_tensors_want_float_settings(void **state)
{
    (void)state;
    const struct {
        size_t field;
        double value;
        enum adadelta_status expected;
    } rows[] = {
        {offsetof(struct adadelta_hyper, lr), 1e39, ADADELTA_ERROR_LR},
        {offsetof(struct adadelta_hyper, eps), 1e-60, ADADELTA_ERROR_EPS},
        {offsetof(struct adadelta_hyper, weight_decay), 1e39, ADADELTA_ERROR_WEIGHT_DECAY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        struct adadelta_hyper hyper = adadelta_hyper_default();
        fill(&f);
        memcpy((char *)&hyper + rows[i].field, &rows[i].value, sizeof(double));
        assert_int_equal(adadelta_create(NULL, &f.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(f.optimizer, &hyper, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(f.optimizer, 0, &f.tensors[0], NULL), rows[i].expected);
        check_counts(&f, 0, 1, 0);
        assert_int_equal(adadelta_add_tensor(f.optimizer, 0, &f.tensors[1], NULL), ADADELTA_OK);
        adadelta_destroy(f.optimizer);
    }
}

static void shapes(void **state)
{
    (void)state;
    const struct {
        size_t ndim, shape[ADADELTA_MAX_DIMS], n;
    } rows[] = {{0, {0}, 1},        {1, {0}, 0},  {2, {7, 0}, 0}, {8, {1, 2, 1, 2, 1, 3, 1, 1}, 12},
                {3, {2, 2, 3}, 12}, {1, {12}, 12}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        double x[16], g[16];
        struct adadelta_tensor tensor = {.name = "x", .dtype = ADADELTA_F64, .ndim = rows[i].ndim};
        for (int k = 0; k < 16; k++)
            x[k] = g[k] = 1;
        memcpy(tensor.shape, rows[i].shape, sizeof tensor.shape);
        tensor.values = rows[i].n ? x : NULL;
        tensor.gradient = rows[i].n ? g : NULL;
        build(&f, ADADELTA_METHOD_ADAMW);
        assert_int_equal(adadelta_add_tensor(f.optimizer, 0, &tensor, NULL), ADADELTA_OK);
        step(&f, 1);
        for (size_t k = 0; k < 16; k++)
            assert_int_equal(x[k] != 1, k < rows[i].n);
        adadelta_destroy(f.optimizer);
    }
}

static void registration_reads_back(void **state)
{
    (void)state;
    struct fixture f;
    struct adadelta_tensor got;
    build(&f, ADADELTA_METHOD_ADADELTA);
    for (size_t i = 0; i < TENSORS; i++) {
        assert_int_equal(adadelta_get_tensor(f.optimizer, i, &got), ADADELTA_OK);
        assert_string_equal(got.name, f.tensors[i].name);
        assert_ptr_not_equal(got.name, f.tensors[i].name);
        assert_true(got.dtype == f.tensors[i].dtype && got.ndim == f.tensors[i].ndim);
        assert_memory_equal(got.shape, f.tensors[i].shape, sizeof got.shape);
        assert_ptr_equal(got.values, f.tensors[i].values);
        assert_ptr_equal(got.gradient, f.tensors[i].gradient);
    }
    assert_int_equal(adadelta_get_tensor(f.optimizer, TENSORS, &got), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor(f.optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor(NULL, 0, &got), ADADELTA_ERROR_ARGUMENT);
    adadelta_destroy(f.optimizer);
}

/* ---- State ---- */

static void state_is_named_aligned_and_zero(void **state)
{
    (void)state;
    static const char *const names[ADADELTA_METHOD_COUNT][3] = {
        [ADADELTA_METHOD_ADADELTA] = {"square_avg", "acc_delta"},
        [ADADELTA_METHOD_SGD] = {NULL},
        [ADADELTA_METHOD_MOMENTUM] = {"momentum_buffer"},
        [ADADELTA_METHOD_ADAGRAD] = {"sum"},
        [ADADELTA_METHOD_RMSPROP] = {"square_avg"},
        [ADADELTA_METHOD_ADAMW] = {"exp_avg", "exp_avg_sq"}};
    const double zeros[N] = {0};
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        struct fixture f;
        size_t count = 0;
        void *found = &f;
        build(&f, (enum adadelta_method)m);
        for (; names[m][count]; count++) {
            assert_string_equal(adadelta_method_state_name((enum adadelta_method)m, count), names[m][count]);
            for (size_t i = 0; i < TENSORS; i++) {
                void *values = state_of(f.optimizer, i, names[m][count]);
                assert_int_equal((uintptr_t)values % 64, 0);
                assert_memory_equal(values, zeros, i == 0 ? sizeof f.a : i == 1 ? sizeof f.b : sizeof f.c);
            }
        }
        assert_null(adadelta_method_state_name((enum adadelta_method)m, count));
        assert_null(adadelta_method_state_name((enum adadelta_method)m, 1000));
        assert_int_equal(adadelta_state(f.optimizer, 0, "none", &found), ADADELTA_ERROR_NAME);
        assert_int_equal(adadelta_state(f.optimizer, 0, "", &found), ADADELTA_ERROR_NAME);
        assert_ptr_equal(found, &f);
        adadelta_destroy(f.optimizer);
    }
    assert_null(adadelta_method_state_name(ADADELTA_METHOD_COUNT, 0));
}

static void state_arguments(void **state)
{
    (void)state;
    struct fixture f;
    void *found;
    build(&f, ADADELTA_METHOD_ADADELTA);
    assert_int_equal(adadelta_state(NULL, 0, "acc_delta", &found), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_state(f.optimizer, TENSORS, "acc_delta", &found), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_state(f.optimizer, 0, NULL, &found), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_state(f.optimizer, 0, "acc_delta", NULL), ADADELTA_ERROR_ARGUMENT);
    adadelta_destroy(f.optimizer);
}

/* ---- Gradients, buffers, clones ---- */

/* A tensor without gradient stands still: parameters, state, and the counter that AdamW's correction uses. */
static void tensors_without_gradient_are_skipped(void **state)
{
    (void)state;
    struct fixture f, late;
    double b[N], m[N];
    build(&f, ADADELTA_METHOD_ADAMW);
    build(&late, ADADELTA_METHOD_ADAMW);
    step(&f, 2);
    memcpy(b, f.b, sizeof b);
    memcpy(m, state_of(f.optimizer, 1, "exp_avg"), sizeof m);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, f.b, NULL), ADADELTA_OK);
    step(&f, 5);
    assert_memory_equal(b, f.b, sizeof b);
    assert_memory_equal(m, state_of(f.optimizer, 1, "exp_avg"), sizeof m);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, f.b, f.b_gradient), ADADELTA_OK);
    step(&f, 3);
    check_counts(&f, 10, 2, TENSORS);
    step(&late, 5); /* as if the pause had never been */
    assert_memory_equal(f.b, late.b, sizeof f.b);
    assert_memory_not_equal(f.a, late.a, sizeof f.a);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(late.optimizer);
}

static void buffers_are_replaced(void **state)
{
    (void)state;
    struct fixture f, plain;
    struct adadelta_tensor got;
    double x[N], g[N], old[N];
    build(&f, ADADELTA_METHOD_ADADELTA);
    build(&plain, ADADELTA_METHOD_ADADELTA);
    step(&f, 2);
    memcpy(x, f.b, sizeof x);
    memcpy(g, f.b_gradient, sizeof g);
    memcpy(old, f.b, sizeof old);
    assert_int_equal(adadelta_set_buffers(NULL, 1, x, g), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_buffers(f.optimizer, TENSORS, x, g), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, NULL, g), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, x, x), ADADELTA_ERROR_OVERLAP);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, f.a, g), ADADELTA_ERROR_OVERLAP);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, x, &f.c), ADADELTA_ERROR_OVERLAP);
    assert_int_equal(adadelta_get_tensor(f.optimizer, 1, &got), ADADELTA_OK);
    assert_ptr_equal(got.values, f.b);
    assert_ptr_equal(got.gradient, f.b_gradient);
    assert_int_equal(adadelta_set_buffers(f.optimizer, 1, x, g), ADADELTA_OK);
    step(&f, 3);
    step(&plain, 5);
    assert_memory_equal(x, plain.b, sizeof x);
    assert_memory_equal(f.b, old, sizeof old);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(plain.optimizer);
}

/* A clone goes on as the original would have; what happens to one of them afterwards does not reach the other. */
static void clones_are_independent(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        struct fixture f, other;
        struct adadelta_hyper hyper;
        double x[N];
        build(&f, (enum adadelta_method)m);
        step(&f, 3);
        fill(&other);
        assert_int_equal(adadelta_clone(f.optimizer, &other.optimizer), ADADELTA_OK);
        check_counts(&other, 3, 2, TENSORS);
        memcpy(other.a, f.a, sizeof f.a);
        memcpy(other.b, f.b, sizeof f.b);
        other.c = f.c;
        for (size_t i = 0; i < TENSORS; i++)
            assert_int_equal(
                adadelta_set_buffers(other.optimizer, i, other.tensors[i].values, other.tensors[i].gradient),
                ADADELTA_OK);
        step(&f, 4);
        memcpy(x, f.b, sizeof x);
        step(&other, 4);
        assert_memory_equal(f.b, x, sizeof x);
        assert_memory_equal(other.a, f.a, sizeof f.a);
        assert_memory_equal(other.b, f.b, sizeof f.b);
        assert_true(other.c == f.c);
        assert_int_equal(adadelta_get_hyper(other.optimizer, 1, &hyper), ADADELTA_OK);
        hyper.lr = 123;
        assert_int_equal(adadelta_set_hyper(other.optimizer, 1, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_get_hyper(f.optimizer, 1, &hyper), ADADELTA_OK);
        assert_true(hyper.lr != 123);
        adadelta_destroy(f.optimizer);
        step(&other, 1);
        adadelta_destroy(other.optimizer);
    }
}

static void clone_arguments(void **state)
{
    (void)state;
    struct fixture f;
    struct adadelta *copy = (struct adadelta *)(void *)&f;
    build(&f, ADADELTA_METHOD_ADADELTA);
    assert_int_equal(adadelta_clone(NULL, &copy), ADADELTA_ERROR_ARGUMENT);
    assert_null(copy);
    assert_int_equal(adadelta_clone(f.optimizer, NULL), ADADELTA_ERROR_ARGUMENT);
    adadelta_destroy(f.optimizer);
}

static void tensors_are_found(void **state)
{
    (void)state;
    struct fixture f;
    size_t number = 9;
    int own = 9;
    build(&f, ADADELTA_METHOD_ADADELTA);
    for (size_t i = 0; i < TENSORS; i++) {
        assert_int_equal(adadelta_find_tensor(f.optimizer, f.tensors[i].name, &number), ADADELTA_OK);
        assert_int_equal(number, i);
        assert_int_equal(adadelta_tensor_group(f.optimizer, i, &number, &own), ADADELTA_OK);
        assert_true(number == (i == 1) && own == 0);
    }
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    assert_int_equal(adadelta_set_tensor_hyper(f.optimizer, 1, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_tensor_group(f.optimizer, 1, &number, &own), ADADELTA_OK);
    assert_true(number == 1 && own == 1);
    assert_int_equal(adadelta_tensor_group(f.optimizer, 0, &number, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_tensor_group(f.optimizer, TENSORS, &number, &own), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_tensor_group(f.optimizer, 0, NULL, &own), ADADELTA_ERROR_ARGUMENT);
    number = 9;
    assert_int_equal(adadelta_find_tensor(f.optimizer, "layer", &number), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_find_tensor(f.optimizer, NULL, &number), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_find_tensor(NULL, "layer", &number), ADADELTA_ERROR_ARGUMENT);
    assert_true(number == 9);
    adadelta_destroy(f.optimizer);
}

/* What an optimizer was made with, and the one thing of it that can change. */
static void options_read_back(void **state)
{
    (void)state;
    const struct adadelta_options made = {.method = ADADELTA_METHOD_SGD, .threads = 3, .seed = 7};
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(&made, &optimizer), ADADELTA_OK);
    struct adadelta_options options = adadelta_get_options(optimizer);
    assert_true(options.method == ADADELTA_METHOD_SGD && options.threads == 3 && options.seed == 7);
    assert_true(options.allocator.allocate && options.allocator.release);
    assert_int_equal(adadelta_set_threads(optimizer, 1024), ADADELTA_OK);
    assert_int_equal(adadelta_set_threads(optimizer, 1025), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_threads(optimizer, -1), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_threads(NULL, 1), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_options(optimizer).threads, 1024);
    assert_true(adadelta_get_options(NULL).average_decay == 0.999);
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation),
        cmocka_unit_test(groups),
        cmocka_unit_test(settings_change_between_steps),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(names_are_utf8),
        cmocka_unit_test(float_tensors_want_float_settings),
        cmocka_unit_test(shapes),
        cmocka_unit_test(registration_reads_back),
        cmocka_unit_test(state_is_named_aligned_and_zero),
        cmocka_unit_test(state_arguments),
        cmocka_unit_test(tensors_without_gradient_are_skipped),
        cmocka_unit_test(buffers_are_replaced),
        cmocka_unit_test(clones_are_independent),
        cmocka_unit_test(tensors_are_found),
        cmocka_unit_test(options_read_back),
        cmocka_unit_test(clone_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
