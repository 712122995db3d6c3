/* SPDX-License-Identifier: MIT */
/* The commands: each is one file that describes and runs it, and a row of the table in main.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args.h"

extern const struct command train_command, predict_command, eval_command, compare_command, sweep_command,
    surface_command, plot_command, bench_command;

#endif
