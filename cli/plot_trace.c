/* SPDX-License-Identifier: MIT */
/* See plot_trace.h. A colour is a matrix: its weights are thin, light lines, and the median of their rates is a thick
   one. The updates of each matrix have a panel of their own, as they differ in size. */
#include "plot_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "order.h"
#include "trace.h"

const struct known_header trace_header = {trace_columns, TRACE_COLUMN_COUNT, TRACE_VALUE, TRACE_TENSOR};

/* The picture is 1200 wide, and higher where many matrices are stacked. */
enum { WIDTH = 1200, HEIGHT = 600, STACKED = 4, PANEL_HEIGHT = 110, MAX_MATRICES = 64 };

/* The layout, in pixels where it is up and down, in parts of the width where it is across. */
enum { TOP = 100, HEADING = 80, AXIS = 80, LINE = 23, GAP = 28 };
static const double left = 0.075, middle_left = 0.45, middle_right = 0.56, right = 0.975;

/* A row of the trace. */
struct point {
    size_t tensor;
    double step, epoch, index, rate, update;
};

struct drawing {
    const struct plot_table *table;
    const char *title;
    int height;
    struct point *points; /* [table->rows], by matrix and weight */
    struct point *steps;  /* the same, by matrix and step */
    double *rates;        /* [table->rows], room for those of a step */
    double low, high;     /* of the rates; high 0: there are none */
    double last;          /* epoch */
};

/* ---- Order ---- */

static int by_weight(const void *left_point, const void *right_point)
{
    const struct point *a = left_point, *b = right_point;
    const int tensors = (a->tensor > b->tensor) - (a->tensor < b->tensor), indices = ascending(&a->index, &b->index);
    return tensors ? tensors : indices ? indices : ascending(&a->step, &b->step);
}

static int by_step(const void *left_point, const void *right_point)
{
    const struct point *a = left_point, *b = right_point;
    const int tensors = (a->tensor > b->tensor) - (a->tensor < b->tensor), steps = ascending(&a->step, &b->step);
    return tensors ? tensors : steps ? steps : ascending(&a->index, &b->index);
}

static enum verdict take_points(struct drawing *drawing, struct trouble *trouble)
{
    const struct plot_table *table = drawing->table;
    const size_t size = table->rows * sizeof(struct point);
    drawing->points = malloc(size);
    drawing->steps = malloc(size);
    drawing->rates = malloc(table->rows * sizeof *drawing->rates);
    if (!drawing->points || !drawing->steps || !drawing->rates)
        return blame_memory(trouble);
    drawing->low = INFINITY;
    for (size_t i = 0; i < table->rows; i++) {
        const double *row = &table->values[i * table->columns];
        drawing->points[i] = (struct point){(size_t)row[TRACE_TENSOR], row[TRACE_STEP], row[TRACE_EPOCH],
                                            row[TRACE_INDEX],          row[TRACE_RATE], row[TRACE_UPDATE]};
        drawing->last = fmax(drawing->last, row[TRACE_EPOCH]);
        if (row[TRACE_RATE] > 0) {
            drawing->low = fmin(drawing->low, row[TRACE_RATE]);
            drawing->high = fmax(drawing->high, row[TRACE_RATE]);
        }
    }
    memcpy(drawing->steps, drawing->points, size);
    qsort(drawing->points, table->rows, sizeof(struct point), by_weight);
    qsort(drawing->steps, table->rows, sizeof(struct point), by_step);
    return DONE;
}

/* ---- Data ---- */

/* A number, or what gnuplot takes for none. */
static void write_value(FILE *script, double x, double y)
{
    if (isnan(y))
        fprintf(script, "%.9g NaN\n", x);
    else
        fprintf(script, "%.9g %.9g\n", x, y);
}

/* The weights of a matrix one after the other; a blank line ends a line. */
static void write_weights(FILE *script, const struct drawing *drawing, size_t tensor)
{
    for (int updates = 0; updates <= 1; updates++) {
        const struct point *before = NULL;
        fprintf(script, "$%s%zu << END\n", updates ? "updates" : "rates", tensor);
        for (size_t i = 0; i < drawing->table->rows; i++) {
            const struct point *point = &drawing->points[i];
            if (point->tensor != tensor)
                continue;
            if (before && before->index != point->index)
                fputc('\n', script);
            write_value(script, point->epoch, updates ? point->update : point->rate);
            before = point;
        }
        fprintf(script, "END\n");
    }
}

/* The median of the sampled rates at each step. */
static void write_medians(FILE *script, const struct drawing *drawing, size_t tensor)
{
    const size_t rows = drawing->table->rows;
    fprintf(script, "$medians%zu << END\n", tensor);
    for (size_t begin = 0, end; begin < rows; begin = end) {
        const struct point *first = &drawing->steps[begin];
        size_t count = 0;
        for (end = begin;
             end < rows && drawing->steps[end].tensor == first->tensor && drawing->steps[end].step == first->step;
             end++) {
            if (!isnan(drawing->steps[end].rate))
                drawing->rates[count++] = drawing->steps[end].rate;
        }
        if (first->tensor != tensor || count == 0)
            continue;
        qsort(drawing->rates, count, sizeof *drawing->rates, ascending);
        write_value(script, first->epoch, (drawing->rates[(count - 1) / 2] + drawing->rates[count / 2]) / 2);
    }
    fprintf(script, "END\n");
}

static double largest_update(const struct drawing *drawing, size_t tensor)
{
    double largest = 0;
    for (size_t i = 0; i < drawing->table->rows; i++) {
        if (drawing->points[i].tensor == tensor)
            largest = fmax(largest, fabs(drawing->points[i].update));
    }
    return largest;
}

/* ---- Panels ---- */

/* Where a panel lies: from and to across, in parts of the width; from and to in pixels from the top. */
static void write_place(FILE *script, const struct drawing *drawing, double from, double to, double top, double bottom)
{
    fprintf(script,
            "set lmargin at screen %g\nset rmargin at screen %g\nset tmargin at screen %g\n"
            "set bmargin at screen %g\n",
            from, to, 1 - top / drawing->height, 1 - bottom / drawing->height);
}

/* What stands above the panel that follows. */
static void write_heading(FILE *script, const struct drawing *drawing, const char *text)
{
    fprintf(script, "set label 1 '%s' at graph 0, screen %g left noenhanced\n", text,
            1 - (double)HEADING / drawing->height);
}

/* From the picture's upper edge to the panels' lower edge; below are the axis and the legend. */
static double bottom_of(const struct drawing *drawing)
{
    return drawing->height - AXIS - LINE * (double)drawing->table->word_count;
}

static void write_rates(FILE *script, const struct drawing *drawing)
{
    const size_t count = drawing->table->word_count;
    write_place(script, drawing, left, middle_left, TOP, bottom_of(drawing));
    write_heading(script, drawing, "effective rate RMS[Δx] / RMS[g]");
    fprintf(script, "set key bmargin center horizontal Left reverse noenhanced samplen 2.5 maxcols 1\n"
                    "set xlabel 'epoch' noenhanced\nset format x '%%g'\n");
    fprintf(script, "set yrange [%.9g:%.9g]\n", drawing->low / 1.3, 1.3 * drawing->high);
    gnuplot_log_y(script, drawing->low / 1.3, 1.3 * drawing->high);
    for (size_t t = 0; t < count; t++)
        fprintf(script, "%s$rates%zu using 1:2 with lines linewidth 1 linecolor rgb '#a0%s' notitle",
                t ? ", " : "plot ", t, plain_style(t)->color + 1);
    for (size_t t = 0; t < count; t++) {
        fprintf(script, ", $medians%zu using 1:2 with lines linewidth 3 linecolor rgb '%s' dashtype %s title ", t,
                plain_style(t)->color, dash_style(t / PLAIN_STYLES));
        gnuplot_text(script, drawing->table->words[t]);
        fprintf(script, ".', the median'");
    }
    fprintf(script, "\nunset logscale y\nset ytics autofreq\nunset key\n");
}

static void write_updates(FILE *script, const struct drawing *drawing, size_t tensor)
{
    const size_t count = drawing->table->word_count;
    const double space = (bottom_of(drawing) - TOP + GAP) / (double)count, top = TOP + space * (double)tensor;
    const double largest = largest_update(drawing, tensor), bound = largest > 0 ? 1.1 * largest : 1;
    const int is_last = tensor + 1 == count;
    write_place(script, drawing, drawing->high > 0 ? middle_right : left + 0.02, right, top, top + space - GAP);
    write_heading(script, drawing, tensor > 0 ? "" : "update Δx of the recorded steps");
    fprintf(script, "set label 2 ");
    gnuplot_text(script, drawing->table->words[tensor]);
    fprintf(script,
            " at graph 1, graph 1 right offset 0, 0.5 textcolor rgb '%s' noenhanced\n"
            "set xlabel '%s' noenhanced\nset format x '%s'\nset yrange [%.9g:%.9g]\nset ytics %g\n"
            "plot $updates%zu using 1:2 with lines linewidth 1 linecolor rgb '#60%s' notitle\n",
            plain_style(tensor)->color, is_last ? "epoch" : "", is_last ? "%g" : "", -bound, bound, gnuplot_step(bound),
            tensor, plain_style(tensor)->color + 1);
}

static void write_drawing(FILE *script, const void *context)
{
    const struct drawing *drawing = context;
    const char *slash = strrchr(drawing->table->path, '/');
    for (size_t t = 0; t < drawing->table->word_count; t++) {
        write_weights(script, drawing, t);
        write_medians(script, drawing, t);
    }
    fprintf(script, "set multiplot title ");
    gnuplot_text(script, drawing->title ? drawing->title : "Effective rates and updates of sampled weights");
    fprintf(script, ".\"\\n\".");
    gnuplot_text(script, slash ? slash + 1 : drawing->table->path);
    fprintf(script, " noenhanced\n");
    gnuplot_frame(script);
    fprintf(script, "set xrange [0:%.9g]\n", drawing->last > 0 ? drawing->last : 1);
    if (drawing->high > 0)
        write_rates(script, drawing);
    for (size_t t = 0; t < drawing->table->word_count; t++)
        write_updates(script, drawing, t);
    fprintf(script, "unset multiplot\n");
}

enum verdict plot_trace(const char *path, const struct plot_table *table, const char *title, struct trouble *trouble)
{
    const size_t count = table->word_count;
    struct drawing drawing = {.table = table, .title = title, .height = HEIGHT};
    if (count > MAX_MATRICES)
        return blame(trouble, FAILED, "%s: a trace of %zu matrices, and a picture holds %d at most", table->path, count,
                     MAX_MATRICES);
    if (count > STACKED)
        drawing.height += (int)(count - STACKED) * (PANEL_HEIGHT + LINE);
    enum verdict verdict = take_points(&drawing, trouble);
    if (verdict == DONE)
        verdict = gnuplot_draw_sized(path, WIDTH, drawing.height, write_drawing, &drawing, trouble);
    free(drawing.points);
    free(drawing.steps);
    free(drawing.rates);
    return verdict;
}
