/* SPDX-License-Identifier: MIT */
/* See surface_map.h. What lies above each level is painted over what lies above the one before, from light to dark, so
   that valleys are light and the paths stand out from them. */
#include "surface_map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "gnuplot.h"

/* Lengths are in units of the picture, which is 800 wide. */
enum {
    PICTURE_WIDTH = 800,
    MAP_LEFT = 76,
    MAP_RIGHT = 704,
    TITLE_HEIGHT = 74,
    AXIS_HEIGHT = 72,
    LINE_HEIGHT = 23,
    LEAST_HEIGHT = 600,
    WIDE_LEGEND = 38, /* letters of one beside which a second has no room */
    FINE = 111,       /* places of the grid, each way */
    LABEL_CUT = 30
};
static const double label_height = 19, letter_width = 8; /* of a label on the map */

/* Blues with much grey, from light to dark. */
static const char *const bands[MAP_LEVELS + 1] = {"#ffffff", "#f3f6f9", "#e8edf2", "#dde4ec", "#d2dce6", "#c8d3df",
                                                  "#bdcbd8", "#b3c3d2", "#a9bacb", "#9fb2c4", "#96aabd", "#8da2b6"};

enum verdict surface_map_prepare(struct surface_map *map, struct trouble *trouble)
{
    const struct window *window = &map->course->window;
    struct field field;
    enum verdict verdict = field_make(&field, map->course, FINE, FINE, (struct point){window->x0, window->y0},
                                      (struct point){window->x1, window->y1}, trouble);
    if (verdict == DONE)
        verdict = field_levels(&field, MAP_LEVELS, map->level, trouble);
    for (size_t k = 0; k < MAP_LEVELS && verdict == DONE; k++)
        verdict = outline_trace(&map->outline[k], &field, map->level[k], trouble);
    free(field.value);
    return verdict;
}

void surface_map_free(struct surface_map *map)
{
    for (size_t k = 0; k < MAP_LEVELS; k++)
        free(map->outline[k].at);
}

/* ---- The legend ---- */

/* "adadelta lr 1, rho 0.95, eps 1e-06, unit 1/1000": what a run is. */
static void write_legend_text(const struct surface_map *map, const struct walk *walk, char *text, size_t size)
{
    char method[METHOD_SIZE], end[48] = "";
    struct fit_settings settings = walk->contender->settings;
    if (settings.state == ADADELTA_F64) /* as all have it that are not asked for another */
        settings.state = ADADELTA_DTYPE_DEFAULT;
    describe_method(&settings, method, sizeof method);
    if (walk->diverged)
        snprintf(end, sizeof end, " (diverged at step %zu)", walk->diverged);
    const int converted = map->course->convert_eps && walk->contender->settings.method == ADADELTA_METHOD_ADADELTA;
    snprintf(text, size, "%s%s%s%s%s", method, walk->unit_name[0] ? ", unit " : "", walk->unit_name,
             converted ? ", eps converted" : "", end);
}

enum { LEGEND_SIZE = METHOD_SIZE + 128 };

/* 2 where all texts are short. */
static size_t legend_columns(const struct surface_map *map)
{
    char text[LEGEND_SIZE];
    for (size_t k = 0; k < map->walk_count; k++) {
        write_legend_text(map, &map->walks[k], text, sizeof text);
        if (strlen(text) > WIDE_LEGEND)
            return 1;
    }
    return map->walk_count > 1 ? 2 : 1;
}

/* Which need longer lines in the legend. */
static int has_dashes(const struct surface_map *map)
{
    int some = 0;
    for (size_t k = 0; k < map->walk_count; k++)
        some |= map->walks[k].turn > 0;
    return some;
}

static int legend_height(const struct surface_map *map)
{
    const size_t columns = legend_columns(map);
    return LINE_HEIGHT * (int)((map->walk_count + columns - 1) / columns);
}

/* With the same scale on both axes the map is as high as its window asks for. */
int surface_map_height(const struct surface_map *map)
{
    const struct window *window = &map->course->window;
    const int around = TITLE_HEIGHT + AXIS_HEIGHT + legend_height(map);
    const double wanted = (MAP_RIGHT - MAP_LEFT) * (window->y1 - window->y0) / (window->x1 - window->x0);
    if (map->course->surface->has_shape && wanted >= 200 && wanted <= 900)
        return around + (int)wanted;
    return around + 400 > LEAST_HEIGHT ? around + 400 : LEAST_HEIGHT;
}

/* ---- Axes, bands and the strip that names them ---- */

static void write_axes(FILE *script, const struct surface_map *map, int height, int bottom)
{
    const struct window *window = &map->course->window;
    const double low = bottom + AXIS_HEIGHT + legend_height(map);
    fprintf(script, "set title ");
    gnuplot_text(script, map->title);
    fprintf(script, ".\"\\n\".");
    gnuplot_text(script, map->subtitle);
    fprintf(
        script,
        " noenhanced\nset xlabel 'x' offset 0, 0.5 noenhanced\nset ylabel 'y' offset 1.5, 0 noenhanced\nset border "
        "15 linecolor rgb '#555555' "
        "front\nset tics out nomirror textcolor rgb '#222222'\nset format '%%g'\n"
        "set key at screen 0.5, screen %.5f center top vertical Left reverse noenhanced font ',13' width -3 samplen %s "
        "maxrows %zu\n",
        (double)(bottom + legend_height(map) + 6) / height, has_dashes(map) ? "4" : "2.5",
        (map->walk_count + legend_columns(map) - 1) / legend_columns(map));
    fprintf(script, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", (double)MAP_LEFT / PICTURE_WIDTH,
            (double)MAP_RIGHT / PICTURE_WIDTH);
    fprintf(script, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
            (double)(height - TITLE_HEIGHT) / height, low / height);
    fprintf(script, "set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n", window->x0, window->x1, window->y0,
            window->y1);
    if (map->course->surface->has_shape)
        fprintf(script, "set size ratio -1\n");
    fprintf(script,
            "set object 1 rectangle from graph 0, graph 0 to graph 1, graph 1 behind fillcolor rgb '%s' "
            "fillstyle solid noborder\n",
            bands[0]);
}

/* A column of the bands' colours at the right, with the values between them. */
static void write_strip(FILE *script, const struct surface_map *map)
{
    for (size_t k = 0; k <= MAP_LEVELS; k++) {
        const double low = (double)k / (MAP_LEVELS + 1), high = (double)(k + 1) / (MAP_LEVELS + 1);
        fprintf(
            script,
            "set object %zu rectangle from graph 1.02, graph %.4f to graph 1.045, graph %.4f noclip fillcolor rgb '%s' "
            "fillstyle solid border linecolor rgb '#888888' linewidth 0.5\n",
            k + 2, low, high, bands[k]);
        if (k < MAP_LEVELS)
            fprintf(script, "set label '%.3g' at graph 1.055, graph %.4f left font ',11' textcolor rgb '#444444'\n",
                    map->level[k], high);
    }
    fprintf(script, "set label 'f' at graph 1.0325, graph 1.035 center font ',12' textcolor rgb '#444444'\n");
}

static void write_data(FILE *script, const struct surface_map *map)
{
    for (size_t k = 0; k < MAP_LEVELS; k++) {
        const struct outline *outline = &map->outline[k];
        if (outline->count == 0)
            continue;
        fprintf(script, "$band%zu << END\n", k);
        for (size_t i = 0; i < outline->count; i++)
            fprintf(script, "%.6g %.6g\n", outline->at[i].x, outline->at[i].y);
        fprintf(script, "END\n");
    }
}

/* ---- Paths ---- */

/* Steps shorter than this part of the window are drawn together. */
static const double shortest = 0.003;

static int is_near(const struct window *window, struct point a, struct point b)
{
    return fabs(a.x - b.x) < shortest * (window->x1 - window->x0) &&
           fabs(a.y - b.y) < shortest * (window->y1 - window->y0);
}

/* The path within the window, in as many pieces as it comes in by. An empty path is a hole, for the legend. */
static void write_path(FILE *script, const struct surface_map *map, size_t k)
{
    const struct walk *walk = &map->walks[k];
    const struct window *window = &map->course->window;
    struct point last = walk->at[0];
    int is_open = 0, some = 0;
    fprintf(script, "$path%zu << END\n", k);
    for (size_t i = 1; i <= walk->steps_done; i++) {
        struct point from = last, to = walk->at[i];
        if (i < walk->steps_done && is_near(window, from, to))
            continue;
        last = to;
        if (!clip_to_window(window, &from, &to)) {
            is_open = 0;
            continue;
        }
        if (!is_open)
            fprintf(script, "%s%.6g %.6g\n", some ? "\n" : "", from.x, from.y);
        fprintf(script, "%.6g %.6g\n", to.x, to.y);
        is_open = to.x == last.x && to.y == last.y;
        some = 1;
    }
    fprintf(script, "%sEND\n", some ? "" : "NaN NaN\n");
}

static int is_in_window(const struct window *window, struct point at)
{
    return at.x >= window->x0 && at.x <= window->x1 && at.y >= window->y0 && at.y <= window->y1;
}

/* A label, in units of the picture from the map's lower left. */
struct tag {
    const struct walk *walk;
    double x, y, width;
    char text[LABEL_CUT + 4];
};

/* Moves labels apart that lie over one another, each of a pair by the same way. */
static void spread(struct tag *tags, size_t count, double map_height)
{
    enum { PASSES = 200 };
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t a = 0; a < count; a++) {
            for (size_t b = a + 1; b < count; b++) {
                const double apart = tags[b].y - tags[a].y, overlap = label_height - fabs(apart);
                if (overlap <= 0 || tags[a].x > tags[b].x + tags[b].width || tags[b].x > tags[a].x + tags[a].width)
                    continue;
                const double move = (apart >= 0 ? 0.5 : -0.5) * overlap;
                tags[a].y -= move;
                tags[b].y += move;
            }
        }
        for (size_t a = 0; a < count; a++)
            tags[a].y = fmin(fmax(tags[a].y, label_height / 2), map_height - label_height / 2);
    }
}

/* At the right of where a path ends, or at the left where the map ends. */
static struct tag tag_of(const struct surface_map *map, const struct walk *walk, double map_height)
{
    const struct window *window = &map->course->window;
    const struct point end = walk->at[walk->steps_done];
    const double width = MAP_RIGHT - MAP_LEFT;
    struct tag tag = {.walk = walk};
    const int is_long = strlen(walk->label) > LABEL_CUT;
    snprintf(tag.text, sizeof tag.text, "%.*s%s", is_long ? LABEL_CUT - 1 : LABEL_CUT, walk->label, is_long ? "…" : "");
    tag.width = letter_width * (double)(is_long ? LABEL_CUT : strlen(walk->label));
    tag.x = width * (end.x - window->x0) / (window->x1 - window->x0) + 12;
    tag.y = map_height * (end.y - window->y0) / (window->y1 - window->y0);
    if (tag.x + tag.width > width)
        tag.x -= tag.width + 24;
    return tag;
}

static void write_tags(FILE *script, const struct surface_map *map, double map_height)
{
    struct tag tags[MAX_CONTENDERS];
    size_t count = 0;
    for (size_t k = 0; k < map->walk_count; k++) {
        const struct walk *walk = &map->walks[k];
        if (is_in_window(&map->course->window, walk->at[walk->steps_done]))
            tags[count++] = tag_of(map, walk, map_height);
    }
    spread(tags, count, map_height);
    fprintf(script, "set style textbox opaque margins 0.6,0.2 fillcolor rgb '#40ffffff' noborder\n");
    for (size_t k = 0; k < count; k++) {
        fprintf(script, "set label ");
        gnuplot_text(script, tags[k].text);
        fprintf(script, " at graph %.4f, graph %.4f left front boxed font ',13' textcolor rgb '%s' noenhanced\n",
                tags[k].x / (MAP_RIGHT - MAP_LEFT), tags[k].y / map_height,
                method_style(tags[k].walk->contender->settings.method)->color);
    }
}

static void write_points(FILE *script, const struct surface_map *map)
{
    const struct surface *surface = map->course->surface;
    fprintf(script, "$start << END\n%.6g %.6g\nEND\n", map->course->start.x, map->course->start.y);
    fprintf(script, "$minima << END\n");
    for (size_t k = 0; k < surface->minima_count; k++)
        fprintf(script, "%.6g %.6g\n", surface->minima[k].x, surface->minima[k].y);
    fprintf(script, "%sEND\n", surface->minima_count ? "" : "NaN NaN\n");
    for (size_t k = 0; k < map->walk_count; k++) {
        const struct point end = map->walks[k].at[map->walks[k].steps_done];
        fprintf(script, "$end%zu << END\n", k);
        if (is_in_window(&map->course->window, end))
            fprintf(script, "%.6g %.6g\n", end.x, end.y);
        else
            fprintf(script, "NaN NaN\n");
        fprintf(script, "END\n");
    }
}

/* Lines have a white one under them, so that they can be told from the bands and from each other where they cross.
   Those with dashes are thinner, and so is the white in their gaps: over a path that is the same its colour shows at
   both sides. */
static void write_paths(FILE *script, const struct surface_map *map)
{
    for (size_t k = 0; k < map->walk_count; k++) {
        const struct walk *walk = &map->walks[k];
        const struct line_style *style = method_style(walk->contender->settings.method);
        char legend[LEGEND_SIZE];
        write_legend_text(map, walk, legend, sizeof legend);
        const double width = walk->turn ? 1.5 : 2.6, under = walk->turn ? 1.5 : 4.6;
        fprintf(script, ", $path%zu using 1:2 with lines linewidth %g linecolor rgb '#ffffff' notitle", k, under);
        fprintf(script, ", $path%zu using 1:2 with lines linewidth %g linecolor rgb '%s' dashtype %s title ", k, width,
                style->color, dash_style(walk->turn));
        gnuplot_text(script, legend);
        fprintf(script, ", $end%zu using 1:2 with points pointtype %d pointsize 0.8 linecolor rgb '%s' notitle", k,
                style->point, style->color);
    }
}

void surface_map_write(FILE *script, const struct surface_map *map, int height, int bottom)
{
    static const struct {
        const char *data, *look;
    } points[] = {
        {"start", "pointtype 6 pointsize 1.4 linewidth 5 linecolor rgb '#ffffff'"},
        {"start", "pointtype 6 pointsize 1.4 linewidth 2 linecolor rgb '#000000'"},
        {"minima", "pointtype 3 pointsize 1.3 linewidth 5 linecolor rgb '#ffffff'"},
        {"minima", "pointtype 3 pointsize 1.2 linewidth 2 linecolor rgb '#000000'"},
    };
    const double map_height = height - bottom - TITLE_HEIGHT - AXIS_HEIGHT - legend_height(map);
    write_axes(script, map, height, bottom);
    write_strip(script, map);
    write_tags(script, map, map_height);
    write_data(script, map);
    for (size_t k = 0; k < map->walk_count; k++)
        write_path(script, map, k);
    write_points(script, map);
    fprintf(script, "plot NaN notitle");
    for (size_t k = 0; k < MAP_LEVELS; k++) {
        if (map->outline[k].count > 0)
            fprintf(script,
                    ", $band%zu using 1:2 with filledcurves closed fillcolor rgb '%s' fillstyle solid noborder "
                    "notitle",
                    k, bands[k + 1]);
    }
    write_paths(script, map);
    for (size_t k = 0; k < sizeof points / sizeof *points; k++)
        fprintf(script, ", $%s using 1:2 with points %s notitle", points[k].data, points[k].look);
    fputc('\n', script);
}
