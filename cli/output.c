/* SPDX-License-Identifier: MIT */
/* See output.h. */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

enum verdict output_open(struct output *output, const char *path, struct trouble *trouble)
{
    struct stat status;
    int exists = stat(path, &status) == 0;
    memset(output, 0, sizeof *output);
    if (exists && !S_ISREG(status.st_mode))
        return blame(trouble, FAILED, "%s: cannot be written: %s", path,
                     S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
    if (exists && access(path, W_OK) != 0)
        return blame(trouble, FAILED, "%s: cannot be written: %s", path, strerror(errno));

    output->path = path;
    output->temporary = malloc(strlen(path) + sizeof ".XXXXXX");
    if (!output->temporary)
        return blame_memory(trouble);
    sprintf(output->temporary, "%s.XXXXXX", path);
    int descriptor = mkstemp(output->temporary);
    if (descriptor < 0) {
        blame(trouble, FAILED, "%s: cannot be written: %s", path, strerror(errno));
        free(output->temporary);
        return FAILED;
    }
    interrupt_remove(output->temporary);
    /* mkstemp makes a private file; the result is to have the rights of any new file, or of the one it replaces. */
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, exists ? status.st_mode & 0777 : 0666 & ~mask);
    output->file = fdopen(descriptor, "w+");
    if (!output->file) {
        close(descriptor);
        output_discard(output);
        return blame_memory(trouble);
    }
    return DONE;
}

enum verdict output_commit(struct output *output, struct trouble *trouble)
{
    int failed = fflush(output->file) || ferror(output->file) || fsync(fileno(output->file));
    int reason = errno;
    if (fclose(output->file) && !failed) {
        failed = 1;
        reason = errno;
    }
    output->file = NULL;
    if (!failed && rename(output->temporary, output->path)) {
        failed = 1;
        reason = errno;
    }
    if (failed) {
        output_discard(output);
        return blame(trouble, FAILED, "%s: cannot be written: %s", output->path, strerror(reason));
    }
    interrupt_remove(NULL);
    free(output->temporary);
    output->temporary = NULL;
    return DONE;
}

void output_discard(struct output *output)
{
    if (output->file)
        fclose(output->file);
    if (output->temporary)
        unlink(output->temporary);
    interrupt_remove(NULL);
    free(output->temporary);
    output->file = NULL;
    output->temporary = NULL;
}

enum verdict output_check(const char *path, const char *const *inputs, size_t count, struct trouble *trouble)
{
    struct output output;
    struct stat target, input;
    int exists = stat(path, &target) == 0;
    for (size_t i = 0; i < count && exists; i++)
        if (inputs[i] && stat(inputs[i], &input) == 0 && input.st_dev == target.st_dev && input.st_ino == target.st_ino)
            return blame(trouble, MISUSE, "-o %s: would replace a file that is read from", path);
    enum verdict verdict = output_open(&output, path, trouble);
    if (verdict == DONE)
        output_discard(&output);
    return verdict;
}
