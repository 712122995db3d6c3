/* SPDX-License-Identifier: MIT */
/* A table's target column: texts come in row by row, classes or numbers come out when all have been seen. */
#ifndef TRAIN_DATA_TARGET_H
#define TRAIN_DATA_TARGET_H

#include "dataset.h"

/* More classes than this are a mistake about which column is the target. */
enum { MOST_CLASSES = 1000 };

struct target;

/* Makes an empty column of that name (borrowed, as path and request are). NULL: out of memory. */
struct target *target_create(const char *path, const char *name, const struct dataset_request *request);
void target_destroy(struct target *target);

/* Takes up the next row's cell. */
enum verdict target_add(struct target *target, const char *text, size_t line, struct trouble *trouble);

/* Fills in data->target and labels, class_names and classes, or numbers, for the rows added. */
enum verdict target_finish(struct target *target, struct dataset *data, struct trouble *trouble);

#endif
