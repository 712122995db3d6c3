/* SPDX-License-Identifier: MIT */
/* lowbit: what happens to Adadelta when its averages are kept in few bits. A command for each table and picture of
   docs/lowbit.md. */
#include "lowbit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *about;
    command *run;
} commands[] = {
    {"formats", "the formats", list_formats},
    {"problems", "final value and distance from float's path, problem by problem", run_problems},
    {"grid", "the same in short for rho .9 to .999 and eps 1e-8 to 1e-4", run_grid},
    {"breaks", "where 8 bits break: a stiff quadratic", run_breaks},
    {"further", "every format on five problems", run_further},
    {"deadzone", "an average that should decay, step by step", run_deadzone},
    {"threshold", "which averages never move, by enumeration", run_threshold},
    {"bias", "the mean of what is kept", run_bias},
    {"noise", "the noise of v, and what it does to the step", run_noise},
    {"slow", "the noise of u/v, which is hardly ever forgotten", run_slow},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int usage(FILE *to)
{
    fprintf(to,
            "lowbit COMMAND [--seeds N] [--steps N] [--rho X] [--eps X] [--formats A,B,...] [--problems PART] [--csv] "
            "[--quick] [-o FILE.svg]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "\n--problems takes those whose name has that part. --quick runs in two seconds at most and checks "
                "what must hold all the same.\n");
    return to == stderr ? 2 : 0;
}

static const char *const flags[] = {"--quick", "--csv"};
static const char *const valued[] = {"--seeds", "--steps", "--rho", "--eps", "--formats", "--problems", "-o"};

enum { VALUED = sizeof valued / sizeof *valued };

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* 0 where every argument was understood. */
static int read_options(int count, char **arguments, struct options *options)
{
    int *const switches[] = {&options->quick, &options->csv};
    const char *texts[VALUED] = {NULL};
    for (int i = 0; i < count; i++) {
        const int flag = find(flags, 2, arguments[i]), value = find(valued, VALUED, arguments[i]);
        if (flag >= 0)
            *switches[flag] = 1;
        else if (value >= 0 && i + 1 < count)
            texts[value] = arguments[++i];
        else
            return fprintf(stderr, "lowbit: %s: no such option, or without its value\n", arguments[i]), -1;
    }
    options->seeds = texts[0] ? atoi(texts[0]) : options->quick ? 6 : 40;
    options->steps = texts[1] ? (uint32_t)atol(texts[1]) : options->quick ? 1000 : 5000;
    options->settings.rho = texts[2] ? atof(texts[2]) : options->settings.rho;
    options->settings.eps = texts[3] ? atof(texts[3]) : options->settings.eps;
    options->formats = texts[4];
    options->problems = texts[5];
    options->picture = texts[6];
    if (options->seeds < 1 || options->seeds > SEEDS_MAX || options->steps < PLACES ||
        !(options->settings.rho >= 0 && options->settings.rho < 1) || !(options->settings.eps > 0))
        return fprintf(stderr, "lowbit: 1 to %d seeds, %d steps or more, 0 <= rho < 1, eps > 0\n", SEEDS_MAX, PLACES),
               -1;
    return 0;
}

int main(int count, char **arguments)
{
    struct options options = {.settings = {1, 0.95, 1e-6}};
    if (count < 2 || strcmp(arguments[1], "--help") == 0)
        return usage(count < 2 ? stderr : stdout);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, arguments[1]) != 0)
            continue;
        if (read_options(count - 2, arguments + 2, &options) != 0)
            return 2;
        return commands[i].run(&options) != 0 || fflush(stdout) != 0;
    }
    fprintf(stderr, "lowbit: %s: no such command\n", arguments[1]);
    return usage(stderr);
}

int claim(int holds, const char *format, ...)
{
    va_list arguments;
    if (holds)
        return 0;
    fprintf(stderr, "lowbit: does not hold: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    return 1;
}

FILE *plot_open(const char *path, int width, int height)
{
    FILE *file = fopen(path, "w"), *plot;
    if (!file)
        return fprintf(stderr, "lowbit: %s: cannot be written\n", path), NULL;
    fclose(file);
    plot = popen("gnuplot --default-settings", "w");
    if (!plot)
        return fprintf(stderr, "lowbit: %s: gnuplot could not be started\n", path), NULL;
    fprintf(plot,
            "set encoding utf8\n"
            "set terminal svg size %d,%d font 'sans,14' linewidth 1.5 background rgb 'white'\n"
            "set output '%s'\n"
            "set grid lc rgb '#dddddd'\nset border lc rgb '#555555'\n",
            width, height, path);
    return plot;
}

int plot_close(FILE *plot)
{
    return pclose(plot) != 0;
}
