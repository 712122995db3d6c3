/* SPDX-License-Identifier: MIT */
/* For tests of what an optimizer does with state in codes: the numbers that its codes say and how far apart they are,
   optimizers of one tensor with such state, and whether nothing has changed. Read behind cmocka.h.
 */
#ifndef TESTS_CODED_STATE_H
#define TESTS_CODED_STATE_H

#include <stdlib.h>
#include "codes.h"
#include "storage.h"

static const enum adadelta_dtype coded_types[] = {ADADELTA_U16, ADADELTA_U8};

static inline int is_code(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_U16 || dtype == ADADELTA_U8;
}

/* ---- Numbers ---- */

static inline const struct code_type *code_type_of(enum adadelta_dtype dtype)
{
    return &code_types[dtype == ADADELTA_U8];
}

struct numbers {
    double v, u;
};

/* What element i's codes say, u before anything below 0 is taken for 0. */
static inline struct numbers numbers_at(struct adadelta *optimizer, size_t index, size_t i, double unit)
{
    struct adadelta_tensor array;
    uint32_t code[STATES];
    for (size_t k = 0; k < STATES; k++) {
        assert_int_equal(adadelta_get_state(optimizer, index, k, &array), ADADELTA_OK);
        assert_true(is_code(array.dtype));
        code[k] = code_at(code_type_of(array.dtype), array.values, i);
    }
    const struct means means = means_of(code_type_of(array.dtype), code);
    return (struct numbers){means.s[V] * unit, means.s[U] * unit};
}

/* The largest relative distance of two neighbours s + unit; with a hair for the float that they are made from. U8's u
   goes with q, a quarter apart, and with v + unit, an eighth: 1.25*1.125 - 1. */
static inline double spacing(enum adadelta_dtype dtype, int is_u)
{
    const double hair = 1e-6;
    return (dtype == ADADELTA_U16 ? 0x1p-10 : is_u ? 0.40625 : 0.125) + hair;
}

/* Whether a number is one that codes may make of another. */
static inline int is_near(enum adadelta_dtype dtype, int is_u, double found, double number, double unit)
{
    return fabs(found - number) <=
           spacing(dtype, is_u) * (number + unit) + 0x1p-24 * unit; /* which is taken off in float */
}

/* Whether the mean of n rounding errors, each at most that large, can be 0: within five deviations. An error within a
   spacing deviates by half of it at most. */
static inline int is_unbiased(double sum, size_t n, double largest)
{
    return fabs(sum) <= 5 * largest / 2 * sqrt((double)n);
}

/* ---- Optimizers ---- */

static inline struct adadelta *optimizer_of(const struct adadelta_options *options, const struct adadelta_hyper *hyper)
{
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    return optimizer;
}

/* One tensor of floats, "x", with state of that type, at the start. */
static inline struct adadelta *floats_with(enum adadelta_dtype state, double eps, size_t n, float *values)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.eps = eps;
    struct adadelta *optimizer = optimizer_of(NULL, &hyper);
    const struct adadelta_tensor tensor = {
        .name = "x", .ndim = 1, .shape = {n}, .values = values, .state_dtype = state};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    return optimizer;
}

static inline void set_numbers(struct adadelta *optimizer, size_t index, const char *name, size_t n,
                               const double *numbers)
{
    const struct adadelta_tensor array = {
        .dtype = ADADELTA_F64, .ndim = 1, .shape = {n}, .values = (void *)(uintptr_t)numbers};
    assert_int_equal(adadelta_set_state(optimizer, index, name, &array), ADADELTA_OK);
}

static inline void get_numbers(const struct adadelta *optimizer, size_t index, const char *name, double *numbers)
{
    assert_int_equal(adadelta_copy_state(optimizer, index, name, ADADELTA_F64, numbers), ADADELTA_OK);
}

static inline void *array_named(struct adadelta *optimizer, size_t index, const char *name)
{
    void *found = NULL;
    assert_int_equal(adadelta_state(optimizer, index, name, &found), ADADELTA_OK);
    return found;
}

/* ---- Whether nothing has changed ---- */

enum { MOST_BYTES = 1 << 20 };

/* All of an optimizer's state as bytes, and each tensor's steps. */
struct state_bytes {
    size_t size;
    unsigned char bytes[MOST_BYTES];
};

static inline void add_bytes(struct state_bytes *all, const void *bytes, size_t size)
{
    assert_true(all->size + size <= MOST_BYTES);
    if (size)
        memcpy(all->bytes + all->size, bytes, size);
    all->size += size;
}

static inline void read_state(const struct adadelta *optimizer, struct state_bytes *all)
{
    struct adadelta_tensor tensor, array;
    struct adadelta_tensor_stats stats;
    all->size = 0;
    for (size_t i = 0; i < adadelta_tensor_count(optimizer); i++) {
        assert_int_equal(adadelta_get_tensor(optimizer, i, &tensor), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor_stats(optimizer, i, &stats), ADADELTA_OK);
        add_bytes(all, &tensor.state_dtype, sizeof tensor.state_dtype);
        add_bytes(all, &stats.steps, sizeof stats.steps);
        size_t n = 1;
        for (size_t d = 0; d < tensor.ndim; d++)
            n *= tensor.shape[d];
        add_bytes(all, tensor.values, n * adadelta_dtype_size(tensor.dtype));
        for (size_t k = 0; !adadelta_get_state(optimizer, i, k, &array); k++)
            add_bytes(all, array.values, n * adadelta_dtype_size(array.dtype));
    }
}

static inline int same_state(const struct state_bytes *a, const struct state_bytes *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

#endif
