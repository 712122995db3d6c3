/* SPDX-License-Identifier: MIT */
/* Checkpoints: what is saved comes back, a resumed run is the unbroken one, and others can read the file. */
#include <locale.h>
#include "checkpoint_fixture.h"

static const char reader[] = "python3 -B '" SOURCE_DIR "/tests/checkpoint_reader.py'";

static void save(const struct run *run)
{
    struct adadelta_error error = {.text = ""};
    enum adadelta_status status = adadelta_save(run->optimizer, path, &error);
    if (status)
        print_error("%s\n", error.text);
    assert_int_equal(status, ADADELTA_OK);
}

static void load(struct run *run)
{
    struct adadelta_error error = {.text = ""};
    enum adadelta_status status = adadelta_load(run->optimizer, path, &error);
    if (status)
        print_error("%s\n", error.text);
    assert_int_equal(status, ADADELTA_OK);
}

/* Everything that the reader prints, to be given to free. */
static char *read_by_python(const char *file)
{
    char command[1000];
    struct bytes output;
    snprintf(command, sizeof command, "%s '%s' >'%s/out'", reader, file, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/out", folder);
    output = slurp(command);
    return (char *)output.data;
}

/* ---- Runs ---- */

static void a_resumed_run_is_the_unbroken_one(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int stop = 0; stop <= 20; stop += 5) {
            struct run unbroken, first, second;
            struct snapshot want, got, before;
            run_start(&unbroken, (enum adadelta_method)m, 1);
            run_start(&first, (enum adadelta_method)m, 1);
            run_start(&second, (enum adadelta_method)m, 2);
            run_steps(&unbroken, 0, 20);
            run_steps(&first, 0, stop);
            run_steps(&second, 0, 3); /* state that must go */
            before = snapshot_of(&first);
            save(&first);
            got = snapshot_of(&first);
            assert_true(same(&before, &got));
            load(&second);
            got = snapshot_of(&second);
            assert_true(same(&before, &got));
            run_steps(&second, stop, 20);
            want = snapshot_of(&unbroken);
            got = snapshot_of(&second);
            assert_true(same(&want, &got));
            run_end(&unbroken);
            run_end(&first);
            run_end(&second);
        }
}

/* Numbers that a decimal text could lose. */
static void settings_come_back_to_the_last_bit(void **state)
{
    static const double odd[] = {0x1.fffffffffffffp-1, 0x1p-1022, 0x1.999999999999ap-4, 0x1.23456789abcdep-700, 5e-324};
    struct run run, other;
    struct adadelta_hyper hyper, back;
    (void)state;
    run_start(&run, ADADELTA_METHOD_SGD, 1);
    run_start(&other, ADADELTA_METHOD_SGD, 1);
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        hyper = (struct adadelta_hyper){.lr = 1 / odd[0] * 1e30,
                                        .rho = odd[k],
                                        .eps = 1e-8,
                                        .weight_decay = odd[k],
                                        .momentum = odd[k],
                                        .beta1 = odd[k],
                                        .beta2 = odd[0],
                                        .nesterov = k & 1};
        assert_int_equal(adadelta_set_hyper(run.optimizer, 0, &hyper), ADADELTA_OK);
        save(&run);
        load(&other);
        assert_int_equal(adadelta_get_hyper(other.optimizer, 0, &back), ADADELTA_OK);
        assert_memory_equal(&hyper, &back, sizeof hyper);
    }
    run_end(&run);
    run_end(&other);
}

static void values_that_are_no_numbers_come_back(void **state)
{
    static const uint32_t odd[] = {0x7fc00001, 0xff800000, 0x7f800001, 0x80000000, 1};
    struct run run, other;
    struct snapshot want, got;
    (void)state;
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    run_start(&other, ADADELTA_METHOD_ADADELTA, 1);
    memcpy(run.w, odd, sizeof odd);
    save(&run);
    load(&other);
    want = snapshot_of(&run);
    got = snapshot_of(&other);
    assert_true(same(&want, &got));
    run_end(&run);
    run_end(&other);
}

/* A file lists its arrays by width; the optimizer that reads it may have its tensors in any order. */
static void tensors_are_found_by_name(void **state)
{
    struct run run;
    struct adadelta *other;
    float w[W];
    double b[B], s;
    const struct adadelta_tensor tensors[] = {
        {.name = "none", .ndim = 2, .shape = {0, 4}},
        {.name = "s", .dtype = ADADELTA_F64, .values = &s},
        {.name = ODD_NAME, .dtype = ADADELTA_F64, .ndim = 1, .shape = {B}, .values = b},
        {.name = "w", .ndim = 2, .shape = {3, 5}, .values = w},
    };
    static const size_t groups[] = {0, 1, 1, 0};
    void *ours, *theirs;
    (void)state;
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    run_steps(&run, 0, 4);
    save(&run);
    assert_int_equal(adadelta_create(NULL, &other), ADADELTA_OK);
    for (int k = 0; k < 2; k++)
        assert_int_equal(adadelta_add_group(other, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < TENSORS; k++)
        assert_int_equal(adadelta_add_tensor(other, groups[k], &tensors[k], NULL), ADADELTA_OK);
    assert_int_equal(adadelta_load(other, path, NULL), ADADELTA_OK);
    assert_memory_equal(w, run.w, sizeof w);
    assert_memory_equal(b, run.b, sizeof b);
    assert_memory_equal(&s, &run.s, sizeof s);
    assert_int_equal(adadelta_state(run.optimizer, 1, "acc_delta", &ours), ADADELTA_OK);
    assert_int_equal(adadelta_state(other, 2, "acc_delta", &theirs), ADADELTA_OK);
    assert_memory_equal(ours, theirs, sizeof b);
    adadelta_destroy(other);
    run_end(&run);
}

static void an_optimizer_without_tensors_can_be_saved(void **state)
{
    struct adadelta *a, *b;
    (void)state;
    assert_int_equal(adadelta_create(NULL, &a), ADADELTA_OK);
    assert_int_equal(adadelta_create(NULL, &b), ADADELTA_OK);
    assert_int_equal(adadelta_step(a), ADADELTA_OK);
    assert_int_equal(adadelta_save(a, path, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_load(b, path, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step_count(b), 1);
    adadelta_destroy(a);
    adadelta_destroy(b);
}

static void a_decimal_comma_changes_nothing(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",  "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "es_ES.UTF-8", "de_DE"};
    struct run run;
    struct snapshot want, got;
    struct bytes plain, comma;
    const char *found = NULL;
    (void)state;
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    run_steps(&run, 0, 7);
    save(&run);
    want = snapshot_of(&run);
    plain = slurp(path);
    for (size_t k = 0; k < sizeof names / sizeof *names && !found; k++)
        found = setlocale(LC_ALL, names[k]);
    if (!found || *localeconv()->decimal_point != ',') {
        run_end(&run);
        free(plain.data);
        skip();
    }
    save(&run);
    load(&run);
    setlocale(LC_ALL, "C");
    got = snapshot_of(&run);
    comma = slurp(path);
    assert_true(same(&want, &got));
    assert_int_equal(plain.size, comma.size);
    assert_memory_equal(plain.data, comma.data, plain.size);
    free(plain.data);
    free(comma.data);
    run_end(&run);
}

/* ---- Texts and arrays ---- */

#define ODD_TEXT                                                                                                       \
    "tab\there \"quoted\" back\\slash\nGr\xc3\xb6\xc3\x9f"                                                             \
    "e \xf0\x9f\x93\x89\x01\x7f"

static void texts_and_arrays_come_back(void **state)
{
    const unsigned char u8[5] = {1, 2, 3, 254, 255};
    const double f64[2] = {-0.0, 1e300};
    struct adadelta_tensor got,
        a = {.name = "a/u8", .dtype = ADADELTA_U8, .ndim = 1, .shape = {5}, .values = (void *)u8};
    struct adadelta_tensor b = {
        .name = ODD_NAME, .dtype = ADADELTA_F64, .ndim = 8, .shape = {1, 1, 1, 2, 1, 1, 1, 1}, .values = (void *)f64};
    struct adadelta_checkpoint *checkpoint;
    (void)state;
    assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, ODD_NAME, "first"), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, ODD_NAME, ODD_TEXT), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "empty", ""), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "trap", "\"adadelta.crc32\":\"ffffffff\""), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &a), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &b), ADADELTA_OK);
    for (int round = 0; round < 2; round++) { /* the second time, what was read is written again */
        assert_int_equal(adadelta_checkpoint_write(checkpoint, path, NULL), ADADELTA_OK);
        adadelta_checkpoint_destroy(checkpoint);
        assert_int_equal(adadelta_checkpoint_read(path, &checkpoint, NULL), ADADELTA_OK);
        assert_string_equal(adadelta_checkpoint_text(checkpoint, ODD_NAME), ODD_TEXT);
        assert_string_equal(adadelta_checkpoint_text(checkpoint, "empty"), "");
        assert_string_equal(adadelta_checkpoint_text(checkpoint, "adadelta.version"), adadelta_version_string());
        assert_null(adadelta_checkpoint_text(checkpoint, "other"));
        assert_int_equal(adadelta_checkpoint_tensor(checkpoint, "a/u8", &got), ADADELTA_OK);
        assert_int_equal(got.dtype, ADADELTA_U8);
        assert_memory_equal(got.values, u8, sizeof u8);
        assert_int_equal(adadelta_checkpoint_tensor(checkpoint, ODD_NAME, &got), ADADELTA_OK);
        assert_int_equal(got.ndim, 8);
        assert_memory_equal(got.shape, b.shape, sizeof b.shape);
        assert_memory_equal(got.values, f64, sizeof f64);
        assert_int_equal((uintptr_t)got.values % 64, 0);
        assert_null(got.gradient);
        assert_int_equal(adadelta_checkpoint_tensor(checkpoint, "other", &got), ADADELTA_ERROR_NAME);
    }
    adadelta_checkpoint_destroy(checkpoint);
}

static void the_method_is_told(void **state)
{
    struct adadelta_checkpoint *checkpoint;
    enum adadelta_method method;
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        struct run run;
        run_start(&run, (enum adadelta_method)m, 1);
        assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
        assert_int_equal(adadelta_checkpoint_method(checkpoint, &method), ADADELTA_ERROR_MISMATCH);
        assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, run.optimizer, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_checkpoint_method(checkpoint, &method), ADADELTA_OK);
        assert_int_equal(method, m);
        assert_int_equal(adadelta_checkpoint_method(checkpoint, NULL), ADADELTA_ERROR_ARGUMENT);
        assert_int_equal(adadelta_checkpoint_method(NULL, &method), ADADELTA_ERROR_ARGUMENT);
        adadelta_checkpoint_destroy(checkpoint);
        run_end(&run);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    float x[2] = {1, 2};
    struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {2}, .values = x}, wrong;
    struct adadelta_checkpoint *checkpoint = NULL;
    struct adadelta_error error;
    struct run run;
    (void)state;
    run_start(&run, ADADELTA_METHOD_SGD, 1);
    assert_int_equal(adadelta_checkpoint_create(NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_text(NULL, "a", "b"), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, NULL, "b"), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "a", NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "a", "\xff"), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "\xc0\x80", "b"), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "", "b"), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "adadelta.crc32", "b"), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &tensor), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &tensor), ADADELTA_ERROR_NAME);
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, NULL), ADADELTA_ERROR_ARGUMENT);
    wrong = tensor, wrong.name = "__metadata__";
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &wrong), ADADELTA_ERROR_NAME);
    wrong = tensor, wrong.name = "";
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &wrong), ADADELTA_ERROR_NAME);
    wrong = tensor, wrong.name = "y", wrong.values = NULL;
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &wrong), ADADELTA_ERROR_ARGUMENT);
    wrong = tensor, wrong.name = "y", wrong.ndim = ADADELTA_MAX_DIMS + 1;
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &wrong), ADADELTA_ERROR_ARGUMENT);
    wrong = tensor, wrong.name = "y", wrong.dtype = ADADELTA_DTYPE_COUNT;
    assert_int_equal(adadelta_checkpoint_set_tensor(checkpoint, &wrong), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_write(checkpoint, NULL, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_write(NULL, path, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_checkpoint_get_optimizer(checkpoint, run.optimizer, &error), ADADELTA_ERROR_MISMATCH);
    assert_string_equal(error.text, "the checkpoint holds no optimizer");
    assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, run.optimizer, &error), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, run.optimizer, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_save(NULL, path, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_save(run.optimizer, NULL, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_load(NULL, path, &error), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_load(run.optimizer, NULL, &error), ADADELTA_ERROR_ARGUMENT);
    adadelta_checkpoint_destroy(checkpoint);
    run_end(&run);
}

static void a_name_that_is_another_tensors_state_is_refused(void **state)
{
    double a = 1, b = 2;
    struct adadelta_tensor first = {.name = "w", .dtype = ADADELTA_F64, .values = &a};
    struct adadelta_tensor second = {.name = "w.square_avg", .dtype = ADADELTA_F64, .values = &b};
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct adadelta_error error = {.text = ""};
        struct adadelta *optimizer;
        assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, order ? &second : &first, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, order ? &first : &second, NULL), ADADELTA_OK);
        unlink(path);
        assert_int_equal(adadelta_save(optimizer, path, &error), ADADELTA_ERROR_NAME);
        assert_non_null(strstr(error.text, "'w.square_avg'"));
        assert_int_not_equal(access(path, F_OK), 0);
        adadelta_destroy(optimizer);
    }
}

/* ---- Other readers ---- */

static void python_reads_every_method(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        char line[2000];
        char *output;
        struct run run;
        size_t length;
        run_start(&run, (enum adadelta_method)m, 1);
        run_steps(&run, 0, 6);
        save(&run);
        output = read_by_python(path);
        length = (size_t)snprintf(line, sizeof line, "array \"w\" F32 [3, 5]");
        for (int i = 0; i < W; i++)
            length += (size_t)snprintf(line + length, sizeof line - length, " %.17g", (double)run.w[i]);
        snprintf(line + length, sizeof line - length, "\n");
        assert_non_null(strstr(output, line));
        length = (size_t)snprintf(line, sizeof line, "array \"b \\\"\\\\\\n\\u00e9\" F64 [7]");
        for (int i = 0; i < B; i++)
            length += (size_t)snprintf(line + length, sizeof line - length, " %.17g", run.b[i]);
        assert_non_null(strstr(output, line));
        for (size_t k = 0; adadelta_method_state_name((enum adadelta_method)m, k); k++) {
            const char *name = adadelta_method_state_name((enum adadelta_method)m, k);
            void *values;
            assert_int_equal(adadelta_state(run.optimizer, SCALAR, name, &values), ADADELTA_OK);
            snprintf(line, sizeof line, "array \"s.%s\" F64 [] %.17g\n", name, *(double *)values);
            assert_non_null(strstr(output, line));
        }
        snprintf(line, sizeof line, "\\\"method\\\":\\\"%s\\\",\\\"step\\\":6,",
                 adadelta_method_name((enum adadelta_method)m));
        assert_non_null(strstr(output, line));
        assert_non_null(strstr(output, "\\\"s\\\":{\\\"group\\\":1,\\\"step\\\":2,"));
        assert_non_null(strstr(output, "array \"none\" F32 [0, 4]\n"));
        free(output);
        run_end(&run);
    }
}

/* The program of docs/checkpoint.md, run as a reader of that page would run it. */
static void the_documented_check_works(void **state)
{
    struct bytes page = slurp(SOURCE_DIR "/docs/checkpoint.md"), file;
    char script[300], command[1000], *begin, *end;
    struct run run;
    (void)state;
    begin = strstr((char *)page.data, "```python\n");
    assert_non_null(begin);
    begin += strlen("```python\n");
    end = strstr(begin, "```");
    assert_non_null(end);
    snprintf(script, sizeof script, "%s/verify.py", folder);
    spill(script, begin, (size_t)(end - begin));
    free(page.data);
    run_start(&run, ADADELTA_METHOD_ADADELTA, 1);
    save(&run);
    snprintf(command, sizeof command, "python3 -B '%s' '%s' | grep '^w.acc_delta F32 \\[3, 5\\]$' >/dev/null", script,
             path);
    assert_int_equal(system(command), 0);
    file = slurp(path);
    file.data[file.size - 1] ^= 1;
    spill(path, file.data, file.size);
    snprintf(command, sizeof command, "python3 -B '%s' '%s' 2>&1 | grep 'AssertionError: damaged' >/dev/null", script,
             path);
    assert_int_equal(system(command), 0);
    free(file.data);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_is_the_unbroken_one),
        cmocka_unit_test(settings_come_back_to_the_last_bit),
        cmocka_unit_test(values_that_are_no_numbers_come_back),
        cmocka_unit_test(tensors_are_found_by_name),
        cmocka_unit_test(an_optimizer_without_tensors_can_be_saved),
        cmocka_unit_test(a_decimal_comma_changes_nothing),
        cmocka_unit_test(texts_and_arrays_come_back),
        cmocka_unit_test(the_method_is_told),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_name_that_is_another_tensors_state_is_refused),
        cmocka_unit_test(python_reads_every_method),
        cmocka_unit_test(the_documented_check_works),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
