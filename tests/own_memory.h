/* SPDX-License-Identifier: MIT */
/* For tests of where memory comes from: tensors of every kind, steps of every kind, and a malloc that can be watched
   and forbidden. */
#ifndef TESTS_OWN_MEMORY_H
#define TESTS_OWN_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "optimizer.h" /* before cmocka.h, which has a macro of the name fail */
#include <cmocka.h>
#include "oracle.h"
#include "watched_malloc.h"

/* ---- Tensors ---- */

enum { MOST_TENSORS = 16, MOST_ELEMENTS = 9000, MOST_NAMED = 8 };

/* An optimizer with its tensors, and their arrays. */
struct zoo {
    struct adadelta *optimizer;
    size_t count;
    struct adadelta_tensor tensors[MOST_TENSORS];
    double values[MOST_TENSORS][MOST_ELEMENTS], gradients[MOST_TENSORS][MOST_ELEMENTS]; /* room for any type */
};

/* Every kind that takes memory in a way of its own. Without arrays. */
static const struct adadelta_tensor kinds[] = {
    {.name = "float", .ndim = 2, .shape = {3, 5}, .no_decay = 1},
    {.name = "double", .dtype = ADADELTA_F64, .ndim = 1, .shape = {7}},
    {.name = "float, double state", .ndim = 1, .shape = {9}, .state_dtype = ADADELTA_F64},
    {.name = "float, bf16 state", .ndim = 1, .shape = {9}, .state_dtype = ADADELTA_BF16},
    {.name = "double, f16 state", .dtype = ADADELTA_F64, .ndim = 1, .shape = {4}, .state_dtype = ADADELTA_F16},
    {.name = "bf16 master", .dtype = ADADELTA_BF16, .ndim = 1, .shape = {5000}},
    {.name = "bf16 split", .dtype = ADADELTA_BF16, .ndim = 1, .shape = {33}, .weights = ADADELTA_WEIGHTS_SPLIT},
    {.name = "bf16 stochastic",
     .dtype = ADADELTA_BF16,
     .ndim = 1,
     .shape = {6},
     .gradient_dtype = ADADELTA_F32,
     .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.name = "f16 nearest", .dtype = ADADELTA_F16, .ndim = 1, .shape = {6}, .weights = ADADELTA_WEIGHTS_NEAREST},
    {.name = "f16 master", .dtype = ADADELTA_F16, .ndim = 3, .shape = {1, 2, 3}, .state_dtype = ADADELTA_F16},
    {.name = "rows", .ndim = 2, .shape = {6, 3}, .max_rows = 4},
    {.name = "rows of bf16",
     .dtype = ADADELTA_BF16,
     .ndim = 3,
     .shape = {5, 2, 2},
     .weights = ADADELTA_WEIGHTS_SPLIT,
     .max_rows = MOST_NAMED},
    {.name = "number", .dtype = ADADELTA_F64},
    {.name = "nothing", .ndim = 2, .shape = {0, 4}},
    {.name = "no rows", .ndim = 2, .shape = {0, 4}, .max_rows = 2},
    {.name = "rows of nothing", .ndim = 2, .shape = {4, 0}, .max_rows = 2},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static inline size_t elements(const struct adadelta_tensor *tensor)
{
    return shape_elements(ADADELTA_F64, tensor->ndim, tensor->shape);
}

static inline enum adadelta_dtype type_or(enum adadelta_dtype dtype, enum adadelta_dtype otherwise)
{
    return dtype == ADADELTA_DTYPE_DEFAULT ? otherwise : dtype;
}

/* Fills an array of a type with numbers that follow from the seed. */
static inline void scatter_numbers(enum adadelta_dtype dtype, void *array, size_t n, uint64_t seed)
{
    static double numbers[MOST_ELEMENTS];
    for (size_t i = 0; i < n; i++)
        numbers[i] = 2 * random_unit(&seed) - 1;
    assert_int_equal(adadelta_convert(n, dtype, array, ADADELTA_F64, numbers), ADADELTA_OK);
}

/* Puts one more tensor like the model into the zoo, but not yet into its optimizer. */
static inline void zoo_plan(struct zoo *zoo, const struct adadelta_tensor *model)
{
    const size_t k = zoo->count++;
    assert_true(k < MOST_TENSORS && elements(model) <= MOST_ELEMENTS);
    zoo->tensors[k] = *model;
    zoo->tensors[k].values = zoo->values[k];
    zoo->tensors[k].gradient = zoo->gradients[k];
    scatter_numbers(type_or(model->dtype, ADADELTA_F32), zoo->values[k], elements(model), 1000 + k);
}

static inline void zoo_plan_all(struct zoo *zoo)
{
    zoo->optimizer = NULL;
    zoo->count = 0;
    for (size_t k = 0; k < KINDS; k++)
        zoo_plan(zoo, &kinds[k]);
}

static inline enum adadelta_status zoo_add(struct zoo *zoo, size_t k)
{
    return adadelta_add_tensor(zoo->optimizer, k % adadelta_group_count(zoo->optimizer), &zoo->tensors[k], NULL);
}

/* Three groups, and the tensors that are planned. */
static inline void zoo_add_all(struct zoo *zoo)
{
    struct adadelta_hyper hyper = adadelta_hyper_for(zoo->optimizer->options.method);
    for (int group = 0; group < 3; group++) {
        hyper.weight_decay = 0.01 * group;
        assert_int_equal(adadelta_add_group(zoo->optimizer, &hyper, NULL), ADADELTA_OK);
    }
    for (size_t k = 0; k < zoo->count; k++)
        assert_int_equal(zoo_add(zoo, k), ADADELTA_OK);
}

/* ---- Steps ---- */

static const size_t named[MOST_NAMED] = {1, 3, 1, 0, 2, 2, 0, 1};

static inline int has_rows(const struct adadelta_tensor *tensor)
{
    return tensor->max_rows && tensor->shape[0] > 3;
}

static inline size_t rows_of(const struct adadelta_tensor *tensor)
{
    return tensor->max_rows < MOST_NAMED ? tensor->max_rows : MOST_NAMED;
}

static inline void new_gradients(struct zoo *zoo, int t)
{
    for (size_t k = 0; k < zoo->count; k++) {
        const enum adadelta_dtype stored = type_or(zoo->tensors[k].dtype, ADADELTA_F32);
        const size_t width = has_rows(&zoo->tensors[k]) ? elements(&zoo->tensors[k]) / zoo->tensors[k].shape[0] : 0;
        const size_t most =
            width * MOST_NAMED > elements(&zoo->tensors[k]) ? width * MOST_NAMED : elements(&zoo->tensors[k]);
        scatter_numbers(type_or(zoo->tensors[k].gradient_dtype, stored), zoo->gradients[k], most,
                        (uint64_t)t * 100 + k);
    }
}

/* One pass, tensor by tensor. */
static inline void step_each(struct zoo *zoo)
{
    for (size_t k = 0; k < adadelta_tensor_count(zoo->optimizer); k++) {
        const struct adadelta_tensor *tensor = &zoo->tensors[k];
        if (has_rows(tensor))
            assert_int_equal(adadelta_step_rows(zoo->optimizer, k, rows_of(tensor), named, zoo->gradients[k]),
                             ADADELTA_OK);
        else
            assert_int_equal(adadelta_step_tensor(zoo->optimizer, k, zoo->gradients[k]), ADADELTA_OK);
        assert_int_equal(adadelta_set_buffers(zoo->optimizer, k, zoo->values[k], NULL), ADADELTA_OK);
    }
    assert_int_equal(adadelta_step(zoo->optimizer), ADADELTA_OK);
}

/* One pass, all at once. */
static inline void step_all(struct zoo *zoo)
{
    for (size_t k = 0; k < adadelta_tensor_count(zoo->optimizer); k++) {
        const struct adadelta_tensor *tensor = &zoo->tensors[k];
        assert_int_equal(adadelta_set_buffers(zoo->optimizer, k, zoo->values[k], zoo->gradients[k]), ADADELTA_OK);
        if (has_rows(tensor))
            assert_int_equal(adadelta_set_rows(zoo->optimizer, k, rows_of(tensor), named, zoo->gradients[k]),
                             ADADELTA_OK);
    }
    assert_int_equal(adadelta_step(zoo->optimizer), ADADELTA_OK);
}

/* Whatever can be done to an optimizer that has its tensors, in steps number from .. to - 1. */
static inline void zoo_steps(struct zoo *zoo, int from, int to)
{
    struct adadelta *optimizer = zoo->optimizer;
    struct adadelta_gradients gradients = adadelta_gradients_default();
    struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_COSINE, .steps = 30, .warmup = 3};
    for (int t = from; t < to; t++) {
        new_gradients(zoo, t);
        gradients.duplicates = t & 1 ? ADADELTA_DUPLICATES_SUM : ADADELTA_DUPLICATES_IN_ORDER;
        gradients.nonfinite = (enum adadelta_nonfinite)(t % 3);
        gradients.clip_norm = t % 4 == 1;
        gradients.clip_value = t % 4 == 2 ? 0.5 : 0;
        gradients.clip_global_norm = t % 4 == 3 ? 2 : 0;
        schedule.end = 0.1 * (t % 2);
        assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
        assert_int_equal(adadelta_set_schedule(optimizer, t % 5 ? &schedule : NULL), ADADELTA_OK);
        assert_int_equal(adadelta_set_measuring(optimizer, t % 2), ADADELTA_OK);
        if (t % 4 == 3 || t % 5 < 2)
            step_all(zoo);
        else
            step_each(zoo);
    }
}

/* Whether two zoos with the same tensors stand the same, to the last bit. */
static inline int zoo_same(const struct zoo *a, const struct zoo *b)
{
    const struct adadelta *p = a->optimizer, *q = b->optimizer;
    if (p->steps != q->steps || p->swapped != q->swapped || p->skipped != q->skipped ||
        p->group_count != q->group_count || p->tensor_count != q->tensor_count)
        return 0;
    for (size_t k = 0; k < p->tensor_count; k++) {
        const struct tensor *s = &p->tensors[k], *t = &q->tensors[k];
        if (s->steps != t->steps || (s->average && s->averaged != t->averaged) || s->part_count != t->part_count ||
            strcmp(s->info.name, t->info.name) != 0 || memcmp(a->values[k], b->values[k], tensor_bytes(s)) != 0)
            return 0;
        for (size_t i = 0; i < s->part_count && s->n; i++) {
            const int idle = !p->swapped && strcmp(s->parts[i].name, PART_SPARE) == 0; /* it may hold anything */
            if (!idle &&
                memcmp(s->parts[i].values, t->parts[i].values, s->n * adadelta_dtype_size(s->parts[i].dtype)) != 0)
                return 0;
        }
    }
    return 1;
}

#endif
