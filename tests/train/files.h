/* SPDX-License-Identifier: MIT */
/* Files for the tests of the data formats: written into a folder of their own, read, and gone at the end. Include after
   cmocka.h. */
#ifndef TESTS_TRAIN_FILES_H
#define TESTS_TRAIN_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "dataset.h"

enum { PATH_SIZE = 600 };

static char folder[] = "/tmp/adadelta-data-XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    char command[PATH_SIZE];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* The path of a file in the folder; the buffer is used again after four calls. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][PATH_SIZE];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], PATH_SIZE, "%s/%s", folder, name);
    return paths[turn];
}

static inline const char *write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *write_gz(const char *name, const void *bytes, size_t size)
{
    const char *path = in_folder(name);
    gzFile file = gzopen(path, "wb9");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

static inline const char *write_text(const char *name, const char *text)
{
    return write_file(name, text, strlen(text));
}

/* The bytes of a file, to be freed. */
static inline unsigned char *load_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long end = ftell(file);
    assert_true(end >= 0);
    *size = (size_t)end;
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Reads what must be readable. */
static inline struct dataset read_good(const struct dataset_request *request)
{
    struct dataset data;
    struct trouble trouble = {""};
    if (dataset_read(&data, request, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    assert_string_equal(data.path, request->path);
    return data;
}

static inline struct dataset read_table(const char *path, int want_target)
{
    struct dataset_request request = {.path = path, .want_target = want_target};
    return read_good(&request);
}

/* Reads what must be refused: with this verdict and exactly this line, in which a leading '@' stands for the file's
 * path. */
static inline void read_bad(const struct dataset_request *request, enum verdict verdict, const char *line)
{
    static const struct dataset empty;
    struct dataset data;
    struct trouble trouble = {""};
    char expected[2048];
    snprintf(expected, sizeof expected, "%s%s", *line == '@' ? request->path : "", line + (*line == '@'));
    assert_int_equal(dataset_read(&data, request, &trouble), verdict);
    assert_string_equal(trouble.text, expected);
    assert_memory_equal(&data, &empty, sizeof data);
}

#endif
