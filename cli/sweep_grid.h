/* SPDX-License-Identifier: MIT */
/* The grid of a sweep: up to four axes, each an option of `train` with a list of values, and the settings that every
   combination of them, a cell, stands for. */
#ifndef CLI_SWEEP_GRID_H
#define CLI_SWEEP_GRID_H

#include <jansson.h>

#include "args.h"
#include "fit.h"

enum { MAX_AXES = 4, MAX_CELLS = 10000 };

struct axis_value {
    char *assignment; /* "eps=1e-6", as an option's name and value */
    const char *text; /* within it: "1e-6" */
    double number;    /* NAN for a text */
};

struct axis {
    const struct option *option;
    const struct option_group *group; /* which it stands in */
    struct axis_value *values;
    size_t count;
};

struct grid {
    struct axis axes[MAX_AXES];
    size_t axis_count;
    size_t cell_count;             /* the product of the axes' counts; the last axis runs fastest */
    struct fit_settings *settings; /* [cell_count] with the first seed */
};

/* Reads every --grid, which may name the axes' options in the groups of command. */
enum verdict grid_parse(struct grid *grid, const struct args *args, const struct command *command,
                        struct trouble *trouble);

void grid_free(struct grid *grid);

/* The number of a cell's value on an axis, and the value itself. */
size_t grid_place(const struct grid *grid, size_t cell, size_t axis);
const struct axis_value *grid_value(const struct grid *grid, size_t cell, size_t axis);

/* The cell next to this one that has value number place on that axis. */
size_t grid_neighbour(const struct grid *grid, size_t cell, size_t axis, size_t place);

/* The number of the axis of that option, or axis_count. */
size_t grid_find_axis(const struct grid *grid, enum option_id id);

/* Finds the axis and the place on it that "NAME=VALUE" names, an entry of the grid. */
enum verdict grid_find_value(const struct grid *grid, const char *text, size_t *axis, size_t *place,
                             struct trouble *trouble);

/* The value of an axis as JSON: a number, or a text. */
json_t *grid_value_json(const struct axis *axis, size_t place);

/* {"eps": 1e-06, "rho": 0.95}. */
json_t *grid_cell_json(const struct grid *grid, size_t cell);

/* "eps 1e-6, rho 0.95": text [size]. */
void grid_describe(const struct grid *grid, size_t cell, char *text, size_t size);

#endif
