/* SPDX-License-Identifier: MIT */
/* State in codes from outside: its arrays by name, the numbers that adadelta_copy_state makes of them, and the numbers
   and codes that adadelta_set_state takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "coded_state.h"

enum { MANY = 1 << 16 };

static const char *const names[] = {"square_avg", "acc_delta"};
static float x[MANY];
static double v[MANY], u[MANY], found_v[MANY], found_u[MANY];

/* Either code of each element. Of U16 every code comes up in both arrays, of U8 every pair. */
static void write_codes(struct adadelta *optimizer, enum adadelta_dtype type)
{
    void *arrays[] = {array_named(optimizer, 0, names[0]), array_named(optimizer, 0, names[1])};
    for (size_t i = 0; i < MANY; i++) {
        put_code(code_type_of(type), arrays[0], i, (uint32_t)i);
        put_code(code_type_of(type), arrays[1], i, (uint32_t)(type == ADADELTA_U8 ? i >> 8 : i * 40503 & 0xffff));
    }
}

/* ---- Out ---- */

/* In every type, at two values of eps, of which one is a power of two. */
static void numbers_are_what_the_codes_say(void **state)
{
    static double room[MANY];
    static const double units[] = {1e-6, 0x1p-10};
    (void)state;
    for (int k = 0; k < 4; k++) {
        const enum adadelta_dtype type = coded_types[k % 2];
        const double unit = units[k / 2];
        struct adadelta *optimizer = floats_with(type, unit, MANY, x);
        write_codes(optimizer, type);
        for (int to = ADADELTA_F32; to <= ADADELTA_F16; to++)
            for (int which = 0; which < 2; which++) {
                const enum adadelta_dtype dtype = (enum adadelta_dtype)to;
                assert_int_equal(adadelta_copy_state(optimizer, 0, names[which], dtype, room), ADADELTA_OK);
                for (size_t i = 0; i < MANY; i++) {
                    const struct numbers said = numbers_at(optimizer, 0, i, unit);
                    const double number = which ? (said.u > 0 ? said.u : 0) : said.v;
                    if (number_at(dtype, room, i) != nearest(dtype, number))
                        fail_msg("element %zu: %g, not %g", i, number_at(dtype, room, i), number);
                }
            }
        adadelta_destroy(optimizer);
    }
}

/* Other state comes out as its numbers, too, from any type and into any. */
static void numbers_of_other_state(void **state)
{
    enum { N = 300 }; /* more than is brought over at a time */
    static char values[8 * N], room[8 * N];
    static const char *const all[] = {"square_avg", "acc_delta", "master", "average"};
    (void)state;
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        const struct adadelta_options options = {.averaging = ADADELTA_AVERAGING_POLYAK};
        const struct adadelta_tensor tensor = tensor_of(&mix, "x", N, values, NULL);
        uint64_t seed = 5;
        if (!goes_together(&mix) || mix.gradient != ADADELTA_F32)
            continue;
        struct adadelta *optimizer = optimizer_of(&options, NULL);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        for (size_t name = 0; name < 4; name++) {
            const enum adadelta_dtype from = name < 2    ? state_of_mix(&mix)
                                             : name == 2 ? ADADELTA_F32
                                                         : computed_in(&mix);
            void *array;
            if (name == 2 && !has_master(&mix)) {
                assert_int_equal(adadelta_copy_state(optimizer, 0, all[name], ADADELTA_F32, room), ADADELTA_ERROR_NAME);
                continue;
            }
            array = array_named(optimizer, 0, all[name]);
            fill_random(from, array, N, &seed, -30, 20);
            for (int to = ADADELTA_F32; to <= ADADELTA_F16; to++) {
                const enum adadelta_dtype dtype = (enum adadelta_dtype)to;
                assert_int_equal(adadelta_copy_state(optimizer, 0, all[name], dtype, room), ADADELTA_OK);
                for (size_t i = 0; i < N; i++)
                    assert_int_equal(bits_at(dtype, room, i), nearest_bits(dtype, number_at(from, array, i)));
            }
        }
        adadelta_destroy(optimizer);
    }
}

static void copies_check_their_arguments(void **state)
{
    static const int none[] = {ADADELTA_DTYPE_DEFAULT, ADADELTA_U16, ADADELTA_U8, ADADELTA_DTYPE_COUNT, 1000, -1};
    const struct adadelta_options options = {.averaging = ADADELTA_AVERAGING_EXPONENTIAL};
    uint16_t halves[3] = {0};
    double room[3] = {7, 8, 9};
    const struct adadelta_tensor tensor = {.name = "x",
                                           .dtype = ADADELTA_BF16,
                                           .ndim = 1,
                                           .shape = {3},
                                           .values = halves,
                                           .state_dtype = ADADELTA_U8,
                                           .weights = ADADELTA_WEIGHTS_SPLIT};
    struct adadelta *optimizer = optimizer_of(&options, NULL);
    (void)state;
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (size_t k = 0; k < sizeof none / sizeof *none; k++)
        assert_int_equal(adadelta_copy_state(optimizer, 0, "acc_delta", (enum adadelta_dtype)none[k], room),
                         ADADELTA_ERROR_DTYPE);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "low", ADADELTA_F64, room), ADADELTA_ERROR_DTYPE);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "spare", ADADELTA_F64, room), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "master", ADADELTA_F64, room), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "", ADADELTA_F64, room), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_copy_state(optimizer, 0, NULL, ADADELTA_F64, room), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "acc_delta", ADADELTA_F64, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_copy_state(optimizer, 1, "acc_delta", ADADELTA_F64, room), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_copy_state(NULL, 0, "acc_delta", ADADELTA_F64, room), ADADELTA_ERROR_ARGUMENT);
    assert_true(room[0] == 7 && room[1] == 8 && room[2] == 9);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "average", ADADELTA_F64, room), ADADELTA_OK);
    assert_true(room[0] == 0);
    adadelta_destroy(optimizer);
    optimizer = floats_with(ADADELTA_U16, 1e-6, 0, NULL);
    assert_int_equal(adadelta_copy_state(optimizer, 0, "acc_delta", ADADELTA_F64, NULL), ADADELTA_OK);
    adadelta_destroy(optimizer);
}

static void arrays_are_found_by_name(void **state)
{
    static const char *const kept[] = {"master", "low", NULL, NULL};
    uint16_t halves[6] = {0};
    (void)state;
    for (int k = 0; k < 8; k++) {
        const enum adadelta_dtype type = coded_types[k / 4];
        const struct adadelta_tensor tensor = {.name = "x",
                                               .dtype = ADADELTA_BF16,
                                               .ndim = 2,
                                               .shape = {2, 3},
                                               .values = halves,
                                               .state_dtype = type,
                                               .weights = (enum adadelta_weights)(k % 4)};
        struct adadelta *optimizer = optimizer_of(NULL, NULL);
        struct adadelta_tensor array;
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        for (size_t part = 0; part < 3; part++) {
            const char *name = part < 2 ? names[part] : kept[k % 4];
            if (!name) {
                assert_int_equal(adadelta_get_state(optimizer, 0, part, &array), ADADELTA_ERROR_NAME);
                continue;
            }
            assert_int_equal(adadelta_get_state(optimizer, 0, part, &array), ADADELTA_OK);
            assert_string_equal(array.name, name);
            assert_int_equal(array.dtype, part < 2 ? type : part == 2 && k % 4 ? ADADELTA_U16 : ADADELTA_F32);
            assert_true(array.ndim == 2 && array.shape[0] == 2 && array.shape[1] == 3);
            assert_ptr_equal(array.values, array_named(optimizer, 0, name));
            assert_int_equal((uintptr_t)array.values % 64, 0);
        }
        adadelta_destroy(optimizer);
    }
}

/* ---- In ---- */

/* Squares from 2^-44 to 2^-10, some of them 0. */
static void draw_squares(double *numbers, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = i % 17 ? fabs(random_magnitude(&seed, -44, -11)) : 0;
}

/* Each number within the spacing, the raw ones right in the mean. again: u has been rounded once before. */
static void expect_numbers(struct adadelta *optimizer, enum adadelta_dtype type, double unit, const double *v_set,
                           const double *u_set, int again)
{
    const double u_spacing = spacing(type, 1) + (again ? 0.25 * (1 + spacing(type, 1)) : 0);
    double sum_v = 0, sum_u = 0;
    get_numbers(optimizer, 0, names[0], found_v);
    get_numbers(optimizer, 0, names[1], found_u);
    for (size_t i = 0; i < MANY; i++) {
        const struct numbers said = numbers_at(optimizer, 0, i, unit);
        if (!is_near(type, 0, found_v[i], v_set[i], unit) ||
            fabs(found_u[i] - u_set[i]) > u_spacing * (u_set[i] + unit))
            fail_msg("element %zu: v %g, not %g, or u %g, not %g", i, found_v[i], v_set[i], found_u[i], u_set[i]);
        sum_v += (said.v - v_set[i]) / (v_set[i] + unit);
        sum_u += (said.u - u_set[i]) / (u_set[i] + unit);
    }
    if (!is_unbiased(sum_v, MANY, spacing(type, 0)) || !is_unbiased(sum_u, MANY, u_spacing))
        fail_msg("means are off by %g and %g", sum_v / MANY, sum_u / MANY);
}

/* Of both arrays, in either order, from every type. U8's u is rounded again where v comes after it. */
static void numbers_come_in_rounded_by_chance(void **state)
{
    static double from[MANY], typed_v[MANY], typed_u[MANY];
    (void)state;
    draw_squares(v, MANY, 1);
    draw_squares(u, MANY, 2);
    for (int k = 0; k < 16; k++) {
        const enum adadelta_dtype type = coded_types[k % 2], dtype = (enum adadelta_dtype)(ADADELTA_F32 + k / 4);
        struct adadelta *optimizer = floats_with(type, 1e-6, MANY, x);
        for (int turn = 0; turn < 2; turn++) {
            const int is_u = turn ^ (k / 2 & 1);
            double *typed = is_u ? typed_u : typed_v;
            const struct adadelta_tensor array = {.dtype = dtype, .ndim = 1, .shape = {MANY}, .values = from};
            for (size_t i = 0; i < MANY; i++) {
                put_number(dtype, from, i, (is_u ? u : v)[i]);
                typed[i] = number_at(dtype, from, i);
            }
            assert_int_equal(adadelta_set_state(optimizer, 0, names[is_u], &array), ADADELTA_OK);
        }
        expect_numbers(optimizer, type, 1e-6, typed_v, typed_u, type == ADADELTA_U8 && k / 2 % 2);
        adadelta_destroy(optimizer);
    }
}

/* What one array is set to is nothing to the other: U16's keeps its codes, U8's acc_delta, kept as a ratio to the
   other, its number; and square_avg, its codes. */
static void one_array_leaves_the_other(void **state)
{
    static double other[MANY];
    static uint16_t before[MANY];
    (void)state;
    for (int k = 0; k < 4; k++) {
        const enum adadelta_dtype type = coded_types[k % 2];
        const int is_u = k / 2;
        struct adadelta *optimizer = floats_with(type, 1e-6, MANY, x);
        draw_squares(v, MANY, 3);
        draw_squares(u, MANY, 4);
        draw_squares(other, MANY, 5);
        set_numbers(optimizer, 0, names[0], MANY, v);
        set_numbers(optimizer, 0, names[1], MANY, u);
        get_numbers(optimizer, 0, names[0], v);
        get_numbers(optimizer, 0, names[1], u);
        memcpy(before, array_named(optimizer, 0, names[!is_u]), MANY * adadelta_dtype_size(type));
        set_numbers(optimizer, 0, names[is_u], MANY, other);
        if (is_u || type == ADADELTA_U16)
            assert_memory_equal(array_named(optimizer, 0, names[!is_u]), before, MANY * adadelta_dtype_size(type));
        expect_numbers(optimizer, type, 1e-6, is_u ? v : other, is_u ? other : u, 0);
        adadelta_destroy(optimizer);
    }
}

static void codes_come_in_as_they_are(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct adadelta *from = floats_with(coded_types[k], 1e-6, MANY, x),
                        *to = floats_with(coded_types[k], 1e-3, MANY, x); /* the unit is of no account */
        struct adadelta_tensor array;
        write_codes(from, coded_types[k]);
        for (size_t which = 0; which < 2; which++) {
            assert_int_equal(adadelta_get_state(from, 0, which, &array), ADADELTA_OK);
            assert_int_equal(adadelta_set_state(to, 0, names[which], &array), ADADELTA_OK);
            assert_memory_equal(array_named(to, 0, names[which]), array.values,
                                MANY * adadelta_dtype_size(coded_types[k]));
        }
        adadelta_destroy(from);
        adadelta_destroy(to);
    }
}

/* Less than nothing is nothing; more than there are codes for is the last one. */
static void numbers_beyond_the_ends(void **state)
{
    enum { N = 7 };
    static const double low[N] = {-1, -1e-300, -INFINITY, -0.0, 0, 1e-300, (double)NAN};
    static const double high[N] = {1e20, 1e30, 1e300, DBL_MAX, INFINITY, 3e38, 4e13};
    static const double ends[] = {1.8e19, 4e9}, zeros[N];
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (int is_u = 0; is_u < 2; is_u++) {
            const enum adadelta_dtype type = coded_types[k];
            struct adadelta *optimizer = floats_with(type, 1e-6, N, x);
            set_numbers(optimizer, 0, "square_avg", N, zeros);
            set_numbers(optimizer, 0, "acc_delta", N, low);
            set_numbers(optimizer, 0, "square_avg", N, low);
            for (size_t i = 0; i < N; i++) {
                const struct numbers said = numbers_at(optimizer, 0, i, 1e-6);
                assert_true(said.v == 0 && said.u == 0);
            }
            set_numbers(optimizer, 0, is_u ? "acc_delta" : "square_avg", N, high);
            get_numbers(optimizer, 0, is_u ? "acc_delta" : "square_avg", found_v);
            for (size_t i = 0; i < N; i++)
                assert_true(found_v[i] > 0.9e-6 * ends[k] && found_v[i] < 1.1e-6 * ends[k]);
            set_numbers(optimizer, 0, is_u ? "square_avg" : "acc_delta", N, high);
            get_numbers(optimizer, 0, is_u ? "square_avg" : "acc_delta", found_v);
            for (size_t i = 0; i < N; i++) /* a ratio to such a v goes further */
                assert_true(found_v[i] > 0.9e-6 * ends[k] && found_v[i] < 1e-6 * 2e19);
            adadelta_destroy(optimizer);
        }
}

static void sets_check_their_arguments(void **state)
{
    static struct state_bytes before, after;
    static const double numbers[4] = {1, 2, 3, 4};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct adadelta_tensor good = {
            .dtype = ADADELTA_F64, .ndim = 1, .shape = {4}, .values = (void *)(uintptr_t)numbers};
        const int wrong[] = {coded_types[!k], ADADELTA_DTYPE_COUNT, 1000, -1};
        struct adadelta *optimizer = floats_with(coded_types[k], 1e-6, 4, x);
        struct adadelta_tensor bad = good;
        set_numbers(optimizer, 0, "square_avg", 4, numbers);
        read_state(optimizer, &before);
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            bad.dtype = (enum adadelta_dtype)wrong[w];
            assert_int_equal(adadelta_set_state(optimizer, 0, "acc_delta", &bad), ADADELTA_ERROR_DTYPE);
            assert_non_null(strstr(adadelta_error_text(optimizer), adadelta_dtype_name(coded_types[k])));
        }
        bad = good, bad.shape[0] = 3;
        assert_int_equal(adadelta_set_state(optimizer, 0, "acc_delta", &bad), ADADELTA_ERROR_SHAPE);
        bad = good, bad.ndim = 2, bad.shape[1] = 1;
        assert_int_equal(adadelta_set_state(optimizer, 0, "acc_delta", &bad), ADADELTA_ERROR_SHAPE);
        bad = good, bad.values = NULL;
        assert_int_equal(adadelta_set_state(optimizer, 0, "acc_delta", &bad), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_set_state(optimizer, 0, "spare", &good), ADADELTA_ERROR_NAME);
        assert_int_equal(adadelta_set_state(optimizer, 0, "low", &good), ADADELTA_ERROR_NAME);
        assert_int_equal(adadelta_set_state(optimizer, 1, "acc_delta", &good), ADADELTA_ERROR_ARGUMENT);
        read_state(optimizer, &after);
        assert_true(same_state(&before, &after));
        adadelta_destroy(optimizer);
    }
}

/* Numbers are for codes; state that is kept as numbers takes its own type only. */
static void other_state_takes_its_own_type(void **state)
{
    static const float numbers[2] = {1, 2};
    struct adadelta *optimizer = floats_with(ADADELTA_BF16, 1e-6, 2, x);
    struct adadelta_tensor array = {.ndim = 1, .shape = {2}, .values = (void *)(uintptr_t)numbers};
    (void)state;
    for (int d = ADADELTA_DTYPE_DEFAULT; d < ADADELTA_DTYPE_COUNT; d++) {
        array.dtype = (enum adadelta_dtype)d;
        assert_int_equal(adadelta_set_state(optimizer, 0, "square_avg", &array),
                         d == ADADELTA_BF16 ? ADADELTA_OK : ADADELTA_ERROR_DTYPE);
    }
    adadelta_destroy(optimizer);
    optimizer = floats_with(ADADELTA_U16, 1e-6, 2, x);
    array.dtype = ADADELTA_DTYPE_DEFAULT; /* floats, here as elsewhere */
    assert_int_equal(adadelta_set_state(optimizer, 0, "square_avg", &array), ADADELTA_OK);
    get_numbers(optimizer, 0, "square_avg", found_v);
    assert_true(is_near(ADADELTA_U16, 0, found_v[0], 1, 1e-6) && is_near(ADADELTA_U16, 0, found_v[1], 2, 1e-6));
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_what_the_codes_say),    cmocka_unit_test(numbers_of_other_state),
        cmocka_unit_test(copies_check_their_arguments),      cmocka_unit_test(arrays_are_found_by_name),
        cmocka_unit_test(numbers_come_in_rounded_by_chance), cmocka_unit_test(one_array_leaves_the_other),
        cmocka_unit_test(codes_come_in_as_they_are),         cmocka_unit_test(numbers_beyond_the_ends),
        cmocka_unit_test(sets_check_their_arguments),        cmocka_unit_test(other_state_takes_its_own_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
