/* SPDX-License-Identifier: MIT */
/* See result_format.h. */
#include "result_format.h"

#include <string.h>

static const char *const names[] = {"terminal", "markdown", "csv", "json"};
enum { NAME_COUNT = sizeof names / sizeof *names };

enum verdict result_format_from_args(enum result_format *format, const struct args *args, struct trouble *trouble)
{
    const struct option_value *value = &args->values[OPTION_FORMAT];
    size_t i = RESULT_TERMINAL;
    while (value->given && i < NAME_COUNT && strcmp(names[i], value->text) != 0)
        i++;
    if (i == NAME_COUNT)
        return blame(trouble, MISUSE, "--format %s: must be one of terminal, markdown, csv, json", value->text);
    if (args->values[OPTION_JSON].given && value->given && i != RESULT_JSON)
        return blame(trouble, MISUSE, "--json and --format %s cannot be used together", value->text);
    *format = args->values[OPTION_JSON].given ? RESULT_JSON : (enum result_format)i;
    return DONE;
}

enum table_format result_table_format(enum result_format format)
{
    static const enum table_format tables[] = {TABLE_TERMINAL, TABLE_MARKDOWN, TABLE_CSV};
    return tables[format];
}
