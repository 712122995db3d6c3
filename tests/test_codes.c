/* SPDX-License-Identifier: MIT */
/*
 * State in codes, kernel by kernel: what a code means, that it keeps itself under every chance, that the mean over
 * every chance is the number, in integers, and where numbers end. On every instruction set that this machine has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "formats.h"
#include "codes.h"

/* ---- Kernels with a chance of ours ---- */

enum { WORDS_AT_ONCE = CHANCES, FULL = 65536 };

static uint32_t words[ROUNDED_ARRAYS][CHANCE_ROOM];

/* Every element of a thousand has this chance, but for the salt's key. */
static void same_chance(const struct code_type *type, const uint32_t chance[STATES])
{
    for (int k = 0; k < STATES; k++)
        for (size_t i = 0; i < CHANCE_ROOM; i++)
            words[k][i] = chance[k] - bits_of_float(type->least[k]);
}

/* Words from this number on, so that a thousand elements have a thousand chances. */
static void chances_from(const struct code_type *type, uint32_t first)
{
    for (int k = 0; k < STATES; k++)
        for (size_t i = 0; i < CHANCE_ROOM; i++)
            words[k][i] = ((first + (uint32_t)i) & ((1u << type->dropped[k]) - 1)) - bits_of_float(type->least[k]);
}

static void encode(const struct kernel_set *set, const struct code_type *type, size_t n, void *const codes[STATES],
                   float *const from[STATES])
{
    const struct chance chance = {.words = (const uint32_t(*)[CHANCE_ROOM])words, .salt = 5};
    set->encode[type->dtype](n, codes, from, 1, &chance);
}

/* Sets with kernels, which the plain one has not. */
#define FOR_EACH_SET(set)                                                                                              \
    for (size_t set##_number = 1; set##_number < set_count; set##_number++)                                            \
        for (const struct kernel_set *set = sets[set##_number]; set; set = NULL)

#define FOR_EACH_TYPE(type) for (const struct code_type *type = code_types; type < code_types + CODE_TYPES; type++)

/* ---- What a code means ---- */

/* Every pair of codes of U8; of U16, where the arrays do not depend on each other, every code of each. */
static uint32_t code_of_pair(const struct code_type *type, int k, uint32_t i)
{
    if (type->dtype == ADADELTA_U8)
        return k == V ? i >> 8 : i & 255;
    return k == V ? i : (i * 40503u) & 65535;
}

static uint8_t room[STATES][2 * FULL], again[STATES][2 * FULL];
static float numbers[STATES][FULL];

static void fill_pairs(const struct code_type *type)
{
    for (int k = 0; k < STATES; k++)
        for (uint32_t i = 0; i < FULL; i++)
            put_code(type, room[k], i, code_of_pair(type, k, i));
}

/* By the documented definition, with units that cannot be had for nothing. */
static void codes_mean_what_is_said(void **state)
{
    (void)state;
    void *const codes[STATES] = {room[V], room[U]};
    float *const to[STATES] = {numbers[V], numbers[U]};
    const float units[] = {1, 1e-6f, 0x1p-20f, 3};
    FOR_EACH_TYPE(type)
    {
        fill_pairs(type);
        FOR_EACH_SET(set)
        for (size_t u = 0; u < 4; u++) {
            set->decode[type->dtype](FULL, to, codes, units[u]);
            for (uint32_t i = 0; i < FULL; i++) {
                const uint32_t code[STATES] = {code_of_pair(type, V, i), code_of_pair(type, U, i)};
                const struct means means = means_of(type, code);
                assert_true(numbers[V][i] == units[u] * means.s[V] && numbers[U][i] == units[u] * means.s[U]);
            }
        }
    }
}

/* The table's figures: 0, the ends, and the spacing, which the definition above has from the same lines as the rest. */
static void check_code(const struct kernel_set *set, const struct code_type *type, uint32_t v, uint32_t u,
                       double expected_v, double expected_u)
{
    uint16_t code[STATES];
    float number[STATES];
    void *const codes[STATES] = {&code[V], &code[U]};
    put_code(type, codes[V], 0, v);
    put_code(type, codes[U], 0, u);
    set->decode[type->dtype](1, (float *const[]){&number[V], &number[U]}, codes, 1);
    assert_true((double)number[V] == expected_v && (double)number[U] == expected_u);
}

static void codes_are_those_of_the_table(void **state)
{
    (void)state;
    FOR_EACH_SET(set)
    {
        check_code(set, &code_types[0], 0, 0, 0, 0);
        check_code(set, &code_types[0], 1, 512, 0x1p-10, 0.5);
        check_code(set, &code_types[0], 1023, 1024, 1023 * 0x1p-10, 1);
        check_code(set, &code_types[0], 1024 * 63, 65535, 0x1p63, 0x1.ffcp63);
        check_code(set, &code_types[1], 0, 0, 0, 0);
        check_code(set, &code_types[1], 1, 0, 0.125, 0.125); /* q 1: u is v */
        check_code(set, &code_types[1], 0, 1, 0, 0.25);
        check_code(set, &code_types[1], 0, 255, 0, -0.125); /* 1.75/2 below q 1 */
        check_code(set, &code_types[1], 8, 124, 1, 0x1p32);
        check_code(set, &code_types[1], 255, 128, 0x1.ep31, 0x1.ep-1 - 1);
    }
}

/* ---- A code keeps itself ---- */

/* Pairs of U8 codes that would say u far below zero, which no step makes, are rounded as they are read. */
static int keeps_itself(const struct code_type *type, uint32_t i)
{
    const uint32_t code[STATES] = {code_of_pair(type, V, i), code_of_pair(type, U, i)};
    return means_of(type, code).s[U] > -0.9f;
}

static void check_all_codes(const struct kernel_set *set, const struct code_type *type, const uint32_t chance[STATES])
{
    void *const codes[STATES] = {room[V], room[U]}, *const out[STATES] = {again[V], again[U]};
    float *const between[STATES] = {numbers[V], numbers[U]};
    same_chance(type, chance);
    memset(again, 0, sizeof again);
    set->decode[type->dtype](FULL, between, codes, 1);
    encode(set, type, FULL, out, between);
    for (uint32_t i = 0; i < FULL; i++) {
        if (code_at(type, again[V], i) != code_at(type, room[V], i) ||
            (keeps_itself(type, i) && code_at(type, again[U], i) != code_at(type, room[U], i)))
            fail_msg("%s, %s, number %u: %x %x", set->isa, adadelta_dtype_name(type->dtype), i,
                     code_at(type, again[V], i), code_at(type, again[U], i));
    }
}

/* Every code with the least and the largest chance and some between. */
static void every_code_keeps_itself(void **state)
{
    (void)state;
    FOR_EACH_TYPE(type)
    {
        const uint32_t most[STATES] = {(1u << type->dropped[V]) - 1, (1u << type->dropped[U]) - 1};
        fill_pairs(type);
        FOR_EACH_SET(set)
        {
            check_all_codes(set, type, (const uint32_t[]){0, 0});
            check_all_codes(set, type, most);
            check_all_codes(set, type, (const uint32_t[]){most[V], 0});
            check_all_codes(set, type, (const uint32_t[]){most[V] / 2, most[U] / 3});
        }
    }
}

/* ---- The mean over every chance ---- */

/* A number beside what must become of it: the code below it, and how many chances take it to the next one. */
struct between {
    float s[STATES];
    uint32_t down[STATES], ups[STATES];
};

/* One call each with a thousand chances, until all have been had. The numbers that the codes mean add up to as often
   the number itself: exactly, as the sums fit in the digits of a double. */
static void check_every_chance(const struct kernel_set *set, const struct code_type *type, const struct between *b)
{
    uint8_t out[STATES][2 * WORDS_AT_ONCE];
    float from[STATES][WORDS_AT_ONCE], back[STATES][WORDS_AT_ONCE];
    void *const codes[STATES] = {out[V], out[U]};
    const uint32_t all = 1u << (type->dropped[V] > type->dropped[U] ? type->dropped[V] : type->dropped[U]);
    uint64_t ups[STATES] = {0};
    double sum[STATES] = {0};
    for (int k = 0; k < STATES; k++)
        for (size_t i = 0; i < WORDS_AT_ONCE; i++)
            from[k][i] = b->s[k];
    for (uint32_t first = 0; first < all; first += WORDS_AT_ONCE) {
        chances_from(type, first);
        encode(set, type, WORDS_AT_ONCE, codes, (float *const[]){from[V], from[U]});
        set->decode[type->dtype](WORDS_AT_ONCE, (float *const[]){back[V], back[U]}, codes, 1);
        for (int k = 0; k < STATES; k++)
            for (size_t i = 0; i < WORDS_AT_ONCE; i++) {
                const uint32_t up = (code_at(type, out[k], i) ^ type->flip[k]) - (b->down[k] ^ type->flip[k]);
                if (up > 1)
                    fail_msg("%s, %s, array %d: %.9g became %x", set->isa, adadelta_dtype_name(type->dtype), k,
                             (double)b->s[k], code_at(type, out[k], i));
                ups[k] += up;
                sum[k] += (double)back[k][i];
            }
    }
    for (int k = 0; k < STATES; k++) {
        assert_true(ups[k] == (uint64_t)b->ups[k] * (all >> type->dropped[k]));
        if (k == V || !type->keeps_ratio || !b->ups[V]) /* else both have a part in u */
            assert_true(sum[k] == (double)all * (double)b->s[k]);
    }
}

/* A number this part of the way above a code; where q is kept v is a power of two, so that everything is exact. */
static struct between between_codes(const struct code_type *type, const uint32_t code[STATES],
                                    const uint32_t ups[STATES])
{
    struct between b = {.down = {code[V], code[U]}, .ups = {ups[V], ups[U]}};
    float kept[STATES];
    for (int k = 0; k < STATES; k++)
        kept[k] = float_of_bits(bits_of_float(kept_number(type, k, code[k])) + ups[k]);
    b.s[V] = kept[V] - 1;
    b.s[U] = (type->keeps_ratio ? kept[U] * kept[V] : kept[U]) - 1;
    assert_true(b.s[V] + 1 == kept[V]);
    assert_true((b.s[U] + 1) / (type->keeps_ratio ? kept[V] : 1) == kept[U]);
    return b;
}

/* Numbers whose digits are all kept as s, where the unit of w's last digit is that of s: w below 2^24. */
static void mean_over_every_chance(const struct code_type *type, int count, uint32_t v_step, uint32_t u_codes)
{
    uint64_t seed = 21;
    for (int i = 0; i < count; i++) {
        const uint32_t digits = 23 - (uint32_t)type->dropped[V];
        const uint32_t v = (uint32_t)(random_bits(&seed) % (23u << digits)) / v_step * v_step;
        const uint32_t code[STATES] = {v, (uint32_t)(random_bits(&seed) % u_codes)};
        const uint32_t parts[] = {0, 1, (1u << type->dropped[U]) - 1, 1u << (type->dropped[U] - 1)};
        const uint32_t any[STATES] = {(uint32_t)(random_bits(&seed) >> (64 - type->dropped[V])),
                                      (uint32_t)(random_bits(&seed) >> (64 - type->dropped[U]))};
        const uint32_t ups[STATES] = {type->keeps_ratio ? 0 : any[V], i < 4 ? parts[i] : any[U]};
        const struct between b = between_codes(type, code, ups);
        FOR_EACH_SET(set)
        check_every_chance(set, type, &b);
    }
}

static void the_mean_of_u16_is_exact(void **state)
{
    (void)state;
    mean_over_every_chance(&code_types[0], 600, 1, 23 << 10);
}

/* q from 1 on, v a power of two; and v between two codes beside a u that is 0. */
static void the_mean_of_u8_is_exact(void **state)
{
    (void)state;
    const struct code_type *type = &code_types[1];
    const uint32_t parts[] = {1, 0xfffff, 0x80000, 0x12345};
    mean_over_every_chance(type, 6, 8, 24);
    for (uint32_t i = 0; i < 4; i++) {
        const float w = float_of_bits(bits_of_float(kept_number(type, V, 8 * i + i)) + parts[i]);
        struct between b = {.s = {w - 1, w - 1}, .down = {8 * i + i, 0}, .ups = {parts[i], 0}};
        FOR_EACH_SET(set)
        check_every_chance(set, type, &b);
    }
}

/* ---- Zero, and where numbers end ---- */

static void check_number(const struct kernel_set *set, const struct code_type *type, float v, float u,
                         uint32_t expected_v, uint32_t expected_u)
{
    enum { N = 70 };
    uint8_t out[STATES][2 * N] = {{0}};
    float from[STATES][N];
    for (size_t i = 0; i < N; i++) {
        from[V][i] = v;
        from[U][i] = u;
    }
    for (int extreme = 0; extreme < 4; extreme++) {
        const uint32_t chance[STATES] = {extreme & 1 ? (1u << type->dropped[V]) - 1 : 0,
                                         extreme & 2 ? (1u << type->dropped[U]) - 1 : 0};
        same_chance(type, chance);
        encode(set, type, N, (void *const[]){out[V], out[U]}, (float *const[]){from[V], from[U]});
        for (size_t i = 0; i < N; i++)
            if (code_at(type, out[V], i) != expected_v || code_at(type, out[U], i) != expected_u)
                fail_msg("%s, %s: v %g and u %g became %x and %x", set->isa, adadelta_dtype_name(type->dtype),
                         (double)v, (double)u, code_at(type, out[V], i), code_at(type, out[U], i));
    }
}

static void zero_is_zero(void **state)
{
    (void)state;
    FOR_EACH_SET(set)
    FOR_EACH_TYPE(type)
    {
        check_number(set, type, 0, 0, 0, 0);
        check_number(set, type, -0.0f, -0.0f, 0, 0);
        check_number(set, type, 1e-9f, 1e-9f, 0, 0); /* nothing beside eps */
    }
}

/* Whatever is above the largest number is that, under every chance; so is what is no number. */
static void too_large_is_the_largest(void **state)
{
    (void)state;
    const float large[] = {0x1p64f, 0x1.8p65f, 0x1p96f, 0x1p100f, FLT_MAX, INFINITY, NAN, -NAN};
    const struct code_type *u16 = &code_types[0], *u8 = &code_types[1];
    FOR_EACH_SET(set)
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        check_number(set, u16, large[i], 0, 65535, 0);
        check_number(set, u16, 0, large[i], 0, 65535);
        check_number(set, u16, large[i], large[i], 65535, 65535);
        check_number(set, u16, 0x1.ffcp63f, large[i], 65535, 65535);
        /* The least q, where v is too large or a number is missing; the largest where u is. */
        check_number(set, u8, large[i], 0, 255, 128);
        check_number(set, u8, 0, large[i], 0, isnan(large[i]) ? 128 : 127);
    }
}

/* A little beyond the largest number chance may decide, but only for the largest code. */
static void at_the_end_nothing_wraps(void **state)
{
    (void)state;
    FOR_EACH_SET(set)
    FOR_EACH_TYPE(type)
    for (uint32_t beyond = 0; beyond < 1u << type->dropped[V]; beyond += 97) {
        const float v = float_of_bits(bits_of_float(type->largest[V]) + beyond);
        check_number(set, type, v, type->keeps_ratio ? v : 0, type->last, 0);
    }
}

/* ---- Chance ---- */

/* The words of every set, and no others than asked for. */
static void words_are_the_documented_ones(void **state)
{
    (void)state;
    const uint64_t keys[] = {0, 1, UINT64_C(1) << 32, 0x9e3779b97f4a7c15};
    static const uint32_t counts[] = {1, 63, 65, 1000, 1024, CHANCE_ROOM};
    FOR_EACH_SET(set)
    FOR_EACH_TYPE(type)
    for (size_t i = 0; i < 24; i++) {
        const uint32_t n = counts[i % 6];
        memset(words, 0xa5, sizeof words);
        set->chances[type->dtype](n, words, keys[i / 6]);
        for (int k = 0; k < STATES; k++) {
            const uint32_t there = k < type->chances ? n : 0;
            for (uint32_t at = 0; at < there && at < 1024; at++)
                assert_int_equal(words[k][at] + bits_of_float(type->least[k]),
                                 random_word(keys[i / 6], k, at) >> (32 - type->dropped[k]));
            for (uint32_t at = there; at < CHANCE_ROOM; at++)
                assert_int_equal(words[k][at], 0xa5a5a5a5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_mean_what_is_said),       cmocka_unit_test(codes_are_those_of_the_table),
        cmocka_unit_test(every_code_keeps_itself),       cmocka_unit_test(the_mean_of_u16_is_exact),
        cmocka_unit_test(the_mean_of_u8_is_exact),       cmocka_unit_test(zero_is_zero),
        cmocka_unit_test(too_large_is_the_largest),      cmocka_unit_test(at_the_end_nothing_wraps),
        cmocka_unit_test(words_are_the_documented_ones),
    };
    return cmocka_run_group_tests(tests, find_sets, NULL);
}
