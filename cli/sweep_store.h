/* SPDX-License-Identifier: MIT */
/* The file of a sweep: JSON lines, the first with the data and the settings, then one for each run that ended. A line
   is appended whole and synced, so that a kill costs no more than the runs under way; a torn last line is dropped. */
#ifndef CLI_SWEEP_STORE_H
#define CLI_SWEEP_STORE_H

#include "sweep_result.h"

struct store {
    const char *path;
    int descriptor; /* -1: nothing is kept */
    int is_new;     /* made now, and no run in it yet */
};

/* What is done with a result that was kept. */
typedef enum verdict store_take(json_t *result, struct trouble *trouble);

/* Opens the file that -o names, or makes it, and fills the sweep with the runs in it that it wants; take, which may be
   NULL, sees each of these results. A file of another sweep is refused: MISUSE says what differs. */
enum verdict store_open(struct store *store, struct sweep *sweep, const char *path, store_take *take,
                        struct trouble *trouble);

/* Appends a result. */
enum verdict store_append(struct store *store, const json_t *result, struct trouble *trouble);

/* A file that was made for nothing is taken away again. */
void store_close(struct store *store);

#endif
