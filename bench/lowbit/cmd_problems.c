/* SPDX-License-Identifier: MIT */
/* lowbit formats, problems, grid and further: every format walks over every problem beside float, from the same start
   and with the same noise, and is told by how its end and its path differ from float's. */
#include "lowbit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int list_formats(const struct options *options)
{
    const struct format *format;
    (void)options;
    printf("| format | bits a state | bound of \\|g\\|/sqrt(eps) | what it is |\n|---|---:|---:|---|\n");
    for (size_t i = 0; (format = format_at(i)); i++) {
        printf("| %s | %g | ", format->name, format->bits);
        if (format->bound > 0)
            printf("%.10g", format->bound);
        printf(" | %s |\n", format->about);
    }
    return 0;
}

/* ---- What a format did on a problem ---- */

struct outcome {
    struct quartiles value, distance; /* final value over float's; distance from float's path */
    int worse, equal, lost;           /* of the seeds: final value above float's, equal to it, not finite */
};

static double base_value[SEEDS_MAX]; /* float's, of the problem at hand */
static struct trial base[SEEDS_MAX];

static void walk_base(const struct problem *problem, const struct options *options)
{
    static struct instance instance;
    for (int seed = 0; seed < options->seeds; seed++) {
        problem_set_up(problem, (uint64_t)seed, &instance);
        trial_walk(&instance, format_find("f32"), &options->settings, options->steps, 0, &base[seed]);
        base_value[seed] = base[seed].value;
    }
}

/* `off` is added to the start, relative to it; `noise` is the number of the stream of gradient noise, 0 float's. */
static struct outcome walk_all(const struct problem *problem, const struct format *format, double off, uint64_t noise,
                               const struct options *options)
{
    static struct instance instance;
    static struct trial trial;
    double value[SEEDS_MAX], distance[SEEDS_MAX];
    struct outcome outcome = {.worse = 0};
    for (int seed = 0; seed < options->seeds; seed++) {
        problem_set_up(problem, (uint64_t)seed, &instance);
        instance.noise += noise * 7919;
        trial_walk(&instance, format, &options->settings, options->steps, off, &trial);
        value[seed] = trial.value / base_value[seed];
        distance[seed] = trial_distance(&instance, &base[seed], &trial);
        outcome.worse += trial.value > base_value[seed];
        outcome.equal += trial.value == base_value[seed];
        outcome.lost += trial.lost;
        if (options->csv)
            printf("%s,%s,%g,%g,%d,%.9g,%.9g,%.9g\n", problem->name,
                   off > 0 ? "start"
                   : noise ? "noise"
                           : format->name,
                   options->settings.rho, options->settings.eps, seed, base_value[seed], trial.value, distance[seed]);
    }
    outcome.value = quartiles_of(value, (size_t)options->seeds);
    outcome.distance = quartiles_of(distance, (size_t)options->seeds);
    return outcome;
}

/* ---- Tables ---- */

/* The names of a list with commas, each a format's; how many, or 0 after a line on standard error. */
static int read_formats(const char *list, const struct format *formats[], int most)
{
    char names[512];
    int count = 0;
    snprintf(names, sizeof names, "%s", list);
    for (char *name = strtok(names, ","); name && count < most; name = strtok(NULL, ",")) {
        if (!(formats[count++] = format_find(name)))
            return fprintf(stderr, "lowbit: %s: no such format; lowbit formats lists them\n", name), 0;
    }
    return count;
}

static void print_number(double x)
{
    if (x == 0)
        printf("0");
    else if (isinf(x))
        printf("∞");
    else
        printf(x < 1e-4 || x > 999 ? "%.1e" : x >= 0.0995 && x < 9.995 ? "%.2f" : x < 1 ? "%.2g" : "%.3g", x);
}

static void print_quartiles(struct quartiles q)
{
    printf(" ");
    print_number(q.median);
    printf(" [");
    print_number(q.low);
    printf(", ");
    print_number(q.high);
    printf("] |");
}

static void print_worse(struct outcome outcome, int seeds)
{
    const int told = seeds - outcome.equal;
    printf(" %d/%d, %.2g |", outcome.worse, told, sign_test(outcome.worse, told));
}

enum { COLUMNS_MAX = 16, PROBLEMS_MAX = 16 };
static struct outcome outcomes[PROBLEMS_MAX][COLUMNS_MAX];

enum show { VALUE, DISTANCE, WORSE };
static const char *const titles[] = {
    "final value over f32's, median [quartiles]",
    "distance from f32's path, median [quartiles]",
    "seeds whose final value is above f32's, and the sign test's p",
};

static int is_asked(const struct problem *problem, const struct options *options)
{
    return !options->problems || strstr(problem->name, options->problems);
}

static void print_table(enum show show, const struct format *formats[], int count, const struct options *options)
{
    printf("\n%s (rho %g, eps %g, %u steps, %d seeds):\n\n| problem | f32, start off by 1e-6 | f32, other noise |",
           titles[show], options->settings.rho, options->settings.eps, options->steps, options->seeds);
    for (int k = 0; k < count; k++)
        printf(" %s |", formats[k]->name);
    printf("\n|---|");
    for (int k = 0; k < count + 2; k++)
        printf("---:|");
    for (size_t p = 0; problem_at(p); p++) {
        if (!is_asked(problem_at(p), options))
            continue;
        printf("\n| %s |", problem_at(p)->name);
        for (int k = 0; k < count + 2; k++) {
            const struct outcome outcome = outcomes[p][k];
            if (k == 1 && !problem_at(p)->has_noise)
                printf(" |");
            else if (show == WORSE)
                print_worse(outcome, options->seeds);
            else
                print_quartiles(show == VALUE ? outcome.value : outcome.distance);
        }
    }
    printf("\n");
}

/* Columns 0 and 1 are float against itself. */
static void fill(const struct format *formats[], int count, const struct options *options)
{
    for (size_t p = 0; problem_at(p); p++) {
        const struct problem *problem = problem_at(p);
        if (!is_asked(problem, options))
            continue;
        walk_base(problem, options);
        outcomes[p][0] = walk_all(problem, format_find("f32"), 1e-6, 0, options);
        outcomes[p][1] = walk_all(problem, format_find("f32"), 0, 1, options);
        for (int k = 0; k < count; k++)
            outcomes[p][k + 2] = walk_all(problem, formats[k], 0, 0, options);
    }
}

/* 16 bits with one chance stay where float's own paths stay; 8 bits with two do not on a stiff problem; 8-bit Adam's
   formats lose a walk. */
static int claims_of_problems(const struct options *options)
{
    static const char *const near[] = {"stiff-1e4", "noisy-1", "noisy-10", "heavy-1", "logistic", "seldom"};
    struct options mine = *options;
    int failed = 0;
    mine.csv = 0;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const struct problem *problem = problem_find(near[i]);
        walk_base(problem, &mine);
        const struct outcome other = walk_all(problem, format_find("f32"), problem->has_noise ? 0 : 1e-3, 1, &mine);
        const struct outcome sixteen = walk_all(problem, format_find("u16"), 0, 0, &mine);
        failed +=
            claim(sixteen.distance.median <= fmax(other.distance.high, 0.05), "%s: u16 within float's spread", near[i]);
        failed += claim(sixteen.lost == 0, "%s: u16 loses no walk", near[i]);
    }
    mine.settings.rho = 0.99;
    mine.steps = 5000;
    walk_base(problem_find("stiff-1e4"), &mine);
    const struct outcome two = walk_all(problem_find("stiff-1e4"), format_find("u8-two"), 0, 0, &mine);
    const struct outcome cubic = walk_all(problem_find("stiff-1e4"), format_find("u8-cubic"), 0, 0, &mine);
    const struct outcome block = walk_all(problem_find("stiff-1e4"), format_find("block-linear"), 0, 0, &mine);
    failed += claim(two.value.high > 30, "stiff-1e4, rho .99: u8-two bursts");
    failed += claim(cubic.value.high < 10, "stiff-1e4, rho .99: u8-cubic does not");
    failed += claim(block.value.median > 1e3, "stiff-1e4, rho .99: block-linear loses its way");
    return failed;
}

int run_problems(const struct options *options)
{
    const struct format *formats[COLUMNS_MAX - 2];
    const char *const list = options->formats ? options->formats : "u16-n,u16-two,u16,u8-n,u8-two,v8q8,u8-cubic";
    const int count = read_formats(list, formats, COLUMNS_MAX - 2);
    if (count == 0)
        return 1;
    if (options->csv)
        printf("problem,format,rho,eps,seed,f32,value,distance\n");
    fill(formats, count, options);
    for (enum show show = VALUE; show <= WORSE && !options->csv; show++)
        print_table(show, formats, count, options);
    return claims_of_problems(options);
}

/* ---- rho and eps ---- */

int run_grid(const struct options *options)
{
    static const double rhos[] = {0.9, 0.95, 0.99, 0.999}, epses[] = {1e-8, 1e-6, 1e-4};
    const char *const list = options->formats ? options->formats : "u16-n,u16-two,u16,u8-two,v8q8,u8-cubic";
    const struct format *formats[COLUMNS_MAX - 2];
    const int count = read_formats(list, formats, COLUMNS_MAX - 2);
    struct options mine = *options;
    int failed = 0;
    mine.seeds = options->quick ? 1 : options->seeds;
    mine.steps = options->quick ? 400 : options->steps;
    printf("Medians over %d seeds of the distance from f32's path (of the final value over f32's), %u steps:\n\n"
           "| problem | rho | eps | f32, start off by 1e-6 |",
           mine.seeds, mine.steps);
    for (int k = 0; k < count; k++)
        printf(" %s |", formats[k]->name);
    printf("\n|---|---:|---:|---:|");
    for (int k = 0; k < count; k++)
        printf("---:|");
    for (size_t p = 0; problem_at(p); p++)
        for (int r = 0; r < 4 && is_asked(problem_at(p), options); r++)
            for (int e = 0; e < 3; e++) {
                mine.settings.rho = rhos[r], mine.settings.eps = epses[e];
                walk_base(problem_at(p), &mine);
                printf("\n| %s | %g | %g |", problem_at(p)->name, rhos[r], epses[e]);
                for (int k = -1; k < count; k++) {
                    const struct format *format = k < 0 ? format_find("f32") : formats[k];
                    const struct outcome outcome = walk_all(problem_at(p), format, k < 0 ? 1e-6 : 0, 0, &mine);
                    printf(" %.1e (%.3g) |", outcome.distance.median, outcome.value.median);
                    failed +=
                        claim(strcmp(format->name, "u16") != 0 || outcome.value.median < 4,
                              "%s, rho %g, eps %g: u16 does not lose its way", problem_at(p)->name, rhos[r], epses[e]);
                }
            }
    printf("\n");
    return failed;
}

/* ---- Every format ---- */

enum { HARD = 5, FORMATS_MAX = 64 };
static const char *const hard[HARD] = {"rosenbrock", "stiff-1e4", "noisy-1", "seldom", "constant"};
static struct outcome every[FORMATS_MAX][HARD];

static void print_every(const struct options *options)
{
    const struct format *format;
    printf(
        "\nrho %g, eps %g, %u steps, %d seeds: median distance from f32's path; final value over f32's, quartiles:\n\n"
        "| format | bits |",
        options->settings.rho, options->settings.eps, options->steps, options->seeds);
    for (size_t p = 0; p < HARD; p++)
        printf(" %s |", hard[p]);
    printf("\n|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; (format = format_at(i)); i++) {
        printf("| %s | %g |", format->name, format->bits);
        for (size_t p = 0; p < HARD; p++) {
            printf(" ");
            print_number(every[i][p].distance.median);
            printf("; ");
            print_number(every[i][p].value.low);
            printf(" to ");
            print_number(every[i][p].value.high);
            printf(" |");
        }
        printf("\n");
    }
}

static struct outcome *every_of(const char *format, const char *problem)
{
    size_t i = 0, p = 0;
    while (format_at(i) != format_find(format))
        i++;
    while (strcmp(hard[p], problem) != 0)
        p++;
    return &every[i][p];
}

int run_further(const struct options *options)
{
    const struct format *format;
    struct options mine = *options;
    int failed = 0;
    for (int slow = 0; slow < (options->quick ? 1 : 2); slow++) {
        mine.settings.rho = slow ? 0.99 : 0.95;
        mine.seeds = options->quick ? 1 : options->seeds;
        mine.steps = options->quick ? 3000 : options->steps;
        for (size_t p = 0; p < HARD; p++) {
            walk_base(problem_find(hard[p]), &mine);
            for (size_t i = 0; (format = format_at(i)); i++)
                every[i][p] = walk_all(problem_find(hard[p]), format, 0, 0, &mine);
        }
        print_every(&mine);
        failed +=
            claim(slow || every_of("u8-weyl", "constant")->value.low > 1.2, "chances even over the steps go too far");
        failed += claim(every_of("v7u9", "stiff-1e4")->value.median > 100, "u finer than v drifts away");
        failed += claim(every_of("v7u9-log", "stiff-1e4")->value.median < 100, "unless log w is rounded");
        failed +=
            claim(every_of("u8-cubic", "noisy-1")->distance.median < every_of("u8-two", "noisy-1")->distance.median,
                  "one chance is nearer to float than two");
    }
    return failed;
}
