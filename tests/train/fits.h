/* SPDX-License-Identifier: MIT */
/* Runs of the trainer for tests: made, ended, interrupted and compared. Include after cmocka.h. */
#ifndef TESTS_TRAIN_FITS_H
#define TESTS_TRAIN_FITS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fit_state.h"

static inline struct dataset read_data(const char *name, enum target_kind kind)
{
    struct dataset data;
    struct trouble trouble;
    char path[512];
    snprintf(path, sizeof path, "%s/data/%s", SOURCE_DIR, name);
    const struct dataset_request request = {.path = path, .kind = kind, .want_target = 1};
    assert_int_equal(dataset_read(&data, &request, &trouble), DONE);
    return data;
}

static inline struct fit_settings settings_for(const char *model, enum adadelta_method method, size_t epochs)
{
    struct fit_settings settings = fit_settings_default();
    struct trouble trouble;
    assert_int_equal(model_parse(&settings.model, model, &trouble), DONE);
    settings.method = method;
    settings.hyper = adadelta_hyper_for(method);
    settings.epochs = epochs;
    return settings;
}

static inline struct fit *new_fit(const struct fit_settings *settings, const struct dataset *data, int threads)
{
    struct fit *fit;
    struct trouble trouble;
    if (fit_create(&fit, settings, data, data, threads, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    return fit;
}

static inline void run_to_end(struct fit *fit)
{
    int stopped;
    struct trouble trouble;
    if (fit_run(fit, NULL, NULL, &stopped, &trouble) != DONE)
        fail_msg("%s", trouble.text);
    assert_int_equal(stopped, 0);
}

static inline double *predictions(struct fit *fit, const struct dataset *data)
{
    struct trouble trouble;
    double *output = malloc(data->rows * fit_outputs(fit) * sizeof *output);
    assert_int_equal(fit_predict(fit, data, 1, output, &trouble), DONE);
    return output;
}

static inline void assert_same_predictions(struct fit *a, struct fit *b, const struct dataset *data)
{
    double *p = predictions(a, data), *q = predictions(b, data);
    assert_memory_equal(p, q, data->rows * fit_outputs(a) * sizeof *p);
    free(p);
    free(q);
}

static inline const char *temporary(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/test_fit.%ld.safetensors", (long)getpid());
    return path;
}

struct countdown {
    size_t calls;
};

static inline int stop_after(const struct fit_progress *progress, void *context)
{
    (void)progress;
    struct countdown *left = context;
    return --left->calls == 0;
}

/* Runs for some calls of the watch, saves, and goes on in a new object from the file. */
static inline struct fit *interrupted(const struct fit_settings *settings, const struct dataset *data, size_t calls)
{
    struct trouble trouble;
    int stopped;
    struct countdown left = {calls};
    struct fit *fit = new_fit(settings, data, 2);
    assert_int_equal(fit_run(fit, stop_after, &left, &stopped, &trouble), DONE);
    assert_int_equal(stopped, 1);
    assert_int_equal(fit_save(fit, temporary(), &trouble), DONE);
    fit_destroy(fit);

    assert_int_equal(fit_load(&fit, temporary(), 1, &trouble), DONE);
    assert_int_equal(unlink(temporary()), 0);
    assert_int_equal(fit_attach(fit, data, data, 0, &trouble), DONE);
    run_to_end(fit);
    return fit;
}

/* Writes the model at `from` to the temporary file, `old` in its description replaced. */
static inline void rewrite(const char *from, const char *old, const char *replacement)
{
    struct adadelta_checkpoint *checkpoint;
    char changed[4096];
    assert_int_equal(adadelta_checkpoint_read(from, &checkpoint, NULL), ADADELTA_OK);
    const char *text = adadelta_checkpoint_text(checkpoint, "model"), *place = strstr(text, old);
    assert_non_null(place);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - text), text, replacement, place + strlen(old));
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "model", changed), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_write(checkpoint, temporary(), NULL), ADADELTA_OK);
    adadelta_checkpoint_destroy(checkpoint);
}

#endif
