/* SPDX-License-Identifier: MIT */
/* The look at the gradients before a step. */
#ifndef ADADELTA_SRC_MEASURE_H
#define ADADELTA_SRC_MEASURE_H

#include "optimizer.h"

/* Looks at the gradients of the tensors begin .. end - 1, as far as the settings ask for it, and puts what the norms'
   bounds make of them into their coefs. Returns the first tensor whose gradient must not be used, or NULL. */
const struct tensor *measure_gradients(struct adadelta *optimizer, size_t begin, size_t end);

/* Says what is wrong with the gradient of a tensor that measure_gradients returned. */
enum adadelta_status blame_gradient(struct adadelta *optimizer, const struct tensor *tensor);

/* The sum over all blocks of a tensor's work. */
struct measure blocks_total(const struct tensor *tensor);

#endif
