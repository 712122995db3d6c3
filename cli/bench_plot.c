/* SPDX-License-Identifier: MIT */
/* See bench_plot.h. Both axes are logarithmic: where cost grows in proportion to the work, a curve is level. */
#include "bench_plot.h"

#include <math.h>
#include <stdio.h>

#include "gnuplot.h"

/* Of Okabe and Ito's colours: the first number of threads, the second, and what else there may be. */
static const struct line_style styles[] = {{"#0072B2", 7}, {"#D55E00", 5}, {"#009E73", 9}, {"#000000", 13}};
enum { STYLE_COUNT = sizeof styles / sizeof *styles };

/* The layout in parts of the picture's height: title above, the axis and the legend's lines below. */
static const double top = 0.88, axis_height = 0.13, line_height = 0.041;

struct drawing {
    const struct bench_point *points;
    size_t count;
    const char *subtitle;
};

/* The end of the group of points that begins there. */
static size_t group_end(const struct drawing *drawing, size_t begin)
{
    size_t end = begin + 1;
    while (end < drawing->count && drawing->points[end].threads == drawing->points[begin].threads)
        end++;
    return end;
}

static size_t group_count(const struct drawing *drawing)
{
    size_t count = 0;
    for (size_t begin = 0; begin < drawing->count; begin = group_end(drawing, begin))
        count++;
    return count;
}

static void write_axes(FILE *script, const struct drawing *drawing)
{
    double first = INFINITY, last = 0, low = INFINITY, high = 0;
    for (size_t i = 0; i < drawing->count; i++) {
        const struct bench_point *point = &drawing->points[i];
        first = fmin(first, (double)point->n);
        last = fmax(last, (double)point->n);
        low = fmin(low, fmin(point->step_ns, point->limit_ns));
        high = fmax(high, fmax(point->step_ns, point->limit_ns));
    }
    gnuplot_frame(script);
    fprintf(script, "set title 'What a step costs for each parameter'.\"\\n\".");
    gnuplot_text(script, drawing->subtitle);
    fprintf(script,
            " noenhanced\nset xlabel 'parameters' noenhanced\nset ylabel 'nanoseconds a parameter' noenhanced\n"
            "set rmargin 5\nset key bmargin center horizontal Left reverse noenhanced samplen 3.5 maxcols 1\n"
            "set logscale x\nset format x '10^{%%L}'\nset xrange [%g:%g]\nset yrange [%g:%g]\n",
            first / 1.3, 1.3 * last, low / 1.2, 1.2 * high);
    fprintf(script, "set tmargin at screen %g\nset bmargin at screen %g\n", top,
            axis_height + line_height * 2 * (double)group_count(drawing));
    gnuplot_log_y(script, low / 1.2, 1.2 * high);
}

static void write_data(FILE *script, const struct drawing *drawing)
{
    for (size_t begin = 0, end, c = 0; begin < drawing->count; begin = end, c++) {
        end = group_end(drawing, begin);
        fprintf(script, "$points%zu << END\n", c);
        for (size_t i = begin; i < end; i++)
            fprintf(script, "%zu %.17g %.17g\n", drawing->points[i].n, drawing->points[i].step_ns,
                    drawing->points[i].limit_ns);
        fprintf(script, "END\n");
    }
}

static void write_drawing(FILE *script, const void *context)
{
    const struct drawing *drawing = context;
    write_axes(script, drawing);
    write_data(script, drawing);
    for (size_t begin = 0, end, c = 0; begin < drawing->count; begin = end, c++) {
        end = group_end(drawing, begin);
        const int threads = drawing->points[begin].threads;
        const struct line_style *style = &styles[c % STYLE_COUNT];
        fprintf(script,
                "%s$points%zu using 1:2 with linespoints linewidth 2 linecolor rgb '%s' pointtype %d pointsize 0.7 "
                "title 'the step, %d thread%s', "
                "$points%zu using 1:3 with lines linewidth 2 dashtype 2 linecolor rgb '%s' "
                "title 'only moving its bytes, %d thread%s'",
                c == 0 ? "plot " : ", ", c, style->color, style->point, threads, threads == 1 ? "" : "s", c,
                style->color, threads, threads == 1 ? "" : "s");
    }
    fputc('\n', script);
}

enum verdict bench_plot(const char *path, const struct bench_point *points, size_t count, const char *subtitle,
                        struct trouble *trouble)
{
    const struct drawing drawing = {.points = points, .count = count, .subtitle = subtitle};
    return gnuplot_draw(path, write_drawing, &drawing, trouble);
}
