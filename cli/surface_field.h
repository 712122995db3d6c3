/* SPDX-License-Identifier: MIT */
/* A surface as a grid of values, levels at which its shape can be seen, and what lies above each of them. */
#ifndef CLI_SURFACE_FIELD_H
#define CLI_SURFACE_FIELD_H

#include "surface_walk.h"

struct field {
    size_t columns, rows;
    struct point first, last; /* where the first value of the first row stands, and the last of the last */
    double *value;            /* [rows, columns] */
};

/* Takes the values of a course at columns x rows places, from first to last; free(field->value) must follow. */
enum verdict field_make(struct field *field, const struct course *course, size_t columns, size_t rows,
                        struct point first, struct point last, struct trouble *trouble);

/* Fills level [count] in rising order: below number k, from 1, lies (k/(count + 1))^2 of the field. So the bands
   between them are narrow where the field is low, whatever its values are. */
enum verdict field_levels(const struct field *field, size_t count, double *level, struct trouble *trouble);

/* How many of the levels lie below a value. */
size_t field_band(const double *level, size_t count, double value);

/* What of a field lies at a level or above it, as one closed line: each border has its inside at the left, and the line
   goes from one border to the next and back by the same way. */
struct outline {
    struct point *at; /* [count] */
    size_t count;
};

/* free(outline->at) must follow. */
enum verdict outline_trace(struct outline *outline, const struct field *field, double level, struct trouble *trouble);

/* Cuts a piece of a line to a window. 0: nothing of it is in there. */
int clip_to_window(const struct window *window, struct point *from, struct point *to);

#endif
