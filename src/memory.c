/* SPDX-License-Identifier: MIT */
/* See memory.h; and the optimizer in memory of the caller's. */
#if defined(__linux__)
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* madvise */
#endif
#include <sys/mman.h>
#endif

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "optimizer.h"

/* ---- Sizes ---- */

static const size_t most = PTRDIFF_MAX - STATE_ALIGNMENT;

size_t memory_round(size_t size)
{
    return size > most ? SIZE_MAX : (size + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT * STATE_ALIGNMENT;
}

size_t memory_sum(size_t a, size_t b)
{
    return a > most || b > most - a ? SIZE_MAX : a + b;
}

size_t memory_product(size_t a, size_t b)
{
    return b && a > most / b ? SIZE_MAX : a * b;
}

/* ---- Allocators ---- */

/* State that fills a few of the system's huge pages lies in them: it is given six times as fast, and rows here and
   there in a large matrix are found a tenth faster (docs/performance.md). Where the system has none to give, nothing is
   lost. (Memory of the heap keeps the wish when it is given back, as any of its pages may.) */
#if defined(MADV_HUGEPAGE)
enum { HUGE_PAGE = 1 << 21, WORTH_HUGE_PAGES = 2 * HUGE_PAGE };

static void *allocate_huge(size_t size)
{
    const size_t rounded = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, rounded);
    if (memory)
        madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}
#endif

static void *c_allocate(size_t size, size_t alignment, void *context)
{
    (void)context;
    const size_t rounded = memory_round(size);
    if (rounded == SIZE_MAX)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (rounded >= WORTH_HUGE_PAGES && rounded <= most - HUGE_PAGE)
        return allocate_huge(rounded);
#endif
    return aligned_alloc(alignment, rounded);
}

static void c_release(void *memory, size_t size, void *context)
{
    (void)size, (void)context;
    free(memory);
}

static void *arena_allocate(size_t size, size_t alignment, void *context)
{
    struct arena *arena = context;
    const size_t gap = (alignment - (uintptr_t)arena->next % alignment) % alignment;
    if (gap > arena->left || size > arena->left - gap)
        return NULL;
    void *taken = arena->next + gap;
    arena->next += gap + size;
    arena->left -= gap + size;
    return taken;
}

static void arena_release(void *memory, size_t size, void *context)
{
    (void)memory, (void)size, (void)context;
}

struct adadelta_allocator arena_allocator(struct arena *arena)
{
    return (struct adadelta_allocator){.allocate = arena_allocate, .release = arena_release, .context = arena};
}

int allocator_complete(struct adadelta_allocator *allocator)
{
    if (!allocator->allocate && !allocator->release) {
        allocator->allocate = c_allocate;
        allocator->release = c_release;
    }
    return allocator->allocate && allocator->release;
}

struct arena memory_mark(const struct adadelta_allocator *allocator)
{
    const struct arena *arena = allocator->context;
    return allocator->allocate == arena_allocate ? *arena : (struct arena){.next = NULL};
}

void memory_return(const struct adadelta_allocator *allocator, struct arena mark)
{
    if (mark.next)
        *(struct arena *)allocator->context = mark;
}

void *memory_take(const struct adadelta_allocator *allocator, size_t size)
{
    void *memory = size && size <= most ? allocator->allocate(size, STATE_ALIGNMENT, allocator->context) : NULL;
    return memory ? memset(memory, 0, size) : NULL;
}

void memory_give(const struct adadelta_allocator *allocator, void *memory, size_t size)
{
    if (memory)
        allocator->release(memory, size, allocator->context);
}

size_t memory_room(size_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return count ? room : 0;
}

int memory_grow(const struct adadelta_allocator *allocator, void **array, size_t count, size_t size)
{
    const size_t room = memory_room(count), needed = memory_room(count + 1);
    if (room == needed)
        return 1;
    void *larger = memory_take(allocator, memory_product(needed, size));
    if (!larger)
        return 0;
    if (*array)
        memcpy(larger, *array, count * size);
    memory_give(allocator, *array, room * size);
    *array = larger;
    return 1;
}

/* ---- In memory of the caller's ---- */

/* What an array takes from an arena while it grows to count elements. */
static size_t growth(size_t count, size_t size)
{
    size_t sum = 0;
    for (size_t room = 1; count > 0; room *= 2) {
        sum = memory_sum(sum, memory_round(memory_product(room, size)));
        if (room >= count || sum == SIZE_MAX)
            break;
    }
    return sum;
}

size_t adadelta_state_size(const struct adadelta_options *options, size_t group_count,
                           const struct adadelta_tensor *tensors, size_t tensor_count)
{
    const struct adadelta_options defaults = adadelta_options_default();
    if (!options)
        options = &defaults;
    if (check_options(options) || (tensor_count && (!tensors || !group_count)))
        return SIZE_MAX;
    size_t sum = STATE_ALIGNMENT + memory_round(sizeof(struct adadelta));
    sum = memory_sum(sum, growth(group_count, sizeof(struct group)));
    sum = memory_sum(sum, growth(tensor_count, sizeof(struct tensor)));
    for (size_t i = 0; i < tensor_count; i++)
        sum = memory_sum(sum, tensor_memory(options, &tensors[i]));
    return sum;
}

enum adadelta_status adadelta_init_in_place(void *memory, size_t size, const struct adadelta_options *options,
                                            struct adadelta **optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    *optimizer = NULL;
    if (!memory)
        return ADADELTA_ERROR_ARGUMENT;
    /* The optimizer comes first, and takes over what the arena has left. */
    struct arena arena = {.next = memory, .left = size};
    struct adadelta_options own = options ? *options : adadelta_options_default();
    own.allocator = arena_allocator(&arena);
    const enum adadelta_status status = adadelta_create(&own, optimizer);
    if (status)
        return status;
    (*optimizer)->arena = arena;
    (*optimizer)->options.allocator = arena_allocator(&(*optimizer)->arena);
    return ADADELTA_OK;
}
