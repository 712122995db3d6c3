/* SPDX-License-Identifier: MIT */
/* Signals that end a program (SIGINT, SIGTERM, SIGHUP), where they are not ignored already: a wish to stop cleanly, for
   a command that asked for it, and never a half-written file left behind. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on the first signal only sets a flag. Another within half a second is taken for the same one, sent twice; a
   later one ends the program at once. */
void interrupt_catch(void);

/* 1 once a signal has come. */
int interrupt_requested(void);

/* A file to be removed if a signal ends the program; NULL: none any more. The text must stay where it is. */
void interrupt_remove(const char *path);

#endif
