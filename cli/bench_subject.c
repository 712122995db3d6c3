/* SPDX-License-Identifier: MIT */
/* Sets up an optimizer by a plan, and the limit of what its step must move through memory. With one tensor both work
   on the very same arrays, so that the luck of where these lie in memory is the same, too. */
#include "bench_subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_number.h"

enum { ALIGNMENT = 64, CHUNK = 4096 };

/* ---- Numbers to begin with ---- */

static uint64_t mixed(uint64_t seed, uint64_t place)
{
    uint64_t z = (seed << 40) + (place + 1) * 0x9e3779b97f4a7c15u; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A number of [-1, 1] that depends on seed and place only. */
static double noise(uint64_t seed, uint64_t place)
{
    return (double)(mixed(seed, place) >> 11) * 0x1p-52 - 1;
}

/* Fills array [n] with noise; which tells arrays apart. */
static void fill(const struct bench_plan *plan, enum adadelta_dtype dtype, void *array, size_t n, unsigned which)
{
    const size_t size = adadelta_dtype_size(dtype), chunks = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(plan->threads) schedule(static)
    for (size_t c = 0; c < chunks; c++) {
        double values[CHUNK];
        const size_t begin = c * CHUNK, count = n - begin < CHUNK ? n - begin : CHUNK;
        for (size_t i = 0; i < count; i++)
            values[i] = noise(plan->seed, 2 * (uint64_t)(begin + i) + which);
        adadelta_convert(count, dtype, (char *)array + begin * size, ADADELTA_F64, values);
    }
}

static void *allocate(size_t bytes)
{
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* The first rows of a shuffled row of all (Fisher and Yates); 0 where there is no memory. */
static int name_rows(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    const size_t all = plan->n / plan->row_width, named = bench_named_rows(plan);
    bench->rows = malloc(all * sizeof *bench->rows);
    bench->turn = malloc(all * sizeof *bench->turn);
    if (!bench->rows || !bench->turn)
        return 0;
    for (size_t i = 0; i < all; i++) {
        bench->rows[i] = i;
        bench->turn[i] = SIZE_MAX;
    }
    for (size_t j = 0; j < named; j++) {
        const size_t k = j + (size_t)(mixed(plan->seed, UINT64_MAX / 2 + j) % (all - j)), row = bench->rows[k];
        bench->rows[k] = bench->rows[j];
        bench->rows[j] = row;
        bench->turn[row] = j;
    }
    return 1;
}

size_t bench_gradient_of(const struct bench *bench, size_t i)
{
    if (!bench->rows)
        return i;
    const size_t width = bench->plan->row_width, turn = bench->turn[i / width];
    return turn == SIZE_MAX ? SIZE_MAX : turn * width + i % width;
}

size_t bench_parameter_of(const struct bench *bench, size_t j)
{
    const size_t width = bench->plan->row_width;
    return bench->rows ? bench->rows[j / width] * width + j % width : j;
}

/* ---- The optimizer ---- */

/* The norm of all gradients, as a step clips it. */
static double gradients_norm(const struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    const double scale = bench_has(plan, EXTRA_SCALE) ? BENCH_SCALE : 1;
    const double bound = bench_has(plan, EXTRA_CLIP) ? BENCH_CLIP_VALUE : INFINITY;
    const size_t moved = bench_moved(plan);
    long double sum = 0;
#pragma omp parallel for num_threads(plan->threads) schedule(static) reduction(+ : sum)
    for (size_t j = 0; j < moved; j++) {
        const double g = fmin(fabs(number_get(plan->gradient, bench->g, j)) / scale, bound);
        sum += g * g;
    }
    return (double)sqrtl(sum);
}

static enum adadelta_status create(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    struct adadelta_options options = adadelta_options_default();
    options.threads = plan->threads;
    options.seed = plan->seed;
    options.averaging = bench_has(plan, EXTRA_AVERAGE)  ? ADADELTA_AVERAGING_EXPONENTIAL
                        : bench_has(plan, EXTRA_POLYAK) ? ADADELTA_AVERAGING_POLYAK
                                                        : ADADELTA_AVERAGING_NONE;
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.weight_decay = bench_has(plan, EXTRA_DECAY) ? BENCH_WEIGHT_DECAY : 0;
    const enum adadelta_status status = adadelta_create(&options, &bench->optimizer);
    return status ? status : adadelta_add_group(bench->optimizer, &hyper, NULL);
}

static enum adadelta_status prepare(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.nonfinite = bench_has(plan, EXTRA_LOOK) ? ADADELTA_NONFINITE_RAISE : ADADELTA_NONFINITE_PROPAGATE;
    gradients.scale = bench_has(plan, EXTRA_SCALE) ? BENCH_SCALE : 1;
    gradients.clip_value = bench_has(plan, EXTRA_CLIP) ? BENCH_CLIP_VALUE : 0;
    gradients.clip_global_norm = bench_has(plan, EXTRA_NORM) ? BENCH_NORM_SHRINK * gradients_norm(bench) : 0;
    const enum adadelta_status status = adadelta_set_gradients(bench->optimizer, &gradients);
    return status ? status : adadelta_set_measuring(bench->optimizer, bench_has(plan, EXTRA_MEASURE));
}

static enum adadelta_status add_tensors(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    enum adadelta_status status = ADADELTA_OK;
    for (size_t t = 0; t < plan->tensors && !status; t++) {
        const size_t start = bench_tensor_start(plan, t);
        char name[32];
        snprintf(name, sizeof name, "tensor%zu", t);
        struct adadelta_tensor tensor = {
            .name = name,
            .dtype = plan->dtype,
            .ndim = 1,
            .shape = {bench_tensor_start(plan, t + 1) - start},
            .values = (char *)bench->x + start * adadelta_dtype_size(plan->dtype),
            .gradient = (char *)bench->g + start * adadelta_dtype_size(plan->gradient),
            .gradient_dtype = plan->gradient,
            .state_dtype = plan->state,
            .weights = plan->weights,
        };
        if (bench->rows) {
            tensor.ndim = 2;
            tensor.shape[0] = plan->n / plan->row_width;
            tensor.shape[1] = plan->row_width;
            tensor.gradient = NULL;
            tensor.max_rows = bench_named_rows(plan);
        }
        status = adadelta_add_tensor(bench->optimizer, 0, &tensor, NULL);
    }
    if (!status && bench->rows)
        status = adadelta_set_rows(bench->optimizer, 0, bench_named_rows(plan), bench->rows, bench->g);
    return status;
}

const void *bench_state(const struct bench *bench, size_t t, const char *name)
{
    void *state;
    return adadelta_state(bench->optimizer, t, name, &state) ? NULL : state;
}

/* ---- The limit ---- */

static void add_array(struct limit *limit, const void *elements, size_t size, int writes, int packed)
{
    struct limit_pass *pass = &limit->passes[limit->pass_count - 1];
    pass->arrays[pass->count++] = (struct limit_array){(void *)elements, size, writes, packed};
}

/* What the optimizer keeps for a parameter: the names and sizes of its arrays; returns how many. */
static size_t list_state(const struct bench_plan *plan, const char *names[4], size_t sizes[4])
{
    size_t count = 0;
    const size_t state = adadelta_dtype_size(plan->state);
    names[count] = "square_avg", sizes[count++] = state;
    names[count] = "acc_delta", sizes[count++] = state;
    if (bench_kept_size(plan))
        names[count] = plan->weights == ADADELTA_WEIGHTS_SPLIT ? "low" : "master",
        sizes[count++] = bench_kept_size(plan);
    if (bench_average_size(plan))
        names[count] = "average", sizes[count++] = bench_average_size(plan);
    return count;
}

/* 0 where there is no memory. */
static int set_limit(struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    struct limit *limit = &bench->limit;
    const size_t gradient = adadelta_dtype_size(plan->gradient);
    const char *names[4];
    size_t sizes[4], sum = 0, used = 0;
    const size_t count = list_state(plan, names, sizes);
    *limit = (struct limit){.n = bench_moved(plan), .rows = bench->rows, .width = plan->row_width, .pass_count = 1};
    if (bench_has(plan, EXTRA_LOOK) || bench_has(plan, EXTRA_NORM)) {
        add_array(limit, bench->g, gradient, 0, 1);
        limit->pass_count++;
    }
    add_array(limit, bench->g, gradient, 0, 1);
    add_array(limit, bench->x, adadelta_dtype_size(plan->dtype), 1, 0);
    for (size_t k = 0; k < count; k++)
        sum += sizes[k];
    if (plan->tensors > 1) {
        bench->extra = allocate(sum * plan->n + count * ALIGNMENT);
        if (!bench->extra)
            return 0;
        fill(plan, ADADELTA_BF16, bench->extra, (sum * plan->n + count * ALIGNMENT) / 2, 0); /* memory must exist */
    }
    for (size_t k = 0; k < count; k++) {
        add_array(limit, bench->extra ? (char *)bench->extra + used : bench_state(bench, 0, names[k]), sizes[k], 1, 0);
        used += (sizes[k] * plan->n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return 1;
}

/* ---- All of it ---- */

enum verdict bench_set_up(struct bench *bench, const struct bench_plan *plan, struct trouble *trouble)
{
    const size_t moved = bench_moved(plan);
    *bench = (struct bench){.plan = plan};
    bench->x = allocate(plan->n * adadelta_dtype_size(plan->dtype));
    bench->g = allocate(moved * adadelta_dtype_size(plan->gradient));
    enum adadelta_status status = ADADELTA_ERROR_MEMORY;
    if (bench->x && bench->g && (!bench_has(plan, EXTRA_ROWS) || name_rows(bench))) {
        fill(plan, plan->dtype, bench->x, plan->n, 0);
        fill(plan, plan->gradient, bench->g, moved, 1);
        status = create(bench);
        if (!status)
            status = add_tensors(bench);
        if (!status)
            status = prepare(bench);
        if (!status && !set_limit(bench))
            status = ADADELTA_ERROR_MEMORY;
    }
    if (status == ADADELTA_ERROR_MEMORY)
        return blame(trouble, FAILED, "%zu parameters need %.3g GB of memory, which cannot be had", plan->n,
                     1e-9 * bench_bytes(plan));
    return status ? blame(trouble, FAILED, "%s", adadelta_error_text(bench->optimizer)) : DONE;
}

void bench_clear(struct bench *bench)
{
    adadelta_destroy(bench->optimizer);
    free(bench->extra);
    free(bench->turn);
    free(bench->rows);
    free(bench->g);
    free(bench->x);
}
