/* SPDX-License-Identifier: MIT */
/* Ctrl-C as a wish to stop cleanly: the first signal sets a flag, a second one ends the program at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on SIGINT, SIGTERM and SIGHUP, unless ignored already, only set the flag. */
void interrupt_catch(void);

/* 1 once a signal has come. */
int interrupt_requested(void);

#endif
