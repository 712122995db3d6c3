/* SPDX-License-Identifier: MIT */
/* What a comparison is about: the methods with their settings, and how each of them did. A method may stand there more
   than once; its settings then tell its runs apart. */
#ifndef CLI_CONTEST_H
#define CLI_CONTEST_H

#include "args.h"
#include "fit.h"

/* As many as a chart has room for. */
enum { MAX_CONTENDERS = 9, OWN_SIZE = 128, LABEL_SIZE = OWN_SIZE + 16 };

/* One run. */
struct contender {
    struct fit_settings settings; /* completed when it has run */
    char own[OWN_SIZE];     /* where its method runs more than once: "rho 0.9, state u16", what it has different */
    char label[LABEL_SIZE]; /* the method and that */
    size_t turn;            /* how many of its method come before it */
    size_t epochs_done;
    double *figure; /* [epochs] what is compared, by epoch: test error, or test loss for numbers; over seeds the mean */
    double *deviation;   /* [epochs] over seeds the sample standard deviation, NAN of one run; else NULL */
    size_t runs, failed; /* over seeds: those that got to their end, and those that did not */
    size_t best;         /* index of the smallest figure */
    double seconds;      /* of a run */
    size_t state_bytes;
    char failure[160]; /* why it, or the first of its seeds to do so, ended early; empty: none did */
};

struct contest {
    struct contender contenders[MAX_CONTENDERS];
    size_t count;
    enum target_kind kind; /* of the target */
    size_t seeds;          /* 0: one run each, all in this process */
    double seconds;        /* over seeds: of all runs of this call */
};

/* What a method is run with where the command line does not say. */
struct contest_defaults {
    double rates[ADADELTA_METHOD_COUNT];
    const char *state; /* of those that keep one */
};

/* Reads --methods "sgd,adadelta,adadelta:state=u16,...": methods, each with settings of its own behind colons, which
   overrule those of the other options. No two runs may be the same. --state is for the methods that can have it, of
   which there must be one. defaults: for all that is not given; NULL: each method's own. */
enum verdict contest_parse(struct contest *contest, const struct args *args, const struct contest_defaults *defaults,
                           struct trouble *trouble);

/* Of the longest label that stands before the progress of a run. */
enum { MIN_LABEL_WIDTH = 9, MAX_LABEL_WIDTH = 32 };
int contest_label_width(const struct contest *contest);

void contest_free(struct contest *contest);

#endif
