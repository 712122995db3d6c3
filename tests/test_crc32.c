/* SPDX-License-Identifier: MIT */
/* The checksum against the check value of its definition and against zlib's, in one piece and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "crc32.h"

static uint32_t ours(const void *data, size_t size)
{
    struct crc32 crc;

    crc32_start(&crc);
    crc32_add(&crc, data, size);
    return crc32_value(&crc);
}

static void the_check_value(void **state)
{
    (void)state;
    assert_int_equal(ours("123456789", 9), 0xcbf43926); /* CRC-32/ISO-HDLC in the catalogue of parametrised CRCs */
    assert_int_equal(ours("", 0), 0);
}

static void every_length_and_offset_as_zlib(void **state)
{
    unsigned char data[300];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * i * 7 + 13 * i);
    for (size_t offset = 0; offset < 16; offset++)
        for (size_t size = 0; size + offset <= sizeof data; size++)
            assert_int_equal(ours(data + offset, size), crc32(0, data + offset, (uInt)size));
}

static void pieces_are_the_whole(void **state)
{
    enum { SIZE = 100000 };
    unsigned char *data = malloc(SIZE);
    uint32_t random = 1;
    struct crc32 crc;
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)((random = random * 1664525u + 1013904223u) >> 24);
    crc32_start(&crc);
    for (size_t at = 0, size = 0; at < SIZE; at += size) {
        size = (random = random * 1664525u + 1013904223u) >> 22;
        size = size < SIZE - at ? size : SIZE - at;
        crc32_add(&crc, data + at, size);
        assert_int_equal(crc32_value(&crc), crc32(0, data, (uInt)(at + size)));
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value),
        cmocka_unit_test(every_length_and_offset_as_zlib),
        cmocka_unit_test(pieces_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
