/* SPDX-License-Identifier: MIT */
/* Files that appear whole or not at all: written under another name beside the final one, then renamed. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "trouble.h"

struct output {
    FILE *file;
    const char *path; /* as it was given, for messages */
    char *target;     /* where it leads */
    char *temporary;  /* the file's name until it is put in its place */
};

/* Finds out, before any work is done, whether a file can be made there; MISUSE where it is one of others [count], which
   the command reads or writes, too (entries may be NULL, and of files that are not there yet). Nothing is left
   behind. */
enum verdict output_check(const char *path, const char *const *others, size_t count, struct trouble *trouble);

/* Opens a file to be written; on success either output_commit or output_discard must follow. */
enum verdict output_open(struct output *output, const char *path, struct trouble *trouble);

/* Puts the file in its place; where that fails, nothing is left behind. */
enum verdict output_commit(struct output *output, struct trouble *trouble);

void output_discard(struct output *output);

#endif
