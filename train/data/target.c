/* SPDX-License-Identifier: MIT */
/* Each distinct text of the target column is kept once and rows hold its number, so that the question whether it is
   classes or numbers can wait for the last row. More texts than there may be classes answer it earlier. */
#include "data/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"
#include "data/grow.h"
#include "texts.h"

/* Where nobody says what the target is, whole numbers with few values are classes. */
enum { MOST_GUESSED_CLASSES = 20, LEAST_ROWS_A_CLASS = 2 };

struct value {
    char *text;
    size_t line; /* where it was first seen */
    enum cell_kind kind;
    double number; /* where kind is CELL_NUMBER */
    int32_t label; /* where classes are known, and when all rows have been seen */
};

struct target {
    const char *path, *name;
    const struct dataset_request *request;
    struct value *values; /* [count] as they came; there is room for one more than there may be */
    struct value **order; /* [count] sorted by text */
    size_t count;
    const struct value *text; /* the first that is no number, or NULL */
    int is_numbers;           /* 1: values are no longer looked at */
    double *cells;            /* [rows] is_numbers: the number itself; else which of values it is */
    size_t rows, capacity;
};

/* ---- Rows ---- */

static enum target_kind wanted_kind(const struct target *target)
{
    return target->request->class_names ? TARGET_CLASS : target->request->kind;
}

struct target *target_create(const char *path, const char *name, const struct dataset_request *request)
{
    const size_t room = (request->class_names ? request->classes : MOST_CLASSES) + 1;
    struct target *target = calloc(1, sizeof *target);
    if (!target)
        return NULL;
    *target = (struct target){.path = path, .name = name, .request = request};
    target->is_numbers = wanted_kind(target) == TARGET_NUMBER;
    target->values = calloc(room, sizeof *target->values);
    target->order = calloc(room, sizeof *target->order);
    if (target->values && target->order)
        return target;
    target_destroy(target);
    return NULL;
}

void target_destroy(struct target *target)
{
    if (!target)
        return;
    for (size_t k = 0; k < target->count; k++)
        free(target->values[k].text);
    free(target->values);
    free(target->order);
    free(target->cells);
    free(target);
}

static void turn_to_numbers(struct target *target)
{
    for (size_t row = 0; row < target->rows; row++)
        target->cells[row] = target->values[(size_t)target->cells[row]].number;
    target->is_numbers = 1;
}

/* ---- Values ---- */

/* Where in order this text is, or belongs. */
static size_t find(const struct target *target, const char *text, int *is_there)
{
    size_t low = 0, high = target->count;
    *is_there = 0;
    while (low < high && !*is_there) {
        size_t middle = low + (high - low) / 2;
        int side = strcmp(text, target->order[middle]->text);
        *is_there = side == 0;
        if (side > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

/* What is wrong with a text, as far as it can be said now; its label where classes are given. */
static enum verdict judge(const struct target *target, struct value *value, const char *text, struct trouble *trouble)
{
    const struct dataset_request *request = target->request;
    const struct cell_place place = {target->path, value->line, target->name};
    enum target_kind kind = wanted_kind(target);
    int is_bad = value->kind == CELL_EMPTY || (kind == TARGET_NUMBER && value->kind != CELL_NUMBER) ||
                 (kind == TARGET_NONE && value->kind == CELL_NOT_FINITE);
    if (is_bad)
        return blame_cell(trouble, &place, value->kind, text, "");
    if (!request->class_names)
        return value->kind == CELL_NUMBER ? DONE : check_utf8(place.path, place.line, "class", text, trouble);
    for (size_t k = 0; k < request->classes; k++) {
        if (strcmp(request->class_names[k], text) == 0) {
            value->label = (int32_t)k;
            return DONE;
        }
    }
    char column[SHOWN], cell[SHOWN], classes[LISTED];
    return blame(trouble, FAILED, "%s:%zu: column '%s': '%s' is none of the known classes: %s", place.path, place.line,
                 cell_shown(column, place.column), cell_shown(cell, text),
                 cell_list(classes, request->class_names, request->classes));
}

/* Too many values for classes. text: the first that is no number, or NULL. */
static enum verdict blame_many(const struct target *target, const char *text, size_t line, struct trouble *trouble)
{
    char column[SHOWN], cell[SHOWN], hint[SHOWN + 60] = "";
    if (text)
        snprintf(hint, sizeof hint, "; were it numbers, '%s' in line %zu is none", cell_shown(cell, text), line);
    return blame(trouble, FAILED, "%s: column '%s' has more than %d different values, too many for classes%s",
                 target->path, cell_shown(column, target->name), MOST_CLASSES, hint);
}

/* Keeps a value that was not there before; at: its place in order. */
static enum verdict add_value(struct target *target, const struct value *value, const char *text, size_t at,
                              struct trouble *trouble)
{
    struct value *added = &target->values[target->count];
    *added = *value;
    added->text = strdup(text);
    if (!added->text)
        return blame_memory(trouble);
    memmove(target->order + at + 1, target->order + at, (target->count - at) * sizeof *target->order);
    target->order[at] = added;
    target->count++;
    if (!target->text && value->kind != CELL_NUMBER)
        target->text = added;
    if (target->request->class_names || target->count <= MOST_CLASSES)
        return DONE;
    if (target->text || wanted_kind(target) == TARGET_CLASS)
        return blame_many(target, target->text ? target->text->text : NULL, target->text ? target->text->line : 0,
                          trouble);
    turn_to_numbers(target);
    return DONE;
}

enum verdict target_add(struct target *target, const char *text, size_t line, struct trouble *trouble)
{
    struct value value = {.line = line};
    int is_there = 0;
    size_t at = target->is_numbers ? 0 : find(target, text, &is_there);
    if (!is_there) {
        value.kind = cell_number(text, &value.number);
        enum verdict verdict = judge(target, &value, text, trouble);
        if (!verdict && !target->is_numbers)
            verdict = add_value(target, &value, text, at, trouble);
        else if (!verdict && value.kind != CELL_NUMBER)
            verdict = blame_many(target, text, line, trouble);
        if (verdict)
            return verdict;
    }
    double *cells = grow(target->cells, &target->capacity, target->rows + 1, sizeof *cells);
    if (!cells)
        return blame_memory(trouble);
    target->cells = cells;
    cells[target->rows++] = target->is_numbers ? value.number : (double)(target->order[at] - target->values);
    return DONE;
}

/* ---- The end ---- */

static enum target_kind guess_kind(const struct target *target)
{
    if (target->text)
        return TARGET_CLASS;
    if (target->count > MOST_GUESSED_CLASSES || target->rows / LEAST_ROWS_A_CLASS < target->count)
        return TARGET_NUMBER;
    for (size_t k = 0; k < target->count; k++) {
        if (target->values[k].number != floor(target->values[k].number))
            return TARGET_NUMBER;
    }
    return TARGET_CLASS;
}

/* By number; "1" and "1.0" are two classes all the same. */
static int compare_numbers(const void *left, const void *right)
{
    const struct value *a = *(struct value *const *)left, *b = *(struct value *const *)right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return strcmp(a->text, b->text);
}

/* Sorts the classes, moves their names to data and gives each value its label. */
static enum verdict name_classes(struct target *target, struct dataset *data, struct trouble *trouble)
{
    char cell[SHOWN], column[SHOWN];
    if (target->count == 1)
        return blame(trouble, FAILED, "%s: column '%s' holds one class only, '%s': there is nothing to tell apart",
                     target->path, cell_shown(column, target->name), cell_shown(cell, target->values->text));
    data->class_names = calloc(target->count, sizeof *data->class_names);
    if (!data->class_names)
        return blame_memory(trouble);
    if (!target->text)
        qsort(target->order, target->count, sizeof *target->order, compare_numbers);
    data->classes = target->count;
    for (size_t k = 0; k < target->count; k++) {
        target->order[k]->label = (int32_t)k;
        data->class_names[k] = target->order[k]->text;
        target->order[k]->text = NULL;
    }
    return DONE;
}

static enum verdict finish_classes(struct target *target, struct dataset *data, struct trouble *trouble)
{
    const struct dataset_request *request = target->request;
    enum verdict verdict = request->class_names ? DONE : name_classes(target, data, trouble);
    if (verdict)
        return verdict;
    if (request->class_names) {
        data->class_names = texts_copy(request->class_names, request->classes);
        data->classes = request->classes;
    }
    data->labels = malloc(target->rows * sizeof *data->labels);
    if (!data->class_names || !data->labels)
        return blame_memory(trouble);
    for (size_t row = 0; row < target->rows; row++)
        data->labels[row] = target->values[(size_t)target->cells[row]].label;
    data->target = TARGET_CLASS;
    return DONE;
}

enum verdict target_finish(struct target *target, struct dataset *data, struct trouble *trouble)
{
    enum target_kind kind = wanted_kind(target);
    if (!target->is_numbers && (kind == TARGET_CLASS || guess_kind(target) == TARGET_CLASS))
        return finish_classes(target, data, trouble);
    if (!target->is_numbers)
        turn_to_numbers(target);
    data->numbers = target->cells;
    target->cells = NULL;
    data->target = TARGET_NUMBER;
    return DONE;
}
