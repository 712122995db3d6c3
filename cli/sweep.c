/* SPDX-License-Identifier: MIT */
/* adadelta sweep: the same model over a grid of settings and some seeds, several runs at a time. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "gnuplot.h"
#include "interrupt.h"
#include "output.h"
#include "report.h"
#include "settings.h"
#include "sweep_compare.h"
#include "sweep_events.h"
#include "sweep_plot.h"
#include "sweep_pool.h"
#include "sweep_progress.h"
#include "sweep_store.h"
#include "sweep_table.h"

static const double default_fraction = 0.2;

enum { DEFAULT_SEEDS = 3, MAX_RUNS = 1000000 };

/* How the result is told. */
enum sweep_format { FORMAT_TERMINAL, FORMAT_MARKDOWN, FORMAT_CSV, FORMAT_JSON };

/* A sweep under way. */
struct sweeping {
    struct sweep sweep;
    struct store store;
    struct sweep_progress progress;
    enum sweep_format format;
    struct comparison comparison; /* where --compare is given */
};

/* ---- Running ---- */

static void work(size_t job, FILE *out, void *context)
{
    const struct sweeping *sweeping = context;
    const struct sweep *sweep = &sweeping->sweep;
    run_work(&sweep->grid, job / sweep->seeds, sweep->first_seed + job % sweep->seeds, &sweep->sets, out);
}

/* A result, from a worker or in place of one. */
static enum verdict take_result(struct sweeping *sweeping, size_t job, json_t *result, struct trouble *trouble)
{
    struct sweep_run *run = &sweeping->sweep.runs[job];
    enum verdict verdict = DONE;
    if (result && run_read(run, result)) {
        if (run->outcome != RUN_BROKEN) /* that may go better the next time */
            verdict = store_append(&sweeping->store, result, trouble);
        if (verdict == DONE && sweeping->format == FORMAT_JSON)
            verdict = report_json(stdout, json_incref(result), trouble);
        sweep_progress_update(&sweeping->progress, 1);
    }
    json_decref(result);
    return verdict;
}

static enum verdict take_line(size_t job, const char *line, void *context, struct trouble *trouble)
{
    struct sweeping *sweeping = context;
    char cell[256];
    if (line[0] == LINE_PART)
        sweeping->progress.parts[job] = strtod(line + 1, NULL);
    if (line[0] == LINE_REFUSED) {
        grid_describe(&sweeping->sweep.grid, job / sweeping->sweep.seeds, cell, sizeof cell);
        return blame(trouble, MISUSE, "%s: %s", cell, line + 1);
    }
    return line[0] == LINE_RESULT ? take_result(sweeping, job, json_loads(line, 0, NULL), trouble) : DONE;
}

static enum verdict take_end(size_t job, const char *how, void *context, struct trouble *trouble)
{
    struct sweeping *sweeping = context;
    const struct sweep *sweep = &sweeping->sweep;
    char failure[128];
    if (sweep->runs[job].outcome != RUN_MISSING)
        return DONE;
    snprintf(failure, sizeof failure, "the worker ended without a result%s%s", how ? ": " : "", how ? how : "");
    return take_result(
        sweeping, job,
        run_broken_json(&sweep->grid, job / sweep->seeds, sweep->first_seed + job % sweep->seeds, failure), trouble);
}

static void pulse(void *context)
{
    struct sweeping *sweeping = context;
    sweep_progress_update(&sweeping->progress, 0);
}

/* All cells with the first seed, then all with the next: so every cell is soon known a little. */
static size_t list_jobs(const struct sweep *sweep, size_t *jobs)
{
    size_t count = 0;
    for (size_t s = 0; s < sweep->seeds; s++)
        for (size_t cell = 0; cell < sweep->grid.cell_count; cell++)
            if (sweep_run_at(sweep, cell, s)->outcome == RUN_MISSING)
                jobs[count++] = cell * sweep->seeds + s;
    return count;
}

static size_t worker_count(const struct args *args, size_t jobs)
{
    const size_t asked = (size_t)args->values[OPTION_THREADS].whole;
    const size_t workers = asked ? asked : (size_t)omp_get_num_procs();
    return workers < jobs ? workers : jobs;
}

static void say_what(const struct sweep *sweep, size_t left, size_t workers)
{
    char data[256], model[256], cells[NUMBER_SIZE], runs[NUMBER_SIZE], number[NUMBER_SIZE], kept[64] = "";
    const int quiet = sweep->args->values[OPTION_QUIET].given;
    const size_t total = sweep->grid.cell_count * sweep->seeds;
    sets_describe(&sweep->sets, data, sizeof data);
    sweep_describe_model(sweep, model, sizeof model);
    if (left < total)
        snprintf(kept, sizeof kept, ", %s of them kept from before", format_count(number, total - left));
    remark(quiet, "%s", data);
    remark(quiet, "%s; %s cell%s with %zu seed%s: %s runs%s; %zu at a time", model,
           format_count(cells, sweep->grid.cell_count), sweep->grid.cell_count == 1 ? "" : "s", sweep->seeds,
           sweep->seeds == 1 ? "" : "s", format_count(runs, total), kept, workers);
}

static enum verdict run_all(struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    size_t *jobs = malloc(sweep->grid.cell_count * sweep->seeds * sizeof *jobs);
    if (!jobs)
        return blame_memory(trouble);
    const size_t count = list_jobs(sweep, jobs);
    const struct pool pool = {.workers = worker_count(sweep->args, count),
                              .work = work,
                              .take_line = take_line,
                              .take_end = take_end,
                              .pulse = pulse,
                              .context = sweeping};
    say_what(sweep, count, pool.workers);
    interrupt_catch();
    enum verdict verdict =
        sweep_progress_start(&sweeping->progress, sweep, sweep->args->values[OPTION_QUIET].given, trouble);
    if (verdict == DONE && count > 0)
        verdict = pool_run(&pool, jobs, count, trouble);
    sweep_progress_end(&sweeping->progress);
    free(jobs);
    return verdict;
}

/* ---- Telling ---- */

/* Why no run got to its end, where that is so. */
static enum verdict check_any(const struct sweep *sweep, struct trouble *trouble)
{
    for (size_t i = 0; i < sweep->grid.cell_count * sweep->seeds; i++)
        if (sweep->runs[i].outcome == RUN_DONE)
            return DONE;
    return blame(trouble, FAILED, "no run got to its end: %.900s",
                 sweep->runs[0].failure ? sweep->runs[0].failure : "why is not known");
}

/* Of each format that is a table. */
static const enum table_format tables[] = {TABLE_TERMINAL, TABLE_MARKDOWN, TABLE_CSV};

/* CSV is one table: that of the comparison where there is one. */
static enum verdict tell_cells(const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    if (sweeping->format == FORMAT_JSON)
        return sweep_report_cells(sweep, trouble);
    if (sweep->args->values[OPTION_RUNS].given)
        return sweep_print_runs(sweep, tables[sweeping->format], trouble);
    if (sweeping->format != FORMAT_CSV)
        return sweep_print(sweep, tables[sweeping->format], trouble);
    return sweep->args->values[OPTION_COMPARE].given ? DONE : sweep_print_cells(sweep, TABLE_CSV, trouble);
}

static enum verdict tell_comparison(const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    if (!sweep->args->values[OPTION_COMPARE].given)
        return DONE;
    if (sweeping->format == FORMAT_JSON)
        return comparison_report(sweep, &sweeping->comparison, trouble);
    return comparison_print(sweep, &sweeping->comparison, tables[sweeping->format], trouble);
}

static enum verdict draw(const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    const char *path = sweep->args->values[OPTION_PLOT].text;
    enum verdict verdict = path ? sweep_plot(sweep, path, trouble) : DONE;
    if (!path || verdict != DONE)
        return verdict;
    if (sweeping->format == FORMAT_JSON)
        return report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    remark(sweep->args->values[OPTION_QUIET].given, "picture in %s", path);
    return DONE;
}

static enum verdict tell_done(const struct sweeping *sweeping, struct trouble *trouble)
{
    const double seconds = sweep_progress_seconds(&sweeping->progress);
    const char *path = sweeping->store.path;
    size_t ended, failed;
    sweep_count(&sweeping->sweep, &ended, &failed);
    if (sweeping->format != FORMAT_JSON)
        return DONE;
    json_t *line = json_pack("{s:s,s:I,s:I,s:o}", "event", "done", "runs", (json_int_t)ended, "failed",
                             (json_int_t)failed, "seconds", report_number(seconds));
    if (path)
        json_object_set_new(line, "saved", report_text(path));
    return report_json(stdout, line, trouble);
}

/* A signal came: what is there is told, and how to go on. */
static enum verdict tell_interrupted(const struct sweeping *sweeping, size_t ended, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    const size_t total = sweep->grid.cell_count * sweep->seeds;
    const char *path = sweeping->store.path;
    if (sweeping->format == FORMAT_JSON) {
        json_t *line =
            json_pack("{s:s,s:I,s:I}", "event", "interrupted", "runs", (json_int_t)ended, "of", (json_int_t)total);
        if (path)
            json_object_set_new(line, "saved", report_text(path));
        return report_json(stdout, line, trouble);
    }
    enum verdict verdict = ended ? tell_cells(sweeping, trouble) : DONE;
    FILE *out = sweeping->format == FORMAT_CSV ? stderr : stdout;
    if (path)
        fprintf(out, "\ninterrupted after %zu of %zu runs; the same command goes on with %s\n", ended, total, path);
    else
        fprintf(out, "\ninterrupted after %zu of %zu runs, which were not kept; -o FILE keeps them\n", ended, total);
    return verdict;
}

static enum verdict conclude(const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    size_t ended, failed;
    sweep_count(sweep, &ended, &failed);
    if (ended < sweep->grid.cell_count * sweep->seeds)
        return tell_interrupted(sweeping, ended, trouble);
    enum verdict verdict = check_any(sweep, trouble);
    if (verdict == DONE)
        verdict = tell_cells(sweeping, trouble);
    if (verdict == DONE)
        verdict = tell_comparison(sweeping, trouble);
    if (verdict == DONE)
        verdict = draw(sweeping, trouble);
    if (verdict == DONE)
        verdict = tell_done(sweeping, trouble);
    return verdict;
}

/* ---- Preparing ---- */

static enum verdict read_format(enum sweep_format *format, const struct args *args, struct trouble *trouble)
{
    static const char *const names[] = {"terminal", "markdown", "csv", "json"};
    const struct option_value *value = &args->values[OPTION_FORMAT];
    const size_t count = sizeof names / sizeof *names;
    size_t i = 0;
    while (value->given && i < count && strcmp(names[i], value->text) != 0)
        i++;
    if (i == count)
        return blame(trouble, MISUSE, "--format %s: must be one of terminal, markdown, csv, json", value->text);
    if (args->values[OPTION_JSON].given && value->given && i != FORMAT_JSON)
        return blame(trouble, MISUSE, "--json and --format %s cannot be used together", value->text);
    *format = args->values[OPTION_JSON].given ? FORMAT_JSON : (enum sweep_format)i;
    return DONE;
}

/* What can be found out before the data are read. */
static enum verdict prepare(struct sweeping *sweeping, struct trouble *trouble)
{
    struct sweep *sweep = &sweeping->sweep;
    const struct option_value *values = sweep->args->values;
    const char *plot = values[OPTION_PLOT].text;
    const char *inputs[] = {sweep->args->operands[0], values[OPTION_TEST].text, values[OPTION_OUTPUT].text};
    enum verdict verdict = read_format(&sweeping->format, sweep->args, trouble);
    if (verdict == DONE)
        verdict = grid_parse(&sweep->grid, sweep->args, &sweep_command, trouble);
    if (verdict == DONE && values[OPTION_COMPARE].given)
        verdict = grid_find_value(&sweep->grid, values[OPTION_COMPARE].text, &sweeping->comparison.axis,
                                  &sweeping->comparison.reference, trouble);
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

/* A run from the file of the sweep. */
static enum verdict tell_kept(json_t *result, struct trouble *trouble)
{
    return report_json(stdout, json_incref(result), trouble);
}

static enum verdict open_store(struct sweeping *sweeping, struct trouble *trouble)
{
    struct sweep *sweep = &sweeping->sweep;
    sweep->runs = calloc(sweep->grid.cell_count * sweep->seeds, sizeof *sweep->runs);
    if (!sweep->runs)
        return blame_memory(trouble);
    return store_open(&sweeping->store, sweep, sweep->args->values[OPTION_OUTPUT].text,
                      sweeping->format == FORMAT_JSON ? tell_kept : NULL, trouble);
}

static void sweeping_free(struct sweeping *sweeping)
{
    struct sweep *sweep = &sweeping->sweep;
    for (size_t i = 0; sweep->runs && i < sweep->grid.cell_count * sweep->seeds; i++)
        run_free(&sweep->runs[i]);
    free(sweep->runs);
    store_close(&sweeping->store);
    sets_free(&sweep->sets);
    grid_free(&sweep->grid);
}

static enum verdict sweep_over(const struct args *args, struct trouble *trouble)
{
    struct sweeping sweeping = {.sweep.args = args, .store.descriptor = -1};
    enum verdict verdict = prepare(&sweeping, trouble);
    if (verdict == DONE)
        verdict = read_data(&sweeping.sweep, trouble);
    if (verdict == DONE)
        verdict = open_store(&sweeping, trouble);
    if (verdict == DONE)
        verdict = run_all(&sweeping, trouble);
    if (verdict == DONE)
        verdict = conclude(&sweeping, trouble);
    sweeping_free(&sweeping);
    return verdict;
}

static const struct option sweep_rows[] = {
    {OPTION_GRID, OPTION_MANY, "grid", 0, "NAME=LIST", 0, 0, 0,
     "an axis of the grid, as in eps=1e-2,1e-4,1e-6; up to four, each with a --grid of its own: lr, rho, eps, "
     "momentum, "
     "beta1, beta2, weight-decay, batch, epochs, method, state, schedule, activation or init"},
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
               "and -o keeps the runs that ended.\n",
    .groups = {&sweep_options, &data_options, &test_options, &model_options, &method_options, &hyper_options,
               &effort_options, &plain_options},
    .examples = {"adadelta sweep digits.csv --grid eps=1e-2,1e-4,1e-6 --grid rho=0.9,0.95,0.99 --model mlp:64",
                 "adadelta sweep digits.csv --grid state=f32,bf16 --seeds 10 -o states.jsonl"},
    .run = sweep_over,
};
