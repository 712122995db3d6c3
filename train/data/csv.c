/* SPDX-License-Identifier: MIT */
/* CSV tables as data to learn from: each cell of a row goes to the feature or the target that its column is. */
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"
#include "data/grow.h"
#include "data/records.h"
#include "data/target.h"
#include "format.h"

/* What becomes of a column's cells: a number >= 0 is the feature that they are. */
enum { ROLE_TARGET = -1, ROLE_UNUSED = -2 };

struct csv {
    struct records records;
    const struct dataset_request *request;
    long *roles; /* [records.columns] */
    struct target *target;
    size_t capacity; /* of data->values */
};

/* ---- Which column is what for ---- */

/* The number of a column, or csv->records.columns. */
static size_t find_column(const struct csv *csv, const char *name)
{
    size_t k = 0;
    while (k < csv->records.columns && strcmp(csv->records.names[k], name) != 0)
        k++;
    return k;
}

/* Chooses the target's column: the one named, or the last where there must be one. */
static enum verdict choose_target(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    const struct dataset_request *request = csv->request;
    if (!request->target && !request->want_target)
        return DONE;
    size_t column = request->target ? find_column(csv, request->target) : csv->records.columns - 1;
    if (column == csv->records.columns) {
        char name[SHOWN], columns[LISTED];
        if (!request->want_target)
            return DONE;
        /* Where the features are known from a model the name is the model's, and the file is what does not fit. */
        return blame(trouble, request->column_names ? FAILED : MISUSE,
                     "%s: no column is named '%s', the target; there are: %s", csv->records.source->path,
                     cell_shown(name, request->target),
                     cell_list(columns, (const char *const *)csv->records.names, csv->records.columns));
    }
    csv->roles[column] = ROLE_TARGET;
    data->target_name = strdup(csv->records.names[column]);
    csv->target = target_create(csv->records.source->path, csv->records.names[column], request);
    return !data->target_name || !csv->target ? blame_memory(trouble) : DONE;
}

/* Gives the columns that were asked for their places as features. Names are unique, so each is found at most once; a
   model's columns mostly come in its own order, so the search begins where the last one ended. */
static enum verdict choose_named(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    const struct dataset_request *request = csv->request;
    char name[SHOWN];
    size_t column = 0;
    for (size_t k = 0; k < request->columns; k++) {
        size_t tried = 0;
        for (; tried < csv->records.columns && strcmp(csv->records.names[column], request->column_names[k]) != 0;
             tried++)
            column = column + 1 < csv->records.columns ? column + 1 : 0;
        if (tried == csv->records.columns)
            return blame(trouble, FAILED, "%s: the column '%s' is missing", csv->records.source->path,
                         cell_shown(name, request->column_names[k]));
        if (csv->roles[column] != ROLE_UNUSED)
            return blame(trouble, MISUSE, "%s: the column '%s' is asked for twice", csv->records.source->path,
                         cell_shown(name, request->column_names[k]));
        csv->roles[column] = (long)k;
    }
    data->columns = request->columns;
    return DONE;
}

static enum verdict choose_rest(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    for (size_t k = 0; k < csv->records.columns; k++) {
        if (csv->roles[k] == ROLE_UNUSED)
            csv->roles[k] = (long)data->columns++;
    }
    if (data->columns == 0)
        return blame(
            trouble, FAILED,
            "%s: one column only (a comma, semicolon or tab would separate more): no feature beside the target",
            csv->records.source->path);
    if (csv->request->columns != 0 && csv->request->columns != data->columns)
        return blame(trouble, FAILED, "%s: expected %zu feature columns, found %zu", csv->records.source->path,
                     csv->request->columns, data->columns);
    return DONE;
}

static enum verdict choose_columns(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    csv->roles = malloc(csv->records.columns * sizeof *csv->roles);
    if (!csv->roles)
        return blame_memory(trouble);
    for (size_t k = 0; k < csv->records.columns; k++)
        csv->roles[k] = ROLE_UNUSED;
    enum verdict verdict = choose_target(csv, data, trouble);
    if (!verdict)
        verdict = csv->request->column_names ? choose_named(csv, data, trouble) : choose_rest(csv, data, trouble);
    if (verdict)
        return verdict;
    data->column_names = calloc(data->columns, sizeof *data->column_names);
    if (!data->column_names)
        return blame_memory(trouble);
    for (size_t k = 0; k < csv->records.columns; k++) {
        if (csv->roles[k] >= 0 && !(data->column_names[csv->roles[k]] = strdup(csv->records.names[k])))
            return blame_memory(trouble);
    }
    return DONE;
}

/* ---- The rows ---- */

static enum verdict blame_feature(const struct csv *csv, size_t column, enum cell_kind kind, struct trouble *trouble)
{
    const struct records *records = &csv->records;
    const struct cell_place place = {records->source->path, records->line, records->names[column]};
    return blame_cell(trouble, &place, kind, records->cells[column],
                      kind == CELL_TEXT ? "; only the target may be text" : "");
}

static enum verdict take_row(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    const struct records *records = &csv->records;
    enum verdict verdict = DONE;
    double *values = grow(data->values, &csv->capacity, (data->rows + 1) * data->columns, sizeof *values);
    if (!values)
        return blame_memory(trouble);
    data->values = values;
    values += data->rows * data->columns;
    for (size_t k = 0; k < records->columns && !verdict; k++) {
        enum cell_kind kind = CELL_NUMBER;
        if (csv->roles[k] >= 0)
            kind = cell_number(records->cells[k], &values[csv->roles[k]]);
        else if (csv->roles[k] == ROLE_TARGET)
            verdict = target_add(csv->target, records->cells[k], records->line, trouble);
        if (kind != CELL_NUMBER)
            verdict = blame_feature(csv, k, kind, trouble);
    }
    data->rows++;
    return verdict;
}

static enum verdict read_rows(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    int more = 1;
    while (more) {
        enum verdict verdict = records_next(&csv->records, &more, trouble);
        if (!verdict && more)
            verdict = take_row(csv, data, trouble);
        if (verdict)
            return verdict;
    }
    if (data->rows == 0)
        return blame(trouble, FAILED, "%s: has a header but no rows", csv->records.source->path);
    double *values = realloc(data->values, data->rows * data->columns * sizeof *values);
    if (values)
        data->values = values;
    return csv->target ? target_finish(csv->target, data, trouble) : DONE;
}

static void free_csv(struct csv *csv)
{
    records_free(&csv->records);
    free(csv->roles);
    target_destroy(csv->target);
}

int csv_detect(const unsigned char *head, size_t size)
{
    (void)head;
    return size > 0;
}

enum verdict csv_read(struct dataset *data, struct source *source, const struct dataset_request *request,
                      struct trouble *trouble)
{
    struct csv csv = {.request = request};
    if (request->labels_path)
        return blame(trouble, MISUSE, "%s: a table has its target in a column, a labels file is for IDX images",
                     source->path);
    size_t held = source->end - source->start;
    if (memchr(source->bytes + source->start, '\0', held < FORMAT_HEAD ? held : FORMAT_HEAD))
        return blame(trouble, FAILED, "%s: is neither a CSV table (in ASCII or UTF-8) nor an IDX file", source->path);
    enum verdict verdict = records_begin(&csv.records, source, trouble);
    if (!verdict)
        verdict = choose_columns(&csv, data, trouble);
    if (!verdict)
        verdict = read_rows(&csv, data, trouble);
    free_csv(&csv);
    return verdict;
}
