/* SPDX-License-Identifier: MIT */
/* CSV: every way to write a table is read the same, and every way to get one wrong is one exact line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "files.h"

/* ---- Ways to write it ---- */

/* Each of these is a = 1, 2.5, -300; b = 4, 5, 6; class x, y, x. */
static void a_table_may_be_written_in_many_ways(void **state)
{
    static const char *const texts[] = {
        "a,b,c\n1,4,x\n2.5,5,y\n-300,6,x\n",
        "a,b,c\n1,4,x\n2.5,5,y\n-300,6,x",
        "a,b,c\r\n1,4,x\r\n2.5,5,y\r\n-300,6,x\r\n",
        "a,b,c\r\n1,4,x\r\n2.5,5,y\r\n-300,6,x\r",
        "\357\273\277a,b,c\n1,4,x\n2.5,5,y\n-300,6,x\n",
        "\357\273\277\"a\",b,c\n1,4,x\n2.5,5,y\n-300,6,x\n",
        "a;b;c\n1;4;x\n2.5;5;y\n-300;6;x\n",
        "a\tb\tc\n1\t4\tx\n2.5\t5\ty\n-300\t6\tx\n",
        "a,b,c\n1,4,x\n2.5,5,y\n-300,6,x\n\n\r\n  \n\t\n",
        " a , b,\tc\n  1, 4 ,x  \n2.5\t,5, y\n -300,6,x \n",
        "a,b,c\n+1.000,4e0,x\n.25e1,5.,y\n-3E2,006,x\n",
        "\"a\",\"b\",\"c\"\n\"1\",\"4\",\"x\"\n\"2.5\", \"5\" ,\" y \"\n\"-300\",\"6\",\"x\"\n",
        "\"a\";\"b\" ;c\n1;4;\"x\"\n2.5;5;\"y\"\n-300;6;x\n",
    };
    static const double values[] = {1, 4, 2.5, 5, -300, 6};
    static const int32_t labels[] = {0, 1, 0};
    (void)state;
    for (size_t k = 0; k < 2 * sizeof texts / sizeof *texts; k++) {
        const char *text = texts[k / 2];
        const char *path = k % 2 ? write_gz("ways.csv.gz", text, strlen(text)) : write_text("ways.csv", text);
        struct dataset data = read_table(path, 1);
        assert_int_equal(data.rows, 3);
        assert_int_equal(data.columns, 2);
        assert_null(data.pixels);
        assert_memory_equal(data.values, values, sizeof values);
        assert_string_equal(data.column_names[0], "a");
        assert_string_equal(data.column_names[1], "b");
        assert_string_equal(data.target_name, "c");
        assert_int_equal(data.target, TARGET_CLASS);
        assert_int_equal(data.classes, 2);
        assert_string_equal(data.class_names[0], "x");
        assert_string_equal(data.class_names[1], "y");
        assert_memory_equal(data.labels, labels, sizeof labels);
        assert_null(data.numbers);
        dataset_free(&data);
    }
}

static void quotes_hide_separators_newlines_and_quotes(void **state)
{
    struct dataset data =
        read_table(write_text("quotes.csv", "\"a;\t\",\"one\n\"\"name\"\"\",c\n1,2,\"x,\r\ny\"\n3,4,\"\"\"\"\n"
                                            "5,6,5\" disk\n7,8,\"\"\"q\"\"\"\n"),
                   1);
    (void)state;
    assert_int_equal(data.rows, 4);
    assert_string_equal(data.column_names[0], "a;");
    assert_string_equal(data.column_names[1], "one\n\"name\"");
    assert_string_equal(data.class_names[data.labels[0]], "x,\r\ny");
    assert_string_equal(data.class_names[data.labels[1]], "\"");
    assert_string_equal(data.class_names[data.labels[2]], "5\" disk");
    assert_string_equal(data.class_names[data.labels[3]], "\"q\"");
    assert_true(data.values[6] == 7);
    dataset_free(&data);
}

/* Records that the window cuts at every place: a cell longer than the window, and rows over many windows. */
static void long_files_and_cells_are_read(void **state)
{
    enum { LONG = 700000, ROWS = 120000 };
    char *text = malloc(LONG + ROWS * 16 + 100), *end = text;
    (void)state;
    assert_non_null(text);
    end += sprintf(end, "a,\"");
    memset(end, 'n', LONG);
    end += LONG;
    end += sprintf(end, "\",c\n");
    for (int row = 0; row < ROWS; row++)
        end += sprintf(end, row % 3 ? "%d,%d,x\n" : "\"%d\",%d,\"y\"\r\n", row, row % 1000);
    struct dataset data = read_table(write_file("long.csv", text, (size_t)(end - text)), 1);
    assert_int_equal(data.rows, ROWS);
    assert_int_equal(strlen(data.column_names[1]), LONG);
    for (int row = 0; row < ROWS; row++) {
        assert_true(data.values[2 * row] == row && data.values[2 * row + 1] == row % 1000);
        assert_int_equal(data.labels[row], row % 3 == 0);
    }
    dataset_free(&data);
    free(text);
}

/* ---- The target ---- */

static void the_target_may_be_any_column_or_none(void **state)
{
    const char *path = write_text("target.csv", "a,b,c\n1,2,3\n4,5,6\n7,8,9.5\n");
    struct dataset_request request = {.path = path, .want_target = 1, .target = "b"};
    struct dataset data = read_good(&request);
    (void)state;
    assert_string_equal(data.target_name, "b");
    assert_int_equal(data.target, TARGET_NUMBER);
    assert_true(data.numbers[2] == 8 && data.values[5] == 9.5 && data.columns == 2);
    dataset_free(&data);
    data = read_table(path, 1);
    assert_string_equal(data.target_name, "c");
    dataset_free(&data);
    data = read_table(path, 0);
    assert_int_equal(data.target, TARGET_NONE);
    assert_true(data.columns == 3 && data.target_name == NULL && data.labels == NULL && data.numbers == NULL);
    dataset_free(&data);
    request = (struct dataset_request){.path = path, .want_target = 0, .target = "nope"};
    data = read_good(&request);
    assert_true(data.target == TARGET_NONE && data.columns == 3);
    dataset_free(&data);
    request.target = "a";
    data = read_good(&request);
    assert_true(data.target == TARGET_NUMBER && data.columns == 2);
    dataset_free(&data);
}

/* A table of one feature and the given target cells, each cell `times` times. */
static const char *write_target(const char *const *cells, size_t count, size_t times)
{
    char text[100000] = "a,t\n", *end = text + strlen(text);
    for (size_t k = 0; k < count * times; k++)
        end += sprintf(end, "1,%s\n", cells[k % count]);
    return write_text("kinds.csv", text);
}

static enum target_kind kind_of(const char *const *cells, size_t count, size_t times, size_t classes)
{
    struct dataset data = read_table(write_target(cells, count, times), 1);
    enum target_kind kind = data.target;
    assert_int_equal(data.classes, classes);
    assert_int_equal(data.labels != NULL, kind == TARGET_CLASS);
    assert_int_equal(data.numbers != NULL, kind == TARGET_NUMBER);
    dataset_free(&data);
    return kind;
}

static void the_kind_of_target_is_found_out(void **state)
{
    static char texts[21][4];
    const char *whole[21];
    (void)state;
    for (int k = 0; k < 21; k++) {
        snprintf(texts[k], sizeof texts[k], "%d", k - 5);
        whole[k] = texts[k];
    }
    assert_int_equal(kind_of(whole, 20, 2, 20), TARGET_CLASS);
    assert_int_equal(kind_of(whole, 20, 1, 0), TARGET_NUMBER); /* one row a value */
    assert_int_equal(kind_of(whole, 21, 9, 0), TARGET_NUMBER); /* 21 values */
    assert_int_equal(kind_of((const char *[]){"1", "2.5"}, 2, 50, 0), TARGET_NUMBER);
    assert_int_equal(kind_of((const char *[]){"1", "2.5", "b"}, 3, 1, 3), TARGET_CLASS);
    assert_int_equal(kind_of((const char *[]){"-1", "1"}, 2, 2, 2), TARGET_CLASS);
    assert_int_equal(kind_of((const char *[]){"true", "false"}, 2, 1, 2), TARGET_CLASS);
}

/* More numbers than there may be classes are numbers before the last row is seen: none may be lost then. */
static void many_numbers_are_numbers(void **state)
{
    char text[40000] = "a,t\n", *end = text + strlen(text);
    (void)state;
    for (int row = 0; row < 3000; row++)
        end += sprintf(end, "1,%d\n", row % 1500 * 7 - 50);
    struct dataset data = read_table(write_text("t.csv", text), 1);
    assert_true(data.target == TARGET_NUMBER && data.rows == 3000 && !data.labels && data.classes == 0);
    for (int row = 0; row < 3000; row++)
        assert_true(data.numbers[row] == row % 1500 * 7 - 50);
    dataset_free(&data);
}

static void the_kind_of_target_may_be_said(void **state)
{
    struct dataset_request request = {.want_target = 1, .kind = TARGET_CLASS};
    request.path = write_target((const char *[]){"1.5", "2.5", "3.5"}, 3, 1);
    struct dataset data = read_good(&request);
    (void)state;
    assert_true(data.target == TARGET_CLASS && data.classes == 3 && data.labels[2] == 2);
    dataset_free(&data);
    request.path = write_target((const char *[]){"1", "2"}, 2, 10);
    request.kind = TARGET_NUMBER;
    data = read_good(&request);
    assert_true(data.target == TARGET_NUMBER && data.classes == 0 && data.numbers[3] == 2);
    dataset_free(&data);
}

static void check_classes(const char *const *cells, const char *const *sorted, size_t count)
{
    struct dataset_request request = {.path = write_target(cells, count, 2), .want_target = 1, .kind = TARGET_CLASS};
    struct dataset data = read_good(&request);
    assert_int_equal(data.classes, count);
    for (size_t k = 0; k < count; k++)
        assert_string_equal(data.class_names[k], sorted[k]);
    for (size_t row = 0; row < data.rows; row++)
        assert_string_equal(data.class_names[data.labels[row]], cells[row % count]);
    dataset_free(&data);
}

static void classes_are_sorted(void **state)
{
    (void)state;
    check_classes((const char *[]){"10", "9", "-2", "1e1", "0.5"}, (const char *[]){"-2", "0.5", "9", "10", "1e1"}, 5);
    check_classes((const char *[]){"10", "9", "b", "B", "\xc3\xa4"}, (const char *[]){"10", "9", "B", "b", "\xc3\xa4"},
                  5);
}

/* As a model asks: its columns and its classes, whatever else and whichever order the file has. */
static void known_columns_and_classes_are_found(void **state)
{
    static const char *const columns[] = {"c", "a"}, *const classes[] = {"no", "yes", "maybe"};
    struct dataset_request request = {.target = "t",
                                      .want_target = 1,
                                      .kind = TARGET_CLASS,
                                      .column_names = columns,
                                      .columns = 2,
                                      .class_names = classes,
                                      .classes = 3};
    static const double expected[] = {3, 1, 6, 4};
    (void)state;
    request.path = write_text("known.csv", "a,note,t,c\n1,hm,yes,3\n4,,no,6\n");
    struct dataset data = read_good(&request);
    assert_true(data.rows == 2 && data.columns == 2 && data.classes == 3);
    assert_memory_equal(data.values, expected, sizeof expected);
    assert_true(data.labels[0] == 1 && data.labels[1] == 0);
    assert_string_equal(data.column_names[0], "c");
    assert_string_equal(data.class_names[2], "maybe");
    dataset_free(&data);
    request.want_target = 0;
    request.path = write_text("known.csv", "note,c,a\nx,3,1\n,6,4\n");
    data = read_good(&request);
    assert_true(data.target == TARGET_NONE && data.labels == NULL);
    assert_memory_equal(data.values, expected, sizeof expected);
    dataset_free(&data);
    request.want_target = 1;
    request.path = write_text("known.csv", "a,c,t\n1,2,yes\n1,2,yes\n1,2,often\n");
    read_bad(&request, FAILED, "@:4: column 't': 'often' is none of the known classes: no, yes, maybe");
    request.path = write_text("known.csv", "a,t,d\n1,yes,2\n");
    read_bad(&request, FAILED, "@: the column 'c' is missing");
    request.path = write_text("known.csv", "a,c,d\n1,2,3\n");
    read_bad(&request, FAILED, "@: no column is named 't', the target; there are: a, c, d");
}

/* ---- Ways to get it wrong ---- */

struct bad {
    const char *text, *line;
};

static void bad_tables_are_refused(void **state)
{
    static const struct bad bads[] = {
        {"a,b,c\n1,2,3\n4,5\n", "@:3: expected 3 columns, found 2"},
        {"a,b,c\n1,2,3\n4,5,6,7\n", "@:3: expected 3 columns, found 4"},
        {"a,b,c\n1,2,3,\n", "@:2: expected 3 columns, found 4"},
        {"a,b,c\n\"1\n\",2,3\n", "@:2: column 'a': '1?' is not a number; only the target may be text"},
        {"a,b,c\n1,2,\"x\ny\"\n4,5\n", "@:4: expected 3 columns, found 2"},
        {"a,age,c\n1,abc,3\n", "@:2: column 'age': 'abc' is not a number; only the target may be text"},
        {"a,age,c\n1,2,3\n1,,3\n", "@:3: column 'age': empty cell"},
        {"a,age,c\n1,2,3\n1, ,3\n", "@:3: column 'age': empty cell"},
        {"a,age,c\n1,\"\",3\n", "@:2: column 'age': empty cell"},
        {"a,b,c\n1,2,\n", "@:2: column 'c': empty cell"},
        {"a,b,c\n1,NaN,3\n", "@:2: column 'b': 'NaN' is not finite"},
        {"a,b,c\n1,-inf,3\n", "@:2: column 'b': '-inf' is not finite"},
        {"a,b,c\n1,1e999,3\n", "@:2: column 'b': '1e999' is not finite"},
        {"a,b,c\n1,2,nan\n", "@:2: column 'c': 'nan' is not finite"},
        {"a,b,c\n1,0x10,3\n", "@:2: column 'b': '0x10' is not a number; only the target may be text"},
        {"a,b,c\n1,2,3\n\n4,5,6\n", "@:3: a blank line between rows"},
        {"a,b,c\n1,\"2,3\n4,5,6\n", "@:2: a quote is opened and never closed"},
        {"a,b,c\n1,2,3\n1,\"2\"x,3\n", "@:3: text after a closing quote, in column 2"},
        {"a,b,c\n", "@: has a header but no rows"},
        {"a,b,c", "@: has a header but no rows"},
        {"a,b,c\n\n\n", "@: has a header but no rows"},
        {"1,2,3\n4,5,6\n", "@:1: found numbers: the first line must be a header that names the columns"},
        {"5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n",
         "@:1: found numbers: the first line must be a header that names the columns"},
        {"a,caf\351,c\n1,2,3\n",
         "@:1: column name 'caf\351' is not UTF-8: convert the file, for example by iconv -f latin1 -t utf-8"},
        {"a,c\n1,x\n2,caf\351\n",
         "@:3: class 'caf\351' is not UTF-8: convert the file, for example by iconv -f latin1 -t utf-8"},
        {"\n1,2,3\n", "@:1: the first line is blank, it must be a header that names the columns"},
        {"a,b,a\n1,2,3\n", "@:1: two columns are named 'a'"},
        {"a, ,c\n1,2,3\n", "@:1: column 2 has no name"},
        {",b,c\n1,2,3\n", "@:1: column 1 has no name"},
        {"\"a,b,c\n1,2,3\n", "@:1: a quote is opened and never closed"},
        {"a\n1\n2\n",
         "@: one column only (a comma, semicolon or tab would separate more): no feature beside the target"},
        {"a,b\n1,x\n2,x\n", "@: column 'b' holds one class only, 'x': there is nothing to tell apart"},
        {"a,b\n1,5\n2,5\n", "@: column 'b' holds one class only, '5': there is nothing to tell apart"},
        {"\x1b[31m,b\n\x07,1\n", "@:2: column '?[31m': '?' is not a number; only the target may be text"},
        {"a,b\n12345678901234567890123456789012345678901234567890x,2\n",
         "@:2: column 'a': '12345678901234567890123456789012345678901234...' is not a number; only the target may be "
         "text"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof bads / sizeof *bads; k++) {
        struct dataset_request request = {.path = write_text("bad.csv", bads[k].text), .want_target = 1};
        read_bad(&request, FAILED, bads[k].line);
    }
}

static void bad_bytes_are_refused(void **state)
{
    static const char zero[] = "a,b\n1,2\n3,4\n5,6\n7,\0\n", png[] = "\x89PNG\r\n\x1a\n\0\0\0\r";
    struct dataset_request request = {.path = write_file("zero.csv", zero, sizeof zero - 1), .want_target = 1};
    (void)state;
    read_bad(&request, FAILED, "@:5: a zero byte, which no CSV table holds");
    request.path = write_file("picture.csv", png, sizeof png - 1);
    request.want_target = 0;
    read_bad(&request, FAILED, "@: is neither a CSV table (in ASCII or UTF-8) nor an IDX file");
}

static void bad_targets_are_refused(void **state)
{
    static const char *const column[] = {"a"};
    char text[40000] = "a,t\n", *end = text + strlen(text);
    struct dataset_request request = {
        .path = write_text("wide.csv", "a,b,c,d,e,f,g,h,i\n1,2,3,4,5,6,7,8,9\n"), .want_target = 1, .target = "z"};
    (void)state;
    read_bad(&request, MISUSE,
             "@: no column is named 'z', the target; there are: a, b, c, d, e, f, g, h, ... (9 in all)");
    request = (struct dataset_request){.path = request.path, .columns = 4};
    read_bad(&request, FAILED, "@: expected 4 feature columns, found 9");
    request.labels_path = "labels";
    read_bad(&request, MISUSE, "@: a table has its target in a column, a labels file is for IDX images");
    request = (struct dataset_request){
        .path = write_text("t.csv", "a,t\n1,2\n2,x\n"), .want_target = 1, .kind = TARGET_NUMBER};
    read_bad(&request, FAILED, "@:3: column 't': 'x' is not a number");
    request = (struct dataset_request){.path = write_text("t.csv", "a,t\n1,2\n2,3\n"),
                                       .want_target = 1,
                                       .target = "a",
                                       .column_names = column,
                                       .columns = 1};
    read_bad(&request, MISUSE, "@: the column 'a' is asked for twice");
    for (int k = 0; k < 1001; k++)
        end += sprintf(end, "1,%d\n2,%d\n", k, k);
    request = (struct dataset_request){.path = write_text("t.csv", text), .want_target = 1, .kind = TARGET_CLASS};
    read_bad(&request, FAILED, "@: column 't' has more than 1000 different values, too many for classes");
    sprintf(end, "1,n/a\n");
    request = (struct dataset_request){.path = write_text("t.csv", text), .want_target = 1};
    read_bad(&request, FAILED,
             "@: column 't' has more than 1000 different values, too many for classes; were it numbers, 'n/a' in "
             "line 2004 is none");
    end = text + strlen("a,t\n");
    for (int k = 0; k < 1001; k++)
        end += sprintf(end, "1,%d\n1,%s\n", k, k > 0 ? "n/a" : "-1");
    write_text("t.csv", text);
    read_bad(&request, FAILED,
             "@: column 't' has more than 1000 different values, too many for classes; were it numbers, 'n/a' in "
             "line 5 is none");
}

static void what_cannot_be_opened_is_named(void **state)
{
    struct dataset_request request = {.path = in_folder("missing.csv"), .want_target = 1};
    (void)state;
    read_bad(&request, FAILED, "@: No such file or directory");
    request.path = folder;
    read_bad(&request, FAILED, "@: is a directory, not a file");
    request.path = write_text("empty.csv", "");
    read_bad(&request, FAILED, "@: is empty");
    request.path = write_gz("empty.csv.gz", "", 0);
    read_bad(&request, FAILED, "@: is empty");
    if (geteuid() != 0) {
        request.path = write_text("closed.csv", "a,b\n1,2\n");
        assert_int_equal(chmod(request.path, 0), 0);
        read_bad(&request, FAILED, "@: Permission denied");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_may_be_written_in_many_ways),
        cmocka_unit_test(quotes_hide_separators_newlines_and_quotes),
        cmocka_unit_test(long_files_and_cells_are_read),
        cmocka_unit_test(the_target_may_be_any_column_or_none),
        cmocka_unit_test(the_kind_of_target_is_found_out),
        cmocka_unit_test(many_numbers_are_numbers),
        cmocka_unit_test(the_kind_of_target_may_be_said),
        cmocka_unit_test(classes_are_sorted),
        cmocka_unit_test(known_columns_and_classes_are_found),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(bad_bytes_are_refused),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(what_cannot_be_opened_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
