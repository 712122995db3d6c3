/* SPDX-License-Identifier: MIT */
/* See sweep_compare.h. */
#include "sweep_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "sweep_pairs.h"

/* A cell beside the one with the reference's value. */
struct pairing {
    size_t cell;
    struct summary own, reference;
    struct pairs pairs; /* of cell - reference, over the seeds that both got to the end with */
};

static struct pairing pair(const struct sweep *sweep, const struct comparison *comparison, size_t cell)
{
    const size_t reference = grid_neighbour(&sweep->grid, cell, comparison->axis, comparison->reference);
    double *differences = calloc(sweep->seeds, sizeof *differences);
    size_t n = 0;
    for (size_t s = 0; s < sweep->seeds && differences; s++) {
        const double difference = sweep_figure(sweep, cell, s) - sweep_figure(sweep, reference, s);
        if (!isnan(difference))
            differences[n++] = difference;
    }
    const struct pairing pairing = {cell, sweep_summary(sweep, cell), sweep_summary(sweep, reference),
                                    pairs_of(differences, n)};
    free(differences);
    return pairing;
}

static int is_reference(const struct sweep *sweep, const struct comparison *comparison, size_t cell)
{
    return grid_place(&sweep->grid, cell, comparison->axis) == comparison->reference;
}

static const struct axis_value *reference_of(const struct sweep *sweep, const struct comparison *comparison)
{
    return &sweep->grid.axes[comparison->axis].values[comparison->reference];
}

/* ---- For people ---- */

static void print_heading(const struct sweep *sweep, const struct comparison *comparison)
{
    printf("\n%s against %s %s, paired by seed; error: of the mean difference; p: two-sided, sign flips\n\n",
           metric_style(sweep->metric)->label, sweep->grid.axes[comparison->axis].option->name,
           reference_of(sweep, comparison)->text);
}

static void add_head(struct text_table *table, const struct sweep *sweep, const struct comparison *comparison)
{
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        text_table_add(table, "%s", sweep->grid.axes[a].option->name);
    text_table_add(table, "mean");
    text_table_add(table, "mean of %s", reference_of(sweep, comparison)->text);
    text_table_add(table, "difference");
    text_table_add(table, "error");
    text_table_add(table, "95 %% interval");
    text_table_add(table, "p");
    text_table_add(table, "pairs");
}

static void add_row(struct text_table *table, const struct sweep *sweep, const struct pairing *pairing)
{
    const double factor = metric_style(sweep->metric)->factor;
    const struct pairs *pairs = &pairing->pairs;
    const int decimals = figure_decimals(factor * pairs->error);
    char own[SPREAD_SIZE], reference[SPREAD_SIZE], texts[5][NUMBER_SIZE];
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        text_table_add(table, "%s", grid_value(&sweep->grid, pairing->cell, a)->text);
    text_table_add(table, "%s", sweep_spread(sweep, own, &pairing->own));
    text_table_add(table, "%s", sweep_spread(sweep, reference, &pairing->reference));
    text_table_add(table, "%s%s", pairs->mean > 0 ? "+" : "", figure_text(texts[0], factor * pairs->mean, decimals));
    text_table_add(table, "%s", figure_text(texts[1], factor * pairs->error, decimals));
    if (pairs->n > 1)
        text_table_add(table, "%s to %s", figure_text(texts[2], factor * pairs->low, decimals),
                       figure_text(texts[3], factor * pairs->high, decimals));
    else
        text_table_add(table, "-");
    text_table_add(table, "%s%s", pairs->is_exact ? "" : "~", figure_text(texts[4], pairs->p, 4));
    text_table_add(table, "%zu", pairs->n);
}

/* ---- With all digits ---- */

/* What a pairing comes to, by name: the columns of CSV and the members of JSON. */
enum { NUMBER_COUNT = 8 };
static const char *const number_names[NUMBER_COUNT] = {
    "mean", "reference_mean", "reference_sd", "difference", "standard_error", "low", "high", "p"};

static void list_numbers(const struct pairing *pairing, double numbers[NUMBER_COUNT])
{
    const struct pairs *pairs = &pairing->pairs;
    const double all[NUMBER_COUNT] = {pairing->own.mean,
                                      pairing->reference.mean,
                                      pairing->reference.deviation,
                                      pairs->mean,
                                      pairs->error,
                                      pairs->low,
                                      pairs->high,
                                      pairs->p};
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        numbers[i] = all[i];
}

static void add_exact_head(struct text_table *table, const struct sweep *sweep)
{
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        text_table_add(table, "%s", sweep->grid.axes[a].option->name);
    text_table_add(table, "reference");
    text_table_add(table, "metric");
    text_table_add(table, "pairs");
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        text_table_add(table, "%s", number_names[i]);
}

static void add_exact_row(struct text_table *table, const struct sweep *sweep, const struct comparison *comparison,
                          const struct pairing *pairing)
{
    double numbers[NUMBER_COUNT];
    list_numbers(pairing, numbers);
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        text_table_add(table, "%s", grid_value(&sweep->grid, pairing->cell, a)->text);
    text_table_add(table, "%s", reference_of(sweep, comparison)->text);
    text_table_add(table, "%s", metric_style(sweep->metric)->name);
    text_table_add(table, "%zu", pairing->pairs.n);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        text_table_add_exact(table, numbers[i]);
}

enum verdict comparison_print(const struct sweep *sweep, const struct comparison *comparison, enum table_format format,
                              struct trouble *trouble)
{
    const size_t axes = sweep->grid.axis_count;
    const int is_csv = format == TABLE_CSV;
    struct text_table table = {.columns = axes + (is_csv ? 3 + NUMBER_COUNT : 7), .left = axes};
    if (is_csv) {
        add_exact_head(&table, sweep);
    } else {
        print_heading(sweep, comparison);
        add_head(&table, sweep, comparison);
    }
    for (size_t cell = 0; cell < sweep->grid.cell_count; cell++) {
        if (is_reference(sweep, comparison, cell))
            continue;
        const struct pairing pairing = pair(sweep, comparison, cell);
        if (is_csv)
            add_exact_row(&table, sweep, comparison, &pairing);
        else
            add_row(&table, sweep, &pairing);
    }
    return text_table_print(&table, format, trouble);
}

enum verdict comparison_report(const struct sweep *sweep, const struct comparison *comparison, struct trouble *trouble)
{
    const struct axis *axis = &sweep->grid.axes[comparison->axis];
    enum verdict verdict = DONE;
    for (size_t cell = 0; cell < sweep->grid.cell_count && verdict == DONE; cell++) {
        if (is_reference(sweep, comparison, cell))
            continue;
        const struct pairing pairing = pair(sweep, comparison, cell);
        double numbers[NUMBER_COUNT];
        list_numbers(&pairing, numbers);
        json_t *line =
            json_pack("{s:s,s:o,s:s,s:o,s:s,s:I,s:b}", "event", "pair", "axes", grid_cell_json(&sweep->grid, cell),
                      "axis", axis->option->name, "reference", grid_value_json(axis, comparison->reference), "metric",
                      metric_style(sweep->metric)->name, "pairs", (json_int_t)pairing.pairs.n, "p_is_exact",
                      pairing.pairs.is_exact);
        for (size_t i = 0; i < NUMBER_COUNT; i++)
            json_object_set_new(line, number_names[i], report_number(numbers[i]));
        verdict = report_json(stdout, line, trouble);
    }
    return verdict;
}
