/* SPDX-License-Identifier: MIT */
/* The library's texts: statuses, methods, version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

static void statuses_have_texts_of_their_own(void **state)
{
    (void)state;
    static const enum adadelta_status statuses[] = {
#define ROW(name, text) name,
        ADADELTA_STATUS_LIST(ROW)
#undef ROW
    };
    size_t count = sizeof statuses / sizeof *statuses;
    assert_int_equal(ADADELTA_OK, 0);
    for (size_t i = 0; i < count; i++) {
        const char *text = adadelta_status_string(statuses[i]);
        assert_non_null(text);
        assert_true(*text != '\0');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(text, adadelta_status_string(statuses[k]));
    }
    /* A value that is no status has a text too, and not that of a status. */
    for (size_t i = 0; i < count; i++) {
        assert_string_not_equal(adadelta_status_string((enum adadelta_status)count),
                                adadelta_status_string(statuses[i]));
        assert_string_not_equal(adadelta_status_string((enum adadelta_status) - 1),
                                adadelta_status_string(statuses[i]));
    }
}

static void isa_error_names_every_set(void **state)
{
    (void)state;
    const char *const names[] = {"ADADELTA_ISA", "scalar", "sse2", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr(adadelta_status_string(ADADELTA_ERROR_ISA), names[i]));
}

static void methods_are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"adadelta", "sgd", "momentum", "adagrad", "rmsprop", "adamw"};
    const char *const unknown[] = {"", "adam", "Adadelta", "adadelta ", "adad"};
    assert_int_equal(sizeof names / sizeof *names, ADADELTA_METHOD_COUNT);
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        enum adadelta_method found = ADADELTA_METHOD_COUNT;
        struct adadelta_hyper hyper = adadelta_hyper_for((enum adadelta_method)m);
        assert_string_equal(adadelta_method_name((enum adadelta_method)m), names[m]);
        assert_int_equal(adadelta_method_by_name(names[m], &found), ADADELTA_OK);
        assert_int_equal(found, m);
        assert_int_equal(adadelta_hyper_check(&hyper), ADADELTA_OK);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        enum adadelta_method found = ADADELTA_METHOD_RMSPROP;
        assert_int_equal(adadelta_method_by_name(unknown[i], &found), ADADELTA_ERROR_NAME);
        assert_int_equal(found, ADADELTA_METHOD_RMSPROP);
    }
    enum adadelta_method found;
    assert_int_equal(adadelta_method_by_name(NULL, &found), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_method_by_name("sgd", NULL), ADADELTA_ERROR_ARGUMENT);
    assert_null(adadelta_method_name(ADADELTA_METHOD_COUNT));
    assert_null(adadelta_method_name((enum adadelta_method) - 1));
}

/* The header's table of defaults. */
static void defaults_are_as_documented(void **state)
{
    (void)state;
    static const struct {
        double lr, rho, eps, weight_decay;
        int decoupled;
    } rows[ADADELTA_METHOD_COUNT] = {
        [ADADELTA_METHOD_ADADELTA] = {1, 0.95, 1e-6, 0, 0},   [ADADELTA_METHOD_SGD] = {0.1, 0.95, 1e-6, 0, 0},
        [ADADELTA_METHOD_MOMENTUM] = {0.1, 0.95, 1e-6, 0, 0}, [ADADELTA_METHOD_ADAGRAD] = {0.01, 0.95, 1e-10, 0, 0},
        [ADADELTA_METHOD_RMSPROP] = {0.01, 0.99, 1e-8, 0, 0}, [ADADELTA_METHOD_ADAMW] = {0.001, 0.95, 1e-8, 0.01, 1},
    };
    for (int m = 0; m <= ADADELTA_METHOD_COUNT; m++) {
        int row = m % ADADELTA_METHOD_COUNT; /* past the last, Adadelta's */
        struct adadelta_hyper hyper = adadelta_hyper_for((enum adadelta_method)m);
        assert_true(hyper.lr == rows[row].lr && hyper.rho == rows[row].rho && hyper.eps == rows[row].eps);
        assert_true(hyper.weight_decay == rows[row].weight_decay && hyper.decoupled == rows[row].decoupled);
        assert_true(hyper.momentum == 0.9 && hyper.beta1 == 0.9 && hyper.beta2 == 0.999 && !hyper.nesterov);
    }
}

static void version_has_three_numbers(void **state)
{
    (void)state;
    int major, minor, patch, end = 0;
    assert_int_equal(sscanf(adadelta_version_string(), "%d.%d.%d%n", &major, &minor, &patch, &end), 3);
    assert_true(major >= 0 && minor >= 0 && patch >= 0 && adadelta_version_string()[end] == '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_texts_of_their_own), cmocka_unit_test(isa_error_names_every_set),
        cmocka_unit_test(methods_are_found_by_name),        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(version_has_three_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
