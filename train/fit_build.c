/* SPDX-License-Identifier: MIT */
/* Making a model for some data, giving it data, taking it away, and the model's end. */
#include "fit_state.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_type.h"
#include "texts.h"

/* The stream of random numbers that first weights are drawn from; the split of the data and the shuffles have others.
 */
#define STREAM_WEIGHTS UINT64_C(0x100000000)

/* Evaluation runs in blocks of at least this many rows: fewer calls of BLAS, still in cache. Fewer where rows are so
   wide that they would take more floats than that. */
enum { BLOCK_ROWS = 500, BLOCK_FLOATS = 1 << 24 };

/* Settles what kind of target the model has. */
static enum verdict complete_model(struct fit *fit, const struct dataset *train, struct trouble *trouble)
{
    struct model_spec *model = &fit->settings.model;
    const char *name = train->target_name ? train->target_name : "label";
    if (train->target == TARGET_NONE)
        return blame(trouble, FAILED, "%s: has no target to learn", train->path);
    if (model->automatic || model->kind == TARGET_NONE)
        model->kind = train->target;
    model->automatic = 0;
    if (model->kind == TARGET_CLASS && train->target == TARGET_NUMBER)
        return blame(trouble, MISUSE, "%s: target '%s' is a number, the model is for classes; use linear or mlp",
                     train->path, name);
    if (model->kind == TARGET_NUMBER && train->target == TARGET_CLASS)
        return blame(trouble, MISUSE, "%s: target '%s' is a class, the model is for numbers; use softmax or mlp",
                     train->path, name);
    fit->kind = model->kind;
    return DONE;
}

/* ---- Building ---- */

void fit_tensor_name(char name[TENSOR_NAME], size_t l, const char *part)
{
    snprintf(name, TENSOR_NAME, "layer%zu.%s", l + 1, part);
}

size_t fit_widths(const struct fit *fit, size_t width[MAX_LAYERS + 1])
{
    const struct model_spec *model = &fit->settings.model;
    width[0] = fit->columns;
    memcpy(width + 1, model->hidden, model->hidden_count * sizeof *width);
    width[model->hidden_count + 1] = fit->kind == TARGET_CLASS ? fit->classes : 1;
    return model->hidden_count + 1;
}

/* Registers the weights and biases of all layers: group 0 decays as asked, group 1 holds the biases, which do not. */
static enum adadelta_status register_tensors(struct fit *fit)
{
    struct adadelta_hyper undecayed = fit->settings.hyper;
    undecayed.weight_decay = 0;
    enum adadelta_status status = adadelta_add_group(fit->optimizer, &fit->settings.hyper, NULL);
    if (!status)
        status = adadelta_add_group(fit->optimizer, &undecayed, NULL);
    const struct layers *layers = &fit->layers;
    for (size_t l = 0; !status && l < layers->count; l++) {
        const size_t in = layers->width[l], out = layers->width[l + 1];
        char weight[TENSOR_NAME], bias[TENSOR_NAME];
        fit_tensor_name(weight, l, "weight");
        fit_tensor_name(bias, l, "bias");
        const struct adadelta_tensor tensors[] = {
            {.name = weight,
             .ndim = 2,
             .shape = {out, in},
             .values = layers->weights[l],
             .gradient = layers->weight_gradients[l]},
            {.name = bias,
             .ndim = 1,
             .shape = {out},
             .values = layers->biases[l],
             .gradient = layers->bias_gradients[l]},
        };
        for (size_t group = 0; !status && group < 2; group++)
            status = adadelta_add_tensor(fit->optimizer, group, &tensors[group], NULL);
    }
    return status;
}

/* How many rows the layers have room for: a batch, or a block of evaluation or prediction. */
static size_t row_capacity(size_t batch, size_t count, const size_t *width)
{
    size_t widest = 1, rows = BLOCK_ROWS;
    for (size_t l = 0; l <= count; l++)
        widest = width[l] > widest ? width[l] : widest;
    if (rows > BLOCK_FLOATS / widest)
        rows = BLOCK_FLOATS / widest;
    if (rows < PREDICTED_ROWS)
        rows = PREDICTED_ROWS;
    return batch > rows ? batch : rows;
}

enum verdict fit_build(struct fit *fit, struct trouble *trouble)
{
    size_t width[MAX_LAYERS + 1];
    const size_t count = fit_widths(fit, width);
    const size_t capacity = row_capacity(fit->settings.batch, count, width);
    const enum verdict verdict =
        layers_create(&fit->layers, count, width, fit->settings.model.activation, capacity, fit->threads, trouble);
    if (verdict)
        return verdict;
    fit->labels = malloc(capacity * sizeof *fit->labels);
    fit->numbers = malloc(capacity * sizeof *fit->numbers);
    fit->losses = malloc(capacity * sizeof *fit->losses);
    if (!fit->labels || !fit->numbers || !fit->losses)
        return blame_memory(trouble);
    const struct adadelta_options options = {.method = fit->settings.method,
                                             .threads = fit->threads,
                                             .seed = fit->settings.seed,
                                             .state_dtype = fit->settings.state};
    enum adadelta_status status = adadelta_create(&options, &fit->optimizer);
    if (!status)
        status = register_tensors(fit);
    if (status)
        return blame(trouble, status == ADADELTA_ERROR_MEMORY ? FAILED : MISUSE, "%s", adadelta_status_string(status));
    return DONE;
}

/* Keeps of the training data what later data is recognised by. */
static enum verdict describe_data(struct fit *fit, const struct dataset *train, struct trouble *trouble)
{
    fit->pixels = train->pixels != NULL;
    fit->columns = train->columns;
    fit->classes = train->classes;
    fit->class_names = texts_copy((const char *const *)train->class_names, train->classes);
    fit->column_names = texts_copy((const char *const *)train->column_names, train->columns);
    if (train->target_name)
        fit->target_name = strdup(train->target_name);
    if ((train->class_names && !fit->class_names) || (train->column_names && !fit->column_names) ||
        (train->target_name && !fit->target_name))
        return blame_memory(trouble);
    enum verdict verdict = scale_fit(&fit->scale, fit->settings.scale, train, trouble);
    if (!verdict)
        verdict = fit->kind == TARGET_NUMBER ? scale_fit_target(&fit->target, fit->settings.scale, train, trouble)
                                             : scale_identity(&fit->target, 1, trouble);
    if (verdict)
        return verdict;
    const double unit = fit->target.factor[0] * fit->target.factor[0];
    if (!isnormal(unit) || !isfinite(1 / unit))
        return blame(trouble, FAILED,
                     "%s: target '%s' has values too large or too small to be squared; change its unit", train->path,
                     fit->target_name);
    return verdict;
}

/* Copies the rows to train on and to test on into the model's own form. */
static enum verdict take_data(struct fit *fit, const struct dataset *train, const struct dataset *test,
                              struct trouble *trouble)
{
    enum verdict verdict = fit_accepts(fit, train, 1, trouble);
    if (!verdict)
        verdict = samples_create(&fit->train, train, &fit->scale, &fit->target, trouble);
    if (!verdict && test)
        verdict = fit_accepts(fit, test, 1, trouble);
    if (!verdict && test)
        verdict = samples_create(&fit->test, test, &fit->scale, &fit->target, trouble);
    if (verdict)
        return verdict;
    fit->order = malloc(train->rows * sizeof *fit->order);
    return fit->order ? DONE : blame_memory(trouble);
}

/* Gives the optimizer the schedule of a run of so many epochs, in steps. */
static enum verdict set_schedule(struct fit *fit, size_t epochs, size_t rows, struct trouble *trouble)
{
    struct adadelta_schedule schedule = fit->settings.schedule;
    const size_t batches = (rows + fit->settings.batch - 1) / fit->settings.batch;
    if (schedule.warmup >= epochs)
        return blame(trouble, MISUSE, "a warm-up of %llu epochs must be shorter than the run of %zu",
                     (unsigned long long)schedule.warmup, epochs);
    schedule.steps = epochs * batches;
    schedule.warmup *= batches;
    schedule.every *= batches;
    const enum adadelta_status status = adadelta_set_schedule(fit->optimizer, &schedule);
    return status ? blame(trouble, MISUSE, "%s", adadelta_status_string(status)) : DONE;
}

static int thread_count(int threads)
{
    return threads > 0 ? threads : omp_get_num_procs();
}

void fit_set_threads(struct fit *fit, int threads)
{
    fit->threads = fit->layers.threads = threads;
    adadelta_set_threads(fit->optimizer, threads);
}

enum verdict fit_create(struct fit **fit, const struct fit_settings *settings, const struct dataset *train,
                        const struct dataset *test, int threads, struct trouble *trouble)
{
    *fit = NULL;
    struct fit *made = calloc(1, sizeof *made);
    if (!made)
        return blame_memory(trouble);
    made->settings = *settings;
    made->threads = thread_count(threads);
    made->fingerprint = dataset_fingerprint(train);
    fit_complete_settings(&made->settings, train->rows);
    enum verdict verdict = state_type_check(settings->state, settings->method, trouble);
    if (!verdict)
        verdict = complete_model(made, train, trouble);
    if (!verdict)
        verdict = describe_data(made, train, trouble);
    if (!verdict)
        verdict = fit_build(made, trouble);
    if (!verdict)
        verdict = set_schedule(made, made->settings.epochs, train->rows, trouble);
    if (!verdict)
        verdict = take_data(made, train, test, trouble);
    if (verdict) {
        fit_destroy(made);
        return verdict;
    }
    struct random random = random_stream(settings->seed, STREAM_WEIGHTS);
    layers_draw(&made->layers, settings->model.init, &random);
    *fit = made;
    return DONE;
}

enum verdict fit_attach(struct fit *fit, const struct dataset *train, const struct dataset *test, size_t epochs,
                        struct trouble *trouble)
{
    if (dataset_fingerprint(train) != fit->fingerprint)
        return blame(trouble, FAILED, "%s: is not the data that the model was trained on, so it cannot be resumed",
                     train->path);
    if (epochs && epochs < fit->epochs_done + (fit->rows_done > 0))
        return blame(trouble, MISUSE, "the model has begun epoch %zu already: epochs must not be below",
                     fit->epochs_done + (fit->rows_done > 0));
    epochs = epochs ? epochs : fit->settings.epochs;
    enum verdict verdict = set_schedule(fit, epochs, train->rows, trouble);
    if (!verdict)
        verdict = take_data(fit, train, test, trouble);
    if (verdict)
        return verdict;
    fit->settings.epochs = epochs;
    return DONE;
}

enum verdict fit_feed(struct fit *fit, const struct dataset *train, struct trouble *trouble)
{
    enum verdict verdict = fit_accepts(fit, train, 1, trouble);
    if (verdict)
        return verdict;
    fit_release(fit);
    verdict = take_data(fit, train, NULL, trouble);
    if (verdict)
        return verdict;
    fit->rows_done = 0; /* of an epoch that was stopped there is nothing to go on with: its rows are gone */
    fit->loss_total = 0;
    fit->fingerprint = dataset_fingerprint(train);
    fit->settings.epochs = fit->epochs_done + 1;
    fit->settings.schedule.kind = ADADELTA_SCHEDULE_CONSTANT;
    fit->settings.schedule.warmup = 0;
    return set_schedule(fit, fit->settings.epochs, train->rows, trouble);
}

void fit_release(struct fit *fit)
{
    samples_free(&fit->train);
    samples_free(&fit->test);
    free(fit->order);
    fit->order = NULL;
}

void fit_destroy(struct fit *fit)
{
    if (!fit)
        return;
    adadelta_destroy(fit->optimizer);
    layers_free(&fit->layers);
    fit_release(fit);
    scale_free(&fit->scale);
    scale_free(&fit->target);
    texts_free(fit->column_names, fit->columns);
    texts_free(fit->class_names, fit->classes);
    free(fit->target_name);
    free(fit->labels);
    free(fit->numbers);
    free(fit->losses);
    free(fit);
}
