/* SPDX-License-Identifier: MIT */
/* See zlib.h. */
#include "zlib.h"

#include "crc32.h"

uLong crc32_z(uLong sum, const unsigned char *bytes, size_t length)
{
    /* The table is made once a thread: it takes longer than the 8 bytes that are often summed at a time. */
    static _Thread_local struct crc32 crc;
    static _Thread_local int started;
    if (!started)
        crc32_start(&crc);
    started = 1;
    crc.remainder = ~(uint32_t)sum;
    crc32_add(&crc, bytes, length);
    return crc32_value(&crc);
}

uLong crc32(uLong sum, const unsigned char *bytes, unsigned length)
{
    return bytes ? crc32_z(sum, bytes, length) : 0;
}
