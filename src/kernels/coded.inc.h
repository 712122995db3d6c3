/* SPDX-License-Identifier: MIT */
/* Storage words of coded state (docs/lowbit.md): the two means of squares of a rule, v and u, in units of eps. Numbers
   are kept as the patterns of floats, without their last bits and within bounds:

       v        as v + 1: code 0 is 0 exactly, and the spacing is finest where v beside eps counts
       u, U16   as u + 1
       u, U8    as the ratio q = (u + 1)/(v + 1), whose root a gradient is multiplied by; code 0 is 1

   q moves slowly, and what v loses by rounding does not add up in it; u by itself would drift with so few bits.

   What is dropped decides by chance: a random number of as many bits is added before, so that the mean is exact.

   Of U16 one chance serves v and u: what decides over the step is their ratio, which then gets less of it.

   No include guard: read once a format, with CODE (u16, u8), its CODE_TYPE, and for v and u: how many bits are DROPPED,
   the pattern of the LEAST number, and for u the code of that number, FIRST_U, how it comes from what is kept, and the
   number of its chance. */

#define CODED(name) PASTE(name, CODE)

/* ---- Chance ---- */

static inline struct chance_run CODED(chance_run)(const struct chance *chance, size_t begin, size_t n)
{
    static const unsigned dropped[MAX_STATES] = {DROPPED_V, DROPPED_U};
    return chance_run(chance, begin, n, dropped);
}

/* Random numbers of as many bits as are dropped, less the pattern that codes begin at, which encoding takes off. */
static void CODED(chances)(uint32_t n, uint32_t words[][CHANCE_ROOM], uint64_t key)
{
    random_words(n, words[0], key, 0);
    for (uint32_t i = 0; i < n; i++)
        words[0][i] = (words[0][i] >> (32 - DROPPED_V)) - LEAST_V;
    if (CHANCE_OF_U == 0)
        return;
    random_words(n, words[1], key, CHANCE_ROOM);
    for (uint32_t i = 0; i < n; i++)
        words[1][i] = (words[1][i] >> (32 - DROPPED_U)) - LEAST_U;
}

/* ---- One register ---- */

static ALWAYS_INLINE vec_f32 CODED(decoded_v)(const CODE_TYPE *p)
{
    return float_of((CODED(load)(p) << DROPPED_V) + LEAST_V);
}

static ALWAYS_INLINE vec_f32 CODED(decoded_u)(const CODE_TYPE *p)
{
    return float_of(((CODED(load)(p) ^ FIRST_U) << DROPPED_U) + LEAST_U);
}

static ALWAYS_INLINE void CODED(encode_v)(CODE_TYPE *p, vec_f32 number, vec_u32 chance)
{
    CODED(store)(p, (bits_of(number) + chance) >> DROPPED_V);
}

static ALWAYS_INLINE void CODED(encode_u)(CODE_TYPE *p, vec_f32 number, vec_u32 chance)
{
    CODED(store)(p, ((bits_of(number) + chance) >> DROPPED_U) ^ FIRST_U);
}

/* ---- Four registers, as the rules have them. Behind an array's end zeros are read and nothing is written ---- */

#define FOUR_CODES(part)                                                                                               \
    static ALWAYS_INLINE four_f32 CODED(take_##part)(const CODE_TYPE *p, size_t count)                                 \
    {                                                                                                                  \
        CODE_TYPE rest[FOUR_LANES_f32];                                                                                \
        if (count < FOUR_LANES_f32) {                                                                                  \
            for (size_t i = 0; i < FOUR_LANES_f32; i++)                                                                \
                rest[i] = 0;                                                                                           \
            copy_bytes(rest, p, count * sizeof *p);                                                                    \
            p = rest;                                                                                                  \
        }                                                                                                              \
        return (four_f32){CODED(decoded_##part)(p), CODED(decoded_##part)(p + LANES_f32),                              \
                          CODED(decoded_##part)(p + 2 * LANES_f32), CODED(decoded_##part)(p + 3 * LANES_f32)};         \
    }                                                                                                                  \
    static ALWAYS_INLINE void CODED(put_##part)(CODE_TYPE * p, four_f32 x, size_t count, const uint32_t *words,        \
                                                uint32_t key)                                                          \
    {                                                                                                                  \
        CODE_TYPE rest[FOUR_LANES_f32], *to = count < FOUR_LANES_f32 ? rest : p;                                       \
        CODED(encode_##part)(to, x.a, load_u32(words) ^ key);                                                          \
        CODED(encode_##part)(to + LANES_f32, x.b, load_u32(words + LANES_f32) ^ key);                                  \
        CODED(encode_##part)(to + 2 * LANES_f32, x.c, load_u32(words + 2 * LANES_f32) ^ key);                          \
        CODED(encode_##part)(to + 3 * LANES_f32, x.d, load_u32(words + 3 * LANES_f32) ^ key);                          \
        if (to == rest)                                                                                                \
            copy_bytes(p, rest, count * sizeof *p);                                                                    \
    }
FOUR_CODES(v)
FOUR_CODES(u)
#undef FOUR_CODES

/* The elements from number i on, count of them, that lie in the run. */
static ALWAYS_INLINE void CODED(take_states)(four_f32 s[], const void *v_codes, const void *u_codes, size_t i,
                                             size_t count)
{
    const four_f32 one = four_set_f32(1), v = CODED(take_v)((const CODE_TYPE *)v_codes + i, count);
    s[0] = four_sub_f32(v, one);
    s[1] = four_sub_f32(U_FROM_KEPT(CODED(take_u)((const CODE_TYPE *)u_codes + i, count), v), one);
}

static ALWAYS_INLINE void CODED(put_states)(const four_f32 s[], void *v_codes, void *u_codes, size_t i, size_t count,
                                            const struct chance_run *run)
{
    const size_t at = i - run->begin;
    const four_f32 one = four_set_f32(1), v = four_add_f32(s[0], one), u = four_add_f32(s[1], one);
    CODED(put_v)((CODE_TYPE *)v_codes + i, v, count, run->words[0] + at, run->keys[0]);
    CODED(put_u)
    ((CODE_TYPE *)u_codes + i, KEPT_OF_U(u, v), count, run->words[CHANCE_OF_U] + at, run->keys[CHANCE_OF_U]);
}

/* ---- Arrays ---- */

static void CODED(decode)(size_t n, float *const to[], void *const codes[], float unit)
{
    const four_f32 units = four_set_f32(unit);
    for (size_t i = 0; i < n; i += FOUR_LANES_f32) {
        const size_t count = n - i < FOUR_LANES_f32 ? n - i : FOUR_LANES_f32;
        four_f32 s[MAX_STATES];
        CODED(take_states)(s, codes[0], codes[1], i, count);
        for (size_t k = 0; k < MAX_STATES; k++)
            four_store_part_f32(to[k] + i, four_mul_f32(units, s[k]), count);
    }
}

static void CODED(encode)(size_t n, void *const codes[], float *const from[], float rate, const struct chance *chance)
{
    const four_f32 rates = four_set_f32(rate);
    struct chance_run run;
    for (size_t begin = 0; begin < n; begin = run.end) {
        run = CODED(chance_run)(chance, begin, n);
        for (size_t i = begin; i < run.end; i += FOUR_LANES_f32) {
            const size_t count = run.end - i < FOUR_LANES_f32 ? run.end - i : FOUR_LANES_f32;
            four_f32 s[MAX_STATES];
            for (size_t k = 0; k < MAX_STATES; k++)
                s[k] = four_mul_f32(rates, four_load_part_f32(from[k] + i, count));
            CODED(put_states)(s, codes[0], codes[1], i, count, &run);
        }
    }
}

#undef CODED
#undef CODE
#undef CODE_TYPE
#undef DROPPED_V
#undef LEAST_V
#undef DROPPED_U
#undef LEAST_U
#undef FIRST_U
#undef U_FROM_KEPT
#undef KEPT_OF_U
#undef CHANCE_OF_U
