/* SPDX-License-Identifier: MIT */
/* How the trainer reports what went wrong: a verdict that is also the program's exit code, and one line that names
   what, where and what to do. Nothing in train/ prints or exits. */
#ifndef TRAIN_TROUBLE_H
#define TRAIN_TROUBLE_H

enum verdict {
    DONE = 0,   /* all is well */
    FAILED = 1, /* the data, a file, the numbers or the machine */
    MISUSE = 2  /* the caller asked for something that cannot be */
};

struct trouble {
    char text[1024];
};

/* Writes the line (no newline, no program name) and returns verdict, so that a function can `return blame(...)`. */
enum verdict blame(struct trouble *trouble, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes every control byte of a text a '?': what comes from a file must not act on a terminal. */
void calm(char *text);

/* blame() for memory that could not be had. */
enum verdict blame_memory(struct trouble *trouble);

#endif
