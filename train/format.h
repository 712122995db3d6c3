/* SPDX-License-Identifier: MIT */
/* The table of data formats: adding one is a file in data/ and a row in format.c. */
#ifndef TRAIN_FORMAT_H
#define TRAIN_FORMAT_H

#include "data/source.h"
#include "dataset.h"

/* As many bytes of a file as detect() may see. */
enum { FORMAT_HEAD = 16 };

struct data_format {
    /* 1 where a file that begins with these bytes (after decompression; fewer where it is shorter) is of this
       format. */
    int (*detect)(const unsigned char *head, size_t size);
    /* Fills data (zeroed but for its path) from a source at its first byte; what it leaves on failure is freed by the
       caller. */
    enum verdict (*read)(struct dataset *data, struct source *source, const struct dataset_request *request,
                         struct trouble *trouble);
};

/* The formats in the order they are tried; the last takes every file. */
extern const struct data_format data_formats[];
extern const size_t data_format_count;

/* The rows of the table, each defined in its own file. */
int csv_detect(const unsigned char *head, size_t size);
enum verdict csv_read(struct dataset *data, struct source *source, const struct dataset_request *request,
                      struct trouble *trouble);
int idx_detect(const unsigned char *head, size_t size);
enum verdict idx_read(struct dataset *data, struct source *source, const struct dataset_request *request,
                      struct trouble *trouble);

#endif
