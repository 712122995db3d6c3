/* SPDX-License-Identifier: MIT */
/* One run of a sweep: a cell's settings with one seed. It happens in a worker, which tells of it in lines; its result
   is one JSON object, the same in the worker's last line, in the file of the sweep and on standard output. */
#ifndef CLI_SWEEP_RUN_H
#define CLI_SWEEP_RUN_H

#include <stdio.h>

#include "sets.h"
#include "sweep_grid.h"

enum run_outcome {
    RUN_MISSING,  /* not done yet */
    RUN_DONE,     /* got to its end */
    RUN_DIVERGED, /* loss or gradient were not finite any more: the same every time */
    RUN_BROKEN    /* the machine's fault: no memory, a worker that was killed */
};

struct sweep_run {
    enum run_outcome outcome;
    double test_error, test_loss, train_loss; /* after the last epoch that ended; NAN where there is none */
    double seconds;
    size_t epochs;
    double *test_errors, *test_losses; /* [epochs], NULL where there are none */
    char *failure;                     /* why it is not RUN_DONE, or NULL */
};

const char *run_outcome_name(enum run_outcome outcome);

/* The first letter of a worker's line: how much of the run is done, the result, or why there can be none. */
enum { LINE_PART = '.', LINE_RESULT = '{', LINE_REFUSED = '!' };

/* What a run's result depends on besides data and seed, as one flat JSON object; null where the number of rows
   decides. */
json_t *run_settings_json(const struct fit_settings *settings);

/* Trains, in a worker, and tells of it on out, at least twice a second. */
void run_work(const struct grid *grid, size_t cell, uint64_t seed, const struct sets *sets, FILE *out);

/* The result of a run that never came to tell. */
json_t *run_broken_json(const struct grid *grid, size_t cell, uint64_t seed, const char *failure);

/* Takes a result; 0 where it is none. What *run held is freed. */
int run_read(struct sweep_run *run, const json_t *result);

void run_free(struct sweep_run *run);

#endif
