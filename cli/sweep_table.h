/* SPDX-License-Identifier: MIT */
/* The result of a sweep as a table on standard output. */
#ifndef CLI_SWEEP_TABLE_H
#define CLI_SWEEP_TABLE_H

#include "sweep_result.h"
#include "text_table.h"

/* For people, and as Markdown: two axes are rows and columns, else each cell is a row. As CSV, with all digits: a row
   for each cell, or for each run. */
enum verdict sweep_print(const struct sweep *sweep, enum table_format format, struct trouble *trouble);
enum verdict sweep_print_cells(const struct sweep *sweep, enum table_format format, struct trouble *trouble);
enum verdict sweep_print_runs(const struct sweep *sweep, enum table_format format, struct trouble *trouble);

#endif
