/* SPDX-License-Identifier: MIT */
/* For tests of averages: runs of every kind of storage that averages tell apart, what their parameters are before they
   are rounded, and a print of everything in an optimizer. */
#ifndef TESTS_AVERAGES_H
#define TESTS_AVERAGES_H

#include "storage.h"

enum { KINDS = 11 };

static const struct mix kinds[KINDS] = {
    {ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F64, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F32, ADADELTA_F32, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F64, ADADELTA_F32, ADADELTA_BF16, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_BF16, ADADELTA_WEIGHTS_SPLIT},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F16, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_F16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST},
};

/* One tensor, its arrays and its optimizer. */
struct run {
    struct mix mix;
    size_t n;
    void *values;
    float *g;
    struct adadelta *optimizer;
};

static const struct adadelta_hyper half_step = {.lr = 0.5, .eps = 1}; /* of SGD: x - g/2, one rounding */

static inline struct adadelta_options options_of(enum adadelta_method method, enum adadelta_averaging averaging,
                                                 double decay)
{
    return (struct adadelta_options){
        .method = method, .threads = 1, .seed = 2, .averaging = averaging, .average_decay = decay};
}

/* hyper NULL: the method's. shape: NULL, or the [2] of a matrix with sparse gradients of up to max_rows rows. */
static inline void set_up(struct run *r, const struct mix *mix, const struct adadelta_options *options,
                          const struct adadelta_hyper *hyper, size_t n, const size_t *shape, size_t max_rows)
{
    uint64_t seed = 31;
    *r = (struct run){.mix = *mix, .n = n, .values = new_array(mix->values, n), .g = new_array(ADADELTA_F32, n)};
    fill_random(mix->values, r->values, n, &seed, -4, 3);
    struct adadelta_tensor tensor = tensor_of(mix, "x", n, r->values, shape ? NULL : r->g);
    if (shape) {
        tensor.ndim = 2;
        tensor.shape[0] = shape[0];
        tensor.shape[1] = shape[1];
        tensor.max_rows = max_rows;
    }
    assert_int_equal(adadelta_create(options, &r->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(r->optimizer, hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(r->optimizer, 0, &tensor, NULL), ADADELTA_OK);
}

static inline void tear_down(struct run *r)
{
    adadelta_destroy(r->optimizer);
    free(r->values);
    free(r->g);
}

static inline void step(struct run *r, uint64_t *seed)
{
    fill_random(ADADELTA_F32, r->g, r->n, seed, -6, 1);
    assert_int_equal(adadelta_step(r->optimizer), ADADELTA_OK);
}

static inline void *state_named(struct adadelta *optimizer, size_t index, const char *name)
{
    void *found = NULL;
    assert_int_equal(adadelta_state(optimizer, index, name, &found), ADADELTA_OK);
    return found;
}

static inline double average_at(const struct run *r, size_t i)
{
    return number_at(computed_in(&r->mix), state_named(r->optimizer, 0, "average"), i);
}

/* ---- Parameters before they are rounded ---- */

/* What x is at the start of a step, given what it was at the end of the last one. */
static inline double before_step(const struct run *r, double x, size_t i)
{
    return has_master(&r->mix) || has_low(&r->mix) ? x : number_at(r->mix.values, r->values, i);
}

static inline double half_step_from(const struct mix *mix, double x, float g)
{
    return computed_in(mix) == ADADELTA_F64 ? x - 0.5 * (double)g : (double)((float)x - 0.5F * g);
}

/* ---- Everything ---- */

/* FNV-1a. */
static inline uint64_t print_bytes(uint64_t print, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        print = (print ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return print;
}

/* Of the first tensor's state, and of its values where asked for. */
static inline uint64_t print_of(const struct run *r, int with_values)
{
    static const char *const names[] = {"square_avg", "acc_delta", "master", "low", "average"};
    const size_t state = binaries[state_of_mix(&r->mix)].size, computed = binaries[computed_in(&r->mix)].size;
    const size_t sizes[] = {state, state, 4, 2, computed};
    const uint64_t steps = adadelta_step_count(r->optimizer);
    uint64_t print = print_bytes(UINT64_C(14695981039346656037), &steps, sizeof steps);
    struct adadelta_tensor_stats stats;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        void *found;
        if (!adadelta_state(r->optimizer, 0, names[k], &found))
            print = print_bytes(print, found, r->n * sizes[k]);
    }
    assert_int_equal(adadelta_get_tensor_stats(r->optimizer, 0, &stats), ADADELTA_OK);
    print = print_bytes(print, &stats.steps, sizeof stats.steps);
    return with_values ? print_bytes(print, r->values, r->n * binaries[r->mix.values].size) : print;
}

#endif
