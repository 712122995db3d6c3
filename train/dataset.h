/* SPDX-License-Identifier: MIT */
/* Data as a file holds it: rows of features, and a target that is a class, a number, or absent. Every format (see
   format.h) is read into this; scaling, splitting and batching work on this alone. */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "trouble.h"

enum target_kind { TARGET_NONE, TARGET_CLASS, TARGET_NUMBER };

/* Rows of which only what is not 0 is kept (compressed sparse rows). */
struct sparse {
    size_t *row_start; /* [rows + 1] where each row begins in the two below, and their length; NULL: not in this form */
    uint32_t *columns; /* of each value, ascending within a row */
    double *values;
};

struct dataset {
    char *path;        /* where it came from, for messages */
    char *labels_path; /* where the labels of an image file came from; NULL: it has none in a file of their own */
    size_t rows;
    size_t columns; /* features in a row */
    /* Features stand in one of three forms; the pointers of the other two are NULL. */
    double *values;       /* [rows, columns], a table's, row-major */
    uint8_t *pixels;      /* [rows, columns], an image file's bytes, row-major */
    struct sparse sparse; /* a table's of which most are 0 */
    char **column_names;  /* [columns]; NULL for pixels, and where nobody named them */
    enum target_kind target;
    char *target_name;  /* the target's column; NULL for pixels or without a target */
    int32_t *labels;    /* [rows] TARGET_CLASS: index into class_names */
    double *numbers;    /* [rows] TARGET_NUMBER */
    char **class_names; /* [classes] TARGET_CLASS, sorted: as numbers where all are numbers, else as texts */
    size_t classes;
};

/* What to read, and what is known already (from a model or from the training data). All pointers are borrowed. */
struct dataset_request {
    const char *path;
    const char *labels_path; /* IDX: the labels file; NULL: the usual name beside the images: "labels" for "images",
                                "idx1" for "idx3", with .gz or without */
    const char *target;      /* CSV: the target column's name; NULL: the last column (or none, see want_target) */
    enum target_kind kind;   /* TARGET_NONE: find out; else the target must be readable as this */
    int want_target;         /* 1: there must be a target; 0: read one only if it is there */
    const char *const *column_names; /* [columns] not NULL: exactly these features, in this order, are wanted; others in
                                        the file are passed over; a missing one is an error that names it */
    size_t columns;                  /* not 0: that many features must be there (IDX: pixels of an image) */
    const char *const *class_names;  /* [classes] not NULL: labels are these; another is an error with its line */
    size_t classes;
};

/* Reads a file of any known format, found by its content. *data is zeroed first; on failure it is left empty. */
enum verdict dataset_read(struct dataset *data, const struct dataset_request *request, struct trouble *trouble);

/* Frees what a dataset holds and zeroes it. A zeroed one is allowed. */
void dataset_free(struct dataset *data);

/* The rows listed in index [count], copied, in that order, with names and classes. On failure *out is left empty. */
enum verdict dataset_select(struct dataset *out, const struct dataset *data, const size_t *index, size_t count,
                            struct trouble *trouble);

/* Splits rows into a test part of about fraction (0 < fraction < 1) of all and the rest, both at least one row, each in
   the order of the file. Classes are split each by itself (stratified): class k gives round(fraction * its rows) rows.
   The choice depends on seed alone. index [rows] receives the rest first, then the test part; *train_count their
   border. */
enum verdict dataset_split(const struct dataset *data, double fraction, uint64_t seed, size_t *index,
                           size_t *train_count, struct trouble *trouble);

/* A number that tells whether two datasets hold the same rows: a CRC-32 of features and targets. The
   same rows, dense and sparse, have different ones. */
uint32_t dataset_fingerprint(const struct dataset *data);

#endif
