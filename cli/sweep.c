/* SPDX-License-Identifier: MIT */
/* adadelta sweep: the same model over a grid of settings and some seeds, several runs at a time. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "gnuplot.h"
#include "output.h"
#include "report.h"
#include "result_format.h"
#include "settings.h"
#include "sweep_compare.h"
#include "sweep_events.h"
#include "sweep_plot.h"
#include "sweep_table.h"
#include "sweep_work.h"

static const double default_fraction = 0.2;

enum { DEFAULT_SEEDS = 3, MAX_RUNS = 1000000 };

/* What was asked for, and how far it is. */
struct request {
    struct sweeping work;
    struct comparison comparison; /* where --compare is given */
};

/* ---- Telling ---- */

/* CSV is one table: that of the comparison where there is one. */
static enum verdict tell_cells(const struct request *request, struct trouble *trouble)
{
    const struct sweep *sweep = &request->work.sweep;
    if (request->work.format == RESULT_JSON)
        return sweep_report_cells(sweep, trouble);
    if (sweep->args->values[OPTION_RUNS].given)
        return sweep_print_runs(sweep, result_table_format(request->work.format), trouble);
    if (request->work.format != RESULT_CSV)
        return sweep_print(sweep, result_table_format(request->work.format), trouble);
    return sweep->args->values[OPTION_COMPARE].given ? DONE : sweep_print_cells(sweep, TABLE_CSV, trouble);
}

static enum verdict tell_comparison(const struct request *request, struct trouble *trouble)
{
    const struct sweep *sweep = &request->work.sweep;
    if (!sweep->args->values[OPTION_COMPARE].given)
        return DONE;
    if (request->work.format == RESULT_JSON)
        return comparison_report(sweep, &request->comparison, trouble);
    return comparison_print(sweep, &request->comparison, result_table_format(request->work.format), trouble);
}

static enum verdict draw(const struct request *request, struct trouble *trouble)
{
    const struct sweep *sweep = &request->work.sweep;
    const char *path = sweep->args->values[OPTION_PLOT].text;
    enum verdict verdict = path ? sweep_plot(sweep, path, trouble) : DONE;
    if (!path || verdict != DONE)
        return verdict;
    if (request->work.format == RESULT_JSON)
        return report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    remark(sweep->args->values[OPTION_QUIET].given, "picture in %s", path);
    return DONE;
}

/* A signal came: what is there is told, and how to go on. */
static enum verdict tell_interrupted(const struct request *request, struct trouble *trouble)
{
    size_t ended, failed;
    sweep_count(&request->work.sweep, &ended, &failed);
    const enum verdict verdict = ended && request->work.format != RESULT_JSON ? tell_cells(request, trouble) : DONE;
    return verdict == DONE ? sweeping_tell_interrupted(&request->work, "-o", trouble) : verdict;
}

static enum verdict conclude(const struct request *request, struct trouble *trouble)
{
    if (!sweeping_is_whole(&request->work))
        return tell_interrupted(request, trouble);
    enum verdict verdict = sweeping_check_any(&request->work, trouble);
    if (verdict == DONE)
        verdict = tell_cells(request, trouble);
    if (verdict == DONE)
        verdict = tell_comparison(request, trouble);
    if (verdict == DONE)
        verdict = draw(request, trouble);
    if (verdict == DONE)
        verdict = sweeping_tell_done(&request->work, trouble);
    return verdict;
}

/* ---- Preparing ---- */

/* What can be found out before the data are read. */
static enum verdict prepare(struct request *request, struct trouble *trouble)
{
    struct sweep *sweep = &request->work.sweep;
    const struct option_value *values = sweep->args->values;
    const char *plot = values[OPTION_PLOT].text;
    const char *inputs[] = {sweep->args->operands[0], values[OPTION_TEST].text, values[OPTION_OUTPUT].text};
    enum verdict verdict = result_format_from_args(&request->work.format, sweep->args, trouble);
    if (verdict == DONE)
        verdict = grid_parse(&sweep->grid, sweep->args, &sweep_command, trouble);
    if (verdict == DONE && values[OPTION_COMPARE].given)
        verdict = grid_find_value(&sweep->grid, values[OPTION_COMPARE].text, &request->comparison.axis,
                                  &request->comparison.reference, trouble);
    if (verdict != DONE)
        return verdict;
    sweep->seeds = values[OPTION_SEEDS].given ? (size_t)values[OPTION_SEEDS].whole : DEFAULT_SEEDS;
    sweep->first_seed = sweep->grid.settings[0].seed;
    sweep->test_fraction = values[OPTION_TEST_FRACTION].given ? values[OPTION_TEST_FRACTION].real
                           : values[OPTION_TEST].given        ? 0
                                                              : default_fraction;
    if (sweep->grid.cell_count * sweep->seeds > MAX_RUNS)
        return blame(trouble, MISUSE, "--seeds %zu: more than %d runs", sweep->seeds, MAX_RUNS);
    if (plot)
        verdict = sweep_plot_check(&sweep->grid, trouble);
    if (verdict == DONE && plot)
        verdict = gnuplot_check(plot, trouble);
    if (verdict == DONE && plot)
        verdict = output_check(plot, inputs, sizeof inputs / sizeof *inputs, trouble);
    return verdict;
}

static enum verdict read_data(struct sweep *sweep, struct trouble *trouble)
{
    struct dataset_request request;
    enum verdict verdict = request_from_args(&request, sweep->args, 0, &sweep->grid.settings[0].model, trouble);
    if (verdict == DONE)
        verdict = sets_read(&sweep->sets, &request, sweep->args, sweep->test_fraction, sweep->first_seed, trouble);
    if (verdict == DONE)
        verdict = metric_from_args(&sweep->metric, sweep->args, sweep->sets.train.target, trouble);
    return verdict;
}

static enum verdict sweep_over(const struct args *args, struct trouble *trouble)
{
    struct request request = {.work = {.sweep.args = args, .store.descriptor = -1}};
    struct sweeping *work = &request.work;
    enum verdict verdict = prepare(&request, trouble);
    if (verdict == DONE)
        verdict = read_data(&work->sweep, trouble);
    if (verdict == DONE)
        verdict = sweeping_open(work, args->values[OPTION_OUTPUT].text, trouble);
    if (verdict == DONE)
        verdict = sweeping_run(work, trouble);
    if (verdict == DONE)
        verdict = conclude(&request, trouble);
    sweeping_free(work);
    return verdict;
}

static const struct option sweep_rows[] = {
    {OPTION_GRID, OPTION_MANY, "grid", 0, "NAME=LIST", 0, 0, 0,
     "an axis of the grid, as in eps=1e-2,1e-4,1e-6; up to four, each with a --grid of its own: lr, rho, eps, "
     "momentum, "
     "beta1, beta2, weight-decay, batch, epochs, method, state, schedule, activation, init or scale"},
    {OPTION_SEEDS, OPTION_WHOLE, "seeds", 0, "N", 1, 10000, 0,
     "runs in each cell, with seeds that count up (default 3)"},
    {OPTION_FIRST_SEED, OPTION_WHOLE, "first-seed", 0, "N", 0, 1e15, 0,
     "the first of them, which also sets the test rows apart (default 1)"},
    {OPTION_METRIC, OPTION_TEXT, "metric", 0, "NAME", 0, 0, 0,
     "what is compared, after the last epoch: test_error, test_loss or train_loss (default: test_error for classes, "
     "test_loss for numbers)"},
    {OPTION_COMPARE, OPTION_TEXT, "compare", 0, "NAME=VALUE", 0, 0, 0,
     "for each other value of that axis the difference to this one, paired by seed: its mean and standard error, a 95 "
     "% "
     "interval by Student's t, and the p of a two-sided sign-flip test, exact up to 16 seeds, else by 100,000 draws"},
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "FILE", 0, 0, 0,
     "keep each run that ended as a line of JSON; with the same file the sweep goes on, also with more values or "
     "seeds"},
    {OPTION_FORMAT, OPTION_TEXT, "format", 0, "NAME", 0, 0, 0,
     "of the result: terminal (default), markdown, csv with all digits, or json, as --json"},
    {OPTION_RUNS, OPTION_FLAG, "runs", 0, NULL, 0, 0, 0, "a row for each run instead of each cell"},
    {OPTION_PLOT, OPTION_TEXT, "plot", 0, "PICTURE", 0, 0, 0, "draw one or two axes into a .svg or .png file"},
    {OPTION_TITLE, OPTION_TEXT, "title", 0, "TEXT", 0, 0, 0,
     "title of the picture (default: the figure and DATA's name)"},
    {OPTION_THREADS, OPTION_WHOLE, "threads", 0, "N", 0, 1024, 0,
     "runs at a time, each on one thread (default 0: one a processor)"},
};
static const struct option_group sweep_options = {"Sweep", sweep_rows, sizeof sweep_rows / sizeof *sweep_rows};

const struct command sweep_command = {
    .name = "sweep",
    .summary = "Trains the same model over a grid of settings and some seeds",
    .operands = "DATA",
    .operand_count = 1,
    .details = "\n"
               "Every cell of the grid is trained with the same seeds: the same starts, the same batches, the same\n"
               "test rows. Without --test and --test-fraction a fifth of the rows is set apart to test on, by the\n"
               "first seed for all runs. Settings below are for all cells. A run is what `train` does with the same\n"
               "options. The best cell has the fewest runs that failed and of these the smallest mean. Ctrl-C stops,\n"
               "with exit code 0, and -o keeps the runs that ended.\n",
    .groups = {&sweep_options, &data_options, &test_options, &model_options, &method_options, &hyper_options,
               &effort_options, &plain_options},
    .examples = {"adadelta sweep digits.csv --grid eps=1e-2,1e-4,1e-6 --grid rho=0.9,0.95,0.99 --model mlp:64",
                 "adadelta sweep digits.csv --grid state=f32,bf16 --seeds 10 -o states.jsonl"},
    .run = sweep_over,
};
