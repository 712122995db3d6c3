/* SPDX-License-Identifier: MIT */
/* See sweep_run.h. */
#include "sweep_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "settings.h"
#include "state_type.h"

static const double part_interval = 0.5; /* seconds between two lines that tell how far a run is */

static const char *const outcome_names[] = {
    [RUN_MISSING] = "missing", [RUN_DONE] = "done", [RUN_DIVERGED] = "diverged", [RUN_BROKEN] = "broken"};
enum { OUTCOME_COUNT = sizeof outcome_names / sizeof *outcome_names };

const char *run_outcome_name(enum run_outcome outcome)
{
    return outcome_names[outcome];
}

/* A run under way, in its worker. */
struct work {
    FILE *out;
    double told; /* seconds at the last line */
    struct fit_progress last;
    json_t *errors, *losses; /* of the test rows, by epoch */
};

static json_t *count_or_null(size_t count)
{
    return count ? json_integer((json_int_t)count) : json_null();
}

json_t *run_settings_json(const struct fit_settings *settings)
{
    const struct adadelta_hyper *hyper = &settings->hyper;
    const struct adadelta_schedule *schedule = &settings->schedule;
    const char *state = state_type_name(settings->state);
    char model[512];
    model_format(&settings->model, model, sizeof model);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:b,s:b,s:s,s:I,s:f,s:o,s:f,s:o,s:o}",
                     "model", model, "state", state ? state : state_type_name(ADADELTA_F32), "activation",
                     activation_name(settings->model.activation), "init", init_name(settings->model.init), "scale",
                     scale_name(settings->scale), "method", adadelta_method_name(settings->method), "lr", hyper->lr,
                     "rho", hyper->rho, "eps", hyper->eps, "momentum", hyper->momentum, "beta1", hyper->beta1, "beta2",
                     hyper->beta2, "weight-decay", hyper->weight_decay, "decoupled", hyper->decoupled != 0, "nesterov",
                     hyper->nesterov != 0, "schedule", adadelta_schedule_name(schedule->kind), "warmup",
                     (json_int_t)schedule->warmup, "end", schedule->end, "every",
                     count_or_null((size_t)schedule->every), "gamma", schedule->gamma, "batch",
                     count_or_null(settings->batch), "epochs", count_or_null(settings->epochs));
}

/* What every result begins with. */
static json_t *result_head(const struct grid *grid, size_t cell, uint64_t seed, enum run_outcome outcome)
{
    return json_pack("{s:s,s:o,s:I,s:o,s:s}", "event", "run", "axes", grid_cell_json(grid, cell), "seed",
                     (json_int_t)seed, "settings", run_settings_json(&grid->settings[cell]), "outcome",
                     outcome_names[outcome]);
}

json_t *run_broken_json(const struct grid *grid, size_t cell, uint64_t seed, const char *failure)
{
    json_t *result = result_head(grid, cell, seed, RUN_BROKEN);
    json_object_set_new(result, "failure", report_text(failure));
    return result;
}

static void tell(FILE *out, json_t *result)
{
    char *line = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (line)
        fprintf(out, "%s\n", line);
    fflush(out);
    free(line);
    json_decref(result);
}

static int watch(const struct fit_progress *now, void *context)
{
    struct work *work = context;
    if (now->epoch_end) {
        work->last = *now;
        if (now->has_test) {
            json_array_append_new(work->losses, report_number(now->test_loss));
            if (!isnan(now->test_error))
                json_array_append_new(work->errors, report_number(now->test_error));
        }
    }
    if (now->seconds - work->told >= part_interval) {
        const double part =
            ((double)(now->epoch - 1) + (double)now->rows_done / (double)now->rows) / (double)now->epochs;
        work->told = now->seconds;
        fprintf(work->out, "%c%.4f\n", LINE_PART, part);
        fflush(work->out);
    }
    return 0;
}

/* A list that has nothing in it is left out. */
static void add_list(json_t *result, const char *name, json_t *list)
{
    if (json_array_size(list) > 0)
        json_object_set(result, name, list);
}

static void tell_result(const struct work *work, const struct fit *fit, json_t *result, const char *failure)
{
    json_object_set_new(result, "batch", json_integer((json_int_t)fit_get_settings(fit)->batch));
    json_object_set_new(result, "epochs", json_integer((json_int_t)work->last.epoch));
    json_object_set_new(result, "seconds", report_number(work->last.seconds));
    if (work->last.epoch > 0)
        report_losses(result, &work->last);
    add_list(result, "test_error_by_epoch", work->errors);
    add_list(result, "test_loss_by_epoch", work->losses);
    if (failure)
        json_object_set_new(result, "failure", report_text(failure));
    tell(work->out, result);
}

void run_work(const struct grid *grid, size_t cell, uint64_t seed, const struct sets *sets, FILE *out)
{
    struct work work = {.out = out, .errors = json_array(), .losses = json_array()};
    struct fit_settings settings = grid->settings[cell];
    struct trouble trouble = {""};
    struct fit *fit = NULL;
    int stopped = 0;
    settings.seed = seed;
    enum verdict verdict = fit_create(&fit, &settings, &sets->train, sets_test(sets), 1, &trouble);
    if (verdict == MISUSE) {
        fprintf(out, "%c%s\n", LINE_REFUSED, trouble.text);
        fflush(out);
    } else if (verdict != DONE) {
        tell(out, run_broken_json(grid, cell, seed, trouble.text));
    } else {
        verdict = fit_run(fit, watch, &work, &stopped, &trouble);
        tell_result(&work, fit, result_head(grid, cell, seed, verdict == DONE ? RUN_DONE : RUN_DIVERGED),
                    verdict == DONE ? NULL : trouble.text);
    }
    fit_destroy(fit);
    json_decref(work.errors);
    json_decref(work.losses);
}

/* A number of a result; NAN where it has none of that name. */
static double number_of(const json_t *result, const char *name)
{
    const json_t *value = json_object_get(result, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A list of a result [count]; NULL where it has none of that name and length. */
static double *list_of(const json_t *result, const char *name, size_t count)
{
    const json_t *list = json_object_get(result, name);
    double *numbers = count > 0 && json_array_size(list) == count ? malloc(count * sizeof *numbers) : NULL;
    for (size_t i = 0; i < count && numbers; i++) {
        const json_t *value = json_array_get(list, i);
        numbers[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return numbers;
}

int run_read(struct sweep_run *run, const json_t *result)
{
    const char *outcome = json_string_value(json_object_get(result, "outcome"));
    const char *failure = json_string_value(json_object_get(result, "failure"));
    struct sweep_run read = {.outcome = RUN_MISSING,
                             .test_error = number_of(result, "test_error"),
                             .test_loss = number_of(result, "test_loss"),
                             .train_loss = number_of(result, "train_loss"),
                             .seconds = number_of(result, "seconds"),
                             .epochs = (size_t)json_integer_value(json_object_get(result, "epochs"))};
    for (int i = RUN_DONE; i < OUTCOME_COUNT && outcome; i++)
        if (strcmp(outcome, outcome_names[i]) == 0)
            read.outcome = (enum run_outcome)i;
    if (read.outcome == RUN_MISSING || (failure && !(read.failure = strdup(failure))))
        return 0;
    read.test_errors = list_of(result, "test_error_by_epoch", read.epochs);
    read.test_losses = list_of(result, "test_loss_by_epoch", read.epochs);
    run_free(run);
    *run = read;
    return 1;
}

void run_free(struct sweep_run *run)
{
    free(run->failure);
    free(run->test_errors);
    free(run->test_losses);
    *run = (struct sweep_run){0};
}
