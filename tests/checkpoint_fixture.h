/* SPDX-License-Identifier: MIT */
/* A run to be saved and resumed: an optimizer of two groups with tensors of every kind, and gradients that follow from
   the parameters and the step alone, so that two runs in the same state go the same way. */
#ifndef ADADELTA_TESTS_CHECKPOINT_FIXTURE_H
#define ADADELTA_TESTS_CHECKPOINT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "optimizer.h" /* before cmocka.h, which has a macro of the name fail */
#include <cmocka.h>

enum { W = 15, B = 7, SCALAR = 2, TENSORS = 4 };

#define ODD_NAME "b \"\\\n\xc3\xa9" /* a quote, a backslash, a new line and an e with an accent */

struct run {
    struct adadelta *optimizer;
    float w[W], w_gradient[W];
    double b[B], b_gradient[B], s, s_gradient;
};

static inline void run_add(struct run *run, size_t group, struct adadelta_tensor tensor)
{
    assert_int_equal(adadelta_add_tensor(run->optimizer, group, &tensor, NULL), ADADELTA_OK);
}

/* In another order than the arrays have in a file; start makes runs differ. */
static inline void run_start(struct run *run, enum adadelta_method method, double start)
{
    struct adadelta_options options = {.method = method, .threads = 1};
    struct adadelta_hyper second = adadelta_hyper_for(method);

    memset(run, 0, sizeof *run);
    for (int i = 0; i < W; i++)
        run->w[i] = (float)(start + 0.1 * i);
    for (int i = 0; i < B; i++)
        run->b[i] = start - 0.3 * i;
    run->s = start / 3;
    second.lr *= 0.7;
    second.weight_decay = 1e-3;
    assert_int_equal(adadelta_create(&options, &run->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(run->optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(run->optimizer, &second, NULL), ADADELTA_OK);
    run_add(run, 0,
            (struct adadelta_tensor){
                .name = "w", .ndim = 2, .shape = {3, 5}, .values = run->w, .gradient = run->w_gradient});
    run_add(run, 1,
            (struct adadelta_tensor){.name = ODD_NAME,
                                     .dtype = ADADELTA_F64,
                                     .ndim = 1,
                                     .shape = {B},
                                     .values = run->b,
                                     .gradient = run->b_gradient});
    run_add(run, 1, (struct adadelta_tensor){.name = "s", .dtype = ADADELTA_F64, .values = &run->s});
    run_add(run, 0, (struct adadelta_tensor){.name = "none", .ndim = 2, .shape = {0, 4}});
}

static inline void run_end(struct run *run)
{
    adadelta_destroy(run->optimizer);
}

/* Between -1 and 1, by step and element. */
static inline double noise(int step, int element)
{
    uint32_t x = (uint32_t)step * 2654435761u + (uint32_t)element * 40503u + 12345u;
    x = (x ^ x >> 15) * 2246822519u;
    return (double)(x >> 8) / (1 << 23) - 1;
}

/* The steps from the number from up to the number to. The scalar takes part in every third; settings change on the
   way. */
static inline void run_steps(struct run *run, int from, int to)
{
    for (int t = from; t < to; t++) {
        for (int i = 0; i < W; i++)
            run->w_gradient[i] = run->w[i] + (float)noise(t, i);
        for (int i = 0; i < B; i++)
            run->b_gradient[i] = run->b[i] * 0.5 + noise(t, 100 + i);
        run->s_gradient = run->s + noise(t, 200);
        assert_int_equal(adadelta_set_buffers(run->optimizer, SCALAR, &run->s, t % 3 == 0 ? &run->s_gradient : NULL),
                         ADADELTA_OK);
        if (t % 8 == 5) {
            struct adadelta_hyper hyper;
            assert_int_equal(adadelta_get_hyper(run->optimizer, 1, &hyper), ADADELTA_OK);
            hyper.lr *= 0.9;
            hyper.rho = 0.1 + noise(t, 300) * 0.05;
            hyper.nesterov = !hyper.nesterov;
            hyper.decoupled = !hyper.decoupled;
            assert_int_equal(adadelta_set_hyper(run->optimizer, 1, &hyper), ADADELTA_OK);
        }
        assert_int_equal(adadelta_step(run->optimizer), ADADELTA_OK);
    }
}

/* All that a run consists of, byte by byte. */
struct snapshot {
    size_t size;
    unsigned char bytes[8192];
};

static inline void snapshot_add(struct snapshot *snapshot, const void *data, size_t size)
{
    assert_true(snapshot->size + size <= sizeof snapshot->bytes);
    if (size > 0)
        memcpy(snapshot->bytes + snapshot->size, data, size);
    snapshot->size += size;
}

static inline struct snapshot snapshot_of(const struct run *run)
{
    const struct adadelta *optimizer = run->optimizer;
    struct snapshot snapshot = {.size = 0};

    snapshot_add(&snapshot, &optimizer->steps, sizeof optimizer->steps);
    snapshot_add(&snapshot, optimizer->groups, optimizer->group_count * sizeof *optimizer->groups);
    for (size_t k = 0; k < optimizer->tensor_count; k++) {
        const struct tensor *tensor = &optimizer->tensors[k];
        snapshot_add(&snapshot, &tensor->steps, sizeof tensor->steps);
        snapshot_add(&snapshot, &tensor->skipped, sizeof tensor->skipped);
        snapshot_add(&snapshot, &tensor->averaged, sizeof tensor->averaged);
        snapshot_add(&snapshot, tensor->info.values, tensor->n * adadelta_dtype_size(tensor->info.dtype));
        for (size_t p = 0; p < tensor->part_count; p++)
            snapshot_add(&snapshot, tensor->parts[p].values, tensor->n * adadelta_dtype_size(tensor->parts[p].dtype));
    }
    return snapshot;
}

static inline int same(const struct snapshot *a, const struct snapshot *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- A folder for the files of one test program ---- */

static char folder[200], path[300];

static inline int make_folder(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%.150s/adadelta-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/run.safetensors", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- Whole files ---- */

struct bytes {
    unsigned char *data;
    size_t size;
};

static inline struct bytes slurp(const char *name)
{
    struct bytes bytes = {NULL, 0};
    FILE *file = fopen(name, "rb");
    long size;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    bytes.size = (size_t)size;
    bytes.data = malloc(bytes.size + 1);
    assert_non_null(bytes.data);
    assert_int_equal(fread(bytes.data, 1, bytes.size, file), bytes.size);
    bytes.data[bytes.size] = '\0';
    fclose(file);
    return bytes;
}

static inline void spill(const char *name, const void *data, size_t size)
{
    FILE *file;

    unlink(name); /* a file that is cut to nothing first goes to the disk at once on some systems: 20 times slower */
    file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#endif
