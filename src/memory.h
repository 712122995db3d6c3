/* SPDX-License-Identifier: MIT */
/* Where an optimizer's memory comes from: malloc, the caller's functions, or one piece that the caller gave. */
#ifndef ADADELTA_SRC_MEMORY_H
#define ADADELTA_SRC_MEMORY_H

#include <adadelta.h>

enum { STATE_ALIGNMENT = 64 };

/* A piece of memory that is handed out from its start and never taken back. */
struct arena {
    char *next;
    size_t left;
};

/* An allocator over an arena, which must stay where it is. */
struct adadelta_allocator arena_allocator(struct arena *arena);

/* The allocator with the C library's functions where it has none, or 0 where it has only one of the two. */
int allocator_complete(struct adadelta_allocator *allocator);

/* size bytes, zeroed, at a multiple of STATE_ALIGNMENT; NULL where there is no memory, or size is 0. */
void *memory_take(const struct adadelta_allocator *allocator, size_t size);

/* Gives back what memory_take gave. NULL is allowed. */
void memory_give(const struct adadelta_allocator *allocator, void *memory, size_t size);

/* How much of an arena is taken, and back to there: for work that fails half-way. Other allocators have had their
   memory given back by then. */
struct arena memory_mark(const struct adadelta_allocator *allocator);
void memory_return(const struct adadelta_allocator *allocator, struct arena mark);

/* Makes room for one more element behind count in an array; moves it only to a larger place, so that a failure changes
   nothing. Returns 0 without memory. */
int memory_grow(const struct adadelta_allocator *allocator, void **array, size_t count, size_t size);

/* The elements that an array of count elements has room for, as memory_grow makes it. */
size_t memory_room(size_t count);

/* size rounded up to a multiple of STATE_ALIGNMENT, and sums of such sizes; SIZE_MAX where they would not fit in
 * memory. */
size_t memory_round(size_t size);
size_t memory_sum(size_t a, size_t b);
size_t memory_product(size_t a, size_t b);

#endif
