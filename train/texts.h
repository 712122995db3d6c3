/* SPDX-License-Identifier: MIT */
/* Lists of texts: the names of columns and classes. */
#ifndef TRAIN_TEXTS_H
#define TRAIN_TEXTS_H

#include <stddef.h>

/* A copy of texts [count], each a copy of its own; NULL where texts is NULL, or without memory. */
char **texts_copy(const char *const *texts, size_t count);

/* Frees texts [count], of which some may be NULL, as the list may. */
void texts_free(char **texts, size_t count);

#endif
