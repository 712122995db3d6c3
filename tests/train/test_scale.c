/* SPDX-License-Identifier: MIT */
/* Scaling: against plain long-double sums, and where columns are constant, nearly so, enormous or tiny. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "files.h"
#include "scale.h"

static struct scale fit_good(enum scale_kind kind, const struct dataset *data)
{
    struct scale scale;
    struct trouble trouble = {""};
    if (scale_fit(&scale, kind, data, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    assert_int_equal(scale.columns, data->columns);
    return scale;
}

static void check_near(double value, long double expected)
{
    if (fabsl(value - expected) > 1e-13L * (1 + fabsl(expected)))
        fail_msg("%.17g is not %.17Lg", value, expected);
}

/* Offset and factor of each column by the textbook's formulas. */
static void check_standard(const struct scale *scale, const struct dataset *data)
{
    for (size_t column = 0; column < data->columns; column++) {
        long double mean = 0, variance = 0;
        for (size_t row = 0; row < data->rows; row++)
            mean += data->values[row * data->columns + column];
        mean /= (long double)data->rows;
        for (size_t row = 0; row < data->rows; row++)
            variance += powl(data->values[row * data->columns + column] - mean, 2);
        check_near(scale->offset[column], mean);
        check_near(scale->factor[column], variance > 0 ? 1 / sqrtl(variance / (long double)data->rows) : 1);
    }
}

static void real_tables_are_standardised(void **state)
{
    static const char *const sets[] = {SOURCE_DIR "/data/iris.csv", SOURCE_DIR "/data/breast_cancer.csv",
                                       SOURCE_DIR "/data/digits.csv", SOURCE_DIR "/data/diabetes.csv"};
    (void)state;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        struct dataset data = read_table(sets[k], 1);
        struct scale scale = fit_good(SCALE_STANDARD, &data), automatic = fit_good(SCALE_AUTO, &data);
        check_standard(&scale, &data);
        assert_memory_equal(scale.offset, automatic.offset, data.columns * sizeof *scale.offset);
        assert_memory_equal(scale.factor, automatic.factor, data.columns * sizeof *scale.factor);
        scale_free(&automatic);
        scale_free(&scale);
        scale_free(&scale);
        dataset_free(&data);
    }
}

/* Means and deviations of Fisher's iris data as published with it (UCI's iris.names: mean 5.84 3.05 3.76 1.20,
   deviation of the sample 0.83 0.43 1.76 0.76). */
static void iris_is_as_published(void **state)
{
    static const double means[] = {5.84, 3.05, 3.76, 1.20}, deviations[] = {0.83, 0.43, 1.76, 0.76};
    struct dataset data = read_table(SOURCE_DIR "/data/iris.csv", 1);
    struct scale scale = fit_good(SCALE_STANDARD, &data);
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        assert_true(fabs(scale.offset[k] - means[k]) < 0.0101);
        assert_true(fabs(1 / scale.factor[k] - deviations[k]) < 0.0101);
    }
    scale_free(&scale);
    dataset_free(&data);
}

static void minmax_and_none_are_simple(void **state)
{
    double values[] = {1, 10, 3, -10, 2, 30};
    struct dataset data = {.path = "t", .rows = 3, .columns = 2, .values = values};
    struct scale scale = fit_good(SCALE_MINMAX, &data);
    (void)state;
    assert_true(scale.offset[0] == 1 && scale.factor[0] == 0.5);
    assert_true(scale.offset[1] == -10 && scale.factor[1] == 1 / 40.0);
    scale_free(&scale);
    scale = fit_good(SCALE_NONE, &data);
    assert_true(scale.offset[0] == 0 && scale.factor[0] == 1 && scale.offset[1] == 0 && scale.factor[1] == 1);
    scale_free(&scale);
}

static void pixels_are_divided_by_255(void **state)
{
    uint8_t pixels[] = {0, 255, 7, 100, 155, 7};
    struct dataset data = {.path = "t", .rows = 2, .columns = 3, .pixels = pixels};
    struct scale scale = fit_good(SCALE_AUTO, &data);
    (void)state;
    for (size_t k = 0; k < 3; k++)
        assert_true(scale.offset[k] == 0 && scale.factor[k] == 1 / 255.0);
    scale_free(&scale);
    scale = fit_good(SCALE_STANDARD, &data);
    assert_true(scale.offset[0] == 50 && scale.factor[0] == 1 / 50.0);
    assert_true(scale.offset[1] == 205 && scale.factor[1] == 1 / 50.0);
    assert_true(scale.offset[2] == 7 && scale.factor[2] == 1);
    scale_free(&scale);
    scale = fit_good(SCALE_MINMAX, &data);
    assert_true(scale.offset[1] == 155 && scale.factor[1] == 1 / 100.0);
    scale_free(&scale);
}

/* Ten rows of one value, or of one value and what rounding makes of it, become 0 and not noise. */
static void constant_columns_are_safe(void **state)
{
    static const double constants[] = {0, 1, -3, 0.1, 1e300, 1e-310, 123456789.123, 1.7976931348623157e308};
    (void)state;
    for (size_t k = 0; k < sizeof constants / sizeof *constants; k++)
        for (int rounded = 0; rounded <= 1; rounded++) {
            double values[10];
            for (size_t row = 0; row < 10; row++)
                values[row] = rounded && row % 3 == 0 ? nextafter(constants[k], 0) : constants[k];
            struct dataset data = {.path = "t", .rows = 10, .columns = 1, .values = values};
            for (enum scale_kind kind = SCALE_AUTO; kind <= SCALE_MINMAX; kind++) {
                struct scale scale = fit_good(kind, &data);
                assert_true(scale.factor[0] == 1);
                for (size_t row = 0; row < 10; row++)
                    assert_true(fabs(values[row] - scale.offset[0]) <= 1e-15 * fabs(constants[k]) + 1e-320);
                assert_true(rounded || values[0] == scale.offset[0]);
                scale_free(&scale);
            }
        }
}

/* What varies is not taken for constant, also where the mean is large beside it. */
static void close_values_are_kept_apart(void **state)
{
    double values[] = {1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3}, fine[] = {1, 1 + 1e-12};
    struct dataset data = {.path = "t", .rows = 4, .columns = 1, .values = values};
    struct scale scale = fit_good(SCALE_STANDARD, &data);
    (void)state;
    assert_true(scale.offset[0] == 1e9 + 1.5);
    assert_true(fabs(scale.factor[0] - 1 / sqrt(1.25)) < 1e-15);
    scale_free(&scale);
    data = (struct dataset){.path = "t", .rows = 2, .columns = 1, .values = fine};
    scale = fit_good(SCALE_STANDARD, &data);
    assert_true(scale.factor[0] > 1.9e12 && scale.factor[0] < 2.1e12);
    scale_free(&scale);
}

/* Where a sum or a square leaves the doubles, the column is refused: never a factor of 0, nor an infinite one. */
static void the_ends_of_the_range_are_refused(void **state)
{
    static const struct {
        double low, high;
        enum scale_kind kind;
        const char *text;
    } bads[] = {
        {-1e308, 1e308, SCALE_MINMAX, "from -1e+308 to 1e+308"},
        {-1e308, 1e308, SCALE_STANDARD, "from -1e+308 to 1e+308"},
        {1.5e308, 1.7e308, SCALE_STANDARD, "from 1.5e+308 to 1.7e+308"},
        {-1e200, 1e200, SCALE_STANDARD, "from -1e+200 to 1e+200"},
        {1e-300, 3e-300, SCALE_STANDARD, "from 1e-300 to 3e-300"},
        {1e-160, 3e-160, SCALE_STANDARD, "from 1e-160 to 3e-160"},
    };
    struct dataset data = {.path = "t", .rows = 2, .columns = 1};
    struct trouble trouble;
    struct scale scale;
    (void)state;
    for (size_t k = 0; k < sizeof bads / sizeof *bads; k++) {
        double values[] = {bads[k].low, bads[k].high};
        char text[120];
        data.values = values;
        snprintf(text, sizeof text, "t: a column's values, %s, are too large or too close to be scaled", bads[k].text);
        assert_int_equal(scale_fit(&scale, bads[k].kind, &data, &trouble), FAILED);
        assert_string_equal(trouble.text, text);
        assert_true(!scale.offset && !scale.factor && scale.columns == 0);
    }
    data.rows = 0;
    assert_int_equal(scale_fit(&scale, SCALE_STANDARD, &data, &trouble), FAILED);
}

static void wide_ranges_are_scaled(void **state)
{
    double wide[] = {-1e153, 1e153}, narrow[] = {1e-150, 3e-150}, tiny[] = {1e-300, 3e-300};
    struct dataset data = {.path = "t", .rows = 2, .columns = 1, .values = wide};
    struct scale scale = fit_good(SCALE_STANDARD, &data);
    (void)state;
    assert_true(scale.offset[0] == 0 && fabs(scale.factor[0] * 1e153 - 1) < 1e-15);
    scale_free(&scale);
    data.values = narrow;
    scale = fit_good(SCALE_STANDARD, &data);
    assert_true(fabs((narrow[1] - scale.offset[0]) * scale.factor[0] - 1) < 1e-12);
    scale_free(&scale);
    data.values = tiny;
    scale = fit_good(SCALE_MINMAX, &data);
    assert_true(scale.offset[0] == 1e-300 && fabs((tiny[1] - tiny[0]) * scale.factor[0] - 1) < 1e-15);
    scale_free(&scale);
}

static void a_numeric_target_is_one_column(void **state)
{
    double numbers[] = {10, 20, 60}, constant[] = {5, 5, 5};
    struct dataset data = {.path = "t", .rows = 3, .columns = 7, .numbers = numbers, .target = TARGET_NUMBER};
    struct scale scale;
    struct trouble trouble;
    (void)state;
    for (enum scale_kind kind = SCALE_AUTO; kind <= SCALE_MINMAX; kind++) {
        assert_int_equal(scale_fit_target(&scale, kind, &data, &trouble), DONE);
        assert_true(scale.columns == 1 && scale.offset[0] == 30);
        assert_true(fabs(scale.factor[0] * sqrt(1400.0 / 3) - 1) < 1e-15);
        scale_free(&scale);
    }
    assert_int_equal(scale_fit_target(&scale, SCALE_NONE, &data, &trouble), DONE);
    assert_true(scale.columns == 1 && scale.offset[0] == 0 && scale.factor[0] == 1);
    scale_free(&scale);
    data.numbers = constant;
    assert_int_equal(scale_fit_target(&scale, SCALE_AUTO, &data, &trouble), DONE);
    assert_true(scale.offset[0] == 5 && scale.factor[0] == 1);
    scale_free(&scale);
    data.numbers = NULL;
    assert_int_equal(scale_fit_target(&scale, SCALE_AUTO, &data, &trouble), MISUSE);
}

static void kinds_have_names(void **state)
{
    static const char *const names[] = {"auto", "standard", "minmax", "none"};
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        enum scale_kind kind = SCALE_AUTO;
        assert_string_equal(scale_name((enum scale_kind)k), names[k]);
        assert_int_equal(scale_by_name(names[k], &kind), 0);
        assert_int_equal(kind, k);
    }
    enum scale_kind kind = SCALE_MINMAX;
    assert_null(scale_name((enum scale_kind)4));
    assert_int_equal(scale_by_name("robust", &kind), -1);
    assert_int_equal(kind, SCALE_MINMAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_tables_are_standardised),      cmocka_unit_test(iris_is_as_published),
        cmocka_unit_test(minmax_and_none_are_simple),        cmocka_unit_test(pixels_are_divided_by_255),
        cmocka_unit_test(constant_columns_are_safe),         cmocka_unit_test(close_values_are_kept_apart),
        cmocka_unit_test(the_ends_of_the_range_are_refused), cmocka_unit_test(wide_ranges_are_scaled),
        cmocka_unit_test(a_numeric_target_is_one_column),    cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
