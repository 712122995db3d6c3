/* SPDX-License-Identifier: MIT */
/* Workers: a process of its own for each piece of work, so many at a time. What a worker writes comes back line by
   line. One that crashes takes nothing with it. The caller must not have started threads: a child has none of them. */
#ifndef CLI_SWEEP_POOL_H
#define CLI_SWEEP_POOL_H

#include <stddef.h>
#include <stdio.h>

#include "trouble.h"

struct pool {
    size_t workers; /* at a time */
    /* In the worker, which ends when this returns; it should look at getppid() now and then, and end with its parent.
     */
    void (*work)(size_t job, FILE *out, void *context);
    /* In the caller: a line of a worker, without its newline. Another verdict than DONE ends all work. */
    enum verdict (*take_line)(size_t job, const char *line, void *context, struct trouble *trouble);
    /* In the caller: a worker is gone; how is NULL where it returned from work, else as "signal 9 (Killed)". */
    enum verdict (*take_end)(size_t job, const char *how, void *context, struct trouble *trouble);
    /* In the caller, a few times a second. */
    void (*pulse)(void *context);
    void *context;
};

/* Works through jobs [count] in their order, or until a signal asks to stop (interrupt_requested). No worker is left
   when it returns. */
enum verdict pool_run(const struct pool *pool, const size_t *jobs, size_t count, struct trouble *trouble);

#endif
