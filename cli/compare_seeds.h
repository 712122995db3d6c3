/* SPDX-License-Identifier: MIT */
/* A comparison over seeds: each run of the contest with every seed, some at a time, each on one thread, kept as the
   runs of a sweep are. */
#ifndef CLI_COMPARE_SEEDS_H
#define CLI_COMPARE_SEEDS_H

#include "contest.h"
#include "result_format.h"
#include "sets.h"

/* Whether that is asked for: by --seeds or --keep. */
int compare_has_seeds(const struct args *args);

/* The number of seeds; 1 where nothing is said. */
size_t compare_seed_count(const struct args *args);

/* Runs, and gives the contest the mean and the deviation of each epoch. *whole is 0 where a signal stopped it, of which
   has been told. test_fraction: the part of DATA that was set apart to test on. */
enum verdict compare_over_seeds(struct contest *contest, const struct args *args, struct sets *sets,
                                double test_fraction, enum result_format format, int *whole, struct trouble *trouble);

/* The last line of JSON of such a comparison. */
enum verdict compare_report_done(const struct contest *contest, const struct args *args, struct trouble *trouble);

#endif
