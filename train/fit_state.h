/* SPDX-License-Identifier: MIT */
/* What struct fit holds: shared by building (fit_build.c), training (fit.c), scoring (score.c) and the model file
   (model_file.c), hidden from all others. */
#ifndef TRAIN_FIT_STATE_H
#define TRAIN_FIT_STATE_H

#include "fit.h"
#include "layers.h"
#include "loss.h"
#include "samples.h"

struct fit {
    struct fit_settings settings;
    enum target_kind kind;
    int threads;

    /* What the training data was, to recognise later data by. */
    int pixels;          /* 1: images, 0: a table */
    char **column_names; /* [columns] of a table */
    size_t columns;
    char *target_name;  /* or NULL */
    char **class_names; /* [classes] */
    size_t classes;
    struct scale scale;
    struct scale target; /* one column; classes: offset 0, factor 1 */

    struct layers layers;
    struct adadelta *optimizer;
    int32_t *labels; /* [layers.capacity] of the batch at hand */
    float *numbers;  /* [layers.capacity] */
    double *losses;  /* [layers.capacity] of the rows at hand */

    /* Only while there is something to train on. */
    struct samples train; /* rows 0: none */
    struct samples test;  /* rows 0: none */
    size_t *order;        /* [train.rows] of the epoch under way */

    /* Where training stands. */
    size_t epochs_done;
    size_t rows_done;     /* in the epoch under way */
    double loss_total;    /* over those rows, in the network's own unit */
    uint32_t fingerprint; /* of the training data */
};

/* Prediction runs in blocks of exactly this many rows, the last filled up. What is predicted of a row must not depend
   on the rows around it, but BLAS adds up in another order for another number of rows, and among many rows for those
   that its inner loops leave over (OpenBLAS for Haswell: some of 12, 16, 48 or 64). Of 8 every row is treated alike by
   OpenBLAS for Prescott, Nehalem, Sandybridge, Haswell, Zen and SkylakeX. It takes twice the time of blocks of 500. */
enum { PREDICTED_ROWS = 8 };

/* The widths of the input and of all layers; returns the number of layers. */
size_t fit_widths(const struct fit *fit, size_t width[MAX_LAYERS + 1]);

/* "layer1.weight": what a part of layer l (from 0) is called in the optimizer and its checkpoint. */
enum { TENSOR_NAME = 40 };
void fit_tensor_name(char name[TENSOR_NAME], size_t l, const char *part);

/* Builds layers and optimizer for settings, kind, columns and classes as they stand, with parameters zero. */
enum verdict fit_build(struct fit *fit, struct trouble *trouble);

/* Whether data can be given to this model: the same kind of rows, as wide, with a target where need_target. */
enum verdict fit_accepts(const struct fit *fit, const struct dataset *data, int need_target, struct trouble *trouble);

/* Mean loss, in the target's unit, and error over samples. */
void fit_score_samples(struct fit *fit, const struct samples *samples, struct fit_score *score);

#endif
