/* SPDX-License-Identifier: MIT */
/* The matrix products of a batch and nothing else: the limit that a batch of training is measured by. */
#ifndef TRAIN_PRODUCTS_H
#define TRAIN_PRODUCTS_H

#include "layers.h"

/* Multiplies what forward and backward multiply for so many rows, in the layers' own arrays, whose contents mean
   nothing afterwards, save for weights and biases. Each product is cut into so many pieces (a small one stays whole),
   as suits the threads, not as the trainer cuts: its bits must not depend on them. */
void products_run(struct layers *layers, size_t rows, size_t pieces, int threads);

#endif
