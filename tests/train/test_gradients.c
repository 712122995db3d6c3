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

/* What an init draws: numbers of a variance, of which no one is above the bound (0: as a normal's). */
struct drawn {
    double variance, bound;
};

static void check_drawn(const float *array, size_t n, struct drawn expected)
{
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        sum += array[i];
        squares += (double)array[i] * array[i];
        largest = fmax(largest, fabs((double)array[i]));
    }
    /* Five standard errors: of a mean, and of a variance with the normal's kurtosis. */
    assert_true(fabs(sum / (double)n) <= 5 * sqrt(expected.variance / (double)n));
    assert_true(fabs(squares / (double)n - expected.variance) <= 5 * expected.variance * sqrt(2 / (double)n));
    /* Of n uniform numbers the largest is nearer to the bound than 20/n but in e^-20 of the cases; of 120,000 normal
       ones it is above three deviations, which no uniform one of that variance is, and below seven. */
    if (expected.bound > 0)
        assert_true(largest <= expected.bound * (1 + 0x1p-24) && largest >= expected.bound * (1 - 20 / (double)n));
    else
        assert_true(largest >= 3 * sqrt(expected.variance) && largest <= 7 * sqrt(expected.variance));
}

static void test_initial_weights(void **state)
{
    (void)state;
    /* 400 inputs, 300 outputs. A uniform number within b has variance b^2/3 (He et al. 2015; Glorot and Bengio 2010,
       formulas 1 and 16; PyTorch's documentation of nn.Linear; Krizhevsky, Sutskever and Hinton 2012). */
    const struct drawn he = {2.0 / 400, 0}, glorot = {2.0 / (400 + 300), sqrt(6.0 / (400 + 300))};
    const struct drawn inputs = {1.0 / 400 / 3, 1.0 / 20}, normal = {0.01 * 0.01, 0}, zero = {0, 0};
    const struct {
        enum init init;
        enum activation activation;
        struct drawn weights, biases;
    } rows[] = {
        {INIT_AUTO, ACTIVATION_RELU, he, zero},        {INIT_AUTO, ACTIVATION_TANH, glorot, zero},
        {INIT_HE, ACTIVATION_TANH, he, zero},          {INIT_GLOROT, ACTIVATION_RELU, glorot, zero},
        {INIT_UNIFORM, ACTIVATION_RELU, inputs, zero}, {INIT_TORCH, ACTIVATION_RELU, inputs, inputs},
        {INIT_NORMAL, ACTIVATION_TANH, normal, zero},  {INIT_ZERO, ACTIVATION_RELU, zero, zero},
    };
    const size_t width[] = {400, 300, 2};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct layers layers;
        struct trouble trouble;
        assert_int_equal(layers_create(&layers, 2, width, rows[k].activation, 1, 1, &trouble), DONE);
        struct random random = random_stream(11, 5);
        layers_draw(&layers, rows[k].init, &random);
        check_drawn(layers.weights[0], 400 * 300, rows[k].weights);
        check_drawn(layers.biases[0], 300, rows[k].biases);
        layers_free(&layers);
    }
}

/* Which number of the stream is which weight, of every layer: no release may change it, or a seed gives another run. */
static void test_order_of_initial_weights(void **state)
{
    (void)state;
    const size_t width[] = {3, 5, 2};
    for (enum init init = INIT_HE; init <= INIT_ZERO; init++) {
        struct layers layers;
        struct trouble trouble;
        assert_int_equal(layers_create(&layers, 2, width, ACTIVATION_RELU, 1, 1, &trouble), DONE);
        struct random drawn = random_stream(7, 1), random = drawn;
        layers_draw(&layers, init, &drawn);
        for (size_t l = 0; l < 2; l++) {
            const double in = (double)width[l], out = (double)width[l + 1];
            for (size_t i = 0; i < width[l + 1] * width[l]; i++) {
                const double weight = init == INIT_ZERO     ? 0
                                      : init == INIT_HE     ? sqrt(2.0 / in) * random_normal(&random)
                                      : init == INIT_NORMAL ? 0.01 * random_normal(&random)
                                      : init == INIT_GLOROT ? sqrt(6.0 / (in + out)) * (2 * random_uniform(&random) - 1)
                                                            : 1 / sqrt(in) * (2 * random_uniform(&random) - 1);
                assert_true(layers.weights[l][i] == (float)weight);
            }
            for (size_t i = 0; i < width[l + 1]; i++) {
                const double bias = init == INIT_TORCH ? 1 / sqrt(in) * (2 * random_uniform(&random) - 1) : 0;
                assert_true(layers.biases[l][i] == (float)bias);
            }
        }
        assert_true(drawn.counter == random.counter);
        layers_free(&layers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_central_differences),      cmocka_unit_test(test_loss_value),
        cmocka_unit_test(test_same_bits_for_every_thread_count), cmocka_unit_test(test_initial_weights),
        cmocka_unit_test(test_order_of_initial_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
