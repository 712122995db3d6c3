/* SPDX-License-Identifier: MIT */
/* See surface_report.h. */
#include "surface_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "describe.h"
#include "report.h"
#include "text_table.h"

/* A run has arrived when so much is left of what its start lies above the minimum. */
static const double arrived = 0.01;

/* ---- For people ---- */

/* The table within 80 columns: where the runs' names stand, to how many letters these may be cut, and how wide numbers
   are at most. */
enum { NAME_COLUMN = 1, LEAST_WIDTH = 80, LEAST_NAME = 8, PLACE_WIDTH = 9, FIGURE_WIDTH = 8 };

/* A number with so many digits, or with fewer where it would be wider than that: "-1.4e+154" where a run diverged. */
static void add_number(struct text_table *table, double number, int digits, int most)
{
    char text[32];
    do
        snprintf(text, sizeof text, "%.*g", digits, isnan(number) ? fabs(number) : number);
    while ((int)strlen(text) > most && --digits > 0);
    text_table_add(table, "%s", text);
}

/* A run in the last cells of its row: how far it is from the minimum and how soon it came near, or when it diverged. */
static void add_fate(struct text_table *table, const struct course *course, const struct walk *walk)
{
    const double distance = walk_distance(walk, course);
    const size_t steps = walk_steps_to(walk, course, arrived);
    if (walk->diverged) {
        text_table_add(table, "diverged");
        text_table_add(table, "at %zu", walk->diverged);
        return;
    }
    if (isfinite(distance))
        add_number(table, distance, 3, FIGURE_WIDTH);
    else
        text_table_add(table, "-");
    if (steps == SIZE_MAX)
        text_table_add(table, "-");
    else
        text_table_add(table, "%zu", steps);
}

/* Cuts the names in a table to what the other columns leave of that width. */
static void cut_names(struct text_table *table, size_t width)
{
    static const char dots[] = "...";
    size_t others = 2 * (table->columns - 1);
    for (size_t c = 0; c < table->columns; c++) {
        size_t longest = 0;
        for (size_t i = c; i < table->count; i += table->columns)
            longest = strlen(table->cells[i]) > longest ? strlen(table->cells[i]) : longest;
        others += c == NAME_COLUMN ? 0 : longest;
    }
    const size_t room = others + LEAST_NAME < width ? width - others : LEAST_NAME;
    for (size_t i = NAME_COLUMN; i < table->count; i += table->columns)
        if (strlen(table->cells[i]) > room)
            memcpy(table->cells[i] + room - strlen(dots), dots, sizeof dots);
}

enum verdict surface_print_table(const struct course *course, const struct walk *walks, size_t count, size_t width,
                                 struct trouble *trouble)
{
    static const char *const heads[] = {"", "run", "unit", "f start", "x", "y", "f end", "distance", "to 1 %"};
    enum { HEAD_COUNT = sizeof heads / sizeof *heads, UNIT_COLUMN = NAME_COLUMN + 1 };
    const int has_units = walks[0].unit_name[0] != '\0';
    struct text_table table = {.columns = (size_t)(HEAD_COUNT - !has_units), .left = (size_t)(2 + has_units)};
    for (size_t k = 0; k < HEAD_COUNT; k++)
        if (k != UNIT_COLUMN || has_units)
            text_table_add(&table, "%s", heads[k]);
    for (size_t w = 0; w < count; w++) {
        const struct walk *walk = &walks[w];
        const struct point end = walk->at[walk->steps_done];
        text_table_add(&table, "%zu", w + 1);
        text_table_add(&table, "%s", walk->contender->label);
        if (has_units)
            text_table_add(&table, "%s", walk->unit_name);
        add_number(&table, walk->value[0], 4, FIGURE_WIDTH);
        add_number(&table, end.x, 4, PLACE_WIDTH);
        add_number(&table, end.y, 4, PLACE_WIDTH);
        add_number(&table, walk->value[walk->steps_done], 3, FIGURE_WIDTH);
        add_fate(&table, course, walk);
    }
    if (!table.no_memory)
        cut_names(&table, width > LEAST_WIDTH ? width : LEAST_WIDTH);
    return text_table_print(&table, TABLE_TERMINAL, trouble);
}

static void add_row(struct text_table *table, const struct walk *walk, int axis, size_t step)
{
    const struct step_parts *parts = &walk->parts[axis];
    const struct point before = walk->at[step - 1];
    const size_t k = step - 1;
    const double row[] = {walk->unit * (axis == 0 ? before.x : before.y),
                          parts->gradient[k],
                          parts->rms_gradient[k],
                          parts->rms_update[k],
                          parts->rate[k],
                          parts->step[k]};
    text_table_add(table, "%zu", step);
    for (size_t c = 0; c < sizeof row / sizeof *row; c++)
        text_table_add(table, "%.4g", row[c]);
}

enum verdict surface_print_steps(const struct walk *walk, struct trouble *trouble)
{
    static const char *const heads[] = {"step", NULL, "g", "RMS[g]", "RMS[dx]", "rate", "dx"};
    static const size_t firsts[] = {1, 2, 5};
    enum verdict verdict = DONE;
    printf("\nWhat the steps of %s were made of: dx = -rate g, rate = lr RMS[dx]/RMS[g]\n", walk->label);
    for (int axis = 0; axis < 2 && verdict == DONE; axis++) {
        struct text_table table = {.columns = sizeof heads / sizeof *heads};
        for (size_t c = 0; c < table.columns; c++)
            text_table_add(&table, "%s", heads[c] ? heads[c] : axis == 0 ? "x" : "y");
        for (size_t decade = 1; decade < walk->steps_done; decade *= 10)
            for (size_t i = 0; i < 3 && firsts[i] * decade < walk->steps_done; i++)
                add_row(&table, walk, axis, firsts[i] * decade);
        if (walk->steps_done > 0)
            add_row(&table, walk, axis, walk->steps_done);
        putchar('\n');
        verdict = text_table_print(&table, TABLE_TERMINAL, trouble);
    }
    return verdict;
}

/* ---- For programs ---- */

static json_t *event_of(const struct walk *walk, const char *event)
{
    return json_pack("{s:s,s:s,s:o,s:o}", "event", event, "method",
                     adadelta_method_name(walk->contender->settings.method), "label", report_text(walk->label), "unit",
                     report_number(walk->unit));
}

/* The numbers of an array that stand so many bytes apart. */
static json_t *array_of(const double *values, size_t count, size_t stride)
{
    json_t *array = json_array();
    for (size_t k = 0; k < count; k++)
        json_array_append_new(array, report_number(*(const double *)((const char *)values + k * stride)));
    return array;
}

static void add_parts(json_t *line, const struct walk *walk)
{
    const struct step_parts *x = &walk->parts[0], *y = &walk->parts[1];
    const struct {
        const char *key;
        const double *x, *y;
    } pairs[] = {{"gradient", x->gradient, y->gradient},
                 {"rms_gradient", x->rms_gradient, y->rms_gradient},
                 {"rms_update", x->rms_update, y->rms_update},
                 {"rate", x->rate, y->rate},
                 {"step", x->step, y->step}};
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        json_object_set_new(line, pairs[k].key,
                            json_pack("[o,o]", array_of(pairs[k].x, walk->steps_done, sizeof(double)),
                                      array_of(pairs[k].y, walk->steps_done, sizeof(double))));
}

static enum verdict report_path(const struct walk *walk, int with_parts, struct trouble *trouble)
{
    json_t *line = event_of(walk, "path");
    const size_t count = walk->steps_done + 1;
    json_object_set_new(line, "x", array_of(&walk->at->x, count, sizeof *walk->at));
    json_object_set_new(line, "y", array_of(&walk->at->y, count, sizeof *walk->at));
    json_object_set_new(line, "f", array_of(walk->value, count, sizeof *walk->value));
    if (with_parts && walk->parts[0].gradient)
        add_parts(line, walk);
    return report_json(stdout, line, trouble);
}

enum verdict surface_report(const struct course *course, const struct walk *walk, int with_parts,
                            struct trouble *trouble)
{
    const enum verdict verdict = report_path(walk, with_parts, trouble);
    if (verdict != DONE)
        return verdict;
    const struct point end = walk->at[walk->steps_done];
    const size_t steps = walk_steps_to(walk, course, arrived);
    json_t *line = event_of(walk, "done");
    report_method(line, &walk->contender->settings);
    json_object_set_new(line, "function", json_string(course->surface->name));
    json_object_set_new(line, "steps", json_integer((json_int_t)walk->steps_done));
    json_object_set_new(line, "start_f", report_number(walk->value[0]));
    json_object_set_new(line, "x", report_number(end.x));
    json_object_set_new(line, "y", report_number(end.y));
    json_object_set_new(line, "f", report_number(walk->value[walk->steps_done]));
    json_object_set_new(line, "distance", report_number(walk_distance(walk, course)));
    json_object_set_new(line, "steps_to_1_percent", steps == SIZE_MAX ? json_null() : json_integer((json_int_t)steps));
    json_object_set_new(line, "diverged_at", walk->diverged ? json_integer((json_int_t)walk->diverged) : json_null());
    return report_json(stdout, line, trouble);
}
