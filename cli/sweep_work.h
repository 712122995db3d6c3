/* SPDX-License-Identifier: MIT */
/* A sweep under way: what is missing of it is run, some runs at a time, and what has ended is kept. `sweep` works
   through a grid so, `compare --seeds` through its methods. */
#ifndef CLI_SWEEP_WORK_H
#define CLI_SWEEP_WORK_H

#include "result_format.h"
#include "sweep_progress.h"
#include "sweep_store.h"

struct sweeping {
    struct sweep sweep; /* filled in but for the runs */
    struct store store;
    struct sweep_progress progress;
    enum result_format format; /* RESULT_JSON: each run is told on standard output */
};

/* Makes room for the runs and takes those that the file at path has, or makes it; path NULL: nothing is kept. */
enum verdict sweeping_open(struct sweeping *sweeping, const char *path, struct trouble *trouble);

/* Runs what is missing, until all is done or a signal asks to stop. */
enum verdict sweeping_run(struct sweeping *sweeping, struct trouble *trouble);

/* Whether every run has ended, one way or the other. */
int sweeping_is_whole(const struct sweeping *sweeping);

/* FAILED, with a reason, where no run got to its end. */
enum verdict sweeping_check_any(const struct sweeping *sweeping, struct trouble *trouble);

/* After a signal: how far it came and how to go on, beside a table or as JSON. keep is the option that keeps runs:
   "-o". */
enum verdict sweeping_tell_interrupted(const struct sweeping *sweeping, const char *keep, struct trouble *trouble);

/* The last line of JSON. */
enum verdict sweeping_tell_done(const struct sweeping *sweeping, struct trouble *trouble);

/* Frees all, the grid and the data too. */
void sweeping_free(struct sweeping *sweeping);

#endif
