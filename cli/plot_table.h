/* SPDX-License-Identifier: MIT */
/* A CSV file of numbers to be drawn, plain or gzipped. */
#ifndef CLI_PLOT_TABLE_H
#define CLI_PLOT_TABLE_H

#include <stddef.h>

#include "trouble.h"

/* A header that is known: its columns, of which the first `filled` have no empty cells and one holds words. */
struct known_header {
    const char *const *names;
    size_t columns, filled, words;
};

struct plot_table {
    const char *path; /* borrowed */
    int is_known;     /* the header is the known one */
    char **names;     /* [columns] */
    size_t columns, rows;
    double *values; /* [rows, columns]; NAN: an empty cell; in the column of words a word's number */
    char **words;   /* [word_count], in the order in which they came */
    size_t word_count;
};

/* Reads a file. Where its header is not the known one, which may be NULL, all cells are numbers, and those of the first
   column are not empty. plot_table_free must follow, even on failure. */
enum verdict plot_table_read(struct plot_table *table, const char *path, const struct known_header *known,
                             struct trouble *trouble);

void plot_table_free(struct plot_table *table);

#endif
