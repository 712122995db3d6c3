/* SPDX-License-Identifier: MIT */
/*
 * Numbers from one type to another: the right ones on every instruction set that this machine has, wherever they stand,
 * and nothing else written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "formats.h"
#include "oracle.h"
#include "sanitized.h"
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#if defined(SANITIZED)
enum { RANDOM = 60000 };
#else
enum { RANDOM = 2000000 };
#endif

/* ---- Conversions ---- */

/* Codes and what must become of them, collected until there are many. */
struct batch {
    enum adadelta_dtype to, from;
    size_t n;
    uint64_t in[4096], expected[4096];
};

static void compare(const struct batch *b, const char *isa, const char *what, const uint64_t *out)
{
    for (size_t i = 0; i < b->n; i++) {
        if (get(b->to, out, i) != b->expected[i])
            fail_msg("%s, %s: type %d code 0x%llx became type %d code 0x%llx, not 0x%llx", isa, what, (int)b->from,
                     (unsigned long long)b->in[i], (int)b->to, (unsigned long long)get(b->to, out, i),
                     (unsigned long long)b->expected[i]);
    }
}

/* With the CPU as it is, and as programs set it that want no denormals. */
static void convert_both_ways(const struct batch *b, const char *isa, conversion *convert, const uint64_t *in)
{
    uint64_t out[4096];
    convert(b->n, out, in);
    compare(b, isa, "denormals kept", out);
#if defined(__SSE2__)
    const unsigned usual = _mm_getcsr();
    _mm_setcsr(usual | 0x8040); /* flush to zero, denormals are zero */
    convert(b->n, out, in);
    _mm_setcsr(usual);
    compare(b, isa, "denormals flushed", out);
#endif
}

static void flush(struct batch *b)
{
    uint64_t in[4096];
    for (size_t i = 0; i < b->n; i++)
        put(b->from, in, i, b->in[i]);
    for (size_t s = 0; s < set_count; s++) {
        if (b->to == ADADELTA_F32 || b->to == ADADELTA_F64)
            convert_both_ways(b, sets[s]->isa, sets[s]->load[b->to][b->from], in);
        if (b->from == ADADELTA_F32 || b->from == ADADELTA_F64)
            convert_both_ways(b, sets[s]->isa, sets[s]->store[b->from][b->to], in);
    }
    b->n = 0;
}

static void expect(struct batch *b, uint64_t in, uint64_t expected)
{
    b->in[b->n] = in;
    b->expected[b->n] = expected;
    if (++b->n == 4096)
        flush(b);
}

static void expect_oracle(struct batch *b, uint64_t in)
{
    expect(b, in, expected_code(b->to, b->from, in));
}

#define FOR_EACH_PAIR(b)                                                                                               \
    for (b.to = ADADELTA_F32; b.to <= ADADELTA_F16; b.to++)                                                            \
        for (b.from = ADADELTA_F32; b.from <= ADADELTA_F16; b.from++)                                                  \
            if (b.to <= ADADELTA_F64 || b.from <= ADADELTA_F64)

/* Every code of 16 bits, which for the narrow types are all. For the others: every sign and exponent, with the first
   digits. */
static void sixteen_bits(void **state)
{
    (void)state;
    struct batch b = {.n = 0};
    FOR_EACH_PAIR(b)
    {
        for (uint64_t code = 0; code < 65536; code++)
            expect_oracle(&b, code << (8 * formats[b.from].size - 16));
        flush(&b);
    }
}

static void random_codes(void **state)
{
    (void)state;
    struct batch b = {.n = 0};
    uint64_t seed = 1;
    FOR_EACH_PAIR(b)
    {
        for (int i = 0; i < RANDOM; i++) {
            uint64_t code = random_bits(&seed);
            if (b.from == ADADELTA_F64 && i % 2) /* a value of magnitude 2^-160 to 2^150 */
                code = (code & (sign_of(b.from) + sign_of(b.from) / 2048 - 1)) | (863 + code % 311) << 52;
            expect_oracle(&b, code & (2 * sign_of(b.from) - 1));
        }
        flush(&b);
    }
}

/* A code, the middle between it and the next one, and numbers next to both: of from's own next ones, and, for double,
   of those that float would take for the middle. */
static void boundary(struct batch *b, uint64_t code)
{
    static const int64_t steps[] = {1, 2, 3, 1 << 10, 1 << 27, (1 << 28) - 1};
    const long double here = value_of(b->to, code), next = value_of(b->to, code + 1);
    const uint64_t exact = code_of(b->from, here, rintl), middle = code_of(b->from, (here + next) / 2, rintl);
    const size_t count = b->from == ADADELTA_F64 ? sizeof steps / sizeof *steps : 3;
    assert_true(value_of(b->from, exact) == here && value_of(b->from, middle) == (here + next) / 2);
    for (int negative = 0; negative < 2; negative++) {
        const uint64_t in = negative ? sign_of(b->from) : 0, out = negative ? sign_of(b->to) : 0;
        expect(b, in | exact, out | code);
        expect(b, in | middle, out | (code + (code & 1)));
        for (size_t k = 0; k < count; k++) {
            const uint64_t step = (uint64_t)steps[k];
            expect(b, in | (exact + step), out | code);
            expect(b, in | (middle - step), out | code);
            expect(b, in | (middle + step), out | (code + 1));
        }
    }
}

static void to_nearest_ties_to_even(void **state)
{
    (void)state;
    struct batch b = {.n = 0};
    uint64_t seed = 2;
    FOR_EACH_PAIR(b)
    {
        if (formats[b.to].digits >= formats[b.from].digits)
            continue;
        for (uint64_t code = 0; b.to != ADADELTA_F32 && code < inf_of(b.to); code++)
            boundary(&b, code);
        for (uint64_t exponent = 0; b.to == ADADELTA_F32 && exponent < 255; exponent++)
            for (uint64_t k = 0; k < 10; k++) {
                const uint64_t digits = k < 3 ? k : k < 6 ? 0x7ffffa + k : random_bits(&seed) >> 41;
                boundary(&b, exponent << 23 | (digits & 0x7fffff));
            }
        flush(&b);
    }
}

static void nans_stay_nans(void **state)
{
    (void)state;
    struct batch b = {.n = 0};
    uint64_t seed = 3;
    FOR_EACH_PAIR(b)
    {
        const uint64_t inf = inf_of(b.from), sign = sign_of(b.from), digits = sign - inf - 1;
        for (uint64_t bit = 1; bit <= digits; bit *= 2) {
            expect_oracle(&b, inf | bit);
            expect_oracle(&b, sign | inf | bit);
            expect_oracle(&b, inf | (bit - 1)); /* Inf itself at first */
            expect_oracle(&b, sign | inf | (digits & ~(bit - 1)));
        }
        for (int i = 0; i < 10000; i++)
            expect_oracle(&b, inf | (random_bits(&seed) & (sign | digits)));
        flush(&b);
    }
}

/* ---- A master beside the weights ---- */

static void adopt_takes_changed_weights(void **state)
{
    (void)state;
    enum { N = 4096 };
    static uint32_t master[N], before[N];
    static uint16_t values[N];
    uint64_t seed = 4;
    for (enum adadelta_dtype type = ADADELTA_BF16; type <= ADADELTA_F16; type++)
        for (size_t round = 0; round < 8 * set_count; round++) {
            const struct kernel_set *set = sets[round % set_count];
            for (size_t i = 0; i < N; i++) {
                const uint64_t random = random_bits(&seed);
                before[i] = (uint32_t)random & (random >> 60 ? UINT32_MAX : 0x80000000); /* zeros, too */
                values[i] = (uint16_t)expected_code(type, ADADELTA_F32, before[i]);
                if (random >> 40 & 1)
                    values[i] ^= (uint16_t)(1 << (random >> 41 & 15));
            }
            memcpy(master, before, sizeof master);
            set->adopt[type](N, master, values);
            for (size_t i = 0; i < N; i++) {
                const int same = expected_code(type, ADADELTA_F32, before[i]) == values[i];
                assert_int_equal(master[i], same ? before[i] : expected_code(ADADELTA_F32, type, values[i]));
            }
        }
}

/* ---- Halves ---- */

static void split_and_join(size_t n, const uint32_t *in)
{
    uint32_t out[4096];
    uint16_t values[4096], low[4096];
    for (size_t s = 0; s < set_count; s++) {
        sets[s]->split(n, values, low, in);
        sets[s]->join(n, out, values, low);
        for (size_t i = 0; i < n; i++) {
            if (is_nan(ADADELTA_F32, in[i])) {
                assert_int_equal(out[i], (in[i] & 0x80000000) | 0x7fc00000);
                assert_int_equal(values[i], (in[i] >> 16 & 0x8000) | 0x7fc0);
                continue;
            }
            assert_int_equal(out[i], in[i]);
            assert_int_equal(low[i], in[i] & 0xffff);
            const uint64_t nearest = expected_code(ADADELTA_BF16, ADADELTA_F32, in[i]);
            if (low[i] == 0x8000) /* half-way: the one farther from zero */
                assert_int_equal(values[i], code_of(ADADELTA_BF16, value_of(ADADELTA_F32, in[i]), truncl) + 1);
            else
                assert_int_equal(values[i], nearest);
        }
    }
}

static void halves_are_exact(void **state)
{
    (void)state;
    uint32_t in[4096];
    uint64_t seed = 5;
    const uint32_t lows[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (uint32_t upper = 0; upper < 65536;) {
        size_t n = 0;
        for (; n + 8 <= 4096 && upper < 65536; upper++) {
            for (size_t k = 0; k < 8; k++)
                in[n++] = upper << 16 | (k < 6 ? lows[k] : (uint32_t)(random_bits(&seed) & 0xffff));
        }
        split_and_join(n, in);
    }
}

/* A caller may set weights to zero without knowing of the lower half. */
static void zero_put_over_a_number_joins_to_next_to_zero(void **state)
{
    (void)state;
    for (size_t s = 0; s < set_count; s++)
        for (uint32_t lower = 0; lower < 65536; lower++) {
            const uint16_t values[] = {0, 0x8000}, low[] = {(uint16_t)lower, (uint16_t)lower};
            float x[2];
            sets[s]->join(2, x, values, low);
            assert_true(x[0] >= 0 && x[0] < 0x1p-132f && x[1] <= 0 && x[1] > -0x1p-132f);
        }
}

/* ---- Same bits everywhere ---- */

enum { LONGEST = 67, ROOM = 1024, CANARY = 0xa5 };

enum kind { LOAD, STORE, ADOPT, DITHER, JOIN, SPLIT, KINDS };

/* A function of a set, for a pair of types. */
struct operation {
    enum kind kind;
    enum adadelta_dtype computed, stored;
};

/* The elements of its arrays: what is written, and the rest. 0: it has no such array. */
static size_t element_bytes(const struct operation *o, int array)
{
    const size_t computed = (size_t)formats[o->computed].size, stored = (size_t)formats[o->stored].size;
    const size_t bytes[KINDS][3] = {
        [LOAD] = {computed, stored}, [STORE] = {stored, computed}, [ADOPT] = {4, 2},
        [DITHER] = {2, 4},           [JOIN] = {4, 2, 2},           [SPLIT] = {2, 2, 4},
    };
    return bytes[o->kind][array];
}

/* Number 20 and those behind it lie in another thousand, and have another upper half of their number. */
static void run(const struct kernel_set *set, const struct operation *o, size_t n, void *const a[3])
{
    if (o->kind == LOAD)
        set->load[o->computed][o->stored](n, a[0], a[1]);
    else if (o->kind == STORE)
        set->store[o->computed][o->stored](n, a[0], a[1]);
    else if (o->kind == ADOPT)
        set->adopt[o->stored](n, a[0], a[1]);
    else if (o->kind == DITHER)
        dither(set, o->stored, n, a[0], a[1], 7, ((uint64_t)3 << 32) - 20);
    else if (o->kind == JOIN)
        set->join(n, a[0], a[1], a[2]);
    else
        set->split(n, a[0], a[1], a[2]);
}

static unsigned char *pages[3]; /* one page each, with a forbidden one on either side */
static size_t page_size;

static int prepare(void **state)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    for (int k = 0; k < 3; k++) {
        unsigned char *three = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (three == MAP_FAILED || mprotect(three + page_size, page_size, PROT_READ | PROT_WRITE))
            return -1;
        pages[k] = three + page_size;
    }
    return find_sets(state);
}

/* Element i of an array, the same wherever it stands: any pattern, or a number near 1. The upper halves of a master are
   often the weights. */
static void fill(const struct operation *o, int array, size_t n, unsigned char *p)
{
    const size_t bytes = element_bytes(o, array);
    for (size_t i = 0; bytes && i < n; i++) {
        uint64_t seed = 1000 * i + (o->kind == ADOPT ? 0 : (uint64_t)array);
        const uint64_t any = random_bits(&seed);
        const uint64_t code = i % 3 ? (any & 0x80ffffffffffffff) | 0x3f00000000000000 : any;
        uint64_t element;
        put(bytes == 8   ? ADADELTA_F64
            : bytes == 4 ? ADADELTA_F32
                         : ADADELTA_BF16,
            &element, 0, code >> (64 - 8 * bytes));
        memcpy(p + i * bytes, &element, bytes);
    }
}

/* Arrays at a shift from the first byte of their page, or as far from its last, each at another. */
static void check_place(const struct kernel_set *set, const struct operation *o, size_t n, size_t shift, int back,
                        unsigned char expected[3][LONGEST * 8])
{
    unsigned char *zone[3], untouched[ROOM];
    size_t start[3], bytes[3];
    void *arrays[3];
    memset(untouched, CANARY, ROOM);
    for (int k = 0; k < 3; k++) {
        const size_t own = shift ? shift + (size_t)k * 3 : 0;
        bytes[k] = n * element_bytes(o, k);
        zone[k] = back ? pages[k] + page_size - ROOM : pages[k];
        start[k] = back ? ROOM - bytes[k] - own : own;
        arrays[k] = zone[k] + start[k];
        memset(zone[k], CANARY, ROOM);
        fill(o, k, n, arrays[k]);
    }
    run(set, o, n, arrays);
    for (int k = 0; k < 3; k++) {
        const size_t end = start[k] + bytes[k];
        if (memcmp(arrays[k], expected[k], bytes[k]) || memcmp(zone[k], untouched, start[k]) ||
            memcmp(zone[k] + end, untouched, ROOM - end))
            fail_msg("%s, kind %d, types %d and %d, n %zu, shift %zu %s, array %d", set->isa, (int)o->kind,
                     (int)o->computed, (int)o->stored, n, shift, back ? "back" : "front", k);
    }
}

static void check_operation(const struct operation *o)
{
    static const size_t shifts[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 17, 32, 40};
    static unsigned char expected[3][LONGEST * 8];
    void *arrays[] = {expected[0], expected[1], expected[2]}, *none[3] = {NULL};
    for (int k = 0; k < 3; k++)
        fill(o, k, LONGEST, expected[k]);
    run(&plain, o, LONGEST, arrays);
    for (size_t s = 0; s < set_count; s++) {
        run(sets[s], o, 0, none);
        for (size_t n = 0; n <= LONGEST; n++)
            for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++) {
                check_place(sets[s], o, n, shifts[k], 0, expected);
                check_place(sets[s], o, n, shifts[k], 1, expected);
            }
    }
}

static void same_bits_everywhere(void **state)
{
    (void)state;
    for (enum adadelta_dtype stored = ADADELTA_F32; stored <= ADADELTA_F16; stored++) {
        for (enum adadelta_dtype computed = ADADELTA_F32; computed <= ADADELTA_F64; computed++)
            for (enum kind kind = LOAD; kind <= STORE; kind++)
                check_operation(&(struct operation){kind, computed, stored});
        for (enum kind kind = ADOPT; stored >= ADADELTA_BF16 && kind <= DITHER; kind++)
            check_operation(&(struct operation){kind, ADADELTA_F32, stored});
    }
    check_operation(&(struct operation){JOIN, ADADELTA_F32, ADADELTA_BF16});
    check_operation(&(struct operation){SPLIT, ADADELTA_F32, ADADELTA_BF16});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_bits),
        cmocka_unit_test(random_codes),
        cmocka_unit_test(to_nearest_ties_to_even),
        cmocka_unit_test(nans_stay_nans),
        cmocka_unit_test(adopt_takes_changed_weights),
        cmocka_unit_test(halves_are_exact),
        cmocka_unit_test(zero_put_over_a_number_joins_to_next_to_zero),
        cmocka_unit_test(same_bits_everywhere),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
