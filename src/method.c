/* SPDX-License-Identifier: MIT */
/* The methods' table, the checks of their settings, and the numbers of one step. Builds without a C library
   (docs/freestanding.md), hence without math.h and string.h. */
#include "method.h"

#include <float.h>

#include "rules/rules.h"
#include "words/builtins.h"

#define UNBOUNDED (2 * DBL_MAX) /* infinity */

static const struct method methods[ADADELTA_METHOD_COUNT] = {
#define ROW(method, name, count, first, second) [method] = {.states = count, .state_names = {first, second}},
    RULE_LIST(ROW)
#undef ROW
};

/* The methods whose state can be kept in codes. */
static const unsigned char coded_methods[ADADELTA_METHOD_COUNT] = {
#define ROW(method, name, count, first, second) [method] = 1,
    CODED_RULE_LIST(ROW)
#undef ROW
};

/* The largest gradient, in units, whose square each type of codes can hold with room above it for chance: 7/8 of the
   root of where its numbers end. */
static const double most_coded[ADADELTA_DTYPE_COUNT] = {
    [ADADELTA_U16] = 0.875 * 0x1p32, [ADADELTA_U8] = 0.875 * 0x1p16};

int is_coded(enum adadelta_dtype dtype)
{
    return most_coded[dtype] > 0;
}

int method_is_coded(enum adadelta_method method)
{
    return coded_methods[method];
}

#define COMMON .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999

static const struct adadelta_hyper defaults[ADADELTA_METHOD_COUNT] = {
    [ADADELTA_METHOD_ADADELTA] = {.lr = 1, .rho = 0.95, .eps = 1e-6, COMMON},
    [ADADELTA_METHOD_SGD] = {.lr = 0.1, .rho = 0.95, .eps = 1e-6, COMMON},
    [ADADELTA_METHOD_MOMENTUM] = {.lr = 0.1, .rho = 0.95, .eps = 1e-6, COMMON},
    [ADADELTA_METHOD_ADAGRAD] = {.lr = 0.01, .rho = 0.95, .eps = 1e-10, COMMON},
    [ADADELTA_METHOD_RMSPROP] = {.lr = 0.01, .rho = 0.99, .eps = 1e-8, COMMON},
    [ADADELTA_METHOD_ADAMW] = {.lr = 0.001, .rho = 0.95, .eps = 1e-8, .weight_decay = 0.01, .decoupled = 1, COMMON},
};

static const char *const names[ADADELTA_METHOD_COUNT] = {
#define NAME(method, name) [method] = name,
    ADADELTA_METHOD_LIST(NAME)
#undef NAME
};

static int is_method(enum adadelta_method method)
{
    return (unsigned)method < ADADELTA_METHOD_COUNT;
}

const struct method *method_row(enum adadelta_method method)
{
    return is_method(method) ? &methods[method] : NULL;
}

const char *adadelta_method_name(enum adadelta_method method)
{
    return is_method(method) ? names[method] : NULL;
}

static int same_text(const char *a, const char *b)
{
    for (; *a && *a == *b; a++)
        b++;
    return *a == *b;
}

enum adadelta_status adadelta_method_by_name(const char *name, enum adadelta_method *method)
{
    if (!name || !method)
        return ADADELTA_ERROR_ARGUMENT;
    for (int i = 0; i < ADADELTA_METHOD_COUNT; i++) {
        if (same_text(name, names[i])) {
            *method = (enum adadelta_method)i;
            return ADADELTA_OK;
        }
    }
    return ADADELTA_ERROR_NAME;
}

const char *adadelta_method_state_name(enum adadelta_method method, size_t k)
{
    const struct method *row = method_row(method);
    return row && k < row->states ? row->state_names[k] : NULL;
}

struct adadelta_hyper adadelta_hyper_default(void)
{
    return defaults[ADADELTA_METHOD_ADADELTA];
}

struct adadelta_hyper adadelta_hyper_for(enum adadelta_method method)
{
    return is_method(method) ? defaults[method] : adadelta_hyper_default();
}

int is_amount(double a)
{
    return a >= 0 && a <= DBL_MAX;
}

static int is_fraction(double a)
{
    return a >= 0 && a < 1;
}

enum adadelta_status adadelta_hyper_check(const struct adadelta_hyper *hyper)
{
    if (!hyper)
        return ADADELTA_ERROR_ARGUMENT;
    if (!is_amount(hyper->lr))
        return ADADELTA_ERROR_LR;
    if (!is_fraction(hyper->rho))
        return ADADELTA_ERROR_RHO;
    if (!(is_amount(hyper->eps) && hyper->eps > 0))
        return ADADELTA_ERROR_EPS;
    if (!is_amount(hyper->weight_decay))
        return ADADELTA_ERROR_WEIGHT_DECAY;
    if (!is_fraction(hyper->momentum))
        return ADADELTA_ERROR_MOMENTUM;
    if (!is_fraction(hyper->beta1) || !is_fraction(hyper->beta2))
        return ADADELTA_ERROR_BETA;
    return ADADELTA_OK;
}

enum adadelta_status method_check(const struct adadelta_hyper *hyper, enum adadelta_dtype computed,
                                  enum adadelta_dtype state)
{
    const enum adadelta_status status = adadelta_hyper_check(hyper);
    const double unit = !status && is_coded(state) ? root_of_double(hyper->eps) : 1;
    const double most = computed == ADADELTA_F32 ? FLT_MAX : DBL_MAX;
    if (status)
        return status;
    if (hyper->lr * unit > most)
        return ADADELTA_ERROR_LR;
    if (hyper->weight_decay > most * unit)
        return ADADELTA_ERROR_WEIGHT_DECAY;
    if (computed != ADADELTA_F32)
        return ADADELTA_OK;
    /* A fraction may round to 1: the average then stands still, or the momentum becomes a sum. */
    if (hyper->lr > FLT_MAX)
        return ADADELTA_ERROR_LR;
    if (hyper->eps > FLT_MAX || (float)hyper->eps == 0)
        return ADADELTA_ERROR_EPS;
    if (hyper->weight_decay > FLT_MAX || hyper->lr * hyper->weight_decay > FLT_MAX)
        return ADADELTA_ERROR_WEIGHT_DECAY;
    return ADADELTA_OK;
}

double power(double base, uint64_t exponent)
{
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base) {
        if (exponent & 1)
            result *= base;
    }
    return result;
}

/* Kingma and Ba (ICLR 2015), section 3: averages that start at zero are too small by 1 - beta^t. */
static void correct_bias(struct coefs *coefs, const struct adadelta_hyper *hyper, uint64_t t)
{
    coefs->step_size = hyper->lr / (1 - power(hyper->beta1, t));
    coefs->root_scale = 1 / root_of_double(1 - power(hyper->beta2, t));
}

/* What a method's numbers of step t have beyond the settings. */
static void (*const prepare[ADADELTA_METHOD_COUNT])(struct coefs *, const struct adadelta_hyper *, uint64_t t) = {
    [ADADELTA_METHOD_ADAMW] = correct_bias,
};

int method_counts(enum adadelta_method method)
{
    return prepare[method] != NULL;
}

struct coefs method_coefs(enum adadelta_method method, const struct adadelta_hyper *hyper, uint64_t t)
{
    struct coefs coefs = {
        .lr = hyper->lr,
        .rho = hyper->rho,
        .one_minus_rho = 1 - hyper->rho,
        .eps = hyper->eps,
        .momentum = hyper->momentum,
        .beta1 = hyper->beta1,
        .one_minus_beta1 = 1 - hyper->beta1,
        .beta2 = hyper->beta2,
        .one_minus_beta2 = 1 - hyper->beta2,
        .decay_rate = hyper->decoupled ? hyper->lr * hyper->weight_decay : hyper->weight_decay,
        .decay = hyper->weight_decay == 0 ? DECAY_NONE
                 : hyper->decoupled       ? DECAY_DECOUPLED
                                          : DECAY_COUPLED,
        .nesterov = hyper->nesterov,
        .scale = 1,
        .clip = UNBOUNDED,
        .shrink = 1,
        .negate = hyper->maximize,
        .prepares = hyper->maximize,
        .per_unit = 1,
        .most = UNBOUNDED,
    };
    if (prepare[method])
        prepare[method](&coefs, hyper, t);
    return coefs;
}

void coefs_in_units(struct coefs *coefs, enum adadelta_dtype coded)
{
    const double unit = root_of_double(coefs->eps);
    coefs->per_unit = 1 / unit;
    coefs->most = most_coded[coded] * unit;
    coefs->lr *= unit;
    coefs->eps = 1;
    if (coefs->decay == DECAY_COUPLED)
        coefs->decay_rate /= unit;
}

void coefs_prepare(struct coefs *coefs, const struct adadelta_gradients *gradients, double shrink)
{
    /* Where nobody looks for too large ones, they are cut. */
    const double most = gradients->nonfinite == ADADELTA_NONFINITE_PROPAGATE ? coefs->most / shrink : UNBOUNDED;
    coefs->scale = gradients->scale;
    coefs->clip = gradients->clip_value > 0 && gradients->clip_value < most ? gradients->clip_value : most;
    coefs->clips = coefs->clip < UNBOUNDED;
    coefs->shrink = shrink;
    coefs->prepares = coefs->negate || coefs->scale != 1 || coefs->clips || shrink * coefs->per_unit != 1;
}
