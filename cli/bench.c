/* SPDX-License-Identifier: MIT */
/* adadelta bench: a subject is a row of the table below. */
#include <string.h>

#include "bench_step.h"
#include "commands.h"

static const struct {
    const char *name;
    enum verdict (*run)(const struct args *args, struct trouble *trouble);
} subjects[] = {{"step", bench_step}};
enum { SUBJECT_COUNT = sizeof subjects / sizeof *subjects };

static enum verdict bench(const struct args *args, struct trouble *trouble)
{
    for (size_t i = 0; i < SUBJECT_COUNT; i++)
        if (strcmp(subjects[i].name, args->operands[0]) == 0)
            return subjects[i].run(args, trouble);
    return blame(trouble, MISUSE, "bench %s: must be one of %s", args->operands[0], bench_command.operands);
}

const struct command bench_command = {
    .name = "bench",
    .summary = "Measures speed against what this machine can reach",
    .operands = "step", /* the subjects' names */
    .operand_count = 1,
    .details = "\n"
               "step: Adadelta's step through the optimizer and, in turn with it on the same arrays, a loop that\n"
               "only reads the four arrays and writes the three: the limit that memory sets. The step's result is\n"
               "checked first. Prints medians in ns a parameter, and limit/step, the part of the limit reached.\n",
    .groups = {&bench_step_options, &common_options},
    .examples = {"adadelta bench step", "adadelta bench step --n 1000000,256000000 --dtype f64 --threads 1",
                 "adadelta bench step --n 256000 --tensors 1000 --json"},
    .run = bench,
};
