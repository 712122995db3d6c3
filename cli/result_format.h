/* SPDX-License-Identifier: MIT */
/* How a result is told: --format, and --json. */
#ifndef CLI_RESULT_FORMAT_H
#define CLI_RESULT_FORMAT_H

#include "args.h"
#include "text_table.h"

enum result_format { RESULT_TERMINAL, RESULT_MARKDOWN, RESULT_CSV, RESULT_JSON };

/* By default a table for a terminal; --json is the same as --format json. */
enum verdict result_format_from_args(enum result_format *format, const struct args *args, struct trouble *trouble);

/* Of a format that is a table. */
enum table_format result_table_format(enum result_format format);

#endif
