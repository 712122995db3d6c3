/* SPDX-License-Identifier: MIT */
/* Whole runs: the same bits for every number of threads and after an interruption anywhere, model files, divergence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fits.h"

static void test_same_bits_for_every_thread_count(void **state)
{
    (void)state;
    static const int threads[] = {2, 3, 7};
    struct dataset data = read_data("digits.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("mlp:200,100", ADADELTA_METHOD_ADADELTA, 2);
    settings.batch = 128; /* large enough for products cut into blocks */
    struct fit *one = new_fit(&settings, &data, 1);
    run_to_end(one);
    for (size_t i = 0; i < 3; i++) {
        struct fit *more = new_fit(&settings, &data, threads[i]);
        run_to_end(more);
        assert_same_predictions(one, more, &data);
        fit_destroy(more);
    }
    fit_destroy(one);
    dataset_free(&data);
}

static void test_resumed_run_is_the_unbroken_one(void **state)
{
    (void)state;
    static const struct {
        const char *file, *model;
        enum target_kind kind;
        enum adadelta_method method;
    } rows[] = {
        {"iris.csv", "mlp:8", TARGET_CLASS, ADADELTA_METHOD_ADADELTA},
        {"iris.csv", "softmax", TARGET_CLASS, ADADELTA_METHOD_ADAMW},
        {"diabetes.csv", "linear", TARGET_NUMBER, ADADELTA_METHOD_MOMENTUM},
        {"diabetes.csv", "mlp:5,4", TARGET_NUMBER, ADADELTA_METHOD_RMSPROP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dataset data = read_data(rows[i].file, rows[i].kind);
        struct fit_settings settings = settings_for(rows[i].model, rows[i].method, 4);
        settings.hyper.lr = rows[i].method == ADADELTA_METHOD_MOMENTUM ? 0.001 : settings.hyper.lr;
        settings.seed = UINT64_MAX - 3; /* above what a JSON integer holds */
        struct fit *whole = new_fit(&settings, &data, 1);
        run_to_end(whole);
        const size_t batches = (data.rows + fit_get_settings(whole)->batch - 1) / fit_get_settings(whole)->batch;
        /* In the first batch of all, in the middle of an epoch, at its end, and behind that. */
        const size_t stops[] = {1, batches / 2, batches, batches + 1, 2 * batches + 3};
        for (size_t k = 0; k < sizeof stops / sizeof stops[0]; k++) {
            struct fit *resumed = interrupted(&settings, &data, stops[k]);
            assert_int_equal(fit_epochs_done(resumed), 4);
            assert_same_predictions(whole, resumed, &data);
            fit_destroy(resumed);
        }
        fit_destroy(whole);
        dataset_free(&data);
    }
}

static void test_other_data_cannot_be_resumed(void **state)
{
    (void)state;
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 1);
    struct fit *fit = new_fit(&settings, &data, 1);
    run_to_end(fit);
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
    data.values[17] += 1e-9;
    assert_int_equal(fit_attach(fit, &data, NULL, 5, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "not the data"));
    unlink(temporary());
    fit_destroy(fit);
    dataset_free(&data);
}

static void test_divergence_is_told(void **state)
{
    (void)state;
    struct trouble trouble;
    int stopped;
    struct dataset data = read_data("diabetes.csv", TARGET_NUMBER);
    struct fit_settings settings = settings_for("linear", ADADELTA_METHOD_SGD, 50);
    settings.hyper.lr = 1000;
    struct fit *fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_run(fit, NULL, NULL, &stopped, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "not finite"));
    fit_destroy(fit);
    dataset_free(&data);
}

/* A description that names a larger network than the file holds must not take memory for it. */
static void test_larger_than_the_file(void **state)
{
    (void)state;
    struct trouble trouble;
    struct adadelta_checkpoint *checkpoint;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("mlp:9", ADADELTA_METHOD_ADADELTA, 1);
    struct fit *fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);
    assert_int_equal(adadelta_checkpoint_read(temporary(), &checkpoint, NULL), ADADELTA_OK);
    char *text = strdup(adadelta_checkpoint_text(checkpoint, "model")), *widths = strstr(text, "mlp:9");
    assert_non_null(widths);
    char larger[4096];
    snprintf(larger, sizeof larger, "%.*smlp:900000,900000%s", (int)(widths - text), text, widths + strlen("mlp:9"));
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "model", larger), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_write(checkpoint, temporary(), NULL), ADADELTA_OK);
    adadelta_checkpoint_destroy(checkpoint);
    free(text);
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), FAILED);
    assert_null(fit);
    assert_non_null(strstr(trouble.text, "does not fit"));
    unlink(temporary());
    dataset_free(&data);
}

static void test_numbers_beyond_squares(void **state)
{
    (void)state;
    struct trouble trouble;
    struct fit *fit;
    struct dataset data = read_data("diabetes.csv", TARGET_NUMBER);
    for (size_t r = 0; r < data.rows; r++)
        data.numbers[r] *= 1e158;
    struct fit_settings settings = settings_for("linear", ADADELTA_METHOD_ADADELTA, 1);
    assert_int_equal(fit_create(&fit, &settings, &data, NULL, 1, &trouble), FAILED);
    assert_null(fit);
    dataset_free(&data);
}

/* The model's own score on its training data against one counted from its predictions. */
static void test_scores_agree_with_predictions(void **state)
{
    (void)state;
    struct trouble trouble;
    struct fit_score score;
    struct dataset data = read_data("breast_cancer.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 3);
    struct fit *fit = new_fit(&settings, &data, 1);
    run_to_end(fit);
    assert_int_equal(fit_evaluate(fit, &data, &score, &trouble), DONE);
    double *p = predictions(fit, &data), loss = 0;
    size_t wrong = 0;
    for (size_t r = 0; r < data.rows; r++) {
        assert_true(fabs(p[2 * r] + p[2 * r + 1] - 1) < 1e-12);
        wrong += (p[2 * r + 1] > p[2 * r]) != data.labels[r];
        loss -= log(p[2 * r + (size_t)data.labels[r]]) / (double)data.rows;
    }
    assert_true(score.error == (double)wrong / (double)data.rows);
    assert_true(fabs(score.loss - loss) < 1e-9);
    assert_true(score.error < 0.1);
    free(p);
    fit_destroy(fit);
    dataset_free(&data);
}

static int losses_agree(const struct fit_progress *progress, void *context)
{
    size_t *epochs = context;
    if (progress->epoch_end) {
        assert_true(fabs(progress->train_loss - progress->test_loss) < 1e-9 * progress->test_loss);
        ++*epochs;
    }
    return 0;
}

/* A model that does not move has the same loss while it is trained as when it is tested, in every epoch, in the
   target's own unit: of diabetes.csv the mean squared error of always saying the mean is the variance, 5930. */
static void test_loss_of_an_epoch_is_a_mean_over_its_rows(void **state)
{
    (void)state;
    struct trouble trouble;
    struct fit_score score;
    int stopped;
    size_t epochs = 0;
    struct dataset data = read_data("diabetes.csv", TARGET_NUMBER);
    struct fit_settings settings = settings_for("linear", ADADELTA_METHOD_ADADELTA, 3);
    settings.hyper.lr = 0;
    settings.model.init = INIT_ZERO;
    struct fit *fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_run(fit, losses_agree, &epochs, &stopped, &trouble), DONE);
    assert_int_equal(epochs, 3);
    assert_int_equal(fit_evaluate(fit, &data, &score, &trouble), DONE);
    assert_true(fabs(score.loss - 5929.88) < 0.01);
    fit_destroy(fit);
    dataset_free(&data);
}

/* Checks that order is a permutation of 0 .. n-1. */
static void assert_permutation(const size_t *order, size_t n)
{
    char *seen = calloc(n, 1);
    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n && !seen[order[i]]);
        seen[order[i]] = 1;
    }
    free(seen);
}

static void test_every_epoch_has_its_own_order(void **state)
{
    (void)state;
    struct trouble trouble;
    int stopped;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 2);
    struct fit *fit = new_fit(&settings, &data, 1);
    size_t first[150], calls = 0;
    do {
        struct countdown one = {1};
        assert_int_equal(fit_run(fit, stop_after, &one, &stopped, &trouble), DONE);
        if (calls++ == 0)
            memcpy(first, fit->order, sizeof first);
    } while (fit_epochs_done(fit) < 1 || fit->rows_done == 0);
    assert_permutation(first, 150);
    assert_permutation(fit->order, 150);
    assert_memory_not_equal(first, fit->order, sizeof first);
    fit_destroy(fit);
    dataset_free(&data);
}

static void test_unfit_models_are_refused(void **state)
{
    (void)state;
    struct trouble trouble;
    struct fit *fit;
    struct dataset numbers = read_data("diabetes.csv", TARGET_NUMBER), classes = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 1);
    assert_int_equal(fit_create(&fit, &settings, &numbers, NULL, 1, &trouble), MISUSE);
    assert_null(fit);
    settings = settings_for("linear", ADADELTA_METHOD_ADADELTA, 1);
    assert_int_equal(fit_create(&fit, &settings, &classes, NULL, 1, &trouble), MISUSE);
    settings.hyper.rho = 1;
    assert_int_equal(fit_create(&fit, &settings, &numbers, NULL, 1, &trouble), MISUSE);
    settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 1);
    assert_int_equal(fit_create(&fit, &settings, &classes, &numbers, 1, &trouble), FAILED);
    dataset_free(&numbers);
    dataset_free(&classes);
}

static void test_model_texts(void **state)
{
    (void)state;
    static const char *const good[] = {"auto", "linear", "softmax", "mlp:1", "mlp:500,300", "mlp:1000000"};
    static const char *const bad[] = {"",
                                      "mlp",
                                      "mlp:",
                                      "mlp:0",
                                      "mlp:5,",
                                      "mlp:,5",
                                      "mlp:-3",
                                      "mlp:5;3",
                                      "mlp:1000001",
                                      "mlp:1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
                                      "Linear",
                                      "mlp:99999999999999999999"};
    struct trouble trouble;
    char text[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct model_spec spec = {.activation = ACTIVATION_TANH};
        assert_int_equal(model_parse(&spec, good[i], &trouble), DONE);
        model_format(&spec, text, sizeof text);
        assert_string_equal(text, good[i]);
        assert_int_equal(spec.activation, ACTIVATION_TANH);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct model_spec spec = {.hidden_count = 9};
        assert_int_equal(model_parse(&spec, bad[i], &trouble), MISUSE);
        assert_int_equal(spec.hidden_count, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits_for_every_thread_count),
        cmocka_unit_test(test_resumed_run_is_the_unbroken_one),
        cmocka_unit_test(test_other_data_cannot_be_resumed),
        cmocka_unit_test(test_divergence_is_told),
        cmocka_unit_test(test_larger_than_the_file),
        cmocka_unit_test(test_numbers_beyond_squares),
        cmocka_unit_test(test_scores_agree_with_predictions),
        cmocka_unit_test(test_loss_of_an_epoch_is_a_mean_over_its_rows),
        cmocka_unit_test(test_every_epoch_has_its_own_order),
        cmocka_unit_test(test_unfit_models_are_refused),
        cmocka_unit_test(test_model_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
