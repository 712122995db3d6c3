/* SPDX-License-Identifier: MIT */
/* See records.h. A record is found in the source's window and cut into cells in place. */
#include "data/records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/cell.h"

static const char separators[] = ",;\t";

/* ---- Records and cells ---- */

static int ends_cell(const struct records *records, char c)
{
    return records->separator != 0 ? c == records->separator : c != '\0' && strchr(separators, c);
}

static int is_space(const struct records *records, char c)
{
    return c == ' ' || (c == '\t' && !ends_cell(records, c));
}

static char *skip_spaces(const struct records *records, char *text, const char *end)
{
    while (text < end && is_space(records, *text))
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
static char *cell_end(const struct records *records, char *cell, char *end)
{
    char *text = skip_spaces(records, cell, end);
    if (text < end && *text == '"') {
        text = closing_quote(text + 1, end);
        if (!text)
            return NULL;
    }
    while (text < end && *text != '\n' && !ends_cell(records, *text))
        text++;
    return text;
}

/* The newline that ends the record that begins here; NULL where there is none yet. *open_quote: a quote is not
   closed. */
static char *record_end(const struct records *records, char *record, char *end, int *open_quote)
{
    char *newline = memchr(record, '\n', (size_t)(end - record));
    *open_quote = 0;
    if (!memchr(record, '"', (size_t)((newline ? newline : end) - record)))
        return newline;
    for (char *cell = record;; cell++) {
        cell = cell_end(records, cell, end);
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
static enum verdict find_record(struct records *records, char **record, char **newline, struct trouble *trouble)
{
    struct source *source = records->source;
    for (;;) {
        char *end = (char *)source->bytes + source->end;
        int open_quote;
        *record = (char *)source->bytes + source->start;
        *newline = record_end(records, *record, end, &open_quote);
        if (!*newline && source->at_end && open_quote)
            return blame(trouble, FAILED, "%s:%zu: a quote is opened and never closed", source->path,
                         records->lines + 1);
        if (*newline || source->at_end)
            return DONE;
        enum verdict verdict = source_need(source, (size_t)(end - *record) + 1, trouble);
        if (verdict)
            return verdict;
    }
}

/* Moves on to the next record. *more: there was one. */
static enum verdict next_record(struct records *records, int *more, struct trouble *trouble)
{
    struct source *source = records->source;
    char *newline;
    enum verdict verdict = find_record(records, &records->record, &newline, trouble);
    if (verdict)
        return verdict;
    records->end = newline ? newline : (char *)source->bytes + source->end;
    *more = newline || records->end > records->record;
    records->line = records->lines + 1;
    records->lines += count_newlines(records->record, records->end) + 1;
    source->start = (size_t)((unsigned char *)records->end - source->bytes) + (newline != NULL);
    if (memchr(records->record, '\0', (size_t)(records->end - records->record)))
        return blame(trouble, FAILED, "%s:%zu: a zero byte, which no CSV table holds", source->path, records->line);
    if (records->end > records->record && records->end[-1] == '\r')
        records->end--;
    *records->end = '\0';
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
static int trim(const struct records *records, char **cell, char *end)
{
    *cell = skip_spaces(records, *cell, end);
    while (end > *cell && is_space(records, end[-1]))
        end--;
    *end = '\0';
    if (**cell != '"')
        return 0;
    if (unquote(cell, end))
        return -1;
    end = *cell + strlen(*cell);
    *cell = skip_spaces(records, *cell, end);
    while (end > *cell && is_space(records, end[-1]))
        *--end = '\0';
    return 0;
}

/* Cuts the record at hand into cells; *found counts all there are, of which the first records->columns are kept. */
static enum verdict split(struct records *records, size_t *found, struct trouble *trouble)
{
    char *cell = records->record, *end;
    for (*found = 0;; cell = end + 1) {
        end = cell_end(records, cell, records->end);
        int is_last = end == records->end;
        if (trim(records, &cell, end))
            return blame(trouble, FAILED, "%s:%zu: text after a closing quote, in column %zu", records->source->path,
                         records->line, *found + 1);
        if (*found < records->columns)
            records->cells[*found] = cell;
        ++*found;
        if (is_last)
            return DONE;
    }
}

/* ---- The header ---- */

/* Finds the separator that the first line has most of, outside quotes; a comma where it has none. */
static enum verdict find_separator(struct records *records, struct trouble *trouble)
{
    size_t counts[sizeof separators] = {0}, best = 0;
    char *cell, *newline;
    enum verdict verdict = find_record(records, &cell, &newline, trouble);
    if (verdict)
        return verdict;
    char *end = newline ? newline : (char *)records->source->bytes + records->source->end;
    while ((cell = cell_end(records, cell, end)) != end)
        counts[strchr(separators, *cell++) - separators]++;
    for (size_t k = 1; k < sizeof separators - 1; k++) {
        if (counts[k] > counts[best])
            best = k;
    }
    records->separator = separators[best];
    return DONE;
}

static enum verdict skip_byte_order_mark(struct records *records, struct trouble *trouble)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct source *source = records->source;
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
static enum verdict check_header(const struct records *records, struct trouble *trouble)
{
    const char *path = records->source->path;
    char **sorted = malloc(records->columns * sizeof *sorted);
    enum verdict verdict = !sorted ? blame_memory(trouble) : DONE;
    size_t numbers = 0, measured = 0;
    for (size_t k = 0; k < records->columns && !verdict; k++) {
        double value;
        if (records->names[k][0] == '\0')
            verdict = blame(trouble, FAILED, "%s:1: column %zu has no name", path, k + 1);
        else
            verdict = check_utf8(path, 1, "column name", records->names[k], trouble);
        if (cell_number(records->names[k], &value) == CELL_NUMBER) {
            numbers++;
            measured += value != floor(value);
        }
        sorted[k] = records->names[k];
    }
    if (!verdict && (numbers == records->columns || (numbers + 1 == records->columns && measured > 0)))
        verdict =
            blame(trouble, FAILED, "%s:1: found numbers: the first line must be a header that names the columns", path);
    if (!verdict)
        qsort(sorted, records->columns, sizeof *sorted, compare_names);
    for (size_t k = 1; k < records->columns && !verdict; k++) {
        char name[SHOWN];
        if (strcmp(sorted[k - 1], sorted[k]) == 0)
            verdict = blame(trouble, FAILED, "%s:1: two columns are named '%s'", path, cell_shown(name, sorted[k]));
    }
    free(sorted);
    return verdict;
}

static int is_blank(const struct records *records)
{
    return skip_spaces(records, records->record, records->end) == records->end;
}

enum verdict records_begin(struct records *records, struct source *source, struct trouble *trouble)
{
    size_t most = 1, found;
    int more;
    *records = (struct records){.source = source};
    enum verdict verdict = skip_byte_order_mark(records, trouble);
    if (!verdict)
        verdict = find_separator(records, trouble);
    if (!verdict)
        verdict = next_record(records, &more, trouble);
    if (verdict)
        return verdict;
    if (is_blank(records))
        return blame(trouble, FAILED, "%s:1: the first line is blank, it must be a header that names the columns",
                     records->source->path);
    for (const char *text = records->record; text < records->end; text++)
        most += *text == records->separator;
    records->names = calloc(most, sizeof *records->names);
    records->cells = calloc(most, sizeof *records->cells);
    if (!records->names || !records->cells)
        return blame_memory(trouble);
    records->columns = most;
    verdict = split(records, &found, trouble);
    if (!verdict)
        records->columns = found;
    for (size_t k = 0; k < records->columns && !verdict; k++) {
        if (!(records->names[k] = strdup(records->cells[k])))
            verdict = blame_memory(trouble);
    }
    return verdict ? verdict : check_header(records, trouble);
}

/* ---- The rows ---- */

/* Blank lines may stand at the end; among the rows one could be a lost row. */
enum verdict records_next(struct records *records, int *more, struct trouble *trouble)
{
    size_t blank = 0, found;
    for (;;) {
        enum verdict verdict = next_record(records, more, trouble);
        if (verdict || !*more)
            return verdict;
        if (!is_blank(records))
            break;
        blank = blank != 0 ? blank : records->line;
    }
    if (blank != 0)
        return blame(trouble, FAILED, "%s:%zu: a blank line between rows", records->source->path, blank);
    enum verdict verdict = split(records, &found, trouble);
    if (!verdict && found != records->columns)
        verdict = blame(trouble, FAILED, "%s:%zu: expected %zu columns, found %zu", records->source->path,
                        records->line, records->columns, found);
    return verdict;
}

void records_free(struct records *records)
{
    for (size_t k = 0; records->names && k < records->columns; k++)
        free(records->names[k]);
    free(records->names);
    free(records->cells);
}
