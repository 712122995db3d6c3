/* SPDX-License-Identifier: MIT */
/* adadelta bench train: an epoch of training against its matrix products alone. */
#ifndef CLI_BENCH_TRAIN_H
#define CLI_BENCH_TRAIN_H

#include "args.h"

extern const struct option_group bench_train_options;

enum verdict bench_train(const struct args *args, struct trouble *trouble);

#endif
