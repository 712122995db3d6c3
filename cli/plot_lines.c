/* SPDX-License-Identifier: MIT */
/* See plot_lines.h. */
#include "plot_lines.h"

#include <math.h>
#include <string.h>

#include "gnuplot.h"

enum { MAX_LINES = 9, FEW_ROWS = 40 };

/* The layout in parts of the picture's height: title above, the axis and the legend's lines below. */
static const double top = 0.9, axis_height = 0.13, line_height = 0.041;

struct range {
    double low, high;
};

struct drawing {
    const struct plot_table *table;
    const struct line_words *words;
    struct range x, y;
};

static double x_of(const struct drawing *drawing, size_t row)
{
    return drawing->table->values[row * drawing->table->columns];
}

static double y_of(const struct drawing *drawing, size_t row, size_t column)
{
    return drawing->table->values[row * drawing->table->columns + column];
}

/* Whether there is a place for a value on an axis. */
static int has_place(double value, int logarithmic)
{
    return !isnan(value) && (!logarithmic || value > 0);
}

static int is_shown(const struct drawing *drawing, size_t row, size_t column)
{
    return has_place(x_of(drawing, row), drawing->words->log_x) &&
           has_place(y_of(drawing, row, column), drawing->words->log_y);
}

/* Finds the ranges of what is shown; returns how many values are shown. */
static size_t find_ranges(struct drawing *drawing, size_t *left_out)
{
    size_t shown = 0;
    drawing->x = drawing->y = (struct range){INFINITY, -INFINITY};
    *left_out = 0;
    for (size_t row = 0; row < drawing->table->rows; row++) {
        for (size_t column = 1; column < drawing->table->columns; column++) {
            const double x = x_of(drawing, row), y = y_of(drawing, row, column);
            if (!is_shown(drawing, row, column)) {
                *left_out += !isnan(y);
                continue;
            }
            shown++;
            drawing->x = (struct range){fmin(drawing->x.low, x), fmax(drawing->x.high, x)};
            drawing->y = (struct range){fmin(drawing->y.low, y), fmax(drawing->y.high, y)};
        }
    }
    return shown;
}

/* Ends of a logarithmic axis that are closer together, as a part of the lower one, have no marks between them. */
static const double flat = 1e-9;

/* A range and its axis, "x" or "y", with some room at both ends. */
static void write_axis(FILE *script, const char *axis, struct range range, int logarithmic, double room)
{
    const double span = range.high - range.low;
    if (logarithmic) {
        const double factor = span > flat * range.low ? pow(range.high, room) / pow(range.low, room) : 1.5;
        range =
            (struct range){fmax(range.low / factor, 0.1 / gnuplot_most), fmin(range.high * factor, 10 * gnuplot_most)};
        gnuplot_log(script, axis, range.low, range.high);
    } else {
        const double margin = span > 0 ? room * span : 0.1 * fabs(range.high) + 1e-9;
        range = (struct range){range.low - margin, range.high + margin};
    }
    fprintf(script, "set %srange [%.17g:%.17g]\n", axis, range.low, range.high);
}

static void write_axes(FILE *script, const struct drawing *drawing)
{
    const struct plot_table *table = drawing->table;
    const struct line_words *words = drawing->words;
    const char *slash = strrchr(table->path, '/');
    const int is_alone = table->columns == 2;
    fprintf(script, "set title ");
    gnuplot_text(script, words->title ? words->title : slash ? slash + 1 : table->path);
    fprintf(script, " noenhanced\nset xlabel ");
    gnuplot_text(script, words->x_label ? words->x_label : table->names[0]);
    fprintf(script, " noenhanced\nset ylabel ");
    gnuplot_text(script, words->y_label ? words->y_label : is_alone ? table->names[1] : "");
    fprintf(script, " noenhanced\n");
    gnuplot_frame(script);
    fprintf(script,
            "set rmargin 5\n"
            "set key bmargin center horizontal Left reverse noenhanced samplen 3.5 maxcols 1\n"
            "set tmargin at screen %g\nset bmargin at screen %g\n",
            top, axis_height + line_height * (double)(table->columns - 1));
    write_axis(script, "x", drawing->x, words->log_x, 0);
    write_axis(script, "y", drawing->y, words->log_y, 0.04);
}

static void write_data(FILE *script, const struct drawing *drawing)
{
    for (size_t column = 1; column < drawing->table->columns; column++) {
        fprintf(script, "$line%zu << END\n", column);
        for (size_t row = 0; row < drawing->table->rows; row++) {
            if (is_shown(drawing, row, column))
                fprintf(script, "%.17g %.17g\n", x_of(drawing, row), y_of(drawing, row, column));
            else
                fprintf(script, "%.17g NaN\n", x_of(drawing, row));
        }
        fprintf(script, "END\n");
    }
}

/* A column that is named after a method looks as that method does; the others have the colours that are left, and
   dashes where these begin anew. */
static void choose_styles(const struct plot_table *table, const struct line_style *chosen[], size_t dash[])
{
    int is_taken[PLAIN_STYLES] = {0};
    for (size_t column = 1; column < table->columns; column++) {
        enum adadelta_method method;
        chosen[column] = method_of_name(table->names[column], &method) ? method_style(method) : NULL;
        dash[column] = 0;
        for (size_t s = 0; s < PLAIN_STYLES && chosen[column]; s++)
            is_taken[s] |= strcmp(plain_style(s)->color, chosen[column]->color) == 0;
    }
    size_t next = 0;
    for (size_t column = 1; column < table->columns; column++) {
        if (chosen[column])
            continue;
        while (is_taken[next % PLAIN_STYLES])
            next++;
        chosen[column] = plain_style(next);
        dash[column] = next++ / PLAIN_STYLES;
    }
}

static void write_drawing(FILE *script, const void *context)
{
    const struct drawing *drawing = context;
    const struct plot_table *table = drawing->table;
    const struct line_style *chosen[MAX_LINES + 1];
    size_t dash[MAX_LINES + 1];
    write_axes(script, drawing);
    write_data(script, drawing);
    choose_styles(table, chosen, dash);
    for (size_t column = 1; column < table->columns; column++) {
        const int points = table->rows <= FEW_ROWS;
        fprintf(script, "%s$line%zu using 1:2 with %s linewidth 2 linecolor rgb '%s' dashtype %s",
                column == 1 ? "plot " : ", ", column, points ? "linespoints" : "lines", chosen[column]->color,
                dash_style(dash[column]));
        if (points)
            fprintf(script, " pointtype %d pointsize 0.7", chosen[column]->point);
        fprintf(script, " title ");
        gnuplot_text(script, table->names[column]);
    }
    fputc('\n', script);
}

static enum verdict check_range(const struct plot_table *table, const char *axis, struct range range, int logarithmic,
                                struct trouble *trouble)
{
    const double farthest = fmax(fabs(range.low), fabs(range.high));
    if (farthest > gnuplot_most)
        return blame(trouble, FAILED,
                     "%s: values of %s as large as %.3g, and an axis holds %g at most: divide them all", table->path,
                     axis, farthest, gnuplot_most);
    if (logarithmic && range.low < 1 / gnuplot_most)
        return blame(trouble, FAILED,
                     "%s: values of %s as small as %.3g, and a logarithmic axis begins at %g: multiply them all",
                     table->path, axis, range.low, 1 / gnuplot_most);
    return DONE;
}

enum verdict plot_lines(const char *path, const struct plot_table *table, const struct line_words *words,
                        size_t *left_out, struct trouble *trouble)
{
    struct drawing drawing = {.table = table, .words = words};
    if (table->columns < 2)
        return blame(trouble, FAILED,
                     "%s: one column only (a comma, semicolon or tab would separate more): no line beside x",
                     table->path);
    if (table->columns > MAX_LINES + 1)
        return blame(trouble, FAILED, "%s: %zu columns beside x, and a picture holds %d lines at most", table->path,
                     table->columns - 1, MAX_LINES);
    if (find_ranges(&drawing, left_out) == 0)
        return blame(trouble, FAILED, "%s: no row has a number to draw%s", table->path,
                     *left_out ? ": a logarithmic axis shows those above 0" : "");
    enum verdict verdict = check_range(table, "x", drawing.x, words->log_x, trouble);
    if (verdict == DONE)
        verdict = check_range(table, "y", drawing.y, words->log_y, trouble);
    if (verdict != DONE)
        return verdict;
    return gnuplot_draw(path, write_drawing, &drawing, trouble);
}
