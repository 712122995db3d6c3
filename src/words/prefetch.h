/* SPDX-License-Identifier: MIT */
/* The word for memory that will be wanted soon. It changes no value, so it is the same for every instruction set. */
#ifndef ADADELTA_PREFETCH_H
#define ADADELTA_PREFETCH_H

#include <stdint.h>

enum { CACHE_LINE = 64 };

/* Asks for the cache line that many bytes behind p. A hint: the address need not exist. */
static inline void prefetch(const void *p, uintptr_t bytes)
{
#if defined(__GNUC__)
    __builtin_prefetch((const void *)((uintptr_t)p + bytes));
#else
    (void)p;
    (void)bytes;
#endif
}

#endif
