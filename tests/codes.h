/* SPDX-License-Identifier: MIT */
/*
 * State in codes once more, one element at a time, written from docs/lowbit.md: what a code means, how a number becomes
 * one, the chance of every element, and Adadelta's step on them. Results are bits, not bounds, so the arithmetic is the
 * documented one in float. Nothing here is shared with the library but the public header.
 */
#ifndef ADADELTA_TESTS_CODES_H
#define ADADELTA_TESTS_CODES_H

#include "oracle.h"

/* ---- The types ---- */

enum { V, U, STATES };

static inline uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The table of docs/lowbit.md, by array. */
struct code_type {
    enum adadelta_dtype dtype;
    int dropped[STATES];   /* bits */
    float least[STATES];   /* the number at the lower end */
    float largest[STATES]; /* and at the upper one */
    uint32_t flip[STATES]; /* what turns the place of a number from there into its code */
    uint32_t last;         /* the largest code */
    int keeps_ratio;       /* u is kept as (u + 1)/(v + 1) */
    double most;           /* gradient, in roots of eps */
    int chances;           /* of an element: 1 serves v and u */
};

enum { CODE_TYPES = 2 };

static const struct code_type code_types[CODE_TYPES] = {
    {ADADELTA_U16, {13, 13}, {1, 1}, {0x1.ffcp63f, 0x1.ffcp63f}, {0, 0}, 65535, 0, 0.875 * 4294967296.0, 1},
    {ADADELTA_U8, {20, 21}, {1, 0x1p-32f}, {0x1.ep31f, 0x1.cp31f}, {0, 0x80}, 255, 1, 57344, 2},
};

static inline uint32_t code_at(const struct code_type *type, const void *codes, size_t i)
{
    uint16_t wide;
    if (type->dtype == ADADELTA_U8)
        return ((const uint8_t *)codes)[i];
    memcpy(&wide, (const char *)codes + i * sizeof wide, sizeof wide);
    return wide;
}

static inline void put_code(const struct code_type *type, void *codes, size_t i, uint32_t code)
{
    const uint16_t wide = (uint16_t)code;
    if (type->dtype == ADADELTA_U8)
        ((uint8_t *)codes)[i] = (uint8_t)code;
    else
        memcpy((char *)codes + i * sizeof wide, &wide, sizeof wide);
}

static inline size_t code_size(const struct code_type *type)
{
    return type->dtype == ADADELTA_U8 ? 1 : 2;
}

/* ---- A code and its number ---- */

static inline float kept_number(const struct code_type *type, int k, uint32_t code)
{
    return float_of_bits(bits_of_float(type->least[k]) + ((code ^ type->flip[k]) << type->dropped[k]));
}

/* What is kept is a number from least on; a NaN's pattern is above all of them. */
static inline uint32_t kept_code(const struct code_type *type, int k, float number, uint32_t chance)
{
    const uint32_t place = (bits_of_float(number) - bits_of_float(type->least[k]) + chance) >> type->dropped[k];
    return (place < type->last ? place : type->last) ^ type->flip[k];
}

/* v and u of an element, in units of eps. */
struct means {
    float s[STATES];
};

static inline struct means means_of(const struct code_type *type, const uint32_t code[STATES])
{
    const float w = kept_number(type, V, code[V]), kept = kept_number(type, U, code[U]);
    return (struct means){{w - 1, (type->keeps_ratio ? kept * w : kept) - 1}};
}

/* The ratio between its ends; one that is no number goes to the lower. */
static inline float bounded_ratio(const struct code_type *type, float ratio)
{
    const float above = ratio > type->least[U] ? ratio : type->least[U];
    return above < type->largest[U] ? above : type->largest[U];
}

static inline void codes_of(const struct code_type *type, struct means means, const uint32_t chance[STATES],
                            uint32_t code[STATES])
{
    const float w = means.s[V] + 1, u = means.s[U] + 1;
    code[V] = kept_code(type, V, w, chance[V]);
    code[U] = kept_code(type, U, type->keeps_ratio ? bounded_ratio(type, u / w) : u, chance[U]);
}

/* ---- Chance ---- */

/* lowbias32 (Wellons, hash-prospector). */
static inline uint32_t hash_32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

/* What splitmix64 makes of its counter. */
static inline uint64_t hash_64(uint64_t z)
{
    z ^= z >> 30;
    z *= 0xbf58476d1ce4e5b9u;
    z ^= z >> 27;
    z *= 0x94d049bb133111ebu;
    z ^= z >> 31;
    return z;
}

/* FNV-1a. */
static inline uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) {
        hash ^= (unsigned char)*name;
        hash *= 0x100000001b3u;
    }
    return hash;
}

/* What the chance of a step of a tensor comes from. */
static inline uint64_t step_key(uint64_t seed, const char *name, uint64_t steps)
{
    return hash_64(hash_64(hash_64(seed + 0x9e3779b97f4a7c15u) + hash_name(name)) + steps);
}

/* Random word number at (0 to 1023) of an array; the second array's follow 64 behind the first one's. */
static inline uint32_t random_word(uint64_t key, int k, uint32_t at)
{
    const uint32_t a = hash_32((uint32_t)key + 0x9e3779b9u), b = hash_32(hash_32(a ^ (uint32_t)(key >> 32)));
    return hash_32(hash_32(at + (k == U ? 1024 + 64 : 0) + a) ^ b);
}

/* What a thousand changes its words by: the first bits of its hash for v, the last ones for u. */
static inline uint32_t thousand_key(const struct code_type *type, uint32_t salt, int k, uint64_t thousand)
{
    const uint32_t hash = hash_32(hash_32(salt + ((uint32_t)thousand ^ (uint32_t)(thousand >> 32))));
    return k == V ? hash >> (32 - type->dropped[V]) : hash & ((1u << type->dropped[U]) - 1);
}

/* An element's chance, from the words' key and the salt. */
static inline uint32_t chance_from_words(const struct code_type *type, uint64_t words, uint32_t salt, int k, uint64_t i)
{
    k = k < type->chances ? k : V;
    return random_word(words, k, (uint32_t)(i % 1024)) >> (32 - type->dropped[k]) ^
           thousand_key(type, salt, k, i / 1024);
}

static inline void element_chance(const struct code_type *type, uint64_t key, uint64_t turn, uint64_t i,
                                  uint32_t chance[STATES])
{
    const uint32_t salt = (uint32_t)hash_64(hash_64(key + turn) + 2);
    for (int k = 0; k < STATES; k++)
        chance[k] = chance_from_words(type, hash_64(hash_64(key) + 1), salt, k, i + 331 * turn);
}

/* ---- Adadelta's step ---- */

/* The numbers of a step, in the order in which the library forms them in double. */
struct code_step {
    double lr, rho, one_minus_rho, decay, scale, clip, factor;
    int coupled, decoupled, maximize;
};

static inline struct code_step code_step_of(const struct code_type *type, const struct adadelta_hyper *h, double rate,
                                            const struct adadelta_gradients *gradients)
{
    const double root = sqrt(h->eps), lr = h->lr * rate, most = type->most * root;
    const int looks = gradients->nonfinite != ADADELTA_NONFINITE_PROPAGATE;
    struct code_step step = {.lr = lr * root,
                             .rho = h->rho,
                             .one_minus_rho = 1 - h->rho,
                             .scale = gradients->scale,
                             .clip = gradients->clip_value > 0 ? gradients->clip_value : (double)INFINITY,
                             .factor = 1 / root,
                             .coupled = h->weight_decay != 0 && !h->decoupled,
                             .decoupled = h->weight_decay != 0 && h->decoupled,
                             .maximize = h->maximize};
    step.decay = h->decoupled ? lr * h->weight_decay : h->weight_decay / root;
    if (!looks && !(step.clip < most))
        step.clip = most;
    return step;
}

/* In the type computed in, with every operation rounded to it. s comes and goes in units of eps. */
#define CODE_RULE(NAME, REAL, ROOT)                                                                                    \
    static inline REAL NAME(const struct code_step *c, REAL x, REAL g, REAL s[STATES])                                 \
    {                                                                                                                  \
        const REAL rho = (REAL)c->rho, rest = (REAL)c->one_minus_rho, decay = (REAL)c->decay, clip = (REAL)c->clip;    \
        g = g / (REAL)c->scale;                                                                                        \
        g = g > clip ? clip : g < -clip ? -clip : g;                                                                   \
        g = g * (REAL)c->factor;                                                                                       \
        g = c->maximize ? -g : g;                                                                                      \
        g = c->coupled ? g + decay * x : g;                                                                            \
        x = c->decoupled ? x - decay * x : x;                                                                          \
        const REAL v = rho * s[V] + rest * (g * g);                                                                    \
        const REAL d = ROOT((s[U] + 1) / (v + 1)) * g;                                                                 \
        s[U] = rho * s[U] + rest * (d * d);                                                                            \
        s[V] = v;                                                                                                      \
        return x - (REAL)c->lr * d;                                                                                    \
    }
CODE_RULE(code_rule_f32, float, sqrtf)
CODE_RULE(code_rule_f64, double, sqrt)
#undef CODE_RULE

/* A tensor that the oracle steps. x is F32 or F64; codes are as the library's arrays. */
struct code_tensor {
    const struct code_type *type;
    enum adadelta_dtype dtype;
    uint64_t seed, steps, rewrites; /* rewrites: of codes between steps */
    const char *name;
    size_t n;
    void *x, *codes[STATES];
};

static inline void step_element(const struct code_tensor *t, const struct code_step *step, uint64_t key, uint64_t turn,
                                size_t i, double gradient)
{
    uint32_t chance[STATES], code[STATES];
    for (int k = 0; k < STATES; k++)
        code[k] = code_at(t->type, t->codes[k], i);
    struct means means = means_of(t->type, code);
    const double x = load_element(t->dtype, t->x, i);
    if (t->dtype == ADADELTA_F64) {
        double s[STATES] = {means.s[V], means.s[U]};
        store_element(t->dtype, t->x, i, code_rule_f64(step, x, gradient, s));
        means = (struct means){{(float)s[V], (float)s[U]}};
    } else {
        store_element(t->dtype, t->x, i, (double)code_rule_f32(step, (float)x, (float)gradient, means.s));
    }
    element_chance(t->type, key, turn, i, chance);
    codes_of(t->type, means, chance, code);
    for (int k = 0; k < STATES; k++)
        put_code(t->type, t->codes[k], i, code[k]);
}

/* A step with a dense gradient of the type of x. */
static inline void code_tensor_step(struct code_tensor *t, const struct code_step *step, const void *gradient)
{
    const uint64_t key = step_key(t->seed, t->name, t->steps++);
    for (size_t i = 0; i < t->n; i++)
        step_element(t, step, key, 0, i, load_element(t->dtype, gradient, i));
}

/* Into units of another eps. Rounding between steps counts turns from the last number down. */
static inline void code_tensor_change_eps(struct code_tensor *t, double from, double to)
{
    const uint64_t key = step_key(t->seed, t->name, t->steps), turn = UINT64_MAX - t->rewrites++;
    for (size_t i = 0; i < t->n; i++) {
        uint32_t chance[STATES], code[STATES];
        for (int k = 0; k < STATES; k++)
            code[k] = code_at(t->type, t->codes[k], i);
        struct means means = means_of(t->type, code);
        const double v = means.s[V] * (from / to), u = means.s[U] * (from / to), least = from / to < 2 ? -1 : -0.5;
        means.s[V] = (float)(v < 0x1p100 ? v : 0x1p100);
        means.s[U] = (float)(u < least ? least : u < 0x1p100 ? u : 0x1p100);
        element_chance(t->type, key, turn, i, chance);
        codes_of(t->type, means, chance, code);
        for (int k = 0; k < STATES; k++)
            put_code(t->type, t->codes[k], i, code[k]);
    }
}

#endif
