/* SPDX-License-Identifier: MIT */
/* CSV tables (RFC 4180, and what spreadsheets make of it): a header line, then a row a record. A record is found in the
   source's window, cut into cells in place, and its cells go to the feature or the target that their column is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"
#include "data/grow.h"
#include "data/target.h"
#include "format.h"

/* What becomes of a column's cells: a number >= 0 is the feature that they are. */
enum { ROLE_TARGET = -1, ROLE_UNUSED = -2 };

static const char separators[] = ",;\t";

struct csv {
    struct source *source;
    const struct dataset_request *request;
    char separator; /* 0: not known yet, any of separators */
    size_t line;    /* where the record at hand begins, from 1 */
    size_t lines;   /* up to the end of the record at hand */
    char *record;   /* without its line end, NUL-terminated, in the source's window */
    char *end;
    size_t columns;
    char **names; /* [columns] */
    char **cells; /* [columns] of the record at hand, in the window */
    long *roles;  /* [columns] */
    struct target *target;
    size_t capacity; /* of data->values */
};

/* ---- Records and cells ---- */

static int ends_cell(const struct csv *csv, char c)
{
    return csv->separator != 0 ? c == csv->separator : c != '\0' && strchr(separators, c);
}

static int is_space(const struct csv *csv, char c)
{
    return c == ' ' || (c == '\t' && !ends_cell(csv, c));
}

static char *skip_spaces(const struct csv *csv, char *text, const char *end)
{
    while (text < end && is_space(csv, *text))
        text++;
    return text;
}

/* The quote that closes a quoted cell whose text begins here, or NULL. */
static char *closing_quote(char *text, const char *end)
{
    for (;; text += 2) {
        text = memchr(text, '"', (size_t)(end - text));
        if (!text || text + 1 == end || text[1] != '"')
            return text;
    }
}

/* Where the cell that begins here ends: at a separator, a newline or end; NULL where its quote is not closed before
   end. */
static char *cell_end(const struct csv *csv, char *cell, char *end)
{
    char *text = skip_spaces(csv, cell, end);
    if (text < end && *text == '"') {
        text = closing_quote(text + 1, end);
        if (!text)
            return NULL;
    }
    while (text < end && *text != '\n' && !ends_cell(csv, *text))
        text++;
    return text;
}

/* The newline that ends the record that begins here; NULL where there is none yet. *open_quote: a quote is not
   closed. */
static char *record_end(const struct csv *csv, char *record, char *end, int *open_quote)
{
    char *newline = memchr(record, '\n', (size_t)(end - record));
    *open_quote = 0;
    if (!memchr(record, '"', (size_t)((newline ? newline : end) - record)))
        return newline;
    for (char *cell = record;; cell++) {
        cell = cell_end(csv, cell, end);
        *open_quote = !cell;
        if (!cell || cell == end)
            return NULL;
        if (*cell == '\n')
            return cell;
    }
}

static size_t count_newlines(const char *text, const char *end)
{
    size_t count = 0;
    while ((text = memchr(text, '\n', (size_t)(end - text)))) {
        count++;
        text++;
    }
    return count;
}

/* Brings all of the next record into the window: it goes from *record to *newline, or to the window's end where
   there is no newline. */
static enum verdict find_record(struct csv *csv, char **record, char **newline, struct trouble *trouble)
{
    struct source *source = csv->source;
    for (;;) {
        char *end = (char *)source->bytes + source->end;
        int open_quote;
        *record = (char *)source->bytes + source->start;
        *newline = record_end(csv, *record, end, &open_quote);
        if (!*newline && source->at_end && open_quote)
            return blame(trouble, FAILED, "%s:%zu: a quote is opened and never closed", source->path, csv->lines + 1);
        if (*newline || source->at_end)
            return DONE;
        enum verdict verdict = source_need(source, (size_t)(end - *record) + 1, trouble);
        if (verdict)
            return verdict;
    }
}

/* Moves on to the next record. *more: there was one. */
static enum verdict next_record(struct csv *csv, int *more, struct trouble *trouble)
{
    struct source *source = csv->source;
    char *newline;
    enum verdict verdict = find_record(csv, &csv->record, &newline, trouble);
    if (verdict)
        return verdict;
    csv->end = newline ? newline : (char *)source->bytes + source->end;
    *more = newline || csv->end > csv->record;
    csv->line = csv->lines + 1;
    csv->lines += count_newlines(csv->record, csv->end) + 1;
    source->start = (size_t)((unsigned char *)csv->end - source->bytes) + (newline != NULL);
    if (memchr(csv->record, '\0', (size_t)(csv->end - csv->record)))
        return blame(trouble, FAILED, "%s:%zu: a zero byte, which no CSV table holds", source->path, csv->line);
    if (csv->end > csv->record && csv->end[-1] == '\r')
        csv->end--;
    *csv->end = '\0';
    return DONE;
}

/* Takes the quotes off a cell that begins with one; 0, or -1 where something follows the closing quote. */
static int unquote(char **cell, char *end)
{
    char *from = *cell + 1, *close = closing_quote(from, end), *to = from;
    if (close + 1 != end)
        return -1;
    *cell = from;
    for (; from < close; from++) {
        *to++ = *from;
        from += *from == '"';
    }
    *to = '\0';
    return 0;
}

/* Cuts a cell out of the record: spaces and quotes around it are gone afterwards. */
static int trim(const struct csv *csv, char **cell, char *end)
{
    *cell = skip_spaces(csv, *cell, end);
    while (end > *cell && is_space(csv, end[-1]))
        end--;
    *end = '\0';
    if (**cell != '"')
        return 0;
    if (unquote(cell, end))
        return -1;
    end = *cell + strlen(*cell);
    *cell = skip_spaces(csv, *cell, end);
    while (end > *cell && is_space(csv, end[-1]))
        *--end = '\0';
    return 0;
}

/* Cuts the record at hand into cells; *found counts all there are, of which the first csv->columns are kept. */
static enum verdict split(struct csv *csv, size_t *found, struct trouble *trouble)
{
    char *cell = csv->record, *end;
    for (*found = 0;; cell = end + 1) {
        end = cell_end(csv, cell, csv->end);
        int is_last = end == csv->end;
        if (trim(csv, &cell, end))
            return blame(trouble, FAILED, "%s:%zu: text after a closing quote, in column %zu", csv->source->path,
                         csv->line, *found + 1);
        if (*found < csv->columns)
            csv->cells[*found] = cell;
        ++*found;
        if (is_last)
            return DONE;
    }
}

/* ---- The header ---- */

/* Finds the separator that the first line has most of, outside quotes; a comma where it has none. */
static enum verdict find_separator(struct csv *csv, struct trouble *trouble)
{
    size_t counts[sizeof separators] = {0}, best = 0;
    char *cell, *newline;
    enum verdict verdict = find_record(csv, &cell, &newline, trouble);
    if (verdict)
        return verdict;
    char *end = newline ? newline : (char *)csv->source->bytes + csv->source->end;
    while ((cell = cell_end(csv, cell, end)) != end)
        counts[strchr(separators, *cell++) - separators]++;
    for (size_t k = 1; k < sizeof separators - 1; k++) {
        if (counts[k] > counts[best])
            best = k;
    }
    csv->separator = separators[best];
    return DONE;
}

static enum verdict skip_byte_order_mark(struct csv *csv, struct trouble *trouble)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct source *source = csv->source;
    enum verdict verdict = source_need(source, sizeof mark - 1, trouble);
    if (!verdict && source->end - source->start >= sizeof mark - 1 &&
        memcmp(source->bytes + source->start, mark, sizeof mark - 1) == 0)
        source->start += sizeof mark - 1;
    return verdict;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A column without a name cannot be asked for, two of one name cannot be told apart, and numbers are no names: whole
   ones may be, beside others, but measured ones with at most a text between them are a row of data. */
static enum verdict check_header(const struct csv *csv, struct trouble *trouble)
{
    const char *path = csv->source->path;
    char **sorted = malloc(csv->columns * sizeof *sorted);
    enum verdict verdict = !sorted ? blame_memory(trouble) : DONE;
    size_t numbers = 0, measured = 0;
    for (size_t k = 0; k < csv->columns && !verdict; k++) {
        double value;
        if (csv->names[k][0] == '\0')
            verdict = blame(trouble, FAILED, "%s:1: column %zu has no name", path, k + 1);
        else
            verdict = check_utf8(path, 1, "column name", csv->names[k], trouble);
        if (cell_number(csv->names[k], &value) == CELL_NUMBER) {
            numbers++;
            measured += value != floor(value);
        }
        sorted[k] = csv->names[k];
    }
    if (!verdict && (numbers == csv->columns || (numbers + 1 == csv->columns && measured > 0)))
        verdict =
            blame(trouble, FAILED, "%s:1: found numbers: the first line must be a header that names the columns", path);
    if (!verdict)
        qsort(sorted, csv->columns, sizeof *sorted, compare_names);
    for (size_t k = 1; k < csv->columns && !verdict; k++) {
        char name[SHOWN];
        if (strcmp(sorted[k - 1], sorted[k]) == 0)
            verdict = blame(trouble, FAILED, "%s:1: two columns are named '%s'", path, cell_shown(name, sorted[k]));
    }
    free(sorted);
    return verdict;
}

static int is_blank(const struct csv *csv)
{
    return skip_spaces(csv, csv->record, csv->end) == csv->end;
}

static enum verdict read_header(struct csv *csv, struct trouble *trouble)
{
    size_t most = 1, found;
    int more;
    enum verdict verdict = skip_byte_order_mark(csv, trouble);
    if (!verdict)
        verdict = find_separator(csv, trouble);
    if (!verdict)
        verdict = next_record(csv, &more, trouble);
    if (verdict)
        return verdict;
    if (is_blank(csv))
        return blame(trouble, FAILED, "%s:1: the first line is blank, it must be a header that names the columns",
                     csv->source->path);
    for (const char *text = csv->record; text < csv->end; text++)
        most += *text == csv->separator;
    csv->names = calloc(most, sizeof *csv->names);
    csv->cells = calloc(most, sizeof *csv->cells);
    csv->roles = calloc(most, sizeof *csv->roles);
    if (!csv->names || !csv->cells || !csv->roles)
        return blame_memory(trouble);
    csv->columns = most;
    verdict = split(csv, &found, trouble);
    if (!verdict)
        csv->columns = found;
    for (size_t k = 0; k < csv->columns && !verdict; k++) {
        if (!(csv->names[k] = strdup(csv->cells[k])))
            verdict = blame_memory(trouble);
    }
    return verdict ? verdict : check_header(csv, trouble);
}

/* ---- Which column is what for ---- */

/* The number of a column, or csv->columns. */
static size_t find_column(const struct csv *csv, const char *name)
{
    size_t k = 0;
    while (k < csv->columns && strcmp(csv->names[k], name) != 0)
        k++;
    return k;
}

/* Chooses the target's column: the one named, or the last where there must be one. */
static enum verdict choose_target(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    const struct dataset_request *request = csv->request;
    if (!request->target && !request->want_target)
        return DONE;
    size_t column = request->target ? find_column(csv, request->target) : csv->columns - 1;
    if (column == csv->columns) {
        char name[SHOWN], columns[LISTED];
        if (!request->want_target)
            return DONE;
        /* Where the features are known from a model the name is the model's, and the file is what does not fit. */
        return blame(trouble, request->column_names ? FAILED : MISUSE,
                     "%s: no column is named '%s', the target; there are: %s", csv->source->path,
                     cell_shown(name, request->target),
                     cell_list(columns, (const char *const *)csv->names, csv->columns));
    }
    csv->roles[column] = ROLE_TARGET;
    data->target_name = strdup(csv->names[column]);
    csv->target = target_create(csv->source->path, csv->names[column], request);
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
        for (; tried < csv->columns && strcmp(csv->names[column], request->column_names[k]) != 0; tried++)
            column = column + 1 < csv->columns ? column + 1 : 0;
        if (tried == csv->columns)
            return blame(trouble, FAILED, "%s: the column '%s' is missing", csv->source->path,
                         cell_shown(name, request->column_names[k]));
        if (csv->roles[column] != ROLE_UNUSED)
            return blame(trouble, MISUSE, "%s: the column '%s' is asked for twice", csv->source->path,
                         cell_shown(name, request->column_names[k]));
        csv->roles[column] = (long)k;
    }
    data->columns = request->columns;
    return DONE;
}

static enum verdict choose_rest(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    for (size_t k = 0; k < csv->columns; k++) {
        if (csv->roles[k] == ROLE_UNUSED)
            csv->roles[k] = (long)data->columns++;
    }
    if (data->columns == 0)
        return blame(
            trouble, FAILED,
            "%s: one column only (a comma, semicolon or tab would separate more): no feature beside the target",
            csv->source->path);
    if (csv->request->columns != 0 && csv->request->columns != data->columns)
        return blame(trouble, FAILED, "%s: expected %zu feature columns, found %zu", csv->source->path,
                     csv->request->columns, data->columns);
    return DONE;
}

static enum verdict choose_columns(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    for (size_t k = 0; k < csv->columns; k++)
        csv->roles[k] = ROLE_UNUSED;
    enum verdict verdict = choose_target(csv, data, trouble);
    if (!verdict)
        verdict = csv->request->column_names ? choose_named(csv, data, trouble) : choose_rest(csv, data, trouble);
    if (verdict)
        return verdict;
    data->column_names = calloc(data->columns, sizeof *data->column_names);
    if (!data->column_names)
        return blame_memory(trouble);
    for (size_t k = 0; k < csv->columns; k++) {
        if (csv->roles[k] >= 0 && !(data->column_names[csv->roles[k]] = strdup(csv->names[k])))
            return blame_memory(trouble);
    }
    return DONE;
}

/* ---- The rows ---- */

static enum verdict blame_feature(const struct csv *csv, size_t column, enum cell_kind kind, struct trouble *trouble)
{
    const struct cell_place place = {csv->source->path, csv->line, csv->names[column]};
    return blame_cell(trouble, &place, kind, csv->cells[column],
                      kind == CELL_TEXT ? "; only the target may be text" : "");
}

static enum verdict read_row(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    size_t found;
    enum verdict verdict = split(csv, &found, trouble);
    if (!verdict && found != csv->columns)
        verdict = blame(trouble, FAILED, "%s:%zu: expected %zu columns, found %zu", csv->source->path, csv->line,
                        csv->columns, found);
    if (verdict)
        return verdict;
    double *values = grow(data->values, &csv->capacity, (data->rows + 1) * data->columns, sizeof *values);
    if (!values)
        return blame_memory(trouble);
    data->values = values;
    values += data->rows * data->columns;
    for (size_t k = 0; k < csv->columns && !verdict; k++) {
        enum cell_kind kind = CELL_NUMBER;
        if (csv->roles[k] >= 0)
            kind = cell_number(csv->cells[k], &values[csv->roles[k]]);
        else if (csv->roles[k] == ROLE_TARGET)
            verdict = target_add(csv->target, csv->cells[k], csv->line, trouble);
        if (kind != CELL_NUMBER)
            verdict = blame_feature(csv, k, kind, trouble);
    }
    data->rows++;
    return verdict;
}

/* Blank lines may stand at the end; among the rows one could be a lost row. */
static enum verdict read_rows(struct csv *csv, struct dataset *data, struct trouble *trouble)
{
    for (size_t blank = 0;;) {
        int more;
        enum verdict verdict = next_record(csv, &more, trouble);
        if (verdict)
            return verdict;
        if (!more)
            break;
        if (is_blank(csv)) {
            blank = blank != 0 ? blank : csv->line;
            continue;
        }
        if (blank != 0)
            return blame(trouble, FAILED, "%s:%zu: a blank line between rows", csv->source->path, blank);
        verdict = read_row(csv, data, trouble);
        if (verdict)
            return verdict;
    }
    if (data->rows == 0)
        return blame(trouble, FAILED, "%s: has a header but no rows", csv->source->path);
    double *values = realloc(data->values, data->rows * data->columns * sizeof *values);
    if (values)
        data->values = values;
    return csv->target ? target_finish(csv->target, data, trouble) : DONE;
}

static void free_csv(struct csv *csv)
{
    for (size_t k = 0; csv->names && k < csv->columns; k++)
        free(csv->names[k]);
    free(csv->names);
    free(csv->cells);
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
    struct csv csv = {.source = source, .request = request};
    if (request->labels_path)
        return blame(trouble, MISUSE, "%s: a table has its target in a column, a labels file is for IDX images",
                     source->path);
    size_t held = source->end - source->start;
    if (memchr(source->bytes + source->start, '\0', held < FORMAT_HEAD ? held : FORMAT_HEAD))
        return blame(trouble, FAILED, "%s: is neither a CSV table (in ASCII or UTF-8) nor an IDX file", source->path);
    enum verdict verdict = read_header(&csv, trouble);
    if (!verdict)
        verdict = choose_columns(&csv, data, trouble);
    if (!verdict)
        verdict = read_rows(&csv, data, trouble);
    free_csv(&csv);
    return verdict;
}
