/* SPDX-License-Identifier: MIT */
/* Files that are read whole, and replaced whole or not at all. */
#ifndef ADADELTA_SRC_CHECKPOINT_FILE_H
#define ADADELTA_SRC_CHECKPOINT_FILE_H

#include <adadelta.h>

struct piece {
    const void *data;
    size_t size;
};

/* Reads a regular file into *data, 64-byte aligned, to be given to free. Errors: ADADELTA_ERROR_IO, _MEMORY. */
enum adadelta_status file_read(const char *path, void **data, size_t *size, struct adadelta_error *error);

/* Makes the pieces, one after the other, the content of a file. The old content stays until the new one is on the disk;
   a symbolic link stays one, and what it leads to is replaced. Errors: ADADELTA_ERROR_IO, _MEMORY; the old content is
   then untouched, save where only the last step, putting the folder's entry on the disk, failed. */
enum adadelta_status file_replace(const char *path, const struct piece *pieces, size_t count,
                                  struct adadelta_error *error);

#endif
