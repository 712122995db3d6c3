/* SPDX-License-Identifier: MIT */
/* IDX: images find their labels, and a header is believed only where the file is exactly as long as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "files.h"

/* A 3 x 2 x 2 images file and its labels, byte by byte as the format's description at yann.lecun.com/exdb/mnist has
   it. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                       0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 2};
enum { IMAGES_HEAD = 16, PIXELS = 12 };

static struct dataset_request request_for(const char *path, int want_target)
{
    return (struct dataset_request){.path = path, .want_target = want_target};
}

static void check_images(const struct dataset *data)
{
    assert_int_equal(data->rows, 3);
    assert_int_equal(data->columns, 4);
    assert_memory_equal(data->pixels, images + IMAGES_HEAD, PIXELS);
    assert_null(data->values);
    assert_null(data->column_names);
    assert_null(data->target_name);
}

static void check_classes(const struct dataset *data)
{
    static const int32_t expected[] = {2, 0, 2};
    assert_int_equal(data->target, TARGET_CLASS);
    assert_memory_equal(data->labels, expected, sizeof expected);
    assert_int_equal(data->classes, 3);
    assert_string_equal(data->class_names[0], "0");
    assert_string_equal(data->class_names[1], "1");
    assert_string_equal(data->class_names[2], "2");
}

static void labels_are_found_by_the_usual_name(void **state)
{
    static const struct {
        const char *images, *labels;
    } names[] = {
        {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
        {"a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte.gz"},
        {"b-images-idx3-ubyte", "b-labels-idx1-ubyte.gz"},
        {"c-images-idx3-ubyte.gz", "c-labels-idx1-ubyte"},
        {"t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"},
        {"images-images-idx3-ubyte", "images-labels-idx1-ubyte"},
        {"images.bin", "labels.bin"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const char *path = strstr(names[k].images, ".gz") != NULL ? write_gz(names[k].images, images, sizeof images)
                                                                  : write_file(names[k].images, images, sizeof images);
        struct dataset_request request = request_for(path, 0);
        struct dataset data = read_good(&request);
        check_images(&data);
        assert_int_equal(data.target, TARGET_NONE);
        assert_null(data.labels);
        dataset_free(&data);
        if (strstr(names[k].labels, ".gz") != NULL)
            write_gz(names[k].labels, labels, sizeof labels);
        else
            write_file(names[k].labels, labels, sizeof labels);
        for (request.want_target = 0; request.want_target <= 1; request.want_target++) {
            data = read_good(&request);
            check_images(&data);
            check_classes(&data);
            dataset_free(&data);
        }
    }
}

static void labels_may_be_named(void **state)
{
    struct dataset_request request = request_for(write_file("pictures", images, sizeof images), 1);
    char line[2 * PATH_SIZE];
    (void)state;
    read_bad(&request, FAILED, "@: the labels file cannot be told from this name (...images...): say which it is");
    request.labels_path = write_file("what-they-show", labels, sizeof labels);
    struct dataset data = read_good(&request);
    check_images(&data);
    check_classes(&data);
    dataset_free(&data);
    request.labels_path = in_folder("nowhere");
    snprintf(line, sizeof line, "%s: No such file or directory", request.labels_path);
    read_bad(&request, FAILED, line);
    request = request_for(write_file("lonely-images-idx3-ubyte", images, sizeof images), 1);
    snprintf(line, sizeof line, "@: its labels file %s/lonely-labels-idx1-ubyte is not there", folder);
    read_bad(&request, FAILED, line);
}

static void a_rank_of_two_is_rows_of_pixels(void **state)
{
    static const unsigned char flat[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    struct dataset_request request = request_for(write_file("flat-images-idx2-ubyte", flat, sizeof flat), 0);
    struct dataset data = read_good(&request);
    (void)state;
    assert_true(data.rows == 2 && data.columns == 3);
    assert_memory_equal(data.pixels, flat + 12, 6);
    dataset_free(&data);
}

static void known_classes_and_sizes_are_checked(void **state)
{
    static const char *const named[] = {"2", "0"}, *const digits[] = {"0", "1"};
    struct dataset_request request = request_for(write_file("k-images-idx3-ubyte", images, sizeof images), 1);
    const char *path = write_file("k-labels-idx1-ubyte", labels, sizeof labels);
    char line[2 * PATH_SIZE];
    (void)state;
    request.class_names = named;
    request.classes = 2;
    request.columns = 4;
    struct dataset data = read_good(&request);
    assert_true(data.classes == 2 && data.labels[0] == 0 && data.labels[1] == 1 && data.labels[2] == 0);
    dataset_free(&data);
    request.class_names = digits;
    snprintf(line, sizeof line, "%s: row 1: label 2 is none of the known classes: 0, 1", path);
    read_bad(&request, FAILED, line);
    request.columns = 784;
    read_bad(&request, FAILED, "@: expected images of 784 pixels, found 4");
    request.column_names = named;
    read_bad(&request, FAILED, "@: holds images, but a table with columns like '2' is needed");
    request.column_names = NULL;
    request.target = "digit";
    read_bad(&request, MISUSE, "@: holds images, whose target is their labels file; no column can be named");
}

static void labels_may_be_read_as_numbers(void **state)
{
    struct dataset_request request = request_for(write_file("n-images-idx3-ubyte", images, sizeof images), 1);
    (void)state;
    write_file("n-labels-idx1-ubyte", labels, sizeof labels);
    request.kind = TARGET_NUMBER;
    struct dataset data = read_good(&request);
    assert_true(data.target == TARGET_NUMBER && data.labels == NULL && data.classes == 0);
    assert_true(data.numbers[0] == 2 && data.numbers[1] == 0 && data.numbers[2] == 2);
    dataset_free(&data);
}

struct bad {
    unsigned char bytes[24];
    size_t size;
    const char *line;
};

static void bad_images_are_refused(void **state)
{
    static const struct bad bads[] = {
        {{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3},
         19,
         "@: the IDX header says 4 bytes of images, found 3"},
        {{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, 16, "@: the IDX header says 4 bytes of images, found 0"},
        {{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5},
         21,
         "@: the IDX header says 4 bytes of images, found 5"},
        {{0, 0, 8, 3, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2},
         18,
         "@: the IDX header says 33818120 bytes of images, found 2"},
        {{0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2},
         18,
         "@: the IDX header says 8589934590 bytes of images, found 2"},
        {{0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1},
         17,
         "@: the IDX header says more bytes than memory can hold (4294967295 rows)"},
        {{0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2},
         16,
         "@: the IDX header says that there are no rows: size 1 is 0"},
        {{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2},
         16,
         "@: the IDX header says that there are no pixels: size 2 is 0"},
        {{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0},
         15,
         "@: the IDX header is cut off: expected 16 bytes, found 15"},
        {{0, 0, 8}, 3, "@: the IDX header is cut off: expected 4 bytes, found 3"},
        {{0, 0, 8, 1, 0, 0, 0, 1, 7}, 9, "@: an IDX file of 1 dimensions; images have 3 (or 2)"},
        {{0, 0, 8, 4, 0, 0, 0, 1, 7}, 9, "@: an IDX file of 4 dimensions; images have 3 (or 2)"},
        {{0, 0, 0x0d, 3, 0, 0, 0, 1, 7}, 9, "@: an IDX file of floats; only unsigned bytes are read"},
        {{0, 0, 0x0b, 3, 0, 0, 0, 1, 7}, 9, "@: an IDX file of 16-bit integers; only unsigned bytes are read"},
        {{0, 0, 0x17, 3, 0, 0, 0, 1, 7}, 9, "@: not an IDX file that can be read: unknown element type 0x17"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof bads / sizeof *bads; k++) {
        struct dataset_request request = request_for(write_file("bad-images", bads[k].bytes, bads[k].size), 0);
        read_bad(&request, FAILED, bads[k].line);
        request.path = write_gz("bad-images.gz", bads[k].bytes, bads[k].size);
        read_bad(&request, FAILED, bads[k].line);
    }
}

static void bad_labels_are_refused(void **state)
{
    static const struct bad bads[] = {
        {{0, 0, 8, 1, 0, 0, 0, 2, 0, 1}, 10, "#: 2 labels for the 3 images of @"},
        {{0, 0, 8, 1, 0, 0, 0, 3, 0, 1}, 10, "#: the IDX header says 3 bytes of labels, found 2"},
        {{0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2, 3}, 12, "#: the IDX header says 3 bytes of labels, found 4"},
        {{0, 0, 8, 1, 0, 0, 0, 3, 4, 4, 4}, 11, "#: holds one class only, '4': there is nothing to tell apart"},
        {{0, 0, 8, 3, 0, 0, 0, 3, 4, 4, 4}, 11, "#: an IDX file of 3 dimensions; labels have 1"},
        {{0, 0, 9, 1, 0, 0, 0, 3, 4, 4, 4}, 11, "#: an IDX file of signed bytes; only unsigned bytes are read"},
        {{'a', ',', 'b'}, 3, "#: not an IDX file, which labels must be"},
    };
    char images_path[PATH_SIZE];
    struct dataset_request request = request_for(images_path, 1);
    (void)state;
    snprintf(images_path, sizeof images_path, "%s", write_file("l-images-idx3-ubyte", images, sizeof images));
    for (size_t k = 0; k < sizeof bads / sizeof *bads; k++) {
        const char *path = write_file("l-labels-idx1-ubyte", bads[k].bytes, bads[k].size);
        char line[4 * PATH_SIZE];
        size_t size = strlen(bads[k].line);
        int has_images = bads[k].line[size - 1] == '@';
        snprintf(line, sizeof line, "%s%.*s%s", path, (int)size - 1 - has_images, bads[k].line + 1,
                 has_images ? request.path : "");
        read_bad(&request, FAILED, line);
    }
}

/* More than the reader's window, and more than one turn of its growth. */
static void large_files_are_read_and_counted(void **state)
{
    enum { ROWS = 3000, SIZE = 28 * 28, ALL = ROWS * SIZE };
    unsigned char *bytes = malloc(IMAGES_HEAD + ALL + 1);
    static const unsigned char head[] = {0, 0, 8, 3, 0, 0, ROWS >> 8, ROWS & 255, 0, 0, 0, 28, 0, 0, 0, 28};
    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, head, IMAGES_HEAD);
    for (size_t k = 0; k <= ALL; k++)
        bytes[IMAGES_HEAD + k] = (unsigned char)(k * k >> 7);
    struct dataset_request request = request_for(write_gz("large-images.gz", bytes, IMAGES_HEAD + ALL), 0);
    struct dataset data = read_good(&request);
    assert_true(data.rows == ROWS && data.columns == SIZE);
    assert_memory_equal(data.pixels, bytes + IMAGES_HEAD, ALL);
    dataset_free(&data);
    request.path = write_gz("large-images.gz", bytes, IMAGES_HEAD + ALL + 1);
    read_bad(&request, FAILED, "@: the IDX header says 2352000 bytes of images, found 2352001");
    bytes[7] = 1; /* far fewer rows than are there: what is left over is counted, not kept */
    bytes[6] = 0;
    read_bad(&(struct dataset_request){.path = write_file("large-images", bytes, IMAGES_HEAD + ALL)}, FAILED,
             "@: the IDX header says 784 bytes of images, found 2352000");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_found_by_the_usual_name),
        cmocka_unit_test(labels_may_be_named),
        cmocka_unit_test(a_rank_of_two_is_rows_of_pixels),
        cmocka_unit_test(known_classes_and_sizes_are_checked),
        cmocka_unit_test(labels_may_be_read_as_numbers),
        cmocka_unit_test(bad_images_are_refused),
        cmocka_unit_test(bad_labels_are_refused),
        cmocka_unit_test(large_files_are_read_and_counted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
