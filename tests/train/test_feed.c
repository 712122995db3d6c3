/* SPDX-License-Identifier: MIT */
/* Rows that come piece by piece, parameters in and out, and predictions that do not depend on a row's neighbours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fits.h"
#include "sparse_data.h"

static struct dataset rows_of(const struct dataset *data, size_t first, size_t count)
{
    struct dataset part;
    struct trouble trouble;
    size_t *index = malloc(count * sizeof *index);
    for (size_t k = 0; k < count; k++)
        index[k] = first + k;
    assert_int_equal(dataset_select(&part, data, index, count, &trouble), DONE);
    free(index);
    return part;
}

static void feed(struct fit *fit, const struct dataset *data)
{
    struct trouble trouble;
    if (fit_feed(fit, data, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    run_to_end(fit);
}

static struct fit *saved_and_loaded(struct fit *fit)
{
    struct trouble trouble;
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);
    if (fit_load(&fit, temporary(), 1, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    assert_int_equal(unlink(temporary()), 0);
    return fit;
}

/* The same rows over and over are a run at a constant rate, also through a file between any two epochs. */
static void test_the_same_rows_again_are_one_more_epoch(void **state)
{
    (void)state;
    struct dataset data = read_data("digits.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("mlp:16", ADADELTA_METHOD_ADAMW, 3);
    settings.schedule.kind = ADADELTA_SCHEDULE_CONSTANT;
    struct fit *whole = new_fit(&settings, &data, 1);
    run_to_end(whole);
    settings.epochs = 1;
    struct fit *fed = new_fit(&settings, &data, 1);
    run_to_end(fed);
    feed(fed, &data);
    fed = saved_and_loaded(fed);
    feed(fed, &data);
    assert_int_equal(fit_epochs_done(fed), 3);
    assert_same_predictions(whole, fed, &data);
    fit_destroy(whole);
    fit_destroy(fed);
    dataset_free(&data);
}

/* What was a schedule is a constant rate from then on, and an epoch that was stopped is given up. */
static void test_a_stopped_epoch_is_given_up(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS), part = rows_of(&data, 20, 90);
    struct fit_settings settings = settings_for("mlp:8", ADADELTA_METHOD_ADADELTA, 9);
    struct fit *fit = new_fit(&settings, &data, 1);
    struct countdown left = {3};
    struct trouble trouble;
    int stopped;
    assert_int_equal(fit_run(fit, stop_after, &left, &stopped, &trouble), DONE);
    assert_int_equal(stopped, 1);
    feed(fit, &part);
    assert_int_equal(fit_epochs_done(fit), 1);
    assert_int_equal(fit_get_settings(fit)->schedule.kind, ADADELTA_SCHEDULE_CONSTANT);
    fit_destroy(fit);
    dataset_free(&part);
    dataset_free(&data);
}

static void test_scaling_stays_that_of_the_first_rows(void **state)
{
    (void)state;
    struct dataset data = read_data("diabetes.csv", TARGET_NUMBER), first = rows_of(&data, 0, 100),
                   rest = rows_of(&data, 100, data.rows - 100), sparse = made_sparse(&rest);
    struct fit_settings settings = settings_for("linear", ADADELTA_METHOD_ADADELTA, 1);
    settings.batch = 150;
    settings.keep_batch = 1;
    struct fit *fit = new_fit(&settings, &first, 1);
    run_to_end(fit);
    assert_int_equal(fit_get_settings(fit)->batch, 150);
    const double offset = fit_scale(fit)->offset[2], target = fit_target_scale(fit)->offset[0];
    feed(fit, &rest);
    feed(fit, &sparse);
    fit_release(fit);
    assert_true(fit_scale(fit)->offset[2] == offset && fit_target_scale(fit)->offset[0] == target);
    /* 1 batch of 100 rows, and 3 of the 342 others, twice */
    assert_int_equal(adadelta_step_count(fit_optimizer(fit)), 1 + 3 + 3);
    double *before = predictions(fit, &data);
    fit = saved_and_loaded(fit);
    double *after = predictions(fit, &data);
    assert_memory_equal(before, after, data.rows * sizeof *before);
    free(before);
    free(after);
    fit_destroy(fit);
    dataset_free(&sparse);
    dataset_free(&rest);
    dataset_free(&first);
    dataset_free(&data);
}

static void test_rows_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS), digits = read_data("digits.csv", TARGET_CLASS),
                   numbers = read_data("diabetes.csv", TARGET_NUMBER);
    struct fit_settings settings = settings_for("softmax", ADADELTA_METHOD_ADADELTA, 1);
    struct fit *fit = new_fit(&settings, &data, 1);
    struct trouble trouble;
    run_to_end(fit);
    assert_int_equal(fit_feed(fit, &digits, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "64 features"));
    assert_int_equal(fit_feed(fit, &numbers, &trouble), FAILED);
    data.classes = 4;
    assert_int_equal(fit_feed(fit, &data, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "4 classes"));
    data.classes = 3;
    feed(fit, &data);
    assert_int_equal(fit_epochs_done(fit), 2);
    fit_destroy(fit);
    dataset_free(&data);
    dataset_free(&digits);
    dataset_free(&numbers);
}

static void test_parameters_are_copied_in_the_optimizers_order(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    struct fit_settings settings = settings_for("mlp:5", ADADELTA_METHOD_ADADELTA, 2);
    struct fit *fit = new_fit(&settings, &data, 1);
    const size_t size = fit_parameter_count(fit) * sizeof(float);
    float *first = malloc(size), *again = malloc(size), *at = first;
    double *before = predictions(fit, &data);
    fit_get_parameters(fit, first);
    for (size_t k = 0; k < fit_tensor_count(fit); k++) {
        struct adadelta_tensor tensor;
        assert_int_equal(adadelta_get_tensor(fit_optimizer(fit), k, &tensor), ADADELTA_OK);
        const size_t count = tensor.shape[0] * (tensor.ndim == 2 ? tensor.shape[1] : 1);
        assert_memory_equal(at, tensor.values, count * sizeof *at);
        at += count;
    }
    run_to_end(fit);
    fit_get_parameters(fit, again);
    assert_memory_not_equal(first, again, size);
    fit_set_parameters(fit, first);
    double *after = predictions(fit, &data);
    assert_memory_equal(before, after, data.rows * 3 * sizeof *before);
    free(first);
    free(again);
    free(before);
    free(after);
    fit_destroy(fit);
    dataset_free(&data);
}

/* Alone, in a block that is full, and in one that is not. */
static void test_a_row_is_predicted_alike_among_any_others(void **state)
{
    (void)state;
    static const char *const models[] = {"softmax", "mlp:100,7", "mlp:1"};
    struct dataset data = read_data("digits.csv", TARGET_CLASS);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        struct fit_settings settings = settings_for(models[m], ADADELTA_METHOD_ADADELTA, 1);
        struct fit *fit = new_fit(&settings, &data, 2);
        run_to_end(fit);
        double *all = predictions(fit, &data);
        for (size_t first = 0, count = 1; first + count <= data.rows; first += count, count = count % 150 + 7) {
            struct dataset part = rows_of(&data, first, count);
            double *some = predictions(fit, &part);
            assert_memory_equal(some, all + first * 10, count * 10 * sizeof *some);
            free(some);
            dataset_free(&part);
        }
        free(all);
        fit_destroy(fit);
    }
    dataset_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_rows_again_are_one_more_epoch),
        cmocka_unit_test(test_a_stopped_epoch_is_given_up),
        cmocka_unit_test(test_scaling_stays_that_of_the_first_rows),
        cmocka_unit_test(test_rows_that_do_not_fit_are_refused),
        cmocka_unit_test(test_parameters_are_copied_in_the_optimizers_order),
        cmocka_unit_test(test_a_row_is_predicted_alike_among_any_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
