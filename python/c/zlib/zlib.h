/* SPDX-License-Identifier: MIT */
/* Stands for zlib in the Python package, where train/fingerprint.c wants its checksum: served by src/crc32.c. */
#ifndef PYTHON_ZLIB_H
#define PYTHON_ZLIB_H

#include <stddef.h>

typedef unsigned long uLong;

uLong crc32(uLong sum, const unsigned char *bytes, unsigned length);
uLong crc32_z(uLong sum, const unsigned char *bytes, size_t length);

#endif
