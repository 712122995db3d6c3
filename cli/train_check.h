/* SPDX-License-Identifier: MIT */
/* A network trained a second time, plainly: what `bench train` compares the trainer with before it times it. */
#ifndef CLI_TRAIN_CHECK_H
#define CLI_TRAIN_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <adadelta.h>

#include "network.h"

struct train_check {
    const size_t *widths; /* [layers + 1] */
    size_t layers;
    enum activation activation;
    size_t batch;
    const uint8_t *pixels; /* [batches * batch, widths[0]], to be divided by 255, in the order of training */
    const int32_t *labels; /* [batches * batch] */
    const float *weights;  /* the first: of each layer the weights [width out, width in], then the biases */
    struct adadelta_hyper hyper;
};

/* The mean loss of each batch before its step of Adadelta into losses [batches], all in double, one row after the
   other. Returns 0 where memory is too small. */
int train_plainly(const struct train_check *check, size_t batches, double *losses);

#endif
