/* SPDX-License-Identifier: MIT */
/* How far a sweep is, on standard error: a bar on a terminal, now and then a line elsewhere, nothing when quiet. */
#ifndef CLI_SWEEP_PROGRESS_H
#define CLI_SWEEP_PROGRESS_H

#include "progress.h"
#include "sweep_result.h"

struct sweep_progress {
    struct progress base; /* what kind it is, and whether a bar stands there */
    const struct sweep *sweep;
    double start;      /* on the clock */
    size_t kept;       /* runs that were there at the start */
    double *parts;     /* [cells * seeds] how much is done of a run under way */
    double last_drawn; /* on the clock */
};

enum verdict sweep_progress_start(struct sweep_progress *progress, const struct sweep *sweep, int quiet,
                                  struct trouble *trouble);

/* Draws, where it is time to; ended: a run has just ended. */
void sweep_progress_update(struct sweep_progress *progress, int ended);

void sweep_progress_end(struct sweep_progress *progress);

/* Seconds since the start. */
double sweep_progress_seconds(const struct sweep_progress *progress);

#endif
