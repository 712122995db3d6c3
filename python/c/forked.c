/* SPDX-License-Identifier: MIT */
/* See forked.h. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "forked.h"

#include <pthread.h>

static int is_child;

static void after_fork(void)
{
    is_child = 1;
}

int forked_ready(void)
{
    static int ready;
    ready = ready || pthread_atfork(NULL, NULL, after_fork) == 0;
    if (!ready)
        PyErr_NoMemory(); /* the one reason that there is */
    return ready ? 0 : -1;
}

int forked(void)
{
    return is_child;
}
