/* SPDX-License-Identifier: MIT */
/* The options that commands share, in groups. */
#include <math.h>

#include "args.h"

#define GROUP(name, title)                                                                                             \
    const struct option_group name##_options = {title, name##_rows, sizeof name##_rows / sizeof *name##_rows}

static const struct option common_rows[] = {
    {OPTION_SEED, OPTION_WHOLE, "seed", 0, "N", 0, INFINITY, 0, "start of all random choices (default 1)"},
    {OPTION_THREADS, OPTION_WHOLE, "threads", 0, "N", 0, 1024, 0, "threads to use (default 0: one a processor)"},
    {OPTION_JSON, OPTION_FLAG, "json", 0, NULL, 0, 0, 0,
     "print JSON on standard output, one object a line, and nothing else there"},
    {OPTION_QUIET, OPTION_FLAG, "quiet", 0, NULL, 0, 0, 0, "no progress and no remarks, only results and errors"},
    {OPTION_HELP, OPTION_FLAG, "help", 'h', NULL, 0, 0, 0, "print this help"},
};
GROUP(common, "General");

/* The last three of those. */
const struct option_group plain_options = {"General", common_rows + sizeof common_rows / sizeof *common_rows - 3, 3};

static const struct option data_rows[] = {
    {OPTION_TARGET, OPTION_TEXT, "target", 0, "NAME", 0, 0, 0,
     "column of a table to be predicted (default: the last one)"},
    {OPTION_TASK, OPTION_TEXT, "task", 0, "TASK", 0, 0, 0,
     "classification or regression (default: as the target column looks)"},
    {OPTION_LABELS, OPTION_TEXT, "labels", 0, "FILE", 0, 0, 0,
     "labels of an IDX images file (default: the file of the usual name beside it)"},
};
GROUP(data, "Data");

/* The last of those alone: a model knows its target and task. */
const struct option_group label_options = {"Data", data_rows + sizeof data_rows / sizeof *data_rows - 1, 1};

static const struct option test_rows[] = {
    {OPTION_TEST, OPTION_TEXT, "test", 0, "FILE", 0, 0, 0, "data to test on after every epoch"},
    {OPTION_TEST_LABELS, OPTION_TEXT, "test-labels", 0, "FILE", 0, 0, 0, "labels of an IDX images file to test on"},
    {OPTION_TEST_FRACTION, OPTION_REAL, "test-fraction", 0, "F", 0, 1, OPEN_LOW | OPEN_HIGH,
     "set this part of DATA's rows apart to test on, by --seed (of sweep: --first-seed), each class by itself"},
};
GROUP(test, "Testing");

static const struct option model_rows[] = {
    {OPTION_MODEL, OPTION_TEXT, "model", 0, "SPEC", 0, 0, 0,
     "linear, softmax, or mlp:W,W... with hidden layers of those widths (default: softmax for classes, linear for "
     "numbers)"},
    {OPTION_ACTIVATION, OPTION_TEXT, "activation", 0, "NAME", 0, 0, 0,
     "of hidden layers: relu, tanh or logistic (default relu)"},
    {OPTION_INIT, OPTION_TEXT, "init", 0, "NAME", 0, 0, 0,
     "first weights: auto, he, glorot, uniform, torch (as PyTorch: uniform, the biases too), normal (deviation 0.01) "
     "or zero (default auto: he for relu, else glorot)"},
    {OPTION_SCALE, OPTION_TEXT, "scale", 0, "NAME", 0, 0, 0,
     "of inputs: auto, standard, minmax or none (default auto: tables standard, pixels divided by 255)"},
};
GROUP(model, "Model");

static const struct option method_rows[] = {
    {OPTION_METHOD, OPTION_TEXT, "method", 0, "NAME", 0, 0, 0,
     "adadelta, sgd, momentum, adagrad, rmsprop or adamw (default adadelta)"},
};
GROUP(method, "Method");

static const struct option hyper_rows[] = {
    {OPTION_LR, OPTION_REAL, "lr", 0, "X", 0, INFINITY, 0, "learning rate"},
    {OPTION_RHO, OPTION_REAL, "rho", 0, "X", 0, 1, OPEN_HIGH, "decay of the averages (adadelta, rmsprop)"},
    {OPTION_EPS, OPTION_REAL, "eps", 0, "X", 0, INFINITY, OPEN_LOW,
     "keeps divisions finite, for adadelta also what the first step is made of (all but sgd and momentum)"},
    {OPTION_WEIGHT_DECAY, OPTION_REAL, "weight-decay", 0, "X", 0, INFINITY, 0, "pull of the weights towards 0"},
    {OPTION_DECOUPLED, OPTION_FLAG, "decoupled", 0, NULL, 0, 0, 0, "apply the decay apart from the gradient"},
    {OPTION_MOMENTUM, OPTION_REAL, "momentum", 0, "X", 0, 1, OPEN_HIGH, "share of the step before (momentum)"},
    {OPTION_NESTEROV, OPTION_FLAG, "nesterov", 0, NULL, 0, 0, 0, "look ahead along it (momentum)"},
    {OPTION_BETA1, OPTION_REAL, "beta1", 0, "X", 0, 1, OPEN_HIGH, "decay of the gradient's average (adamw)"},
    {OPTION_BETA2, OPTION_REAL, "beta2", 0, "X", 0, 1, OPEN_HIGH, "decay of the squares' average (adamw)"},
    {OPTION_STATE, OPTION_TEXT, "state", 0, "FORMAT", 0, 0, 0,
     "what the optimizer's state is kept in (all but sgd): f32 (default), f64, bf16 or f16; for adadelta also u16, "
     "half the bytes, and u8, a quarter, which is experimental"},
    {OPTION_SCHEDULE, OPTION_TEXT, "schedule", 0, "NAME", 0, 0, 0,
     "how the rate goes over the run: constant; linear or cosine, down to --end; step, falling by --gamma every "
     "--every epochs; tail, linear over the last third (default: tail for train and sweep, else constant)"},
    {OPTION_WARMUP, OPTION_WHOLE, "warmup", 0, "N", 0, 1e9, 0, "epochs in which the rate first rises (default 0)"},
    {OPTION_END, OPTION_REAL, "end", 0, "X", 0, INFINITY, 0,
     "what is left of the rate at the end (linear, cosine, tail; default 0)"},
    {OPTION_EVERY, OPTION_WHOLE, "every", 0, "N", 1, 1e9, 0,
     "epochs from one fall to the next (step; default a third of all)"},
    {OPTION_GAMMA, OPTION_REAL, "gamma", 0, "X", 0, 1, 0, "what a fall leaves of the rate (step; default 0.1)"},
};
GROUP(hyper, "Settings of the method and its rate (defaults below)");

static const struct option effort_rows[] = {
    {OPTION_BATCH, OPTION_WHOLE, "batch", 0, "N", 1, 1e9, 0, "rows a step (default: by the number of rows)"},
    {OPTION_EPOCHS, OPTION_WHOLE, "epochs", 0, "N", 1, 1e9, 0, "passes over the data (default: enough to get there)"},
};
GROUP(effort, "Effort");
