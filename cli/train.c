/* SPDX-License-Identifier: MIT */
/* adadelta train: fits a model, tells how it goes, and keeps the model where it was asked to. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "sets.h"
#include "settings.h"
#include "trace.h"

/* A training under way. */
struct run {
    const struct args *args;
    struct fit *fit;
    struct sets sets;
    const char *save_path; /* NULL: the model is not kept */
    double save_interval;
    double last_saved;   /* in the seconds of the run */
    struct trace *trace; /* NULL: there is none */
    struct progress progress;
    struct fit_progress last; /* of the last epoch that ended, in this run of the program; epoch 0: none */
    enum verdict verdict;     /* of what the watch did */
    struct trouble *trouble;
};

static enum verdict run_create(struct run *run)
{
    struct fit_settings settings;
    struct dataset_request request;
    const struct args *args = run->args;
    enum verdict verdict = settings_from_args(&settings, args, run->trouble);
    if (verdict == DONE)
        verdict = request_from_args(&request, args, 0, &settings.model, run->trouble);
    if (verdict == DONE)
        verdict = sets_read(&run->sets, &request, args, settings.test_fraction, settings.seed, run->trouble);
    if (verdict == DONE)
        verdict = fit_create(&run->fit, &settings, &run->sets.train, sets_test(&run->sets),
                             (int)args->values[OPTION_THREADS].whole, run->trouble);
    return verdict;
}

/* The file of a run holds all that decides its result, so only what does not may be said again. */
static enum verdict check_resume_options(const struct run *run)
{
    static const enum option_id allowed[] = {
        OPTION_RESUME,        OPTION_EPOCHS,      OPTION_THREADS,       OPTION_OUTPUT,       OPTION_TEST,
        OPTION_LABELS,        OPTION_TEST_LABELS, OPTION_TEST_FRACTION, OPTION_JSON,         OPTION_QUIET,
        OPTION_SAVE_INTERVAL, OPTION_TRACE,       OPTION_TRACE_EVERY,   OPTION_TRACE_WEIGHTS};
    const struct option *other = args_first_other(run->args, &train_command, allowed, sizeof allowed / sizeof *allowed);
    if (other)
        return blame(run->trouble, MISUSE, "--%s cannot be changed by --resume: the run goes on as it began",
                     other->name);
    return DONE;
}

static enum verdict run_resume(struct run *run)
{
    const struct option_value *values = run->args->values;
    const char *path = values[OPTION_RESUME].text;
    struct dataset_request request = {0};
    enum verdict verdict = check_resume_options(run);
    if (verdict == DONE)
        verdict = fit_load(&run->fit, path, (int)values[OPTION_THREADS].whole, run->trouble);
    if (verdict != DONE)
        return verdict;

    const struct fit_settings *settings = fit_get_settings(run->fit);
    double fraction = values[OPTION_TEST_FRACTION].given ? values[OPTION_TEST_FRACTION].real : settings->test_fraction;
    if (fraction != settings->test_fraction)
        return blame(run->trouble, MISUSE, "--test-fraction %s: the run in %s began with %g",
                     values[OPTION_TEST_FRACTION].text, path, settings->test_fraction);
    size_t epochs = values[OPTION_EPOCHS].given ? (size_t)values[OPTION_EPOCHS].whole : settings->epochs;
    if (fit_epochs_done(run->fit) >= epochs)
        return blame(run->trouble, MISUSE, "%s: %zu epochs are done already; a larger --epochs goes on", path,
                     fit_epochs_done(run->fit));
    fit_describe(run->fit, &request);
    request.path = run->args->operands[0];
    request.labels_path = values[OPTION_LABELS].text;
    request.want_target = 1;
    verdict = sets_read(&run->sets, &request, run->args, fraction, settings->seed, run->trouble);
    if (verdict == DONE)
        verdict = fit_attach(run->fit, &run->sets.train, sets_test(&run->sets), epochs, run->trouble);
    return verdict;
}

/* What decides the run, for programs; epochs_done above 0 tells that it goes on from there. */
static enum verdict report_start(const struct run *run)
{
    const struct fit_settings *settings = fit_get_settings(run->fit);
    char model[256];
    json_t *line = json_pack("{s:s}", "event", "start");
    model_format(&settings->model, model, sizeof model);
    json_object_set_new(line, "model", json_string(model));
    json_object_set_new(line, "parameters", json_integer((json_int_t)fit_parameter_count(run->fit)));
    report_method(line, settings);
    json_object_set_new(line, "rows", json_integer((json_int_t)run->sets.train.rows));
    json_object_set_new(line, "batch", json_integer((json_int_t)settings->batch));
    json_object_set_new(line, "epochs", json_integer((json_int_t)settings->epochs));
    json_object_set_new(line, "epochs_done", json_integer((json_int_t)fit_epochs_done(run->fit)));
    json_object_set_new(line, "seed", report_seed(settings->seed));
    return report_json(stdout, line, run->trouble);
}

static void say_what(const struct run *run)
{
    char data[256], model[256], method[METHOD_SIZE], parameters[NUMBER_SIZE];
    const struct fit_settings *settings = fit_get_settings(run->fit);
    int quiet = run->args->values[OPTION_QUIET].given;
    sets_describe(&run->sets, data, sizeof data);
    describe_model(&settings->model, model, sizeof model);
    describe_method(settings, method, sizeof method);
    remark(quiet, "%s", data);
    remark(quiet, "%s, %s parameters; %s; batch %zu, %zu epochs", model,
           format_count(parameters, fit_parameter_count(run->fit)), method, settings->batch, settings->epochs);
}

/* For each matrix of weights and each vector of biases, how the optimizer stands on it. */
static json_t *tensors_json(const struct fit *fit)
{
    json_t *list = json_array();
    for (size_t k = 0; k < fit_tensor_count(fit); k++) {
        struct adadelta_tensor_stats stats;
        json_t *entry = json_pack("{s:o}", "name", report_text(fit_tensor_stats(fit, k, &stats)));
        if (!isnan(stats.rate_median)) { /* adadelta's alone */
            json_object_set_new(entry, "rate_min", report_number(stats.rate_min));
            json_object_set_new(entry, "rate_median", report_number(stats.rate_median));
            json_object_set_new(entry, "rate_max", report_number(stats.rate_max));
        }
        json_object_set_new(entry, "update_norm", report_number(stats.update_norm));
        json_object_set_new(entry, "steps", json_integer((json_int_t)stats.steps));
        json_object_set_new(entry, "skipped", json_integer((json_int_t)stats.skipped));
        json_object_set_new(entry, "state_bytes", json_integer((json_int_t)stats.state_bytes));
        json_array_append_new(list, entry);
    }
    return list;
}

static enum verdict report_epoch(const struct run *run, const struct fit_progress *now)
{
    json_t *line = json_pack("{s:s,s:I,s:o}", "event", "epoch", "epoch", (json_int_t)now->epoch, "seconds",
                             report_number(now->seconds));
    report_losses(line, now);
    json_object_set_new(line, "tensors", tensors_json(run->fit));
    return report_json(stdout, line, run->trouble);
}

static int watch(const struct fit_progress *now, void *context)
{
    struct run *run = context;
    progress_update(&run->progress, now);
    if (run->trace)
        run->verdict = trace_watch(run->trace, now, run->trouble);
    if (now->epoch_end) {
        run->last = *now;
        if (run->verdict == DONE && run->args->values[OPTION_JSON].given)
            run->verdict = report_epoch(run, now);
    }
    if (run->verdict == DONE && run->save_path && now->seconds - run->last_saved >= run->save_interval) {
        run->last_saved = now->seconds;
        run->verdict = fit_save(run->fit, run->save_path, run->trouble);
    }
    return run->verdict != DONE || interrupt_requested();
}

static enum verdict report_done(const struct run *run)
{
    const struct fit_progress *last = &run->last;
    char error[NUMBER_SIZE];
    if (run->args->values[OPTION_JSON].given) {
        json_t *line = json_pack("{s:s,s:I,s:o,s:I,s:I}", "event", "done", "epochs", (json_int_t)last->epoch, "seconds",
                                 report_number(last->seconds), "parameters", (json_int_t)fit_parameter_count(run->fit),
                                 "state_bytes", (json_int_t)fit_state_bytes(run->fit));
        report_losses(line, last);
        if (run->save_path)
            json_object_set_new(line, "saved", report_text(run->save_path));
        return report_json(stdout, line, run->trouble);
    }
    printf("%zu epochs in %.2f s: train loss %.5g", last->epoch, last->seconds, last->train_loss);
    if (last->has_test)
        printf(", test loss %.5g", last->test_loss);
    if (last->has_test && !isnan(last->test_error))
        printf(", test error %s", format_percent(error, last->test_error));
    printf("\n");
    if (run->save_path)
        printf("saved to %s\n", run->save_path);
    else
        remark(run->args->values[OPTION_QUIET].given, "(the model was not kept; -o FILE keeps it)");
    return DONE;
}

/* A name that no file has, for a run that is stopped and was not told where to go. */
static void choose_rescue_path(char *path, size_t size)
{
    snprintf(path, size, "adadelta-interrupted.safetensors");
    for (int i = 2; access(path, F_OK) == 0; i++)
        snprintf(path, size, "adadelta-interrupted-%d.safetensors", i);
}

/* A word as a shell takes it. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=,./:@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        printf(" %s", word);
        return;
    }
    printf(" '");
    for (; *word; word++) {
        if (*word == '\'')
            printf("'\\'");
        putchar(*word);
    }
    printf("'");
}

/* The command that goes on from a file, to be pasted. */
static void print_resume(const struct args *args, const char *path)
{
    static const struct {
        enum option_id id;
        const char *name;
    } data[] = {{OPTION_LABELS, "--labels"}, {OPTION_TEST, "--test"}, {OPTION_TEST_LABELS, "--test-labels"}};
    print_word(args->program);
    print_word("train");
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        if (args->values[data[i].id].given) {
            print_word(data[i].name);
            print_word(args->values[data[i].id].text);
        }
    }
    print_word("--resume");
    print_word(path);
    if (args->operands[0][0] == '-')
        print_word("--");
    print_word(args->operands[0]);
    printf("\n");
}

static enum verdict rescue(struct run *run)
{
    char chosen[64];
    const char *path = run->save_path;
    size_t done = fit_epochs_done(run->fit);
    if (!path) {
        choose_rescue_path(chosen, sizeof chosen);
        path = chosen;
    }
    enum verdict verdict = fit_save(run->fit, path, run->trouble);
    if (verdict != DONE)
        return verdict;
    if (run->args->values[OPTION_JSON].given)
        return report_json(
            stdout,
            json_pack("{s:s,s:I,s:o}", "event", "interrupted", "epoch", (json_int_t)done, "saved", report_text(path)),
            run->trouble);
    printf("interrupted after %zu epochs; saved to %s\nto go on:", done, path);
    print_resume(run->args, path);
    return DONE;
}

/* ---- The trace ---- */

static enum verdict open_trace(struct run *run)
{
    enum { WEIGHTS = 10 };
    const struct option_value *values = run->args->values;
    const char *path = values[OPTION_TRACE].text;
    if (!path)
        return DONE;
    if (values[OPTION_RESUME].given && access(path, F_OK) == 0)
        return blame(run->trouble, MISUSE,
                     "--trace %s: is there already, and what is resumed begins a trace of its own; name another file",
                     path);
    return trace_open(&run->trace, path, (size_t)values[OPTION_TRACE_EVERY].whole,
                      values[OPTION_TRACE_WEIGHTS].given ? (size_t)values[OPTION_TRACE_WEIGHTS].whole : WEIGHTS,
                      run->fit, run->trouble);
}

/* Kept however the run ended: the way to a loss that is not finite is worth seeing. The first that went wrong is what
   is told. */
static enum verdict close_trace(struct run *run, enum verdict verdict)
{
    const char *path = run->args->values[OPTION_TRACE].text;
    struct trouble trouble;
    size_t records;
    if (!run->trace)
        return verdict;
    enum verdict traced = trace_close(run->trace, &records, &trouble);
    if (traced == DONE && run->args->values[OPTION_JSON].given)
        traced = report_json(
            stdout,
            json_pack("{s:s,s:o,s:I}", "event", "trace", "path", report_text(path), "records", (json_int_t)records),
            &trouble);
    else if (traced == DONE)
        printf("trace of %zu records in %s\n", records, path);
    if (verdict != DONE || traced == DONE)
        return verdict;
    *run->trouble = trouble;
    return traced;
}

/* ---- The run ---- */

static enum verdict run_to_the_end(struct run *run)
{
    int stopped = 0;
    interrupt_catch();
    say_what(run);
    progress_start(&run->progress, "", run->args->values[OPTION_QUIET].given);
    enum verdict verdict = run->args->values[OPTION_JSON].given ? report_start(run) : DONE;
    if (verdict == DONE)
        verdict = fit_run(run->fit, watch, run, &stopped, run->trouble);
    progress_end(&run->progress);
    if (run->verdict != DONE)
        verdict = run->verdict;
    verdict = close_trace(run, verdict);
    if (verdict != DONE)
        return verdict;
    if (stopped && fit_epochs_done(run->fit) < fit_get_settings(run->fit)->epochs)
        return rescue(run);
    if (run->save_path)
        verdict = fit_save(run->fit, run->save_path, run->trouble);
    return verdict == DONE ? report_done(run) : verdict;
}

/* That neither the model nor the trace takes the place of the other or of what is read. */
static enum verdict check_outputs(const struct run *run)
{
    const struct option_value *values = run->args->values;
    const char *trace = values[OPTION_TRACE].text;
    const char *const others[] = {run->args->operands[0],     values[OPTION_TEST].text, run->sets.train.labels_path,
                                  run->sets.test.labels_path, run->save_path,           values[OPTION_RESUME].text};
    enum { DATA = 4, ALL = sizeof others / sizeof *others };
    enum verdict verdict = run->save_path ? output_check(run->save_path, others, DATA, run->trouble) : DONE;
    if (verdict == DONE && trace)
        verdict = output_check(trace, others, ALL, run->trouble);
    return verdict;
}

static enum verdict train(const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    struct run run = {.args = args, .save_interval = 30, .trouble = trouble};
    run.save_path = values[OPTION_OUTPUT].given ? values[OPTION_OUTPUT].text : values[OPTION_RESUME].text;
    if (values[OPTION_SAVE_INTERVAL].given)
        run.save_interval = values[OPTION_SAVE_INTERVAL].real;

    if ((values[OPTION_TRACE_EVERY].given || values[OPTION_TRACE_WEIGHTS].given) && !values[OPTION_TRACE].given)
        return blame(trouble, MISUSE, "--trace-every and --trace-weights are for --trace FILE, which is missing");

    enum verdict verdict = values[OPTION_RESUME].given ? run_resume(&run) : run_create(&run);
    if (verdict == DONE)
        verdict = check_outputs(&run);
    if (verdict == DONE)
        verdict = open_trace(&run);
    if (verdict == DONE)
        verdict = run_to_the_end(&run);
    fit_destroy(run.fit);
    sets_free(&run.sets);
    return verdict;
}

static const struct option file_rows[] = {
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "MODEL", 0, 0, 0,
     "file to keep the model in, with all that --resume needs"},
    {OPTION_RESUME, OPTION_TEXT, "resume", 0, "MODEL", 0, 0, 0,
     "go on with a run that was kept, on the same DATA, as if it had never stopped, and keep it there unless -o names "
     "another file; only --epochs, --threads and what "
     "does not touch the training may be said anew; with other --epochs the rest follows the schedule of that many"},
    {OPTION_SAVE_INTERVAL, OPTION_REAL, "save-interval", 0, "SEC", 0, INFINITY, 0,
     "seconds between savings while training (default 30)"},
    {OPTION_TRACE, OPTION_TEXT, "trace", 0, "FILE.csv", 0, 0, 0,
     "record how a few weights of each matrix go along, and their effective rates; `adadelta plot` draws it"},
    {OPTION_TRACE_EVERY, OPTION_WHOLE, "trace-every", 0, "N", 1, 1e9, 0,
     "batches from one record to the next (default: a tenth of an epoch's)"},
    {OPTION_TRACE_WEIGHTS, OPTION_WHOLE, "trace-weights", 0, "N", 1, 1e9, 0,
     "weights to record of each matrix, drawn by the run's seed (default 10)"},
};
static const struct option_group file_options = {"Files", file_rows, sizeof file_rows / sizeof *file_rows};

const struct command train_command = {
    .name = "train",
    .summary = "Fits a model to data",
    .operands = "DATA",
    .operand_count = 1,
    .details = "\n"
               "DATA is a table (CSV with a header line) or images (IDX, also .gz). A table's last column is what is\n"
               "learned unless --target names another. Ctrl-C stops after the batch and keeps the model.\n",
    .groups = {&file_options, &data_options, &test_options, &model_options, &method_options, &hyper_options,
               &effort_options, &common_options},
    .examples = {"adadelta train iris.csv -o iris.safetensors",
                 "adadelta train digits.csv --model mlp:64 --test-fraction 0.2 --epochs 30",
                 "adadelta train train-images-idx3-ubyte --test t10k-images-idx3-ubyte --model mlp:500,300",
                 "adadelta train iris.csv --resume iris.safetensors --epochs 200"},
    .run = train,
};
