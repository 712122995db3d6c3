/* SPDX-License-Identifier: MIT */
/* CSV text (RFC 4180, and what spreadsheets make of it) as rows of cells: a header line that names the columns, then a
   row a record. What a cell means is the reader's business. */
#ifndef TRAIN_DATA_RECORDS_H
#define TRAIN_DATA_RECORDS_H

#include "data/source.h"

struct records {
    struct source *source;
    char separator; /* 0: not known yet, any of them */
    size_t line;    /* where the record at hand begins, from 1 */
    size_t lines;   /* up to the end of the record at hand */
    char *record;   /* without its line end, NUL-terminated, in the source's window */
    char *end;
    size_t columns;
    char **names; /* [columns] */
    char **cells; /* [columns] of the record at hand, in the window; no spaces and quotes around them */
};

/* Reads the header, from a source at its first byte. records_free must follow, even on failure. */
enum verdict records_begin(struct records *records, struct source *source, struct trouble *trouble);

/* Moves on to the next row, which has as many cells as the header. *more is 0 behind the last. */
enum verdict records_next(struct records *records, int *more, struct trouble *trouble);

void records_free(struct records *records);

#endif
