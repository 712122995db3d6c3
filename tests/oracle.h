/* SPDX-License-Identifier: MIT */
/*
 * The oracle: every rule once more, in long double, from its published definition, each result with a bound on how far
 * a faithful computation in float or double may be from it.
 *
 * The bound is a running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3): an
 * operation hands on the errors of its operands and adds one rounding of its own. So it follows cancellation and
 * underflow, and needs no tolerance chosen by hand. Nothing here is shared with the library but the public header.
 */
#ifndef ADADELTA_TESTS_ORACLE_H
#define ADADELTA_TESTS_ORACLE_H

#include <adadelta.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* A number, and the largest distance that a computed value may have from it. */
struct approx {
    long double value, error;
};

/* The arithmetic under test. */
struct precision {
    long double unit;   /* the relative error of one rounding */
    long double tiny;   /* the absolute error of one underflow */
    long double normal; /* state below this is stored as zero */
};

static const struct precision precisions[] = {
    [ADADELTA_F32] = {FLT_EPSILON / 2, FLT_TRUE_MIN, FLT_MIN},
    [ADADELTA_F64] = {DBL_EPSILON / 2, DBL_TRUE_MIN, DBL_MIN},
};

static const struct precision *precision = &precisions[ADADELTA_F64];

static inline struct approx exact(long double value)
{
    return (struct approx){value, 0};
}

static inline struct approx rounded(long double value, long double error)
{
    return (struct approx){value, error + precision->unit * (fabsl(value) + error) + precision->tiny};
}

/* A setting: so many operations in double, then one rounding to the type. */
static inline struct approx setting(long double value, double operations)
{
    return rounded(value, fabsl(value) * operations * (DBL_EPSILON / 2));
}

static inline struct approx add(struct approx a, struct approx b)
{
    return rounded(a.value + b.value, a.error + b.error);
}

static inline struct approx sub(struct approx a, struct approx b)
{
    return rounded(a.value - b.value, a.error + b.error);
}

static inline struct approx mul(struct approx a, struct approx b)
{
    long double error = fabsl(a.value) * b.error + fabsl(b.value) * a.error + a.error * b.error;
    return rounded(a.value * b.value, error);
}

static inline struct approx quotient(struct approx a, struct approx b)
{
    long double value = a.value / b.value, least = fabsl(b.value) - b.error;
    return rounded(value, least > 0 ? (fabsl(a.value) + a.error) / least - fabsl(value) : INFINITY);
}

static inline struct approx root(struct approx a)
{
    long double value = sqrtl(a.value), least = a.value - a.error;
    return rounded(value, least > 0 ? value - sqrtl(least) : value + sqrtl(a.error));
}

/* A value that is kept as state: what is not a normal number becomes zero. */
static inline struct approx stored(struct approx a)
{
    if (fabsl(a.value) - a.error < precision->normal)
        a.error += precision->normal;
    return a;
}

/* Whether a computed value is one that the oracle can believe. */
static inline int believable(long double computed, struct approx a)
{
    return fabsl(computed - a.value) <= a.error * (1 + 1e-6L);
}

/* ---- The rules ---- */

/* One element's step t (from 1): gradient g, parameter *x, state s in the order of adadelta_method_state_name. */
typedef void oracle_rule(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                         struct approx s[2]);

/* rho*a + (1 - rho)*b. 1 - rho is one operation in double. */
static inline struct approx blend(double rho, struct approx a, struct approx b)
{
    return add(mul(setting(rho, 0), a), mul(setting(1 - (long double)rho, 1), b));
}

/* Zeiler 2012, Algorithm 1, with the paper's two roots: RMS[dx] of the step before over RMS[g] of this one. */
static inline void oracle_adadelta(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                                   struct approx s[2])
{
    (void)t;
    struct approx eps = setting(h->eps, 0);
    s[0] = stored(blend(h->rho, s[0], mul(g, g)));
    struct approx d = mul(quotient(root(add(s[1], eps)), root(add(s[0], eps))), g);
    s[1] = stored(blend(h->rho, s[1], mul(d, d)));
    *x = sub(*x, mul(setting(h->lr, 0), d));
}

static inline void oracle_sgd(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                              struct approx s[2])
{
    (void)t, (void)s;
    *x = sub(*x, mul(setting(h->lr, 0), g));
}

/* Polyak's momentum in the form with the learning rate outside; Nesterov's as Sutskever et al. 2013 write it. */
static inline void oracle_momentum(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                                   struct approx s[2])
{
    (void)t;
    struct approx mu = setting(h->momentum, 0);
    s[0] = stored(add(mul(mu, s[0]), g));
    struct approx d = h->nesterov ? add(g, mul(mu, s[0])) : s[0];
    *x = sub(*x, mul(setting(h->lr, 0), d));
}

/* Duchi, Hazan and Singer 2011. */
static inline void oracle_adagrad(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                                  struct approx s[2])
{
    (void)t;
    s[0] = stored(add(s[0], mul(g, g)));
    *x = sub(*x, quotient(mul(setting(h->lr, 0), g), add(root(s[0]), setting(h->eps, 0))));
}

/* Tieleman and Hinton 2012. */
static inline void oracle_rmsprop(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                                  struct approx s[2])
{
    (void)t;
    s[0] = stored(blend(h->rho, s[0], mul(g, g)));
    *x = sub(*x, quotient(mul(setting(h->lr, 0), g), add(root(s[0]), setting(h->eps, 0))));
}

/* Operations in double that 1 - beta^t may be away from the truth: up to t roundings of the power, as seen in the
   rest. */
static inline double power_operations(double beta, uint64_t t)
{
    double power = pow(beta, (double)t);
    return 1 + (double)t * power / (1 - power);
}

/* Kingma and Ba 2015, Algorithm 1; the decay of Loshchilov and Hutter 2019 is oracle_step's. */
static inline void oracle_adamw(const struct adadelta_hyper *h, uint64_t t, struct approx g, struct approx *x,
                                struct approx s[2])
{
    s[0] = stored(blend(h->beta1, s[0], g));
    s[1] = stored(blend(h->beta2, s[1], mul(g, g)));
    struct approx rate =
        setting((long double)h->lr / (1 - powl(h->beta1, (long double)t)), 1 + power_operations(h->beta1, t));
    struct approx scale = setting(1 / sqrtl(1 - powl(h->beta2, (long double)t)), 2 + power_operations(h->beta2, t));
    *x = sub(*x, quotient(mul(rate, s[0]), add(mul(root(s[1]), scale), setting(h->eps, 0))));
}

static oracle_rule *const oracle_rules[ADADELTA_METHOD_COUNT] = {
    [ADADELTA_METHOD_ADADELTA] = oracle_adadelta, [ADADELTA_METHOD_SGD] = oracle_sgd,
    [ADADELTA_METHOD_MOMENTUM] = oracle_momentum, [ADADELTA_METHOD_ADAGRAD] = oracle_adagrad,
    [ADADELTA_METHOD_RMSPROP] = oracle_rmsprop,   [ADADELTA_METHOD_ADAMW] = oracle_adamw,
};

/* Weight decay, then the rule. */
static inline void oracle_step(enum adadelta_method method, enum adadelta_dtype dtype, const struct adadelta_hyper *h,
                               uint64_t t, long double gradient, struct approx *x, struct approx s[2])
{
    precision = &precisions[dtype];
    struct approx g = exact(gradient);
    if (h->weight_decay != 0) {
        if (h->decoupled)
            *x = sub(*x, mul(setting((long double)h->lr * h->weight_decay, 1), *x));
        else
            g = add(g, mul(setting(h->weight_decay, 0), *x));
    }
    oracle_rules[method](h, t, g, x, s);
}

/* ---- What it is asked about ---- */

/* splitmix64 (Steele, Lea and Flood 2014). */
static inline uint64_t random_bits(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1), a multiple of 2^-24, so a float holds it. */
static inline double random_unit(uint64_t *seed)
{
    return (double)(random_bits(seed) >> 40) / 16777216;
}

/* Either sign, between 2^low and 2^(high + 1). */
static inline double random_magnitude(uint64_t *seed, int low, int high)
{
    int exponent = low + (int)(random_bits(seed) % (uint64_t)(high - low + 1));
    double value = ldexp(1 + random_unit(seed), exponent);
    return random_bits(seed) & 1 ? -value : value;
}

static inline size_t element_size(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_F32 ? sizeof(float) : sizeof(double);
}

/* Element i of an array of any alignment. */
static inline double load_element(enum adadelta_dtype dtype, const void *array, size_t i)
{
    float narrow;
    double wide;
    if (dtype == ADADELTA_F32) {
        memcpy(&narrow, (const char *)array + i * sizeof narrow, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, (const char *)array + i * sizeof wide, sizeof wide);
    return wide;
}

static inline void store_element(enum adadelta_dtype dtype, void *array, size_t i, double value)
{
    float narrow = (float)value;
    if (dtype == ADADELTA_F32)
        memcpy((char *)array + i * sizeof narrow, &narrow, sizeof narrow);
    else
        memcpy((char *)array + i * sizeof value, &value, sizeof value);
}

static inline size_t method_states(enum adadelta_method method)
{
    size_t count = 0;
    while (adadelta_method_state_name(method, count))
        count++;
    return count;
}

#endif
