/* SPDX-License-Identifier: MIT */
/* See layers.h. */
#include "layers.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---- */

/* Hands out size floats from *next, or only counts them while *next is NULL. Arrays start on cache lines. */
static float *take(float **next, size_t *total, size_t rows, size_t columns)
{
    const size_t line = 64 / sizeof(float);
    if (columns && rows > (SIZE_MAX / 64 - *total) / columns) {
        *total = SIZE_MAX / 64; /* saturated: the allocation will fail */
        return NULL;
    }
    const size_t size = (rows * columns + line - 1) / line * line;
    float *taken = *next;
    *total += size;
    if (taken)
        *next += size;
    return taken;
}

/* Lays out all arrays from base on (NULL: counts only) and returns the number of floats. */
static size_t lay_out(struct layers *layers, float *base)
{
    float *next = base;
    size_t total = 0;
    for (size_t l = 0; l < layers->count; l++) {
        const size_t in = layers->width[l], out = layers->width[l + 1];
        layers->weights[l] = take(&next, &total, out, in);
        layers->biases[l] = take(&next, &total, out, 1);
        layers->weight_gradients[l] = take(&next, &total, out, in);
        layers->bias_gradients[l] = take(&next, &total, out, 1);
        layers->deltas[l + 1] = take(&next, &total, layers->capacity, out);
    }
    for (size_t l = 0; l <= layers->count; l++)
        layers->values[l] = take(&next, &total, layers->capacity, layers->width[l]);
    return total;
}

enum verdict layers_create(struct layers *layers, size_t count, const size_t *width, enum activation activation,
                           size_t capacity, int threads, struct trouble *trouble)
{
    *layers = (struct layers){.count = count, .activation = activation, .threads = threads, .capacity = capacity};
    layers->each = elementwise_in_use();
    memcpy(layers->width, width, (count + 1) * sizeof *width);
    const size_t floats = lay_out(layers, NULL);
    layers->memory = floats < SIZE_MAX / 64 ? aligned_alloc(64, floats * sizeof(float)) : NULL;
    if (!layers->memory)
        return blame_memory(trouble);
    lay_out(layers, layers->memory);
    openblas_set_num_threads(1);
    /* A build of OpenBLAS without threads has no locks either: two calls at once give wrong products. */
    if (openblas_get_parallel() == OPENBLAS_SEQUENTIAL)
        layers->threads = 1;
    return DONE;
}

void layers_free(struct layers *layers)
{
    free(layers->memory);
    *layers = (struct layers){0};
}

size_t layers_parameter_count(const struct layers *layers)
{
    size_t total = 0;
    for (size_t l = 0; l < layers->count; l++)
        total += (layers->width[l] + 1) * layers->width[l + 1];
    return total;
}

/* ---- First weights ---- */

/* Uniform in [-1, 1). */
static double random_within_one(struct random *random)
{
    return 2 * random_uniform(random) - 1;
}

static double he_deviation(double in, double out)
{
    (void)out;
    return sqrt(2 / in);
}

static double glorot_bound(double in, double out)
{
    return sqrt(6 / (in + out));
}

static double inputs_bound(double in, double out)
{
    (void)out;
    return 1 / sqrt(in);
}

static double small_deviation(double in, double out)
{
    (void)in, (void)out;
    return 0.01;
}

/* A number times a scale by the layer's inputs and outputs; without a number, 0, and nothing is drawn. */
struct distribution {
    double (*number)(struct random *random);
    double (*scale)(double in, double out);
};

static const struct {
    struct distribution weights, biases;
} inits[] = {
    [INIT_HE] = {.weights = {random_normal, he_deviation}},
    [INIT_GLOROT] = {.weights = {random_within_one, glorot_bound}},
    [INIT_UNIFORM] = {.weights = {random_within_one, inputs_bound}},
    [INIT_TORCH] = {.weights = {random_within_one, inputs_bound}, .biases = {random_within_one, inputs_bound}},
    [INIT_NORMAL] = {.weights = {random_normal, small_deviation}},
    [INIT_ZERO] = {.weights = {NULL, NULL}},
};

/* Draws array [count] of a layer of so many inputs and outputs. */
static void draw(float *array, size_t count, struct distribution distribution, size_t in, size_t out,
                 struct random *random)
{
    memset(array, 0, count * sizeof *array);
    if (!distribution.number)
        return;
    const double scale = distribution.scale((double)in, (double)out);
    for (size_t i = 0; i < count; i++)
        array[i] = (float)(scale * distribution.number(random));
}

void layers_draw(struct layers *layers, enum init init, struct random *random)
{
    if (init == INIT_AUTO)
        init = layers->count > 1 && layers->activation == ACTIVATION_RELU ? INIT_HE : INIT_GLOROT;
    for (size_t l = 0; l < layers->count; l++) {
        const size_t in = layers->width[l], out = layers->width[l + 1];
        draw(layers->weights[l], in * out, inits[init].weights, in, out, random);
        draw(layers->biases[l], out, inits[init].biases, in, out, random);
    }
}

/* ---- Blocks ---- */

/* A product is cut along a dimension of its result. Every block packs the other matrix again: two cost half a hundredth
   of the time, four two hundredths, eight five, so that blocks stay this wide and are worth so many multiplications.
   Their number is a power of two, for even shares. They begin at multiples of what the inner loops of BLAS take at
   once: where they do not, four cost up to five hundredths. */
enum { BLOCK_WIDTH = 64, WORTH_A_BLOCK = 1 << 20, BLOCK_GRAIN = 8 };

/* The blocks of a dimension of width in a product of layer l. */
static size_t block_count(const struct layers *layers, size_t l, size_t rows, size_t width)
{
    const size_t worth = rows * layers->width[l] / 64 * layers->width[l + 1] / (WORTH_A_BLOCK / 64);
    size_t count = 1;
    while (2 * count <= worth && width / (2 * count) >= BLOCK_WIDTH)
        count *= 2;
    return count;
}

/* Where block b of count begins in a dimension of width. */
static size_t block_begin(size_t width, size_t b, size_t count)
{
    return b == count ? width : width * b / count / BLOCK_GRAIN * BLOCK_GRAIN;
}

typedef void block_work(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end);

/* Does block b of count. */
static void do_block(block_work *work, struct layers *layers, size_t l, size_t rows, size_t width, size_t b,
                     size_t count)
{
    const size_t begin = block_begin(width, b, count), end = block_begin(width, b + 1, count);
    if (begin < end)
        work(layers, l, rows, begin, end);
}

/* ---- Forward and backward ---- */

/* The outputs begin .. end - 1 of layer l. */
static void forward_block(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end)
{
    const size_t in = layers->width[l], out = layers->width[l + 1], width = end - begin;
    float *z = layers->values[l + 1] + begin;
    for (size_t r = 0; r < rows; r++)
        memcpy(z + r * out, layers->biases[l] + begin, width * sizeof *z);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)width, (int)in, 1, layers->values[l], (int)in,
                layers->weights[l] + begin * in, (int)in, 1, z, (int)out);
    if (l + 1 == layers->count)
        return;
    for (size_t r = 0; r < rows; r++)
        layers->each->forward[layers->activation](z + r * out, width);
}

/* The gradients of the weights and biases of outputs begin .. end - 1 of layer l. */
static void gradient_block(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end)
{
    const size_t in = layers->width[l], out = layers->width[l + 1], width = end - begin;
    const float *delta = layers->deltas[l + 1] + begin;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)width, (int)in, (int)rows, 1, delta, (int)out,
                layers->values[l], (int)in, 0, layers->weight_gradients[l] + begin * in, (int)in);
    float *gradient = layers->bias_gradients[l] + begin;
    memset(gradient, 0, width * sizeof *gradient);
    for (size_t r = 0; r < rows; r++)
        layers->each->add(gradient, delta + r * out, width);
}

/* The derivatives by inputs begin .. end - 1 of layer l, which are outputs of the layer below. */
static void delta_block(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end)
{
    const size_t in = layers->width[l], out = layers->width[l + 1], width = end - begin;
    float *delta = layers->deltas[l] + begin;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)width, (int)out, 1, layers->deltas[l + 1],
                (int)out, layers->weights[l] + begin, (int)in, 0, delta, (int)in);
    for (size_t r = 0; r < rows; r++)
        layers->each->backward[layers->activation](delta + r * in, layers->values[l] + r * in + begin, width);
}

/* Shares are fixed, so that a thread finds weights and gradients in its own cache that it has had before: a tenth
   faster than blocks for whoever comes first. */
void layers_forward(struct layers *layers, size_t rows)
{
    for (size_t l = 0; l < layers->count; l++) {
        const size_t width = layers->width[l + 1], count = block_count(layers, l, rows, width);
#pragma omp for schedule(static)
        for (size_t b = 0; b < count; b++)
            do_block(forward_block, layers, l, rows, width, b, count);
    }
}

/* ---- Gradients in parts ---- */

/* All gradients are cut into equal parts, as Adadelta's step cuts them among its threads: what a thread has written
   here it finds in its own cache there. As many as the layer with the most has blocks. */
static size_t part_count(const struct layers *layers, size_t rows)
{
    size_t most = 1;
    for (size_t l = 0; l < layers->count; l++) {
        const size_t count = block_count(layers, l, rows, layers->width[l + 1]);
        most = count > most ? count : most;
    }
    return most;
}

/* The first output of a layer that lies behind a place in the row of all parameters; the layer's begin at start. */
static size_t output_at(const struct layers *layers, size_t l, size_t start, size_t place)
{
    const size_t size = layers->width[l] + 1, output = place > start ? (place - start) / size : 0;
    return output < layers->width[l + 1] ? output / BLOCK_GRAIN * BLOCK_GRAIN : layers->width[l + 1];
}

/* Part p of count, of whichever layers it meets. */
static void gradient_part(struct layers *layers, size_t rows, size_t p, size_t count)
{
    const size_t total = layers_parameter_count(layers);
    const size_t from = total / count * p, to = p + 1 == count ? total : total / count * (p + 1);
    for (size_t l = 0, start = 0; l < layers->count; l++) {
        const size_t begin = output_at(layers, l, start, from), end = output_at(layers, l, start, to);
        if (begin < end)
            gradient_block(layers, l, rows, begin, end);
        start += (layers->width[l] + 1) * layers->width[l + 1];
    }
}

void layers_backward(struct layers *layers, size_t rows)
{
    for (size_t l = layers->count; l-- > 1;) {
        const size_t width = layers->width[l], count = block_count(layers, l, rows, width);
#pragma omp for schedule(static)
        for (size_t b = 0; b < count; b++)
            do_block(delta_block, layers, l, rows, width, b, count);
    }
    const size_t parts = part_count(layers, rows);
#pragma omp for schedule(static)
    for (size_t p = 0; p < parts; p++)
        gradient_part(layers, rows, p, parts);
}

int layers_team(const struct layers *layers, size_t rows)
{
    return part_count(layers, rows) > 1 ? layers->threads : 1;
}
