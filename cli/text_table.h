/* SPDX-License-Identifier: MIT */
/* Tables of texts: filled cell by cell, printed with aligned columns, as Markdown or as CSV. */
#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stddef.h>

#include "trouble.h"

enum table_format { TABLE_TERMINAL, TABLE_MARKDOWN, TABLE_CSV };

struct text_table {
    size_t columns;
    size_t left;  /* so many columns at the left are names and aligned there, the others at the right */
    char **cells; /* [count] row by row; the first row is the head */
    size_t count, room;
    int no_memory; /* 1: something is missing */
};

/* The next cell; at the end of a row the next one begins. */
void text_table_add(struct text_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number with all digits; an empty cell for NAN. */
void text_table_add_exact(struct text_table *table, double number);

/* Columns that a text of UTF-8 takes. */
int text_width(const char *text);

/* Prints on standard output and frees the table. */
enum verdict text_table_print(struct text_table *table, enum table_format format, struct trouble *trouble);

#endif
