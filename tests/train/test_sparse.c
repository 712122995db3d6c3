/* SPDX-License-Identifier: MIT */
/* Sparse tables give what the same table gives dense. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fits.h"
#include "sparse_data.h"

static const enum scale_kind kinds[] = {SCALE_AUTO, SCALE_STANDARD, SCALE_MINMAX, SCALE_NONE};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void check_near(double value, double expected)
{
    if (fabs(value - expected) > 1e-13 * (1 + fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void check_scales(const struct dataset *dense)
{
    struct dataset data = made_sparse(dense);
    struct trouble trouble;
    for (size_t k = 0; k < KINDS; k++) {
        struct scale from_dense, from_sparse;
        assert_int_equal(scale_fit(&from_dense, kinds[k], dense, &trouble), DONE);
        assert_int_equal(scale_fit(&from_sparse, kinds[k], &data, &trouble), DONE);
        for (size_t c = 0; c < data.columns; c++) {
            check_near(from_sparse.offset[c], from_dense.offset[c]);
            check_near(from_sparse.factor[c], from_dense.factor[c]);
        }
        scale_free(&from_dense);
        scale_free(&from_sparse);
    }
    dataset_free(&data);
}

static void test_scales_are_those_of_the_dense_table(void **state)
{
    (void)state;
    struct dataset digits = read_data("digits.csv", TARGET_CLASS), iris = read_data("iris.csv", TARGET_CLASS);
    check_scales(&digits);
    check_scales(&iris);
    dataset_free(&digits);
    dataset_free(&iris);

    /* Columns of zeros alone, without one, above and below 0 with zeros between, constant. */
    double values[] = {0, 3, 5, -7, 2, /**/ 0, 4, 0, 0, 2, /**/ 0, -9, 6, -1, 2};
    const struct dataset small = {.path = "t", .rows = 3, .columns = 5, .values = values};
    check_scales(&small);
}

static void test_enormous_values_are_refused_as_in_a_dense_table(void **state)
{
    (void)state;
    double values[] = {1e308, -1e308, 0, 1e308};
    const struct dataset dense = {.path = "t", .rows = 4, .columns = 1, .values = values};
    struct dataset data = made_sparse(&dense);
    struct scale scale;
    struct trouble trouble;
    assert_int_equal(scale_fit(&scale, SCALE_STANDARD, &data, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "too large"));
    assert_null(scale.offset);
    dataset_free(&data);
}

/* Scaled by the same numbers, rows are the same bits. */
static void test_batches_are_those_of_the_dense_table(void **state)
{
    (void)state;
    static const size_t order[] = {5, 3, 3, 1700, 0};
    enum { ROWS = sizeof order / sizeof *order };
    struct dataset dense = read_data("digits.csv", TARGET_CLASS), data = made_sparse(&dense);
    struct trouble trouble;
    struct scale scale;
    assert_int_equal(scale_fit(&scale, SCALE_STANDARD, &dense, &trouble), DONE);
    struct samples from_dense, from_sparse;
    assert_int_equal(samples_create(&from_dense, &dense, &scale, NULL, &trouble), DONE);
    assert_int_equal(samples_create(&from_sparse, &data, &scale, NULL, &trouble), DONE);
    float *x = malloc(2 * ROWS * dense.columns * sizeof *x), *y = x + ROWS * dense.columns;
    samples_gather(&from_dense, order, 0, ROWS, x, NULL, NULL);
    samples_gather(&from_sparse, order, 0, ROWS, y, NULL, NULL);
    assert_memory_equal(x, y, ROWS * dense.columns * sizeof *x);
    free(x);
    samples_free(&from_dense);
    samples_free(&from_sparse);
    scale_free(&scale);
    dataset_free(&data);
    dataset_free(&dense);
}

/* Where the scale has the same bits, so has the whole run. */
static void test_training_is_that_of_the_dense_table(void **state)
{
    (void)state;
    struct dataset dense = read_data("digits.csv", TARGET_CLASS), data = made_sparse(&dense);
    struct fit_settings settings = settings_for("mlp:16", ADADELTA_METHOD_ADADELTA, 2);
    settings.scale = SCALE_MINMAX;
    struct fit *one = new_fit(&settings, &dense, 1), *other = new_fit(&settings, &data, 2);
    run_to_end(one);
    run_to_end(other);
    assert_same_predictions(one, other, &dense);
    assert_same_predictions(one, other, &data);
    double *p = predictions(one, &dense), *q = predictions(one, &data);
    assert_memory_equal(p, q, dense.rows * 10 * sizeof *p);
    struct fit_score score, sparse_score;
    struct trouble trouble;
    assert_int_equal(fit_evaluate(one, &dense, &score, &trouble), DONE);
    assert_int_equal(fit_evaluate(one, &data, &sparse_score, &trouble), DONE);
    assert_memory_equal(&score, &sparse_score, sizeof score);
    free(p);
    free(q);
    fit_destroy(one);
    fit_destroy(other);
    dataset_free(&data);
    dataset_free(&dense);
}

static void test_rows_are_selected_and_split(void **state)
{
    (void)state;
    struct dataset dense = read_data("digits.csv", TARGET_CLASS), data = made_sparse(&dense), part, dense_part;
    size_t *index = malloc(2 * data.rows * sizeof *index), *other = index + data.rows, border, other_border;
    struct trouble trouble;
    assert_int_equal(dataset_split(&dense, 0.2, 3, index, &border, &trouble), DONE);
    assert_int_equal(dataset_split(&data, 0.2, 3, other, &other_border, &trouble), DONE);
    assert_int_equal(border, other_border);
    assert_memory_equal(index, other, data.rows * sizeof *index);
    assert_int_equal(dataset_select(&part, &data, index + border, data.rows - border, &trouble), DONE);
    assert_int_equal(dataset_select(&dense_part, &dense, index + border, data.rows - border, &trouble), DONE);
    struct dataset expected = made_sparse(&dense_part);
    assert_int_equal(dataset_fingerprint(&part), dataset_fingerprint(&expected));
    assert_memory_equal(part.sparse.row_start, expected.sparse.row_start, (part.rows + 1) * sizeof(size_t));
    free(index);
    dataset_free(&expected);
    dataset_free(&dense_part);
    dataset_free(&part);
    dataset_free(&data);
    dataset_free(&dense);
}

static void test_fingerprint_sees_value_and_place(void **state)
{
    (void)state;
    struct dataset dense = read_data("digits.csv", TARGET_CLASS), data = made_sparse(&dense);
    const uint32_t whole = dataset_fingerprint(&data);
    data.sparse.values[17] += 1;
    assert_int_not_equal(dataset_fingerprint(&data), whole);
    data.sparse.values[17] -= 1;
    assert_int_equal(dataset_fingerprint(&data), whole);
    data.sparse.columns[data.sparse.row_start[5] - 1]++;
    assert_int_not_equal(dataset_fingerprint(&data), whole);
    data.sparse.columns[data.sparse.row_start[5] - 1]--;
    data.sparse.row_start[5]++; /* the first value of a row becomes the last of the one before */
    assert_int_not_equal(dataset_fingerprint(&data), whole);
    dataset_free(&data);
    dataset_free(&dense);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales_are_those_of_the_dense_table),
        cmocka_unit_test(test_enormous_values_are_refused_as_in_a_dense_table),
        cmocka_unit_test(test_batches_are_those_of_the_dense_table),
        cmocka_unit_test(test_training_is_that_of_the_dense_table),
        cmocka_unit_test(test_rows_are_selected_and_split),
        cmocka_unit_test(test_fingerprint_sees_value_and_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
