/* SPDX-License-Identifier: MIT */
/* lowbit bias and noise: the mean and the spread of v as it is kept, beside v in double on the same gradients. */
#include "lowbit.h"

#include <math.h>
#include <string.h>

#include "random.h"
#include "theory.h"

static const double rhos[] = {0.9, 0.95, 0.99, 0.999};
enum { RHOS = sizeof rhos / sizeof *rhos };

/* ---- Every chance asked: the sum is exact ---- */

/* The mean of what is kept of w over all 2^(23-m) chances, less w, in units of the last place of that sum: 0 or not. */
static double sum_over_chances(struct shape shape, float w)
{
    const uint32_t chances = 1u << (23 - shape.mantissa);
    double sum = 0; /* of multiples of 2^-m of w's power of 2, at most 2^23 of them: exact */
    for (uint32_t chance = 0; chance < chances; chance++)
        sum += decode_above_one(shape, encode_above_one(shape, w, chance));
    return sum - (double)w * chances;
}

static int check_sums(const struct options *options)
{
    static const struct shape shapes[] = {{3, 5}, {7, 5}, {10, 6}};
    struct stream stream = {5};
    int failed = 0, asked = 0;
    for (int s = 0; s < 3; s++)
        for (int octave = 0; octave < (1 << shapes[s].exponent) - 1; octave += options->quick ? 8 : 1)
            for (int k = 0; k < (s == 0 ? 2 : 20); k++, asked++) {
                const float w = (float)ldexp(1 + random_uniform(&stream), octave);
                failed += claim(sum_over_chances(shapes[s], w) == 0, "m %d: the mean of %.9g is itself",
                                shapes[s].mantissa, w);
            }
    printf("%d numbers at m 3, 7, 10, each with every chance: the sums of what is kept are exact: %s.\n\n", asked,
           failed ? "no" : "yes");
    return failed;
}

/* ---- Walks of v ---- */

struct spread {
    double bias, error; /* mean of v over its mean in double, less 1; that mean's standard error over the seeds */
    double noise;       /* root mean square of v over v in double, less 1 */
    double step;        /* mean of sqrt(v in double / v), less 1 */
};

/* v of 32 elements on normal gradients, of size 1 to 2, over `lives` times 1/(1 - rho) steps after 8 such times. */
static struct spread walk(const struct format *format, double rho, int lives, int seeds)
{
    static const double zero[PARAMETERS_MAX];
    const struct settings settings = {1, rho, 1e-6};
    const uint32_t life = (uint32_t)lrint(1 / (1 - rho));
    double sum = 0, square = 0, noise = 0, step_sum = 0, count = 0;
    for (int seed = 0; seed < seeds; seed++) {
        struct stream stream = {random_hash((uint64_t)seed, 9, 9)};
        struct walker walker, exact;
        double g[PARAMETERS_MAX], v[PARAMETERS_MAX], u[PARAMETERS_MAX], true_v[PARAMETERS_MAX], kept = 0, true_sum = 0;
        walker_start(&walker, format, &settings, (uint64_t)seed, PARAMETERS_MAX, zero);
        walker_start(&exact, format_find("f64"), &settings, 0, PARAMETERS_MAX, zero);
        for (uint32_t step = 0; step < (8 + (uint32_t)lives) * life; step++) {
            for (int i = 0; i < PARAMETERS_MAX; i++)
                g[i] = random_normal(&stream) * exp2((double)i / PARAMETERS_MAX);
            walker_step(&walker, g);
            walker_step(&exact, g);
            if (step < 8 * life || step % 4)
                continue;
            format->recall(format, &walker.kept, v, u);
            exact.format->recall(exact.format, &exact.kept, true_v, u);
            for (int i = 0; i < PARAMETERS_MAX; i++) {
                kept += v[i], true_sum += true_v[i], count++;
                noise += (v[i] / true_v[i] - 1) * (v[i] / true_v[i] - 1);
                step_sum += sqrt((true_v[i] + 1) / (v[i] + 1)) - 1;
            }
        }
        sum += kept / true_sum - 1;
        square += (kept / true_sum - 1) * (kept / true_sum - 1);
    }
    const double mean = sum / seeds, variance = fmax(square / seeds - mean * mean, 0) / fmax(seeds - 1, 1);
    return (struct spread){mean, sqrt(variance), sqrt(noise / count), step_sum / count};
}

/* ---- Bias ---- */

static const struct {
    const char *format, *title, *colour;
    int dash;
} lines[] = {
    {"u8-n", "8 bits, nearest", RED, 3},
    {"u8-two", "8 bits, by chance", GREEN, 1},
    {"u8-log", "8 bits, log w by chance", ORANGE, 4},
    {"u16-n", "16 bits, nearest", SKY, 2},
    {"u16", "16 bits, by chance", BLUE, 1},
    {"u16-cubic", "16 bits, cubic, by chance", PINK, 5},
};
enum { LINES = sizeof lines / sizeof *lines };

static int draw_bias(const char *picture, struct spread spreads[RHOS][LINES])
{
    FILE *plot = plot_open(picture, 800, 540);
    if (!plot)
        return 1;
    for (int line = 0; line < LINES; line++) {
        fprintf(plot, "$d%d << EOD\n", line);
        for (int r = 0; r < RHOS; r++)
            fprintf(plot, "%g %g %g\n", 1 - rhos[r], 100 * spreads[r][line].bias, 200 * spreads[r][line].error);
        fprintf(plot, "EOD\n");
    }
    fprintf(plot, "$law << EOD\n");
    for (int k = 0; k <= 40; k++)
        fprintf(plot, "%g %g\n", pow(10, -3 + 2.0 * k / 40), 100 * theory_log_bias(3, 1 - pow(10, -3 + 2.0 * k / 40)));
    fprintf(plot,
            "EOD\n"
            "set title 'Mean of v as it is kept, against v in double, in the long run'\n"
            "set xlabel 'rho' offset 0,0.5\nset ylabel 'too large by, %%'\nset logscale x\nset xrange [0.13:0.0008]\n"
            "set xtics ('.9' 0.1, '.95' 0.05, '.99' 0.01, '.999' 0.001)\nset yrange [-1.5:6]\n"
            "set key below maxrows 3 samplen 3\n"
            "set label 1 '8 bits to nearest: above .9 out of the picture, see the table' at graph "
            "0.14,0.93\nplot 0 with lines lc rgb "
            "'#999999' notitle");
    for (int line = 0; line < LINES; line++)
        fprintf(plot, ", $d%d using 1:2:3 with yerrorlines lw 2 pt %d ps 0.8 dt %d lc rgb '%s' title '%s'", line,
                5 + line * 2, lines[line].dash, lines[line].colour, lines[line].title);
    fprintf(plot, ", $law with lines lw 1 dt 3 lc rgb '#000000' title 'the formula for log w'\n");
    return plot_close(plot);
}

int run_bias(const struct options *options)
{
    static struct spread spreads[RHOS][LINES];
    const int last = options->quick ? 2 : RHOS;
    int failed = check_sums(options);
    printf("Mean of v over its mean in double, less 1, in %% (plus or minus its standard error):\n\n| rho |");
    for (int line = 0; line < LINES; line++)
        printf(" %s |", lines[line].format);
    printf(" formula for log w |\n|---:|");
    for (int line = 0; line <= LINES; line++)
        printf("---:|");
    for (int r = 0; r < last; r++) {
        printf("\n| %g |", rhos[r]);
        for (int line = 0; line < LINES; line++) {
            const struct spread spread = walk(format_find(lines[line].format), rhos[r], 40, options->seeds);
            spreads[r][line] = spread;
            printf(" %.3g ± %.1g |", 100 * spread.bias, 100 * spread.error);
        }
        printf(" %.3g |", 100 * theory_log_bias(3, rhos[r]));
        failed +=
            claim(fabs(spreads[r][1].bias) < 4.5 * spreads[r][1].error + 1e-4, "rho %g: u8-two has no bias", rhos[r]);
        failed +=
            claim(fabs(spreads[r][4].bias) < 4.5 * spreads[r][4].error + 1e-5, "rho %g: u16 has no bias", rhos[r]);
        failed +=
            claim(rhos[r] < 0.95 || spreads[r][2].bias > 3 * spreads[r][2].error, "rho %g: u8-log has one", rhos[r]);
    }
    printf("\n");
    return failed + (options->picture ? draw_bias(options->picture, spreads) : 0);
}

/* ---- Noise ---- */

static const int mantissas[] = {1, 2, 3, 5, 7, 10};
enum { MANTISSAS = sizeof mantissas / sizeof *mantissas };
static struct spread noises[RHOS][MANTISSAS];

static int draw_noise(const char *picture)
{
    static const char *const colours[RHOS] = {BLACK, BLUE, GREEN, RED};
    FILE *plot = plot_open(picture, 800, 480);
    if (!plot)
        return 1;
    for (int r = 0; r < RHOS; r++) {
        fprintf(plot, "$d%d << EOD\n", r);
        for (int m = 0; m < MANTISSAS; m++)
            fprintf(plot, "%d %g\n", mantissas[m], 100 * noises[r][m].noise);
        fprintf(plot, "EOD\n$f%d << EOD\n", r);
        for (int m = 1; m <= 10; m++)
            fprintf(plot, "%d %g\n", m, 100 * theory_noise(m, rhos[r]));
        fprintf(plot, "EOD\n");
    }
    fprintf(plot, "set title 'Noise of v rounded by chance: simulated (marks) and by formula (lines)'\n"
                  "set xlabel 'mantissa bits m'\nset ylabel 'standard deviation of v over v, %%'\nset logscale y\n"
                  "set xrange [0.5:10.5]\nset xtics 1\nset ytics ('.03' 0.03, '.1' 0.1, '.3' 0.3, '1' 1, '3' 3, '10' "
                  "10, '30' 30, '100' 100)\n"
                  "set key bottom left\nset label 1 'u8-two' at 3,60 center\nset label 2 'bf16' at 7,60 center\nset label "
                  "3 'u16' at 10,60 center\n"
                  "set yrange [0.03:120]\nplot ");
    for (int r = 0; r < RHOS; r++)
        fprintf(
            plot,
            "%s $f%d with lines lw 2 dt %d lc rgb '%s' title 'rho %g', $d%d with points pt %d ps 1 lc rgb '%s' notitle",
            r ? "," : "", r, r + 1, colours[r], rhos[r], r, 5 + 2 * r, colours[r]);
    fprintf(plot, "\n");
    return plot_close(plot);
}

int run_noise(const struct options *options)
{
    int failed = 0;
    struct format format = *format_find("u16");
    printf(
        "Standard deviation of v over v, in %%: simulated, by formula, and by the formula for fast averages\n"
        "2^-m / sqrt(16 ln 2 (1 - rho^2)); and the step's mean too large by, in %%: simulated, 3/8 of the variance:\n\n"
        "| m | rho | simulated | formula | fast | step | 3/8 |\n|---:|---:|---:|---:|---:|---:|---:|\n");
    for (int m = 0; m < MANTISSAS; m++)
        for (int r = 0; r < (options->quick ? 2 : RHOS); r++) {
            const double law = theory_noise(mantissas[m], rhos[r]);
            format.shape[OF_V].mantissa = format.shape[OF_U].mantissa = mantissas[m];
            const struct spread spread = noises[r][m] =
                walk(&format, rhos[r], 40, options->quick ? 2 : options->seeds / 4 + 1);
            printf("| %d | %g | %.3g | %.3g | %.3g | %.2g | %.2g |\n", mantissas[m], rhos[r], 100 * spread.noise,
                   100 * law, 100 * sqrt(theory_rounding_even(mantissas[m]) / (1 - rhos[r] * rhos[r])),
                   100 * spread.step, 37.5 * law * law);
            failed +=
                claim(fabs(spread.noise / law - 1) < 0.2, "m %d, rho %g: noise as by formula", mantissas[m], rhos[r]);
        }
    return failed + (options->picture ? draw_noise(options->picture) : 0);
}
