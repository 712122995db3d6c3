/* SPDX-License-Identifier: MIT */
/* One cell of a table: the number it says, or why it says none. */
#ifndef TRAIN_DATA_CELL_H
#define TRAIN_DATA_CELL_H

#include <stddef.h>

#include "trouble.h"

enum cell_kind { CELL_NUMBER, CELL_EMPTY, CELL_NOT_FINITE, CELL_TEXT };

/* Reads a decimal number ("-12", "1.5e-3", ".5"), correctly rounded to double whatever the locale says. Nothing else is
   one: no hexadecimal, no spaces, no comma. "nan", "inf" and what overflows are CELL_NOT_FINITE. */
enum cell_kind cell_number(const char *text, double *value);

/* Where a cell stands. */
struct cell_place {
    const char *path;
    size_t line;
    const char *column;
};

/* blame() for a cell that holds no number: "data.csv:9: column 'age': 'abc' is not a number", and hint after it. */
enum verdict blame_cell(struct trouble *trouble, const struct cell_place *place, enum cell_kind kind, const char *text,
                        const char *hint);

/* Names and classes must be UTF-8, as a model file keeps them: DONE, or the line that says what to do. what: "column
   name" or "class". */
enum verdict check_utf8(const char *path, size_t line, const char *what, const char *text, struct trouble *trouble);

/* At most this many bytes of a cell or name are shown in a line. */
enum { SHOWN = 48 };

/* A text as shown: cut between characters and ended by "..." where it is long. Returns out. */
const char *cell_shown(char out[SHOWN], const char *text);

/* The first names of a list with commas between them, and how many there are where not all are shown. Returns out. */
enum { LIST_NAMES = 8, LISTED = LIST_NAMES * (SHOWN + 2) + 48 };
const char *cell_list(char out[LISTED], const char *const *names, size_t count);

#endif
