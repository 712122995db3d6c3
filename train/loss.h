/* SPDX-License-Identifier: MIT */
/* The losses on top of a network: softmax cross-entropy for classes, squared error for numbers. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include "dataset.h"

/* What a batch of rows should give: labels for classes, else numbers. */
struct goal {
    const int32_t *labels;
    const float *numbers;
};

/* The loss of rows [rows, outputs], summed in the order of the rows, and the number of rows predicted wrong (0 for
   numbers). delta [rows, outputs], if not NULL, is filled with the derivative of the mean over rows. */
double loss_sum(enum target_kind kind, size_t rows, size_t outputs, const float *z, const struct goal *goal,
                float *delta, size_t *wrong);

/* Class probabilities p [outputs] of one row. */
void softmax(size_t outputs, const float *z, double *p);

/* The index of the largest of z [outputs]; the first of equals. */
size_t largest(size_t outputs, const float *z);

#endif
