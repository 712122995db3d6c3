/* SPDX-License-Identifier: MIT */
/* adadelta bench: a subject is a row of the table below. */
#include <string.h>

#include "bench_request.h"
#include "bench_step.h"
#include "bench_train.h"
#include "commands.h"

static const struct {
    const char *name;
    enum verdict (*run)(const struct args *args, struct trouble *trouble);
    const struct option_group *options;
} subjects[] = {
    {"step", bench_step, &bench_step_options},
    {"train", bench_train, &bench_train_options},
};
enum { SUBJECT_COUNT = sizeof subjects / sizeof *subjects };

/* Options that stand with one subject and serve all. */
static const enum option_id shared[] = {OPTION_REPEAT, OPTION_PEERS, OPTION_ISA};
enum { SHARED_COUNT = sizeof shared / sizeof *shared };

/* Refuses options of other subjects. */
static enum verdict check_options(const struct args *args, size_t subject, struct trouble *trouble)
{
    const struct option_group *groups[] = {subjects[subject].options, &common_options};
    enum option_id allowed[OPTION_ID_COUNT + SHARED_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < SHARED_COUNT; i++)
        allowed[count++] = shared[i];
    for (size_t g = 0; g < 2; g++) {
        for (size_t i = 0; i < groups[g]->count; i++)
            allowed[count++] = groups[g]->options[i].id;
    }
    const struct option *other = args_first_other(args, &bench_command, allowed, count);
    return other ? blame(trouble, MISUSE, "bench %s has no --%s", subjects[subject].name, other->name) : DONE;
}

static enum verdict bench(const struct args *args, struct trouble *trouble)
{
    for (size_t i = 0; i < SUBJECT_COUNT; i++) {
        if (strcmp(subjects[i].name, args->operands[0]) == 0) {
            const enum verdict verdict = check_options(args, i, trouble);
            return verdict == DONE ? subjects[i].run(args, trouble) : verdict;
        }
    }
    return blame(trouble, MISUSE, "bench %s: must be one of %s", args->operands[0], bench_command.operands);
}

const struct command bench_command = {
    .name = "bench",
    .summary = "Measures speed against what this machine can reach",
    .operands = "step|train", /* the subjects' names */
    .operand_count = 1,
    .details = "\n"
               "step: Adadelta's step through the optimizer and, in turn with it on the same arrays, a loop that\n"
               "only reads what the step must read and writes what it must write: the limit that memory sets. The\n"
               "step's result is checked first. Prints medians in ns for a parameter that moves, and limit/step,\n"
               "the part of the limit reached.\n"
               "\n"
               "train: an epoch of training on 60,000 images made up in the shape of MNIST and, in turn with it, the\n"
               "matrix products that it needs and nothing else, by the same BLAS and on the same threads. The first\n"
               "losses are checked. Prints medians over --repeat epochs (default 5) in seconds, and epoch/products.\n",
    .groups = {&bench_step_options, &bench_train_options, &common_options},
    .examples = {"adadelta bench step", "adadelta bench step --n 1000000,256000000 --dtype f64 --threads 1",
                 "adadelta bench step --n 256000 --tensors 1000 --json", "adadelta bench step --all --threads 1",
                 "adadelta bench train --threads 2"},
    .run = bench,
};
