/* SPDX-License-Identifier: MIT */
/* See surface_plot.h. The parts of the steps stand in three rows, x at the left and y at the right: gradients, steps,
   and the ratio of their roots of means, which is the rate. Both columns of a row have the same scale. */
#include "surface_plot.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gnuplot.h"
#include "report.h"
#include "surface_map.h"

/* In units of the picture, which is 800 wide. */
enum { PICTURE_WIDTH = 800, PANEL_HEIGHT = 150, ROW_HEIGHT = 218, HEAD_HEIGHT = 30, FOOT_HEIGHT = 78, ROWS = 3 };
static const int panel_left[] = {92, 482}, panel_width = 298;

struct curve_look {
    size_t array;        /* within struct step_parts */
    const char *name[2]; /* of x and of y */
    const char *color;
    int width;
};

/* Thin and grey what happens at each step, in colour what the method remembers. */
static const struct panel_row {
    const char *label;
    struct curve_look curves[2];
    size_t curve_count;
} panel_rows[ROWS] = {
    {"gradient",
     {{offsetof(struct step_parts, gradient), {"|g|, the gradient", "|g|, the gradient"}, "#8a8a8a", 1},
      {offsetof(struct step_parts, rms_gradient),
       {"RMS[g] = √(square\\_avg + eps)", "RMS[g] = √(square\\_avg + eps)"},
       "#D55E00",
       3}},
     2},
    {"step",
     {{offsetof(struct step_parts, step), {"|Δx|, the step", "|Δy|, the step"}, "#8a8a8a", 1},
      {offsetof(struct step_parts, rms_update),
       {"RMS[Δx] = √(acc\\_delta + eps)", "RMS[Δy] = √(acc\\_delta + eps)"},
       "#0072B2",
       3}},
     2},
    {"rate",
     {{offsetof(struct step_parts, rate),
       {"lr · RMS[Δx] / RMS[g], the rate", "lr · RMS[Δy] / RMS[g], the rate"},
       "#009E73",
       3}},
     1},
};

struct picture {
    struct surface_map map;
    const struct walk *explained;
    int height;
};

static const double *array_of(const struct walk *walk, int axis, const struct curve_look *look)
{
    double *array;
    memcpy(&array, (const char *)&walk->parts[axis] + look->array, sizeof array);
    return array;
}

/* The scale of a row: as low as what is remembered, which is its last curve; a gradient may be 0. */
static void range_of_row(const struct walk *walk, const struct panel_row *row, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t c = 0; c < 2 * row->curve_count; c++) {
        const double *array = array_of(walk, c % 2, &row->curves[c / 2]);
        for (size_t k = 0; k < walk->steps_done; k++) {
            const double value = fabs(array[k]);
            if (isfinite(value))
                *high = fmax(*high, value);
            if (c / 2 + 1 == row->curve_count && value > 0)
                *low = fmin(*low, value);
        }
    }
    if (!(*high > 0 && *low <= *high)) {
        *low = 0.1;
        *high = 1;
    }
    *low /= 3;
    *high *= 1.5;
}

/* Numbers of steps from 1 on, all at first, then so many that their distance on a logarithmic axis stays the same. */
static size_t next_step(size_t step)
{
    const size_t next = (size_t)((double)step * 1.02);
    return next > step ? next : step + 1;
}

/* On a logarithmic axis a 0 is a gap. */
static void write_curve(FILE *script, const struct walk *walk, int axis, const struct panel_row *row, size_t c)
{
    const double *array = array_of(walk, axis, &row->curves[c]);
    fprintf(script, "$curve%zu << END\nNaN NaN\n", c);
    for (size_t step = 1; step <= walk->steps_done; step = next_step(step)) {
        const double value = fabs(array[step - 1]);
        if (value > 0 && isfinite(value))
            fprintf(script, "%zu %.5g\n", step, value);
        else
            fprintf(script, "\n");
    }
    fprintf(script, "END\n");
}

/* Everything that the map has set is to be undone, for gnuplot keeps it. */
static void begin_panels(FILE *script, size_t steps)
{
    fprintf(script,
            "unset label\nunset object\nunset title\nunset xlabel\nset size noratio\nset border 3\n"
            "set grid xtics ytics linecolor rgb '#e4e4e4' linewidth 1\nset logscale x\n"
            "set xrange [1:%zu]\nset xtics (1, 10, 100, 1000, 10000, 100000)\n"
            "set key left top vertical maxrows 2 Left reverse enhanced samplen 1.5 font ',12' "
            "width -1\n",
            steps > 1 ? steps : 2);
}

static void write_panel(FILE *script, const struct picture *picture, int number, int axis, double low, double high)
{
    const struct panel_row *row = &panel_rows[number];
    const double height = picture->height;
    const double top = FOOT_HEIGHT + (ROWS - number) * ROW_HEIGHT - (ROW_HEIGHT - PANEL_HEIGHT);
    fprintf(script, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
            (double)panel_left[axis] / PICTURE_WIDTH, (double)(panel_left[axis] + panel_width) / PICTURE_WIDTH);
    fprintf(script, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n", top / height,
            (top - PANEL_HEIGHT) / height);
    fprintf(script, "set key at graph 0, graph %.2f font ',12'\n", row->curve_count > 1 ? 1.33 : 1.2);
    fprintf(script, "set ylabel '%s' offset 1.5, 0 noenhanced\nset yrange [%.17g:%.17g]\n", axis == 0 ? row->label : "",
            low, high);
    gnuplot_log_y(script, low, high);
    if (number == 0)
        fprintf(script, "set label 1 'coordinate %s' at graph 0.5, graph 1.42 center font ',15'\n", axis ? "y" : "x");
    else
        fprintf(script, "unset label\n");
    fprintf(script, "%s\n",
            number == ROWS - 1 ? "set xlabel 'step'\nset format x '%g'" : "unset xlabel\nset format x ''");
    for (size_t c = 0; c < row->curve_count; c++)
        write_curve(script, picture->explained, axis, row, c);
    for (size_t c = 0; c < row->curve_count; c++)
        fprintf(script, "%s $curve%zu using 1:2 with lines linewidth %d linecolor rgb '%s' title '%s'",
                c ? "," : "plot", c, row->curves[c].width, row->curves[c].color, row->curves[c].name[axis]);
    fputc('\n', script);
}

static void write_picture(FILE *script, const void *context)
{
    const struct picture *picture = context;
    if (!picture->explained) {
        surface_map_write(script, &picture->map, picture->height, 0);
        return;
    }
    const int panels = FOOT_HEIGHT + ROWS * ROW_HEIGHT + HEAD_HEIGHT;
    fprintf(script, "set multiplot\nset origin 0,%.5f\nset size 1,%.5f\n", (double)panels / picture->height,
            1 - (double)panels / picture->height);
    surface_map_write(script, &picture->map, picture->height, panels);
    fprintf(script, "set origin 0,0\nset size 1,1\n");
    begin_panels(script, picture->explained->steps_done);
    for (int number = 0; number < ROWS; number++) {
        double low, high;
        range_of_row(picture->explained, &panel_rows[number], &low, &high);
        for (int axis = 0; axis < 2; axis++)
            write_panel(script, picture, number, axis, low, high);
    }
    fprintf(script, "unset multiplot\n");
}

/* "from (1, 2), 600 steps, noise 0.1, seed 1" */
static void describe_course(const struct course *course, char *text, size_t size)
{
    char more[96] = "", count[NUMBER_SIZE];
    int used = 0;
    if (course->surface->has_shape)
        used = snprintf(more, sizeof more, ", K = %g, angle %g°", course->shape.condition, course->shape.angle);
    if (course->noise > 0)
        snprintf(more + used, sizeof more - (size_t)used, ", noise %g (seed %llu)", course->noise,
                 (unsigned long long)course->seed);
    snprintf(text, size, "from (%g, %g), %s steps%s", course->start.x, course->start.y,
             format_count(count, course->steps), more);
}

enum verdict surface_draw(const char *path, const struct course *course, const struct walk *walks, size_t count,
                          const struct walk *explained, const char *title, struct trouble *trouble)
{
    char head[256], subtitle[256];
    struct picture picture = {.explained = explained};
    snprintf(head, sizeof head, "%s, f = %s", course->surface->title, course->surface->formula);
    describe_course(course, subtitle, sizeof subtitle);
    picture.map = (struct surface_map){
        .course = course, .walks = walks, .walk_count = count, .title = title ? title : head, .subtitle = subtitle};
    picture.height = surface_map_height(&picture.map);
    if (explained)
        picture.height += FOOT_HEIGHT + ROWS * ROW_HEIGHT + HEAD_HEIGHT;
    enum verdict verdict = surface_map_prepare(&picture.map, trouble);
    if (verdict == DONE)
        verdict = gnuplot_draw_sized(path, PICTURE_WIDTH, picture.height, write_picture, &picture, trouble);
    surface_map_free(&picture.map);
    return verdict;
}
