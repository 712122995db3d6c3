/* SPDX-License-Identifier: MIT */
/* Starts the peers of bench/: what is written in Python by a python that has what it imports, what is written in C by
   having it compiled. */
#ifndef CLI_PEER_SCRIPT_H
#define CLI_PEER_SCRIPT_H

#include "peer.h"

enum { PEER_WORDS = 16 }; /* after the program's name */

/* Starts bench/NAME with those words [NULL after the last, at most PEER_WORDS] by a python3 that can import what it
   needs, and gives the first line that it says. The trouble's text says what to install: package, a Debian one. */
enum verdict peer_start_python(struct peer *peer, const char *name, const char *const *words, const char *package,
                               char first[PEER_LINE], struct trouble *trouble);

/* Compiles bench/NAME with the flags [NULL after the last, at most PEER_WORDS] by $CC or cc, starts it with those words
   and gives the first line that it says. */
enum verdict peer_start_c(struct peer *peer, const char *name, const char *const *flags, const char *const *words,
                          char first[PEER_LINE], struct trouble *trouble);

#endif
