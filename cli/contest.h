/* SPDX-License-Identifier: MIT */
/* What a comparison is about: the methods with their settings, and how each of them did. */
#ifndef CLI_CONTEST_H
#define CLI_CONTEST_H

#include "args.h"
#include "fit.h"

/* One method's run. */
struct contender {
    struct fit_settings settings; /* completed when it has run */
    size_t epochs_done;
    double *figure; /* [epochs] what is compared, by epoch: test error, or test loss for numbers */
    size_t best;    /* index of the smallest figure */
    double seconds;
    char failure[160]; /* why it ended early; empty: it did not */
};

struct contest {
    struct contender contenders[ADADELTA_METHOD_COUNT];
    size_t count;
    enum target_kind kind; /* of the target */
};

/* Reads --methods "sgd,momentum:lr=0.05:nesterov,...": each method once, with settings of its own behind colons, which
   overrule those of the other options. */
enum verdict contest_parse(struct contest *contest, const struct args *args, struct trouble *trouble);

void contest_free(struct contest *contest);

/* The table for people on standard output: the figure after epochs 1, 2, 5, 10 ... and the last, and the best. */
void contest_print(const struct contest *contest);

#endif
