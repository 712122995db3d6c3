/* SPDX-License-Identifier: MIT */
/* See products.h. */
#include "products.h"

#include <cblas.h>

/* A product of fewer multiplications is not worth cutting; inner loops of BLAS take so many columns at once. */
enum { WORTH_CUTTING = 1 << 20, GRAIN = 8 };

struct job {
    struct layers *layers;
    size_t l, rows;
};

/* Some outputs of a layer, their gradients, or the derivatives by some of its inputs. */
typedef void product(const struct job *job, size_t begin, size_t end);

static void forward(const struct job *job, size_t begin, size_t end)
{
    const struct layers *layers = job->layers;
    const size_t l = job->l, in = layers->width[l], out = layers->width[l + 1];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)job->rows, (int)(end - begin), (int)in, 1,
                layers->values[l], (int)in, layers->weights[l] + begin * in, (int)in, 0, layers->values[l + 1] + begin,
                (int)out);
}

static void gradient(const struct job *job, size_t begin, size_t end)
{
    const struct layers *layers = job->layers;
    const size_t l = job->l, in = layers->width[l], out = layers->width[l + 1];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - begin), (int)in, (int)job->rows, 1,
                layers->deltas[l + 1] + begin, (int)out, layers->values[l], (int)in, 0,
                layers->weight_gradients[l] + begin * in, (int)in);
}

static void delta(const struct job *job, size_t begin, size_t end)
{
    const struct layers *layers = job->layers;
    const size_t l = job->l, in = layers->width[l], out = layers->width[l + 1];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)job->rows, (int)(end - begin), (int)out, 1,
                layers->deltas[l + 1], (int)out, layers->weights[l] + begin, (int)in, 0, layers->deltas[l] + begin,
                (int)in);
}

static void do_piece(product *multiply, const struct job *job, size_t width, size_t piece, size_t pieces)
{
    const size_t begin = width * piece / pieces / GRAIN * GRAIN;
    const size_t end = piece + 1 == pieces ? width : width * (piece + 1) / pieces / GRAIN * GRAIN;
    if (begin < end)
        multiply(job, begin, end);
}

/* A small product is one piece. */
static size_t count_pieces(const struct job *job, size_t asked)
{
    const size_t in = job->layers->width[job->l], out = job->layers->width[job->l + 1];
    return job->rows * in * out < WORTH_CUTTING ? 1 : asked;
}

static void forward_all(struct layers *layers, size_t rows, size_t asked)
{
    for (size_t l = 0; l < layers->count; l++) {
        const struct job job = {layers, l, rows};
        const size_t pieces = count_pieces(&job, asked);
#pragma omp for schedule(static)
        for (size_t piece = 0; piece < pieces; piece++)
            do_piece(forward, &job, layers->width[l + 1], piece, pieces);
    }
}

static void backward_all(struct layers *layers, size_t rows, size_t asked)
{
    for (size_t l = layers->count; l-- > 0;) {
        const struct job job = {layers, l, rows};
        const size_t pieces = count_pieces(&job, asked), deltas = l ? pieces : 0;
#pragma omp for schedule(static) nowait
        for (size_t piece = 0; piece < deltas; piece++)
            do_piece(delta, &job, layers->width[l], piece, pieces);
#pragma omp for schedule(static)
        for (size_t piece = 0; piece < pieces; piece++)
            do_piece(gradient, &job, layers->width[l + 1], piece, pieces);
    }
}

void products_run(struct layers *layers, size_t rows, size_t pieces, int threads)
{
#pragma omp parallel num_threads(threads)
    {
        forward_all(layers, rows, pieces);
        backward_all(layers, rows, pieces);
    }
}
