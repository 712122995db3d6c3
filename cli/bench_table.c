/* SPDX-License-Identifier: MIT */
/* See bench_table.h. A column is a row of the table below; it is left out where no plan has anything but its usual
   text. */
#include "bench_table.h"

#include <stdio.h>
#include <string.h>

#include "bench_number.h"
#include "report.h"

enum { CELL = 96 };

typedef void cell(const struct bench_plan *plan, char text[CELL]);

static void cell_n(const struct bench_plan *plan, char text[CELL])
{
    format_count(text, plan->n);
}

static void cell_dtype(const struct bench_plan *plan, char text[CELL])
{
    snprintf(text, CELL, "%s", number_name(plan->dtype));
}

static void cell_gradient(const struct bench_plan *plan, char text[CELL])
{
    snprintf(text, CELL, "%s", plan->gradient == plan->dtype ? "" : number_name(plan->gradient));
}

static void cell_state(const struct bench_plan *plan, char text[CELL])
{
    snprintf(text, CELL, "%s", number_name(plan->state));
}

static const char *weights(const struct bench_plan *plan)
{
    return bench_is_16_bit(plan->dtype) ? bench_weights_name(plan->weights) : NULL;
}

static void cell_weights(const struct bench_plan *plan, char text[CELL])
{
    snprintf(text, CELL, "%s", weights(plan) ? weights(plan) : "");
}

static void cell_with(const struct bench_plan *plan, char text[CELL])
{
    bench_extras_text(plan, text, CELL);
}

static void cell_tensors(const struct bench_plan *plan, char text[CELL])
{
    if (plan->paper)
        snprintf(text, CELL, "paper");
    else
        snprintf(text, CELL, "%zu", plan->tensors);
}

static void cell_threads(const struct bench_plan *plan, char text[CELL])
{
    snprintf(text, CELL, "%d", plan->threads);
}

static void cell_isa(const struct bench_plan *plan, char text[CELL])
{
    (void)plan;
    snprintf(text, CELL, "%s", adadelta_isa_name());
}

static const struct {
    const char *title;
    int right;         /* 1: aligned there */
    const char *usual; /* left out where every row has this; NULL: never left out */
    cell *cell;
} columns[] = {
    {"n", 1, NULL, cell_n},
    {"dtype", 0, NULL, cell_dtype},
    {"gradient", 0, "", cell_gradient},
    {"state", 0, NULL, cell_state},
    {"weights", 0, "", cell_weights},
    {"with", 0, "plain", cell_with},
    {"tensors", 1, "1", cell_tensors},
    {"threads", 1, NULL, cell_threads},
    {"isa", 0, NULL, cell_isa},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* A column's width for these plans, or 0 where it is left out. */
static int width_of(size_t column, const struct bench_plan *plans, size_t count)
{
    size_t width = strlen(columns[column].title);
    int needed = !columns[column].usual;
    for (size_t i = 0; i < count; i++) {
        char text[CELL];
        columns[column].cell(&plans[i], text);
        width = strlen(text) > width ? strlen(text) : width;
        needed = needed || strcmp(text, columns[column].usual) != 0;
    }
    return needed ? (int)width : 0;
}

static void print_cell(size_t column, const char *text, const struct bench_plan *plans, size_t count)
{
    const int width = width_of(column, plans, count);
    if (width)
        printf("%*s  ", columns[column].right ? width : -width, text);
}

void bench_table_head(const struct bench_plan *plans, size_t count)
{
    for (size_t c = 0; c < COLUMNS; c++)
        print_cell(c, columns[c].title, plans, count);
    printf("%8s %8s  fraction   GB/s\n", "ns/param", "limit");
}

enum verdict bench_table_row(const struct bench_plan *plans, size_t count, size_t i, const struct bench_times *times,
                             struct trouble *trouble)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        char text[CELL];
        columns[c].cell(&plans[i], text);
        print_cell(c, text, plans, count);
    }
    printf("%8.4f %8.4f  %8.3f %6.1f\n", times->step_ns, times->limit_ns, times->limit_ns / times->step_ns,
           (double)times->bytes / times->step_ns);
    return fflush(stdout) ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

enum verdict bench_table_json(const struct bench_plan *plan, const struct bench_times *times, struct trouble *trouble)
{
    char with[CELL];
    return report_json(stdout,
                       json_pack("{s:I,s:I,s:s,s:s,s:s,s:s?,s:s,s:I,s:s,s:i,s:s,s:o,s:o,s:o}", "n", (json_int_t)plan->n,
                                 "moved", (json_int_t)bench_moved(plan), "dtype", number_name(plan->dtype), "gradient",
                                 number_name(plan->gradient), "state", number_name(plan->state), "weights",
                                 weights(plan), "with", bench_extras_text(plan, with, sizeof with), "tensors",
                                 (json_int_t)plan->tensors, "split", plan->paper ? "paper" : "even", "threads",
                                 plan->threads, "isa", adadelta_isa_name(), "ns_per_param",
                                 report_number(times->step_ns), "limit_ns_per_param", report_number(times->limit_ns),
                                 "fraction_of_limit", report_number(times->limit_ns / times->step_ns)),
                       trouble);
}
