/* SPDX-License-Identifier: MIT */
/* See sweep_plot.h. Values stand at equal distances and as they were written, whatever they are. */
#include "sweep_plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gnuplot.h"
#include "report.h"
#include "settings.h"

/* The colours of viridis (van der Walt and Smith, 2015), which rise evenly in brightness and which the colour-blind can
   tell apart; and of Okabe and Ito's palette vermilion around the
   best, and blue. */
static const char *const ramp[] = {"#440154", "#482878", "#3e4989", "#31688e", "#26828e",
                                   "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"};
static const char best_color[] = "#D55E00", mean_color[] = "#0072B2";

/* Above this part of the ramp black letters can be read better than white ones. */
static const double bright = 0.55;

/* Figures that span more than this are shown on a logarithmic scale. */
static const double wide = 8;

/* Cells across or down up to which there is room for all figures, for the mean alone. */
enum { FEW_CELLS = 8, MANY_CELLS = 16, TITLE_SIZE = 512 };

/* What a picture shows. */
struct picture {
    const struct sweep *sweep;
    double factor;
    double low, high; /* of the figures shown, multiplied by factor */
    int logarithmic;
    size_t best;
};

/* A heat map shows means; points show runs and spreads, whose lower end may be cut on a logarithmic scale. */
static struct picture picture_of(const struct sweep *sweep)
{
    struct picture picture = {sweep, metric_style(sweep->metric)->factor, INFINITY, -INFINITY, 0, sweep_best(sweep)};
    const int is_map = sweep->grid.axis_count == 2;
    double lowest_end = INFINITY;
    for (size_t cell = 0; cell < sweep->grid.cell_count; cell++) {
        const struct summary summary = sweep_summary(sweep, cell);
        const double spread = summary.n > 1 ? summary.deviation : 0;
        if (summary.n == 0)
            continue;
        picture.low = fmin(picture.low, picture.factor * (is_map ? summary.mean : summary.least));
        picture.high = fmax(picture.high, picture.factor * (is_map ? summary.mean : summary.most));
        lowest_end = fmin(lowest_end, picture.factor * (summary.mean - spread));
        if (!is_map)
            picture.high = fmax(picture.high, picture.factor * (summary.mean + spread));
    }
    picture.logarithmic = picture.low > 0 && picture.high > wide * picture.low;
    if (!is_map && !picture.logarithmic)
        picture.low = fmin(picture.low, lowest_end);
    return picture;
}

/* ---- Texts ---- */

/* Whether a cell of the heat map has room for all its figures. */
static int has_room(const struct grid *grid)
{
    return grid->axes[0].count <= FEW_CELLS && grid->axes[1].count <= FEW_CELLS;
}

/* "mlp:64 relu, adadelta, 20 epochs, 359 test rows, 3 seeds": what is the same in all runs. */
static void describe_runs(const struct sweep *sweep, char *text, size_t size)
{
    const struct fit_settings *settings = &sweep->grid.settings[0];
    const int one_method = grid_find_axis(&sweep->grid, OPTION_METHOD) == sweep->grid.axis_count;
    const int one_length = settings->epochs && grid_find_axis(&sweep->grid, OPTION_EPOCHS) == sweep->grid.axis_count;
    char model[256], rows[NUMBER_SIZE], epochs[NUMBER_SIZE] = "";
    sweep_describe_model(sweep, model, sizeof model);
    if (one_length)
        snprintf(epochs, sizeof epochs, ", %zu epoch%s", settings->epochs, settings->epochs == 1 ? "" : "s");
    snprintf(text, size, "%s%s%s%s, %s test rows, %zu seed%s", model, one_method ? ", " : "",
             one_method ? adadelta_method_name(settings->method) : "", epochs,
             format_count(rows, sweep->sets.test.rows), sweep->seeds, sweep->seeds == 1 ? "" : "s");
}

/* Title, what was run, and what is shown. */
static void write_title(FILE *script, const struct sweep *sweep)
{
    char title[TITLE_SIZE], runs[TITLE_SIZE], shown[TITLE_SIZE];
    const struct option_value *own = &sweep->args->values[OPTION_TITLE];
    const char *data = sweep->args->operands[0], *slash = strrchr(data, '/');
    snprintf(title, sizeof title, "%s on %.200s", metric_style(sweep->metric)->title, slash ? slash + 1 : data);
    describe_runs(sweep, runs, sizeof runs);
    const int with_spread = sweep->seeds > 1 && (sweep->grid.axis_count == 1 || has_room(&sweep->grid));
    snprintf(shown, sizeof shown, "mean%s, the smallest %s", with_spread ? " ± standard deviation" : "",
             sweep->grid.axis_count == 2 ? "outlined" : "ringed, and every run");
    const char *const lines[] = {own->given ? own->text : title, runs, shown};
    fprintf(script, "set tmargin at screen 0.84\nset title ");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        fputs(i ? ".\"\\n\"." : "", script);
        gnuplot_text(script, lines[i]);
    }
    fprintf(script, " noenhanced\n");
}

/* The values of an axis beneath ("x") or beside ("y") it. */
static void write_tics(FILE *script, const char *which, const struct axis *axis)
{
    fprintf(script, "set %slabel ", which);
    gnuplot_text(script, axis->option->name);
    fprintf(script, " noenhanced\nset %stics (", which);
    for (size_t i = 0; i < axis->count; i++) {
        fputs(i ? ", " : "", script);
        gnuplot_text(script, axis->values[i].text);
        fprintf(script, " %zu", i);
    }
    fprintf(script, ") scale 0 noenhanced\n");
}

/* ---- The heat map ---- */

/* Where in the ramp a figure stands, from 0 to 1. */
static double place_in_ramp(const struct picture *picture, double figure)
{
    if (!(picture->high > picture->low))
        return 0;
    return picture->logarithmic ? log(figure / picture->low) / log(picture->high / picture->low)
                                : (figure - picture->low) / (picture->high - picture->low);
}

/* What a cell says: mean, deviation and failures, each on a line of its own where there is room for that. */
static size_t annotate(const struct sweep *sweep, const struct summary *summary, char lines[3][SPREAD_SIZE])
{
    const int all = has_room(&sweep->grid);
    char mean[NUMBER_SIZE], deviation[NUMBER_SIZE];
    size_t count = 0;
    sweep_pair(sweep, mean, deviation, summary);
    if (summary->n == 0)
        return snprintf(lines[0], SPREAD_SIZE, "%s", summary->failed ? "failed" : "-"), 1;
    snprintf(lines[count++], SPREAD_SIZE, "%s", mean);
    if (summary->n > 1 && all)
        snprintf(lines[count++], SPREAD_SIZE, "± %s", deviation);
    if (summary->failed && all)
        snprintf(lines[count++], SPREAD_SIZE, "%zu failed", summary->failed);
    return count;
}

static void write_annotation(FILE *script, const struct picture *picture, size_t cell)
{
    const struct grid *grid = &picture->sweep->grid;
    const size_t across = grid->axes[1].count;
    const struct summary summary = sweep_summary(picture->sweep, cell);
    const int is_bright = summary.n == 0 || place_in_ramp(picture, picture->factor * summary.mean) > bright;
    char lines[3][SPREAD_SIZE];
    const size_t count = annotate(picture->sweep, &summary, lines);
    fprintf(script, "set label ");
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ".\"\\n\"." : "", script);
        gnuplot_text(script, lines[i]);
    }
    fprintf(script, " at %zu,%zu center offset 0,%g front textcolor rgb '%s' noenhanced%s\n", cell % across,
            cell / across, 0.5 * (double)(count - 1), is_bright ? "#000000" : "#ffffff",
            has_room(grid) ? "" : " font ',10'");
}

/* Marks at 1, 2 and 5 in every decade. */
static void write_log_ramp(FILE *script, double low, double high)
{
    static const double steps[] = {1, 2, 5};
    const char *comma = "";
    fprintf(script, "set logscale cb\nset cbtics (");
    for (int power = (int)floor(log10(low)); power <= (int)ceil(log10(high)); power++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            fprintf(script, "%s'%g' %g", comma, steps[i] * pow(10, power), steps[i] * pow(10, power));
            comma = ", ";
        }
    }
    fprintf(script, ")\n");
}

static void write_ramp(FILE *script, const struct picture *picture)
{
    const double low = picture->low, high = picture->high > low ? picture->high : low + fmax(fabs(low), 1e-9);
    fprintf(script, "set palette defined (");
    for (size_t i = 0; i < sizeof ramp / sizeof *ramp; i++)
        fprintf(script, "%s%zu '%s'", i ? ", " : "", i, ramp[i]);
    fprintf(script,
            ")\nset cbrange [%.17g:%.17g]\nset rmargin at screen 0.8\n"
            "set label '%s' at screen 0.975, graph 0.5 center rotate by 90 noenhanced\n",
            low, high, metric_style(picture->sweep->metric)->label);
    if (picture->logarithmic)
        write_log_ramp(script, low, high);
}

static void write_cells(FILE *script, const struct picture *picture)
{
    const struct grid *grid = &picture->sweep->grid;
    const size_t across = grid->axes[1].count;
    fprintf(script, "$cells << END\n");
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        const struct summary summary = sweep_summary(picture->sweep, cell);
        if (summary.n > 0)
            fprintf(script, "%zu %zu %.17g\n", cell % across, cell / across, picture->factor * summary.mean);
    }
    fprintf(script, "END\n");
}

static void write_map(FILE *script, const struct picture *picture)
{
    const struct grid *grid = &picture->sweep->grid;
    const struct axis *down = &grid->axes[0], *across = &grid->axes[1];
    const double x = (double)(picture->best % across->count), y = (double)(picture->best / across->count);
    write_tics(script, "x", across);
    write_tics(script, "y", down);
    fprintf(script, "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\n", across->count - 1, down->count - 1);
    fprintf(script, "unset key\nset border 0\n");
    write_ramp(script, picture);
    write_cells(script, picture);
    for (size_t cell = 0; cell < grid->cell_count; cell++)
        if (across->count <= MANY_CELLS && down->count <= MANY_CELLS)
            write_annotation(script, picture, cell);
    fprintf(script,
            "set object rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder\n"
            "set object rectangle from %g,%g to %g,%g front fillstyle empty border linecolor rgb '%s' linewidth 4\n",
            x - 0.47, y - 0.46, x + 0.47, y + 0.46, best_color);
    fprintf(script, "plot $cells using 1:2:($1-0.49):($1+0.49):($2-0.485):($2+0.485):3 with boxxyerror fillcolor "
                    "palette fillstyle solid noborder\n");
}

/* ---- The points ---- */

static void write_y_range(FILE *script, const struct picture *picture)
{
    double low = picture->low, high = picture->high;
    if (picture->logarithmic) {
        fprintf(script, "set yrange [%.17g:%.17g]\n", low / 1.15, high * 1.15);
        gnuplot_log_y(script, low / 1.15, high * 1.15);
        return;
    }
    const double margin = high > low ? 0.08 * (high - low) : 0.1 * fabs(high) + 1e-9;
    fprintf(script, "set yrange [%.17g:%.17g]\n", low - margin, high + margin);
}

static void write_figures(FILE *script, const struct picture *picture)
{
    const struct sweep *sweep = picture->sweep;
    const size_t count = sweep->grid.cell_count;
    fprintf(script, "$means << END\n");
    for (size_t cell = 0; cell < count; cell++) {
        const struct summary summary = sweep_summary(sweep, cell);
        const double deviation = summary.n > 1 ? summary.deviation : 0;
        if (summary.n > 0)
            fprintf(script, "%zu %.17g %.17g %.17g %d\n", cell, picture->factor * summary.mean,
                    fmax(picture->factor * (summary.mean - deviation), picture->low),
                    picture->factor * (summary.mean + deviation), cell == picture->best);
    }
    fprintf(script, "END\n$runs << END\n");
    for (size_t cell = 0; cell < count; cell++)
        for (size_t s = 0; s < sweep->seeds; s++)
            if (!isnan(sweep_figure(sweep, cell, s)))
                fprintf(script, "%zu %.17g\n", cell, picture->factor * sweep_figure(sweep, cell, s));
    fprintf(script, "END\n");
    for (size_t cell = 0; cell < count; cell++) {
        const size_t failed = sweep_summary(sweep, cell).failed;
        if (failed)
            fprintf(script, "set label '%zu failed' at %zu, graph 0.98 %s noenhanced\n", failed, cell,
                    count > FEW_CELLS ? "right rotate by 90" : "center");
    }
}

/* Every run as a small mark, the mean with its deviation beside them. */
static void write_points(FILE *script, const struct picture *picture)
{
    const struct axis *axis = &picture->sweep->grid.axes[0];
    write_tics(script, "x", axis);
    fprintf(script, "set xrange [-0.5:%zu.5]\nset ylabel '%s' noenhanced\n", axis->count - 1,
            metric_style(picture->sweep->metric)->label);
    write_y_range(script, picture);
    gnuplot_frame(script);
    fprintf(script, "unset key\n");
    write_figures(script, picture);
    fprintf(script,
            "plot $runs using ($1-0.12):2 with points pointtype 6 pointsize 0.6 linecolor rgb '#777777', "
            "$means using 1:2:3:4 with yerrorbars pointtype 7 pointsize 1 linewidth 2 linecolor rgb '%s', "
            "$means using 1:($5 > 0 ? $2 : NaN) with points pointtype 6 pointsize 2 linewidth 2 linecolor rgb '%s'\n",
            mean_color, best_color);
}

static void write_picture(FILE *script, const void *context)
{
    const struct picture *picture = context;
    write_title(script, picture->sweep);
    if (picture->sweep->grid.axis_count == 2)
        write_map(script, picture);
    else
        write_points(script, picture);
}

enum verdict sweep_plot_check(const struct grid *grid, struct trouble *trouble)
{
    if (grid->axis_count > 2)
        return blame(trouble, MISUSE, "--plot: draws one or two axes, the grid has %zu", grid->axis_count);
    return DONE;
}

enum verdict sweep_plot(const struct sweep *sweep, const char *path, struct trouble *trouble)
{
    const struct picture picture = picture_of(sweep);
    return gnuplot_draw(path, write_picture, &picture, trouble);
}
