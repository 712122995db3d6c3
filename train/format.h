/* SPDX-License-Identifier: MIT */
/* The table of data formats: adding one is a file in data/ and a row in format.c. */
#ifndef TRAIN_FORMAT_H
#define TRAIN_FORMAT_H

#include "dataset.h"

struct data_format {
    const char *name; /* as shown to people */
    /* 1 where a file that begins with these bytes (after decompression) is of this format. */
    int (*detect)(const unsigned char *head, size_t size);
    enum verdict (*read)(struct dataset *data, const struct dataset_request *request, struct trouble *trouble);
};

extern const struct data_format data_formats[];
extern const size_t data_format_count;

#endif
