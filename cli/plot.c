/* SPDX-License-Identifier: MIT */
/* adadelta plot: a picture of a CSV file, of a trace or of columns of numbers. */
#include <stdio.h>

#include "commands.h"
#include "gnuplot.h"
#include "output.h"
#include "plot_lines.h"
#include "plot_trace.h"
#include "report.h"

/* A trace has its axes, whose meaning is fixed. */
static enum verdict draw_trace(const struct args *args, const struct plot_table *table, struct trouble *trouble)
{
    static const enum option_id general[] = {OPTION_OUTPUT, OPTION_TITLE, OPTION_JSON, OPTION_QUIET};
    const struct option *other = args_first_other(args, &plot_command, general, sizeof general / sizeof *general);
    if (other)
        return blame(trouble, MISUSE, "--%s: %s is a trace, whose picture has axes of its own", other->name,
                     table->path);
    return plot_trace(args->values[OPTION_OUTPUT].text, table, args->values[OPTION_TITLE].text, trouble);
}

static enum verdict draw_lines(const struct args *args, const struct plot_table *table, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const struct line_words words = {values[OPTION_TITLE].text, values[OPTION_X_LABEL].text,
                                     values[OPTION_Y_LABEL].text, values[OPTION_LOG_X].given,
                                     values[OPTION_LOG_Y].given};
    size_t left_out;
    const enum verdict verdict = plot_lines(values[OPTION_OUTPUT].text, table, &words, &left_out, trouble);
    if (verdict == DONE && left_out > 0)
        remark(values[OPTION_QUIET].given, "(%zu value%s not shown: a logarithmic axis begins above 0)", left_out,
               left_out == 1 ? " is" : "s are");
    return verdict;
}

static enum verdict report_picture(const struct args *args, struct trouble *trouble)
{
    const char *path = args->values[OPTION_OUTPUT].text;
    if (args->values[OPTION_JSON].given)
        return report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    printf("picture in %s\n", path);
    return DONE;
}

static enum verdict plot(const struct args *args, struct trouble *trouble)
{
    struct plot_table table;
    const char *path = args->values[OPTION_OUTPUT].text, *inputs[] = {args->operands[0]};
    if (!path)
        return blame(trouble, MISUSE, "plot needs -o PICTURE, a name that ends in .svg or .png");
    enum verdict verdict = gnuplot_check(path, trouble);
    if (verdict == DONE)
        verdict = output_check(path, inputs, 1, trouble);
    if (verdict != DONE)
        return verdict;
    verdict = plot_table_read(&table, args->operands[0], &trace_header, trouble);
    if (verdict == DONE)
        verdict = table.is_known ? draw_trace(args, &table, trouble) : draw_lines(args, &table, trouble);
    plot_table_free(&table);
    return verdict == DONE ? report_picture(args, trouble) : verdict;
}

static const struct option picture_rows[] = {
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "PICTURE", 0, 0, 0, "the .svg or .png file to draw; needed"},
    {OPTION_TITLE, OPTION_TEXT, "title", 0, "TEXT", 0, 0, 0, "title of the picture (default: FILE's name)"},
    {OPTION_X_LABEL, OPTION_TEXT, "x-label", 0, "TEXT", 0, 0, 0,
     "what stands below the axis of x (default: the first column's name)"},
    {OPTION_Y_LABEL, OPTION_TEXT, "y-label", 0, "TEXT", 0, 0, 0,
     "what stands beside the axis of y (default: the column's name, where there is one line)"},
    {OPTION_LOG_X, OPTION_FLAG, "log-x", 0, NULL, 0, 0, 0, "logarithmic axis of x; what is not above 0 is left out"},
    {OPTION_LOG_Y, OPTION_FLAG, "log-y", 0, NULL, 0, 0, 0, "logarithmic axis of y; what is not above 0 is left out"},
};
static const struct option_group picture_options = {"Picture", picture_rows,
                                                    sizeof picture_rows / sizeof *picture_rows};

const struct command plot_command = {
    .name = "plot",
    .summary = "Draws a trace of train, or columns of numbers, as a picture",
    .operands = "FILE",
    .operand_count = 1,
    .details = "\n"
               "FILE is CSV with a header line. What train --trace has written becomes two panels, after Figure 2\n"
               "of Zeiler's paper: the effective rates of the sampled weights, with their median, and their updates.\n"
               "Of any other file the first column is x and each other one, nine at most, a line; an empty cell is\n"
               "a gap.\n",
    .groups = {&picture_options, &plain_options},
    .examples = {"adadelta plot trace.csv -o trace.svg",
                 "adadelta plot errors.csv -o errors.png --log-y --y-label 'test error in %'"},
    .run = plot,
};
