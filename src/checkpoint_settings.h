/* SPDX-License-Identifier: MIT */
/* An optimizer's settings as JSON, and back. */
#ifndef ADADELTA_SRC_CHECKPOINT_SETTINGS_H
#define ADADELTA_SRC_CHECKPOINT_SETTINGS_H

#include "checkpoint.h"
#include "optimizer.h"

/* All settings of an optimizer beside its groups and tensors. */
struct whole {
    uint64_t seed;
    int averaging;
    double average_decay;
    struct adadelta_gradients gradients;
    struct adadelta_schedule schedule;
    int swapped;
};

struct whole whole_of(const struct adadelta *optimizer);
void whole_into(const struct whole *whole, struct adadelta *optimizer);

/* To JSON; NULL: no memory. */
json_t *hyper_json(const struct adadelta_hyper *hyper);
json_t *whole_json(const struct whole *whole);

/* From JSON of a format. Fields that came with a later one may be missing, and then stay as they are. Returns 0 where
   the JSON has not the form. */
int hyper_read(const json_t *json, int format, struct adadelta_hyper *hyper);
int whole_read(const json_t *json, int format, struct whole *whole);

/* "none", "exponential" or "polyak". */
const char *averaging_name(int averaging);

/* "master", "split", "stochastic" or "nearest". */
const char *weights_name(enum adadelta_weights weights);

/* The name of a format of codes, "w10e6" or "w3e5 q2e6": of v and of u the kept bits and those of the exponent. */
const char *state_format(enum adadelta_dtype dtype);

/* A count from 0, at most 2^63 - 1. */
int count_read(const json_t *object, const char *name, uint64_t *count);

/* ---- What writing and reading share: checkpoint_optimizer.c ---- */

enum adadelta_status no_memory(struct adadelta_error *error);

/* Whether a tensor's info.weights means anything. */
int has_weights(const struct tensor *tensor);

/* "w.square_avg", to be given to free; NULL: no memory. */
char *state_name(const char *tensor, const char *state);

#endif
