/* SPDX-License-Identifier: MIT */
/* A network in training for `bench train`: made, checked, and timed in turn with its matrix products alone. */
#ifndef CLI_TRAIN_CASE_H
#define CLI_TRAIN_CASE_H

#include "fit.h"

/* Batches whose losses are compared with a second implementation. */
enum { TRAIN_CHECKED = 3 };

struct train_plan {
    struct fit_settings settings;
    int threads;
    size_t epochs; /* to take the median of */
    uint64_t seed; /* of the images */
};

struct train_case {
    const struct train_plan *plan;
    struct dataset images;
    struct fit *fit;
    float *weights;               /* the first, as train_check wants them */
    uint8_t *pixels;              /* [images.rows, images.columns] in the order of the first epoch */
    int32_t *labels;              /* [images.rows] in that order */
    double losses[TRAIN_CHECKED]; /* of the first batches */
};

/* Medians over epochs, in seconds. */
struct train_times {
    double epoch, gemm;
    double step; /* the optimizer's share of an epoch */
};

/* Makes everything, trains on the first batches and compares their losses. To be given to train_case_free, whatever
   comes of it. FAILED where they differ. */
enum verdict train_case_create(struct train_case *bench, const struct train_plan *plan, struct trouble *trouble);

/* Ends the epoch under way and times the next ones. */
enum verdict train_case_time(struct train_case *bench, struct train_times *times, struct trouble *trouble);

/* Trains on so many batches and returns the seconds that they took: a train_round (see train_peers.h). */
double train_case_round(void *bench, size_t batches);

void train_case_free(struct train_case *bench);

#endif
