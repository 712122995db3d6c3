/* SPDX-License-Identifier: MIT */
/* Numbers in a table's cells: rounded as the C library rounds them, in every locale, and nothing else taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/cell.h"
#include "data/grow.h"

static void check_number(const char *text)
{
    double value, expected = strtod(text, NULL); /* tests run in the C locale */
    if (cell_number(text, &value) != CELL_NUMBER || memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("'%s' is %a, not %a", text, expected, value);
}

static void numbers_are_rounded_correctly(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "+0",
        "1",
        "-1",
        "+1",
        "007",
        "1.",
        ".5",
        "-.5",
        "1.50",
        "1e3",
        "1E3",
        "1e+3",
        "1e-3",
        "0e999999999999",
        "0.1",
        "0.3",
        "123456789.123456789",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740995", /* about 2^53 */
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "8.41e21",
        "9.5e-22",
        "6929495644600919.5",
        "18446744073709551615",
        "18446744073709551616",
        "184467440737095516159",
        "99999999999999999999999999",
        "0.000000000000000000000000000000000000000001",
        "1797693134862315700000000000000000000000e269",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "1e-400",
        "1.7976931348623157e308",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126",
    };
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        check_number(texts[k]);
}

static void random_numbers_are_rounded_correctly(void **state)
{
    unsigned long long seed = 1;
    (void)state;
    for (int k = 0; k < 200000; k++) {
        char text[80], digits[40];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int length = 1 + (int)((seed >> 33) % 21), point = (int)((seed >> 40) % (unsigned)(length + 1));
        for (int i = 0; i < length; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            digits[i] = (char)('0' + (seed >> 33) % 10);
        }
        digits[length] = '\0';
        int size = snprintf(text, sizeof text, "%s%.*s.%s", seed >> 60 & 1 ? "-" : "", point, digits, digits + point);
        if (seed >> 61 & 1)
            snprintf(text + size, sizeof text - (size_t)size, "e%d", (int)((seed >> 20) % 61) - 30);
        check_number(text);
    }
}

static void other_texts_are_no_numbers(void **state)
{
    static const char *const texts[] = {"abc", "1,5", "0x10", "0x1p3", "1e",       "1e+",    "e5", ".",
                                        "-",   "+",   "--1",  "1.2.3", "1 2",      "1f",     " 1", "1 ",
                                        "NA",  "?",   "1e5x", "#N/A",  "\xc2\xb2", "nan(1)", "in"};
    static const char *const infinite[] = {"nan",
                                           "NaN",
                                           "-nan",
                                           "inf",
                                           "+Inf",
                                           "-INF",
                                           "infinity",
                                           "Infinity",
                                           "1e309",
                                           "-1e309",
                                           "1e99999999999999999999",
                                           "1.8e308"};
    double value;
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (cell_number(texts[k], &value) != CELL_TEXT)
            fail_msg("'%s' is taken for a number", texts[k]);
    for (size_t k = 0; k < sizeof infinite / sizeof *infinite; k++)
        if (cell_number(infinite[k], &value) != CELL_NOT_FINITE)
            fail_msg("'%s' is taken for something finite", infinite[k]);
    assert_int_equal(cell_number("", &value), CELL_EMPTY);
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR", "ru_RU.UTF-8"};
    size_t k = 0;
    double value;
    (void)state;
    while (k < sizeof locales / sizeof *locales && setlocale(LC_NUMERIC, locales[k]) == NULL)
        k++;
    if (k == sizeof locales / sizeof *locales)
        skip();
    assert_true(strtod("1,5", NULL) == 1.5);
    assert_int_equal(cell_number("1.50000000000000000000", &value), CELL_NUMBER);
    assert_true(value == 1.5);
    assert_true(strtod("1,5", NULL) == 1.5); /* and is as it was */
    setlocale(LC_NUMERIC, "C");
}

static void long_texts_are_cut_between_characters(void **state)
{
    char shown[SHOWN], text[200] = "";
    (void)state;
    assert_string_equal(cell_shown(shown, "short"), "short");
    memset(text, 'a', SHOWN - 1);
    assert_string_equal(cell_shown(shown, text), text);
    for (size_t first = 0; first < 3; first++) {
        memset(text, 'a', first);
        text[first] = '\0';
        while (strlen(text) < 150)
            strcat(text, "\xe2\x82\xac"); /* the euro sign, three bytes */
        cell_shown(shown, text);
        size_t size = strlen(shown);
        assert_string_equal(shown + size - 3, "...");
        assert_int_equal((size - 3 - first) % 3, 0);
        assert_memory_equal(shown, text, size - 3);
    }
}

static void lists_are_cut_after_some_names(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    char list[LISTED], name[100];
    const char *longest[LIST_NAMES + 1];
    (void)state;
    assert_string_equal(cell_list(list, names, 0), "");
    assert_string_equal(cell_list(list, names, 2), "a, b");
    assert_string_equal(cell_list(list, names, 8), "a, b, c, d, e, f, g, h");
    assert_string_equal(cell_list(list, names, 9), "a, b, c, d, e, f, g, h, ... (9 in all)");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t k = 0; k <= LIST_NAMES; k++)
        longest[k] = name;
    cell_list(list, longest, LIST_NAMES + 1);
    assert_string_equal(list + strlen(list) - 10, "(9 in all)");
}

static void growth_is_refused_before_it_wraps(void **state)
{
    size_t capacity = 0;
    double *array = grow(NULL, &capacity, 3, sizeof *array);
    (void)state;
    assert_non_null(array);
    assert_true(capacity >= 3);
    size_t before = capacity;
    assert_null(grow(array, &capacity, SIZE_MAX / sizeof *array, sizeof *array));
    assert_null(grow(array, &capacity, SIZE_MAX / 2 / sizeof *array + 1, sizeof *array));
    assert_int_equal(capacity, before);
    array = grow(array, &capacity, before + 1, sizeof *array);
    assert_true(capacity >= 2 * before);
    free(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_correctly),
        cmocka_unit_test(random_numbers_are_rounded_correctly),
        cmocka_unit_test(other_texts_are_no_numbers),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(lists_are_cut_after_some_names),
        cmocka_unit_test(growth_is_refused_before_it_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
