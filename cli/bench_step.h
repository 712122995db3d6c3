/* SPDX-License-Identifier: MIT */
/* adadelta bench step: the optimizer's step against the speed of memory. */
#ifndef CLI_BENCH_STEP_H
#define CLI_BENCH_STEP_H

#include "args.h"

enum verdict bench_step(const struct args *args, struct trouble *trouble);

#endif
