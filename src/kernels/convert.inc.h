/* SPDX-License-Identifier: MIT */
/* Between the types that arrays are stored as and those that are computed in. Plain loops over bit patterns, which the
   compiler turns into vectors for the instruction set of the file that includes this. Integers, and floating-point
   operations that are exact or round once to nearest and neither take nor give a denormal that matters: so every set
   gives the same bits, whether the thread flushes denormals to zero or not. Arrays do not overlap. */

#include <stddef.h>
#include <stdint.h>

#include "../words/builtins.h"

/* ---- Patterns: of arrays of any alignment, and of numbers ---- */

#define PATTERNS(UINT, NAME)                                                                                           \
    static inline UINT get_##NAME(const void *array, size_t i)                                                         \
    {                                                                                                                  \
        UINT pattern;                                                                                                  \
        copy_bytes(&pattern, (const unsigned char *)array + i * sizeof pattern, sizeof pattern);                       \
        return pattern;                                                                                                \
    }                                                                                                                  \
    static inline void put_##NAME(void *array, size_t i, UINT pattern)                                                 \
    {                                                                                                                  \
        copy_bytes((unsigned char *)array + i * sizeof pattern, &pattern, sizeof pattern);                             \
    }

PATTERNS(uint16_t, u16)
PATTERNS(uint32_t, u32)
PATTERNS(uint64_t, u64)
#undef PATTERNS

static inline float f32_of(uint32_t pattern)
{
    float x;
    copy_bytes(&x, &pattern, sizeof x);
    return x;
}

static inline uint32_t pattern_of_f32(float x)
{
    uint32_t pattern;
    copy_bytes(&pattern, &x, sizeof x);
    return pattern;
}

static inline double f64_of(uint64_t pattern)
{
    double x;
    copy_bytes(&x, &pattern, sizeof x);
    return x;
}

static inline uint64_t pattern_of_f64(double x)
{
    uint64_t pattern;
    copy_bytes(&pattern, &x, sizeof x);
    return pattern;
}

/* A pattern without its sign is its magnitude: it grows with the number, Inf is above all numbers, NaNs above Inf. For
   a double they are told from the upper half of it, whose last bit says whether anything is in or below it (rounding to
   odd: what is later rounded to fewer digits comes out as from the whole). */
enum {
    MAGNITUDE = 0x7fffffff,
    F32_INF = 0x7f800000,
    F32_QUIET = 0x00400000,
    F32_NORMAL = 0x00800000,    /* 2^-126, of bf16 too */
    F32_F16_NORMAL = 113 << 23, /* 2^-14 */
    F32_F16_INF = 0x477ff000,   /* 65520, half-way from the largest f16 to what would be the next */
    F32_BF16_LARGEST = 0x7f7f0000,
    F64_INF = 0x7ff00000,
    F64_F32_NORMAL = 897 << 20,
    F64_F16_NORMAL = 1009 << 20,
    BF16_INF = 0x7f80,
    BF16_QUIET = 0x40,
    F16_INF = 0x7c00,
    F16_QUIET = 0x200,
    SIGN_16 = 0x8000,
};

static inline uint32_t upper_half(uint64_t x)
{
    return (uint32_t)(x >> 32) | ((uint32_t)x != 0);
}

static inline double without_sign(uint64_t x)
{
    return f64_of(x & UINT64_MAX >> 1);
}

/* Drops that many bits: to nearest, ties to even. A carry out of the digits makes the exponent one larger, as it
   should. */
static inline uint32_t drop(uint32_t magnitude, int bits)
{
    return (magnitude + (1u << (bits - 1)) - 1 + (magnitude >> bits & 1)) >> bits;
}

static inline uint32_t at_most(uint32_t a, uint32_t most)
{
    return a < most ? a : most;
}

#include "bf16.inc.h"

/* ---- One number to a wider type: exact ---- */

static inline uint32_t f32_from_bf16(uint32_t x)
{
    return widen_bf16_u32(x);
}

static inline uint32_t f32_from_f16(uint32_t x)
{
    const uint32_t magnitude = x & MAGNITUDE >> 16;
    const uint32_t denormal = pattern_of_f32((float)(int32_t)magnitude * 0x1p-24f);
    const uint32_t rebias = (magnitude < F16_INF ? 127 - 15 : 255 - 31) << 23;
    const uint32_t quiet = magnitude > F16_INF ? F32_QUIET : 0;
    return (x & SIGN_16) << 16 | quiet | (magnitude < 0x400 ? denormal : (magnitude << 13) + rebias);
}

/* Whether the CPU's conversions between float and double keep a NaN's payload, as these do. Others (RISC-V,
   WebAssembly) need it done by hand, for a quarter of the step's time more where both types are in it. */
#if defined(__x86_64__) || defined(__aarch64__)
enum { NANS_ARE_KEPT = 1 };
#else
enum { NANS_ARE_KEPT = 0 };
#endif

/* A denormal float is its pattern times 2^-149. The sign goes by itself. */
static inline uint64_t f64_from_f32(uint32_t x)
{
    const uint32_t magnitude = x & MAGNITUDE;
    const uint64_t denormal = pattern_of_f64((double)(int32_t)magnitude * 0x1p-149);
    const uint64_t normal = pattern_of_f64((double)f32_of(magnitude));
    const uint64_t nan = (uint64_t)(magnitude | F32_QUIET) << 29 | (uint64_t)F64_INF << 32;
    const uint64_t number = magnitude < F32_NORMAL ? denormal : normal;
    return (uint64_t)(x & ~(uint32_t)MAGNITUDE) << 32 | (!NANS_ARE_KEPT && magnitude > F32_INF ? nan : number);
}

static inline uint64_t f64_from_bf16(uint32_t x)
{
    return f64_from_f32(f32_from_bf16(x));
}

static inline uint64_t f64_from_f16(uint32_t x)
{
    return f64_from_f32(f32_from_f16(x));
}

/* ---- One number to a narrower type: to nearest, ties to even ---- */

/* Denormals of the narrower type: in a sum with 2^k, where 2^k has the last digit that they have, the addition rounds
   them, and the sum's last digits are the pattern. */

static inline uint32_t f32_from_f64(uint64_t x)
{
    const double magnitude = without_sign(x);
    const uint32_t denormal = (uint32_t)pattern_of_f64(magnitude + 0x1p-97);
    const uint32_t normal = pattern_of_f32((float)magnitude);
    const uint32_t nan = F32_INF | F32_QUIET | (uint32_t)(x >> 29 & (F32_QUIET - 1));
    const uint32_t number = magnitude < 0x1p-126 ? denormal : normal;
    return ((uint32_t)(x >> 32) & ~(uint32_t)MAGNITUDE) | (!NANS_ARE_KEPT && magnitude != magnitude ? nan : number);
}

static inline uint32_t bf16_from_f32(uint32_t x)
{
    return nearest_bf16_u32(x);
}

static inline uint32_t bf16_from_f64(uint64_t x)
{
    const uint32_t upper = upper_half(x), magnitude = upper & MAGNITUDE;
    const uint32_t denormal = (uint32_t)pattern_of_f64(without_sign(x) + 0x1p-81);
    const uint32_t normal = at_most(drop(magnitude, 13) - ((1023 - 127) << 7), BF16_INF);
    const uint32_t number = magnitude < F64_F32_NORMAL ? denormal : normal;
    const uint32_t nan = BF16_INF | BF16_QUIET | (magnitude >> 13 & (BF16_QUIET - 1));
    return (upper >> 16 & SIGN_16) | (magnitude > F64_INF ? nan : number);
}

static inline uint32_t f16_nan(uint32_t magnitude_f32)
{
    return F16_INF | F16_QUIET | (magnitude_f32 >> 13 & (F16_QUIET - 1));
}

static inline uint32_t f16_from_f32(uint32_t x)
{
    const uint32_t magnitude = x & MAGNITUDE;
    const uint32_t denormal = pattern_of_f32(f32_of(magnitude) + 0x1p-1f) & 0xffff;
    const uint32_t normal = at_most(drop(magnitude, 13) - ((127 - 15) << 10), F16_INF);
    const uint32_t number = magnitude < F32_F16_NORMAL ? denormal : normal;
    return (x >> 16 & SIGN_16) | (magnitude > F32_INF ? f16_nan(magnitude) : number);
}

static inline uint32_t f16_from_f64(uint64_t x)
{
    const uint32_t upper = upper_half(x), magnitude = upper & MAGNITUDE;
    const uint32_t denormal = (uint32_t)pattern_of_f64(without_sign(x) + 0x1p28);
    const uint32_t normal = at_most(drop(magnitude, 10) - ((1023 - 15) << 10), F16_INF);
    const uint32_t number = magnitude < F64_F16_NORMAL ? denormal : normal;
    const uint32_t nan = F16_INF | F16_QUIET | (magnitude >> 10 & (F16_QUIET - 1));
    return (upper >> 16 & SIGN_16) | (magnitude > F64_INF ? nan : number);
}

/* ---- One number to 16 bits by chance: up or down so that the mean is the number ---- */

/* chance is 32 random bits. As many as are dropped are added to the digits, and the sum is cut. Above the largest
   number it is to nearest. Without branches for GCC, which cannot make vectors of them here. */

static inline uint32_t dither_bf16(uint32_t x, uint32_t chance)
{
    return bf16_by_chance_u32(x, chance);
}

/* A denormal of f16 is a multiple of 2^-24. What is dropped, the fraction, is exact, and up to 31 bits of it are held
   against the chance. */
static inline uint32_t dither_f16_denormal(uint32_t magnitude, uint32_t chance)
{
    const float multiple = f32_of(magnitude) * 0x1p24f;
    const int32_t whole = (int32_t)multiple;
    const int32_t fraction = (int32_t)((multiple - (float)whole) * 0x1p31f);
    return (uint32_t)(whole + ((int32_t)(chance >> 1) < fraction));
}

/* The number up to the first normal one, and from there: two parts of the pattern, each zero where the other counts. */
static inline uint32_t dither_f16(uint32_t x, uint32_t chance)
{
    const uint32_t magnitude = x & MAGNITUDE;
    const uint32_t below = dither_f16_denormal(at_most(magnitude, F32_F16_NORMAL), chance);
    const uint32_t normal = magnitude > F32_F16_NORMAL ? magnitude : F32_F16_NORMAL;
    const uint32_t above = (normal - F32_F16_NORMAL + (chance & 0x1fff)) >> 13;
    const uint32_t number = at_most(below + above, F16_INF - 1) + (magnitude >= F32_F16_INF);
    return (x >> 16 & SIGN_16) | number | (magnitude > F32_INF ? f16_nan(magnitude) : 0);
}

/* ---- Chance ---- */

/* lowbias32 of Chris Wellons's hash-prospector (public domain). */
static inline uint32_t scatter(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352d;
    x = (x ^ x >> 15) * 0x846ca68b;
    return x ^ x >> 16;
}

/* A key as two words, both with all of it in them, lest neighbouring keys give the same bits to neighbouring numbers.
   The constant, 2^32 divided by the golden ratio, keeps key 0 away from 0, which scatter leaves where it is. */
struct seed {
    uint32_t a, b;
};

static inline struct seed seed_of(uint64_t key)
{
    const uint32_t a = scatter((uint32_t)key + 0x9e3779b9);
    return (struct seed){a, scatter(scatter(a ^ (uint32_t)(key >> 32)))};
}

/* Random number i of a key: 32 bits. After one round of scatter some bits of numbers 2^13 apart agree too often (9
   standard deviations in 2^20 numbers), after two they do not. */
static inline uint32_t chance_of(struct seed seed, uint32_t i)
{
    return scatter(scatter(i + seed.a) ^ seed.b);
}

/* Of elements that lie in one thousand (CHANCES) of their tensor, begin .. end - 1 of the array at hand: the words of
   each array that chance rounds from begin's on, and the key that makes other numbers of them than other thousands
   have.
 */
struct chance_run {
    size_t begin, end;
    const uint32_t *words[ROUNDED_ARRAYS];
    uint32_t keys[ROUNDED_ARRAYS];
};

/* The run from begin on of an array of n; bits: how many the chance of each state has. */
static inline struct chance_run chance_run(const struct chance *chance, size_t begin, size_t n, const unsigned bits[])
{
    const uint64_t first = chance->first + begin, thousand = first / CHANCES;
    const size_t at = (size_t)(first % CHANCES), room = CHANCES - at;
    const uint32_t key = scatter(scatter(chance->salt + (uint32_t)(thousand ^ thousand >> 32)));
    struct chance_run run = {.begin = begin, .end = n - begin < room ? n : begin + room};
    for (size_t k = 0; k < ROUNDED_ARRAYS; k++)
        run.words[k] = chance->words[k] + at;
    run.keys[0] = key >> (32 - bits[0]);
    run.keys[1] = key & ((1u << bits[1]) - 1);
    run.keys[PARAMETERS] = scatter(key);
    return run;
}

/* All elements as one run, of which no chance is wanted. */
static inline struct chance_run all_of(size_t n)
{
    return (struct chance_run){.end = n};
}

/* For the chance of parameters alone. */
static inline struct chance_run parameters_run(const struct chance *chance, size_t begin, size_t n)
{
    static const unsigned bits[MAX_STATES] = {1, 1};
    return chance_run(chance, begin, n, bits);
}

/* Random numbers first .. first + n - 1 of a key. */
static void random_words(uint32_t n, uint32_t *restrict words, uint64_t key, uint32_t first)
{
    const struct seed seed = seed_of(key);
    for (uint32_t i = 0; i < n; i++)
        words[i] = chance_of(seed, first + i);
}

/* ---- Arrays ---- */

/* through: does whole words first, where the set can, and returns the number of elements done. */
#define CONVERT_THROUGH(name, TO, FROM, convert, through)                                                              \
    static void name(size_t n, void *restrict to, const void *restrict from)                                           \
    {                                                                                                                  \
        for (size_t i = through(n, to, from); i < n; i++)                                                              \
            put_##TO(to, i, convert(get_##FROM(from, i)));                                                             \
    }
#define NO_WORDS(n, to, from)            0
#define CONVERT(name, TO, FROM, convert) CONVERT_THROUGH(name, TO, FROM, convert, NO_WORDS)

/* What a CPU with conversions of f16 has in one instruction: the same numbers, as both round to nearest, and the same
   NaNs, made quiet. It does not flush denormals of f16 where the thread asks for that; a denormal float becomes zero
   either way. */
#ifdef F16_WORDS
static inline size_t words_from_f16(size_t n, void *restrict to, const void *restrict from)
{
    size_t i = 0;
    for (; n - i >= LANES_f32; i += LANES_f32)
        store_f32((float *)to + i, load_f16((const unsigned char *)from + i * sizeof(uint16_t)));
    return i;
}

static inline size_t words_to_f16(size_t n, void *restrict to, const void *restrict from)
{
    size_t i = 0;
    for (; n - i >= LANES_f32; i += LANES_f32)
        store_f16((unsigned char *)to + i * sizeof(uint16_t), load_f32((const float *)from + i));
    return i;
}
#else
#define words_from_f16 NO_WORDS
#define words_to_f16   NO_WORDS
#endif

CONVERT(convert_f32_f32, u32, u32, )
CONVERT(convert_f64_f64, u64, u64, )
CONVERT(convert_f32_f64, u32, u64, f32_from_f64)
CONVERT(convert_f64_f32, u64, u32, f64_from_f32)
CONVERT(convert_f32_bf16, u32, u16, f32_from_bf16)
CONVERT_THROUGH(convert_f32_f16, u32, u16, f32_from_f16, words_from_f16)
CONVERT(convert_f64_bf16, u64, u16, f64_from_bf16)
CONVERT(convert_f64_f16, u64, u16, f64_from_f16)
CONVERT(convert_bf16_f32, u16, u32, (uint16_t)bf16_from_f32)
CONVERT(convert_bf16_f64, u16, u64, (uint16_t)bf16_from_f64)
CONVERT_THROUGH(convert_f16_f32, u16, u32, (uint16_t)f16_from_f32, words_to_f16)
CONVERT(convert_f16_f64, u16, u64, (uint16_t)f16_from_f64)
#undef CONVERT
#undef CONVERT_THROUGH
#undef NO_WORDS
#ifndef F16_WORDS
#undef words_from_f16
#undef words_to_f16
#endif

/* Adopting looks at so many weights at once, as many as a step has in its buffers; nearly always all are as they were
   left. */
enum { ADOPTED = 256 };

#define WEIGHTS(TYPE)                                                                                                  \
    static void adopt_##TYPE(size_t n, void *restrict master, const void *restrict values)                             \
    {                                                                                                                  \
        uint16_t nearest[ADOPTED];                                                                                     \
        for (size_t i = 0; i < n; i += ADOPTED) {                                                                      \
            const size_t count = n - i < ADOPTED ? n - i : ADOPTED;                                                    \
            uint16_t differs = 0;                                                                                      \
            convert_##TYPE##_f32(count, nearest, (const unsigned char *)master + i * sizeof(uint32_t));                \
            for (size_t k = 0; k < count; k++)                                                                         \
                differs |= (uint16_t)(nearest[k] ^ get_u16(values, i + k));                                            \
            for (size_t k = 0; differs && k < count; k++) {                                                            \
                if (nearest[k] != get_u16(values, i + k))                                                              \
                    put_u32(master, i + k, f32_from_##TYPE(get_u16(values, i + k)));                                   \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void dither_array_##TYPE(size_t n, void *restrict to, const void *restrict from,                            \
                                    const struct chance *chance)                                                       \
    {                                                                                                                  \
        struct chance_run run;                                                                                         \
        for (size_t begin = 0; begin < n; begin = run.end) {                                                           \
            run = parameters_run(chance, begin, n);                                                                    \
            const uint32_t *restrict words = run.words[PARAMETERS], key = run.keys[PARAMETERS];                        \
            for (size_t i = 0; i < run.end - begin; i++)                                                               \
                put_u16(to, begin + i, (uint16_t)dither_##TYPE(get_u32(from, begin + i), words[i] ^ key));             \
        }                                                                                                              \
    }

WEIGHTS(bf16)
WEIGHTS(f16)
#undef WEIGHTS

static void split(size_t n, void *restrict values, void *restrict low, const void *restrict x)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t kept = splittable_bf16_u32(get_u32(x, i));
        put_u16(values, i, (uint16_t)upper_bf16_u32(kept));
        put_u16(low, i, (uint16_t)kept);
    }
}

static void join(size_t n, void *restrict x, const void *restrict values, const void *restrict low)
{
    for (size_t i = 0; i < n; i++)
        put_u32(x, i, join_bf16_u32(get_u16(values, i), get_u16(low, i)));
}

/* The members of struct kernel_set that are filled here. */
#define CONVERSIONS                                                                                                    \
    .load = {[ADADELTA_F32] = {[ADADELTA_F32] = convert_f32_f32,                                                       \
                               [ADADELTA_F64] = convert_f32_f64,                                                       \
                               [ADADELTA_BF16] = convert_f32_bf16,                                                     \
                               [ADADELTA_F16] = convert_f32_f16},                                                      \
             [ADADELTA_F64] = {[ADADELTA_F32] = convert_f64_f32,                                                       \
                               [ADADELTA_F64] = convert_f64_f64,                                                       \
                               [ADADELTA_BF16] = convert_f64_bf16,                                                     \
                               [ADADELTA_F16] = convert_f64_f16}},                                                     \
    .store = {[ADADELTA_F32] = {[ADADELTA_F32] = convert_f32_f32,                                                      \
                                [ADADELTA_F64] = convert_f64_f32,                                                      \
                                [ADADELTA_BF16] = convert_bf16_f32,                                                    \
                                [ADADELTA_F16] = convert_f16_f32},                                                     \
              [ADADELTA_F64] = {[ADADELTA_F32] = convert_f32_f64,                                                      \
                                [ADADELTA_F64] = convert_f64_f64,                                                      \
                                [ADADELTA_BF16] = convert_bf16_f64,                                                    \
                                [ADADELTA_F16] = convert_f16_f64}},                                                    \
    .adopt = {[ADADELTA_BF16] = adopt_bf16, [ADADELTA_F16] = adopt_f16},                                               \
    .dither = {[ADADELTA_BF16] = dither_array_bf16, [ADADELTA_F16] = dither_array_f16}, .join = join, .split = split,  \
    .draw = random_words
