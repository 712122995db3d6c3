/* SPDX-License-Identifier: MIT */
/*
 * The chance that codes are rounded by, as the library draws it: every bit is fair, and the chances of any two
 * (elements next to each other and a thousand apart, of the two arrays, of two steps, of two names, seeds and turns)
 * have nothing to do with each other. Seeds are fixed, so a test that passes will pass again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include "optimizer.h" /* has a function of the name of a macro of cmocka.h */
#include <cmocka.h>
#include "formats.h"
#include "codes.h"
#include "sanitized.h"

/* ---- Draws ---- */

/* Whose chance it is. */
struct place {
    uint64_t seed;
    const char *name;
    uint64_t step, turn;
    int array;
    uint64_t element;
};

/* The chances of some elements in a row, as parts of 1. Of the tensor no more is there than their words need. */
static void draw(const struct code_type *type, const struct place *place, size_t n, double chances[])
{
    const struct adadelta optimizer = {.options = {.seed = place->seed}};
    const struct tensor tensor = {.name_hash = hash_name(place->name),
                                  .steps = place->step,
                                  .n = (size_t)(place->element % CHANCES) + n,
                                  .info = {.state_dtype = type->dtype}};
    const unsigned bits[STATES] = {(unsigned)type->dropped[V], (unsigned)type->dropped[U]};
    struct chance_words room = {.tensor = NULL};
    const struct chance chance = chance_from(&optimizer, &tensor, place->turn, place->element, &room);
    for (size_t i = 0; i < n;) {
        const struct chance_run run = chance_run(&chance, i, n, bits);
        for (size_t at = 0; i < run.end; i++, at++) {
            const uint32_t word = run.words[place->array][at] + bits_of_float(type->least[place->array]);
            chances[i] = ldexp((double)(word ^ run.keys[place->array]) + 0.5, -type->dropped[place->array]);
        }
    }
}

/* ---- Pairs ---- */

#if defined(SANITIZED)
enum { PARTS = 8, PAIRS = 1 << 13 };
#else
enum { PARTS = 8, PAIRS = 1 << 16 };
#endif

/* What many pairs of chances are like. */
struct pairs {
    double count, product;
    double table[PARTS][PARTS];
};

static void add_pair(struct pairs *pairs, double x, double y)
{
    assert_true(x > 0 && x < 1 && y > 0 && y < 1);
    pairs->count++;
    pairs->product += 12 * (x - 0.5) * (y - 0.5);
    pairs->table[(int)(x * PARTS)][(int)(y * PARTS)]++;
}

/* No correlation, and all combinations of their first bits as often: both within five standard deviations. */
static int are_independent(const struct pairs *pairs)
{
    const double each = pairs->count / (PARTS * PARTS), freedom = PARTS * PARTS - 1;
    double chi = 0;
    for (int i = 0; i < PARTS; i++)
        for (int k = 0; k < PARTS; k++)
            chi += (pairs->table[i][k] - each) * (pairs->table[i][k] - each) / each;
    return fabs(pairs->product) <= 5 * sqrt(pairs->count) && fabs(chi - freedom) <= 5 * sqrt(2 * freedom);
}

/* Two chances, drawn for many steps: at each of those, of so many elements in a row. The second is never the first's
   at another step, for which the steps go in twos. */
static void check_pair(const struct code_type *type, struct place first, struct place second, size_t in_a_row)
{
    static double x[1024], y[1024];
    struct pairs pairs = {0};
    for (uint64_t t = 0; t < PAIRS / in_a_row; t++, first.step += 2, second.step += 2) {
        draw(type, &first, in_a_row, x);
        draw(type, &second, in_a_row, y);
        for (size_t i = 0; i < in_a_row; i++)
            add_pair(&pairs, x[i], y[i]);
    }
    if (!are_independent(&pairs))
        fail_msg("%s: elements %llu and %llu, arrays %d and %d, %zu in a row: correlation %g",
                 adadelta_dtype_name(type->dtype), (unsigned long long)first.element,
                 (unsigned long long)second.element, first.array, second.array, in_a_row, pairs.product / pairs.count);
}

static const struct place here = {.seed = 1, .name = "layer1.weight"};

/* Of one array, from here: another element of the same thousand. */
static void neighbours_are_independent(void **state)
{
    (void)state;
    const uint64_t distances[] = {1, 2, 16, 64, 512};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int k = 0; k < code_types[t].chances; k++)
            for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
                struct place first = here, second = here;
                first.array = second.array = k;
                second.element = distances[d];
                check_pair(&code_types[t], first, second, 512);
            }
}

/* The same word of other thousands, which differs by an exclusive or that all of a thousand share: one element a step.
   Thousands next to each other, and those whose number differs in bits that only 64 have. */
static void thousands_are_independent(void **state)
{
    (void)state;
    const uint64_t distances[] = {1, 2, 3, 1024, UINT64_C(1) << 33};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int k = 0; k < code_types[t].chances; k++)
            for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
                struct place first = here, second = here;
                first.array = second.array = k;
                first.element = 7;
                second.element = 7 + 1024 * distances[d];
                check_pair(&code_types[t], first, second, 1);
            }
}

/* And v's with u's, where it is not one chance: of one element, and of two with one word. */
static void arrays_are_independent(void **state)
{
    (void)state;
    for (size_t t = 0; t < CODE_TYPES; t++) {
        struct place first = here, second = here;
        if (code_types[t].chances == 1)
            continue;
        second.array = U;
        check_pair(&code_types[t], first, second, 1024);
        check_pair(&code_types[t], first, second, 1);
        second.element = 64; /* where the second array's words would be if they lay in the first one's room */
        check_pair(&code_types[t], first, second, 512);
        second.element = 1024;
        check_pair(&code_types[t], first, second, 1);
        first.element = 5 * 1024;
        second.element = 5 * 1024;
        check_pair(&code_types[t], first, second, 1);
    }
}

/* Steps one after the other, names and seeds that differ by a bit, turns: of elements in a row, and of an element far
   behind, which its thousand's key has changed. */
static void steps_names_and_seeds_are_independent(void **state)
{
    (void)state;
    enum { OTHERS = 5 };
    struct place others[OTHERS];
    for (int k = 0; k < OTHERS; k++)
        others[k] = here;
    others[0].step = 1;
    others[1].name = "layer2.weight";
    others[2].name = "layer1.weighu";
    others[3].seed = 0;
    others[4].turn = 1;
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int k = 0; k < code_types[t].chances; k++)
            for (int other = 0; other < OTHERS; other++) {
                struct place first = here, second = others[other];
                first.array = second.array = k;
                check_pair(&code_types[t], first, second, 1024);
                first.element = second.element = 1024 * 9 + 100;
                check_pair(&code_types[t], first, second, 1);
            }
}

/* ---- Bits ---- */

/* Every bit of a chance is as often 1 as 0, and so is whether two of it agree. */
static void check_bits(const struct code_type *type, int array, uint64_t element)
{
    const int bits = type->dropped[array];
    static double ones[32], agree[32][32];
    struct place place = here;
    place.array = array;
    place.element = element;
    memset(ones, 0, sizeof ones);
    memset(agree, 0, sizeof agree);
    for (place.step = 0; place.step < PAIRS; place.step++) {
        double x;
        draw(type, &place, 1, &x);
        const uint32_t chance = (uint32_t)ldexp(x, bits);
        for (int i = 0; i < bits; i++) {
            ones[i] += chance >> i & 1;
            for (int k = 0; k < i; k++)
                agree[i][k] += ~(chance >> i ^ chance >> k) & 1;
        }
    }
    for (int i = 0; i < bits; i++) {
        assert_true(fabs(ones[i] - PAIRS / 2) <= 5 * sqrt(PAIRS) / 2);
        for (int k = 0; k < i; k++)
            assert_true(fabs(agree[i][k] - PAIRS / 2) <= 5 * sqrt(PAIRS) / 2);
    }
}

static void every_bit_is_fair(void **state)
{
    (void)state;
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int k = 0; k < code_types[t].chances; k++) {
            check_bits(&code_types[t], k, 0);
            check_bits(&code_types[t], k, 1024 * 3 + 1023);
        }
}

/* No two elements of a tensor of a thousand thousands agree more often than so many draws do: the pairs of them with
   the same chance in both arrays of U8, at 41 bits as good as none that are a thousand apart. */
static void thousands_have_other_keys(void **state)
{
    (void)state;
    enum { THOUSANDS = 1000 };
    static double v[THOUSANDS], u[THOUSANDS];
    struct place place = here;
    size_t same = 0;
    for (size_t k = 0; k < THOUSANDS; k++) {
        place.element = 1024 * k;
        place.array = V;
        draw(&code_types[1], &place, 1, &v[k]);
        place.array = U;
        draw(&code_types[1], &place, 1, &u[k]);
        for (size_t j = 0; j < k; j++)
            same += v[j] == v[k] && u[j] == u[k];
    }
    assert_true(same <= 1); /* expected 2^-32 * 1000^2/2: the keys have no more bits */
}

/* A new step and a new tensor are drawn anew, and more words where a turn wants them, whatever the room has from
   before. */
static void a_room_is_drawn_anew(void **state)
{
    (void)state;
    const struct adadelta optimizer = {.options = {.seed = 3}};
    struct chance_words used = {.tensor = NULL};
    struct tensor tensors[] = {{.n = 3000, .name_hash = 1}, {.n = 100, .name_hash = 2}, {.n = 100, .name_hash = 1}};
    tensors[0].info.state_dtype = tensors[1].info.state_dtype = ADADELTA_U8;
    tensors[2].info.state_dtype = ADADELTA_U16;
    for (uint64_t k = 0; k < 60; k++) {
        struct tensor *tensor = &tensors[k / 3 % 3];
        const int chances = tensor->info.state_dtype == ADADELTA_U8 ? 2 : 1;
        const size_t n = k % 2 || tensor->n > CHANCES ? CHANCES : tensor->n;
        tensor->steps = k / 7;
        struct chance_words fresh = {.tensor = NULL};
        const struct chance one = chance_from(&optimizer, tensor, k % 2, 10 * k, &used);
        const struct chance other = chance_from(&optimizer, tensor, k % 2, 10 * k, &fresh);
        for (int array = 0; array < chances; array++)
            assert_memory_equal(used.words[array], fresh.words[array], n * sizeof(uint32_t));
        const uint64_t first = 10 * k + 331 * (k % 2);
        assert_true(one.salt == other.salt && one.first == first && other.first == first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_independent), cmocka_unit_test(thousands_are_independent),
        cmocka_unit_test(arrays_are_independent),     cmocka_unit_test(steps_names_and_seeds_are_independent),
        cmocka_unit_test(every_bit_is_fair),          cmocka_unit_test(thousands_have_other_keys),
        cmocka_unit_test(a_room_is_drawn_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
