/* SPDX-License-Identifier: MIT */
/* The rules and the loop around them, for one type computed in and one way to store the state. No include guard:
   kernels.inc.h reads this once for each, and says what is said here in capitals. */

/* struct coefs, rounded to the type and spread over a word. */
struct COEFS {
    V lr, rho, one_minus_rho, eps, momentum, beta1, one_minus_beta1, beta2, one_minus_beta2;
    V step_size, root_scale, decay_rate;
    V scale, clip, minus_clip, shrink, average_weight;
    enum decay decay;
    int nesterov, prepares, unscale, clips, negate, begins_average;
};

static ALWAYS_INLINE struct COEFS TYPED(spread)(const struct coefs *c)
{
    return (struct COEFS){
        .lr = set((REAL)c->lr),
        .rho = set((REAL)c->rho),
        .one_minus_rho = set((REAL)c->one_minus_rho),
        .eps = set(EPS_OF(c)),
        .momentum = set((REAL)c->momentum),
        .beta1 = set((REAL)c->beta1),
        .one_minus_beta1 = set((REAL)c->one_minus_beta1),
        .beta2 = set((REAL)c->beta2),
        .one_minus_beta2 = set((REAL)c->one_minus_beta2),
        .step_size = set((REAL)c->step_size),
        .root_scale = set((REAL)c->root_scale),
        .decay_rate = set((REAL)c->decay_rate),
        .scale = set((REAL)c->scale),
        .clip = set((REAL)c->clip),
        .minus_clip = set(-(REAL)c->clip),
        .shrink = set((REAL)(c->shrink * c->per_unit)),
        .average_weight = set((REAL)c->average_weight),
        .decay = c->decay,
        .nesterov = c->nesterov,
        .prepares = c->prepares,
        .unscale = c->scale != 1,
        .clips = c->clips,
        .negate = c->negate,
        .begins_average = c->begins_average,
    };
}

#include "../rules/rules.inc.h"

typedef V TYPED(rule)(V x, V g, V s[], const struct COEFS *c);

/* The first count elements, which fit in a word. */
static ALWAYS_INLINE V TYPED(take_word)(const REAL *p, size_t count)
{
    return count == LANES ? load(p) : load_part(p, count);
}

static ALWAYS_INLINE void TYPED(put_word)(REAL *p, V a, size_t count)
{
    if (count == LANES)
        store(p, a);
    else
        store_part(p, a, count);
}

#ifdef PLAIN_STATE
/* State as it is computed; no chance has a part in it. */
static ALWAYS_INLINE void TYPED(take_states)(V s[], size_t states, const struct arrays *a, size_t i, size_t count)
{
    for (size_t k = 0; k < states; k++)
        s[k] = TYPED(take_word)((const REAL *)a->state[k] + i, count);
}

static ALWAYS_INLINE void TYPED(put_states)(const V s[], size_t states, const struct arrays *a, size_t i, size_t count)
{
    for (size_t k = 0; k < states; k++)
        TYPED(put_word)((REAL *)a->state[k] + i, s[k], count);
}
#endif

/* The elements i .. i + count - 1, which fit in a word. Whole words and the end of an array take the same way through
   the same rule, so an element's result does not depend on where it stands. */
static ALWAYS_INLINE void TYPED(word)(TYPED(rule) * rule, size_t states, const struct arrays *a, size_t i, size_t count,
                                      const struct COEFS *c, const struct chance_run *run)
{
    (void)states; /* not all ways of storing look at these */
    (void)run;
    V x = TAKE_X(a, i, count), g = TAKE_GRADIENT(a, i, count), s[MAX_STATES];
    TAKE_STATES(s, states, a, i, count);

    g = RULE(prepare)(g, c);
    RULE(decay)(&x, &g, c);
    x = rule(x, g, s, c);

    PUT_X(a, i, x, count, run);
    PUT_STATES(s, states, a, i, count, run);
    if (a->average) {
        REAL *average = (REAL *)a->average + i;
        TYPED(put_word)(average, RULE(average)(TYPED(take_word)(average, count), x, c), count);
    }
}

/* Asks for what will be read soon of an array, AHEAD elements from number i on, a cache line at a time. */
static ALWAYS_INLINE void TYPED(fetch)(const void *array, size_t size, size_t i)
{
    for (size_t byte = 0; byte < LANES * size; byte += CACHE_LINE)
        prefetch(array, (i + AHEAD) * size + byte);
}

static ALWAYS_INLINE void TYPED(fetch_ahead)(size_t states, const struct arrays *a, size_t i)
{
    TYPED(fetch)(a->x, sizeof(STORED_X), i);
    TYPED(fetch)(a->gradient, GRADIENT_SIZE(a), i);
    for (size_t k = 0; k < states; k++)
        TYPED(fetch)(a->state[k], sizeof(STORED), i);
    if (a->average)
        TYPED(fetch)(a->average, sizeof(REAL), i);
    if (KEPT_SIZE(a))
        TYPED(fetch)(a->kept, KEPT_SIZE(a), i);
}

/* The elements begin .. end - 1 of arrays of n. */
static ALWAYS_INLINE void TYPED(run)(TYPED(rule) * rule, size_t states, const struct arrays *a, size_t begin,
                                     size_t end, size_t n, const struct COEFS *c, const struct chance_run *run)
{
    size_t i = begin;
    for (; end - i >= LANES; i += LANES) {
        if (n - i > AHEAD) /* not behind the arrays' end, where short rows would pay for it */
            TYPED(fetch_ahead)(states, a, i);
        TYPED(word)(rule, states, a, i, LANES, c, run);
    }
    if (i < end)
        TYPED(word)(rule, states, a, i, end - i, c, run);
}

/* rule and states are constants where this is inlined: one loop without calls for each rule. */
static ALWAYS_INLINE void TYPED(all)(TYPED(rule) * rule, size_t states, size_t n, const struct arrays *arrays,
                                     const struct coefs *coefs, const struct chance *chance)
{
    const struct COEFS c = TYPED(spread)(coefs);
    const struct arrays a = *arrays; /* which no store can change */
    struct chance_run run;
    for (size_t i = 0; i < n; i = run.end) {
        run = RUN_FROM(&a, chance, i, n);
        TYPED(run)(rule, states, &a, i, run.end, n, &c, &run);
    }
}

#define DEFINE_KERNEL(method, name, states, first, second)                                                             \
    static void TYPED(name)(size_t n, const struct arrays *arrays, const struct coefs *coefs,                          \
                            const struct chance *chance)                                                               \
    {                                                                                                                  \
        TYPED(all)(RULE(name), states, n, arrays, coefs, chance);                                                      \
    }

RULES(DEFINE_KERNEL)
#undef DEFINE_KERNEL

#undef STORED_X
#undef TAKE_X
#undef TAKE_GRADIENT
#undef PUT_X
#undef KEPT_SIZE
#undef GRADIENT_SIZE
#undef TYPE
