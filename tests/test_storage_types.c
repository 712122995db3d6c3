/* SPDX-License-Identifier: MIT */
/* The types by themselves: sizes, names, conversions; and state of every type as it is named, read and set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage.h"

enum { STATE_BYTES = 64 /* that a state array takes at least */ };

static void *state_named(struct adadelta *optimizer, const char *name)
{
    void *found = NULL;
    assert_int_equal(adadelta_state(optimizer, 0, name, &found), ADADELTA_OK);
    return found;
}

/* ---- Types and conversions ---- */

static void types_have_sizes_and_names(void **state)
{
    (void)state;
    const struct {
        enum adadelta_dtype dtype;
        const char *name;
        size_t size;
    } rows[] = {{ADADELTA_F32, "F32", 4}, {ADADELTA_F64, "F64", 8}, {ADADELTA_BF16, "BF16", 2},
                {ADADELTA_F16, "F16", 2}, {ADADELTA_U16, "U16", 2}, {ADADELTA_U8, "U8", 1}};
    const int none[] = {ADADELTA_DTYPE_DEFAULT, ADADELTA_DTYPE_COUNT, 1000, -1};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        assert_string_equal(adadelta_dtype_name(rows[k].dtype), rows[k].name);
        assert_int_equal(adadelta_dtype_size(rows[k].dtype), rows[k].size);
    }
    assert_int_equal(sizeof rows / sizeof *rows, ADADELTA_DTYPE_COUNT - 1);
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        assert_null(adadelta_dtype_name((enum adadelta_dtype)none[k]));
        assert_int_equal(adadelta_dtype_size((enum adadelta_dtype)none[k]), 0);
    }
}

/* All pairs of types, from and to arrays that are not aligned, longer than any piece that the library takes at once. */
static void conversions_are_to_nearest(void **state)
{
    (void)state;
    const double numbers[] = {0,       -0.0,      1,     -2.5,      1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1p-11, -1 - 0x3p-11,
                              65504,   65519.9,   65520, -3.3e38,   3.4e38,     1e300,      -1e-300,     0x1p-24,
                              0x1p-25, 0x1.8p-25, 1e-40, -0x1p-133, 0x1p-149,   INFINITY,   -INFINITY,   0.1};
    enum { KINDS = sizeof numbers / sizeof *numbers, N = 1101 };
    static char from[N * 8 + 2], to[N * 8 + 2];
    for (int f = ADADELTA_F32; f <= ADADELTA_F16; f++)
        for (int t = ADADELTA_F32; t <= ADADELTA_F16; t++) {
            const enum adadelta_dtype from_dtype = (enum adadelta_dtype)f, to_dtype = (enum adadelta_dtype)t;
            const size_t end = 1 + N * binaries[to_dtype].size;
            memset(to, 0x5a, sizeof to);
            for (size_t i = 0; i < N; i++)
                put_number(from_dtype, from + 1, i, numbers[i % KINDS]);
            assert_int_equal(adadelta_convert(N, to_dtype, to + 1, from_dtype, from + 1), ADADELTA_OK);
            for (size_t i = 0; i < N; i++)
                assert_int_equal(bits_at(to_dtype, to + 1, i),
                                 nearest_bits(to_dtype, number_at(from_dtype, from + 1, i)));
            assert_true(to[0] == 0x5a && to[end] == 0x5a);
            put_number(from_dtype, from, 0, (double)NAN);
            assert_int_equal(adadelta_convert(1, to_dtype, to, from_dtype, from), ADADELTA_OK);
            assert_true(isnan(number_at(to_dtype, to, 0)));
        }
}

static void conversions_check_their_arguments(void **state)
{
    (void)state;
    const int wrong[] = {ADADELTA_DTYPE_DEFAULT, ADADELTA_U16, ADADELTA_U8, ADADELTA_DTYPE_COUNT, 1000, -1};
    double room[4] = {1, 2, 3, 4}, before[4];
    uint16_t halves[4] = {5, 6, 7, 8}, halves_before[4];
    memcpy(before, room, sizeof room);
    memcpy(halves_before, halves, sizeof halves);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const enum adadelta_dtype none = (enum adadelta_dtype)wrong[k];
        assert_int_equal(adadelta_convert(1, none, room, ADADELTA_F16, halves), ADADELTA_ERROR_DTYPE);
        assert_int_equal(adadelta_convert(1, ADADELTA_F64, room, none, halves), ADADELTA_ERROR_DTYPE);
    }
    for (int f = ADADELTA_F32; f <= ADADELTA_F16; f++) {
        const enum adadelta_dtype dtype = (enum adadelta_dtype)f;
        assert_int_equal(adadelta_convert(0, dtype, NULL, dtype, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_convert(0, dtype, room, dtype, room), ADADELTA_OK);
        assert_int_equal(adadelta_convert(1, dtype, NULL, dtype, halves), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_convert(1, dtype, room, dtype, NULL), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_convert(SIZE_MAX, dtype, room, dtype, halves), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_convert(SIZE_MAX / 2, dtype, room, dtype, halves), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_convert(1, dtype, room, dtype, room), ADADELTA_ERROR_OVERLAP);
        assert_int_equal(adadelta_convert(2, dtype, (char *)room + 1, dtype, room), ADADELTA_ERROR_OVERLAP);
    }
    assert_int_equal(adadelta_convert(3, ADADELTA_F16, room, ADADELTA_F64, (char *)room + 5), ADADELTA_ERROR_OVERLAP);
    assert_memory_equal(room, before, sizeof room);
    assert_memory_equal(halves, halves_before, sizeof halves);
    /* Side by side is not over one another. */
    assert_int_equal(adadelta_convert(1, ADADELTA_F64, room + 1, ADADELTA_F64, room), ADADELTA_OK);
    assert_true(room[1] == 1);
}

/* ---- State ---- */

static void check_set_state(struct adadelta *optimizer, const char *name, enum adadelta_dtype dtype)
{
    const uint32_t source[4] = {0x3f803f81, 0x40004001, 0x12345678, 0x9abcdef0};
    const size_t bytes = 2 * adadelta_dtype_size(dtype);
    unsigned char *found = state_named(optimizer, name), before[STATE_BYTES];
    const struct adadelta_tensor good = {
        .dtype = dtype, .ndim = 2, .shape = {2, 1}, .values = (void *)(uintptr_t)source};
    struct adadelta_tensor bad = good;
    memset(found, 0x77, STATE_BYTES);
    memcpy(before, found, STATE_BYTES);
    for (int d = ADADELTA_DTYPE_DEFAULT; d <= ADADELTA_DTYPE_COUNT; d++) {
        bad.dtype = (enum adadelta_dtype)d;
        if (bad.dtype != dtype && !(d == ADADELTA_DTYPE_DEFAULT && dtype == ADADELTA_F32))
            assert_int_equal(adadelta_set_state(optimizer, 0, name, &bad), ADADELTA_ERROR_DTYPE);
    }
    const struct adadelta_tensor shapes[] = {{.ndim = 1, .shape = {2}},           {.ndim = 0},
                                             {.ndim = 2, .shape = {1, 2}},        {.ndim = 3, .shape = {2, 1, 1}},
                                             {.ndim = SIZE_MAX, .shape = {2, 1}}, {.ndim = 2, .shape = {2, 0}}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        bad = shapes[k];
        bad.dtype = dtype;
        bad.values = good.values;
        assert_int_equal(adadelta_set_state(optimizer, 0, name, &bad), ADADELTA_ERROR_SHAPE);
    }
    bad = good;
    bad.values = NULL;
    assert_int_equal(adadelta_set_state(optimizer, 0, name, &bad), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_state(optimizer, 1, name, &good), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_state(optimizer, 0, NULL, &good), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_state(optimizer, 0, name, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_state(NULL, 0, name, &good), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_state(optimizer, 0, "acc", &good), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_set_state(optimizer, 0, "", &good), ADADELTA_ERROR_NAME);
    assert_memory_equal(found, before, STATE_BYTES);
    assert_int_equal(adadelta_set_state(optimizer, 0, name, &good), ADADELTA_OK);
    memcpy(before, source, bytes);
    assert_memory_equal(found, before, STATE_BYTES); /* and nothing behind it */
}

static struct adadelta *with_averages(const struct mix *mix, enum adadelta_averaging averaging, size_t n, void *values)
{
    const struct adadelta_options options = {.averaging = averaging, .average_decay = 0.9};
    struct adadelta_tensor tensor = tensor_of(mix, "x", n, values, NULL);
    struct adadelta *optimizer;
    tensor.ndim = 2;
    tensor.shape[1] = 1;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    return optimizer;
}

static void state_is_set_by_name(void **state)
{
    (void)state;
    double x[2] = {0};
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        if (!goes_together(&mix))
            continue;
        struct adadelta *optimizer = with_averages(&mix, ADADELTA_AVERAGING_EXPONENTIAL, 2, x);
        check_set_state(optimizer, "square_avg", state_of_mix(&mix));
        check_set_state(optimizer, "acc_delta", state_of_mix(&mix));
        if (has_master(&mix))
            check_set_state(optimizer, "master", ADADELTA_F32);
        if (has_low(&mix))
            check_set_state(optimizer, "low", ADADELTA_U16);
        check_set_state(optimizer, "average", computed_in(&mix));
        adadelta_destroy(optimizer);
    }
}

/* The header's names and no others: what else the library keeps for itself cannot be had, nor where it is empty. */
static void state_has_no_other_names(void **state)
{
    (void)state;
    static const char *const others[] = {"spare", "values", "x", "momentum_buffer", "sum", "exp_avg", "exp_avg_sq"};
    double x[2] = {0};
    for (int k = 0; k < 2 * MIXES; k++) {
        const struct mix mix = mix_number(k / 2);
        const size_t n = k % 2 ? 0 : 2;
        if (!goes_together(&mix))
            continue;
        struct adadelta *optimizer = with_averages(&mix, ADADELTA_AVERAGING_POLYAK, n, x);
        const struct adadelta_tensor array = {.dtype = mix.values, .ndim = 2, .shape = {n, 1}, .values = x};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            void *found = x;
            assert_int_equal(adadelta_state(optimizer, 0, others[i], &found), ADADELTA_ERROR_NAME);
            assert_ptr_equal(found, x);
            assert_int_equal(adadelta_set_state(optimizer, 0, others[i], &array), ADADELTA_ERROR_NAME);
        }
        adadelta_destroy(optimizer);
    }
}

/* adadelta_get_state walks over the names that adadelta_state knows, with the same arrays. */
static void state_can_be_walked_over(void **state)
{
    (void)state;
    double x[2] = {0};
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        if (!goes_together(&mix))
            continue;
        const int narrow = mix.values == ADADELTA_BF16 || mix.values == ADADELTA_F16;
        const char *const kept = !narrow                                  ? NULL
                                 : mix.weights == ADADELTA_WEIGHTS_MASTER ? "master"
                                 : mix.weights == ADADELTA_WEIGHTS_SPLIT  ? "low"
                                                                          : NULL;
        const char *const names[] = {"square_avg", "acc_delta", kept ? kept : "average", kept ? "average" : NULL};
        struct adadelta *optimizer = with_averages(&mix, ADADELTA_AVERAGING_POLYAK, 2, x);
        struct adadelta_tensor array;
        size_t p = 0;
        for (; p < 4 && names[p]; p++) {
            void *values;
            assert_int_equal(adadelta_get_state(optimizer, 0, p, &array), ADADELTA_OK);
            assert_string_equal(array.name, names[p]);
            assert_int_equal(adadelta_state(optimizer, 0, names[p], &values), ADADELTA_OK);
            assert_true(array.values == values && array.ndim == 2 && array.shape[0] == 2 && array.shape[1] == 1);
            assert_int_equal(adadelta_set_state(optimizer, 0, names[p], &array), ADADELTA_OK); /* type and shape fit */
        }
        assert_int_equal(adadelta_get_state(optimizer, 0, p, &array), ADADELTA_ERROR_NAME);
        assert_int_equal(adadelta_get_state(optimizer, 1, 0, &array), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_get_state(optimizer, 0, 0, NULL), ADADELTA_ERROR_ARGUMENT);
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_sizes_and_names),        cmocka_unit_test(conversions_are_to_nearest),
        cmocka_unit_test(conversions_check_their_arguments), cmocka_unit_test(state_is_set_by_name),
        cmocka_unit_test(state_has_no_other_names),          cmocka_unit_test(state_can_be_walked_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
