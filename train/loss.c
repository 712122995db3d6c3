/* SPDX-License-Identifier: MIT */
/* See loss.h. */
#include "loss.h"

#include <math.h>

size_t largest(size_t outputs, const float *z)
{
    size_t best = 0;
    for (size_t k = 1; k < outputs; k++) {
        if (z[k] > z[best])
            best = k;
    }
    return best;
}

/* In double: its error is far below a float's, and there are only a few outputs a row. */
static double log_sum_exp(size_t outputs, const float *z)
{
    const double most = z[largest(outputs, z)];
    double sum = 0;
    for (size_t k = 0; k < outputs; k++)
        sum += exp(z[k] - most);
    return most + log(sum);
}

void softmax(size_t outputs, const float *z, double *p)
{
    const double log_sum = log_sum_exp(outputs, z);
    for (size_t k = 0; k < outputs; k++)
        p[k] = exp(z[k] - log_sum);
}

/* The loss of one row, and if delta is not NULL the derivative of the mean over rows. */
static double cross_entropy(size_t rows, size_t outputs, const float *z, size_t label, float *delta)
{
    const double log_sum = log_sum_exp(outputs, z);
    for (size_t k = 0; delta && k < outputs; k++)
        delta[k] = (float)((exp(z[k] - log_sum) - (k == label)) / (double)rows);
    return log_sum - z[label];
}

static double squared_error(size_t rows, size_t outputs, const float *z, const float *numbers, float *delta)
{
    double total = 0;
    for (size_t k = 0; k < outputs; k++) {
        const double miss = (double)z[k] - numbers[k];
        total += miss * miss;
        if (delta)
            delta[k] = (float)(2 * miss / (double)rows);
    }
    return total;
}

void loss_rows(enum target_kind kind, size_t rows, size_t outputs, const float *z, const struct goal *goal,
               float *delta, double *losses)
{
#pragma omp for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        const size_t at = r * outputs;
        float *row_delta = delta ? delta + at : NULL;
        losses[r] = kind == TARGET_CLASS ? cross_entropy(rows, outputs, z + at, (size_t)goal->labels[r], row_delta)
                                         : squared_error(rows, outputs, z + at, goal->numbers + at, row_delta);
    }
}

double loss_total(size_t rows, const double *losses)
{
    double total = 0;
    for (size_t r = 0; r < rows; r++)
        total += losses[r];
    return total;
}

size_t count_wrong(size_t rows, size_t outputs, const float *z, const int32_t *labels)
{
    size_t wrong = 0;
    for (size_t r = 0; r < rows; r++)
        wrong += largest(outputs, z + r * outputs) != (size_t)labels[r];
    return wrong;
}
