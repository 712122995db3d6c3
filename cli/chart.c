/* SPDX-License-Identifier: MIT */
/* See chart.h. The range is chosen so that what the methods end at can be told apart, and a name stands where each
 * ends. */
#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "order.h"

enum { FEW_EPOCHS = 40, LEAST_MARGIN = 12, MAX_LABEL = 28 };

static const double highest_start = 3, highest_start_logarithmic = 1000; /* see choose_range */

/* The layout in units of the picture, 800 by 600: title above, the epochs and the legend's lines below. Of more lines
   than these it becomes higher, so that curves have room. */
enum { WIDTH = 800, HEIGHT = 600, USUAL_LINES = 6 };
static const double title_height = 72, axis_height = 78, line_height = 24.6;

struct y_range {
    double low, high;
    int logarithmic;
};

/* Half the width of a curve's band. */
static double spread_at(const struct curve *curve, size_t i)
{
    return curve->deviation && isfinite(curve->deviation[i]) ? curve->deviation[i] : 0;
}

static int is_within(const struct chart *chart, double epoch)
{
    return epoch >= 1 && epoch <= (double)chart->epochs;
}

/* From the smallest value to the largest, bands included where they stay above half of their curve, but no higher than
   three times what the methods start at in the middle: one that diverges leaves at the top and does not squash the
   others. Logarithmic where that range is more than fourfold; there is room for a thousand times the middle then. */
static struct y_range choose_range(const struct chart *chart)
{
    struct y_range range = {INFINITY, -INFINITY, 0};
    double starts[MAX_CURVES];
    size_t start_count = 0;
    for (size_t c = 0; c < chart->curve_count; c++) {
        const struct curve *curve = &chart->curves[c];
        for (size_t i = 0; i < curve->count; i++) {
            const double spread = spread_at(curve, i), low = curve->y[i] - spread;
            range.low = fmin(range.low, chart->factor * fmax(low, 0.5 * curve->y[i]));
            range.high = fmax(range.high, chart->factor * (curve->y[i] + spread));
        }
        if (curve->count > 0)
            starts[start_count++] = chart->factor * curve->y[0];
    }
    for (size_t k = 0; k < chart->overlay->curves; k++) {
        for (size_t i = 0; i < chart->overlay->table.rows; i++) {
            if (!is_within(chart, overlay_epoch(chart->overlay, i)))
                continue;
            range.low = fmin(range.low, overlay_figure(chart->overlay, k, i)); /* which passes over gaps */
            range.high = fmax(range.high, overlay_figure(chart->overlay, k, i));
        }
    }
    if (start_count == 0)
        return (struct y_range){0, 1, 0};
    qsort(starts, start_count, sizeof *starts, ascending);
    const double largest = range.high, middle = starts[(start_count - 1) / 2];
    range.high = fmax(fmin(largest, highest_start * middle), range.low);
    if (range.low > 0 && range.high > 4 * range.low)
        return (struct y_range){range.low / 1.15, 1.15 * fmin(largest, highest_start_logarithmic * middle), 1};
    double margin = range.high > range.low ? 0.06 * (range.high - range.low) : 0.1 * fabs(range.high) + 1e-9;
    /* Errors have their 0 at the bottom, unless all lie far above it. */
    range.low = range.low < 0.5 * range.high ? 0 : range.low - margin;
    range.high += margin;
    return range;
}

/* The height of a value in the chart: 0 at the bottom, 1 at the top. */
static double height_of(const struct y_range *range, double y)
{
    double height = range->logarithmic ? log(y / range->low) / log(range->high / range->low)
                                       : (y - range->low) / (range->high - range->low);
    return fmin(fmax(height, 0), 1);
}

/* Moves heights, which are in rising order, apart where they are closer than a name is high, each of a pair by the same
   way, and back between 0 and 1. */
static void spread(double *height, size_t count, double distance)
{
    enum { PASSES = 100 };
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t k = 1; k < count; k++) {
            double overlap = distance - (height[k] - height[k - 1]);
            if (overlap > 0) {
                height[k - 1] -= overlap / 2;
                height[k] += overlap / 2;
            }
        }
        for (size_t k = 0; k < count; k++)
            height[k] = fmin(fmax(height[k], (double)k * distance), 1 - (double)(count - 1 - k) * distance);
    }
}

/* Lines of the legend that the overlay takes: one for all its curves that are named after methods. */
static size_t overlay_lines(const struct overlay *overlay)
{
    size_t others = 0;
    enum adadelta_method method;
    for (size_t k = 0; k < overlay->curves; k++)
        others += !overlay_method(overlay, k, &method);
    return others + (others < overlay->curves);
}

static size_t legend_lines(const struct chart *chart)
{
    return chart->curve_count + overlay_lines(chart->overlay);
}

static double height_of_picture(const struct chart *chart)
{
    const size_t lines = legend_lines(chart);
    return HEIGHT + (lines > USUAL_LINES ? line_height * (double)(lines - USUAL_LINES) : 0);
}

/* Where the curves' part of the picture begins and ends, in parts of its height. */
static double bottom_of(const struct chart *chart)
{
    return (axis_height + line_height * (double)legend_lines(chart)) / height_of_picture(chart);
}

static double top_of(const struct chart *chart)
{
    return 1 - title_height / height_of_picture(chart);
}

/* The labels at the right, where their curves end; of one that diverged the legend tells. */
static void write_names(FILE *script, const struct chart *chart, const struct y_range *range)
{
    double height[MAX_CURVES];
    const struct curve *ends[MAX_CURVES];
    size_t count = 0;
    for (size_t c = 0; c < chart->curve_count; c++) {
        const struct curve *curve = &chart->curves[c];
        if (curve->count < chart->epochs)
            continue;
        double end = height_of(range, chart->factor * curve->y[curve->count - 1]);
        size_t k = count++;
        for (; k > 0 && height[k - 1] > end; k--) {
            height[k] = height[k - 1];
            ends[k] = ends[k - 1];
        }
        height[k] = end;
        ends[k] = curve;
    }
    spread(height, count, line_height / height_of_picture(chart) / (top_of(chart) - bottom_of(chart)));
    for (size_t k = 0; k < count; k++) {
        char label[MAX_LABEL + 4];
        const int is_long = strlen(ends[k]->label) > MAX_LABEL;
        snprintf(label, sizeof label, "%.*s%s", is_long ? MAX_LABEL - 1 : MAX_LABEL, ends[k]->label,
                 is_long ? "…" : "");
        fprintf(script, "set label ");
        gnuplot_text(script, label);
        fprintf(script, " at graph 1.015, graph %.4f left textcolor rgb '%s' noenhanced\n", height[k],
                method_style(ends[k]->method)->color);
    }
}

/* Letters of room at the right. */
static int margin_of(const struct chart *chart)
{
    int margin = LEAST_MARGIN;
    for (size_t c = 0; c < chart->curve_count; c++) {
        const int length = (int)strlen(chart->curves[c].label);
        const int wanted = (length < MAX_LABEL ? length : MAX_LABEL) + 3;
        margin = wanted > margin ? wanted : margin;
    }
    return margin;
}

/* Which need longer lines in the legend. */
static int has_dashes(const struct chart *chart)
{
    int some = 0;
    for (size_t c = 0; c < chart->curve_count; c++)
        some |= chart->curves[c].turn > 0;
    return some;
}

static void write_axes(FILE *script, const struct chart *chart, const struct y_range *range)
{
    fprintf(script, "set title ");
    gnuplot_text(script, chart->title);
    fprintf(script, ".\"\\n\".");
    gnuplot_text(script, chart->subtitle);
    fprintf(script, " noenhanced\nset xlabel 'epoch' noenhanced\nset ylabel ");
    gnuplot_text(script, chart->y_label);
    fprintf(script, " noenhanced\n");
    gnuplot_frame(script);
    fprintf(script, "set key bmargin center horizontal Left reverse noenhanced samplen %s maxcols 1\n",
            has_dashes(chart) ? "5" : "2.5");
    fprintf(script, "set tmargin at screen %g\nset bmargin at screen %g\nset rmargin %d\n", top_of(chart),
            bottom_of(chart), margin_of(chart));
    if (chart->epochs == 1)
        fprintf(script, "set xrange [0.5:1.5]\n");
    else
        fprintf(script, "set xrange [1:%zu]\n", chart->epochs);
    if (chart->epochs <= 12)
        fprintf(script, "set xtics 1\n");
    else
        fprintf(script, "set xtics add (1)\n");
    fprintf(script, "set yrange [%.17g:%.17g]\n", range->low, range->high);
    if (range->logarithmic)
        gnuplot_log_y(script, range->low, range->high);
}

static void write_data(FILE *script, const struct chart *chart, const struct y_range *range)
{
    for (size_t c = 0; c < chart->curve_count; c++) {
        const struct curve *curve = &chart->curves[c];
        if (curve->count == 0)
            continue;
        fprintf(script, "$curve%zu << END\n", c);
        for (size_t i = 0; i < curve->count; i++)
            fprintf(script, "%zu %.17g %.17g %.17g\n", i + 1, chart->factor * curve->y[i],
                    fmax(chart->factor * (curve->y[i] - spread_at(curve, i)), range->low),
                    chart->factor * (curve->y[i] + spread_at(curve, i)));
        fprintf(script, "END\n");
    }
}

/* The bands, which lie below all curves. */
static void write_bands(FILE *script, const struct chart *chart)
{
    for (size_t c = 0; c < chart->curve_count; c++) {
        const struct curve *curve = &chart->curves[c];
        if (curve->deviation && curve->count > 1)
            fprintf(script,
                    "$curve%zu using 1:3:4 with filledcurves fillstyle transparent solid 0.18 noborder "
                    "linecolor rgb '%s' notitle, ",
                    c, method_style(curve->method)->color);
    }
}

static void write_curve(FILE *script, const struct chart *chart, size_t c)
{
    const struct curve *curve = &chart->curves[c];
    const struct line_style *style = method_style(curve->method);
    int points = chart->epochs <= FEW_EPOCHS || curve->count == 1;
    if (curve->count > 0)
        fprintf(script, "$curve%zu using 1:2", c);
    else
        fprintf(script, "NaN"); /* for the legend alone */
    fprintf(script, " with %s linewidth 2 linecolor rgb '%s' dashtype %s", points ? "linespoints" : "lines",
            style->color, dash_style(curve->turn));
    if (points)
        fprintf(script, " pointtype %d pointsize 0.7", style->point);
    fprintf(script, " title ");
    gnuplot_text(script, curve->legend);
}

static void write_overlay_data(FILE *script, const struct overlay *overlay)
{
    if (overlay->curves == 0)
        return;
    fprintf(script, "$overlay << END\n");
    for (size_t i = 0; i < overlay->table.rows; i++) {
        fprintf(script, "%.17g", overlay_epoch(overlay, i));
        for (size_t k = 0; k < overlay->curves; k++)
            fprintf(script, " %.17g", overlay_figure(overlay, k, i));
        fprintf(script, "\n");
    }
    fprintf(script, "END\n");
}

/* Figures of the overlay that the axes have no place for. */
static size_t count_outside(const struct chart *chart, const struct y_range *range)
{
    size_t count = 0;
    for (size_t i = 0; i < chart->overlay->table.rows; i++) {
        for (size_t k = 0; k < chart->overlay->curves; k++) {
            const double figure = overlay_figure(chart->overlay, k, i);
            count +=
                is_within(chart, overlay_epoch(chart->overlay, i)) && (figure < range->low || figure > range->high);
        }
    }
    return count;
}

/* Rings: of a method in its colour, all of them one line of the legend; of anything else in grey, each one by itself.
 */
static void write_overlay(FILE *script, const struct chart *chart, const struct y_range *range)
{
    const struct overlay *overlay = chart->overlay;
    char title[400], outside[64] = "";
    const size_t missing = count_outside(chart, range);
    int methods = 0, others = 0;
    if (missing)
        snprintf(outside, sizeof outside, "; outside: %zu", missing);
    for (size_t k = 0; k < overlay->curves; k++) {
        enum adadelta_method method;
        const int is_method = overlay_method(overlay, k, &method);
        fprintf(script, ", $overlay using 1:%zu with points pointtype %d pointsize 0.6 linecolor rgb '%s' ", k + 2,
                is_method ? 6 : 1 + others % 4, is_method ? method_style(method)->color : "#777777");
        snprintf(title, sizeof title, "%.100s (%.150s%s)", overlay_name(overlay, k), overlay->name, outside);
        fprintf(script, is_method ? "notitle" : "title ");
        if (!is_method)
            gnuplot_text(script, title);
        methods += is_method;
        others += !is_method;
    }
    if (methods == 0)
        return;
    snprintf(title, sizeof title, "rings, each in its method's colour: %.200s%s", overlay->name, outside);
    fprintf(script, ", NaN with points pointtype 6 pointsize 0.6 linecolor rgb '#777777' title ");
    gnuplot_text(script, title);
}

static void write_chart(FILE *script, const void *context)
{
    const struct chart *chart = context;
    const struct y_range range = choose_range(chart);
    write_axes(script, chart, &range);
    write_names(script, chart, &range);
    write_data(script, chart, &range);
    write_overlay_data(script, chart->overlay);
    fputs("plot ", script);
    write_bands(script, chart);
    for (size_t c = 0; c < chart->curve_count; c++) {
        fputs(c == 0 ? "" : ", ", script);
        write_curve(script, chart, c);
    }
    write_overlay(script, chart, &range);
    fputc('\n', script);
}

enum verdict chart_draw(const char *path, const struct chart *chart, struct trouble *trouble)
{
    return gnuplot_draw_sized(path, WIDTH, (int)height_of_picture(chart), write_chart, chart, trouble);
}
