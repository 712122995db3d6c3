/* SPDX-License-Identifier: MIT */
/* The result of a comparison as a table. */
#ifndef CLI_CONTEST_TABLE_H
#define CLI_CONTEST_TABLE_H

#include "contest.h"
#include "overlay.h"
#include "text_table.h"

/* On standard output, the figures of an overlay beside ours: for people those after epochs 1, 2, 5, 10 ... and the
   last, and the best; as CSV all, with all digits. */
enum verdict contest_print(const struct contest *contest, const struct overlay *overlay, enum table_format format,
                           struct trouble *trouble);

#endif
