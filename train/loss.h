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

/* By a team, as layers_forward (see layers.h): the loss of each row of z [rows, outputs] into losses [rows]. delta
   [rows, outputs], if not NULL, is filled with the derivative of the mean over rows. */
void loss_rows(enum target_kind kind, size_t rows, size_t outputs, const float *z, const struct goal *goal,
               float *delta, double *losses);

/* Their sum, in the order of the rows. */
double loss_total(size_t rows, const double *losses);

/* The number of rows of z [rows, outputs] whose largest output is not that of their label. */
size_t count_wrong(size_t rows, size_t outputs, const float *z, const int32_t *labels);

/* Class probabilities p [outputs] of one row. */
void softmax(size_t outputs, const float *z, double *p);

/* The index of the largest of z [outputs]; the first of equals. */
size_t largest(size_t outputs, const float *z);

#endif
