/* SPDX-License-Identifier: MIT */
/* State of every type: how many bytes it takes beside every kind of tensor, where a tensor's type comes from, and what
   is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "coded_state.h"

enum { STATE_TYPES = 7 }; /* of enum adadelta_dtype the first seven: the default and all that there are */

static size_t rounded_up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* As the header says. */
static enum adadelta_dtype state_or_default(enum adadelta_dtype values, enum adadelta_dtype state)
{
    return state != ADADELTA_DTYPE_DEFAULT ? state : values == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

/* ---- Bytes ---- */

static const size_t bytes_of[] = {[ADADELTA_F32] = 4, [ADADELTA_F64] = 8, [ADADELTA_BF16] = 2,
                                  [ADADELTA_F16] = 2, [ADADELTA_U16] = 2, [ADADELTA_U8] = 1};

static size_t expected_bytes(const struct mix *mix, enum adadelta_averaging averaging, size_t n)
{
    const enum adadelta_dtype state = state_or_default(mix->values, mix->state);
    const int doubles = mix->values == ADADELTA_F64 || state == ADADELTA_F64;
    const size_t values = bytes_of[mix->values], computed = doubles ? 8 : 4;
    size_t sum = 2 * rounded_up(n * bytes_of[state]);
    if (values == 2 && mix->weights == ADADELTA_WEIGHTS_MASTER)
        sum += rounded_up(4 * n);
    if (values == 2 && mix->weights == ADADELTA_WEIGHTS_SPLIT)
        sum += rounded_up(2 * n);
    if (averaging != ADADELTA_AVERAGING_NONE)
        sum += rounded_up(computed * n) + (computed != values ? rounded_up(values * n) : 0);
    return sum;
}

static _Alignas(64) char memory[1 << 17];

/* In memory of exactly the size that is asked for, and of as much less as what is left over at its two ends can be. */
static void fits_exactly(const struct adadelta_options *options, const struct adadelta_tensor *tensor)
{
    struct adadelta *optimizer;
    const size_t alignment = 64, size = adadelta_state_size(options, 1, tensor, 1);
    assert_true(size < sizeof memory);
    for (int less = 0; less < 2; less++) {
        assert_int_equal(adadelta_init_in_place(memory, less ? size - 2 * alignment : size, options, &optimizer),
                         ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, tensor, NULL), less ? ADADELTA_ERROR_MEMORY : ADADELTA_OK);
        assert_int_equal(adadelta_tensor_count(optimizer), !less);
    }
}

static void takes(const struct mix *mix, enum adadelta_averaging averaging, size_t n)
{
    static double values[1000];
    const struct adadelta_options options = {.threads = 1, .averaging = averaging, .average_decay = 0.9};
    const struct adadelta_tensor tensor = tensor_of(mix, "x", n, values, NULL);
    struct adadelta *optimizer = optimizer_of(&options, NULL);
    struct adadelta_tensor_stats stats;
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, 0, &stats), ADADELTA_OK);
    assert_int_equal(adadelta_state_bytes(optimizer), expected_bytes(mix, averaging, n));
    assert_int_equal(stats.state_bytes, expected_bytes(mix, averaging, n));
    adadelta_destroy(optimizer);
    fits_exactly(&options, &tensor);
}

static void bytes_are_those_of_the_types(void **state)
{
    static const size_t lengths[] = {1, 33, 64, 640, 1000};
    (void)state;
    for (int values = ADADELTA_F32; values <= ADADELTA_F16; values++)
        for (int weights = 0; weights < WEIGHTS; weights++)
            for (int type = 0; type < STATE_TYPES; type++)
                for (int averaging = 0; averaging < 3; averaging++)
                    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
                        const struct mix mix = {(enum adadelta_dtype)values, ADADELTA_F32, (enum adadelta_dtype)type,
                                                (enum adadelta_weights)weights};
                        if (goes_together(&mix))
                            takes(&mix, (enum adadelta_averaging)averaging, lengths[k]);
                    }
}

static void codes_are_a_half_and_a_quarter(void **state)
{
    static float x[640];
    (void)state;
    for (size_t n = 64; n <= 640; n += 64) {
        struct adadelta *wide = floats_with(ADADELTA_F32, 1e-6, n, x), *half = floats_with(ADADELTA_U16, 1e-6, n, x),
                        *quarter = floats_with(ADADELTA_U8, 1e-6, n, x);
        assert_int_equal(adadelta_state_bytes(wide), 8 * n);
        assert_int_equal(2 * adadelta_state_bytes(half), adadelta_state_bytes(wide));
        assert_int_equal(4 * adadelta_state_bytes(quarter), adadelta_state_bytes(wide));
        adadelta_destroy(wide);
        adadelta_destroy(half);
        adadelta_destroy(quarter);
    }
}

/* ---- Where the type comes from ---- */

/* Of the three who may name a type, the nearest to the tensor; where its own is taken away, the next one. */
static void the_nearest_counts(enum adadelta_dtype values, enum adadelta_dtype options_type,
                               enum adadelta_dtype group_type, enum adadelta_dtype own)
{
    double x[3] = {1, 2, 3};
    const struct adadelta_options options = {.state_dtype = options_type};
    const struct adadelta_tensor tensor = {
        .name = "x", .dtype = values, .ndim = 1, .shape = {3}, .values = x, .state_dtype = own};
    enum adadelta_dtype named = own ? own : group_type ? group_type : options_type;
    enum adadelta_dtype expected = state_or_default(values, named);
    int good = !(is_half(values) && expected == ADADELTA_F64);
    struct adadelta *optimizer = optimizer_of(&options, NULL);
    struct adadelta_tensor found;
    enum adadelta_dtype dtype = ADADELTA_F16;
    assert_int_equal(adadelta_get_state_dtype(optimizer, 0, &dtype), ADADELTA_OK);
    assert_int_equal(dtype, ADADELTA_DTYPE_DEFAULT);
    assert_int_equal(adadelta_get_options(optimizer).state_dtype, options_type);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, group_type), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), good ? ADADELTA_OK : ADADELTA_ERROR_DTYPE);
    assert_int_equal(adadelta_tensor_count(optimizer), good);
    assert_int_equal(adadelta_get_state_dtype(optimizer, 0, &dtype), ADADELTA_OK);
    assert_int_equal(dtype, group_type);
    if (good) {
        assert_int_equal(adadelta_get_tensor(optimizer, 0, &found), ADADELTA_OK);
        assert_int_equal(found.state_dtype, expected);
        assert_int_equal(adadelta_get_state(optimizer, 0, 0, &found), ADADELTA_OK);
        assert_int_equal(found.dtype, expected);
        assert_int_equal(adadelta_state_bytes(optimizer),
                         128 + (is_half(values) ? 64 : 0)); /* of a master beside half ones */
        const enum adadelta_dtype other = values == ADADELTA_F64 ? ADADELTA_F32 : ADADELTA_F16;
        assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, other), ADADELTA_OK);
        named = group_type ? group_type : options_type;
        expected = state_or_default(values, named);
        good = !(is_half(values) && expected == ADADELTA_F64);
        assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_DTYPE_DEFAULT),
                         good ? ADADELTA_OK : ADADELTA_ERROR_DTYPE);
        assert_int_equal(adadelta_get_tensor(optimizer, 0, &found), ADADELTA_OK);
        assert_int_equal(found.state_dtype, good ? expected : other);
    } else {
        assert_non_null(strstr(adadelta_error_text(optimizer), "tensor 'x'"));
    }
    adadelta_destroy(optimizer);
}

static void the_type_is_the_nearest_that_is_named(void **state)
{
    (void)state;
    for (int values = ADADELTA_F32; values <= ADADELTA_F16; values++)
        for (int k = 0; k < STATE_TYPES * STATE_TYPES * STATE_TYPES; k++)
            the_nearest_counts((enum adadelta_dtype)values, (enum adadelta_dtype)(k % STATE_TYPES),
                               (enum adadelta_dtype)(k / STATE_TYPES % STATE_TYPES),
                               (enum adadelta_dtype)(k / STATE_TYPES / STATE_TYPES));
}

/* Each group has its own, and a type set in between holds for what comes after it and what is there. */
static void groups_have_types_of_their_own(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const enum adadelta_dtype expected[] = {ADADELTA_U8, ADADELTA_U16, ADADELTA_U8, ADADELTA_U16};
    float x[4];
    struct adadelta *optimizer = optimizer_of(&(struct adadelta_options){.state_dtype = ADADELTA_U16}, NULL);
    struct adadelta_tensor found;
    (void)state;
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < 4; k++) {
        const struct adadelta_tensor tensor = {.name = names[k], .values = &x[k]};
        if (k == 2)
            assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_U8), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, k % 2, &tensor, NULL), ADADELTA_OK);
    }
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(adadelta_get_tensor(optimizer, k, &found), ADADELTA_OK);
        assert_int_equal(found.state_dtype, expected[k]);
    }
    /* The group's again, and the options' again. */
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_F32), ADADELTA_OK);
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, ADADELTA_DTYPE_DEFAULT), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor(optimizer, 0, &found), ADADELTA_OK);
    assert_int_equal(found.state_dtype, ADADELTA_U8);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_DTYPE_DEFAULT), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor(optimizer, 2, &found), ADADELTA_OK);
    assert_int_equal(found.state_dtype, ADADELTA_U16);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_F32), ADADELTA_OK);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_DTYPE_DEFAULT), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor(optimizer, 2, &found), ADADELTA_OK);
    assert_int_equal(found.state_dtype, ADADELTA_U16);
    adadelta_destroy(optimizer);
}

/* ---- What is refused ---- */

/* An optimizer of one tensor that does not take state of that type, wherever it is said. */
static void is_refused(enum adadelta_method method, enum adadelta_dtype dtype)
{
    static struct state_bytes before, after;
    float x[2] = {1, 2}, g[2] = {3, 4};
    struct adadelta_options options = {.method = method, .state_dtype = dtype};
    struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {2}, .values = x, .gradient = g};
    struct adadelta *optimizer = (struct adadelta *)&options;
    enum adadelta_dtype found;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_ERROR_DTYPE);
    assert_null(optimizer);
    assert_int_equal(adadelta_init_in_place(memory, sizeof memory, &options, &optimizer), ADADELTA_ERROR_DTYPE);
    assert_true(adadelta_state_size(&options, 1, &tensor, 1) == SIZE_MAX);
    options.state_dtype = ADADELTA_DTYPE_DEFAULT;
    optimizer = optimizer_of(&options, NULL);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    read_state(optimizer, &before);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, dtype), ADADELTA_ERROR_DTYPE);
    assert_non_null(strstr(adadelta_error_text(optimizer), adadelta_method_name(method)));
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, dtype), ADADELTA_ERROR_DTYPE);
    tensor.name = "y", tensor.state_dtype = dtype, tensor.values = g, tensor.gradient = NULL;
    assert_true(adadelta_state_size(&options, 1, &tensor, 1) == SIZE_MAX);
    assert_int_equal(adadelta_set_buffers(optimizer, 0, x, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_ERROR_DTYPE);
    assert_non_null(strstr(adadelta_error_text(optimizer), "'y'"));
    assert_int_equal(adadelta_tensor_count(optimizer), 1);
    assert_int_equal(adadelta_get_state_dtype(optimizer, 0, &found), ADADELTA_OK);
    assert_int_equal(found, ADADELTA_DTYPE_DEFAULT);
    read_state(optimizer, &after);
    assert_true(same_state(&before, &after));
    adadelta_destroy(optimizer);
}

static void codes_are_adadelta_s(void **state)
{
    (void)state;
    for (int method = 0; method < ADADELTA_METHOD_COUNT; method++)
        for (size_t k = 0; k < 2 && method != ADADELTA_METHOD_ADADELTA; k++)
            is_refused((enum adadelta_method)method, coded_types[k]);
}

static void types_that_there_are_not(void **state)
{
    static const int none[] = {ADADELTA_DTYPE_COUNT, 1000, INT32_MAX, -1};
    (void)state;
    for (int method = 0; method < ADADELTA_METHOD_COUNT; method++)
        for (size_t k = 0; k < sizeof none / sizeof *none; k++)
            is_refused((enum adadelta_method)method, (enum adadelta_dtype)none[k]);
}

/* Values and gradients are numbers. */
static void codes_are_for_state_alone(void **state)
{
    float x[2] = {1, 2};
    struct adadelta *optimizer = optimizer_of(NULL, NULL);
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct adadelta_tensor values = {.name = "x", .dtype = coded_types[k], .values = x},
                                     gradient = {.name = "x", .gradient_dtype = coded_types[k], .values = x};
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &values, NULL), ADADELTA_ERROR_DTYPE);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &gradient, NULL), ADADELTA_ERROR_DTYPE);
    }
    assert_int_equal(adadelta_tensor_count(optimizer), 0);
    adadelta_destroy(optimizer);
}

static void wrong_numbers_are_refused(void **state)
{
    float x[2];
    enum adadelta_dtype dtype = ADADELTA_F16;
    struct adadelta *optimizer = floats_with(ADADELTA_U16, 1e-6, 2, x);
    (void)state;
    assert_int_equal(adadelta_set_state_dtype(optimizer, 1, ADADELTA_U8), ADADELTA_ERROR_ARGUMENT);
    assert_non_null(strstr(adadelta_error_text(optimizer), "no group 1"));
    assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 1, ADADELTA_U8), ADADELTA_ERROR_ARGUMENT);
    assert_non_null(strstr(adadelta_error_text(optimizer), "no tensor 1"));
    assert_int_equal(adadelta_set_state_dtype(NULL, 0, ADADELTA_U8), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_tensor_state_dtype(NULL, 0, ADADELTA_U8), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_state_dtype(NULL, 0, &dtype), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_state_dtype(optimizer, 1, &dtype), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_state_dtype(optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(dtype, ADADELTA_F16);
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_the_types),
        cmocka_unit_test(codes_are_a_half_and_a_quarter),
        cmocka_unit_test(the_type_is_the_nearest_that_is_named),
        cmocka_unit_test(groups_have_types_of_their_own),
        cmocka_unit_test(codes_are_adadelta_s),
        cmocka_unit_test(types_that_there_are_not),
        cmocka_unit_test(codes_are_for_state_alone),
        cmocka_unit_test(wrong_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
