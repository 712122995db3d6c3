/* SPDX-License-Identifier: MIT */
/*
 * State in codes, the same bits everywhere: the kernels that read and write codes on every instruction set that this
 * machine has, for every short length and at many places, with memory that must not be touched directly before and
 * behind. What is expected comes from the oracle, element by element.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "formats.h"
#include "codes.h"

enum {
    LONGEST = 130, /* two words of the widest set, and two */
    ROOM = 1024,
    CANARY = 0xa5,
    SALT = 77,
};

static const uint64_t words_key = 0x123456789abcdef;

/* The arrays of a kernel: two of codes, then numbers: those of the codes, or parameters and gradients. */
enum { ARRAYS = 4 };

enum kind { DECODE, ENCODE, UPDATE, KINDS };

struct operation {
    enum kind kind;
    const struct code_type *type;
    uint64_t first; /* element's number in its tensor */
};

static size_t element_bytes(const struct operation *o, int array)
{
    return array < STATES ? code_size(o->type) : sizeof(float);
}

/* ---- What is there before ---- */

/* Codes of all sizes, and numbers that are small, large, and now and then no numbers. Element i is the same wherever it
   stands. */
static uint32_t code_before(const struct operation *o, int k, size_t i)
{
    uint64_t seed = 1000 * i + (uint64_t)k;
    const uint32_t any = (uint32_t)random_bits(&seed) & o->type->last;
    return o->kind == ENCODE ? 0 : i % 5 ? any : k == V ? o->type->last : o->type->flip[U];
}

static float number_before(const struct operation *o, int array, size_t i)
{
    const float specials[] = {0, -0.0f, INFINITY, NAN, FLT_MAX, 1e-30f, 1, 0x1p31f};
    uint64_t seed = 5000 * i + (uint64_t)array;
    const double value = random_magnitude(&seed, -20, i % 3 ? 10 : 60);
    if (i % 11 == 7)
        return specials[random_bits(&seed) % (sizeof specials / sizeof *specials)];
    return (float)(o->kind == ENCODE ? fabs(value) : value);
}

static void fill(const struct operation *o, size_t n, void *const arrays[ARRAYS])
{
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < STATES; k++) {
            const float number = number_before(o, STATES + k, i);
            put_code(o->type, arrays[k], i, code_before(o, k, i));
            memcpy((char *)arrays[STATES + k] + i * sizeof number, &number, sizeof number);
        }
}

/* ---- What is done ---- */

static const struct adadelta_hyper settings = {.lr = 0.7, .rho = 0.9, .eps = 0x1p-20, .weight_decay = 0.1};
static const struct adadelta_gradients gradients = {.scale = 3, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
static const float unit = 0x1.8p-20f, rate = 1.7f;

/* The coefs as the library makes them: what they should be is for the tests of steps. */
static struct coefs coefs_of(const struct code_type *type)
{
    struct coefs coefs = method_coefs(ADADELTA_METHOD_ADADELTA, &settings, 1);
    coefs_in_units(&coefs, type->dtype);
    coefs_prepare(&coefs, &gradients, 1);
    return coefs;
}

static void run(const struct kernel_set *set, const struct operation *o, size_t n, void *const a[ARRAYS])
{
    static uint32_t words[ROUNDED_ARRAYS][CHANCE_ROOM];
    const struct chance chance = {
        .words = (const uint32_t(*)[CHANCE_ROOM])words, .salt = SALT, .first = (size_t)o->first};
    void *const codes[STATES] = {a[V], a[U]};
    set->chances[o->type->dtype](CHANCE_ROOM, words, words_key);
    if (o->kind == DECODE)
        set->decode[o->type->dtype](n, (float *const[]){a[2], a[3]}, codes, unit);
    else if (o->kind == ENCODE)
        set->encode[o->type->dtype](n, codes, (float *const[]){a[2], a[3]}, rate, &chance);
    else {
        const struct coefs coefs = coefs_of(o->type);
        const struct arrays arrays = {.x = a[2], .gradient = a[3], .state = {codes[V], codes[U]}};
        set->update[ADADELTA_F32][o->type->dtype][ADADELTA_METHOD_ADADELTA](n, &arrays, &coefs, &chance);
    }
}

/* ---- What should come of it ---- */

static void expect_element(const struct operation *o, size_t i, void *const a[ARRAYS])
{
    const struct code_type *type = o->type;
    const struct code_step step = code_step_of(type, &settings, 1, &gradients);
    uint32_t code[STATES], chance[STATES];
    float number[STATES];
    for (int k = 0; k < STATES; k++) {
        code[k] = code_at(type, a[k], i);
        chance[k] = chance_from_words(type, words_key, SALT, k, o->first + i);
        number[k] = (float)load_element(ADADELTA_F32, a[2 + k], i);
    }
    struct means means = means_of(type, code);
    if (o->kind == DECODE)
        for (int k = 0; k < STATES; k++)
            number[k] = unit * means.s[k];
    else if (o->kind == ENCODE)
        codes_of(type, (struct means){{rate * number[V], rate * number[U]}}, chance, code);
    else {
        number[V] = code_rule_f32(&step, number[V], number[U], means.s);
        codes_of(type, means, chance, code);
    }
    for (int k = 0; k < STATES; k++) {
        put_code(type, a[k], i, code[k]);
        memcpy((char *)a[2 + k] + i * sizeof number[k], &number[k], sizeof number[k]);
    }
}

/* Which of two NaNs survives is the CPU's choice; codes have none. */
static int same(const struct operation *o, int array, const void *a, const void *b, size_t n)
{
    if (array < STATES || o->kind != UPDATE)
        return !memcmp(a, b, n * element_bytes(o, array));
    for (size_t i = 0; i < n; i++) {
        const double left = load_element(ADADELTA_F32, a, i), right = load_element(ADADELTA_F32, b, i);
        if (isnan(left) ? !isnan(right) : left != right || signbit(left) != signbit(right))
            return 0;
    }
    return 1;
}

/* ---- Every length, many places ---- */

static unsigned char *pages[ARRAYS]; /* one page each, with a forbidden one on either side */
static size_t page_size;

static int prepare(void **state)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    for (int k = 0; k < ARRAYS; k++) {
        unsigned char *three = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (three == MAP_FAILED || mprotect(three + page_size, page_size, PROT_READ | PROT_WRITE))
            return -1;
        pages[k] = three + page_size;
    }
    return find_sets(state);
}

/* Arrays that many elements from the first byte of their page, or as far from its last, each at another place. */
static void check_place(const struct kernel_set *set, const struct operation *o, size_t n, size_t shift, int back,
                        void *const expected[ARRAYS])
{
    unsigned char *zone[ARRAYS], untouched[ROOM];
    size_t start[ARRAYS], bytes[ARRAYS];
    void *arrays[ARRAYS];
    memset(untouched, CANARY, ROOM);
    for (int k = 0; k < ARRAYS; k++) {
        const size_t own = (shift ? shift + (size_t)k : 0) * element_bytes(o, k);
        bytes[k] = n * element_bytes(o, k);
        zone[k] = back ? pages[k] + page_size - ROOM : pages[k];
        start[k] = back ? ROOM - bytes[k] - own : own;
        arrays[k] = zone[k] + start[k];
        memset(zone[k], CANARY, ROOM);
    }
    fill(o, n, arrays);
    run(set, o, n, arrays);
    for (int k = 0; k < ARRAYS; k++) {
        const size_t end = start[k] + bytes[k];
        if (!same(o, k, arrays[k], expected[k], n) || memcmp(zone[k], untouched, start[k]) ||
            memcmp(zone[k] + end, untouched, ROOM - end))
            fail_msg("%s, kind %d of %s, from %llu, n %zu, shift %zu %s, array %d", set->isa, (int)o->kind,
                     adadelta_dtype_name(o->type->dtype), (unsigned long long)o->first, n, shift,
                     back ? "back" : "front", k);
    }
}

static void check_operation(const struct operation *o)
{
    static const size_t shifts[] = {0, 1, 2, 3, 7, 16, 33};
    static unsigned char outcome[ARRAYS][LONGEST * sizeof(float)];
    void *const expected[ARRAYS] = {outcome[0], outcome[1], outcome[2], outcome[3]}, *const none[ARRAYS] = {NULL};
    fill(o, LONGEST, expected);
    for (size_t i = 0; i < LONGEST; i++)
        expect_element(o, i, expected);
    for (size_t s = 1; s < set_count; s++) { /* the first has no such kernels */
        run(sets[s], o, 0, none);
        for (size_t n = 0; n <= LONGEST; n++)
            for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++) {
                check_place(sets[s], o, n, shifts[k], 0, expected);
                check_place(sets[s], o, n, shifts[k], 1, expected);
            }
    }
}

/* From the first element, over the end of a thousand in and between words, and where a number has more than 32 bits and
   so has the thousand's. */
static void same_bits_everywhere(void **state)
{
    (void)state;
    const uint64_t firsts[] = {0, 1023, 1024 * 7 - 66, ((uint64_t)9 << 42) - 17};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int kind = DECODE; kind < KINDS; kind++)
            for (size_t f = 0; f < (kind == DECODE ? 1 : 4); f++)
                check_operation(&(struct operation){(enum kind)kind, &code_types[t], firsts[f]});
}

/* An array in two pieces comes out as in one. */
static void pieces_come_out_as_the_whole(void **state)
{
    (void)state;
    enum { N = 2100 };
    static unsigned char whole[ARRAYS][N * sizeof(float)], parts[ARRAYS][N * sizeof(float)];
    void *const all[ARRAYS] = {whole[0], whole[1], whole[2], whole[3]};
    void *const cut[ARRAYS] = {parts[0], parts[1], parts[2], parts[3]};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (size_t at = 0; at <= N; at += at % 1024 < 1020 ? 51 : 1)
            for (size_t s = 1; s < set_count; s++) {
                const struct operation o = {UPDATE, &code_types[t], 300}, rest = {UPDATE, &code_types[t], 300 + at};
                void *behind[ARRAYS];
                for (int k = 0; k < ARRAYS; k++)
                    behind[k] = parts[k] + at * element_bytes(&o, k);
                fill(&o, N, all);
                fill(&o, N, cut);
                run(sets[s], &o, N, all);
                run(sets[s], &o, at, cut);
                run(sets[s], &rest, N - at, behind);
                for (int k = 0; k < ARRAYS; k++)
                    assert_true(same(&o, k, cut[k], all[k], N));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(pieces_come_out_as_the_whole),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
