/* SPDX-License-Identifier: MIT */
/* See train_check.h. Nothing of the trainer or the library is used: textbook loops and the paper's Algorithm 1. */
#include "train_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct plain {
    const struct train_check *check;
    size_t parameters, units;
    double *weights, *gradients, *square_avg, *acc_delta; /* [parameters] */
    double *values, *deltas;                              /* [units] of one row: the input, then each layer's output */
};

static int set_up(struct plain *plain, const struct train_check *check)
{
    *plain = (struct plain){.check = check, .units = check->widths[0]};
    for (size_t l = 0; l < check->layers; l++) {
        plain->parameters += (check->widths[l] + 1) * check->widths[l + 1];
        plain->units += check->widths[l + 1];
    }
    plain->weights = calloc(4 * plain->parameters + 2 * plain->units, sizeof(double));
    if (!plain->weights)
        return 0;
    plain->gradients = plain->weights + plain->parameters;
    plain->square_avg = plain->gradients + plain->parameters;
    plain->acc_delta = plain->square_avg + plain->parameters;
    plain->values = plain->acc_delta + plain->parameters;
    plain->deltas = plain->values + plain->units;
    for (size_t i = 0; i < plain->parameters; i++)
        plain->weights[i] = check->weights[i];
    return 1;
}

static double activate(enum activation activation, double z)
{
    return activation == ACTIVATION_RELU ? fmax(z, 0) : activation == ACTIVATION_TANH ? tanh(z) : 1 / (1 + exp(-z));
}

static double slope(enum activation activation, double a)
{
    return activation == ACTIVATION_RELU ? a > 0 : activation == ACTIVATION_TANH ? 1 - a * a : a * (1 - a);
}

/* All layers of one row; the last has no activation. */
static void forward(struct plain *plain)
{
    const struct train_check *check = plain->check;
    const double *w = plain->weights;
    double *x = plain->values;
    for (size_t l = 0; l < check->layers; l++) {
        const size_t in = check->widths[l], out = check->widths[l + 1];
        const double *bias = w + in * out;
        double *z = x + in;
        for (size_t o = 0; o < out; o++, w += in) {
            double sum = bias[o];
            for (size_t i = 0; i < in; i++)
                sum += w[i] * x[i];
            z[o] = l + 1 < check->layers ? activate(check->activation, sum) : sum;
        }
        w += out;
        x = z;
    }
}

/* Softmax with cross-entropy; fills the last layer's deltas. */
static double loss_of(struct plain *plain, int32_t label)
{
    const size_t out = plain->check->widths[plain->check->layers];
    const double *z = plain->values + plain->units - out;
    double *delta = plain->deltas + plain->units - out, most = z[0], sum = 0;
    for (size_t k = 1; k < out; k++)
        most = fmax(most, z[k]);
    for (size_t k = 0; k < out; k++)
        sum += exp(z[k] - most);
    for (size_t k = 0; k < out; k++)
        delta[k] = exp(z[k] - most) / sum - (k == (size_t)label);
    return most + log(sum) - z[label];
}

/* Adds one row's gradients. */
static void backward(struct plain *plain)
{
    const struct train_check *check = plain->check;
    size_t parameter = plain->parameters, unit = plain->units;
    for (size_t l = check->layers; l-- > 0;) {
        const size_t in = check->widths[l], out = check->widths[l + 1];
        parameter -= (in + 1) * out;
        unit -= out;
        const double *x = plain->values + unit - in, *delta = plain->deltas + unit;
        double *below = plain->deltas + unit - in;
        memset(below, 0, in * sizeof *below);
        for (size_t o = 0; o < out; o++) {
            const double *w = plain->weights + parameter + o * in;
            double *gradient = plain->gradients + parameter + o * in;
            for (size_t i = 0; i < in; i++) {
                gradient[i] += delta[o] * x[i];
                below[i] += delta[o] * w[i];
            }
            plain->gradients[parameter + in * out + o] += delta[o];
        }
        for (size_t i = 0; l > 0 && i < in; i++)
            below[i] *= slope(check->activation, x[i]);
    }
}

static void step(struct plain *plain)
{
    const struct adadelta_hyper *hyper = &plain->check->hyper;
    const double rho = hyper->rho, eps = hyper->eps;
    for (size_t i = 0; i < plain->parameters; i++) {
        const double g = plain->gradients[i] / (double)plain->check->batch;
        double *v = &plain->square_avg[i], *u = &plain->acc_delta[i];
        *v = rho * *v + (1 - rho) * g * g;
        const double d = sqrt(*u + eps) / sqrt(*v + eps) * g;
        *u = rho * *u + (1 - rho) * d * d;
        plain->weights[i] -= hyper->lr * d;
    }
    memset(plain->gradients, 0, plain->parameters * sizeof *plain->gradients);
}

int train_plainly(const struct train_check *check, size_t batches, double *losses)
{
    struct plain plain;
    if (!set_up(&plain, check))
        return 0;
    for (size_t b = 0; b < batches; b++) {
        double total = 0;
        for (size_t r = b * check->batch; r < (b + 1) * check->batch; r++) {
            for (size_t c = 0; c < check->widths[0]; c++)
                plain.values[c] = check->pixels[r * check->widths[0] + c] / 255.0;
            forward(&plain);
            total += loss_of(&plain, check->labels[r]);
            backward(&plain);
        }
        losses[b] = total / (double)check->batch;
        step(&plain);
    }
    free(plain.weights);
    return 1;
}
