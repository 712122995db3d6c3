/* SPDX-License-Identifier: MIT */
/* A run with every kind of tensor and any settings, to be saved and resumed. Its gradients follow from the step alone.
 */
#ifndef ADADELTA_TESTS_CHECKPOINT_EVERY_H
#define ADADELTA_TESTS_CHECKPOINT_EVERY_H

#include "checkpoint_fixture.h"

enum { N = 6, NAMED = 5 }; /* elements of a tensor; rows named by a sparse gradient, of two elements each */

/* Every type of values and state, every way to keep 16-bit weights, gradients of another type, rows. */
static const struct adadelta_tensor every_kind[] = {
    {.name = "float", .ndim = 2, .shape = {2, 3}},
    {.name = "double", .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}},
    {.name = "wide", .ndim = 1, .shape = {N}, .state_dtype = ADADELTA_F64, .gradient_dtype = ADADELTA_F16},
    {.name = "narrow", .ndim = 1, .shape = {N}, .state_dtype = ADADELTA_BF16},
    {.name = "master", .dtype = ADADELTA_BF16, .ndim = 1, .shape = {N}, .gradient_dtype = ADADELTA_F32},
    {.name = "split",
     .dtype = ADADELTA_BF16,
     .ndim = 1,
     .shape = {N},
     .state_dtype = ADADELTA_F16,
     .weights = ADADELTA_WEIGHTS_SPLIT},
    {.name = "stochastic",
     .dtype = ADADELTA_BF16,
     .ndim = 1,
     .shape = {N},
     .gradient_dtype = ADADELTA_F32,
     .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.name = "nearest", .dtype = ADADELTA_BF16, .ndim = 1, .shape = {N}, .weights = ADADELTA_WEIGHTS_NEAREST},
    {.name = "half", .dtype = ADADELTA_F16, .ndim = 1, .shape = {N}, .state_dtype = ADADELTA_F16},
    {.name = "half stochastic",
     .dtype = ADADELTA_F16,
     .ndim = 1,
     .shape = {N},
     .weights = ADADELTA_WEIGHTS_STOCHASTIC,
     .no_decay = 1},
    {.name = "rows", .ndim = 2, .shape = {3, 2}, .max_rows = NAMED},
    {.name = "empty", .dtype = ADADELTA_BF16, .ndim = 1, .shape = {0}},
};

enum { KINDS = sizeof every_kind / sizeof *every_kind, FLOAT = 0, DOUBLE = 1, HALF = 8, ROWS = 10 };

struct every {
    struct adadelta *optimizer;
    double values[KINDS][N], gradients[KINDS][2 * NAMED]; /* room for any type */
};

/* What a run may be set to. */
struct course {
    enum adadelta_method method;
    enum adadelta_averaging averaging;
    struct adadelta_gradients gradients;
    struct adadelta_schedule schedule;
};

/* Fills an array of a type with noise. */
static inline void fill(enum adadelta_dtype dtype, void *array, int n, int step, int first)
{
    double numbers[2 * NAMED];
    for (int i = 0; i < n; i++)
        numbers[i] = noise(step, first + i);
    if (dtype == ADADELTA_DTYPE_DEFAULT)
        dtype = ADADELTA_F32;
    assert_int_equal(adadelta_convert((size_t)n, dtype, array, ADADELTA_F64, numbers), ADADELTA_OK);
}

static inline enum adadelta_dtype gradient_type(size_t k)
{
    return every_kind[k].gradient_dtype ? every_kind[k].gradient_dtype : every_kind[k].dtype;
}

/* Two groups, the second climbing; two tensors with settings of their own. seed makes runs differ. */
static inline void every_start(struct every *every, const struct course *course, uint64_t seed)
{
    const struct adadelta_options options = {.method = course->method,
                                             .threads = 1,
                                             .seed = seed,
                                             .averaging = course->averaging,
                                             .average_decay = 0.75 + (double)(seed % 7) / 100};
    struct adadelta_hyper hyper = adadelta_hyper_for(course->method);
    memset(every, 0, sizeof *every);
    assert_int_equal(adadelta_create(&options, &every->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(every->optimizer, NULL, NULL), ADADELTA_OK);
    hyper.weight_decay = 0.125 + (double)(seed % 5) / 100;
    hyper.maximize = 1;
    assert_int_equal(adadelta_add_group(every->optimizer, &hyper, NULL), ADADELTA_OK);
    for (size_t k = 0; k < KINDS; k++) {
        struct adadelta_tensor tensor = every_kind[k];
        fill(tensor.dtype, every->values[k], N, (int)(seed % 1000), 100 * (int)k);
        tensor.values = every->values[k];
        assert_int_equal(adadelta_add_tensor(every->optimizer, k % 2, &tensor, NULL), ADADELTA_OK);
    }
    hyper.lr *= 0.5, hyper.maximize = 0, hyper.decoupled = 1;
    for (size_t k = seed % 3; k < KINDS; k += 4)
        assert_int_equal(adadelta_set_tensor_hyper(every->optimizer, k, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(every->optimizer, &course->gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(every->optimizer, &course->schedule), ADADELTA_OK);
}

static inline void every_end(struct every *every)
{
    adadelta_destroy(every->optimizer);
}

/* The steps from .. to - 1. Now and then a tensor stays out, and, where they are left out, a gradient is NaN. */
static inline void every_step(struct every *every, int from, int to)
{
    static const size_t named[NAMED] = {1, 2, 1, 1, 0};
    const int skips = every->optimizer->gradients.nonfinite == ADADELTA_NONFINITE_SKIP;
    for (int t = from; t < to; t++) {
        for (size_t k = 0; k < KINDS; k++) {
            fill(gradient_type(k), every->gradients[k], 2 * NAMED, t, 1000 + 100 * (int)k);
            const void *gradient = t % 4 == 1 && k % 3 == 0 ? NULL : every->gradients[k];
            assert_int_equal(adadelta_set_buffers(every->optimizer, k, every->values[k], gradient), ADADELTA_OK);
        }
        assert_int_equal(
            adadelta_set_rows(every->optimizer, ROWS, (size_t)t % (NAMED + 1), named, every->gradients[ROWS]),
            ADADELTA_OK);
        if (skips && t % 5 == 2)
            memset(every->gradients[DOUBLE], 0xff, sizeof(double));
        assert_int_equal(adadelta_step(every->optimizer), ADADELTA_OK);
    }
}

/* ---- All that there is to it, byte by byte and without padding ---- */

static inline void add_hyper(struct snapshot *snapshot, const struct adadelta_hyper *h)
{
    const double numbers[] = {h->lr, h->rho, h->eps, h->weight_decay, h->momentum, h->beta1, h->beta2};
    const int flags[] = {h->nesterov, h->decoupled, h->maximize};
    snapshot_add(snapshot, numbers, sizeof numbers);
    snapshot_add(snapshot, flags, sizeof flags);
}

static inline void add_settings(struct snapshot *snapshot, const struct adadelta *optimizer)
{
    const struct adadelta_gradients *g = &optimizer->gradients;
    const struct adadelta_schedule *s = &optimizer->schedule;
    const double numbers[] = {g->scale, g->clip_value, g->clip_norm, g->clip_global_norm, s->gamma, s->end};
    const uint64_t counts[] = {s->steps,         s->warmup,          s->every,
                               optimizer->steps, optimizer->skipped, optimizer->options.seed};
    const int choices[] = {(int)g->nonfinite, (int)g->duplicates, (int)s->kind, (int)optimizer->options.averaging,
                           optimizer->swapped};
    snapshot_add(snapshot, numbers, sizeof numbers);
    snapshot_add(snapshot, counts, sizeof counts);
    snapshot_add(snapshot, choices, sizeof choices);
    if (optimizer->options.averaging == ADADELTA_AVERAGING_EXPONENTIAL)
        snapshot_add(snapshot, &optimizer->options.average_decay, sizeof(double));
    for (size_t k = 0; k < optimizer->group_count; k++)
        add_hyper(snapshot, &optimizer->groups[k].hyper);
}

static inline void add_tensor(struct snapshot *snapshot, const struct adadelta *optimizer, const struct tensor *tensor)
{
    const uint64_t counts[] = {tensor->steps, tensor->skipped, tensor->averaged, (uint64_t)tensor->own};
    snapshot_add(snapshot, counts, sizeof counts);
    add_hyper(snapshot, tensor_hyper(optimizer, tensor));
    snapshot_add(snapshot, tensor->info.values, tensor_bytes(tensor));
    for (size_t p = 0; p < tensor->part_count; p++) {
        if (optimizer->swapped || strcmp(tensor->parts[p].name, PART_SPARE) != 0) /* it means nothing else */
            snapshot_add(snapshot, tensor->parts[p].values, tensor->n * adadelta_dtype_size(tensor->parts[p].dtype));
    }
}

static inline struct snapshot picture(const struct adadelta *optimizer)
{
    struct snapshot snapshot = {.size = 0};
    add_settings(&snapshot, optimizer);
    for (size_t k = 0; k < optimizer->tensor_count; k++)
        add_tensor(&snapshot, optimizer, &optimizer->tensors[k]);
    return snapshot;
}

static inline void assert_same(const struct adadelta *a, const struct adadelta *b)
{
    const struct snapshot left = picture(a), right = picture(b);
    assert_int_equal(left.size, right.size);
    for (size_t k = 0; k < left.size; k++) {
        if (left.bytes[k] != right.bytes[k])
            fail_msg("byte %zu of %zu differs", k, left.size);
    }
}

/* ---- Files ---- */

static inline void save(const struct adadelta *optimizer)
{
    struct adadelta_error error = {.text = ""};
    if (adadelta_save(optimizer, path, &error))
        fail_msg("%s", error.text);
}

static inline void load(struct adadelta *optimizer)
{
    struct adadelta_error error = {.text = ""};
    if (adadelta_load(optimizer, path, &error))
        fail_msg("%s", error.text);
}

/* What checkpoint_reader.py prints of the file, to be given to free. */
static inline char *read_by_python(void)
{
    char command[1000], output[400];
    snprintf(output, sizeof output, "%s/out", folder);
    snprintf(command, sizeof command, "python3 -B '%s/tests/checkpoint_reader.py' '%s' >'%s'", SOURCE_DIR, path,
             output);
    assert_int_equal(system(command), 0);
    return (char *)slurp(output).data;
}

/* A load that must fail with such a text and leave everything as it was. */
static inline void refuse(struct adadelta *optimizer, enum adadelta_status status, const char *says)
{
    struct adadelta_error error = {.text = ""};
    const struct snapshot before = picture(optimizer);
    const enum adadelta_status got = adadelta_load(optimizer, path, &error);
    const struct snapshot after = picture(optimizer);
    if (got != status || !strstr(error.text, says) || error.status != status)
        fail_msg("not '%s' but %d: %s", says, (int)got, error.text);
    assert_true(same(&before, &after));
}

#endif
