/* SPDX-License-Identifier: MIT */
/* Checkpoint files whose header is changed on purpose, under a checksum that is right again. */
#ifndef ADADELTA_TESTS_CHECKPOINT_SEAL_H
#define ADADELTA_TESTS_CHECKPOINT_SEAL_H

#include "checkpoint_fixture.h"
#include <zlib.h>

/* Puts the checksum right, by zlib; 0: there is no place for it. */
static inline int seal(unsigned char *data, size_t size)
{
    static const char key[] = "\"adadelta.crc32\":\"";
    unsigned char *found = memmem(data, size, key, sizeof key - 1), digits[9];

    if (!found || found + sizeof key - 1 + 8 > data + size)
        return 0;
    found += sizeof key - 1;
    memset(found, '0', 8);
    snprintf((char *)digits, sizeof digits, "%08lx", crc32_z(0, data, size));
    memcpy(found, digits, 8);
    return 1;
}

/* The good file with a part of its header replaced, laid out and sealed anew. */
static inline struct bytes with_header(const struct bytes *good, const char *from, const char *to)
{
    uint64_t length;
    size_t text, data_size, new_text, room;
    struct bytes file;
    unsigned char *found;

    memcpy(&length, good->data, 8);
    text = (size_t)length;
    data_size = good->size - 8 - text;
    while (good->data[8 + text - 1] == ' ')
        text--;
    found = memmem(good->data + 8, text, from, strlen(from));
    if (!found)
        fail_msg("no %s in the header", from);
    new_text = text - strlen(from) + strlen(to);
    room = (8 + new_text + 63) / 64 * 64;
    file.size = room + data_size;
    file.data = malloc(file.size);
    assert_non_null(file.data);
    memset(file.data, ' ', room);
    length = room - 8;
    memcpy(file.data, &length, 8);
    text = (size_t)(found - (good->data + 8));
    memcpy(file.data + 8, good->data + 8, text);
    memcpy(file.data + 8 + text, to, strlen(to));
    memcpy(file.data + 8 + text + strlen(to), found + strlen(from), new_text - text - strlen(to));
    memcpy(file.data + room, good->data + good->size - data_size, data_size);
    seal(file.data, file.size);
    return file;
}

#endif
