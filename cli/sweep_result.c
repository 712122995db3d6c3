/* SPDX-License-Identifier: MIT */
/* See sweep_result.h. */
#include "sweep_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "report.h"
#include "settings.h"

static const struct metric_style styles[] = {
    [METRIC_TEST_ERROR] = {"test_error", "Test error", "test error in %", 100, 2},
    [METRIC_TEST_LOSS] = {"test_loss", "Test loss", "test loss", 1, -1},
    [METRIC_TRAIN_LOSS] = {"train_loss", "Train loss", "train loss", 1, -1},
};
enum { METRIC_COUNT = sizeof styles / sizeof *styles };

const struct metric_style *metric_style(enum metric metric)
{
    return &styles[metric];
}

enum verdict metric_from_args(enum metric *metric, const struct args *args, enum target_kind target,
                              struct trouble *trouble)
{
    const struct option_value *value = &args->values[OPTION_METRIC];
    size_t i = target == TARGET_CLASS ? METRIC_TEST_ERROR : METRIC_TEST_LOSS;
    if (value->given) {
        i = 0;
        while (i < METRIC_COUNT && strcmp(styles[i].name, value->text) != 0)
            i++;
    }
    if (i == METRIC_COUNT)
        return blame(trouble, MISUSE, "--metric %s: must be one of test_error, test_loss, train_loss", value->text);
    *metric = (enum metric)i;
    if (*metric == METRIC_TEST_ERROR && target != TARGET_CLASS)
        return blame(trouble, MISUSE, "--metric test_error: the target is a number; use test_loss");
    return DONE;
}

struct sweep_run *sweep_run_at(const struct sweep *sweep, size_t cell, size_t seed)
{
    return &sweep->runs[cell * sweep->seeds + seed];
}

double sweep_figure(const struct sweep *sweep, size_t cell, size_t seed)
{
    const struct sweep_run *run = sweep_run_at(sweep, cell, seed);
    const double figures[METRIC_COUNT] = {[METRIC_TEST_ERROR] = run->test_error,
                                          [METRIC_TEST_LOSS] = run->test_loss,
                                          [METRIC_TRAIN_LOSS] = run->train_loss};
    return run->outcome == RUN_DONE ? figures[sweep->metric] : NAN;
}

struct summary figures_summary(double *figures, size_t count)
{
    struct summary summary = {count, 0, NAN, NAN, NAN, NAN, NAN};
    double sum = 0, squares = 0;
    if (count == 0)
        return summary;
    qsort(figures, count, sizeof *figures, ascending);
    for (size_t i = 0; i < count; i++)
        sum += figures[i];
    summary.mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (figures[i] - summary.mean) * (figures[i] - summary.mean);
    if (count > 1)
        summary.deviation = sqrt(squares / (double)(count - 1));
    summary.least = figures[0];
    summary.most = figures[count - 1];
    summary.middle = (figures[(count - 1) / 2] + figures[count / 2]) / 2;
    return summary;
}

struct summary sweep_summary(const struct sweep *sweep, size_t cell)
{
    double *figures = calloc(sweep->seeds, sizeof *figures);
    size_t count = 0, failed = 0;
    for (size_t s = 0; s < sweep->seeds && figures; s++) {
        const enum run_outcome outcome = sweep_run_at(sweep, cell, s)->outcome;
        if (outcome == RUN_DONE)
            figures[count++] = sweep_figure(sweep, cell, s);
        failed += outcome == RUN_DIVERGED || outcome == RUN_BROKEN;
    }
    struct summary summary = figures_summary(figures, count);
    summary.failed = failed;
    free(figures);
    return summary;
}

size_t sweep_best(const struct sweep *sweep)
{
    struct summary least = {0};
    size_t best = sweep->grid.cell_count;
    for (size_t cell = 0; cell < sweep->grid.cell_count; cell++) {
        const struct summary summary = sweep_summary(sweep, cell);
        if (summary.n == 0)
            continue;
        if (best == sweep->grid.cell_count || summary.failed < least.failed ||
            (summary.failed == least.failed && summary.mean < least.mean)) {
            best = cell;
            least = summary;
        }
    }
    return best;
}

void sweep_count(const struct sweep *sweep, size_t *ended, size_t *failed)
{
    *ended = *failed = 0;
    for (size_t i = 0; i < sweep->grid.cell_count * sweep->seeds; i++) {
        *ended += sweep->runs[i].outcome != RUN_MISSING;
        *failed += sweep->runs[i].outcome == RUN_DIVERGED || sweep->runs[i].outcome == RUN_BROKEN;
    }
}

int figure_decimals(double deviation)
{
    if (!(deviation > 0))
        return -1;
    const int decimals = 1 - (int)floor(log10(deviation));
    return decimals < 0 ? 0 : decimals > 15 ? 15 : decimals;
}

const char *figure_text(char *text, double figure, int decimals)
{
    if (isnan(figure))
        snprintf(text, NUMBER_SIZE, "-");
    else if (decimals >= 0)
        snprintf(text, NUMBER_SIZE, "%.*f", decimals, figure);
    else
        snprintf(text, NUMBER_SIZE, "%.5g", figure);
    return text;
}

const char *sweep_number(const struct sweep *sweep, char *text, double figure)
{
    const struct metric_style *style = metric_style(sweep->metric);
    return figure_text(text, style->factor * figure, style->decimals);
}

void sweep_pair(const struct sweep *sweep, char *mean, char *deviation, const struct summary *summary)
{
    const struct metric_style *style = metric_style(sweep->metric);
    const double spread = style->factor * summary->deviation;
    const int decimals = style->decimals >= 0 ? style->decimals : figure_decimals(spread);
    figure_text(mean, style->factor * summary->mean, decimals);
    figure_text(deviation, spread, decimals);
}

const char *sweep_spread(const struct sweep *sweep, char *text, const struct summary *summary)
{
    char mean[NUMBER_SIZE], deviation[NUMBER_SIZE], failed[NUMBER_SIZE] = "";
    sweep_pair(sweep, mean, deviation, summary);
    if (summary->failed)
        snprintf(failed, sizeof failed, "%zu failed", summary->failed);
    if (summary->n == 0)
        snprintf(text, SPREAD_SIZE, "%s", summary->failed ? failed : "-");
    else
        snprintf(text, SPREAD_SIZE, "%s%s%s%s%s%s", mean, summary->n > 1 ? " ± " : "", summary->n > 1 ? deviation : "",
                 summary->failed ? " (" : "", failed, summary->failed ? ")" : "");
    return text;
}

void sweep_describe_model(const struct sweep *sweep, char *text, size_t size)
{
    struct model_spec model = sweep->grid.settings[0].model;
    model.automatic = 0; /* the data have settled it */
    model.kind = sweep->sets.train.target;
    const int varied = grid_find_axis(&sweep->grid, OPTION_ACTIVATION) < sweep->grid.axis_count;
    if (varied)
        model_format(&model, text, size);
    else
        describe_model(&model, text, size);
}
