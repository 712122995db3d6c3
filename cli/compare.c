/* SPDX-License-Identifier: MIT */
/* adadelta compare: the same model from the same start, with one method after the other, in a table and a picture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "commands.h"
#include "compare_seeds.h"
#include "contest_table.h"
#include "gnuplot.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "result_format.h"
#include "sets.h"
#include "settings.h"

_Static_assert((int)MAX_CONTENDERS <= (int)MAX_CURVES, "a chart has no room for all contenders");

static const double default_fraction = 0.2;

enum { LEGEND_SIZE = METHOD_SIZE + 40 };

/* A comparison under way. */
struct comparing {
    const struct args *args;
    struct contest contest;
    struct sets sets;
    struct overlay overlay;
    enum result_format format;
};

/* A run under way. */
struct heat {
    const struct args *args;
    struct contender *contender;
    int label_width;
    enum target_kind kind;
    struct progress progress;
    struct fit_progress last;
    enum verdict verdict;
    struct trouble *trouble;
};

static json_t *event_of(const struct contender *contender, const char *event)
{
    return json_pack("{s:s,s:s,s:o,s:s?}", "event", event, "method", adadelta_method_name(contender->settings.method),
                     "label", report_text(contender->label), "state", describe_state(&contender->settings));
}

static int watch(const struct fit_progress *now, void *context)
{
    struct heat *heat = context;
    struct contender *contender = heat->contender;
    progress_update(&heat->progress, now);
    if (!now->epoch_end)
        return 0;
    heat->last = *now;
    contender->seconds = now->seconds;
    contender->epochs_done = now->epoch;
    contender->figure[now->epoch - 1] = heat->kind == TARGET_CLASS ? now->test_error : now->test_loss;
    if (contender->figure[now->epoch - 1] < contender->figure[contender->best])
        contender->best = now->epoch - 1;
    if (heat->args->values[OPTION_JSON].given) {
        json_t *line = event_of(contender, "epoch");
        json_object_set_new(line, "epoch", json_integer((json_int_t)now->epoch));
        json_object_set_new(line, "seconds", report_number(now->seconds));
        report_losses(line, now);
        heat->verdict = report_json(stdout, line, heat->trouble);
    }
    return heat->verdict != DONE;
}

static enum verdict report_heat(const struct heat *heat)
{
    const struct contender *contender = heat->contender;
    const char *key = heat->kind == TARGET_CLASS ? "best_test_error" : "best_test_loss";
    json_t *line = event_of(contender, "done");
    json_object_set_new(line, "epochs", json_integer((json_int_t)contender->epochs_done));
    json_object_set_new(line, "seconds", report_number(contender->seconds));
    json_object_set_new(line, "lr", report_number(contender->settings.hyper.lr));
    json_object_set_new(line, "state_bytes", json_integer((json_int_t)contender->state_bytes));
    if (contender->epochs_done > 0) {
        report_losses(line, &heat->last);
        json_object_set_new(line, key, report_number(contender->figure[contender->best]));
        json_object_set_new(line, "best_epoch", json_integer((json_int_t)contender->best + 1));
    }
    if (contender->failure[0])
        json_object_set_new(line, "failure", report_text(contender->failure));
    return report_json(stdout, line, heat->trouble);
}

/* Trains one contender. That it diverges is a result and no failure of the comparison. */
static enum verdict run_heat(struct heat *heat, const struct sets *sets, struct fit *fit)
{
    struct contender *contender = heat->contender;
    char label[MAX_LABEL_WIDTH + 2];
    int stopped, quiet = heat->args->values[OPTION_QUIET].given;
    contender->settings = *fit_get_settings(fit);
    contender->figure = calloc(contender->settings.epochs, sizeof *contender->figure);
    if (!contender->figure)
        return blame_memory(heat->trouble);
    contender->state_bytes = fit_state_bytes(fit);
    heat->kind = sets->train.target;
    snprintf(label, sizeof label, "%-*.*s ", heat->label_width, heat->label_width, contender->label);
    progress_start(&heat->progress, label, quiet);
    struct trouble failure = {""};
    enum verdict verdict = fit_run(fit, watch, heat, &stopped, &failure);
    progress_end(&heat->progress);
    if (verdict != DONE) {
        snprintf(contender->failure, sizeof contender->failure, "%.*s", (int)sizeof contender->failure - 1,
                 failure.text);
        remark(quiet, "%s: %s", contender->label, contender->failure);
    }
    if (heat->verdict == DONE && heat->args->values[OPTION_JSON].given)
        heat->verdict = report_heat(heat);
    return heat->verdict;
}

static enum verdict run_contest(struct contest *contest, const struct args *args, const struct sets *sets,
                                struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t i = 0; i < contest->count && verdict == DONE; i++) {
        struct heat heat = {.args = args,
                            .contender = &contest->contenders[i],
                            .label_width = contest_label_width(contest),
                            .trouble = trouble};
        struct fit *fit = NULL;
        verdict = fit_create(&fit, &heat.contender->settings, &sets->train, sets_test(sets),
                             (int)args->values[OPTION_THREADS].whole, trouble);
        if (verdict == DONE)
            verdict = run_heat(&heat, sets, fit);
        fit_destroy(fit);
    }
    size_t failed = 0;
    for (size_t i = 0; i < contest->count; i++)
        failed += contest->contenders[i].epochs_done == 0;
    if (verdict == DONE && failed == contest->count)
        verdict = blame(trouble, FAILED, "no method got through an epoch: %s", contest->contenders[0].failure);
    return verdict;
}

/* " (diverged)" where that is so: text [size]. */
static void say_failure(const struct contest *contest, const struct contender *contender, char *text, size_t size)
{
    text[0] = '\0';
    if (contender->failed > 0 && contender->runs > 0)
        snprintf(text, size, " (%zu of %zu failed)", contender->failed, contest->seeds);
    else if (contender->failed > 0)
        snprintf(text, size, " (failed)");
    else if (contender->failure[0])
        snprintf(text, size, " (diverged)");
}

/* "seed 1", or what lines and bands are: text [size]. */
static void say_seeds(const struct contest *contest, uint64_t seed, char *text, size_t size)
{
    if (contest->seeds > 1)
        snprintf(text, size, "mean ± standard deviation of %zu seeds", contest->seeds);
    else
        snprintf(text, size, "seed %llu", (unsigned long long)seed);
}

/* The curve of a contender; its legend goes into text [LEGEND_SIZE]. */
static struct curve curve_of(const struct contest *contest, const struct contender *contender, char *legend)
{
    describe_method(&contender->settings, legend, METHOD_SIZE);
    const size_t used = strlen(legend);
    say_failure(contest, contender, legend + used, LEGEND_SIZE - used);
    return (struct curve){.method = contender->settings.method,
                          .turn = contender->turn,
                          .label = contender->label,
                          .legend = legend,
                          .count = contender->epochs_done,
                          .y = contender->figure,
                          .deviation = contest->seeds > 1 ? contender->deviation : NULL};
}

static enum verdict draw(const struct comparing *comparing, struct trouble *trouble)
{
    struct curve curves[MAX_CONTENDERS];
    char legends[MAX_CONTENDERS][LEGEND_SIZE], title[300], subtitle[500], model[256], rows[NUMBER_SIZE], seeds[64];
    const struct contest *contest = &comparing->contest;
    const struct option_value *values = comparing->args->values;
    const struct fit_settings *settings = &contest->contenders[0].settings;
    const char *data = comparing->args->operands[0], *slash = strrchr(data, '/');
    const int is_class = contest->kind == TARGET_CLASS;
    for (size_t i = 0; i < contest->count; i++)
        curves[i] = curve_of(contest, &contest->contenders[i], legends[i]);
    describe_model(&settings->model, model, sizeof model);
    say_seeds(contest, settings->seed, seeds, sizeof seeds);
    snprintf(title, sizeof title, "%s by epoch on %.200s", is_class ? "Test error" : "Test loss",
             slash ? slash + 1 : data);
    snprintf(subtitle, sizeof subtitle, "%s, batch %zu, %s test rows, %s", model, settings->batch,
             format_count(rows, comparing->sets.test.rows), seeds);
    const struct chart chart = {.title = values[OPTION_TITLE].given ? values[OPTION_TITLE].text : title,
                                .subtitle = subtitle,
                                .y_label = is_class ? "test error in %" : "mean squared error",
                                .factor = is_class ? 100 : 1,
                                .epochs = settings->epochs,
                                .curves = curves,
                                .curve_count = contest->count,
                                .overlay = &comparing->overlay};
    return chart_draw(values[OPTION_OUTPUT].text, &chart, trouble);
}

static enum verdict tell_picture(const struct comparing *comparing, struct trouble *trouble)
{
    const char *path = comparing->args->values[OPTION_OUTPUT].text;
    if (comparing->format == RESULT_JSON)
        return report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    if (comparing->format == RESULT_TERMINAL)
        printf("\npicture in %s\n", path);
    else
        remark(comparing->args->values[OPTION_QUIET].given, "picture in %s", path);
    return DONE;
}

static enum verdict conclude(const struct comparing *comparing, struct trouble *trouble)
{
    const struct contest *contest = &comparing->contest;
    const int as_json = comparing->format == RESULT_JSON, draws = comparing->args->values[OPTION_OUTPUT].given;
    enum verdict verdict = DONE;
    if (!as_json)
        verdict = contest_print(contest, &comparing->overlay, result_table_format(comparing->format), trouble);
    if (verdict == DONE && draws)
        verdict = draw(comparing, trouble);
    if (verdict == DONE && draws)
        verdict = tell_picture(comparing, trouble);
    if (verdict == DONE && as_json && contest->seeds)
        verdict = compare_report_done(contest, comparing->args, trouble);
    return verdict;
}

static void say_what(const struct comparing *comparing)
{
    const struct contest *contest = &comparing->contest;
    const struct option_value *values = comparing->args->values;
    char data[256];
    sets_describe(&comparing->sets, data, sizeof data);
    if (!compare_has_seeds(comparing->args)) /* which tells that by itself */
        remark(values[OPTION_QUIET].given, "%s; %zu runs from the same start", data, contest->count);
    /* --state goes to those that can have it, which the table does not tell. */
    for (size_t i = 0; i < contest->count && values[OPTION_STATE].given; i++) {
        char method[METHOD_SIZE];
        describe_method(&contest->contenders[i].settings, method, sizeof method);
        remark(values[OPTION_QUIET].given, "%s", method);
    }
}

/* What can be found out before the data are read. */
static enum verdict prepare(struct comparing *comparing, struct trouble *trouble)
{
    const struct option_value *values = comparing->args->values;
    const char *path = values[OPTION_OUTPUT].text;
    const char *inputs[] = {comparing->args->operands[0], values[OPTION_TEST].text, values[OPTION_OVERLAY].text,
                            values[OPTION_KEEP].text};
    enum verdict verdict = contest_parse(&comparing->contest, comparing->args, NULL, trouble);
    if (verdict == DONE && path)
        verdict = gnuplot_check(path, trouble);
    if (verdict == DONE && path)
        verdict = output_check(path, inputs, sizeof inputs / sizeof *inputs, trouble);
    if (verdict == DONE)
        verdict = overlay_read(&comparing->overlay, values[OPTION_OVERLAY].text, trouble);
    return verdict;
}

static enum verdict run(struct comparing *comparing, double fraction, struct trouble *trouble)
{
    const struct args *args = comparing->args;
    int whole = 1;
    say_what(comparing);
    comparing->contest.kind = comparing->sets.train.target;
    const enum verdict verdict = compare_has_seeds(args)
                                     ? compare_over_seeds(&comparing->contest, args, &comparing->sets, fraction,
                                                          comparing->format, &whole, trouble)
                                     : run_contest(&comparing->contest, args, &comparing->sets, trouble);
    return verdict == DONE && whole ? conclude(comparing, trouble) : verdict;
}

static enum verdict compare(const struct args *args, struct trouble *trouble)
{
    struct args own = *args;
    struct comparing comparing = {.args = &own};
    struct dataset_request request;
    const struct option_value *values = own.values;
    const double fraction = values[OPTION_TEST_FRACTION].given ? values[OPTION_TEST_FRACTION].real
                            : values[OPTION_TEST].given        ? 0
                                                               : default_fraction;
    enum verdict verdict = result_format_from_args(&comparing.format, args, trouble);
    own.values[OPTION_JSON].given = verdict == DONE && comparing.format == RESULT_JSON;
    if (verdict == DONE)
        verdict = prepare(&comparing, trouble);
    if (verdict == DONE)
        verdict = request_from_args(&request, &own, 0, &comparing.contest.contenders[0].settings.model, trouble);
    if (verdict == DONE)
        verdict = sets_read(&comparing.sets, &request, &own, fraction, comparing.contest.contenders[0].settings.seed,
                            trouble);
    if (verdict == DONE)
        verdict = run(&comparing, fraction, trouble);
    contest_free(&comparing.contest);
    overlay_free(&comparing.overlay);
    sets_free(&comparing.sets);
    return verdict;
}

static const struct option contest_rows[] = {
    {OPTION_METHODS, OPTION_TEXT, "methods", 0, "LIST", 0, 0, 0,
     "methods, each with settings of its own behind colons, as in sgd:lr=0.05,momentum:nesterov,adadelta; a method may "
     "stand there again with others, as in adadelta,adadelta:state=u16 (default sgd,momentum,adagrad,adadelta)"},
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "PICTURE", 0, 0, 0, "draw the curves into a .svg or .png file"},
    {OPTION_SEEDS, OPTION_WHOLE, "seeds", 0, "N", 1, 10000, 0,
     "run each method with so many seeds, from --seed up, and tell mean and standard deviation; each run is on one "
     "thread, --threads of them at a time"},
    {OPTION_KEEP, OPTION_TEXT, "keep", 0, "FILE", 0, 0, 0,
     "keep each run that ended as a line of JSON, as sweep -o does; with the same file the comparison goes on, also "
     "with other methods or more seeds"},
    {OPTION_OVERLAY, OPTION_TEXT, "overlay", 0, "FILE.csv", 0, 0, 0,
     "curves to lay beside: a table whose first column is the epoch and whose others are figures as they are shown "
     "(errors in percent); one that is named after a method has its colour"},
    {OPTION_FORMAT, OPTION_TEXT, "format", 0, "NAME", 0, 0, 0,
     "of the result: terminal (default), markdown, csv with every epoch and all digits, or json, as --json"},
    {OPTION_TITLE, OPTION_TEXT, "title", 0, "TEXT", 0, 0, 0,
     "title of the picture (default: the figure and DATA's name)"},
};
static const struct option_group contest_options = {"Comparison", contest_rows,
                                                    sizeof contest_rows / sizeof *contest_rows};

const struct command compare_command = {
    .name = "compare",
    .summary = "Trains the same model with several methods, side by side",
    .operands = "DATA",
    .operand_count = 1,
    .details = "\n"
               "Every run begins with the same weights and sees the same batches. Without --test and\n"
               "--test-fraction a fifth of the rows is set apart to test on. Settings below are for all methods, but\n"
               "for those that stand in --methods; --state is for those that can have it. The rate is constant\n"
               "unless --schedule is given. With --seeds or --keep, Ctrl-C stops, says how far it came, and --keep\n"
               "keeps the runs that ended; the exit code is 0.\n",
    .groups = {&contest_options, &data_options, &test_options, &model_options, &hyper_options, &effort_options,
               &common_options},
    .examples = {"adadelta compare digits.csv --model mlp:64 --epochs 20 -o digits.svg",
                 "adadelta compare digits.csv --methods sgd:lr=0.05,adamw,adadelta --model mlp:64",
                 "adadelta compare digits.csv --model mlp:64 --seeds 10 --keep runs.jsonl -o digits.svg"},
    .run = compare,
};
