/* SPDX-License-Identifier: MIT */
/* The gradients of every model against central differences of a plain double-precision network written here, and their
   bits for every number of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers.h"
#include "loss.h"

struct network_case {
    size_t count;
    size_t width[5];
    enum activation activation;
    enum target_kind kind;
    size_t rows;
};

static const struct network_case cases[] = {
    {1, {7, 1}, ACTIVATION_RELU, TARGET_NUMBER, 20},    /* linear */
    {1, {7, 4}, ACTIVATION_RELU, TARGET_CLASS, 20},     /* softmax */
    {1, {5, 2}, ACTIVATION_RELU, TARGET_CLASS, 1},      /* a batch of one */
    {2, {7, 9, 4}, ACTIVATION_RELU, TARGET_CLASS, 20},  /* mlp */
    {2, {7, 9, 1}, ACTIVATION_TANH, TARGET_NUMBER, 20}, /* mlp for a number */
    {3, {6, 8, 5, 3}, ACTIVATION_TANH, TARGET_CLASS, 33},
    {3, {6, 8, 5, 3}, ACTIVATION_LOGISTIC, TARGET_CLASS, 33},
    {4, {6, 8, 7, 5, 1}, ACTIVATION_LOGISTIC, TARGET_NUMBER, 33},
    {3, {120, 140, 110, 10}, ACTIVATION_RELU, TARGET_CLASS, 100},    /* large enough to be cut into blocks */
    {3, {300, 530, 260, 10}, ACTIVATION_LOGISTIC, TARGET_CLASS, 60}, /* eight blocks, and four */
    {2, {200, 301, 3}, ACTIVATION_TANH, TARGET_CLASS, 77},           /* blocks of odd sizes */
};

enum { CASES = sizeof cases / sizeof cases[0], MAX_WIDTH = 544 };

struct batch {
    float *x;
    int32_t *labels;
    float *numbers;
};

static struct batch make_batch(const struct network_case *c)
{
    struct random random = random_stream(7, 99);
    struct batch batch = {malloc(c->rows * c->width[0] * sizeof(float)), malloc(c->rows * sizeof(int32_t)),
                          malloc(c->rows * sizeof(float))};
    for (size_t i = 0; i < c->rows * c->width[0]; i++)
        batch.x[i] = (float)(2 * random_uniform(&random) - 1);
    for (size_t r = 0; r < c->rows; r++) {
        batch.labels[r] = (int32_t)random_below(&random, c->width[c->count]);
        batch.numbers[r] = (float)random_uniform(&random);
    }
    return batch;
}

static void free_batch(struct batch *batch)
{
    free(batch->x);
    free(batch->labels);
    free(batch->numbers);
}

/* A network with drawn weights and biases after one forward and backward pass over the batch. */
static struct layers run_layers(const struct network_case *c, const struct batch *batch, int threads)
{
    struct layers layers;
    struct trouble trouble;
    double *losses = malloc(c->rows * sizeof *losses);
    assert_int_equal(layers_create(&layers, c->count, c->width, c->activation, c->rows, threads, &trouble), DONE);
    struct random random = random_stream(3, 1);
    layers_draw(&layers, INIT_AUTO, &random);
    for (size_t l = 0; l < c->count; l++) {
        for (size_t i = 0; i < c->width[l + 1]; i++)
            layers.biases[l][i] = (float)(random_uniform(&random) - 0.5);
    }
    memcpy(layers.values[0], batch->x, c->rows * c->width[0] * sizeof(float));
#pragma omp parallel num_threads(threads)
    {
        layers_forward(&layers, c->rows);
        loss_rows(c->kind, c->rows, c->width[c->count], layers.values[c->count],
                  &(struct goal){batch->labels, batch->numbers}, layers.deltas[c->count], losses);
        layers_backward(&layers, c->rows);
    }
    free(losses);
    return layers;
}

/* ---- The oracle: one row at a time, in double, with one parameter moved ---- */

struct nudge {
    const float *where; /* the parameter that is moved */
    double by;
};

static double parameter(const float *p, struct nudge nudge)
{
    return p == nudge.where ? (double)*p + nudge.by : (double)*p;
}

static double activate(enum activation activation, double z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return fmax(z, 0);
    case ACTIVATION_TANH:
        return tanh(z);
    default:
        return 1 / (1 + exp(-z));
    }
}

static double row_loss(const struct network_case *c, const double *z, int32_t label, double number)
{
    if (c->kind == TARGET_NUMBER)
        return (z[0] - number) * (z[0] - number);
    double sum = 0;
    for (size_t k = 0; k < c->width[c->count]; k++)
        sum += exp(z[k]);
    return log(sum) - z[label];
}

static double oracle_loss(const struct network_case *c, const struct layers *layers, const struct batch *batch,
                          struct nudge nudge)
{
    double total = 0;
    for (size_t r = 0; r < c->rows; r++) {
        double a[MAX_WIDTH], z[MAX_WIDTH];
        for (size_t i = 0; i < c->width[0]; i++)
            a[i] = batch->x[r * c->width[0] + i];
        for (size_t l = 0; l < c->count; l++) {
            for (size_t o = 0; o < c->width[l + 1]; o++) {
                z[o] = parameter(&layers->biases[l][o], nudge);
                for (size_t i = 0; i < c->width[l]; i++)
                    z[o] += parameter(&layers->weights[l][o * c->width[l] + i], nudge) * a[i];
            }
            for (size_t o = 0; l + 1 < c->count && o < c->width[l + 1]; o++)
                a[o] = activate(c->activation, z[o]);
        }
        total += row_loss(c, z, batch->labels[r], batch->numbers[r]);
    }
    return total / (double)c->rows;
}

static double central_difference(const struct network_case *c, const struct layers *layers, const struct batch *batch,
                                 const float *where)
{
    const double h = 1e-6;
    return (oracle_loss(c, layers, batch, (struct nudge){where, h}) -
            oracle_loss(c, layers, batch, (struct nudge){where, -h})) /
           (2 * h);
}

/* Checks about `most` of the n gradients, evenly spread. */
static void check_gradients(const struct network_case *c, const struct layers *layers, const struct batch *batch,
                            const float *parameters, const float *gradients, size_t n, size_t most)
{
    const size_t stride = n > most ? n / most : 1;
    for (size_t i = 0; i < n; i += stride) {
        const double expected = central_difference(c, layers, batch, &parameters[i]);
        if (fabs(gradients[i] - expected) > 2e-6 + 2e-5 * fabs(expected))
            fail_msg("case %td parameter %zu: %g instead of %g", c - cases, i, (double)gradients[i], expected);
    }
}

static void test_against_central_differences(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        const struct network_case *c = &cases[k];
        struct batch batch = make_batch(c);
        struct layers layers = run_layers(c, &batch, 2);
        for (size_t l = 0; l < c->count; l++) {
            check_gradients(c, &layers, &batch, layers.weights[l], layers.weight_gradients[l],
                            c->width[l] * c->width[l + 1], 60);
            check_gradients(c, &layers, &batch, layers.biases[l], layers.bias_gradients[l], c->width[l + 1], 20);
        }
        layers_free(&layers);
        free_batch(&batch);
    }
}

static void test_loss_value(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        const struct network_case *c = &cases[k];
        struct batch batch = make_batch(c);
        struct layers layers = run_layers(c, &batch, 1);
        double *losses = malloc(c->rows * sizeof *losses);
        loss_rows(c->kind, c->rows, c->width[c->count], layers.values[c->count],
                  &(struct goal){batch.labels, batch.numbers}, NULL, losses);
        const double loss = loss_total(c->rows, losses) / (double)c->rows;
        free(losses);
        const double expected = oracle_loss(c, &layers, &batch, (struct nudge){NULL, 0});
        assert_true(fabs(loss - expected) <= 1e-5 * fabs(expected));
        layers_free(&layers);
        free_batch(&batch);
    }
}

static void test_same_bits_for_every_thread_count(void **state)
{
    (void)state;
    static const int threads[] = {2, 3, 7};
    for (size_t k = 0; k < CASES; k++) {
        const struct network_case *c = &cases[k];
        struct batch batch = make_batch(c);
        struct layers one = run_layers(c, &batch, 1);
        for (size_t t = 0; t < 3; t++) {
            struct layers more = run_layers(c, &batch, threads[t]);
            for (size_t l = 0; l < c->count; l++) {
                const size_t out = c->width[l + 1];
                assert_memory_equal(one.values[l + 1], more.values[l + 1], c->rows * out * sizeof(float));
                assert_memory_equal(one.bias_gradients[l], more.bias_gradients[l], out * sizeof(float));
                assert_memory_equal(one.weight_gradients[l], more.weight_gradients[l],
                                    out * c->width[l] * sizeof(float));
            }
            layers_free(&more);
        }
        layers_free(&one);
        free_batch(&batch);
    }
}

static void test_initial_weights(void **state)
{
    (void)state;
    static const struct {
        enum init init;
        enum activation activation;
        double variance; /* times inputs; Glorot's uniform has variance 2/(inputs + outputs) */
    } rows[] = {
        {INIT_AUTO, ACTIVATION_RELU, 2.0}, {INIT_AUTO, ACTIVATION_TANH, 2.0 * 400 / (400 + 300)},
        {INIT_HE, ACTIVATION_TANH, 2.0},   {INIT_GLOROT, ACTIVATION_RELU, 2.0 * 400 / (400 + 300)},
        {INIT_ZERO, ACTIVATION_RELU, 0},
    };
    const size_t width[] = {400, 300, 2};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct layers layers;
        struct trouble trouble;
        assert_int_equal(layers_create(&layers, 2, width, rows[k].activation, 1, 1, &trouble), DONE);
        struct random random = random_stream(11, 5);
        layers_draw(&layers, rows[k].init, &random);
        double sum = 0, squares = 0;
        const size_t n = 400 * 300;
        for (size_t i = 0; i < n; i++) {
            sum += layers.weights[0][i];
            squares += (double)layers.weights[0][i] * layers.weights[0][i];
        }
        /* Five standard errors: of a mean, and of a variance with the normal's kurtosis. */
        assert_true(fabs(sum / (double)n) <= 5 * sqrt(rows[k].variance / 400 / (double)n));
        assert_true(fabs(squares / (double)n * 400 - rows[k].variance) <= 5 * rows[k].variance * sqrt(2 / (double)n));
        for (size_t i = 0; i < 300; i++)
            assert_true(layers.biases[0][i] == 0);
        layers_free(&layers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_central_differences),
        cmocka_unit_test(test_loss_value),
        cmocka_unit_test(test_same_bits_for_every_thread_count),
        cmocka_unit_test(test_initial_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
