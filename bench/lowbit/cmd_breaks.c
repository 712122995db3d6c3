/* SPDX-License-Identifier: MIT */
/* lowbit breaks: the stiff quadratic, step by step, at rho .99. */
#include "lowbit.h"

#include <math.h>

static const struct {
    const char *format, *title, *colour;
} lines[] = {
    {"f32", "float", BLACK},
    {"u16", "U16", BLUE},
    {"u8-two", "8 bits, two chances", RED},
    {"v8q8", "U8: v and u/v, 8 bits each", ORANGE},
    {"v7q9", "v 7 bits, u/v 9 bits", PINK},
    {"u8-cubic", "8 bits, one chance, cubic", GREEN},
};
enum { LINES = sizeof lines / sizeof *lines };

static struct quartiles course[LINES][PLACES];

static void walk(const struct options *options)
{
    static struct instance instance;
    static struct trial trial;
    static double at[PLACES][SEEDS_MAX];
    for (int line = 0; line < LINES; line++) {
        for (int seed = 0; seed < options->seeds; seed++) {
            problem_set_up(problem_find("stiff-1e4"), (uint64_t)seed, &instance);
            trial_walk(&instance, format_find(lines[line].format), &options->settings, options->steps, 0, &trial);
            for (int place = 0; place < PLACES; place++)
                at[place][seed] = trial.at[place];
        }
        for (int place = 0; place < PLACES; place++)
            course[line][place] = quartiles_of(at[place], (size_t)options->seeds);
    }
}

static int draw(const struct options *options)
{
    FILE *plot = plot_open(options->picture, 800, 540);
    if (!plot)
        return 1;
    for (int line = 0; line < LINES; line++) {
        fprintf(plot, "$d%d << EOD\n", line);
        for (int place = 0; place < PLACES; place++)
            fprintf(plot, "%g %g %g %g\n", (double)options->steps * (place + 1) / PLACES, course[line][place].median,
                    course[line][place].low, course[line][place].high);
        fprintf(plot, "EOD\n");
    }
    fprintf(plot,
            "set title 'Stiff quadratic (condition 10^4), rho %g: median and quartiles of %d seeds'\n"
            "set xlabel 'step'\nset ylabel 'loss'\nset logscale y\nset format y '10^{%%T}'\n"
            "set key below maxrows 2 samplen 3\nset xrange [0:%u]\nset yrange [1e-4:*]\nset style fill "
            "transparent solid 0.15 "
            "noborder\nplot ",
            options->settings.rho, options->seeds, options->steps);
    for (int line = 0; line < LINES; line++)
        fprintf(plot, "$d%d using 1:3:4 with filledcurves lc rgb '%s' notitle, ", line, lines[line].colour);
    for (int line = 0; line < LINES; line++)
        fprintf(plot, "%s $d%d using 1:2 with lines lw 2 dt %d lc rgb '%s' title '%s'", line ? "," : "", line, line + 1,
                lines[line].colour, lines[line].title);
    fprintf(plot, "\n");
    return plot_close(plot);
}

int run_breaks(const struct options *options)
{
    struct options mine = *options;
    mine.settings.rho = 0.99;
    mine.steps = options->quick ? 5000 : 10 * options->steps;
    walk(&mine);
    printf("Loss on stiff-1e4, rho .99, eps 1e-6, %d seeds, median [quartiles]:\n\n| step |", mine.seeds);
    for (int line = 0; line < LINES; line++)
        printf(" %s |", lines[line].format);
    printf("\n|---:|");
    for (int line = 0; line < LINES; line++)
        printf("---:|");
    for (int place = PLACES / 8 - 1; place < PLACES; place += PLACES / 8) {
        printf("\n| %u |", mine.steps * (unsigned)(place + 1) / PLACES);
        for (int line = 0; line < LINES; line++)
            printf(" %.2g [%.2g, %.2g] |", course[line][place].median, course[line][place].low,
                   course[line][place].high);
    }
    printf("\n");
    const struct quartiles *const f32 = &course[0][PLACES - 1], *const two = &course[2][PLACES - 1];
    return claim(two->high > 30 * f32->high, "u8-two bursts") +
           claim(course[5][PLACES - 1].high < 10 * f32->high, "u8-cubic does not") + (mine.picture ? draw(&mine) : 0);
}
