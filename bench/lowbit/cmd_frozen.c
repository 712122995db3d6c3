/* SPDX-License-Identifier: MIT */
/* lowbit deadzone and threshold: rounding to nearest stops an average whose step is less than half a unit. */
#include "lowbit.h"

#include <math.h>
#include <string.h>

static const double rhos[] = {0.9, 0.95, 0.99, 0.999};
enum { RHOS = sizeof rhos / sizeof *rhos, POINTS = 100, LIVES = 16 };

/* ---- v = 1, then no gradient any more ---- */

static const struct {
    const char *format, *title, *colour;
    int dash;
} lines[] = {
    {"f64", "exact", BLACK, 1},
    {"u16", "16 bits, by chance", BLUE, 1},
    {"u16-n", "16 bits, nearest", SKY, 2},
    {"bf16", "BF16, nearest", ORANGE, 4},
    {"u8-two", "8 bits, by chance", GREEN, 1},
    {"u8-n", "8 bits, nearest", RED, 3},
};
enum { LINES = sizeof lines / sizeof *lines };

/* v of the first element, over LIVES times 1/(1 - rho) steps, and of 32 elements the mean after 3 of these times. */
static double course[RHOS][LINES][POINTS + 1], mean[RHOS][LINES];

static void decay(int r, int line)
{
    static const double zero[PARAMETERS_MAX];
    const struct format *format = format_find(lines[line].format);
    const struct settings settings = {1, rhos[r], 1e-6};
    const uint32_t life = (uint32_t)lrint(1 / (1 - rhos[r]));
    double v[PARAMETERS_MAX], u[PARAMETERS_MAX];
    struct walker walker;
    walker_start(&walker, format, &settings, 1, PARAMETERS_MAX, zero);
    for (int i = 0; i < PARAMETERS_MAX; i++)
        v[i] = 1e6, u[i] = 0;
    format->keep(format, &walker.kept, (struct moment){1, 0}, v, u);
    for (uint32_t step = 0; step <= LIVES * life; step++) {
        format->recall(format, &walker.kept, v, u);
        if (step * POINTS % (LIVES * life) < POINTS)
            course[r][line][step * POINTS / (LIVES * life)] = v[0] * 1e-6;
        if (step == 3 * life)
            for (int i = 0; i < PARAMETERS_MAX; i++)
                mean[r][line] += v[i] * 1e-6 / PARAMETERS_MAX;
        walker_step(&walker, zero);
    }
}

static int draw_deadzone(const char *picture)
{
    FILE *plot = plot_open(picture, 900, 720);
    if (!plot)
        return 1;
    fprintf(plot, "set multiplot layout 2,2 margins 0.1,0.98,0.17,0.95 spacing 0.09,0.11\n"
                  "set logscale y\nset format y '10^{%%T}'\nset yrange [1e-7:2]\nset xrange [0:16]\n");
    for (int r = 0; r < RHOS; r++) {
        for (int line = 0; line < LINES; line++) {
            fprintf(plot, "$d%d << EOD\n", line);
            for (int point = 0; point <= POINTS; point++)
                fprintf(plot, "%g %g\n", (double)LIVES * point / POINTS, fmax(course[r][line][point], 1e-8));
            fprintf(plot, "EOD\n");
        }
        fprintf(plot, "set title 'rho %g' offset 0,-0.7\nset xlabel '%s'\nset ylabel '%s'\n", rhos[r],
                r < 2 ? "" : "steps, in units of 1/(1 - rho)", r % 2 ? "" : "v");
        fprintf(plot, r == 2 ? "set key at screen 0.46,0.045 center maxrows 2 samplen 3 width -2\n" : "unset key\n");
        fprintf(plot, "plot ");
        for (int line = 0; line < LINES; line++)
            fprintf(plot, "%s $d%d using 1:2 with lines lw 2 dt %d lc rgb '%s' title '%s'", line ? "," : "", line,
                    lines[line].dash, lines[line].colour, lines[line].title);
        fprintf(plot, ", 1e-6 with lines lw 1 dt 3 lc rgb '#999999' title 'eps'\n");
    }
    fprintf(plot, "unset multiplot\n");
    return plot_close(plot);
}

int run_deadzone(const struct options *options)
{
    int failed = 0;
    printf(
        "v from 1 without a gradient, eps 1e-6; after 3/(1 - rho) steps (mean of 32 elements), then after 16/(1 - rho) "
        "(one element):\n\n| rho |");
    for (int line = 0; line < LINES; line++)
        printf(" %s |", lines[line].format);
    printf("\n|---:|");
    for (int line = 0; line < LINES; line++)
        printf("---:|");
    for (int r = 0; r < RHOS; r++) {
        printf("\n| %g |", rhos[r]);
        for (int line = 0; line < LINES; line++) {
            decay(r, line);
            printf(" %.3g, %.2g |", mean[r][line], course[r][line][POINTS]);
        }
        failed += claim(fabs(mean[r][1] / mean[r][0] - 1) < 0.01, "rho %g: u16 decays as it should", rhos[r]);
        failed +=
            claim((course[r][5][POINTS] > 0.01) == (rhos[r] > 0.9444), "rho %g: u8-n freezes above .9444", rhos[r]);
        failed +=
            claim((course[r][3][POINTS] > 0.01) == (rhos[r] > 0.9961), "rho %g: bf16 freezes above .9961", rhos[r]);
    }
    printf("\n");
    return failed + (options->picture ? draw_deadzone(options->picture) : 0);
}

/* ---- Which codes stay, all of them asked ---- */

/* 1 where a step without a gradient leaves w = 2^octave (1 + k/2^m) at its code, rounded to nearest. */
static int is_frozen(int mantissa, int octave, uint32_t k, double rho)
{
    const struct shape shape = {mantissa, 6};
    const double w = ldexp(1 + ldexp(k, -mantissa), octave);
    const uint32_t code = encode_above_one(shape, (float)w, 0);
    return encode_above_one(shape, (float)(rho * w + (1 - rho)), 1u << (22 - mantissa)) == code;
}

/* The share of the codes of the octave from 2^20 that stay. */
static double share_frozen(int mantissa, double rho)
{
    uint32_t frozen = 0;
    for (uint32_t k = 0; k < 1u << mantissa; k++)
        frozen += (uint32_t)is_frozen(mantissa, 20, k, rho);
    return ldexp(frozen, -mantissa);
}

/* 1 - rho where the share comes to what is asked, by halving. */
static double enumerated(int mantissa, int all)
{
    double low = 1e-6, high = 1;
    for (int turn = 0; turn < 50; turn++) {
        const double middle = sqrt(low * high), share = share_frozen(mantissa, 1 - middle);
        *((all ? share == 1 : share > 0) ? &low : &high) = middle;
    }
    return low;
}

static double first_frozen(int mantissa)
{
    return ldexp(1, -mantissa - 1) / (1 + ldexp(1, -mantissa));
}

static double all_frozen(int mantissa)
{
    return ldexp(1, -mantissa - 2);
}

/* s/eps up to which every code stays, from 0. */
static double frozen_floor(int mantissa, double rho)
{
    for (int octave = 0; octave < 40; octave++)
        for (uint32_t k = octave == 0; k < 1u << mantissa; k++)
            if (!is_frozen(mantissa, octave, k, rho)) {
                const double w = ldexp(1 + ldexp(k, -mantissa), octave);
                return w - ldexp(1, (k == 0 ? octave - 1 : octave) - mantissa) - 1;
            }
    return INFINITY;
}

enum { BOXES = 90 };

/* 1 - rho from 1e-4 to 0.5. */
static double rest_of(double box)
{
    return pow(10, -4 + 3.7 * box / BOXES);
}

static int draw_threshold(const char *picture)
{
    FILE *plot = plot_open(picture, 800, 520);
    if (!plot)
        return 1;
    fprintf(plot, "$map << EOD\n");
    for (int mantissa = 1; mantissa <= 12; mantissa++)
        for (int k = 0, next; k < BOXES; k = next) { /* a box for each run of one share */
            const double share = share_frozen(mantissa, 1 - rest_of(k + 0.5));
            for (next = k + 1; next < BOXES && share_frozen(mantissa, 1 - rest_of(next + 0.5)) == share; next++)
                ;
            if (share > 0)
                fprintf(plot, "%d %g %g %g %g\n", mantissa, rest_of(k + 0.5), rest_of(k), rest_of(next), share);
        }
    fprintf(
        plot,
        "EOD\n"
        "set title 'An average rounded to nearest, without a gradient: codes that never move (enumerated)'\n"
        "set xlabel 'mantissa bits m'\nset ylabel '1 - rho'\nset logscale y\nset yrange [1e-4:0.5]\n"
        "set xrange [0.5:12.5]\nset xtics 1\nset samples 500\n"
        "set ytics ('.0001' 0.0001, '.001' 0.001, '.01' 0.01, '.05' 0.05, '.1' 0.1)\n"
        "set palette defined (0 '#ffffff', 0.02 '#cfe3f1', 1 '#0072B2')\nset cbrange [0:1]\n"
        "set cblabel 'share of codes that stay'\n"
        "set label 1 'u8-two' at 3,0.3 center\nset label 2 'bf16' at 7,0.3 center\nset label 3 'u16, f16' at 10,0.3 "
        "center\n"
        "set label 4 'rho .9' at 12.4,0.115 right front\nset label 5 'rho .95' at 12.4,0.0575 right front\n"
        "set label 6 'rho .99' at 12.4,0.0115 right front\nset label 7 'rho .999' at 12.4,0.00115 right front\n"
        "set key bottom left opaque box lc rgb '#bbbbbb'\n"
        "plot $map using 1:2:($1-0.5):($1+0.5):3:4:5 with boxxyerror fillstyle solid 1.0 noborder lc palette notitle, "
        "2**(-x-1)/(1+2**-x) with lines lw 2.5 lc rgb '" RED "' title '2^{-(m+1)}/(1 + 2^{-m}): the first code stays', "
        "2**(-x-2) with lines lw 2.5 dt 2 lc rgb '" BLACK "' title '2^{-(m+2)}: every code stays', "
        "0.1 with lines lc rgb '#999999' lw 1 notitle, 0.05 with lines lc rgb '#999999' lw 1 notitle, "
        "0.01 with lines lc rgb '#999999' lw 1 notitle, 0.001 with lines lc rgb '#999999' lw 1 notitle\n");
    return plot_close(plot);
}

int run_threshold(const struct options *options)
{
    int failed = 0;
    printf(
        "Rounded to nearest, no gradient, s far above eps: 1 - rho at which the first code stays and every code does,\n"
        "enumerated and by formula; and, of all codes, up to which s/eps none moves:\n\n"
        "| m | first, enumerated | 2^-(m+1)/(1+2^-m) | rho above | all, enumerated | 2^-(m+2) | s/eps, rho .9 | .95 | "
        ".99 | .999 |\n"
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (int m = 1; m <= (options->quick ? 8 : 12); m++) {
        const double first = enumerated(m, 0), all = enumerated(m, 1);
        printf("| %d | %.6g | %.6g | %.5f | %.6g | %.6g |", m, first, first_frozen(m), 1 - first, all, all_frozen(m));
        for (int r = 0; r < RHOS; r++)
            printf(isinf(frozen_floor(m, rhos[r])) ? " all |" : " %.3g |", frozen_floor(m, rhos[r]));
        printf("\n");
        failed += claim(fabs(first / first_frozen(m) - 1) < 1e-3, "m %d: the first code stays from the formula on", m);
        failed += claim(fabs(all / all_frozen(m) - 1) < 1e-3, "m %d: every code stays from 2^-(m+2) on", m);
    }
    return failed + (options->picture ? draw_threshold(options->picture) : 0);
}
