/* SPDX-License-Identifier: MIT */
/* See layers.h. */
#include "layers.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- Activations ---- */

/* z [n] in place. The comparison lets NaN through, so that a diverged run is noticed. */
static void relu(float *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[i] = z[i] < 0 ? 0 : z[i];
}

static void hyperbolic_tangent(float *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[i] = tanhf(z[i]);
}

static void logistic(float *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[i] = 1 / (1 + expf(-z[i]));
}

/* delta [n] times the derivative, told from the activation's output a [n]. */
static void relu_back(float *delta, const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        delta[i] = a[i] > 0 ? delta[i] : 0;
}

static void hyperbolic_tangent_back(float *delta, const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        delta[i] *= 1 - a[i] * a[i];
}

static void logistic_back(float *delta, const float *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        delta[i] *= a[i] * (1 - a[i]);
}

static const struct {
    void (*forward)(float *z, size_t n);
    void (*backward)(float *delta, const float *a, size_t n);
} activations[] = {
    [ACTIVATION_RELU] = {relu, relu_back},
    [ACTIVATION_TANH] = {hyperbolic_tangent, hyperbolic_tangent_back},
    [ACTIVATION_LOGISTIC] = {logistic, logistic_back},
};

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

void layers_draw(struct layers *layers, enum init init, struct random *random)
{
    if (init == INIT_AUTO)
        init = layers->count > 1 && layers->activation == ACTIVATION_RELU ? INIT_HE : INIT_GLOROT;
    for (size_t l = 0; l < layers->count; l++) {
        const size_t in = layers->width[l], out = layers->width[l + 1];
        const double deviation = sqrt(2.0 / (double)in), bound = sqrt(6.0 / (double)(in + out));
        memset(layers->biases[l], 0, out * sizeof(float));
        for (size_t i = 0; i < in * out; i++) {
            const double weight = init == INIT_ZERO ? 0
                                  : init == INIT_HE ? deviation * random_normal(random)
                                                    : bound * (2 * random_uniform(random) - 1);
            layers->weights[l][i] = (float)weight;
        }
    }
}

/* ---- Blocks ---- */

/* A product is worth cutting from this many multiplications on, into at most this many blocks: more would let more
   threads in, but every block packs the other matrix again. */
enum { WORTH_A_BLOCK = 1 << 20, MAX_BLOCKS = 4, BLOCK_GRAIN = 16 };

static size_t block_count(size_t rows, size_t in, size_t out)
{
    const size_t count = rows * in / 64 * out / (WORTH_A_BLOCK / 64);
    return count < 1 ? 1 : count > MAX_BLOCKS ? MAX_BLOCKS : count;
}

/* Where block b of count begins in a dimension of width. */
static size_t block_begin(size_t width, size_t b, size_t count)
{
    return b == count ? width : width * b / count / BLOCK_GRAIN * BLOCK_GRAIN;
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
        activations[layers->activation].forward(z + r * out, width);
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
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < width; i++)
            gradient[i] += delta[r * out + i];
    }
}

/* The derivatives by inputs begin .. end - 1 of layer l, which are outputs of the layer below. */
static void delta_block(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end)
{
    const size_t in = layers->width[l], out = layers->width[l + 1], width = end - begin;
    float *delta = layers->deltas[l] + begin;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)width, (int)out, 1, layers->deltas[l + 1],
                (int)out, layers->weights[l] + begin, (int)in, 0, delta, (int)in);
    for (size_t r = 0; r < rows; r++)
        activations[layers->activation].backward(delta + r * in, layers->values[l] + r * in + begin, width);
}

typedef void block_work(struct layers *layers, size_t l, size_t rows, size_t begin, size_t end);

/* Does work for all of a dimension of layer l, cut into blocks. */
static void in_blocks(block_work *work, struct layers *layers, size_t l, size_t rows, size_t width)
{
    const size_t count = block_count(rows, layers->width[l], layers->width[l + 1]);
#pragma omp parallel for num_threads(layers->threads) if (count > 1 && layers->threads > 1) schedule(static)
    for (size_t b = 0; b < count; b++) {
        const size_t begin = block_begin(width, b, count), end = block_begin(width, b + 1, count);
        if (begin < end)
            work(layers, l, rows, begin, end);
    }
}

void layers_forward(struct layers *layers, size_t rows)
{
    for (size_t l = 0; l < layers->count; l++)
        in_blocks(forward_block, layers, l, rows, layers->width[l + 1]);
}

void layers_backward(struct layers *layers, size_t rows)
{
    for (size_t l = layers->count; l-- > 0;) {
        in_blocks(gradient_block, layers, l, rows, layers->width[l + 1]);
        if (l > 0)
            in_blocks(delta_block, layers, l, rows, layers->width[l]);
    }
}
