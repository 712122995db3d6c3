/* SPDX-License-Identifier: MIT */
/* See surface_text.h. Colours are those of the pictures, of the 216 that terminals have, and only where a person looks.
 */
#include "surface_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gnuplot.h"
#include "surface_field.h"
#include "text_table.h"

/* From low to high, by how much of a cell is black; none that could be a path or a mark. */
static const char shades[] = " .:-=+";
enum {
    SHADES = sizeof shades - 1,
    LEFT = 9,         /* columns for the values of y */
    PLAIN_WIDTH = 80, /* where the terminal's size is not known */
    PLAIN_HEIGHT = 24,
    LINES_AROUND = 4, /* title, axis, key, and the line a person types on next */
    LEAST_ROWS = 9,   /* which nine runs leave of 24 lines */
    MOST_ROWS = 60
};

/* What stands in the cells of the drawing; the first row is the highest. */
struct canvas {
    size_t columns, rows;
    const struct course *course;
    char *letters; /* [rows, columns] */
    int is_colored;
};

/* The terminal's size, where there is one. */
static void measure_terminal(size_t *width, size_t *height)
{
    struct winsize size;
    const int known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *width = known ? size.ws_col : PLAIN_WIDTH;
    *height = known ? size.ws_row : PLAIN_HEIGHT;
}

size_t surface_width(size_t asked)
{
    size_t width, height;
    measure_terminal(&width, &height);
    width = asked > 0 ? asked : width;
    return width < TEXT_LEAST_WIDTH ? TEXT_LEAST_WIDTH : width > TEXT_MOST_WIDTH ? TEXT_MOST_WIDTH : width;
}

static void measure(size_t width, size_t rows_below, struct canvas *canvas)
{
    const size_t around = LINES_AROUND + rows_below;
    size_t terminal_width, height;
    measure_terminal(&terminal_width, &height);
    canvas->columns = surface_width(width) - LEFT - 1;
    canvas->rows = height > around + LEAST_ROWS ? height - around : LEAST_ROWS;
    if (canvas->rows > MOST_ROWS)
        canvas->rows = MOST_ROWS;
}

/* NO_COLOR: no-color.org. */
static int wants_color(void)
{
    const char *refused = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(refused && *refused);
}

static void put(struct canvas *canvas, struct point at, char letter)
{
    const struct window *window = &canvas->course->window;
    const double right = (at.x - window->x0) / (window->x1 - window->x0);
    const double down = (window->y1 - at.y) / (window->y1 - window->y0);
    if (!(right >= 0 && right <= 1 && down >= 0 && down <= 1))
        return;
    const size_t column = (size_t)fmin(right * (double)canvas->columns, (double)canvas->columns - 1);
    const size_t row = (size_t)fmin(down * (double)canvas->rows, (double)canvas->rows - 1);
    canvas->letters[row * canvas->columns + column] = letter;
}

static enum verdict shade(struct canvas *canvas, struct trouble *trouble)
{
    const struct window *window = &canvas->course->window;
    const double half_x = (window->x1 - window->x0) / (2 * (double)canvas->columns);
    const double half_y = (window->y1 - window->y0) / (2 * (double)canvas->rows);
    double level[SHADES - 1];
    struct field field;
    enum verdict verdict = field_make(&field, canvas->course, canvas->columns, canvas->rows,
                                      (struct point){window->x0 + half_x, window->y1 - half_y},
                                      (struct point){window->x1 - half_x, window->y0 + half_y}, trouble);
    if (verdict == DONE)
        verdict = field_levels(&field, SHADES - 1, level, trouble);
    for (size_t k = 0; k < canvas->rows * canvas->columns && verdict == DONE; k++)
        canvas->letters[k] = shades[field_band(level, SHADES - 1, field.value[k])];
    free(field.value);
    return verdict;
}

/* A piece of a path, so finely that no cell of it is left out. */
static void draw_piece(struct canvas *canvas, struct point from, struct point to, char letter)
{
    const struct window *window = &canvas->course->window;
    if (!clip_to_window(window, &from, &to))
        return;
    const double cells = fmax(fabs(to.x - from.x) / (window->x1 - window->x0) * (double)canvas->columns,
                              fabs(to.y - from.y) / (window->y1 - window->y0) * (double)canvas->rows);
    const int pieces = 1 + (int)(2 * cells);
    for (int k = 0; k <= pieces; k++) {
        const double part = (double)k / pieces;
        put(canvas, (struct point){from.x + part * (to.x - from.x), from.y + part * (to.y - from.y)}, letter);
    }
}

static void draw(struct canvas *canvas, const struct walk *walks, size_t count)
{
    const struct surface *surface = canvas->course->surface;
    for (size_t w = 0; w < count; w++)
        for (size_t k = 0; k < walks[w].steps_done; k++)
            draw_piece(canvas, walks[w].at[k], walks[w].at[k + 1], (char)('1' + w));
    for (size_t k = 0; k < surface->minima_count; k++)
        put(canvas, surface->minima[k], '*');
    put(canvas, canvas->course->start, 'o');
}

/* Which of the six steps of a terminal's colours, 0, 95, 135, ... 255, is nearest. */
static unsigned long step_of(unsigned long part)
{
    return part < 48 ? 0 : part < 115 ? 1 : (part - 35) / 40;
}

/* Begins to write in a method's colour; black, which is the ground of many a terminal, is what the terminal writes
 * with.
 */
static void begin_color(enum adadelta_method method)
{
    const unsigned long color = strtoul(method_style(method)->color + 1, NULL, 16);
    if (color == 0)
        printf("\033[0;1m");
    else
        printf("\033[0;1;38;5;%lum",
               16 + 36 * step_of(color >> 16) + 6 * step_of(color >> 8 & 255) + step_of(color & 255));
}

/* Letters that look alike: all shades, both marks, the digits of a path. */
static char look_of(char letter)
{
    return letter == '*' ? 'o' : letter == 'o' || (letter >= '1' && letter <= '9') ? letter : ' ';
}

static void print_letters(const struct canvas *canvas, const struct walk *walks, const char *letters)
{
    char look = '\0';
    for (size_t column = 0; column < canvas->columns; column++) {
        const char next = look_of(letters[column]);
        if (canvas->is_colored && next != look) {
            if (next >= '1' && next <= '9')
                begin_color(walks[next - '1'].contender->settings.method);
            else
                printf("%s", next == 'o' ? "\033[0;1m" : "\033[0;2m");
        }
        look = next;
        putchar(letters[column]);
    }
    printf("%s\n", canvas->is_colored ? "\033[0m" : "");
}

static void print_rows(const struct canvas *canvas, const struct walk *walks)
{
    const struct window *window = &canvas->course->window;
    for (size_t row = 0; row < canvas->rows; row++) {
        if (row == 0 || row + 1 == canvas->rows)
            printf("%*.4g |", LEFT - 2, row == 0 ? window->y1 : window->y0);
        else
            printf("%*s |", LEFT - 2, row == canvas->rows / 2 ? "y" : "");
        print_letters(canvas, walks, canvas->letters + row * canvas->columns);
    }
    char low[32], high[32];
    snprintf(low, sizeof low, "%.4g", window->x0);
    snprintf(high, sizeof high, "%.4g", window->x1);
    const int between = (int)canvas->columns - (int)strlen(low) - (int)strlen(high);
    printf("%*s%s%*s%*s%s\n", LEFT, "", low, between / 2, "x", between - between / 2, "", high);
}

/* The name and the formula, or one of them where both have no room. */
static void print_title(const struct surface *surface, size_t width)
{
    const int formula = text_width(surface->formula) + (int)strlen("f = ");
    if (text_width(surface->title) + 2 + formula <= (int)width)
        printf("%s, f = %s\n", surface->title, surface->formula);
    else if (formula <= (int)width)
        printf("f = %s\n", surface->formula);
    else
        printf("%s\n", surface->title);
}

enum verdict surface_print(const struct course *course, const struct walk *walks, size_t count, size_t width,
                           size_t rows_below, struct trouble *trouble)
{
    struct canvas canvas = {.course = course, .is_colored = wants_color()};
    measure(width, rows_below, &canvas);
    canvas.letters = malloc(canvas.rows * canvas.columns);
    if (!canvas.letters)
        return blame_memory(trouble);
    const enum verdict verdict = shade(&canvas, trouble);
    if (verdict == DONE) {
        draw(&canvas, walks, count);
        print_title(course->surface, surface_width(width));
        print_rows(&canvas, walks);
        printf("%*so start  %s shades from low to high: '%s'\n", LEFT, "",
               course->surface->minima_count > 0 ? "* minimum " : "", shades);
    }
    free(canvas.letters);
    return verdict;
}
