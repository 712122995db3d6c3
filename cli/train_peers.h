/* SPDX-License-Identifier: MIT */
/* `bench train --peers`: what others take for the same batches. */
#ifndef CLI_TRAIN_PEERS_H
#define CLI_TRAIN_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include <adadelta.h>

#include "trouble.h"

/* Does a number of batches of this program's own training and gives the seconds that they took. */
typedef double train_round(void *context, size_t batches);

/* A network of dense layers with ReLUs between them and softmax with cross-entropy on top, trained by Adadelta. */
struct train_peers_plan {
    const size_t *widths; /* [layers + 1] */
    size_t layers;
    size_t rows, batch;
    const uint8_t *pixels; /* [rows, widths[0]], to be divided by 255 */
    const int32_t *labels; /* [rows] */
    const float *weights;  /* of each layer the weights [width out, width in], then the biases [width out] */
    struct adadelta_hyper hyper;
    const double *losses; /* [loss_count] of the batches from the first row on, in order, each before its step */
    size_t loss_count;    /* at least 1, and so many batches are there */
    int threads;
    size_t batches; /* of a round */
    size_t rounds;
    train_round *own;
    void *context;
    int as_json, quiet;
};

/* Prints a row for each peer that is installed; a remark for one that is not. FAILED where a peer's losses are others,
   which is said when the rest have been measured. */
enum verdict train_peers(const struct train_peers_plan *plan, struct trouble *trouble);

#endif
