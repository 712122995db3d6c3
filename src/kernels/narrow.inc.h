/* SPDX-License-Identifier: MIT */
/* Storage words of BF16 parameters, in the ways that these can be kept (enum adadelta_weights), and of their gradients:
   four registers of floats at a time, count elements from number i on. Behind an array's end zeros are read and nothing
   is written. */

BF16_PATTERNS(vec_u32, vec_i32, words)
#undef BF16_PATTERNS

/* An array of 16 bits from element i on where a whole word of it is there; else its rest, filled up with zeros. */
static ALWAYS_INLINE const uint16_t *whole_word(const void *array, size_t i, size_t count, uint16_t rest[])
{
    const uint16_t *p = (const uint16_t *)array + i;
    if (count == FOUR_LANES_f32)
        return p;
    for (size_t k = 0; k < FOUR_LANES_f32; k++)
        rest[k] = 0;
    copy_bytes(rest, p, count * sizeof *p);
    return rest;
}

/* Register by register: at is where its elements begin in the word. */
#define FOUR_REGISTERS(give)                                                                                           \
    (four_f32)                                                                                                         \
    {                                                                                                                  \
        give(a, 0), give(b, LANES_f32), give(c, 2 * LANES_f32), give(d, 3 * LANES_f32)                                 \
    }

/* A NaN need not be made quiet: the rule's arithmetic does that. */
static ALWAYS_INLINE four_f32 take_bf16(const void *array, size_t i, size_t count)
{
    uint16_t rest[FOUR_LANES_f32];
    const uint16_t *p = whole_word(array, i, count, rest);
#define WIDENED(part, at) float_of(load_u16(p + (at)) << 16)
    return FOUR_REGISTERS(WIDENED);
#undef WIDENED
}

static ALWAYS_INLINE four_f32 take_joined(const struct arrays *arrays, size_t i, size_t count)
{
    uint16_t rest_upper[FOUR_LANES_f32], rest_lower[FOUR_LANES_f32];
    const uint16_t *upper = whole_word(arrays->x, i, count, rest_upper);
    const uint16_t *lower = whole_word(arrays->kept, i, count, rest_lower);
#define JOINED(part, at) float_of(join_bf16_words(load_u16(upper + (at)), load_u16(lower + (at))))
    return FOUR_REGISTERS(JOINED);
#undef JOINED
}

static ALWAYS_INLINE four_f32 take_master(const struct arrays *arrays, size_t i, size_t count)
{
    uint16_t rest[FOUR_LANES_f32];
    const uint16_t *p = whole_word(arrays->x, i, count, rest);
    const four_f32 master = four_load_part_f32((const float *)arrays->kept + i, count);
#define ADOPTED_WORD(part, at) float_of(adopted_bf16_words(bits_of(master.part), load_u16(p + (at))))
    return FOUR_REGISTERS(ADOPTED_WORD);
#undef ADOPTED_WORD
}

static ALWAYS_INLINE four_f32 take_parameters(const struct arrays *arrays, size_t i, size_t count)
{
    if (arrays->weights == ADADELTA_WEIGHTS_MASTER)
        return take_master(arrays, i, count);
    if (arrays->weights == ADADELTA_WEIGHTS_SPLIT)
        return take_joined(arrays, i, count);
    return take_bf16(arrays->x, i, count);
}

static ALWAYS_INLINE four_f32 take_gradients(const struct arrays *arrays, size_t i, size_t count)
{
    return arrays->float_gradient ? four_load_part_f32((const float *)arrays->gradient + i, count)
                                  : take_bf16(arrays->gradient, i, count);
}

/* Puts a word together where its end is not the array's. */
#define PUT_REGISTERS(array, i, count, give)                                                                           \
    do {                                                                                                               \
        uint16_t rest[FOUR_LANES_f32], *p = (uint16_t *)(array) + (i);                                                 \
        uint16_t *to = (count) == FOUR_LANES_f32 ? p : rest;                                                           \
        store_u16(to, give(a, 0));                                                                                     \
        store_u16(to + LANES_f32, give(b, LANES_f32));                                                                 \
        store_u16(to + 2 * LANES_f32, give(c, 2 * LANES_f32));                                                         \
        store_u16(to + 3 * LANES_f32, give(d, 3 * LANES_f32));                                                         \
        if (to == rest)                                                                                                \
            copy_bytes(p, rest, (count) * sizeof *p);                                                                  \
    } while (0)

static ALWAYS_INLINE void put_nearest(void *array, size_t i, four_f32 x, size_t count)
{
#define NEAREST_WORD(part, at) nearest_bf16_words(bits_of(x.part))
    PUT_REGISTERS(array, i, count, NEAREST_WORD);
#undef NEAREST_WORD
}

static ALWAYS_INLINE void put_by_chance(void *array, size_t i, four_f32 x, size_t count, const struct chance_run *run)
{
    const uint32_t *words = run->words[PARAMETERS] + (i - run->begin), key = run->keys[PARAMETERS];
#define BY_CHANCE(part, at) bf16_by_chance_words(bits_of(x.part), load_u32(words + (at)) ^ key)
    PUT_REGISTERS(array, i, count, BY_CHANCE);
#undef BY_CHANCE
}

static ALWAYS_INLINE void put_split(const struct arrays *arrays, size_t i, four_f32 x, size_t count)
{
#define UPPER(part, at) upper_bf16_words(splittable_bf16_words(bits_of(x.part)))
#define LOWER(part, at) (splittable_bf16_words(bits_of(x.part)) & 0xffff)
    PUT_REGISTERS(arrays->x, i, count, UPPER);
    PUT_REGISTERS(arrays->kept, i, count, LOWER);
#undef UPPER
#undef LOWER
}

static ALWAYS_INLINE void put_parameters(const struct arrays *arrays, size_t i, four_f32 x, size_t count,
                                         const struct chance_run *run)
{
    if (arrays->weights == ADADELTA_WEIGHTS_STOCHASTIC) {
        put_by_chance(arrays->x, i, x, count, run);
    } else if (arrays->weights == ADADELTA_WEIGHTS_SPLIT) {
        put_split(arrays, i, x, count);
    } else {
        put_nearest(arrays->x, i, x, count);
        if (arrays->weights == ADADELTA_WEIGHTS_MASTER)
            four_store_part_f32((float *)arrays->kept + i, x, count);
    }
}

/* State of BF16, to nearest. */
static ALWAYS_INLINE void take_bf16_states(four_f32 s[], size_t states, const struct arrays *arrays, size_t i,
                                           size_t count)
{
    for (size_t k = 0; k < states; k++)
        s[k] = take_bf16(arrays->state[k], i, count);
}

static ALWAYS_INLINE void put_bf16_states(const four_f32 s[], size_t states, const struct arrays *arrays, size_t i,
                                          size_t count)
{
    for (size_t k = 0; k < states; k++)
        put_nearest(arrays->state[k], i, s[k], count);
}

/* Bytes beside an element, by the way it is kept. */
static const unsigned char kept_sizes[] = {[ADADELTA_WEIGHTS_MASTER] = 4,
                                           [ADADELTA_WEIGHTS_SPLIT] = 2,
                                           [ADADELTA_WEIGHTS_STOCHASTIC] = 0,
                                           [ADADELTA_WEIGHTS_NEAREST] = 0};
