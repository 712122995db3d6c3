/* SPDX-License-Identifier: MIT */
/* The types that a run's state can be kept in: which method can have which, that every tensor has the one asked for,
   and that the model file keeps it, so that a run goes on with the same bits. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "files.h"
#include "fits.h"
#include "state_type.h"

enum { EPOCHS = 5, BATCHES = 10 /* of iris.csv, 150 rows by 16 */ };

static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16,
                                            ADADELTA_F16, ADADELTA_U16, ADADELTA_U8};
enum { TYPES = sizeof types / sizeof *types };

static struct fit_settings settings_with(enum adadelta_dtype type)
{
    struct fit_settings settings = settings_for("mlp:8", ADADELTA_METHOD_ADADELTA, EPOCHS);
    settings.state = type;
    settings.seed = UINT64_MAX - 5;
    return settings;
}

/* The bytes of a model's file; to be freed. */
static unsigned char *saved(const struct fit *fit, size_t *size)
{
    struct trouble trouble;
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    unsigned char *bytes = load_file(temporary(), size);
    unlink(temporary());
    return bytes;
}

static int is_same_file(const struct fit *a, const struct fit *b)
{
    size_t a_size, b_size;
    unsigned char *of_a = saved(a, &a_size), *of_b = saved(b, &b_size);
    const int same = a_size == b_size && memcmp(of_a, of_b, a_size) == 0;
    free(of_a);
    free(of_b);
    return same;
}

static struct fit *new_run(enum adadelta_dtype type, const struct dataset *data, int threads)
{
    const struct fit_settings settings = settings_with(type);
    struct fit *fit = new_fit(&settings, data, threads);
    run_to_end(fit);
    return fit;
}

/* ---- Names, and what goes together ---- */

static void a_name_is_the_librarys_in_small_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        const char *library = adadelta_dtype_name(types[i]), *name = state_type_name(types[i]);
        enum adadelta_dtype found = ADADELTA_DTYPE_DEFAULT;
        assert_int_equal(strlen(library), strlen(name));
        for (size_t k = 0; name[k]; k++)
            assert_int_equal(name[k], tolower((unsigned char)library[k]));
        assert_int_equal(state_type_by_name(name, &found), 0);
        assert_int_equal(found, types[i]);
    }
    enum adadelta_dtype found = ADADELTA_F16;
    assert_int_equal(state_type_by_name("F32", &found), -1);
    assert_int_equal(state_type_by_name("", &found), -1);
    assert_int_equal(found, ADADELTA_F16);
    assert_null(state_type_name(ADADELTA_DTYPE_DEFAULT));
    assert_null(state_type_name(ADADELTA_DTYPE_COUNT));
    assert_null(state_type_name((enum adadelta_dtype) - 1));
}

/* Row by row as enum adadelta_dtype has them, from the default on: what adadelta, sgd and the others can have. */
static void methods_have_their_types(void **state)
{
    static const struct {
        int adadelta, sgd, others;
    } expected[ADADELTA_DTYPE_COUNT + 1] = {{1, 1, 1}, {1, 1, 1}, {1, 0, 1}, {1, 0, 1},
                                            {1, 0, 1}, {1, 0, 0}, {1, 0, 0}, {0, 0, 0}};
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        for (int t = 0; t <= ADADELTA_DTYPE_COUNT; t++) {
            const enum adadelta_method method = (enum adadelta_method)m;
            const enum adadelta_dtype type = (enum adadelta_dtype)t;
            const int fits = method == ADADELTA_METHOD_ADADELTA ? expected[t].adadelta
                             : method == ADADELTA_METHOD_SGD    ? expected[t].sgd
                                                                : expected[t].others;
            struct trouble trouble;
            assert_int_equal(state_type_fits(type, method), fits);
            assert_int_equal(state_type_check(type, method, &trouble), fits ? DONE : MISUSE);
        }
    }
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum adadelta_method method;
        enum adadelta_dtype type;
        const char *text;
    } rows[] = {
        {ADADELTA_METHOD_SGD, ADADELTA_BF16, "state bf16 does not go with sgd, which keeps no state: leave it out"},
        {ADADELTA_METHOD_SGD, ADADELTA_U16, "state u16 does not go with sgd, which keeps no state: leave it out"},
        {ADADELTA_METHOD_ADAMW, ADADELTA_U16, "state u16 does not go with adamw: take one of f32, f64, bf16, f16"},
        {ADADELTA_METHOD_MOMENTUM, ADADELTA_U8, "state u8 does not go with momentum: take one of f32, f64, bf16, f16"},
        {ADADELTA_METHOD_ADADELTA, ADADELTA_DTYPE_COUNT, "state type 7 is not known"},
    };
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trouble trouble;
        struct fit *fit;
        struct fit_settings settings = settings_for("softmax", rows[i].method, EPOCHS);
        settings.state = rows[i].type;
        assert_int_equal(fit_create(&fit, &settings, &data, NULL, 1, &trouble), MISUSE);
        assert_string_equal(trouble.text, rows[i].text);
        assert_null(fit);
    }
    dataset_free(&data);
}

/* ---- In a run ---- */

static void every_tensor_has_the_type(void **state)
{
    (void)state;
    /* mlp:8 on four columns and three classes. */
    static const size_t elements[] = {8 * 4, 8, 3 * 8, 3};
    enum { TENSORS = sizeof elements / sizeof *elements };
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < TYPES; i++) {
        const struct fit_settings settings = settings_with(types[i]);
        struct fit *fit = new_fit(&settings, &data, 1);
        size_t bytes = 0;
        assert_int_equal(fit_tensor_count(fit), TENSORS);
        for (size_t k = 0; k < TENSORS; k++) {
            struct adadelta_tensor tensor;
            assert_int_equal(adadelta_get_tensor(fit->optimizer, k, &tensor), ADADELTA_OK);
            assert_int_equal(tensor.state_dtype, types[i]);
            bytes += 2 * ((elements[k] * adadelta_dtype_size(types[i]) + 63) / 64 * 64);
        }
        assert_int_equal(fit_state_bytes(fit), bytes);
        assert_int_equal(fit_get_settings(fit)->state, types[i]);
        fit_destroy(fit);
    }
    dataset_free(&data);
}

static void the_default_is_f32(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit *fit = new_run(ADADELTA_DTYPE_DEFAULT, &data, 1), *f32 = new_run(ADADELTA_F32, &data, 1);
    assert_int_equal(fit_settings_default().state, ADADELTA_DTYPE_DEFAULT);
    assert_int_equal(fit_get_settings(fit)->state, ADADELTA_F32);
    assert_true(is_same_file(fit, f32));
    fit_destroy(fit);
    fit_destroy(f32);
    dataset_free(&data);
}

/* Whether two runs came to the same weights of their first layer. */
static int has_same_weights(const struct fit *a, const struct fit *b)
{
    const struct layers *layers = &a->layers;
    return memcmp(layers->weights[0], b->layers.weights[0],
                  layers->width[0] * layers->width[1] * sizeof *layers->weights[0]) == 0;
}

static void the_type_decides_the_run(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit *fits[TYPES];
    for (size_t i = 0; i < TYPES; i++) {
        fits[i] = new_run(types[i], &data, 1);
        for (size_t k = 0; k < i; k++)
            assert_false(has_same_weights(fits[i], fits[k]));
        struct fit *two = new_run(types[i], &data, 2); /* threads do not */
        assert_true(is_same_file(fits[i], two));
        fit_destroy(two);
    }
    for (size_t i = 0; i < TYPES; i++)
        fit_destroy(fits[i]);
    dataset_free(&data);
}

/* Random rounding begins with the run's seed, in a run that is taken up again, too. */
static void the_optimizer_has_the_seed(void **state)
{
    (void)state;
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    const struct fit_settings settings = settings_with(ADADELTA_U16);
    struct fit *fit = new_fit(&settings, &data, 1);
    assert_true(adadelta_get_options(fit->optimizer).seed == UINT64_MAX - 5);
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
    assert_true(adadelta_get_options(fit->optimizer).seed == UINT64_MAX - 5);
    fit_destroy(fit);
    unlink(temporary());
    dataset_free(&data);
}

static void a_resumed_run_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    static const size_t stops[] = {1, 7, BATCHES, 3 * BATCHES + 4};
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < TYPES; i++) {
        const struct fit_settings settings = settings_with(types[i]);
        struct fit *whole = new_run(types[i], &data, 1);
        for (size_t k = 0; k < sizeof stops / sizeof *stops; k++) {
            struct fit *resumed = interrupted(&settings, &data, stops[k]);
            assert_int_equal(fit_get_settings(resumed)->state, types[i]);
            assert_true(is_same_file(whole, resumed));
            fit_destroy(resumed);
        }
        fit_destroy(whole);
    }
    dataset_free(&data);
}

/* Unscaled, columns and target are hundreds, and gradients more than the 255 that F16 can square. */
static void a_gradient_too_large_for_the_type_is_told(void **state)
{
    (void)state;
    int stopped;
    struct trouble trouble;
    struct dataset data = read_data("diabetes.csv", TARGET_NUMBER);
    struct fit_settings settings = settings_for("linear", ADADELTA_METHOD_ADADELTA, 1);
    settings.scale = SCALE_NONE;
    struct fit *fit = new_fit(&settings, &data, 1);
    run_to_end(fit);
    fit_destroy(fit);
    settings.state = ADADELTA_F16;
    fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_run(fit, NULL, NULL, &stopped, &trouble), FAILED);
    assert_string_equal(trouble.text,
                        "loss or gradient is not finite any more, or too large for state f16, in epoch 1: "
                        "try state f32, a larger eps, or a lower learning rate than 1");
    fit_destroy(fit);
    dataset_free(&data);
}

/* ---- Descriptions ---- */

/* Saves a run of that type under a name of its own, path [80]. */
static void save_as(char *path, enum adadelta_method method, enum adadelta_dtype type)
{
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("softmax", method, EPOCHS);
    settings.state = type;
    struct fit *fit = new_fit(&settings, &data, 1);
    snprintf(path, 80, "%s.good", temporary());
    assert_int_equal(fit_save(fit, path, &trouble), DONE);
    fit_destroy(fit);
    dataset_free(&data);
}

static void a_model_that_names_no_type_has_f32(void **state)
{
    (void)state;
    char path[80];
    struct trouble trouble;
    struct fit *fit;
    save_as(path, ADADELTA_METHOD_ADADELTA, ADADELTA_F32);
    rewrite(path, "\"state\":\"f32\"", "\"estate\":1");
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
    assert_int_equal(fit_get_settings(fit)->state, ADADELTA_F32);
    fit_destroy(fit);
    unlink(temporary());
    unlink(path);
}

static void descriptions_without_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum adadelta_method method;
        const char *replacement, *says;
    } rows[] = {
        {ADADELTA_METHOD_ADADELTA, "\"state\":\"f33\"", "makes no sense"},
        {ADADELTA_METHOD_ADADELTA, "\"state\":\"\"", "makes no sense"},
        {ADADELTA_METHOD_ADADELTA, "\"state\":1", "makes no sense"},
        {ADADELTA_METHOD_ADADELTA, "\"state\":null", "makes no sense"},
        {ADADELTA_METHOD_ADADELTA, "\"state\":\"f16\"", "is BF16 in the checkpoint, F16 in the optimizer"},
        {ADADELTA_METHOD_ADADELTA, "\"estate\":1", "is BF16 in the checkpoint, F32 in the optimizer"},
        {ADADELTA_METHOD_ADAMW, "\"state\":\"u16\"", "makes no sense"},
    };
    char path[80];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trouble trouble;
        struct fit *fit;
        save_as(path, rows[i].method, ADADELTA_BF16);
        rewrite(path, "\"state\":\"bf16\"", rows[i].replacement);
        assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), FAILED);
        assert_non_null(strstr(trouble.text, rows[i].says));
        assert_null(fit);
        unlink(temporary());
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_the_librarys_in_small_letters),
        cmocka_unit_test(methods_have_their_types),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(every_tensor_has_the_type),
        cmocka_unit_test(the_default_is_f32),
        cmocka_unit_test(the_type_decides_the_run),
        cmocka_unit_test(the_optimizer_has_the_seed),
        cmocka_unit_test(a_resumed_run_goes_on_with_the_same_bits),
        cmocka_unit_test(a_gradient_too_large_for_the_type_is_told),
        cmocka_unit_test(a_model_that_names_no_type_has_f32),
        cmocka_unit_test(descriptions_without_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
