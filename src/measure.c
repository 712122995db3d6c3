/* SPDX-License-Identifier: MIT */
/* The look at the gradients before a step, and what follows from it: whether they are finite, and the norms. */
#include "measure.h"

#include <float.h>
#include <math.h>

#include "walk.h"

int measures_plainly(const struct adadelta *optimizer, const struct tensor *tensor)
{
    (void)optimizer, (void)tensor;
    return 1;
}

static int wants_norms(const struct adadelta_gradients *gradients)
{
    return gradients->clip_norm > 0 || gradients->clip_global_norm > 0;
}

/* The gradients are measured as they come, before the scale: it divides what is found. */
static double bound_of(const struct adadelta_gradients *gradients)
{
    return gradients->clip_value > 0 ? gradients->clip_value * gradients->scale : INFINITY;
}

void measure_stretch(const struct stretch *s, struct measure *found)
{
    const struct adadelta_gradients *gradients = &s->optimizer->gradients;
    const enum adadelta_dtype computed = s->tensor->computed;
    const struct measure here = wants_norms(gradients)
                                    ? s->kernels->measure[computed](s->n, s->gradient, bound_of(gradients))
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

/* What to multiply by so that a norm keeps its bound; 0 is no bound. */
static double shrink_to(double bound, double norm)
{
    return bound > 0 && norm > bound ? bound / norm : 1;
}

/* Whether every element is finite, and its square too, after clipping. */
static int is_usable(const struct adadelta_gradients *gradients, enum adadelta_dtype computed,
                     const struct measure *found, double shrink)
{
    static const double most[DTYPES] = {
        [ADADELTA_F32] = 1.8446742974197923e19, /* the roots of FLT_MAX and DBL_MAX, rounded down */
        [ADADELTA_F64] = 1.3407807929942596e154,
    };
    const double clipped = fmin(found->largest, bound_of(gradients)) / gradients->scale;
    return isfinite(found->sum) && isfinite(found->largest) && clipped * shrink <= most[computed];
}

/* The norm of a tensor's gradient after scale and clipping by value. */
static double norm_of(const struct adadelta_gradients *gradients, const struct measure *found)
{
    return sqrt(found->sum) / gradients->scale;
}

/* Bounds each tensor's norm; returns by what all are to be multiplied besides, so that their common norm keeps its
   bound. */
static double bound_norms(struct adadelta *optimizer, size_t begin, size_t end)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    double squares = 0;
    for (size_t i = begin; i < end; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        const struct measure found = blocks_total(tensor);
        const double norm = norm_of(gradients, &found);
        tensor->coefs.shrink = shrink_to(gradients->clip_norm, norm);
        squares += tensor->coefs.shrink * norm * (tensor->coefs.shrink * norm);
    }
    return shrink_to(gradients->clip_global_norm, sqrt(squares));
}

const struct tensor *measure_gradients(struct adadelta *optimizer, size_t begin, size_t end)
{
    const struct adadelta_gradients *gradients = &optimizer->gradients;
    const int looks = gradients->nonfinite != ADADELTA_NONFINITE_PROPAGATE;
    if (!looks && !wants_norms(gradients))
        return NULL;
    walk_run(&(struct walk){optimizer, begin, end, .act = measure_stretch, .plain = measures_plainly, .finds = 1});
    const double shrink = wants_norms(gradients) ? bound_norms(optimizer, begin, end) : 1;
    const struct tensor *bad = NULL;
    for (size_t i = begin; i < end; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        const struct measure found = blocks_total(tensor);
        coefs_prepare(&tensor->coefs, gradients, tensor->coefs.shrink * shrink);
        if (looks && !bad && !is_usable(gradients, tensor->computed, &found, tensor->coefs.shrink))
            bad = tensor;
    }
    return bad;
}
