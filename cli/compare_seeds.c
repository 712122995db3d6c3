/* SPDX-License-Identifier: MIT */
/* See compare_seeds.h. The contest is a sweep whose one axis are its runs. */
#include "compare_seeds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "settings.h"
#include "sweep_work.h"

/* The axis: what stands in --methods. */
static const struct option entry_option = {.id = OPTION_METHOD, .kind = OPTION_TEXT, .name = "method"};

int compare_has_seeds(const struct args *args)
{
    return args->values[OPTION_SEEDS].given || args->values[OPTION_KEEP].given;
}

size_t compare_seed_count(const struct args *args)
{
    return args->values[OPTION_SEEDS].given ? (size_t)args->values[OPTION_SEEDS].whole : 1;
}

/* "method=adadelta rho 0.9", or NULL. */
static char *assignment_of(const char *label)
{
    const size_t size = strlen(entry_option.name) + strlen(label) + 2;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, "%s=%s", entry_option.name, label);
    return text;
}

static enum verdict make_grid(struct grid *grid, const struct contest *contest, struct trouble *trouble)
{
    struct axis *axis = &grid->axes[0];
    *grid = (struct grid){.axis_count = 1, .cell_count = contest->count};
    axis->option = &entry_option;
    axis->values = calloc(contest->count, sizeof *axis->values);
    grid->settings = calloc(contest->count, sizeof *grid->settings);
    if (!axis->values || !grid->settings)
        return blame_memory(trouble);
    for (size_t i = 0; i < contest->count; i++) {
        struct axis_value *value = &axis->values[axis->count];
        value->assignment = assignment_of(contest->contenders[i].label);
        if (!value->assignment)
            return blame_memory(trouble);
        axis->count++;
        value->text = value->assignment + strlen(entry_option.name) + 1;
        value->number = NAN;
        grid->settings[i] = contest->contenders[i].settings;
    }
    return DONE;
}

/* ---- What came of it ---- */

/* The figures of one epoch [seeds], of the runs that got to their end. */
static struct summary summary_of_epoch(const struct sweep *sweep, size_t cell, size_t epoch, double *figures)
{
    size_t count = 0;
    for (size_t s = 0; s < sweep->seeds; s++) {
        const struct sweep_run *run = sweep_run_at(sweep, cell, s);
        const double *curve = sweep->metric == METRIC_TEST_ERROR ? run->test_errors : run->test_losses;
        if (run->outcome == RUN_DONE && curve && epoch <= run->epochs)
            figures[count++] = curve[epoch - 1];
    }
    return figures_summary(figures, count);
}

/* Counts the runs that got to their end and those that did not, and takes from them what is not a curve. */
static void count_runs(struct contender *contender, const struct sweep *sweep, size_t cell)
{
    for (size_t s = 0; s < sweep->seeds; s++) {
        const struct sweep_run *run = sweep_run_at(sweep, cell, s);
        if (run->outcome == RUN_DONE) {
            contender->runs++;
            contender->seconds += run->seconds;
        } else {
            contender->failed++;
            if (!contender->failure[0])
                snprintf(contender->failure, sizeof contender->failure, "seed %llu: %.120s",
                         (unsigned long long)(sweep->first_seed + s), run->failure ? run->failure : "why is not known");
        }
    }
    if (contender->runs > 0)
        contender->seconds /= (double)contender->runs;
}

static enum verdict fill(struct contender *contender, const struct sweep *sweep, size_t cell, struct trouble *trouble)
{
    const size_t epochs = contender->settings.epochs;
    double *figures = malloc(sweep->seeds * sizeof *figures);
    contender->figure = calloc(epochs, sizeof *contender->figure);
    contender->deviation = calloc(epochs, sizeof *contender->deviation);
    if (!figures || !contender->figure || !contender->deviation) {
        free(figures);
        return blame_memory(trouble);
    }
    count_runs(contender, sweep, cell);
    for (size_t epoch = 1; epoch <= epochs; epoch++) {
        const struct summary summary = summary_of_epoch(sweep, cell, epoch, figures);
        if (summary.n == 0)
            break;
        contender->epochs_done = epoch;
        contender->figure[epoch - 1] = summary.mean;
        contender->deviation[epoch - 1] = summary.deviation;
        if (summary.mean < contender->figure[contender->best])
            contender->best = epoch - 1;
    }
    free(figures);
    return DONE;
}

static json_t *numbers_json(const double *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, report_number(numbers[i]));
    return list;
}

static enum verdict report_curve(const struct contender *contender, const struct sweep *sweep, struct trouble *trouble)
{
    json_t *line = json_pack("{s:s,s:s,s:o,s:s?,s:s,s:I,s:I,s:o,s:o}", "event", "curve", "method",
                             adadelta_method_name(contender->settings.method), "label", report_text(contender->label),
                             "state", describe_state(&contender->settings), "metric", metric_style(sweep->metric)->name,
                             "n", (json_int_t)contender->runs, "failed", (json_int_t)contender->failed, "mean",
                             numbers_json(contender->figure, contender->epochs_done), "sd",
                             numbers_json(contender->deviation, contender->epochs_done));
    if (contender->failure[0])
        json_object_set_new(line, "failure", report_text(contender->failure));
    return report_json(stdout, line, trouble);
}

/* All is run: the contest learns how it ended. */
static enum verdict conclude(struct contest *contest, const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    enum verdict verdict = sweeping_check_any(sweeping, trouble);
    for (size_t i = 0; i < contest->count && verdict == DONE; i++) {
        struct contender *contender = &contest->contenders[i];
        fit_complete_settings(&contender->settings, sweep->sets.train.rows);
        contender->settings.model.automatic = 0; /* the data have settled it */
        contender->settings.model.kind = contest->kind;
        verdict = fill(contender, sweep, i, trouble);
        if (verdict == DONE && sweeping->format == RESULT_JSON)
            verdict = report_curve(contender, sweep, trouble);
    }
    contest->seeds = sweep->seeds;
    contest->seconds = sweep_progress_seconds(&sweeping->progress);
    return verdict;
}

enum verdict compare_report_done(const struct contest *contest, const struct args *args, struct trouble *trouble)
{
    size_t failed = 0;
    for (size_t i = 0; i < contest->count; i++)
        failed += contest->contenders[i].failed;
    json_t *line =
        json_pack("{s:s,s:I,s:I,s:o}", "event", "done", "runs", (json_int_t)(contest->count * contest->seeds), "failed",
                  (json_int_t)failed, "seconds", report_number(contest->seconds));
    if (args->values[OPTION_KEEP].given)
        json_object_set_new(line, "saved", report_text(args->values[OPTION_KEEP].text));
    return report_json(stdout, line, trouble);
}

enum verdict compare_over_seeds(struct contest *contest, const struct args *args, struct sets *sets,
                                double test_fraction, enum result_format format, int *whole, struct trouble *trouble)
{
    struct sweeping sweeping = {
        .sweep = {.args = args,
                  .sets = *sets,
                  .test_fraction = test_fraction,
                  .first_seed = contest->contenders[0].settings.seed,
                  .seeds = compare_seed_count(args),
                  .metric = contest->kind == TARGET_CLASS ? METRIC_TEST_ERROR : METRIC_TEST_LOSS},
        .store.descriptor = -1,
        .format = format};
    enum verdict verdict = make_grid(&sweeping.sweep.grid, contest, trouble);
    if (verdict == DONE)
        verdict = sweeping_open(&sweeping, args->values[OPTION_KEEP].text, trouble);
    if (verdict == DONE)
        verdict = sweeping_run(&sweeping, trouble);
    *whole = verdict == DONE && sweeping_is_whole(&sweeping);
    if (*whole)
        verdict = conclude(contest, &sweeping, trouble);
    else if (verdict == DONE)
        verdict = sweeping_tell_interrupted(&sweeping, "--keep", trouble);
    sweeping.sweep.sets = (struct sets){0}; /* which the caller frees */
    sweeping_free(&sweeping);
    return verdict;
}
