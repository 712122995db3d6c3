/* SPDX-License-Identifier: MIT */
/* The look at the gradients before a step, and what follows from it: whether they are finite, and the norms. */
#include "measure.h"

#include <float.h>
#include <math.h>

#include "walk.h"

static int wants_norms(const struct adadelta_gradients *gradients)
{
    return gradients->clip_norm > 0 || gradients->clip_global_norm > 0;
}

static double value_bound(const struct adadelta_gradients *gradients)
{
    return gradients->clip_value > 0 ? gradients->clip_value : INFINITY;
}

void measure_stretch(const struct stretch *s, struct measure *found)
{
    const struct adadelta_gradients *gradients = &s->optimizer->gradients;
    const enum adadelta_dtype computed = s->tensor->computed;
    const struct measure here =
        wants_norms(gradients)
            ? s->kernels->measure[computed](s->n, s->gradient, 1 / gradients->scale, value_bound(gradients))
            : s->kernels->look[computed](s->n, s->gradient);
    found->sum += here.sum;
    found->largest = here.largest > found->largest ? here.largest : found->largest;
}

struct measure blocks_total(const struct tensor *tensor)
{
    struct measure sum = {0, 0};
    const size_t count = work_blocks(tensor);
    for (size_t k = 0; k < count; k++) {
        sum.sum += tensor->blocks[k].sum;
        sum.largest = tensor->blocks[k].largest > sum.largest ? tensor->blocks[k].largest : sum.largest;
    }
    return sum;
}

/* What to multiply by so that a norm keeps its bound; 0 is no bound. A NaN goes to all, as with other libraries. */
static double shrink_to(double bound, double norm)
{
    return bound > 0 && !(norm <= bound) ? bound / norm : 1;
}

/* Of a type: the largest number, the largest that can be squared, the smallest normal one, and the unit in the last
   place of 1. */
static const struct limits {
    double finite, squarable, normal, unit;
} limits[ADADELTA_DTYPE_COUNT] = {
    [ADADELTA_F32] = {FLT_MAX, 1.8446742974197923e19, FLT_MIN, FLT_EPSILON},
    [ADADELTA_F64] = {DBL_MAX, 1.3407807929942596e154, DBL_MIN, DBL_EPSILON},
    [ADADELTA_BF16] = {.squarable = 1.841e19}, /* the root of 3.389e38 */
    [ADADELTA_F16] = {.squarable = 255.9},     /* of 65504 */
};

/* Whether every element is finite, also when the scale has divided it. */
static int is_finite(const struct adadelta_gradients *gradients, const struct tensor *tensor,
                     const struct measure *found)
{
    return !isnan(found->sum) && found->largest / gradients->scale <= limits[tensor->computed].finite;
}

/* The largest element whose square can be computed, and kept as state: a mean of squares is no larger than they. */
static double squarable(const struct adadelta *optimizer, const struct tensor *tensor)
{
    const enum adadelta_dtype state = tensor->info.state_dtype;
    const double computed = limits[tensor->computed].squarable;
    const double kept = is_coded(state) ? tensor->coefs.most : limits[state].squarable;
    return optimizer->method->states && kept < computed ? kept : computed;
}

/* Whether every element can be squared after clipping. What norms make of an element is rounded twice, and a factor
   that is not a normal number has lost its digits. */
static int is_squarable(const struct adadelta *optimizer, const struct tensor *tensor, const struct measure *found)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    const struct limits *limit = &limits[tensor->computed];
    const double shrink = tensor->coefs.shrink, margin = shrink < 1 ? 4 * limit->unit : 0;
    const double clipped = fmin(found->largest / gradients->scale, value_bound(gradients));
    return isfinite(found->sum) && clipped * shrink <= squarable(optimizer, tensor) * (1 - margin) &&
           shrink >= limit->normal;
}

/* Bounds each tensor's norm; returns by what all are to be multiplied besides, so that their common norm keeps its
   bound. */
static double bound_norms(struct adadelta *optimizer, size_t begin, size_t end)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    double squares = 0;
    for (size_t i = begin; i < end; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        const double norm = sqrt(blocks_total(tensor).sum);
        tensor->norm = norm;
        tensor->coefs.shrink = shrink_to(gradients->clip_norm, norm);
        squares += tensor->coefs.shrink * norm * (tensor->coefs.shrink * norm);
    }
    return shrink_to(gradients->clip_global_norm, sqrt(squares));
}

/* The first tensor at work with a gradient that is not finite, else the first with one that cannot be squared. */
static const struct tensor *find_unusable(const struct adadelta *optimizer, size_t begin, size_t end)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    const struct tensor *unsquarable = NULL;
    for (size_t i = begin; i < end; i++) {
        const struct tensor *tensor = &optimizer->tensors[i];
        if (!tensor->work)
            continue;
        const struct measure found = blocks_total(tensor);
        if (!is_finite(gradients, tensor, &found))
            return tensor;
        if (!unsquarable && !is_squarable(optimizer, tensor, &found))
            unsquarable = tensor;
    }
    return unsquarable;
}

enum adadelta_status blame_gradient(struct adadelta *optimizer, const struct tensor *tensor)
{
    const struct measure found = blocks_total(tensor);
    struct adadelta_error *error = &optimizer->error;
    const char *name = tensor->info.name;
    if (isnan(found.sum) && !isinf(found.largest))
        return fail(error, ADADELTA_ERROR_NONFINITE, "tensor '%.200s': the gradient has a NaN", name);
    if (!is_finite(&optimizer->gradients, tensor, &found))
        return fail(error, ADADELTA_ERROR_NONFINITE,
                    "tensor '%.200s': the gradient has an infinity, or the scale %g "
                    "makes it one",
                    name, optimizer->gradients.scale);
    const double kept = squarable(optimizer, tensor);
    if (is_coded(tensor->info.state_dtype) && kept < limits[tensor->computed].squarable)
        return fail(
            error, ADADELTA_ERROR_NONFINITE,
            "tensor '%.200s': the gradient has an element of %g, and state in %s holds squares up to that of %.3g; "
            "clip_value, a larger eps or F32 state lets it pass",
            name, found.largest / optimizer->gradients.scale, adadelta_dtype_name(tensor->info.state_dtype), kept);
    return fail(error, ADADELTA_ERROR_NONFINITE,
                "tensor '%.200s': the gradient has an element of %g, too large to be "
                "squared",
                name, found.largest);
}

const struct tensor *measure_gradients(struct adadelta *optimizer, size_t begin, size_t end)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    const int looks = gradients->nonfinite != ADADELTA_NONFINITE_PROPAGATE;
    if (!looks && !wants_norms(gradients))
        return NULL;
    walk_run(&(struct walk){optimizer, begin, end, .act = measure_stretch, .finds = 1, .unbuffered = 1});
    if (wants_norms(gradients)) {
        const double shrink = bound_norms(optimizer, begin, end);
        for (size_t i = begin; i < end; i++) {
            struct coefs *coefs = &optimizer->tensors[i].coefs;
            coefs_prepare(coefs, gradients, coefs->shrink * shrink);
        }
    }
    return looks ? find_unusable(optimizer, begin, end) : NULL;
}
