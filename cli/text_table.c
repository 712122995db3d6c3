/* SPDX-License-Identifier: MIT */
/* See text_table.h. */
#include "text_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_table_add(struct text_table *table, const char *format, ...)
{
    va_list list, copy;
    va_start(list, format);
    va_copy(copy, list);
    const int size = vsnprintf(NULL, 0, format, list);
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    if (text)
        vsnprintf(text, (size_t)size + 1, format, copy);
    va_end(copy);
    va_end(list);
    if (table->count == table->room) {
        const size_t room = 2 * table->room + 64;
        char **cells = realloc(table->cells, room * sizeof *cells);
        if (cells) {
            table->cells = cells;
            table->room = room;
        }
    }
    if (text && table->count < table->room) {
        table->cells[table->count++] = text;
    } else {
        free(text);
        table->no_memory = 1;
    }
}

void text_table_add_exact(struct text_table *table, double number)
{
    if (isnan(number))
        text_table_add(table, "%s", "");
    else
        text_table_add(table, "%.17g", number);
}

int text_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padded(const char *text, int width, int left)
{
    const int padding = width - text_width(text);
    printf("%*s%s%*s", left ? 0 : padding, "", text, left ? padding : 0, "");
}

static void print_terminal(const struct text_table *table, const int *width)
{
    for (size_t i = 0; i < table->count; i++) {
        const size_t column = i % table->columns;
        const int left = column < table->left, last = column + 1 == table->columns;
        print_padded(table->cells[i], left && last ? 0 : width[column], left);
        printf("%s", last ? "\n" : "  ");
    }
}

/* What would end a cell or a row there is turned into what does not, before anything is measured. */
static void make_fit_markdown(struct text_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        for (char *letter = table->cells[i]; *letter; letter++)
            *letter = *letter == '|' ? '/' : *letter == '\n' || *letter == '\r' ? ' ' : *letter;
}

static void print_markdown(const struct text_table *table, const int *width)
{
    for (size_t i = 0; i < table->count; i++) {
        const size_t column = i % table->columns;
        printf("| ");
        print_padded(table->cells[i], width[column], column < table->left);
        printf(" %s", column + 1 == table->columns ? "|\n" : "");
        for (size_t k = 0; i + 1 == table->columns && k < table->columns; k++)
            printf("%s%s", k < table->left ? "|---" : "|--:", k + 1 == table->columns ? "|\n" : "");
    }
}

/* A comma, a quote or a newline within a cell is quoted (RFC 4180). */
static void print_csv(const struct text_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *text = table->cells[i];
        const int quoted = text[strcspn(text, ",\"\r\n")] != '\0';
        if (quoted)
            putchar('"');
        for (; *text; text++)
            printf("%s%c", *text == '"' ? "\"" : "", *text);
        printf("%s%s", quoted ? "\"" : "", (i + 1) % table->columns ? "," : "\n");
    }
}

enum verdict text_table_print(struct text_table *table, enum table_format format, struct trouble *trouble)
{
    int *width = calloc(table->columns, sizeof *width);
    if (format == TABLE_MARKDOWN)
        make_fit_markdown(table);
    const int bad = !width || table->no_memory;
    for (size_t i = 0; i < table->count && width; i++) {
        const int own = text_width(table->cells[i]);
        if (own > width[i % table->columns])
            width[i % table->columns] = own;
    }
    if (!bad && format == TABLE_TERMINAL)
        print_terminal(table, width);
    else if (!bad && format == TABLE_MARKDOWN)
        print_markdown(table, width);
    else if (!bad)
        print_csv(table);
    free(width);
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct text_table){.columns = table->columns};
    return bad ? blame_memory(trouble) : DONE;
}
