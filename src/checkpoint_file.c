/* SPDX-License-Identifier: MIT */
/* A file is replaced by renaming a finished, synced one over it: whoever reads sees the old bytes or the new, never a
 * mix. */
#define _XOPEN_SOURCE 700 /* realpath; strerror_r that returns int */
#include "checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "optimizer.h"

enum {
    ALIGNMENT = 64,
    MOST_NAMES = 1000,    /* temporary names tried before giving up */
    MOST_BYTES = 1 << 30, /* a call of read or write: some systems refuse more than 2^31 - 1 */
    TEMP_NAME_SIZE = 64
};

/* Says what could not be done to a path, and why by errno. Long paths are cut so that the reason is never lost. */
static enum adadelta_status io_error(struct adadelta_error *error, const char *path, const char *what)
{
    char reason[128] = "unknown error";
    int number = errno;

    if (number == ENOMEM)
        return fail(error, ADADELTA_ERROR_MEMORY, "%.300s: %s: out of memory", path, what);
    if (strerror_r(number, reason, sizeof(reason)))
        snprintf(reason, sizeof(reason), "error %d", number);
    return fail(error, ADADELTA_ERROR_IO, "%.300s: %s: %s", path, what, reason);
}

/* ---- Reading ---- */

/* Reads until size bytes are there or the file ends; *size becomes what was read. */
static int read_fully(int fd, unsigned char *data, size_t *size)
{
    size_t done = 0;

    while (done < *size) {
        size_t want = *size - done < MOST_BYTES ? *size - done : MOST_BYTES;
        ssize_t got = read(fd, data + done, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *size = done;
    return 0;
}

static enum adadelta_status read_open_file(int fd, const char *path, void **data, size_t *size,
                                           struct adadelta_error *error)
{
    struct stat info;
    void *block;

    if (fstat(fd, &info))
        return io_error(error, path, "cannot be read");
    if (!S_ISREG(info.st_mode))
        return fail(error, ADADELTA_ERROR_IO, "%.300s: cannot be read: not a regular file", path);
    if ((uintmax_t)info.st_size > SIZE_MAX / 2)
        return fail(error, ADADELTA_ERROR_MEMORY, "%.300s: larger than memory can hold", path);
    *size = (size_t)info.st_size;
    block = aligned_alloc(ALIGNMENT, (*size / ALIGNMENT + 1) * ALIGNMENT);
    if (!block)
        return fail(error, ADADELTA_ERROR_MEMORY, "%.300s: no memory for its %zu bytes", path, *size);
    if (read_fully(fd, block, size)) {
        enum adadelta_status status = io_error(error, path, "cannot be read");
        free(block);
        return status;
    }
    *data = block;
    return ADADELTA_OK;
}

enum adadelta_status file_read(const char *path, void **data, size_t *size, struct adadelta_error *error)
{
    /* O_NONBLOCK: opening a pipe that nobody writes to would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum adadelta_status status;

    if (fd < 0)
        return io_error(error, path, "cannot be read");
    status = read_open_file(fd, path, data, size, error);
    close(fd);
    return status;
}

/* ---- Replacing ---- */

/* What is to be replaced: where it really is, and what is there now. */
struct target {
    const char *path; /* as the caller wrote it, for messages */
    char *real;       /* with symbolic links resolved; owned */
    int exists;
    mode_t mode;
};

static enum adadelta_status find_target(struct target *target, struct adadelta_error *error)
{
    struct stat info;

    target->real = realpath(target->path, NULL);
    if (!target->real) {
        if (errno != ENOENT)
            return io_error(error, target->path, "cannot be written");
        if (!lstat(target->path, &info))
            return fail(error, ADADELTA_ERROR_IO, "%.300s: cannot be written: a symbolic link that leads nowhere",
                        target->path);
        target->exists = 0;
        target->real = strdup(target->path);
        return target->real ? ADADELTA_OK : io_error(error, target->path, "cannot be written");
    }
    if (stat(target->real, &info))
        return io_error(error, target->path, "cannot be written");
    /* A rename would put a plain file in the place of a device such as /dev/full. */
    if (!S_ISREG(info.st_mode))
        return fail(error, ADADELTA_ERROR_IO, "%.300s: cannot be written: %s", target->path,
                    S_ISDIR(info.st_mode) ? "it is a folder" : "not a regular file");
    /* Nor does a rename ask whether the file may be written. */
    if (access(target->real, W_OK))
        return io_error(error, target->path, "cannot be written");
    target->exists = 1;
    target->mode = info.st_mode & 07777;
    return ADADELTA_OK;
}

/* The folder part of a path with its slash, or nothing. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Makes a new file beside the target. Its name does not grow with the target's, which may be as long as a name can
   be. */
static int create_temp(const struct target *target, char **temp)
{
    size_t folder = folder_length(target->real);
    char *name = malloc(folder + TEMP_NAME_SIZE);
    int fd = -1;

    if (!name)
        return -1;
    memcpy(name, target->real, folder);
    for (int k = 0; k < MOST_NAMES && fd < 0; k++) {
        snprintf(name + folder, TEMP_NAME_SIZE, ".adadelta-%ld-%d.tmp", (long)getpid(), k);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, target->exists ? 0600 : 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        int number = errno;
        free(name);
        errno = number;
        return -1;
    }
    *temp = name;
    return fd;
}

static int write_fully(int fd, const struct piece *piece)
{
    const unsigned char *data = piece->data;
    size_t left = piece->size;

    while (left > 0) {
        ssize_t done = write(fd, data, left < MOST_BYTES ? left : MOST_BYTES);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done < 0 ? errno : EIO;
            return -1;
        }
        data += done;
        left -= (size_t)done;
    }
    return 0;
}

static int sync_fully(int fd)
{
    int result;

    do {
        result = fsync(fd);
    } while (result && errno == EINTR);
    return result;
}

/* Writes all and closes the file, in every case. */
static int fill(int fd, const struct target *target, const struct piece *pieces, size_t count)
{
    int result = 0, number;

    for (size_t k = 0; k < count && !result; k++)
        result = write_fully(fd, &pieces[k]);
    if (!result && target->exists)
        result = fchmod(fd, target->mode);
    if (!result)
        result = sync_fully(fd);
    number = errno;
    if (close(fd) && !result) {
        result = -1;
        number = errno;
    }
    errno = number;
    return result;
}

/* Without this a power failure could take the new name away again. A folder that cannot be opened or does not know
   fsync is left to the file system. */
static int sync_folder(char *temp)
{
    size_t length = folder_length(temp);
    int fd, result, number;

    temp[length] = '\0';
    fd = open(length ? temp : ".", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    result = sync_fully(fd);
    if (result && (errno == EINVAL || errno == ENOTSUP))
        result = 0;
    number = errno;
    close(fd);
    errno = number;
    return result;
}

enum adadelta_status file_replace(const char *path, const struct piece *pieces, size_t count,
                                  struct adadelta_error *error)
{
    struct target target = {.path = path};
    enum adadelta_status status = find_target(&target, error);
    char *temp = NULL;
    int fd;

    if (status)
        goto out;
    fd = create_temp(&target, &temp);
    if (fd < 0) {
        status = io_error(error, path, "cannot be written");
        goto out;
    }
    if (fill(fd, &target, pieces, count) || rename(temp, target.real)) {
        status = io_error(error, path, "cannot be written");
        unlink(temp);
        goto out;
    }
    if (sync_folder(temp))
        status = io_error(error, path, "is written, but may not survive a power failure");
out:
    free(temp);
    free(target.real);
    return status;
}
