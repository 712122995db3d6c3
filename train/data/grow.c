/* SPDX-License-Identifier: MIT */
/* Doubling with the overflow checks in one place. */
#include "data/grow.h"

#include <stdint.h>
#include <stdlib.h>

void *grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity && array)
        return array;
    size_t most = SIZE_MAX / 2 / size; /* half: differences of pointers must fit as well */
    if (count > most)
        return NULL;
    size_t wanted = *capacity > most / 2 ? most : 2 * *capacity;
    if (wanted < count)
        wanted = count;
    void *moved = realloc(array, wanted * size);
    if (moved)
        *capacity = wanted;
    return moved;
}
