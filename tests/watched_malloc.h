/* SPDX-License-Identifier: MIT */
/* A malloc that can be watched and forbidden, for this program and every library beneath it. Where the C library's
   cannot be replaced, REPLACED is 0. */
#ifndef TESTS_WATCHED_MALLOC_H
#define TESTS_WATCHED_MALLOC_H

#include <errno.h>
#include <stdlib.h>

#include "sanitized.h"

static _Atomic long mallocs;                          /* and frees, so far */
static _Atomic int forbidden __attribute__((unused)); /* not 0: the next one ends the program */

#if defined(__GLIBC__) && !defined(SANITIZED)
#define REPLACED 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static void watch(void)
{
    mallocs++;
    if (forbidden)
        abort();
}

/* Visible to other libraries, too, whatever the build says of visibility. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    watch();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    watch();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    watch();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    watch();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = aligned_alloc(alignment, size);
    if (made)
        *memory = made;
    return made ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory)
        watch();
    __libc_free(memory);
}

#pragma GCC visibility pop
#else
#define REPLACED 0
#endif

#endif
