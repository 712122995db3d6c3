/* SPDX-License-Identifier: MIT */
/* See output.h. Links, names, rights and order are those of the library's own files. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

enum { TEMPORARY_SIZE = 64, MOST_NAMES = 1000 };

static enum verdict blame_writing(const char *path, const char *reason, struct trouble *trouble)
{
    return blame(trouble, FAILED, "%.300s: cannot be written: %s", path, reason);
}

/* Follows symbolic links, so that they stay links; *now is of the file that is there already, if one is. */
static enum verdict find_target(struct output *output, int *exists, struct stat *now, struct trouble *trouble)
{
    output->target = realpath(output->path, NULL);
    if (!output->target) {
        if (errno != ENOENT)
            return blame_writing(output->path, strerror(errno), trouble);
        if (lstat(output->path, now) == 0)
            return blame_writing(output->path, "a symbolic link that leads nowhere", trouble);
        output->target = strdup(output->path);
        return output->target ? DONE : blame_memory(trouble);
    }
    if (stat(output->target, now) != 0)
        return blame_writing(output->path, strerror(errno), trouble);
    if (!S_ISREG(now->st_mode))
        return blame_writing(output->path, S_ISDIR(now->st_mode) ? "it is a folder" : "not a regular file", trouble);
    if (access(output->target, W_OK) != 0)
        return blame_writing(output->path, strerror(errno), trouble);
    *exists = 1;
    return DONE;
}

/* The folder part of a path with its slash, or nothing. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A new file beside the target, under a name that does not grow with the target's. -1: errno says why. */
static int create_temporary(struct output *output, mode_t mode)
{
    size_t folder = folder_length(output->target);
    int descriptor = -1;
    output->temporary = malloc(folder + TEMPORARY_SIZE);
    if (!output->temporary)
        return -1;
    memcpy(output->temporary, output->target, folder);
    for (int k = 0; k < MOST_NAMES && descriptor < 0; k++) {
        snprintf(output->temporary + folder, TEMPORARY_SIZE, ".adadelta-%ld-%d.tmp", (long)getpid(), k);
        descriptor = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor < 0 && errno != EEXIST)
            break;
    }
    if (descriptor < 0) {
        int reason = errno;
        free(output->temporary); /* the name of no file of ours: not to be removed */
        errno = reason;
        output->temporary = NULL;
    } else {
        interrupt_remove(output->temporary);
    }
    return descriptor;
}

enum verdict output_open(struct output *output, const char *path, struct trouble *trouble)
{
    struct stat now;
    int exists = 0;
    *output = (struct output){.path = path};
    enum verdict verdict = find_target(output, &exists, &now, trouble);
    if (verdict == DONE) {
        int descriptor = create_temporary(output, exists ? 0600 : 0666);
        if (descriptor >= 0 && (!exists || fchmod(descriptor, now.st_mode & 07777) == 0))
            output->file = fdopen(descriptor, "w+");
        if (!output->file) {
            verdict = blame_writing(path, strerror(errno), trouble);
            if (descriptor >= 0)
                close(descriptor);
        }
    }
    if (verdict != DONE)
        output_discard(output);
    return verdict;
}

/* Without this a power failure could take the new name away again. A folder that cannot be opened or does not know
   fsync is left to the file system. */
static int sync_folder(char *temporary)
{
    size_t length = folder_length(temporary);
    temporary[length] = '\0';
    int descriptor = open(length ? temporary : ".", O_RDONLY | O_CLOEXEC);
    int failed = descriptor >= 0 && fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP;
    if (descriptor >= 0)
        close(descriptor);
    return failed;
}

enum verdict output_commit(struct output *output, struct trouble *trouble)
{
    enum verdict verdict = DONE;
    int failed = fflush(output->file) || ferror(output->file) || fsync(fileno(output->file));
    int reason = errno;
    if (fclose(output->file) && !failed) {
        failed = 1;
        reason = errno;
    }
    output->file = NULL;
    if (!failed && rename(output->temporary, output->target)) {
        failed = 1;
        reason = errno;
    }
    if (failed) {
        verdict = blame_writing(output->path, strerror(reason), trouble);
    } else {
        interrupt_remove(NULL);
        if (sync_folder(output->temporary))
            verdict = blame(trouble, FAILED, "%.300s: is written, but may not survive a power failure", output->path);
        free(output->temporary);
        output->temporary = NULL;
    }
    output_discard(output);
    return verdict;
}

void output_discard(struct output *output)
{
    if (output->file)
        fclose(output->file);
    if (output->temporary)
        unlink(output->temporary);
    interrupt_remove(NULL);
    free(output->temporary);
    free(output->target);
    *output = (struct output){0};
}

/* The folder that a name is in. */
static int stat_folder(const char *path, struct stat *folder)
{
    char name[PATH_MAX];
    const size_t length = folder_length(path);
    if (length >= sizeof name)
        return -1;
    memcpy(name, path, length);
    name[length] = '\0';
    return stat(length ? name : ".", folder);
}

static int is_same_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether two names are those of one file, which may not be there yet. */
static int is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    const int first_exists = stat(a, &first) == 0, second_exists = stat(b, &second) == 0;
    if (first_exists || second_exists)
        return first_exists && second_exists && is_same_inode(&first, &second);
    return strcmp(a + folder_length(a), b + folder_length(b)) == 0 && stat_folder(a, &first) == 0 &&
           stat_folder(b, &second) == 0 && is_same_inode(&first, &second);
}

enum verdict output_check(const char *path, const char *const *others, size_t count, struct trouble *trouble)
{
    struct output output;
    for (size_t i = 0; i < count; i++)
        if (others[i] && is_same_file(path, others[i]))
            return blame(trouble, MISUSE, "%s: is read from or written by this command already; name another file",
                         path);
    enum verdict verdict = output_open(&output, path, trouble);
    if (verdict == DONE)
        output_discard(&output);
    return verdict;
}
