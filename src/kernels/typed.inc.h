/* SPDX-License-Identifier: MIT */
/* The rules and the loop around them, for one type. No include guard: kernels.inc.h reads this once a type. */

/* struct coefs, rounded to the type and spread over a word. */
struct COEFS {
    V lr, rho, one_minus_rho, eps, momentum, beta1, one_minus_beta1, beta2, one_minus_beta2;
    V step_size, root_scale, decay_rate;
    V scale, clip, minus_clip, shrink, average_weight;
    enum decay decay;
    int nesterov, prepares, unscale, negate, begins_average;
};

static ALWAYS_INLINE struct COEFS TYPED(spread)(const struct coefs *c)
{
    return (struct COEFS){
        .lr = set((REAL)c->lr),
        .rho = set((REAL)c->rho),
        .one_minus_rho = set((REAL)c->one_minus_rho),
        .eps = set((REAL)c->eps),
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
        .shrink = set((REAL)c->shrink),
        .average_weight = set((REAL)c->average_weight),
        .decay = c->decay,
        .nesterov = c->nesterov,
        .prepares = c->prepares,
        .unscale = c->scale != 1,
        .negate = c->negate,
        .begins_average = c->begins_average,
    };
}

#include "../rules/rules.inc.h"

typedef V TYPED(rule)(V x, V g, V s[], const struct COEFS *c);

/* The arrays of one update. */
struct TYPED(arrays) {
    REAL *x;
    const REAL *g;
    REAL *state[MAX_STATES];
    REAL *average; /* or NULL */
};

/* The first count elements, which fit in a word. */
static ALWAYS_INLINE V TYPED(take)(const REAL *p, size_t count)
{
    return count == LANES ? load(p) : load_part(p, count);
}

static ALWAYS_INLINE void TYPED(put)(REAL *p, V a, size_t count)
{
    if (count == LANES)
        store(p, a);
    else
        store_part(p, a, count);
}

/* The elements i .. i + count - 1, which fit in a word. Whole words and the end of an array take the same way through
   the same rule, so an element's result does not depend on where it stands. */
static ALWAYS_INLINE void TYPED(word)(TYPED(rule) * rule, size_t states, const struct TYPED(arrays) * a, size_t i,
                                      size_t count, const struct COEFS *c)
{
    V x = TYPED(take)(a->x + i, count), g = TYPED(take)(a->g + i, count), s[MAX_STATES];
    for (size_t k = 0; k < states; k++)
        s[k] = TYPED(take)(a->state[k] + i, count);

    g = RULE(prepare)(g, c);
    RULE(decay)(&x, &g, c);
    x = rule(x, g, s, c);

    TYPED(put)(a->x + i, x, count);
    for (size_t k = 0; k < states; k++)
        TYPED(put)(a->state[k] + i, s[k], count);
    if (a->average)
        TYPED(put)(a->average + i, RULE(average)(TYPED(take)(a->average + i, count), x, c), count);
}

/* Asks for what will be read soon, a cache line at a time. */
static ALWAYS_INLINE void TYPED(fetch_ahead)(size_t states, const struct TYPED(arrays) * a, size_t i)
{
    for (size_t line = i; line < i + LANES; line += CACHE_LINE / sizeof(REAL)) {
        prefetch(a->x + line, PREFETCH_BYTES);
        prefetch(a->g + line, PREFETCH_BYTES);
        for (size_t k = 0; k < states; k++)
            prefetch(a->state[k] + line, PREFETCH_BYTES);
        if (a->average)
            prefetch(a->average + line, PREFETCH_BYTES);
    }
}

/* rule and states are constants where this is inlined: one loop without calls for each rule. */
static ALWAYS_INLINE void TYPED(array)(TYPED(rule) * rule, size_t states, size_t n, void *x, const void *gradient,
                                       void *const state[], void *average, const struct coefs *coefs)
{
    const struct COEFS c = TYPED(spread)(coefs);
    struct TYPED(arrays) a = {.x = x, .g = gradient, .average = average};
    for (size_t k = 0; k < states; k++)
        a.state[k] = state[k];

    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        if (n - i > PREFETCH_BYTES / sizeof(REAL)) /* not behind the arrays' end, where short rows would pay for it */
            TYPED(fetch_ahead)(states, &a, i);
        TYPED(word)(rule, states, &a, i, LANES, &c);
    }
    if (i < n)
        TYPED(word)(rule, states, &a, i, n - i, &c);
}

#define DEFINE_KERNEL(method, name, states, first, second)                                                             \
    static void TYPED(name)(size_t n, void *x, const void *gradient, void *const state[], void *average,               \
                            const struct coefs *coefs)                                                                 \
    {                                                                                                                  \
        TYPED(array)(RULE(name), states, n, x, gradient, state, average, coefs);                                       \
    }

RULE_LIST(DEFINE_KERNEL)
#undef DEFINE_KERNEL

static void TYPED(accumulate)(size_t n, void *sum, const void *x)
{
    REAL *a = sum;
    const REAL *b = x;
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store(a + i, add(load(a + i), load(b + i)));
    if (i < n)
        store_part(a + i, add(load_part(a + i, n - i), load_part(b + i, n - i)), n - i);
}

#include "measure.inc.h"
