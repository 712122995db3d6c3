/* SPDX-License-Identifier: MIT */
/* See plot_table.h. */
#include "plot_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"
#include "data/grow.h"
#include "data/records.h"
#include "texts.h"

enum { HEAD = 16 }; /* bytes: among the first ones of pictures, archives and IDX files is a zero */

/* A reading under way. */
struct reading {
    struct plot_table *table;
    struct records records;
    size_t filled, words; /* as in struct known_header; words is columns where there are none */
    size_t capacity, word_capacity;
};

static int is_known(const struct records *records, const struct known_header *known)
{
    if (records->columns != known->columns)
        return 0;
    for (size_t k = 0; k < known->columns; k++) {
        if (strcmp(records->names[k], known->names[k]) != 0)
            return 0;
    }
    return 1;
}

static enum verdict take_header(struct reading *reading, const struct known_header *known, struct trouble *trouble)
{
    struct plot_table *table = reading->table;
    const struct records *records = &reading->records;
    table->is_known = known && is_known(records, known);
    table->columns = records->columns;
    reading->filled = table->is_known ? known->filled : 1;
    reading->words = table->is_known ? known->words : records->columns;
    table->names = texts_copy((const char *const *)records->names, records->columns);
    return table->names ? DONE : blame_memory(trouble);
}

/* The number of a word, which is new or was there before: mostly the last one. */
static enum verdict take_word(struct reading *reading, const char *text, double *number, struct trouble *trouble)
{
    struct plot_table *table = reading->table;
    size_t k = table->word_count;
    while (k > 0 && strcmp(table->words[k - 1], text) != 0)
        k--;
    if (k == 0) {
        char **words = grow(table->words, &reading->word_capacity, table->word_count + 1, sizeof *words);
        if (!words)
            return blame_memory(trouble);
        table->words = words;
        if (!(words[table->word_count] = strdup(text)))
            return blame_memory(trouble);
        k = ++table->word_count;
    }
    *number = (double)(k - 1);
    return DONE;
}

static enum verdict take_cell(struct reading *reading, size_t k, double *value, struct trouble *trouble)
{
    const struct records *records = &reading->records;
    const struct cell_place place = {reading->table->path, records->line, records->names[k]};
    if (k == reading->words)
        return take_word(reading, records->cells[k], value, trouble);
    const enum cell_kind kind = cell_number(records->cells[k], value);
    if (kind == CELL_NUMBER)
        return DONE;
    *value = NAN;
    return kind == CELL_EMPTY && k >= reading->filled ? DONE : blame_cell(trouble, &place, kind, records->cells[k], "");
}

static enum verdict take_row(struct reading *reading, struct trouble *trouble)
{
    struct plot_table *table = reading->table;
    enum verdict verdict = DONE;
    double *values = grow(table->values, &reading->capacity, (table->rows + 1) * table->columns, sizeof *table->values);
    if (!values)
        return blame_memory(trouble);
    table->values = values;
    for (size_t k = 0; k < table->columns && verdict == DONE; k++)
        verdict = take_cell(reading, k, &values[table->rows * table->columns + k], trouble);
    table->rows++;
    return verdict;
}

static enum verdict read_all(struct reading *reading, struct source *source, const struct known_header *known,
                             struct trouble *trouble)
{
    int more = 1;
    enum verdict verdict = records_begin(&reading->records, source, trouble);
    if (verdict == DONE)
        verdict = take_header(reading, known, trouble);
    while (verdict == DONE && more) {
        verdict = records_next(&reading->records, &more, trouble);
        if (verdict == DONE && more)
            verdict = take_row(reading, trouble);
    }
    if (verdict == DONE && reading->table->rows == 0)
        verdict = blame(trouble, FAILED, "%s: has a header but no rows", source->path);
    records_free(&reading->records);
    return verdict;
}

enum verdict plot_table_read(struct plot_table *table, const char *path, const struct known_header *known,
                             struct trouble *trouble)
{
    struct source source;
    struct reading reading = {.table = table};
    *table = (struct plot_table){.path = path};
    enum verdict verdict = source_open(&source, path, trouble);
    if (verdict != DONE)
        return verdict;
    const size_t held = source.end - source.start;
    if (memchr(source.bytes + source.start, '\0', held < HEAD ? held : HEAD))
        verdict = blame(trouble, FAILED, "%s: is no CSV table (in ASCII or UTF-8)", path);
    else
        verdict = read_all(&reading, &source, known, trouble);
    source_close(&source);
    return verdict;
}

void plot_table_free(struct plot_table *table)
{
    texts_free(table->names, table->columns);
    texts_free(table->words, table->word_count);
    free(table->values);
}
