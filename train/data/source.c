/* SPDX-License-Identifier: MIT */
/* zlib's gzFile reads plain and gzipped files alike; here its several ways to report a bad file become one line
   each. */
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/grow.h"

enum { FIRST_WINDOW = 1 << 18, MOST_AT_ONCE = 1 << 30 /* gzread counts in int */ };

static enum verdict blame_read(const struct source *source, struct trouble *trouble)
{
    int system_error = errno, status = Z_OK;
    gzerror(source->file, &status);
    if (status == Z_MEM_ERROR)
        return blame_memory(trouble);
    if (status == Z_BUF_ERROR)
        return blame(trouble, FAILED, "%s: the gzip file is cut off before its end", source->path);
    if (status == Z_ERRNO)
        return blame(trouble, FAILED, "%s: %s", source->path, strerror(system_error));
    return blame(trouble, FAILED, "%s: the gzip file is damaged", source->path);
}

static int make_room(struct source *source)
{
    if (source->end < source->capacity)
        return 0;
    size_t held = source->end - source->start;
    if (source->start > 0)
        memmove(source->bytes, source->bytes + source->start, held);
    source->start = 0;
    source->end = held;
    if (held <= source->capacity / 2 && source->capacity > 0)
        return 0;
    size_t room = source->capacity + 1;
    unsigned char *bytes = grow(source->bytes, &room, source->capacity > 0 ? room + 1 : FIRST_WINDOW, 1);
    if (!bytes)
        return -1;
    source->bytes = bytes;
    source->capacity = room - 1;
    return 0;
}

enum verdict source_need(struct source *source, size_t size, struct trouble *trouble)
{
    while (source->end - source->start < size && !source->at_end) {
        if (make_room(source))
            return blame_memory(trouble);
        size_t room = source->capacity - source->end;
        int count =
            gzread(source->file, source->bytes + source->end, room < MOST_AT_ONCE ? (unsigned)room : MOST_AT_ONCE);
        /* A cut gzip file shows as a short read: only gzerror tells it from the end. */
        int status = Z_OK;
        if (count >= 0)
            gzerror(source->file, &status);
        if (count < 0 || status != Z_OK)
            return blame_read(source, trouble);
        source->at_end = count == 0;
        source->end += (size_t)count;
    }
    return DONE;
}

enum verdict source_drain(struct source *source, size_t *size, struct trouble *trouble)
{
    *size = source->end - source->start;
    while (!source->at_end) {
        source->start = source->end;
        enum verdict verdict = source_need(source, 1, trouble);
        if (verdict)
            return verdict;
        *size += source->end - source->start;
    }
    return DONE;
}

unsigned char *source_take(struct source *source, size_t size)
{
    unsigned char *bytes = source->bytes;
    memmove(bytes, bytes + source->start, size);
    source->bytes = NULL;
    source->capacity = source->start = source->end = 0;
    unsigned char *fitted = realloc(bytes, size);
    return fitted ? fitted : bytes;
}

static enum verdict open_file(const char *path, int *descriptor, struct trouble *trouble)
{
    struct stat status;
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0 || fstat(*descriptor, &status) != 0)
        return blame(trouble, FAILED, "%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return blame(trouble, FAILED, "%s: is a directory, not a file", path);
    return DONE;
}

enum verdict source_open(struct source *source, const char *path, struct trouble *trouble)
{
    int descriptor;
    *source = (struct source){.path = path};
    enum verdict verdict = open_file(path, &descriptor, trouble);
    if (!verdict && !(source->file = gzdopen(descriptor, "rb")))
        verdict = blame_memory(trouble);
    if (!source->file) {
        if (descriptor >= 0)
            close(descriptor);
        return verdict;
    }
    gzbuffer(source->file, FIRST_WINDOW / 2); /* refused only where memory is short; the default then serves */
    verdict = source_need(source, 1, trouble);
    if (!verdict && source->end == source->start)
        verdict = blame(trouble, FAILED, "%s: is empty", path);
    if (verdict)
        source_close(source);
    return verdict;
}

void source_close(struct source *source)
{
    if (source->file)
        gzclose_r(source->file); /* what it could report was reported by the read that reached the end */
    free(source->bytes);
    *source = (struct source){.path = source->path};
}
