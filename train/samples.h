/* SPDX-License-Identifier: MIT */
/* A dataset made ready for a model: tables scaled once into floats; pixels kept as bytes and scaled when a batch is
   gathered, a quarter of the memory; sparse tables kept sparse, and made dense when a batch is gathered. */
#ifndef TRAIN_SAMPLES_H
#define TRAIN_SAMPLES_H

#include "dataset.h"
#include "scale.h"

struct samples {
    size_t rows, columns;
    float *values;          /* [rows, columns] scaled; NULL for pixels and sparse tables */
    uint8_t *pixels;        /* [rows, columns] as they are; NULL for tables */
    float *offset, *factor; /* [columns] of pixels */
    size_t *row_start;      /* [rows + 1] of a sparse table, as in struct sparse; NULL for others */
    uint32_t *places;       /* the columns of */
    float *nonzeros;        /* what is not 0, scaled */
    float *zeros;           /* [columns] what 0 is, scaled */
    int32_t *labels;        /* [rows], or NULL */
    float *numbers;         /* [rows] scaled, or NULL */
};

/* Copies what it needs. target NULL, or a dataset without a target: no labels and numbers. */
enum verdict samples_create(struct samples *samples, const struct dataset *data, const struct scale *scale,
                            const struct scale *target, struct trouble *trouble);

void samples_free(struct samples *samples);

/* By a team, as layers_forward (see layers.h). The rows order[0 .. count - 1] into x [count, columns] and, where they
   are not NULL and the samples have them, labels and numbers [count]. order NULL: the rows first .. first + count - 1.
 */
void samples_gather(const struct samples *samples, const size_t *order, size_t first, size_t count, float *x,
                    int32_t *labels, float *numbers);

#endif
