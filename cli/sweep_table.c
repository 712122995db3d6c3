/* SPDX-License-Identifier: MIT */
/* See sweep_table.h. */
#include "sweep_table.h"

#include <stdio.h>

#include "report.h"

/* What stands around the best figure. */
static const struct {
    const char *before, *after, *others;
} marks[] = {[TABLE_TERMINAL] = {"", " *", "  "}, [TABLE_MARKDOWN] = {"**", "**", ""}};

/* Before the table for people. */
static void print_title(const struct sweep *sweep, enum table_format format)
{
    printf("%s over %zu seed%s: mean%s (%s the smallest mean, of equal ones the first)\n\n",
           metric_style(sweep->metric)->label, sweep->seeds, sweep->seeds == 1 ? "" : "s",
           sweep->seeds == 1 ? "" : " ± sample standard deviation", format == TABLE_MARKDOWN ? "bold:" : "*");
}

static void add_spread(struct text_table *table, const struct sweep *sweep, size_t cell, size_t best,
                       enum table_format format)
{
    char spread[SPREAD_SIZE];
    const struct summary summary = sweep_summary(sweep, cell);
    sweep_spread(sweep, spread, &summary);
    text_table_add(table, "%s%s%s", cell == best ? marks[format].before : "", spread,
                   cell == best ? marks[format].after : marks[format].others);
}

/* Two axes: the first goes down, the second across. */
static void fill_matrix(struct text_table *table, const struct sweep *sweep, size_t best, enum table_format format)
{
    const struct axis *down = &sweep->grid.axes[0], *across = &sweep->grid.axes[1];
    *table = (struct text_table){.columns = across->count + 1, .left = 1};
    text_table_add(table, "%s", down->option->name);
    for (size_t i = 0; i < across->count; i++)
        text_table_add(table, "%s %s%s", across->option->name, across->values[i].text, marks[format].others);
    for (size_t k = 0; k < down->count; k++) {
        text_table_add(table, "%s", down->values[k].text);
        for (size_t i = 0; i < across->count; i++)
            add_spread(table, sweep, k * across->count + i, best, format);
    }
}

static void add_axis_names(struct text_table *table, const struct grid *grid)
{
    for (size_t a = 0; a < grid->axis_count; a++)
        text_table_add(table, "%s", grid->axes[a].option->name);
}

static void add_axis_values(struct text_table *table, const struct grid *grid, size_t cell)
{
    for (size_t a = 0; a < grid->axis_count; a++)
        text_table_add(table, "%s", grid_value(grid, cell, a)->text);
}

static void fill_list(struct text_table *table, const struct sweep *sweep, size_t best, enum table_format format)
{
    char least[NUMBER_SIZE], middle[NUMBER_SIZE], most[NUMBER_SIZE];
    const struct grid *grid = &sweep->grid;
    *table = (struct text_table){.columns = grid->axis_count + 4, .left = grid->axis_count};
    add_axis_names(table, grid);
    text_table_add(table, "mean%s", marks[format].others);
    text_table_add(table, "min");
    text_table_add(table, "median");
    text_table_add(table, "max");
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        const struct summary summary = sweep_summary(sweep, cell);
        add_axis_values(table, grid, cell);
        add_spread(table, sweep, cell, best, format);
        text_table_add(table, "%s", sweep_number(sweep, least, summary.least));
        text_table_add(table, "%s", sweep_number(sweep, middle, summary.middle));
        text_table_add(table, "%s", sweep_number(sweep, most, summary.most));
    }
}

/* Why runs failed: of each cell the first one's reason, of the first cells. */
static void print_failures(const struct sweep *sweep)
{
    enum { MOST = 8 };
    size_t cells = 0;
    for (size_t cell = 0; cell < sweep->grid.cell_count; cell++) {
        char text[256];
        size_t seed = 0;
        while (seed < sweep->seeds && !sweep_run_at(sweep, cell, seed)->failure)
            seed++;
        if (seed == sweep->seeds)
            continue;
        grid_describe(&sweep->grid, cell, text, sizeof text);
        if (cells++ < MOST)
            printf("%sfailed: %s, seed %llu: %s\n", cells == 1 ? "\n" : "", text,
                   (unsigned long long)(sweep->first_seed + seed), sweep_run_at(sweep, cell, seed)->failure);
    }
    if (cells > MOST)
        printf("failed: %zu cells more\n", cells - MOST);
}

enum verdict sweep_print(const struct sweep *sweep, enum table_format format, struct trouble *trouble)
{
    struct text_table table;
    const size_t best = sweep_best(sweep);
    print_title(sweep, format);
    if (sweep->grid.axis_count == 2)
        fill_matrix(&table, sweep, best, format);
    else
        fill_list(&table, sweep, best, format);
    const enum verdict verdict = text_table_print(&table, format, trouble);
    if (verdict == DONE)
        print_failures(sweep);
    return verdict;
}

enum verdict sweep_print_cells(const struct sweep *sweep, enum table_format format, struct trouble *trouble)
{
    static const char *const names[] = {"metric", "n", "mean", "sd", "min", "max", "median", "failed"};
    const size_t name_count = sizeof names / sizeof *names;
    const struct grid *grid = &sweep->grid;
    struct text_table table = {.columns = grid->axis_count + name_count, .left = grid->axis_count};
    add_axis_names(&table, grid);
    for (size_t i = 0; i < name_count; i++)
        text_table_add(&table, "%s", names[i]);
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        const struct summary summary = sweep_summary(sweep, cell);
        add_axis_values(&table, grid, cell);
        text_table_add(&table, "%s", metric_style(sweep->metric)->name);
        text_table_add(&table, "%zu", summary.n);
        text_table_add_exact(&table, summary.mean);
        text_table_add_exact(&table, summary.deviation);
        text_table_add_exact(&table, summary.least);
        text_table_add_exact(&table, summary.most);
        text_table_add_exact(&table, summary.middle);
        text_table_add(&table, "%zu", summary.failed);
    }
    return text_table_print(&table, format, trouble);
}

enum verdict sweep_print_runs(const struct sweep *sweep, enum table_format format, struct trouble *trouble)
{
    static const char *const names[] = {"seed",       "outcome",     "test_error", "test_loss",
                                        "train_loss", "epochs_done", "seconds",    "failure"};
    const size_t name_count = sizeof names / sizeof *names;
    const struct grid *grid = &sweep->grid;
    struct text_table table = {.columns = grid->axis_count + name_count, .left = grid->axis_count};
    add_axis_names(&table, grid);
    for (size_t i = 0; i < name_count; i++)
        text_table_add(&table, "%s", names[i]);
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        for (size_t s = 0; s < sweep->seeds; s++) {
            const struct sweep_run *run = sweep_run_at(sweep, cell, s);
            if (run->outcome == RUN_MISSING)
                continue;
            add_axis_values(&table, grid, cell);
            text_table_add(&table, "%llu", (unsigned long long)(sweep->first_seed + s));
            text_table_add(&table, "%s", run_outcome_name(run->outcome));
            text_table_add_exact(&table, run->test_error);
            text_table_add_exact(&table, run->test_loss);
            text_table_add_exact(&table, run->train_loss);
            text_table_add(&table, "%zu", run->epochs);
            text_table_add_exact(&table, run->seconds);
            text_table_add(&table, "%s", run->failure ? run->failure : "");
        }
    }
    return text_table_print(&table, format, trouble);
}
