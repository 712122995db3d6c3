/* SPDX-License-Identifier: MIT */
/* lowbit slow: log(u/v), the variable that Adadelta hardly ever forgets, beside its course in double on the same
   gradients. */
#include "lowbit.h"

#include <math.h>

#include "random.h"
#include "theory.h"

static const struct {
    const char *format, *title, *colour;
    int dash;
} lines[] = {
    {"u8-two", "8 bits, two chances", RED, 1}, {"u8-one", "8 bits, one chance", ORANGE, 1},
    {"v8q8", "U8: v and u/v", PINK, 4},        {"u8-cubic", "8 bits, one chance, cubic", GREEN, 1},
    {"bf16-s", "BF16, two chances", BLACK, 2}, {"u16-two", "16 bits, two chances", SKY, 1},
    {"u16", "U16: one chance", BLUE, 3},
};
enum { LINES = sizeof lines / sizeof *lines, POINTS = 50, PANELS = 2 };

static const double rhos[PANELS] = {0.95, 0.99};

/* Root mean square of log(w_u/w_v) less that in double, at POINTS steps spaced evenly in their logarithm. */
static double course[PANELS][LINES][POINTS];

static uint32_t step_of(int point, uint32_t steps)
{
    return (uint32_t)lrint(pow(steps, (point + 1.0) / POINTS));
}

static void walk(int panel, int line, uint32_t steps, int seeds)
{
    static const double zero[PARAMETERS_MAX];
    const struct format *format = format_find(lines[line].format);
    const struct settings settings = {1, rhos[panel], 1e-6};
    for (int seed = 0; seed < seeds; seed++) {
        struct stream stream = {random_hash((uint64_t)seed, 8, 8)};
        struct walker walker, exact;
        int point = 0;
        walker_start(&walker, format, &settings, (uint64_t)seed, PARAMETERS_MAX, zero);
        walker_start(&exact, format_find("f64"), &settings, 0, PARAMETERS_MAX, zero);
        for (uint32_t step = 1; step <= steps; step++) {
            double g[PARAMETERS_MAX], v[PARAMETERS_MAX], u[PARAMETERS_MAX], true_v[PARAMETERS_MAX],
                true_u[PARAMETERS_MAX];
            for (int i = 0; i < PARAMETERS_MAX; i++)
                g[i] = random_normal(&stream) * exp2((double)i / PARAMETERS_MAX);
            walker_step(&walker, g);
            walker_step(&exact, g);
            if (point == POINTS || step < step_of(point, steps))
                continue;
            format->recall(format, &walker.kept, v, u);
            exact.format->recall(exact.format, &exact.kept, true_v, true_u);
            double square = 0;
            for (int i = 0; i < PARAMETERS_MAX; i++)
                square += pow(log((u[i] + 1) / (v[i] + 1) * (true_v[i] + 1) / (true_u[i] + 1)), 2) / PARAMETERS_MAX;
            for (; point < POINTS && step >= step_of(point, steps); point++)
                course[panel][line][point] += square / seeds;
        }
    }
    for (int point = 0; point < POINTS; point++)
        course[panel][line][point] = sqrt(course[panel][line][point]);
}

static int draw(const char *picture, uint32_t steps)
{
    FILE *plot = plot_open(picture, 900, 520);
    if (!plot)
        return 1;
    fprintf(
        plot,
        "set multiplot layout 1,2 margins 0.1,0.98,0.35,0.92 spacing 0.07,0.1\n"
        "set logscale xy\nset format x '10^{%%T}'\nset format y '10^{%%T}'\nset yrange [1e-4:10]\nset xrange [1:%u]\n",
        steps);
    for (int panel = 0; panel < PANELS; panel++) {
        for (int line = 0; line < LINES; line++) {
            fprintf(plot, "$d%d << EOD\n", line);
            for (int point = 0; point < POINTS; point++)
                fprintf(plot, "%u %g\n", step_of(point, steps), course[panel][line][point]);
            fprintf(plot, "EOD\n");
        }
        fprintf(plot, "set title 'rho %g'\nset xlabel 'step'\nset ylabel '%s'\n", rhos[panel],
                panel ? "" : "error of log (u + eps)/(v + eps), rms");
        fprintf(plot, panel ? "unset key\n" : "set key at screen 0.44,0.11 center maxrows 4 samplen 3 width -3\n");
        fprintf(plot, "plot ");
        for (int line = 0; line < LINES; line++)
            fprintf(plot, "$d%d using 1:2 with lines lw 2 dt %d lc rgb '%s' title '%s', ", line, lines[line].dash,
                    lines[line].colour, lines[line].title);
        fprintf(plot,
                "%g with lines lw 1 dt 3 lc rgb '#777777' title 'the formula for two chances', %g "
                "with lines lw 1 "
                "dt 3 lc rgb '#777777' notitle\n",
                theory_slow(3, rhos[panel]), theory_slow(10, rhos[panel]));
    }
    fprintf(plot, "unset multiplot\n");
    return plot_close(plot);
}

int run_slow(const struct options *options)
{
    const uint32_t steps = options->quick ? 2000 : 4 * options->steps;
    const int seeds = options->quick ? 2 : options->seeds / 4 + 1;
    int failed = 0;
    printf("Error of log (u + eps)/(v + eps) against double on the same gradients, rms of %d walks, after steps:\n\n"
           "| rho | format |",
           seeds * PARAMETERS_MAX);
    for (int k = 1; k <= 5; k++)
        printf(" %u |", step_of(k * POINTS / 5 - 1, steps));
    printf(" formula |\n|---:|---|---:|---:|---:|---:|---:|---:|\n");
    for (int panel = 0; panel < PANELS; panel++) {
        for (int line = 0; line < LINES; line++) {
            walk(panel, line, steps, seeds);
            printf("| %g | %s |", rhos[panel], lines[line].format);
            for (int k = 1; k <= 5; k++)
                printf(" %.2g |", course[panel][line][k * POINTS / 5 - 1]);
            if (format_find(lines[line].format)->chance == fresh && line != 2)
                printf(" %.2g |\n", theory_slow(format_find(lines[line].format)->shape[OF_U].mantissa, rhos[panel]));
            else
                printf(" |\n");
        }
        const double *const last[] = {&course[panel][0][POINTS - 1], &course[panel][1][POINTS - 1],
                                      &course[panel][3][POINTS - 1]};
        failed += claim(*last[1] < *last[0] && *last[2] < *last[1],
                        "rho %g: one chance errs less, with the cubic least", rhos[panel]);
    }
    return failed + (options->picture ? draw(options->picture, steps) : 0);
}
