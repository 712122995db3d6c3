/* SPDX-License-Identifier: MIT */
/* For tests of 16-bit weights: optimizers that let every gradient through, and tensors of a mix of types. Read behind
   cmocka.h. */
#ifndef TESTS_STORAGE_OPTIMIZER_H
#define TESTS_STORAGE_OPTIMIZER_H

#include <stdio.h>
#include "storage.h"

static inline struct adadelta *new_optimizer(enum adadelta_method method, const struct adadelta_hyper *hyper,
                                             int threads, uint64_t seed)
{
    const struct adadelta_options options = {.method = method, .threads = threads, .seed = seed};
    const struct adadelta_gradients gradients = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    return optimizer;
}

/* In group 0, under a name of its own. */
static inline void register_tensor(struct adadelta *optimizer, const struct mix *mix, size_t n, void *values,
                                   const void *gradient)
{
    char name[24];
    snprintf(name, sizeof name, "x%zu", adadelta_tensor_count(optimizer));
    const struct adadelta_tensor tensor = tensor_of(mix, name, n, values, gradient);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
}

#endif
