/* SPDX-License-Identifier: MIT */
/* Damaged files: cut at every byte, and with bytes changed at random. What is not read as it was is refused in one
   line; nothing crashes or leaks (the sanitizers watch). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "files.h"

static const char table[] =
    "\"a\",b,\"c,\"\"d\"\"\"\r\n1,2.5,x\r\n-3,1e-3,\"y,\n\"\"z\"\r\n5,.5, x \r\n7,8,\"y,\n\"\"z\"\n";
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                       0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 1};

/* Reads a file that may be anything. */
static enum verdict read_any(const char *path, const char *labels_path, struct dataset *data)
{
    struct dataset_request request = {.path = path, .labels_path = labels_path, .want_target = 1};
    struct trouble trouble = {""};
    enum verdict verdict = dataset_read(data, &request, &trouble);
    if (verdict == DONE)
        assert_true(data->rows > 0 && data->columns > 0 && (data->values != NULL || data->pixels != NULL));
    else
        assert_true(trouble.text[0] != '\0' && strchr(trouble.text, '\n') == NULL);
    return verdict;
}

static void a_cut_table_is_shorter_or_refused(void **state)
{
    struct dataset data;
    (void)state;
    for (size_t size = 0; size <= sizeof table - 1; size++) {
        const char *path = write_file("cut.csv", table, size);
        if (read_any(path, NULL, &data) == DONE) {
            assert_true(data.rows >= 2 && data.rows <= 4);
            assert_true(data.columns == 2 && data.values[2] == -3);
        }
        dataset_free(&data);
    }
}

static void cut_images_and_labels_are_refused(void **state)
{
    struct dataset data;
    char full[2][PATH_SIZE];
    (void)state;
    snprintf(full[0], PATH_SIZE, "%s", write_file("images", images, sizeof images));
    snprintf(full[1], PATH_SIZE, "%s", write_file("labels", labels, sizeof labels));
    assert_int_equal(read_any(full[0], full[1], &data), DONE);
    dataset_free(&data);
    for (size_t size = 0; size < sizeof images; size++)
        assert_int_not_equal(read_any(write_file("cut", images, size), full[1], &data), DONE);
    for (size_t size = 0; size < sizeof labels; size++)
        assert_int_not_equal(read_any(full[0], write_file("cut", labels, size), &data), DONE);
}

/* A gzip file cut anywhere, its 8-byte trailer included, is refused; of one byte alone not even that it was gzip can be
 * told. */
static void cut_gzip_files_are_refused(void **state)
{
    static const char *const sources[] = {SOURCE_DIR "/data/iris.csv", NULL};
    struct dataset data;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        size_t size = sizeof table - 1;
        unsigned char *bytes = NULL;
        if (sources[k] != NULL)
            bytes = load_file(sources[k], &size);
        char whole[PATH_SIZE];
        snprintf(whole, PATH_SIZE, "%s", write_gz("whole.gz", bytes != NULL ? (const void *)bytes : table, size));
        free(bytes);
        bytes = load_file(whole, &size);
        assert_int_equal(read_any(whole, NULL, &data), DONE);
        dataset_free(&data);
        for (size_t cut = 2; cut < size; cut++) {
            struct dataset_request request = {.path = write_file("cut.gz", bytes, cut), .want_target = 1};
            read_bad(&request, FAILED, "@: the gzip file is cut off before its end");
        }
        assert_int_not_equal(read_any(write_file("cut.gz", bytes, 1), NULL, &data), DONE);
        free(bytes);
    }
}

/* A changed bit in the compressed data or the trailer is noticed, but for the up to seven bits that fill up the last
   byte of the data: they say nothing. (The header's time, flags and name carry nothing either.) */
static void changed_gzip_files_are_refused(void **state)
{
    struct dataset data;
    size_t size, unnoticed = 0;
    char whole[PATH_SIZE];
    (void)state;
    snprintf(whole, PATH_SIZE, "%s", write_gz("whole.gz", table, sizeof table - 1));
    unsigned char *bytes = load_file(whole, &size);
    assert_int_equal(read_any(whole, NULL, &data), DONE);
    uint32_t fingerprint = dataset_fingerprint(&data);
    dataset_free(&data);
    for (size_t k = 10; k < size; k++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[k] ^= (unsigned char)(1 << bit);
            if (read_any(write_file("flip.gz", bytes, size), NULL, &data) == DONE) {
                assert_int_equal(k, size - 9);
                assert_true(dataset_fingerprint(&data) == fingerprint);
                unnoticed++;
            }
            dataset_free(&data);
            bytes[k] ^= (unsigned char)(1 << bit);
        }
    assert_true(unnoticed <= 7);
    free(bytes);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* Changes one to four bytes, mostly to what has a meaning to the reader. */
static void change(unsigned char *bytes, size_t size, unsigned *seed)
{
    static const unsigned char meaningful[] = {'"', ',', '\n', '\r', ';', '\t', ' ', '0',
                                               '9', 'e', '-',  '.',  0,   255,  8,   3};
    for (unsigned left = 1 + next_random(seed) % 4; left > 0; left--) {
        unsigned drawn = next_random(seed);
        bytes[next_random(seed) % size] =
            drawn % 4 ? meaningful[drawn / 4 % sizeof meaningful] : (unsigned char)(drawn >> 3);
    }
}

static void randomly_changed_files_do_no_harm(void **state)
{
    const struct {
        const void *bytes;
        size_t size;
    } files[] = {{table, sizeof table - 1}, {images, sizeof images}, {labels, sizeof labels}};
    unsigned char bytes[sizeof table];
    char whole[PATH_SIZE];
    unsigned seed = 1;
    size_t good = 0, bad = 0;
    (void)state;
    snprintf(whole, PATH_SIZE, "%s", write_file("images", images, sizeof images));
    for (size_t turn = 0; turn < 6000; turn++) {
        size_t which = turn % 3;
        struct dataset data;
        memcpy(bytes, files[which].bytes, files[which].size);
        change(bytes, files[which].size, &seed);
        const char *path = write_file("changed-images-idx3-ubyte", bytes, files[which].size);
        enum verdict verdict = which == 2 ? read_any(whole, path, &data) : read_any(path, NULL, &data);
        good += verdict == DONE;
        bad += verdict != DONE;
        dataset_free(&data);
    }
    assert_true(good > 100 && bad > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_table_is_shorter_or_refused), cmocka_unit_test(cut_images_and_labels_are_refused),
        cmocka_unit_test(cut_gzip_files_are_refused),        cmocka_unit_test(changed_gzip_files_are_refused),
        cmocka_unit_test(randomly_changed_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
