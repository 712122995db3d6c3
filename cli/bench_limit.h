/* SPDX-License-Identifier: MIT */
/* The limit of a step: loops that only read what the step must read and write what it must write. */
#ifndef CLI_BENCH_LIMIT_H
#define CLI_BENCH_LIMIT_H

#include <stddef.h>

/* An array of a pass. */
struct limit_array {
    void *elements;
    size_t size; /* bytes of an element: 2, 4 or 8 */
    int writes;  /* 0: is only read */
    int packed;  /* where only rows are walked: 1: it holds those rows alone, in their order */
};

enum { LIMIT_ARRAYS = 6, LIMIT_PASSES = 2 };

/* The arrays of a pass from some element on. */
struct limit_span {
    char *at[LIMIT_ARRAYS];
    size_t size[LIMIT_ARRAYS];
    int writes[LIMIT_ARRAYS];
    size_t count;
};

/* A pass reads each array once from one end to the other, side by side with the rest, and writes what it writes. */
typedef void limit_walk(const struct limit_span *span, size_t n);
struct limit_pass {
    struct limit_array arrays[LIMIT_ARRAYS];
    size_t count;
    limit_walk *walk; /* limit_choose's */
};

/* Ways to walk, of which one or the other is the fastest by machine and size. */
enum limit_way {
    LIMIT_FUSED,  /* an element of every array in turn; LIMIT_BLOCKS for arrays that no such loop was compiled for */
    LIMIT_BLOCKS, /* a kilobyte or so of one array after the other */
    LIMIT_PREFETCHED, /* the same, asking for memory ahead */
    LIMIT_WAYS
};

/* A pass begins where the one before has ended on all threads. */
struct limit {
    size_t n;           /* elements of each array that are walked */
    const size_t *rows; /* [n / width] which rows these are, or NULL: the first n elements */
    size_t width;       /* elements in a row */
    struct limit_pass passes[LIMIT_PASSES];
    size_t pass_count;
};

/* Sets the way that limit_run takes. */
void limit_choose(struct limit *limit, enum limit_way way);

/* Walks over everything once, on so many threads, and leaves every value as it was. */
void limit_run(const struct limit *limit, int threads);

/* Bytes read and written for an element. */
size_t limit_bytes(const struct limit *limit);

#endif
