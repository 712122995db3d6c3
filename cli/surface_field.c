/* SPDX-License-Identifier: MIT */
/* See surface_field.h. Borders are followed through the grid's cells (marching squares); a rim of places that lie below
   everything closes those that leave the grid. */
#include "surface_field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

enum verdict field_make(struct field *field, const struct course *course, size_t columns, size_t rows,
                        struct point first, struct point last, struct trouble *trouble)
{
    *field = (struct field){columns, rows, first, last, malloc(columns * rows * sizeof *field->value)};
    if (!field->value)
        return blame_memory(trouble);
    for (size_t j = 0; j < rows; j++) {
        for (size_t i = 0; i < columns; i++) {
            const double right = (double)i / (double)(columns - 1), up = (double)j / (double)(rows - 1);
            field->value[j * columns + i] = course_value(
                course, (struct point){first.x + right * (last.x - first.x), first.y + up * (last.y - first.y)});
        }
    }
    return DONE;
}

enum verdict field_levels(const struct field *field, size_t count, double *level, struct trouble *trouble)
{
    const size_t size = field->columns * field->rows;
    double *sorted = malloc(size * sizeof *sorted);
    if (!sorted)
        return blame_memory(trouble);
    memcpy(sorted, field->value, size * sizeof *sorted);
    qsort(sorted, size, sizeof *sorted, ascending);
    for (size_t k = 0; k < count; k++) {
        const double part = (double)(k + 1) / (double)(count + 1);
        level[k] = sorted[(size_t)(part * part * (double)(size - 1))];
    }
    free(sorted);
    return DONE;
}

size_t field_band(const double *level, size_t count, double value)
{
    size_t band = 0;
    while (band < count && !(value < level[band]))
        band++;
    return band;
}

/* ---- Outlines ---- */

/* A field with its rim: columns + 2 by rows + 2 places. A border crosses the lines between neighbours; the line from
   (i, j) to the right is number j*(columns + 1) + i, those upwards come after all of these. */
struct mesh {
    const struct field *field;
    double level;
    size_t columns, rows; /* cells */
    size_t lines_right;   /* lines to the right there are */
    size_t lines;
    size_t *next; /* [lines] the line at which a border that crosses this one crosses next; lines: none does */
};

static int is_rim(const struct mesh *mesh, size_t i, size_t j)
{
    return i == 0 || j == 0 || i == mesh->columns || j == mesh->rows;
}

static double value_at(const struct mesh *mesh, size_t i, size_t j)
{
    return is_rim(mesh, i, j) ? -INFINITY : mesh->field->value[(j - 1) * mesh->field->columns + i - 1];
}

static int is_inside(const struct mesh *mesh, size_t i, size_t j)
{
    return !is_rim(mesh, i, j) && !(value_at(mesh, i, j) < mesh->level);
}

/* The sides of a cell are those from corner k to k + 1, against the clock from its lower left. */
static const size_t corner_right[] = {0, 1, 1, 0, 0}, corner_up[] = {0, 0, 1, 1, 0};

static size_t line_of_side(const struct mesh *mesh, size_t i, size_t j, size_t side)
{
    if (side % 2 == 0)
        return (j + side / 2) * mesh->columns + i;
    return mesh->lines_right + j * (mesh->columns + 1) + i + (side == 1);
}

/* A border comes into a cell by a side whose first corner alone is inside, and leaves it by one whose second alone is.
   Where there are two of each, the middle decides which belong together. */
static void link_cell(struct mesh *mesh, size_t i, size_t j)
{
    int inside[5];
    size_t leaves = 0, last_leave = 0;
    double sum = 0;
    for (size_t k = 0; k < 5; k++)
        inside[k] = is_inside(mesh, i + corner_right[k], j + corner_up[k]);
    for (size_t side = 0; side < 4; side++) {
        leaves += !inside[side] && inside[side + 1];
        last_leave = !inside[side] && inside[side + 1] ? side : last_leave;
        sum += value_at(mesh, i + corner_right[side], j + corner_up[side]);
    }
    const size_t turn = sum / 4 >= mesh->level ? 1 : 3;
    for (size_t side = 0; side < 4; side++) {
        if (inside[side] && !inside[side + 1])
            mesh->next[line_of_side(mesh, i, j, side)] =
                line_of_side(mesh, i, j, leaves == 1 ? last_leave : (side + turn) % 4);
    }
}

/* Where the level lies on a line; beside the rim, at the grid's edge. */
static struct point crossing(const struct mesh *mesh, size_t line)
{
    const struct field *field = mesh->field;
    const int is_right = line < mesh->lines_right;
    const size_t number = is_right ? line : line - mesh->lines_right;
    const size_t stride = is_right ? mesh->columns : mesh->columns + 1;
    const size_t i = number % stride, j = number / stride, i2 = i + (size_t)is_right, j2 = j + (size_t)!is_right;
    double part = (mesh->level - value_at(mesh, i, j)) / (value_at(mesh, i2, j2) - value_at(mesh, i, j));
    if (is_rim(mesh, i, j))
        part = 1;
    else if (is_rim(mesh, i2, j2))
        part = 0;
    else if (!(part >= 0 && part <= 1))
        part = 0.5;
    const double column = (double)i - 1 + (is_right ? part : 0), row = (double)j - 1 + (is_right ? 0 : part);
    return (struct point){field->first.x + column / (double)(field->columns - 1) * (field->last.x - field->first.x),
                          field->first.y + row / (double)(field->rows - 1) * (field->last.y - field->first.y)};
}

/* Appends a place; one that lies between its neighbours on a line along an axis is left out, but not before `first`. */
static void append(struct outline *outline, size_t first, struct point at)
{
    if (outline->count >= first + 2) {
        const struct point *last = &outline->at[outline->count - 1], *before = last - 1;
        if ((last->x == at.x && before->x == at.x) || (last->y == at.y && before->y == at.y))
            outline->count--;
    }
    outline->at[outline->count++] = at;
}

/* Follows all borders, one after the other. */
static void follow(struct outline *outline, struct mesh *mesh, size_t *starts)
{
    size_t start_count = 0;
    for (size_t line = 0; line < mesh->lines; line++) {
        if (mesh->next[line] == mesh->lines)
            continue;
        const size_t first = outline->count;
        size_t at = line;
        while (mesh->next[at] != mesh->lines) {
            const size_t next = mesh->next[at];
            append(outline, first, crossing(mesh, at));
            mesh->next[at] = mesh->lines;
            at = next;
        }
        append(outline, first, crossing(mesh, line));
        starts[start_count++] = first;
    }
    while (start_count-- > 1)
        outline->at[outline->count++] = outline->at[starts[start_count - 1]];
}

enum verdict outline_trace(struct outline *outline, const struct field *field, double level, struct trouble *trouble)
{
    struct mesh mesh = {.field = field, .level = level, .columns = field->columns + 1, .rows = field->rows + 1};
    mesh.lines_right = mesh.columns * (mesh.rows + 1);
    mesh.lines = mesh.lines_right + (mesh.columns + 1) * mesh.rows;
    mesh.next = malloc(mesh.lines * sizeof *mesh.next);
    size_t *starts = malloc(mesh.lines * sizeof *starts);
    /* A border has at least four crossings, one place more to close it, and one to come back by. */
    *outline = (struct outline){malloc(2 * mesh.lines * sizeof *outline->at), 0};
    const int missing = !mesh.next || !starts || !outline->at;
    for (size_t line = 0; line < mesh.lines && !missing; line++)
        mesh.next[line] = mesh.lines;
    for (size_t j = 0; j < mesh.rows && !missing; j++)
        for (size_t i = 0; i < mesh.columns; i++)
            link_cell(&mesh, i, j);
    if (!missing)
        follow(outline, &mesh, starts);
    free(mesh.next);
    free(starts);
    return missing ? blame_memory(trouble) : DONE;
}

/* ---- Windows ---- */

/* Cuts the part [*low, *high] of a line to where start + part*way is from least to most. */
static void clip_part(double start, double way, double least, double most, double *low, double *high)
{
    if (way == 0) {
        if (start < least || start > most)
            *low = 2;
        return;
    }
    const double a = (least - start) / way, b = (most - start) / way;
    *low = fmax(*low, fmin(a, b));
    *high = fmin(*high, fmax(a, b));
}

int clip_to_window(const struct window *window, struct point *from, struct point *to)
{
    const struct point start = *from, way = {to->x - from->x, to->y - from->y};
    double low = 0, high = 1;
    if (!isfinite(way.x) || !isfinite(way.y))
        return 0;
    clip_part(start.x, way.x, window->x0, window->x1, &low, &high);
    clip_part(start.y, way.y, window->y0, window->y1, &low, &high);
    if (low > high)
        return 0;
    *from = (struct point){start.x + low * way.x, start.y + low * way.y};
    if (high < 1)
        *to = (struct point){start.x + high * way.x, start.y + high * way.y};
    return 1;
}
