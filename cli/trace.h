/* SPDX-License-Identifier: MIT */
/* A trace of a training: every so many batches, how a few weights of each matrix stand and what the last step did to
   them, a row for each. docs/trace.md says what the columns are. Looking changes nothing in the run. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "fit.h"

/* The columns in their order. */
enum trace_column {
    TRACE_STEP,
    TRACE_EPOCH,
    TRACE_TENSOR,
    TRACE_INDEX,
    TRACE_VALUE,
    TRACE_UPDATE,
    TRACE_RMS_UPDATE,
    TRACE_RMS_GRADIENT,
    TRACE_RATE,
    TRACE_RATE_MIN,
    TRACE_RATE_MEDIAN,
    TRACE_RATE_MAX,
    TRACE_COLUMN_COUNT
};
extern const char *const trace_columns[TRACE_COLUMN_COUNT];

struct trace;

/* Opens the file and chooses the weights by the run's seed, before the run's first batch: from each matrix so many, or
   all it has. every 0: a tenth of an epoch's batches. On success trace_close must follow. */
enum verdict trace_open(struct trace **trace, const char *path, size_t every, size_t weights, const struct fit *fit,
                        struct trouble *trouble);

/* To be called whenever fit_run calls its watch. */
enum verdict trace_watch(struct trace *trace, const struct fit_progress *now, struct trouble *trouble);

/* Puts the file in its place, whole to its last record; *records says how many it has. */
enum verdict trace_close(struct trace *trace, size_t *records, struct trouble *trouble);

#endif
