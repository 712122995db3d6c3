/* SPDX-License-Identifier: MIT */
/* The bytes of a file, plain or gzipped, through a window that a reader widens and moves. A damaged or cut gzip file
   never looks like a shorter one. */
#ifndef TRAIN_DATA_SOURCE_H
#define TRAIN_DATA_SOURCE_H

#include <stddef.h>

#include "trouble.h"

struct gzFile_s;

struct source {
    const char *path; /* borrowed */
    struct gzFile_s *file;
    unsigned char *bytes; /* [capacity + 1]; the spare one is the reader's */
    size_t capacity;
    size_t start, end; /* bytes[start .. end-1] are read and not yet consumed: a reader moves start */
    int at_end;        /* 1: the file has no byte after these */
};

/* Opens a file that is no directory and not empty, so that there is a byte in the window. On failure nothing is
   held. */
enum verdict source_open(struct source *source, const char *path, struct trouble *trouble);

/* Reads on until size bytes are in the window, or the file ends before. The window may move. */
enum verdict source_need(struct source *source, size_t size, struct trouble *trouble);

/* Reads on to the end without keeping anything: *size becomes the bytes that were left, the window's included. */
enum verdict source_drain(struct source *source, size_t *size, struct trouble *trouble);

/* The first size bytes (at least 1) of the window, to be freed by the caller; the source is then good only to be
   closed. */
unsigned char *source_take(struct source *source, size_t size);

void source_close(struct source *source);

#endif
