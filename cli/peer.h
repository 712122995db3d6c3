/* SPDX-License-Identifier: MIT */
/* Another program that is measured in turn with this one: it gets a line for each round and answers with one. What the
   lines say is in bench/README.md. */
#ifndef CLI_PEER_H
#define CLI_PEER_H

#include <stddef.h>
#include <sys/types.h>

#include "trouble.h"

enum { PEER_LINE = 256, PEER_PATH = 4096 };

struct peer {
    pid_t process;
    int wire;          /* both directions */
    int remarks;       /* a file of what the process says on standard error */
    size_t used;       /* bytes in pending */
    char pending[512]; /* read, but not yet asked for */
};

/* Starts a program [words, NULL after the last], found by PATH where its name has no slash. Where this fails, and after
   peer_end, there is nothing to end. */
enum verdict peer_start(struct peer *peer, const char *const *words, struct trouble *trouble);

/* The next line without its end, cut at PEER_LINE - 1 bytes; FAILED, with the last thing that it said on standard
   error, where the process ended or was silent for ten minutes. */
enum verdict peer_read(struct peer *peer, char line[PEER_LINE], struct trouble *trouble);

/* Has it do a round of so many steps and gives the seconds that it says it took. */
enum verdict peer_round(struct peer *peer, size_t count, double *seconds, struct trouble *trouble);

/* Ends the process. */
void peer_end(struct peer *peer);

/* Runs a program to its end with its output thrown away: 1 where it ended with code 0. */
int peer_run(const char *const *words);

/* Where a file of bench/ lies, beside the program as built or as installed: path is returned, or NULL. */
const char *peer_file(char path[PEER_PATH], const char *name);

/* Adds to what is wrong that a peer computes something else. */
void peer_refused(struct trouble *wrong, const char *name, const struct trouble *reason);

#endif
