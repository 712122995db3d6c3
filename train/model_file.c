/* SPDX-License-Identifier: MIT */
/* The model file: a checkpoint of the optimizer (weights and state), with the model's description beside it as one JSON
   text named "model", and the inputs' scaling as two arrays. One file, so that weights, state and position always fit
   together. */
#include "fit_state.h"

#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_type.h"

/* The version of the description; a reader refuses a newer one. Version 1 knew no schedules: the rate was constant. */
enum { MODEL_VERSION = 2, FIRST_WITH_SCHEDULE = 2 };

static const char model_key[] = "model";
static const char offset_name[] = "scale.offset", factor_name[] = "scale.factor";

/* ---- Writing ---- */

/* NULL: no memory. */
static json_t *text_array(char *const *texts, size_t count)
{
    json_t *array = json_array();
    int bad = !array;
    for (size_t i = 0; i < count; i++)
        bad |= json_array_append_new(array, json_string(texts[i]));
    if (!bad)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *describe_schedule(const struct adadelta_schedule *schedule)
{
    return json_pack("{s:s, s:I, s:I, s:f, s:f}", "kind", adadelta_schedule_name(schedule->kind), "warmup",
                     (json_int_t)schedule->warmup, "every", (json_int_t)schedule->every, "gamma", schedule->gamma,
                     "end", schedule->end);
}

static json_t *describe(const struct fit *fit)
{
    const struct fit_settings *settings = &fit->settings;
    char model[512], seed[32];
    model_format(&settings->model, model, sizeof model);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)settings->seed); /* JSON integers end at 2^63 */
    json_t *description = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:f, s:b, s:I, s:f, s:f, s:I, s:I, s:f, s:I}", "version",
        MODEL_VERSION, "model", model, "target", fit->kind == TARGET_CLASS ? "class" : "number", "activation",
        activation_name(settings->model.activation), "init", init_name(settings->model.init), "scale",
        scale_name(settings->scale), "batch", (json_int_t)settings->batch, "epochs", (json_int_t)settings->epochs,
        "seed", seed, "test_fraction", settings->test_fraction, "pixels", fit->pixels, "columns",
        (json_int_t)fit->columns, "target_offset", fit->target.offset[0], "target_factor", fit->target.factor[0],
        "epochs_done", (json_int_t)fit->epochs_done, "rows_done", (json_int_t)fit->rows_done, "loss_total",
        fit->loss_total, "fingerprint", (json_int_t)fit->fingerprint);
    if (!description)
        return NULL;
    int bad = json_object_set_new(description, "class_names", text_array(fit->class_names, fit->classes));
    bad |= json_object_set_new(description, "schedule", describe_schedule(&settings->schedule));
    bad |= json_object_set_new(description, "state", json_string(state_type_name(settings->state)));
    if (fit->column_names)
        bad |= json_object_set_new(description, "column_names", text_array(fit->column_names, fit->columns));
    if (fit->target_name)
        bad |= json_object_set_new(description, "target_name", json_string(fit->target_name));
    if (!bad)
        return description;
    json_decref(description);
    return NULL;
}

static enum adadelta_status put_scale(struct adadelta_checkpoint *checkpoint, const char *name, double *values,
                                      size_t columns)
{
    const struct adadelta_tensor tensor = {
        .name = name, .dtype = ADADELTA_F64, .ndim = 1, .shape = {columns}, .values = values};
    return adadelta_checkpoint_set_tensor(checkpoint, &tensor);
}

enum verdict fit_save(const struct fit *fit, const char *path, struct trouble *trouble)
{
    struct adadelta_error error = {ADADELTA_OK, ""};
    struct adadelta_checkpoint *checkpoint = NULL;
    json_t *description = describe(fit);
    char *text = description ? json_dumps(description, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    enum adadelta_status status = text ? adadelta_checkpoint_create(&checkpoint) : ADADELTA_ERROR_MEMORY;
    if (!status)
        status = adadelta_checkpoint_set_text(checkpoint, model_key, text);
    if (!status)
        status = put_scale(checkpoint, offset_name, fit->scale.offset, fit->columns);
    if (!status)
        status = put_scale(checkpoint, factor_name, fit->scale.factor, fit->columns);
    if (!status)
        status = adadelta_checkpoint_set_optimizer(checkpoint, fit->optimizer, &error);
    if (!status)
        status = adadelta_checkpoint_write(checkpoint, path, &error);
    adadelta_checkpoint_destroy(checkpoint);
    free(text);
    json_decref(description);
    if (status)
        return blame(trouble, FAILED, "%s", error.status ? error.text : adadelta_status_string(status));
    return DONE;
}

/* ---- Reading ---- */

/* Copies an array of texts; *count is its length. 0 where it is not one. */
static int read_texts(const json_t *array, char ***texts, size_t *count)
{
    *count = json_array_size(array);
    *texts = calloc(*count ? *count : 1, sizeof **texts);
    for (size_t i = 0; *texts && i < *count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        (*texts)[i] = text ? strdup(text) : NULL;
        if (!(*texts)[i])
            return 0;
    }
    return *texts != NULL;
}

/* Takes the texts that a description holds by name. */
static int read_choices(struct fit *fit, const char *model, const char *target, const char *activation,
                        const char *init, const char *scale, const char *seed)
{
    struct fit_settings *settings = &fit->settings;
    struct trouble ignored;
    char *end;
    fit->kind = strcmp(target, "class") == 0 ? TARGET_CLASS : TARGET_NUMBER;
    settings->seed = strtoull(seed, &end, 10);
    if (*end || model_parse(&settings->model, model, &ignored) != DONE ||
        activation_by_name(activation, &settings->model.activation) != 0 ||
        init_by_name(init, &settings->model.init) != 0 || scale_by_name(scale, &settings->scale) != 0)
        return 0;
    settings->model.kind = fit->kind;
    settings->model.automatic = 0;
    return 1;
}

/* 0 where it does not make sense, as a callback does not: it has no function here. */
static int read_schedule(struct fit_settings *settings, json_t *description)
{
    struct adadelta_schedule *schedule = &settings->schedule;
    const char *kind;
    json_int_t warmup, every;
    if (json_unpack(description, "{s:s, s:I, s:I, s:F, s:F}", "kind", &kind, "warmup", &warmup, "every", &every,
                    "gamma", &schedule->gamma, "end", &schedule->end) != 0 ||
        warmup < 0 || every < 0 || adadelta_schedule_by_name(kind, &schedule->kind) != ADADELTA_OK)
        return 0;
    schedule->warmup = (uint64_t)warmup;
    schedule->every = (uint64_t)every;
    schedule->steps = settings->epochs;
    return adadelta_schedule_check(schedule) == ADADELTA_OK;
}

/* A description without it is of a release that had f32 alone. 0 where there is no such type. */
static int read_state(struct fit_settings *settings, const json_t *state)
{
    settings->state = ADADELTA_F32;
    return !state || (json_is_string(state) && state_type_by_name(json_string_value(state), &settings->state) == 0);
}

/* Fills fit from a description; 0 where it does not make sense. */
static int read_description(struct fit *fit, json_t *description, json_int_t version)
{
    const char *model, *target, *activation, *init, *scale, *seed;
    json_int_t batch, epochs, columns, epochs_done, rows_done, fingerprint;
    const int unpacked = json_unpack(
        description, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:F, s:b, s:I, s:F, s:F, s:I, s:I, s:F, s:I}", "model",
        &model, "target", &target, "activation", &activation, "init", &init, "scale", &scale, "batch", &batch, "epochs",
        &epochs, "seed", &seed, "test_fraction", &fit->settings.test_fraction, "pixels", &fit->pixels, "columns",
        &columns, "target_offset", fit->target.offset, "target_factor", fit->target.factor, "epochs_done", &epochs_done,
        "rows_done", &rows_done, "loss_total", &fit->loss_total, "fingerprint", &fingerprint);
    if (unpacked != 0 || batch < 1 || epochs < 1 || columns < 1 || epochs_done < 0 || rows_done < 0 ||
        !read_choices(fit, model, target, activation, init, scale, seed))
        return 0;
    fit->settings.batch = (size_t)batch;
    fit->settings.epochs = (size_t)epochs;
    fit->columns = (size_t)columns;
    fit->epochs_done = (size_t)epochs_done;
    fit->rows_done = (size_t)rows_done;
    fit->fingerprint = (uint32_t)fingerprint;
    fit->settings.schedule = adadelta_schedule_default();
    if (version >= FIRST_WITH_SCHEDULE && !read_schedule(&fit->settings, json_object_get(description, "schedule")))
        return 0;
    if (!read_state(&fit->settings, json_object_get(description, "state")))
        return 0;

    const json_t *column_names = json_object_get(description, "column_names");
    const char *target_name = json_string_value(json_object_get(description, "target_name"));
    size_t names = json_array_size(column_names);
    if (column_names && (names != fit->columns || !read_texts(column_names, &fit->column_names, &names)))
        return 0;
    if (target_name && !(fit->target_name = strdup(target_name)))
        return 0;
    return read_texts(json_object_get(description, "class_names"), &fit->class_names, &fit->classes) &&
           (fit->kind == TARGET_NUMBER || fit->classes > 1);
}

/* Copies a scaling array out of the file; 0 where it is not there as it should be. */
static int take_scale(const struct adadelta_checkpoint *checkpoint, const char *name, double *values, size_t columns)
{
    struct adadelta_tensor tensor;
    if (adadelta_checkpoint_tensor(checkpoint, name, &tensor) != ADADELTA_OK || tensor.dtype != ADADELTA_F64 ||
        tensor.ndim != 1 || tensor.shape[0] != columns)
        return 0;
    memcpy(values, tensor.values, columns * sizeof *values);
    return 1;
}

static enum verdict senseless(const char *path, struct trouble *trouble)
{
    return blame(trouble, FAILED, "%s: the description of the model in it does not fit the rest or makes no sense",
                 path);
}

/* Whether the checkpoint holds weights of the widths that the description names: to be seen before there is memory
   taken for them. */
static int weights_fit(const struct fit *fit, const struct adadelta_checkpoint *checkpoint)
{
    size_t width[MAX_LAYERS + 1];
    const size_t count = fit_widths(fit, width);
    for (size_t l = 0; l < count; l++) {
        char name[TENSOR_NAME];
        struct adadelta_tensor tensor;
        fit_tensor_name(name, l, "weight");
        if (adadelta_checkpoint_tensor(checkpoint, name, &tensor) != ADADELTA_OK || tensor.ndim != 2 ||
            tensor.shape[0] != width[l + 1] || tensor.shape[1] != width[l])
            return 0;
    }
    return 1;
}

/* Builds the network and takes weights, state and settings out of the checkpoint. */
static enum verdict restore_optimizer(struct fit *fit, const struct adadelta_checkpoint *checkpoint, const char *path,
                                      struct trouble *trouble)
{
    struct adadelta_error error;
    const enum adadelta_status status = adadelta_checkpoint_method(checkpoint, &fit->settings.method);
    if (status)
        return blame(trouble, FAILED, "%s: %s", path, adadelta_status_string(status));
    if (!state_type_fits(fit->settings.state, fit->settings.method) || !weights_fit(fit, checkpoint))
        return senseless(path, trouble);
    fit->settings.hyper = adadelta_hyper_for(fit->settings.method);
    const enum verdict verdict = fit_build(fit, trouble);
    if (verdict)
        return verdict;
    if (adadelta_checkpoint_get_optimizer(checkpoint, fit->optimizer, &error) != ADADELTA_OK)
        return blame(trouble, FAILED, "%s: %s", path, error.text);
    adadelta_get_hyper(fit->optimizer, 0, &fit->settings.hyper);
    return DONE;
}

static enum verdict read_model(struct fit *fit, const struct adadelta_checkpoint *checkpoint, const char *path,
                               struct trouble *trouble)
{
    const char *text = adadelta_checkpoint_text(checkpoint, model_key);
    if (!text)
        return blame(trouble, FAILED, "%s: is an optimizer's checkpoint, but not a model from 'adadelta train'", path);
    json_t *description = json_loads(text, 0, NULL);
    const json_int_t version = json_integer_value(json_object_get(description, "version"));
    enum verdict verdict = DONE;
    if (version > MODEL_VERSION)
        verdict = blame(trouble, FAILED, "%s: has model version %lld, this program reads up to %d", path,
                        (long long)version, MODEL_VERSION);
    if (!verdict)
        verdict = scale_identity(&fit->target, 1, trouble);
    if (!verdict && (version < 1 || !read_description(fit, description, version)))
        verdict = senseless(path, trouble);
    if (!verdict)
        verdict = scale_identity(&fit->scale, fit->columns, trouble);
    if (!verdict && (!take_scale(checkpoint, offset_name, fit->scale.offset, fit->columns) ||
                     !take_scale(checkpoint, factor_name, fit->scale.factor, fit->columns)))
        verdict = senseless(path, trouble);
    json_decref(description);
    return verdict ? verdict : restore_optimizer(fit, checkpoint, path, trouble);
}

enum verdict fit_load(struct fit **fit, const char *path, int threads, struct trouble *trouble)
{
    *fit = NULL;
    struct adadelta_error error;
    struct adadelta_checkpoint *checkpoint;
    if (adadelta_checkpoint_read(path, &checkpoint, &error) != ADADELTA_OK)
        return blame(trouble, FAILED, "%s", error.text);
    struct fit *loaded = calloc(1, sizeof *loaded);
    enum verdict verdict = loaded ? DONE : blame_memory(trouble);
    if (loaded) {
        loaded->threads = threads > 0 ? threads : omp_get_num_procs();
        verdict = read_model(loaded, checkpoint, path, trouble);
    }
    adadelta_checkpoint_destroy(checkpoint);
    if (verdict) {
        fit_destroy(loaded);
        return verdict;
    }
    *fit = loaded;
    return DONE;
}
