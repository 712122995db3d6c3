/* SPDX-License-Identifier: MIT */
/* See contest_table.h. */
#include "contest_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "sweep_result.h"

/* A table that is filled. */
struct filling {
    struct text_table table;
    const struct contest *contest;
    const struct overlay *overlay;
    enum table_format format;
    double factor; /* what figures are multiplied with to be shown */
};

/* What stands around the smallest figure, and behind the others. */
static const struct {
    const char *before, *after, *others;
} marks[] = {[TABLE_TERMINAL] = {"", "*", " "}, [TABLE_MARKDOWN] = {"**", "**", ""}};

/* The smallest of a figure over the contenders; infinite where none has one. */
static double smallest(const struct contest *contest, int of_best, size_t epoch)
{
    double least = INFINITY;
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (of_best ? contender->epochs_done > 0 : contender->epochs_done >= epoch)
            least = fmin(least, contender->figure[of_best ? contender->best : epoch - 1]);
    }
    return least;
}

/* A cell without a mark. */
static void add_plain(struct filling *filling, const char *text)
{
    text_table_add(&filling->table, "%s%s", text, marks[filling->format].others);
}

/* A figure with its deviation over seeds, marked where it is the smallest. */
static void add_figure(struct filling *filling, const struct contender *contender, size_t epoch, double least)
{
    char text[2 * NUMBER_SIZE + 8], spread[NUMBER_SIZE];
    const double figure = contender->figure[epoch - 1];
    const double deviation = contender->deviation ? filling->factor * contender->deviation[epoch - 1] : NAN;
    const int is_least = figure == least;
    const int decimals = filling->contest->kind == TARGET_CLASS ? 2 : figure_decimals(deviation);
    figure_text(text, filling->factor * figure, decimals);
    if (!isnan(deviation)) {
        strcat(text, " ± ");
        strcat(text, figure_text(spread, deviation, decimals));
    }
    text_table_add(&filling->table, "%s%s%s", is_least ? marks[filling->format].before : "", text,
                   is_least ? marks[filling->format].after : marks[filling->format].others);
}

/* The overlay's cells of a row; epoch 0: empty ones. */
static void add_overlay(struct filling *filling, size_t epoch)
{
    char text[NUMBER_SIZE];
    for (size_t k = 0; k < filling->overlay->curves; k++) {
        const double figure = epoch ? overlay_at(filling->overlay, k, epoch) : NAN;
        figure_text(text, figure, filling->contest->kind == TARGET_CLASS ? 2 : -1);
        text_table_add(&filling->table, "%s", epoch ? text : "");
    }
}

static void add_epoch(struct filling *filling, size_t epoch, int mark)
{
    const double least = mark ? smallest(filling->contest, 0, epoch) : -INFINITY;
    text_table_add(&filling->table, "%zu", epoch);
    for (size_t i = 0; i < filling->contest->count; i++) {
        const struct contender *contender = &filling->contest->contenders[i];
        if (epoch <= contender->epochs_done)
            add_figure(filling, contender, epoch, least);
        else
            add_plain(filling, "-");
    }
    add_overlay(filling, epoch);
}

static void add_best(struct filling *filling)
{
    const struct contest *contest = filling->contest;
    const double least = smallest(contest, 1, 0);
    char text[NUMBER_SIZE];
    text_table_add(&filling->table, "best");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (contender->epochs_done > 0)
            add_figure(filling, contender, contender->best + 1, least);
        else
            add_plain(filling, "-");
    }
    add_overlay(filling, 0);
    text_table_add(&filling->table, "at epoch");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        snprintf(text, sizeof text, "%zu", contender->epochs_done ? contender->best + 1 : 0);
        add_plain(filling, text);
    }
    add_overlay(filling, 0);
    text_table_add(&filling->table, "seconds");
    for (size_t i = 0; i < contest->count; i++) {
        snprintf(text, sizeof text, "%.2f", contest->contenders[i].seconds);
        add_plain(filling, text);
    }
    add_overlay(filling, 0);
}

/* The methods, and on a terminal below them what tells runs of the same method apart. */
static void add_head(struct filling *filling)
{
    const struct contest *contest = filling->contest;
    const int lines = filling->format == TABLE_TERMINAL;
    int some = 0;
    text_table_add(&filling->table, "epoch");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        add_plain(filling, lines ? adadelta_method_name(contender->settings.method) : contender->label);
        some |= contender->own[0] != '\0';
    }
    for (size_t k = 0; k < filling->overlay->curves; k++)
        text_table_add(&filling->table, "%s", overlay_name(filling->overlay, k));
    if (!some || !lines)
        return;
    text_table_add(&filling->table, "%s", "");
    for (size_t i = 0; i < contest->count; i++)
        add_plain(filling, contest->contenders[i].own);
    add_overlay(filling, 0);
}

static void print_title(const struct filling *filling)
{
    const struct contest *contest = filling->contest;
    printf("%s by epoch", contest->kind == TARGET_CLASS ? "Test error in %" : "Mean squared error on the test rows");
    if (contest->seeds > 1)
        printf(", mean ± sample standard deviation of %zu seeds", contest->seeds);
    printf(" (%s the smallest%s)\n", filling->format == TABLE_MARKDOWN ? "bold:" : "*",
           contest->seeds > 1 ? " mean" : "");
    if (filling->overlay->curves)
        printf("At the right: %s\n", filling->overlay->name);
    printf("\n");
}

static void fill_for_people(struct filling *filling)
{
    static const size_t steps[] = {1, 2, 5};
    const size_t epochs = filling->contest->contenders[0].settings.epochs;
    add_head(filling);
    for (size_t decade = 1; decade <= epochs; decade *= 10)
        for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i] * decade < epochs; i++)
            add_epoch(filling, steps[i] * decade, 0);
    add_epoch(filling, epochs, 1);
    add_best(filling);
}

/* Every epoch with all digits. */
static void fill_csv(struct filling *filling)
{
    const struct contest *contest = filling->contest;
    const int spreads = contest->seeds > 1;
    text_table_add(&filling->table, "epoch");
    for (size_t i = 0; i < contest->count; i++) {
        text_table_add(&filling->table, "%s", contest->contenders[i].label);
        if (spreads)
            text_table_add(&filling->table, "%s sd", contest->contenders[i].label);
    }
    for (size_t k = 0; k < filling->overlay->curves; k++)
        text_table_add(&filling->table, "%s %s", filling->overlay->name, overlay_name(filling->overlay, k));
    for (size_t epoch = 1; epoch <= contest->contenders[0].settings.epochs; epoch++) {
        text_table_add(&filling->table, "%zu", epoch);
        for (size_t i = 0; i < contest->count; i++) {
            const struct contender *contender = &contest->contenders[i];
            const int is_there = epoch <= contender->epochs_done;
            text_table_add_exact(&filling->table, is_there ? filling->factor * contender->figure[epoch - 1] : NAN);
            if (spreads)
                text_table_add_exact(&filling->table,
                                     is_there ? filling->factor * contender->deviation[epoch - 1] : NAN);
        }
        for (size_t k = 0; k < filling->overlay->curves; k++)
            text_table_add_exact(&filling->table, overlay_at(filling->overlay, k, epoch));
    }
}

/* Of runs over seeds; of a single one has been told when it ended. */
static void print_failures(const struct contest *contest)
{
    const char *blank = "\n";
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (contender->failed == 0)
            continue;
        printf("%s%s: %zu of %zu runs failed: %s\n", blank, contender->label, contender->failed, contest->seeds,
               contender->failure);
        blank = "";
    }
}

enum verdict contest_print(const struct contest *contest, const struct overlay *overlay, enum table_format format,
                           struct trouble *trouble)
{
    const int is_csv = format == TABLE_CSV;
    const size_t columns = contest->count * (is_csv && contest->seeds > 1 ? 2 : 1);
    struct filling filling = {.table = {.columns = 1 + columns + overlay->curves},
                              .contest = contest,
                              .overlay = overlay,
                              .format = format,
                              .factor = contest->kind == TARGET_CLASS ? 100 : 1};
    if (is_csv) {
        fill_csv(&filling);
    } else {
        print_title(&filling);
        fill_for_people(&filling);
    }
    const enum verdict verdict = text_table_print(&filling.table, format, trouble);
    if (verdict == DONE && !is_csv)
        print_failures(contest);
    return verdict;
}
