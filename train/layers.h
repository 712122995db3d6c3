/* SPDX-License-Identifier: MIT */
/* Dense layers: memory, forward and backward. A layer computes activation(input * weights^T + bias); the last one has
   no activation, its outputs go to a loss (loss.h).

   Forward and backward are called by every thread of an OpenMP team at once, which shares the work; outside a parallel
   region they do all of it. One region so holds a whole batch. Bits do not depend on the number of threads: every
   matrix product is cut into blocks by the network's shape and the number of rows alone, each block is one
   single-threaded BLAS call, and threads only share the blocks out. */
#ifndef TRAIN_LAYERS_H
#define TRAIN_LAYERS_H

#include "elementwise.h"
#include "network.h"
#include "random.h"

enum { MAX_LAYERS = MAX_HIDDEN + 1 };

struct layers {
    size_t count;
    size_t width[MAX_LAYERS + 1]; /* of the input and of each layer's output */
    enum activation activation;
    const struct elementwise *each;
    int threads;                         /* the most that a team may have */
    size_t capacity;                     /* rows that fit */
    float *weights[MAX_LAYERS];          /* [width[l+1], width[l]] row-major */
    float *biases[MAX_LAYERS];           /* [width[l+1]] */
    float *weight_gradients[MAX_LAYERS]; /* the gradients, shaped as what they belong to */
    float *bias_gradients[MAX_LAYERS];
    float *values[MAX_LAYERS + 1]; /* [capacity, width[l]]: the input, then each layer's output */
    float *deltas[MAX_LAYERS + 1]; /* [capacity, width[l]]: the loss's derivative by values[l]; none for the input */
    float *memory;
};

/* Fills *layers (its arrays with nothing in particular) for count layers of these widths [count + 1]. */
enum verdict layers_create(struct layers *layers, size_t count, const size_t *width, enum activation activation,
                           size_t capacity, int threads, struct trouble *trouble);

/* Frees what layers_create made. Zeroed layers are allowed. */
void layers_free(struct layers *layers);

/* Draws initial weights, layer by layer; biases are 0 but for one of these:
   INIT_HE       normal with variance 2/inputs: He et al. (2015)
   INIT_GLOROT   uniform within sqrt(6/(inputs + outputs)): Glorot and Bengio (2010), their formula 16
   INIT_UNIFORM  uniform within 1/sqrt(inputs): what was usual before, their formula 1
   INIT_TORCH    the same, the biases too, drawn after the layer's weights: the default of PyTorch's nn.Linear
   INIT_NORMAL   normal with deviation 0.01: Krizhevsky, Sutskever and Hinton (2012)
   INIT_ZERO     0
   INIT_AUTO is INIT_HE where there are hidden layers of ReLUs, INIT_GLOROT otherwise. */
void layers_draw(struct layers *layers, enum init init, struct random *random);

/* How many threads a batch of so many rows is worth: all, or 1, for which there should be no parallel region: OpenMP's
   runtime may allocate for one. */
int layers_team(const struct layers *layers, size_t rows);

/* By a team. From values[0] [rows, width[0]] to values[count], rows <= capacity. */
void layers_forward(struct layers *layers, size_t rows);

/* By a team, after layers_forward: from deltas[count] to the gradients of all weights and biases. */
void layers_backward(struct layers *layers, size_t rows);

/* The number of weights and biases. */
size_t layers_parameter_count(const struct layers *layers);

#endif
