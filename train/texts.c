/* SPDX-License-Identifier: MIT */
/* A list is freed the same way whether it was filled or memory ran short halfway: what is missing is NULL. */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

char **texts_copy(const char *const *texts, size_t count)
{
    char **copies = texts ? calloc(count ? count : 1, sizeof *copies) : NULL;
    for (size_t k = 0; copies && k < count; k++) {
        copies[k] = strdup(texts[k]);
        if (!copies[k]) {
            texts_free(copies, count);
            return NULL;
        }
    }
    return copies;
}

void texts_free(char **texts, size_t count)
{
    for (size_t k = 0; texts && k < count; k++)
        free(texts[k]);
    free(texts);
}
