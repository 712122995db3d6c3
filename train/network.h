/* SPDX-License-Identifier: MIT */
/* The models: dense layers with an activation between them and a loss on top. `linear` and `softmax` are networks
   without a hidden layer, `mlp:W,W...` has hidden layers of those widths. */
#ifndef TRAIN_NETWORK_H
#define TRAIN_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "dataset.h"

enum { MAX_HIDDEN = 16 };

enum activation { ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_LOGISTIC };
enum { ACTIVATION_COUNT = 3 };
/* How first weights are drawn: layers_draw says it of each. INIT_AUTO: He for relu, Glorot otherwise. */
enum init { INIT_AUTO, INIT_HE, INIT_GLOROT, INIT_UNIFORM, INIT_TORCH, INIT_NORMAL, INIT_ZERO };

/* What a person says of a model. */
struct model_spec {
    enum target_kind kind; /* TARGET_NONE: as the data says (auto, mlp); softmax is for classes, linear for numbers */
    int automatic;         /* 1: nothing was asked for: softmax for classes, linear for numbers */
    size_t hidden_count;
    size_t hidden[MAX_HIDDEN];
    enum activation activation;
    enum init init;
};

/* Reads "auto", "linear", "softmax" or "mlp:500,300" into spec's kind and widths, leaving activation and init. */
enum verdict model_parse(struct model_spec *spec, const char *text, struct trouble *trouble);

/* Writes the text that model_parse reads. */
void model_format(const struct model_spec *spec, char *text, size_t size);

/* Names and look-up by name (0, or -1); a name is NULL past the last. */
const char *activation_name(enum activation activation);
int activation_by_name(const char *name, enum activation *activation);
const char *init_name(enum init init);
int init_by_name(const char *name, enum init *init);

#endif
