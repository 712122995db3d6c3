/* SPDX-License-Identifier: MIT */
/* What a sweep is and how far it is: the grid, the seeds, the runs; and what their figures come to in each cell. */
#ifndef CLI_SWEEP_RESULT_H
#define CLI_SWEEP_RESULT_H

#include "sweep_run.h"

enum metric { METRIC_TEST_ERROR, METRIC_TEST_LOSS, METRIC_TRAIN_LOSS };

struct sweep {
    const struct args *args;
    struct grid grid;
    struct sets sets;
    double test_fraction; /* of DATA set apart; 0: none */
    uint64_t first_seed;
    size_t seeds;
    enum metric metric;
    struct sweep_run *runs; /* [cell_count, seeds] */
};

/* How a figure is called and shown. */
struct metric_style {
    const char *name;  /* "test_error" */
    const char *title; /* "Test error" */
    const char *label; /* "test error in %" */
    double factor;     /* what a figure is multiplied with to be shown */
    int decimals;      /* -1: as many as show two digits of the spread */
};

const struct metric_style *metric_style(enum metric metric);

/* Finds --metric, or the one that is usual for the target. */
enum verdict metric_from_args(enum metric *metric, const struct args *args, enum target_kind target,
                              struct trouble *trouble);

/* A run, and its figure: NAN where it did not get to its end. */
struct sweep_run *sweep_run_at(const struct sweep *sweep, size_t cell, size_t seed);
double sweep_figure(const struct sweep *sweep, size_t cell, size_t seed);

/* The figures of a cell's runs that got to their end. */
struct summary {
    size_t n, failed; /* failed: ended too early */
    double mean;      /* NAN where n is 0, as below */
    double deviation; /* of a sample, divided by n - 1; NAN where n is 1 */
    double least, middle, most;
};

/* Of figures [count], which it sorts; failed is 0. */
struct summary figures_summary(double *figures, size_t count);

struct summary sweep_summary(const struct sweep *sweep, size_t cell);

/* The cell with the fewest failed runs, of these the one with the smallest mean; cell_count where there is none. */
size_t sweep_best(const struct sweep *sweep);

/* Runs that have ended, one way or the other, and those that failed. */
void sweep_count(const struct sweep *sweep, size_t *ended, size_t *failed);

/* Decimals that show two digits of a spread; -1 where that is 0 or none. A figure with so many, or five digits for -1:
   text [NUMBER_SIZE] is returned. */
int figure_decimals(double spread);
const char *figure_text(char *text, double figure, int decimals);

/* A figure of the sweep as shown: text [NUMBER_SIZE] is returned. */
const char *sweep_number(const struct sweep *sweep, char *text, double figure);

/* The mean and the deviation, each as shown: texts [NUMBER_SIZE]. */
void sweep_pair(const struct sweep *sweep, char *mean, char *deviation, const struct summary *summary);

/* "1.62 ± 0.05", or with what failed behind it: text [SPREAD_SIZE] is returned. */
enum { SPREAD_SIZE = 96 };
const char *sweep_spread(const struct sweep *sweep, char *text, const struct summary *summary);

/* "mlp:64 relu": text [size]. */
void sweep_describe_model(const struct sweep *sweep, char *text, size_t size);

#endif
