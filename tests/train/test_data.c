/* SPDX-License-Identifier: MIT */
/* The data sets of the repository as they are known elsewhere, and what is done with rows once they are read: chosen,
   split, fingerprinted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "files.h"
#include "format.h"

static const char *const sets[] = {SOURCE_DIR "/data/iris.csv", SOURCE_DIR "/data/breast_cancer.csv",
                                   SOURCE_DIR "/data/digits.csv", SOURCE_DIR "/data/diabetes.csv"};
enum { SETS = 4 };

static size_t count_label(const struct dataset *data, const size_t *index, size_t count, int32_t label)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k++)
        found += data->labels[index != NULL ? index[k] : k] == label;
    return found;
}

static void real_data_are_as_published(void **state)
{
    /* Rows, features and class counts from the UCI repository's pages; diabetes from Efron et al., 2004. */
    static const struct {
        size_t rows, columns, classes;
        const char *names[10];
        size_t counts[10];
    } known[SETS] = {
        {150, 4, 3, {"setosa", "versicolor", "virginica"}, {50, 50, 50}},
        {569, 30, 2, {"benign", "malignant"}, {357, 212}},
        {1797,
         64,
         10,
         {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
         {178, 182, 177, 183, 181, 182, 181, 179, 174, 180}},
        {442, 10, 0, {NULL}, {0}},
    };
    (void)state;
    for (size_t k = 0; k < SETS; k++) {
        struct dataset data = read_table(sets[k], 1);
        assert_int_equal(data.rows, known[k].rows);
        assert_int_equal(data.columns, known[k].columns);
        assert_int_equal(data.classes, known[k].classes);
        assert_int_equal(data.target, data.classes > 0 ? TARGET_CLASS : TARGET_NUMBER);
        for (size_t c = 0; c < data.classes; c++) {
            assert_string_equal(data.class_names[c], known[k].names[c]);
            assert_int_equal(count_label(&data, NULL, data.rows, (int32_t)c), known[k].counts[c]);
        }
        dataset_free(&data);
    }
}

/* Cell by cell against fgets, strtok and strtod. */
static void real_data_are_read_cell_by_cell(void **state)
{
    (void)state;
    for (size_t k = 0; k < SETS; k++) {
        struct dataset data = read_table(sets[k], 1);
        FILE *file = fopen(sets[k], "r");
        char line[20000];
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof line, file));
        for (size_t column = 0; column < data.columns; column++)
            assert_string_equal(data.column_names[column], strtok(column == 0 ? line : NULL, ","));
        assert_string_equal(data.target_name, strtok(NULL, ",\n"));
        for (size_t row = 0; row < data.rows; row++) {
            assert_non_null(fgets(line, sizeof line, file));
            for (size_t column = 0; column < data.columns; column++)
                assert_true(data.values[row * data.columns + column] ==
                            strtod(strtok(column == 0 ? line : NULL, ","), NULL));
            const char *target = strtok(NULL, ",\n");
            if (data.target == TARGET_CLASS)
                assert_string_equal(data.class_names[data.labels[row]], target);
            else
                assert_true(data.numbers[row] == strtod(target, NULL));
        }
        assert_null(fgets(line, sizeof line, file));
        fclose(file);
        dataset_free(&data);
    }
}

static void every_format_has_a_row(void **state)
{
    static const unsigned char idx[] = {0, 0, 8, 3}, csv[] = {'a', ',', 'b'};
    (void)state;
    assert_int_equal(data_format_count, 2);
    assert_true(data_formats[0].detect(idx, sizeof idx) && !data_formats[0].detect(csv, sizeof csv));
    assert_true(data_formats[1].detect(csv, sizeof csv));
}

/* ---- Selection ---- */

static void selected_rows_are_copies(void **state)
{
    static const size_t index[] = {149, 0, 0, 75}, wrong[] = {0, 150};
    static const struct dataset empty;
    struct dataset data = read_table(sets[0], 1), chosen;
    struct trouble trouble;
    (void)state;
    assert_int_equal(dataset_select(&chosen, &data, wrong, 2, &trouble), MISUSE);
    assert_string_equal(trouble.text, "row 150 of 150 cannot be selected");
    assert_memory_equal(&chosen, &empty, sizeof empty);
    assert_int_equal(dataset_select(&chosen, &data, index, 4, &trouble), DONE);
    for (size_t k = 0; k < 4; k++) {
        assert_memory_equal(chosen.values + 4 * k, data.values + 4 * index[k], 4 * sizeof *data.values);
        assert_int_equal(chosen.labels[k], data.labels[index[k]]);
    }
    dataset_free(&data);
    assert_true(chosen.rows == 4 && chosen.columns == 4 && chosen.classes == 3 && chosen.target == TARGET_CLASS);
    assert_string_equal(chosen.path, sets[0]);
    assert_string_equal(chosen.column_names[3], "petal_width_cm");
    assert_string_equal(chosen.target_name, "species");
    assert_string_equal(chosen.class_names[2], "virginica");
    dataset_free(&chosen);
    data = read_table(sets[3], 1);
    assert_int_equal(dataset_select(&chosen, &data, index, 4, &trouble), DONE);
    assert_true(chosen.numbers[0] == data.numbers[149] && chosen.labels == NULL && chosen.class_names == NULL);
    dataset_free(&chosen);
    assert_int_equal(dataset_select(&chosen, &data, NULL, 0, &trouble), DONE);
    assert_int_equal(chosen.rows, 0);
    dataset_free(&chosen);
    dataset_free(&data);
    dataset_free(&data);
}

static void selected_pixels_are_copies(void **state)
{
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
    int32_t labels[] = {0, 1, 1};
    char *names[] = {"0", "1"};
    struct dataset data = {.path = "p",
                           .rows = 3,
                           .columns = 2,
                           .pixels = pixels,
                           .target = TARGET_CLASS,
                           .labels = labels,
                           .class_names = names,
                           .classes = 2},
                   chosen;
    static const size_t index[] = {2, 0};
    static const uint8_t expected[] = {5, 6, 1, 2};
    struct trouble trouble;
    (void)state;
    assert_int_equal(dataset_select(&chosen, &data, index, 2, &trouble), DONE);
    assert_memory_equal(chosen.pixels, expected, sizeof expected);
    assert_true(chosen.labels[0] == 1 && chosen.labels[1] == 0 && chosen.values == NULL && chosen.column_names == NULL);
    dataset_free(&chosen);
}

/* ---- Split ---- */

/* index holds every row once, each part in the order of the file; returns the test part's size. */
static size_t check_split(const struct dataset *data, double fraction, uint64_t seed, size_t *index)
{
    struct trouble trouble = {""};
    size_t train = 0, *seen = calloc(data->rows, sizeof *seen);
    assert_non_null(seen);
    if (dataset_split(data, fraction, seed, index, &train, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    assert_true(train >= 1 && train < data->rows);
    for (size_t k = 0; k < data->rows; k++) {
        assert_true(index[k] < data->rows);
        assert_int_equal(seen[index[k]]++, 0);
        assert_true(k == 0 || k == train || index[k] > index[k - 1]);
    }
    free(seen);
    return data->rows - train;
}

static void splits_are_stratified(void **state)
{
    static const double fractions[] = {0.01, 0.1, 0.2, 1.0 / 3, 0.5, 0.9, 0.97};
    (void)state;
    for (size_t k = 0; k < SETS; k++) {
        struct dataset data = read_table(sets[k], 1);
        size_t *index = malloc(data.rows * sizeof *index);
        assert_non_null(index);
        for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
            size_t test = check_split(&data, fractions[f], 1, index), expected = 0;
            for (size_t c = 0; c < data.classes; c++) {
                size_t share = (size_t)lround(fractions[f] * (double)count_label(&data, NULL, data.rows, (int32_t)c));
                assert_int_equal(count_label(&data, index + data.rows - test, test, (int32_t)c), share);
                expected += share;
            }
            if (data.target == TARGET_NUMBER)
                expected = (size_t)lround(fractions[f] * (double)data.rows);
            assert_int_equal(test, expected);
        }
        free(index);
        dataset_free(&data);
    }
}

static void a_split_depends_on_the_seed_alone(void **state)
{
    struct dataset data = read_table(sets[2], 1);
    static size_t first[1797], again[1797], counts[1797];
    (void)state;
    check_split(&data, 0.2, 1, first);
    check_split(&data, 0.2, 1, again);
    assert_memory_equal(first, again, sizeof first);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        size_t test = check_split(&data, 0.2, seed, again);
        assert_true(seed == 1 || memcmp(first, again, sizeof first) != 0);
        for (size_t k = 0; k < test; k++)
            counts[again[1797 - test + k]]++;
    }
    /* Every row is drawn about 200 * 0.2 = 40 times, with a deviation of 5.7. */
    for (size_t row = 0; row < 1797; row++)
        assert_true(counts[row] >= 10 && counts[row] <= 75);
    dataset_free(&data);
}

static void small_splits_leave_a_row_on_either_side(void **state)
{
    int32_t labels[] = {0, 1, 2, 3, 3};
    double numbers[] = {1, 2};
    struct dataset data = {.path = "few.csv", .rows = 5, .target = TARGET_CLASS, .labels = labels, .classes = 5};
    size_t index[5], train;
    struct trouble trouble;
    (void)state;
    assert_int_equal(check_split(&data, 0.001, 1, index), 1);
    assert_int_equal(labels[index[4]], 3);
    assert_int_equal(check_split(&data, 0.999, 1, index), 4);
    assert_int_equal(labels[index[0]], 3);
    data = (struct dataset){.path = "few.csv", .rows = 2, .target = TARGET_NUMBER, .numbers = numbers};
    assert_int_equal(check_split(&data, 0.001, 1, index), 1);
    assert_int_equal(check_split(&data, 0.999, 1, index), 1);
    data.rows = 1;
    assert_int_equal(dataset_split(&data, 0.5, 1, index, &train, &trouble), MISUSE);
    assert_string_equal(trouble.text, "few.csv: one row cannot be split into training and test rows");
}

static void bad_fractions_are_refused(void **state)
{
    static const double fractions[] = {0, 1, -0.1, 1.5, NAN, INFINITY};
    double numbers[] = {1, 2};
    struct dataset data = {.path = "few.csv", .rows = 2, .target = TARGET_NUMBER, .numbers = numbers};
    size_t index[2], train;
    struct trouble trouble;
    (void)state;
    for (size_t k = 0; k < sizeof fractions / sizeof *fractions; k++) {
        assert_int_equal(dataset_split(&data, fractions[k], 1, index, &train, &trouble), MISUSE);
        assert_non_null(strstr(trouble.text, "the test fraction must be above 0 and below 1, not "));
    }
}

/* ---- Fingerprint ---- */

static void a_fingerprint_tells_data_apart(void **state)
{
    struct dataset data = read_table(sets[0], 1);
    uint32_t whole = dataset_fingerprint(&data);
    (void)state;
    struct dataset again = read_table(sets[0], 1);
    assert_true(dataset_fingerprint(&again) == whole);
    dataset_free(&again);
    data.values[7] = nextafter(data.values[7], 9);
    assert_true(dataset_fingerprint(&data) != whole);
    data.values[7] = nextafter(data.values[7], 0);
    assert_true(dataset_fingerprint(&data) == whole);
    data.labels[149] = 0;
    assert_true(dataset_fingerprint(&data) != whole);
    data.labels[149] = 2;
    data.class_names[0][0] = 'S';
    assert_true(dataset_fingerprint(&data) != whole);
    data.class_names[0][0] = 's';
    data.rows--;
    assert_true(dataset_fingerprint(&data) != whole);
    dataset_free(&data);
}

/* The bytes that the sum is of, written out by hand. */
static void a_fingerprint_is_a_crc32(void **state)
{
    static const unsigned char bytes[] = {2, 0, 0, 0, 0, 0, 0,   0,  1, 0,   0,  0, 0, 0, 0, 0, 2, 0, 0,   0, 0,
                                          0, 0, 0, 0, 0, 0, 0,   0,  0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 192, /* 1, -2 */
                                          0, 0, 0, 0, 0, 0, 224, 63, 0, 0,   0,  0, 0, 0, 8, 64};          /* 0.5, 3 */
    double values[] = {1, -2}, numbers[] = {0.5, 3};
    struct dataset data = {.rows = 2, .columns = 1, .values = values, .numbers = numbers, .target = TARGET_NUMBER};
    (void)state;
    assert_true(dataset_fingerprint(&data) == crc32(0, bytes, sizeof bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_data_are_as_published),
        cmocka_unit_test(real_data_are_read_cell_by_cell),
        cmocka_unit_test(every_format_has_a_row),
        cmocka_unit_test(selected_rows_are_copies),
        cmocka_unit_test(selected_pixels_are_copies),
        cmocka_unit_test(splits_are_stratified),
        cmocka_unit_test(a_split_depends_on_the_seed_alone),
        cmocka_unit_test(small_splits_leave_a_row_on_either_side),
        cmocka_unit_test(bad_fractions_are_refused),
        cmocka_unit_test(a_fingerprint_tells_data_apart),
        cmocka_unit_test(a_fingerprint_is_a_crc32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
