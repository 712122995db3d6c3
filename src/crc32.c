/* SPDX-License-Identifier: MIT */
/* CRC-32 eight bytes at a time: the remainder is linear, so eight table look-ups that do not wait for each other
   replace eight that do ("slicing by 8": Kounavis and Berry, "A Systematic Approach to Building High Performance
   Software-Based CRC Generators", ISCC 2005). */
#include "crc32.h"

void crc32_start(struct crc32 *crc)
{
    crc->remainder = UINT32_MAX;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? UINT32_C(0xedb88320) : 0);
        crc->table[0][byte] = value;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = crc->table[k - 1][byte];
            crc->table[k][byte] = before >> 8 ^ crc->table[0][before & 255];
        }
}

/* Byte by byte, so that the host's byte order does not matter; compilers make one load of it where they can. */
static uint32_t little_endian(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void crc32_add(struct crc32 *crc, const void *data, size_t size)
{
    const uint32_t(*table)[256] = (const uint32_t(*)[256])crc->table;
    const unsigned char *p = data;
    uint32_t value = crc->remainder;

    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low = value ^ little_endian(p);
        uint32_t high = little_endian(p + 4);
        value = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
                table[3][high & 255] ^ table[2][high >> 8 & 255] ^ table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
    for (; size > 0; size--, p++)
        value = value >> 8 ^ table[0][(value ^ *p) & 255];
    crc->remainder = value;
}

uint32_t crc32_value(const struct crc32 *crc)
{
    return ~crc->remainder;
}
