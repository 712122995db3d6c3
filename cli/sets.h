/* SPDX-License-Identifier: MIT */
/* The data of a run: the rows to train on, and those to test on from a file of their own or set apart from the
   former. */
#ifndef CLI_SETS_H
#define CLI_SETS_H

#include "args.h"
#include "dataset.h"

struct sets {
    struct dataset train;
    struct dataset test;
    int has_test;
};

/* Reads what request says, and --test, in the same columns and classes; or sets fraction (0: none) of the rows apart.
   On failure nothing is held. */
enum verdict sets_read(struct sets *sets, const struct dataset_request *request, const struct args *args,
                       double fraction, uint64_t seed, struct trouble *trouble);

void sets_free(struct sets *sets);

/* The data to test on, or NULL. */
const struct dataset *sets_test(const struct sets *sets);

/* "digit (10 classes) from 64 columns: 1,438 rows to train on, 359 to test on": text [size]. */
void sets_describe(const struct sets *sets, char *text, size_t size);

#endif
