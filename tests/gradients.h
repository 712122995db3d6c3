/* SPDX-License-Identifier: MIT */
/*
 * For tests of steps: numbers of every type, optimizers in one line, all that an optimizer holds at one moment, and a
 * tensor's way through a step once more, from the gradient on, with oracle.h's bounds. cmocka.h comes before this.
 */
#ifndef TESTS_GRADIENTS_H
#define TESTS_GRADIENTS_H

#include <stdint.h>
#include <stdlib.h>
#include "oracle.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define OK(call)      assert_int_equal(call, ADADELTA_OK)

/* ---- Numbers of every type ---- */

static inline double number(enum adadelta_dtype dtype, const void *array, size_t i)
{
    double value = 0;
    OK(adadelta_convert(1, ADADELTA_F64, &value, dtype, (const char *)array + i * adadelta_dtype_size(dtype)));
    return value;
}

static inline void put_number(enum adadelta_dtype dtype, void *array, size_t i, double value)
{
    OK(adadelta_convert(1, dtype, (char *)array + i * adadelta_dtype_size(dtype), ADADELTA_F64, &value));
}

/* n numbers of either sign between 2^low and 2^(high + 1), to be freed. */
static inline void *random_array(enum adadelta_dtype dtype, size_t n, uint64_t seed, int low, int high)
{
    double *values = malloc((n + 1) * sizeof *values);
    void *array = malloc((n + 1) * sizeof *values);
    assert_true(values && array);
    for (size_t i = 0; i < n; i++)
        values[i] = random_magnitude(&seed, low, high);
    OK(adadelta_convert(n, dtype, array, ADADELTA_F64, values));
    free(values);
    return array;
}

static inline void *copy_of(const void *array, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    assert_non_null(copy);
    return memcpy(copy, array, bytes);
}

/* ---- Optimizers ---- */

/* With one group; hyper NULL: the method's settings. */
static inline struct adadelta *new_optimizer(struct adadelta_options options, const struct adadelta_hyper *hyper)
{
    struct adadelta *optimizer = NULL;
    OK(adadelta_create(&options, &optimizer));
    OK(adadelta_add_group(optimizer, hyper, NULL));
    return optimizer;
}

static inline struct adadelta *new_method(enum adadelta_method method, const struct adadelta_hyper *hyper)
{
    return new_optimizer((struct adadelta_options){.method = method, .threads = 1}, hyper);
}

static inline void add_tensor(struct adadelta *optimizer, const struct adadelta_tensor *tensor)
{
    OK(adadelta_add_tensor(optimizer, 0, tensor, NULL));
}

/* A row of n numbers. */
static inline void add_array(struct adadelta *optimizer, const char *name, enum adadelta_dtype dtype, size_t n,
                             void *values, const void *gradient)
{
    add_tensor(optimizer,
               &(struct adadelta_tensor){
                   .name = name, .dtype = dtype, .ndim = 1, .shape = {n}, .values = values, .gradient = gradient});
}

static inline void set_gradients(struct adadelta *optimizer, struct adadelta_gradients gradients)
{
    OK(adadelta_set_gradients(optimizer, &gradients));
}

static inline struct adadelta_tensor tensor_of(const struct adadelta *optimizer, size_t index)
{
    struct adadelta_tensor tensor;
    OK(adadelta_get_tensor(optimizer, index, &tensor));
    return tensor;
}

static inline size_t elements_of(const struct adadelta_tensor *tensor)
{
    size_t n = 1;
    for (size_t i = 0; i < tensor->ndim; i++)
        n *= tensor->shape[i];
    return n;
}

static inline struct adadelta_tensor_stats stats_of(const struct adadelta *optimizer, size_t index)
{
    struct adadelta_tensor_stats stats;
    OK(adadelta_get_tensor_stats(optimizer, index, &stats));
    return stats;
}

static inline void *state_of(struct adadelta *optimizer, size_t index, const char *name)
{
    void *state = NULL;
    OK(adadelta_state(optimizer, index, name, &state));
    return state;
}

/* Puts a text of no interest in the last error's place. */
static inline void forget_error(struct adadelta *optimizer)
{
    void *state;
    assert_int_equal(adadelta_state(optimizer, SIZE_MAX, "nowhere", &state), ADADELTA_ERROR_ARGUMENT);
}

/* The last error has said something since then, in one line. */
static inline void assert_said(struct adadelta *optimizer)
{
    char said[sizeof((struct adadelta_error *)0)->text];
    strcpy(said, adadelta_error_text(optimizer));
    forget_error(optimizer);
    assert_true(*said && !strchr(said, '\n'));
    assert_string_not_equal(said, adadelta_error_text(optimizer));
}

/* ---- All that an optimizer holds ---- */

/* The bytes of parameters and state, and the counters but for those of what was skipped. To be freed. */
struct snapshot {
    size_t size;
    unsigned char *bytes;
};

static inline void append(struct snapshot *snapshot, const void *bytes, size_t size)
{
    snapshot->bytes = realloc(snapshot->bytes, snapshot->size + size + 1);
    assert_non_null(snapshot->bytes);
    if (size)
        memcpy(snapshot->bytes + snapshot->size, bytes, size);
    snapshot->size += size;
}

/* Asks for states that there are not, too. */
static inline void append_tensor(struct snapshot *snapshot, struct adadelta *optimizer, size_t index)
{
    static const char *const names[] = {"square_avg", "acc_delta", "momentum_buffer", "sum", "exp_avg",
                                        "exp_avg_sq", "average",   "master",          "low"};
    const struct adadelta_tensor tensor = tensor_of(optimizer, index);
    const struct adadelta_tensor_stats stats = stats_of(optimizer, index);
    const size_t n = elements_of(&tensor);
    const int wide = tensor.dtype == ADADELTA_F64 || tensor.state_dtype == ADADELTA_F64;
    append(snapshot, tensor.values, n * adadelta_dtype_size(tensor.dtype));
    append(snapshot, &stats.steps, sizeof stats.steps);
    append(snapshot, &stats.update_norm, sizeof stats.update_norm);
    for (size_t k = 0; k < LENGTH(names); k++) {
        void *state;
        const size_t size = k < 6 ? adadelta_dtype_size(tensor.state_dtype) : k == 6 ? (wide ? 8 : 4) : k == 7 ? 4 : 2;
        if (adadelta_state(optimizer, index, names[k], &state) == ADADELTA_OK)
            append(snapshot, state, n * size);
    }
}

static inline struct snapshot take_snapshot(struct adadelta *optimizer)
{
    struct snapshot snapshot = {0, NULL};
    const uint64_t steps = adadelta_step_count(optimizer);
    append(&snapshot, &steps, sizeof steps);
    for (size_t i = 0; i < adadelta_tensor_count(optimizer); i++)
        append_tensor(&snapshot, optimizer, i);
    forget_error(optimizer);
    return snapshot;
}

static inline int snapshots_equal(const struct snapshot *a, const struct snapshot *b)
{
    return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

/* Whether an optimizer holds what it held then. */
static inline int holds(struct adadelta *optimizer, const struct snapshot *then)
{
    struct snapshot now = take_snapshot(optimizer);
    const int equal = snapshots_equal(&now, then);
    free(now.bytes);
    return equal;
}

/* Whether two optimizers hold the same. */
static inline int hold_the_same(struct adadelta *a, struct adadelta *b)
{
    struct snapshot other = take_snapshot(b);
    const int equal = holds(a, &other);
    free(other.bytes);
    return equal;
}

/* ---- A tensor's way through a step, in long double ---- */

/* An F32 or F64 tensor whose state has its type. */
struct model {
    enum adadelta_method method;
    enum adadelta_dtype dtype;
    struct adadelta_hyper hyper;
    size_t n;
    uint64_t steps;
    struct approx *x, *s[2];
};

static inline struct model new_model(enum adadelta_method method, enum adadelta_dtype dtype,
                                     const struct adadelta_hyper *hyper, size_t n, const void *values)
{
    struct model model = {.method = method, .dtype = dtype, .hyper = *hyper, .n = n};
    struct approx **const arrays[] = {&model.x, &model.s[0], &model.s[1]};
    for (size_t k = 0; k < LENGTH(arrays); k++) {
        *arrays[k] = calloc(n + 1, sizeof **arrays[k]);
        assert_non_null(*arrays[k]);
    }
    for (size_t i = 0; i < n; i++)
        model.x[i] = exact(load_element(dtype, values, i));
    return model;
}

static inline void free_model(struct model *model)
{
    free(model->x);
    free(model->s[0]);
    free(model->s[1]);
}

/* Divided by the scale and clipped by value. */
static inline struct approx scaled_and_clipped(const struct adadelta_gradients *how, struct approx g)
{
    if (how->scale != 1)
        g = quotient(g, setting(how->scale, 0));
    if (how->clip_value > 0) {
        g.error = fmaxl(g.error, setting(how->clip_value, 0).error);
        g.value = fminl(fmaxl(g.value, -(long double)how->clip_value), how->clip_value);
    }
    return g;
}

/* What a norm is multiplied by to keep its bound. */
static inline long double shrink_to(double bound, long double norm)
{
    return bound > 0 && norm > bound ? bound / norm : 1;
}

/* One element's step, from its scaled and clipped gradient on. shrink is what all norms ask for, a sum of n squares. */
static inline void model_element(struct model *m, size_t i, struct approx g, long double shrink, size_t n)
{
    struct approx s[2] = {m->s[0][i], m->s[1][i]};
    const struct adadelta_hyper *h = &m->hyper;
    precision = &precisions[m->dtype];
    if (shrink != 1)
        g = mul(g, setting(shrink, 20 + (double)n / 16));
    if (h->maximize)
        g.value = -g.value;
    if (h->weight_decay != 0 && h->decoupled)
        m->x[i] = sub(m->x[i], mul(setting((long double)h->lr * h->weight_decay, 1), m->x[i]));
    else if (h->weight_decay != 0)
        g = add(g, mul(setting(h->weight_decay, 0), m->x[i]));
    oracle_rules[m->method](h, m->steps + 1, g, &m->x[i], s);
    m->s[0][i] = s[0];
    m->s[1][i] = s[1];
}

/* Whether an optimizer's tensor is where the model is. */
static inline int follows(struct adadelta *optimizer, size_t index, const struct model *m)
{
    const struct adadelta_tensor tensor = tensor_of(optimizer, index);
    for (size_t i = 0; i < m->n; i++) {
        int believed = believable(load_element(m->dtype, tensor.values, i), m->x[i]);
        for (size_t k = 0; k < method_states(m->method); k++) {
            const void *state = state_of(optimizer, index, adadelta_method_state_name(m->method, k));
            believed = believed && believable(load_element(m->dtype, state, i), m->s[k][i]);
        }
        if (!believed) {
            print_message("%s %s element %zu: %.17g, not %.17Lg +- %Lg\n", adadelta_method_name(m->method),
                          adadelta_dtype_name(m->dtype), i, load_element(m->dtype, tensor.values, i), m->x[i].value,
                          m->x[i].error);
            return 0;
        }
    }
    return stats_of(optimizer, index).steps == m->steps;
}

#endif
