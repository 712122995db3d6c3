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

static double cross_entropy(size_t rows, size_t outputs, const float *z, const int32_t *labels, float *delta,
                            size_t *wrong)
{
    double total = 0;
    for (size_t r = 0; r < rows; r++, z += outputs) {
        const size_t label = (size_t)labels[r];
        const double log_sum = log_sum_exp(outputs, z);
        total += log_sum - z[label];
        *wrong += largest(outputs, z) != label;
        for (size_t k = 0; delta && k < outputs; k++)
            delta[r * outputs + k] = (float)((exp(z[k] - log_sum) - (k == label)) / (double)rows);
    }
    return total;
}

static double squared_error(size_t rows, size_t outputs, const float *z, const float *numbers, float *delta)
{
    double total = 0;
    for (size_t i = 0; i < rows * outputs; i++) {
        const double miss = (double)z[i] - numbers[i];
        total += miss * miss;
        if (delta)
            delta[i] = (float)(2 * miss / (double)rows);
    }
    return total;
}

double loss_sum(enum target_kind kind, size_t rows, size_t outputs, const float *z, const struct goal *goal,
                float *delta, size_t *wrong)
{
    *wrong = 0;
    return kind == TARGET_CLASS ? cross_entropy(rows, outputs, z, goal->labels, delta, wrong)
                                : squared_error(rows, outputs, z, goal->numbers, delta);
}
