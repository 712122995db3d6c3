/* SPDX-License-Identifier: MIT */
/* Arrays that grow by doubling, for files whose length is known only at their end. */
#ifndef TRAIN_DATA_GROW_H
#define TRAIN_DATA_GROW_H

#include <stddef.h>

/* Makes room for count elements of size bytes (count >= 1): returns the array, perhaps moved, with *capacity >= count,
   or NULL, the old array and *capacity then being as they were. */
void *grow(void *array, size_t *capacity, size_t count, size_t size);

#endif
