/* SPDX-License-Identifier: MIT */
/* How far a run is, on standard error: a bar on a terminal, lines elsewhere, nothing when quiet. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>

#include "fit.h"

struct progress {
    const char *label; /* in front of each line; "" for none */
    enum { PROGRESS_QUIET, PROGRESS_LINES, PROGRESS_BAR } kind;
    int drawn;         /* 1: a bar stands on the cursor's line */
    double last_drawn; /* seconds, as the run counts them */
    /* When and where this run was first seen, for its speed: a resumed one starts in the middle. */
    double first_seconds, first_rows;
    double speed;      /* rows a second, 0 as long as unknown */
    double test_error; /* of the last epoch that ended; NAN: none yet */
    double test_loss;
};

void progress_start(struct progress *progress, const char *label, int quiet);
void progress_update(struct progress *progress, const struct fit_progress *now);

/* Ends the bar's line, so that other text can follow. */
void progress_end(struct progress *progress);

/* The columns of the terminal, and "3:05" or "1:20 h" in text [NUMBER_SIZE], which is returned: for other bars. */
int progress_width(void);
const char *progress_time(char *text, double seconds);

#endif
