/* SPDX-License-Identifier: MIT */
/* Schedules of a training run: counted in its steps, kept in the model file, followed to a new end. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fits.h"

enum { EPOCHS = 7, BATCHES = 10 /* of iris.csv, 150 rows by 16 */ };

/* One of every kind that has a file, in epochs. */
static const struct adadelta_schedule schedules[] = {
    {.kind = ADADELTA_SCHEDULE_CONSTANT},
    {.kind = ADADELTA_SCHEDULE_CONSTANT, .warmup = 3},
    {.kind = ADADELTA_SCHEDULE_LINEAR},
    {.kind = ADADELTA_SCHEDULE_LINEAR, .warmup = 2, .end = 0.3},
    {.kind = ADADELTA_SCHEDULE_COSINE, .end = 1.0 / 3},
    {.kind = ADADELTA_SCHEDULE_STEP, .every = 2, .gamma = 1.0 / 3},
    {.kind = ADADELTA_SCHEDULE_STEP, .warmup = 1, .gamma = 0.1}, /* every is left open */
    {.kind = ADADELTA_SCHEDULE_TAIL},
    {.kind = ADADELTA_SCHEDULE_TAIL, .warmup = 1},
};
enum { SCHEDULES = sizeof schedules / sizeof *schedules };

static struct fit_settings settings_with(const struct adadelta_schedule *schedule, size_t epochs)
{
    struct fit_settings settings = settings_for("mlp:8", ADADELTA_METHOD_ADADELTA, epochs);
    settings.schedule = *schedule;
    return settings;
}

static struct adadelta_schedule in_steps(const struct adadelta_schedule *schedule, size_t epochs)
{
    struct adadelta_schedule counted = *schedule;
    counted.steps = epochs * BATCHES;
    counted.warmup = schedule->warmup * BATCHES;
    counted.every = (schedule->every ? schedule->every : 3) * BATCHES; /* a third of 7, rounded up */
    return counted;
}

/* Sets the lr by hand before each step. */
struct hand {
    struct fit *fit;
    const struct adadelta_schedule *schedule;
    double lr;
    size_t stop; /* in steps */
};

static int set_lr(const struct fit_progress *progress, void *context)
{
    struct hand *hand = context;
    const uint64_t step = adadelta_step_count(hand->fit->optimizer);
    (void)progress;
    for (size_t group = 0; group < 2; group++) {
        struct adadelta_hyper hyper;
        assert_int_equal(adadelta_get_hyper(hand->fit->optimizer, group, &hyper), ADADELTA_OK);
        hyper.lr = hand->lr * adadelta_schedule_rate(hand->schedule, step);
        assert_int_equal(adadelta_set_hyper(hand->fit->optimizer, group, &hyper), ADADELTA_OK);
    }
    return step == hand->stop && progress && progress->epoch_end;
}

/* A run of a constant rate, its lr multiplied by hand; up to `stop` epochs. */
static void run_by_hand(struct fit *fit, const struct adadelta_schedule *schedule, size_t epochs, size_t stop)
{
    const struct adadelta_schedule counted = in_steps(schedule, epochs);
    struct hand hand = {fit, &counted, fit->settings.hyper.lr, stop * BATCHES};
    struct trouble trouble;
    int stopped;
    set_lr(NULL, &hand);
    assert_int_equal(fit_run(fit, set_lr, &hand, &stopped, &trouble), DONE);
    assert_true(fit_epochs_done(fit) == stop);
}

static void a_schedule_counts_the_steps_of_the_run(void **state)
{
    (void)state;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < SCHEDULES; i++) {
        const struct fit_settings settings = settings_with(&schedules[i], EPOCHS);
        const struct fit_settings constant = settings_with(&schedules[0], EPOCHS);
        struct fit *fit = new_fit(&settings, &data, 1), *hand = new_fit(&constant, &data, 1);
        run_to_end(fit);
        run_by_hand(hand, &schedules[i], EPOCHS, EPOCHS);
        assert_int_equal(adadelta_step_count(fit->optimizer), EPOCHS * BATCHES);
        assert_same_predictions(fit, hand, &data);
        fit_destroy(fit);
        fit_destroy(hand);
    }
    dataset_free(&data);
}

static void a_resumed_run_follows_its_schedule(void **state)
{
    (void)state;
    static const size_t stops[] = {1, 8, BATCHES, 4 * BATCHES + 1, 6 * BATCHES + 5};
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < SCHEDULES; i++) {
        const struct fit_settings settings = settings_with(&schedules[i], EPOCHS);
        struct fit *whole = new_fit(&settings, &data, 1);
        run_to_end(whole);
        for (size_t k = 0; k < sizeof stops / sizeof *stops; k++) {
            struct fit *resumed = interrupted(&settings, &data, stops[k]);
            assert_same_predictions(whole, resumed, &data);
            fit_destroy(resumed);
        }
        fit_destroy(whole);
    }
    dataset_free(&data);
}

/* A run of 7 epochs that is to be one of 12 follows the schedule of 7 up to its end, and that of 12 from there. */
static void more_epochs_follow_the_new_end(void **state)
{
    (void)state;
    enum { MORE = 12 };
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < SCHEDULES; i++) {
        const struct fit_settings settings = settings_with(&schedules[i], EPOCHS);
        const struct fit_settings constant = settings_with(&schedules[0], MORE);
        struct fit *fit = new_fit(&settings, &data, 1), *hand = new_fit(&constant, &data, 1);
        run_to_end(fit);
        assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
        fit_destroy(fit);
        assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
        assert_int_equal(fit_attach(fit, &data, &data, MORE, &trouble), DONE);
        run_to_end(fit);
        run_by_hand(hand, &schedules[i], EPOCHS, EPOCHS);
        run_by_hand(hand, &schedules[i], MORE, MORE);
        assert_same_predictions(fit, hand, &data);
        fit_destroy(fit);
        fit_destroy(hand);
    }
    unlink(temporary());
    dataset_free(&data);
}

static void a_model_keeps_its_schedule(void **state)
{
    (void)state;
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < SCHEDULES; i++) {
        const struct fit_settings settings = settings_with(&schedules[i], EPOCHS);
        const struct adadelta_schedule *was = &schedules[i];
        struct fit *fit = new_fit(&settings, &data, 1);
        assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
        fit_destroy(fit);
        assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
        const struct adadelta_schedule *is = &fit_get_settings(fit)->schedule;
        assert_int_equal(is->kind, was->kind);
        assert_true(is->warmup == was->warmup && is->every == (was->every ? was->every : 3));
        assert_true(is->gamma == was->gamma && is->end == was->end);
        fit_destroy(fit);
    }
    unlink(temporary());
    dataset_free(&data);
}

static void schedules_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct adadelta_schedule bad[] = {
        {.kind = ADADELTA_SCHEDULE_CONSTANT, .warmup = EPOCHS},
        {.kind = ADADELTA_SCHEDULE_TAIL, .warmup = EPOCHS},
        {.kind = ADADELTA_SCHEDULE_LINEAR, .warmup = UINT64_MAX},
        {.kind = ADADELTA_SCHEDULE_COSINE, .end = -1},
        {.kind = ADADELTA_SCHEDULE_STEP, .gamma = NAN, .every = 1},
        {.kind = ADADELTA_SCHEDULE_CALLBACK},
        {.kind = ADADELTA_SCHEDULE_COUNT},
    };
    struct trouble trouble;
    struct fit *fit;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct fit_settings settings = settings_with(&bad[i], EPOCHS);
        assert_int_equal(fit_create(&fit, &settings, &data, NULL, 1, &trouble), MISUSE);
        assert_null(fit);
    }
    /* A run may not be made shorter than its warm-up; the one that there is stays as it was. */
    struct fit_settings settings = settings_with(&(struct adadelta_schedule){.warmup = 4}, EPOCHS);
    struct fit *whole = new_fit(&settings, &data, 1);
    fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
    assert_int_equal(fit_attach(fit, &data, NULL, 4, &trouble), MISUSE);
    assert_non_null(strstr(trouble.text, "warm-up of 4 epochs"));
    assert_int_equal(fit_attach(fit, &data, NULL, 0, &trouble), DONE);
    run_to_end(fit);
    run_to_end(whole);
    assert_same_predictions(fit, whole, &data);
    fit_destroy(fit);
    fit_destroy(whole);
    unlink(temporary());
    dataset_free(&data);
}

/* A rate past the range of float is no step: the run says that it cannot go on. */
static void a_rate_out_of_range_is_told(void **state)
{
    (void)state;
    struct trouble trouble;
    int stopped;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    const struct adadelta_schedule grows = {.kind = ADADELTA_SCHEDULE_STEP, .every = 3, .gamma = 1e300};
    const struct fit_settings settings = settings_with(&grows, EPOCHS);
    struct fit *fit = new_fit(&settings, &data, 1);
    assert_int_equal(fit_run(fit, NULL, NULL, &stopped, &trouble), FAILED);
    assert_true(fit_epochs_done(fit) == 3);
    fit_destroy(fit);
    dataset_free(&data);
}

/* ---- Descriptions ---- */

/* tests/golden/model-1.safetensors was written before there were schedules: 5 epochs of a constant rate. */
static void a_model_of_version_1_has_a_constant_rate(void **state)
{
    (void)state;
    struct trouble trouble;
    struct fit *fit;
    assert_int_equal(fit_load(&fit, SOURCE_DIR "/tests/golden/model-1.safetensors", 1, &trouble), DONE);
    const struct adadelta_schedule schedule = fit_get_settings(fit)->schedule, plain = adadelta_schedule_default();
    assert_true(schedule.kind == plain.kind && schedule.warmup == 0 && fit_epochs_done(fit) == 5);
    assert_true(fit_get_settings(fit)->seed == 3);
    fit_destroy(fit);
    /* What a later version says is not known here. */
    rewrite(SOURCE_DIR "/tests/golden/model-1.safetensors", "\"version\":1", "\"version\":3");
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "version 3"));
    /* A schedule does not come with version 1, and does not stay away from version 2. */
    rewrite(SOURCE_DIR "/tests/golden/model-1.safetensors", "\"version\":1", "\"version\":2");
    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), FAILED);
    assert_non_null(strstr(trouble.text, "makes no sense"));
    unlink(temporary());
}

static void descriptions_without_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *old, *replacement;
    } rows[] = {
        {"\"linear\"", "\"callback\""},
        {"\"linear\"", "\"lineal\""},
        {"\"linear\"", "1"},
        {"\"warmup\":2", "\"warmup\":-1"},
        {"\"warmup\":2", "\"warmup\":7"},
        {"\"warmup\":2", "\"warmup\":0.5"},
        {"\"every\":4", "\"every\":-4"},
        {"\"every\":4", "\"never\":4"},
        {"\"end\":0.5", "\"end\":-0.5"},
        {"\"schedule\":", "\"timetable\":"},
        {"\"linear\",\"warmup\":2", "\"constant\",\"warmup\":-2"},
    };
    char model[80];
    struct trouble trouble;
    struct dataset data = read_data("iris.csv", TARGET_CLASS);
    const struct adadelta_schedule schedule = {
        .kind = ADADELTA_SCHEDULE_LINEAR, .warmup = 2, .every = 4, .gamma = 0.25, .end = 0.5};
    const struct fit_settings settings = settings_with(&schedule, EPOCHS);
    struct fit *fit = new_fit(&settings, &data, 1);
    snprintf(model, sizeof model, "%s.good", temporary());
    assert_int_equal(fit_save(fit, model, &trouble), DONE);
    fit_destroy(fit);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rewrite(model, rows[i].old, rows[i].replacement);
        assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), FAILED);
        assert_null(fit);
        assert_non_null(strstr(trouble.text, "makes no sense"));
    }
    unlink(temporary());
    unlink(model);
    dataset_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_counts_the_steps_of_the_run),
        cmocka_unit_test(a_resumed_run_follows_its_schedule),
        cmocka_unit_test(more_epochs_follow_the_new_end),
        cmocka_unit_test(a_model_keeps_its_schedule),
        cmocka_unit_test(schedules_that_cannot_be_are_refused),
        cmocka_unit_test(a_rate_out_of_range_is_told),
        cmocka_unit_test(a_model_of_version_1_has_a_constant_rate),
        cmocka_unit_test(descriptions_without_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
