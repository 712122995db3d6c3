/* SPDX-License-Identifier: MIT */
/* What the commands share: options, claims and pictures. */
#ifndef LOWBIT_H
#define LOWBIT_H

#include <stdio.h>

#include "trial.h"

struct options {
    int seeds, quick, csv;
    uint32_t steps;
    struct settings settings;
    const char *formats, *problems, *picture; /* NULL where not given */
};

/* A command prints its table, draws its picture where one is asked for, and tells how many of its claims failed. */
typedef int command(const struct options *options);
command list_formats, run_problems, run_grid, run_breaks, run_further, run_deadzone, run_threshold, run_bias, run_noise,
    run_slow;

/* 0 where it holds; 1, and a line on standard error, where not. */
int claim(int holds, const char *format, ...);

/* A pipe to gnuplot that will draw to `path`, an .svg of that size in pixels, or NULL and a line on standard error. */
FILE *plot_open(const char *path, int width, int height);
int plot_close(FILE *plot); /* 1 where the picture failed */

/* Okabe and Ito's colours, which the colour-blind can tell apart. */
#define BLACK  "#000000"
#define ORANGE "#E69F00"
#define SKY    "#56B4E9"
#define GREEN  "#009E73"
#define BLUE   "#0072B2"
#define RED    "#D55E00"
#define PINK   "#CC79A7"

#endif
