/* SPDX-License-Identifier: MIT */
/* adadelta compare: the same model from the same start, with one method after the other, in a table and a picture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "commands.h"
#include "contest.h"
#include "gnuplot.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "sets.h"
#include "settings.h"

_Static_assert((int)MAX_CONTENDERS <= (int)MAX_CURVES, "a chart has no room for all contenders");

static const double default_fraction = 0.2;

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
    contest->kind = sets->train.target;
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

static enum verdict draw(const struct contest *contest, const struct args *args, const struct sets *sets,
                         struct trouble *trouble)
{
    struct curve curves[MAX_CONTENDERS];
    char legends[MAX_CONTENDERS][METHOD_SIZE + 20], title[300], subtitle[400], model[256], rows[NUMBER_SIZE];
    const struct fit_settings *settings = &contest->contenders[0].settings;
    const char *data = args->operands[0], *slash = strrchr(data, '/');
    int is_class = contest->kind == TARGET_CLASS;
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        describe_method(&contender->settings, legends[i], METHOD_SIZE);
        if (contender->failure[0])
            strcat(legends[i], " (diverged)");
        curves[i] = (struct curve){.method = contender->settings.method,
                                   .turn = contender->turn,
                                   .label = contender->label,
                                   .legend = legends[i],
                                   .count = contender->epochs_done,
                                   .y = contender->figure};
    }
    describe_model(&settings->model, model, sizeof model);
    snprintf(title, sizeof title, "%s by epoch on %.200s", is_class ? "Test error" : "Test loss",
             slash ? slash + 1 : data);
    snprintf(subtitle, sizeof subtitle, "%s, batch %zu, %s test rows, seed %llu", model, settings->batch,
             format_count(rows, sets->test.rows), (unsigned long long)settings->seed);
    const struct chart chart = {.title = args->values[OPTION_TITLE].given ? args->values[OPTION_TITLE].text : title,
                                .subtitle = subtitle,
                                .y_label = is_class ? "test error in %" : "mean squared error",
                                .factor = is_class ? 100 : 1,
                                .epochs = settings->epochs,
                                .curves = curves,
                                .curve_count = contest->count};
    return chart_draw(args->values[OPTION_OUTPUT].text, &chart, trouble);
}

static enum verdict conclude(const struct contest *contest, const struct args *args, const struct sets *sets,
                             struct trouble *trouble)
{
    const char *path = args->values[OPTION_OUTPUT].text;
    int json = args->values[OPTION_JSON].given;
    if (!json)
        contest_print(contest);
    if (!path)
        return DONE;
    enum verdict verdict = draw(contest, args, sets, trouble);
    if (verdict == DONE && json)
        verdict = report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    else if (verdict == DONE)
        printf("\npicture in %s\n", path);
    return verdict;
}

static void say_what(const struct contest *contest, const struct args *args, const struct sets *sets)
{
    char data[256];
    sets_describe(sets, data, sizeof data);
    remark(args->values[OPTION_QUIET].given, "%s; %zu runs from the same start", data, contest->count);
    /* --state goes to those that can have it, which the table does not tell. */
    for (size_t i = 0; i < contest->count && args->values[OPTION_STATE].given; i++) {
        char method[METHOD_SIZE];
        describe_method(&contest->contenders[i].settings, method, sizeof method);
        remark(args->values[OPTION_QUIET].given, "%s", method);
    }
}

static enum verdict compare(const struct args *args, struct trouble *trouble)
{
    struct contest contest;
    struct sets sets = {0};
    struct dataset_request request;
    const struct option_value *values = args->values;
    const char *path = values[OPTION_OUTPUT].text;
    const char *inputs[] = {args->operands[0], values[OPTION_TEST].text};
    enum verdict verdict = contest_parse(&contest, args, trouble);
    if (verdict == DONE && path)
        verdict = gnuplot_check(path, trouble);
    if (verdict == DONE && path)
        verdict = output_check(path, inputs, sizeof inputs / sizeof *inputs, trouble);
    if (verdict == DONE)
        verdict = request_from_args(&request, args, 0, &contest.contenders[0].settings.model, trouble);
    if (verdict == DONE) {
        double fraction = values[OPTION_TEST_FRACTION].given ? values[OPTION_TEST_FRACTION].real
                          : values[OPTION_TEST].given        ? 0
                                                             : default_fraction;
        verdict = sets_read(&sets, &request, args, fraction, contest.contenders[0].settings.seed, trouble);
    }
    if (verdict == DONE) {
        say_what(&contest, args, &sets);
        verdict = run_contest(&contest, args, &sets, trouble);
    }
    if (verdict == DONE)
        verdict = conclude(&contest, args, &sets, trouble);
    contest_free(&contest);
    sets_free(&sets);
    return verdict;
}

static const struct option contest_rows[] = {
    {OPTION_METHODS, OPTION_TEXT, "methods", 0, "LIST", 0, 0, 0,
     "methods, each with settings of its own behind colons, as in sgd:lr=0.05,momentum:nesterov,adadelta; a method may "
     "stand there again with others, as in adadelta,adadelta:state=u16 (default sgd,momentum,adagrad,adadelta)"},
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "PICTURE", 0, 0, 0, "draw the curves into a .svg or .png file"},
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
               "unless --schedule is given.\n",
    .groups = {&contest_options, &data_options, &test_options, &model_options, &hyper_options, &effort_options,
               &common_options},
    .examples = {"adadelta compare digits.csv --model mlp:64 --epochs 20 -o digits.svg",
                 "adadelta compare digits.csv --methods sgd:lr=0.05,adamw,adadelta --model mlp:64"},
    .run = compare,
};
