/* SPDX-License-Identifier: MIT */
/* The CRC-32 that zip, gzip and PNG use (ITU-T V.42, reflected polynomial 0xedb88320), taken piece by piece. */
#ifndef ADADELTA_SRC_CRC32_H
#define ADADELTA_SRC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The table lives here and not in static memory: filling it takes microseconds, and threads then share nothing. */
struct crc32 {
    uint32_t remainder;
    uint32_t table[8][256]; /* [k][b] is what byte b leaves after k further zero bytes */
};

void crc32_start(struct crc32 *crc);
void crc32_add(struct crc32 *crc, const void *data, size_t size);

/* The checksum of all bytes added so far; more may follow. */
uint32_t crc32_value(const struct crc32 *crc);

#endif
