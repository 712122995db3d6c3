/* SPDX-License-Identifier: MIT */
/*
 * Rounding to 16 bits by chance: the mean is the number, whatever must hold for every chance holds, and the chances are
 * as good as independent. Seeds are fixed, so a test that passes will pass again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "formats.h"
#include "oracle.h"
#include "sanitized.h"

#if defined(SANITIZED)
enum { PER_EXPONENT = 1, KEYS = 300, DRAWS = 1 << 16 };
#else
enum { PER_EXPONENT = 8, KEYS = 3000, DRAWS = 1 << 20 };
#endif

/* ---- Rounding by chance ---- */

static uint64_t dithered(enum adadelta_dtype type, uint32_t x, uint32_t chance)
{
    return type == ADADELTA_BF16 ? dither_bf16(x, chance) : dither_f16(x, chance);
}

/* How far a float lies between the type's number below it in magnitude (*down) and the next. */
static long double fraction(enum adadelta_dtype type, uint32_t x, uint64_t *down)
{
    const long double value = value_of(ADADELTA_F32, x);
    *down = code_of(type, value, truncl);
    return (value - value_of(type, *down)) / (value_of(type, *down + 1) - value_of(type, *down));
}

/* Over every chance there is, the mean is the number itself. Asked with the bits that count: 16 at the lower end for
   BF16, 13 for normal numbers of F16, and for its denormals those at the upper end. */
static void check_every_chance(enum adadelta_dtype type, uint32_t x, uint64_t noise)
{
    uint64_t down;
    const long double up = fraction(type, x, &down);
    const int denormal = type == ADADELTA_F16 && (down & 0x7fff) < 0x400;
    const int bits = denormal || type == ADADELTA_BF16 ? 16 : 13;
    long long ups = 0;
    for (uint32_t k = 0; k < 1u << bits; k++) {
        const uint32_t others = (uint32_t)(noise += 0x9e3779b97f4a7c15) & ~(uint32_t)((1 << bits) - 1);
        const uint64_t code = dithered(type, x, denormal ? k << 16 : others | k);
        if (code != down && code != down + 1)
            fail_msg("type %d, x 0x%x became 0x%llx", (int)type, x, (unsigned long long)code);
        ups += code != down;
    }
    /* Of a denormal 31 bits count, of which 16 were asked. */
    assert_true(ups == (denormal ? ceill(ldexpl(floorl(ldexpl(up, 31)), -15)) : ldexpl(up, bits)));
}

static void unbiased_over_every_chance(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (uint32_t exponent = 0; exponent < 255; exponent++)
        for (int k = 0; k < PER_EXPONENT; k++) {
            const uint64_t random = random_bits(&seed);
            const uint32_t x = (uint32_t)(random & 0x807fffff) | exponent << 23;
            if ((x & 0x7fffffff) < 0x7f7f0000)
                check_every_chance(ADADELTA_BF16, x, random);
            if ((x & 0x7fffffff) < 0x477fe000)
                check_every_chance(ADADELTA_F16, x, random);
        }
}

/* The denormals of F16 in 31 bits: up for exactly as many chances as the fraction has. */
static void denormals_of_f16_use_31_bits(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (uint32_t x = 0; x < 113u << 23; x += 1 + (uint32_t)(random_bits(&seed) & 0x3fff)) {
        uint64_t down;
        const uint32_t ups = (uint32_t)ldexpl(fraction(ADADELTA_F16, x, &down), 31); /* of 2^31 */
        assert_int_equal(dither_f16(x, 2 * ups), down);
        assert_int_equal(dither_f16(x, 2 * ups + 1), down);
        assert_int_equal(dither_f16(x, UINT32_MAX), down);
        if (ups) {
            assert_int_equal(dither_f16(x, 2 * ups - 1), down + 1);
            assert_int_equal(dither_f16(x, 0), down + 1);
        }
    }
}

/* What holds whatever the chance: the number below or above, itself where it is one, its mirror for -x; to nearest
   where there is no number above; Inf and NaN as in every conversion. */
static void check_range(enum adadelta_dtype type, const struct kernel_set *set, size_t n, const uint32_t *x)
{
    uint32_t mirror[4096];
    uint16_t out[4096], mirrored[4096];
    for (size_t i = 0; i < n; i++)
        mirror[i] = x[i] ^ 0x80000000;
    for (uint64_t key = 0; key < 3; key++) {
        dither(set, type, n, out, x, key, 99);
        dither(set, type, n, mirrored, mirror, key, 99);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(mirrored[i], out[i] ^ 0x8000);
            const uint64_t nearest = expected_code(type, ADADELTA_F32, x[i]);
            if (out[i] == nearest)
                continue;
            uint64_t down;
            assert_false(is_nan(ADADELTA_F32, x[i]));
            assert_true(fraction(type, x[i], &down) != 0);
            assert_true((down & 0x7fff) < inf_of(type) - 1); /* the largest number */
            assert_true(out[i] == down || out[i] == down + 1);
        }
    }
}

/* Every chance for the floats about the largest number: above it there is none to be rounded to before the middle. */
static void nothing_between_the_largest_and_inf(void **state)
{
    (void)state;
    for (uint32_t chance = 0; chance < 65536; chance++) {
        for (uint32_t x = 0x7f7f0000; x < 0x7f7f8000; x += 0x7fff)
            assert_int_equal(dither_bf16(x, chance), 0x7f7f);
        for (uint32_t x = 0x477fe000; x < 0x477ff000; x += 0xfff)
            assert_int_equal(dither_f16(x, chance), 0x7bff);
        assert_int_equal(dither_bf16(0x7f7f8000, chance), 0x7f80);
        assert_int_equal(dither_f16(0x477ff000, chance), 0x7c00);
    }
}

static void never_farther_than_the_neighbours(void **state)
{
    (void)state;
    uint32_t x[4096];
    uint64_t seed = 8;
    const uint32_t lows[] = {0, 1, 0xfff, 0x1000, 0x1fff, 0x7fff, 0x8000, 0xffff};
    for (uint32_t upper = 0; upper < 32768;) {
        for (size_t i = 0; i < 4096; upper++) {
            for (size_t k = 0; k < 8; k++)
                x[i++] = upper << 16 | lows[k];
            for (size_t k = 0; k < 8; k++)
                x[i++] = upper << 16 | (uint32_t)(random_bits(&seed) & 0xffff);
        }
        for (size_t s = 0; s < set_count; s++) {
            check_range(ADADELTA_BF16, sets[s], 4096, x);
            check_range(ADADELTA_F16, sets[s], 4096, x);
        }
    }
}

static void representable_numbers_stay(void **state)
{
    (void)state;
    static uint32_t x[65536];
    static uint16_t out[65536];
    for (enum adadelta_dtype type = ADADELTA_BF16; type <= ADADELTA_F16; type++)
        for (size_t s = 0; s < set_count; s++)
            for (uint64_t key = 10; key < 14; key++) {
                for (uint32_t code = 0; code < 65536; code++)
                    x[code] = (uint32_t)expected_code(ADADELTA_F32, type, code);
                dither(sets[s], type, 65536, out, x, key, key << 31);
                for (uint32_t code = 0; code < 65536; code++)
                    assert_int_equal(out[code], is_nan(type, code) ? nan_of(type, type, code) : code);
            }
}

/* ---- The chances ---- */

/* Whether heads of n fair coins are as many as can be: within six standard deviations. */
static int fair(double heads, double n)
{
    return fabs(heads - n / 2) <= 6 * sqrt(n) / 2;
}

/* bits[b]: bit b of the random numbers from first on, DRAWS of them, 64 to a word. */
typedef uint64_t columns[32][DRAWS / 64];

static void draw_columns(columns bits, uint64_t key, uint32_t first)
{
    uint32_t chances[64];
    for (uint32_t i = 0; i < DRAWS; i++) {
        chances[i % 64] = chance_of(seed_of(key), first + i);
        for (int b = 0; i % 64 == 63 && b < 32; b++) {
            uint64_t column = 0;
            for (int k = 0; k < 64; k++)
                column = column << 1 | (chances[k] >> b & 1);
            bits[b][i / 64] = column;
        }
    }
}

/* In how many places two columns differ. */
static double heads(const uint64_t *a, const uint64_t *b)
{
    uint64_t count = 0;
    for (size_t i = 0; i < DRAWS / 64; i++) {
        uint64_t x = a[i] ^ b[i];
        x -= x >> 1 & 0x5555555555555555;
        x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
        count += (x * 0x0101010101010101) >> 56;
    }
    return (double)count;
}

/* Every bit is fair, and so is whether it agrees with any bit of the chances in another row. */
static void check_rows(uint64_t key, uint32_t first, uint64_t other_key, uint32_t other_first)
{
    static columns a, b;
    static const uint64_t zeros[DRAWS / 64];
    draw_columns(a, key, first);
    draw_columns(b, other_key, other_first);
    for (int i = 0; i < 32; i++) {
        assert_true(fair(heads(a[i], zeros), DRAWS));
        for (int k = 0; k < 32; k++)
            assert_true(fair(heads(a[i], b[k]), DRAWS));
    }
}

/* Numbers 2^13 apart are where one round of the hash, not two, shows: 9 standard deviations. Keys next to each other
   walk the same road from different places; where they pass the same place they must not be doing the same. */
static void chances_are_independent(void **state)
{
    (void)state;
    const uint64_t keys[] = {0, 0x9e3779b97f4a7c15}, half = (uint64_t)1 << 32;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const uint64_t key = keys[k];
        const uint32_t first = 1000 * (uint32_t)k;
        check_rows(key, first, key, first + 1);
        check_rows(key, first, key, first + 2);
        check_rows(key, first, key, first + 8192);
        check_rows(key, first, key, first + CHANCE_ROOM);
        check_rows(key, first, key, first + (1u << 31));
        check_rows(key, first, key ^ half, first);
        check_rows(key, first, key ^ half << 31, first);
        for (uint32_t step = 0; step < 3; step++)
            check_rows(key, first + 1, key + 1, first + step);
        check_rows(key, seed_of(key + 1).a - seed_of(key).a, key + 1, 0);
    }
    check_rows(1, 5, half, 6);
}

/* The values of the 13 and 16 bits that are used, each as often as the others: chi squared, with so many degrees of
   freedom close to normal. */
static void chances_are_even(void **state)
{
    (void)state;
    static int counts[65536];
    for (uint64_t key = 0; key < 4; key++)
        for (int shift = 0; shift <= 16; shift += 8) {
            const double each = 16, n = 65536 * each;
            double chi = 0;
            memset(counts, 0, sizeof counts);
            for (uint32_t i = 0; i < (uint32_t)n; i++)
                counts[chance_of(seed_of(key), i) >> shift & 0xffff]++;
            for (size_t k = 0; k < 65536; k++)
                chi += (counts[k] - each) * (counts[k] - each) / each;
            assert_true(fabs(chi - 65535) < 6 * sqrt(2 * 65535.0));
        }
}

/* Through the kernels: a float half-way between two numbers is a coin, one elsewhere a biased one. */
static void check_coins(enum adadelta_dtype type, const struct kernel_set *set, uint32_t base)
{
    enum { N = 509 };
    uint32_t x[N];
    uint64_t down[N];
    uint16_t last[N] = {0}, out[N];
    double up = 0, expected = 0, variance = 0, elements = 0, keys = 0, both = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = base + (i % 2 ? 0 : (uint32_t)i * 12);
        const double p = (double)fraction(type, x[i], &down[i]);
        expected += KEYS * p;
        variance += KEYS * p * (1 - p);
    }
    for (uint64_t key = 0; key < KEYS; key++) {
        dither(set, type, N, out, x, key, 0);
        for (size_t i = 0; i < N; i++) {
            out[i] = out[i] != down[i];
            up += out[i];
        }
        for (size_t i = 1; key && i + 2 < N; i += 2) {
            elements += out[i] ^ out[i + 2];
            keys += out[i] ^ last[i];
            both += out[i] ^ last[i + 2];
        }
        memcpy(last, out, sizeof last);
    }
    const double pairs = (double)(KEYS - 1) * ((N - 2) / 2);
    assert_true(fabs(up - expected) < 6 * sqrt(variance));
    assert_true(fair(elements, pairs) && fair(keys, pairs) && fair(both, pairs));
}

static void coins_are_fair(void **state)
{
    (void)state;
    for (size_t s = 0; s < set_count; s++) {
        check_coins(ADADELTA_BF16, sets[s], 0x3f808000);
        check_coins(ADADELTA_BF16, sets[s], 0x00008000);
        check_coins(ADADELTA_F16, sets[s], 0x3f801000);
        check_coins(ADADELTA_F16, sets[s], 0x38002000); /* 2^-15 + 2^-25 */
    }
}

/* Elements with the same word, a thousand or more apart, are two coins all the same. */
static void thousands_differ(void **state)
{
    (void)state;
    static uint32_t x[4 * CHANCES];
    static uint16_t out[4 * CHANCES];
    const uint64_t firsts[] = {0, ((uint64_t)1 << 32) - 2 * CHANCES};
    for (size_t i = 0; i < 4 * CHANCES; i++)
        x[i] = 0x3f808000; /* half-way */
    for (size_t f = 0; f < 2; f++) {
        double next = 0, far = 0, pairs = 0;
        for (uint64_t key = 0; key < KEYS; key++, pairs += 4) {
            dither(sets[set_count - 1], ADADELTA_BF16, 4 * CHANCES, out, x, key, firsts[f]);
            for (size_t i = 0; i < CHANCES; i += CHANCES / 4 + key % 7) {
                next += out[i] != out[i + CHANCES];
                far += out[i] != out[i + 3 * CHANCES];
            }
        }
        assert_true(fair(next, pairs) && fair(far, pairs));
    }
}

/* An element's chance depends on its number alone: an array in two pieces comes out as in one, also where numbers pass
   a multiple of 2^32, and where they start again from 0. */
static void pieces_come_out_as_the_whole(void **state)
{
    (void)state;
    enum { N = 67 };
    const uint64_t firsts[] = {0, 5, 0xffffffff, 0xffffffe0, ((uint64_t)5 << 32) - 30, 0 - (uint64_t)40};
    uint32_t x[N];
    uint16_t whole[N], pieces[N];
    uint64_t seed = 9;
    for (enum adadelta_dtype type = ADADELTA_BF16; type <= ADADELTA_F16; type++)
        for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++)
            for (size_t cut = 0; cut <= N; cut++)
                for (size_t s = 0; s < set_count; s++) {
                    for (size_t i = 0; i < N; i++)
                        x[i] = 0x3f800000 | (uint32_t)(random_bits(&seed) & 0xffffff);
                    dither(sets[s], type, N, whole, x, 3, firsts[f]);
                    dither(sets[s], type, cut, pieces, x, 3, firsts[f]);
                    dither(sets[s], type, N - cut, pieces + cut, x + cut, 3, firsts[f] + cut);
                    assert_memory_equal(whole, pieces, sizeof whole);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbiased_over_every_chance),
        cmocka_unit_test(denormals_of_f16_use_31_bits),
        cmocka_unit_test(nothing_between_the_largest_and_inf),
        cmocka_unit_test(never_farther_than_the_neighbours),
        cmocka_unit_test(representable_numbers_stay),
        cmocka_unit_test(chances_are_independent),
        cmocka_unit_test(chances_are_even),
        cmocka_unit_test(coins_are_fair),
        cmocka_unit_test(thousands_differ),
        cmocka_unit_test(pieces_come_out_as_the_whole),
    };
    return cmocka_run_group_tests(tests, find_sets, NULL);
}
