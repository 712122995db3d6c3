/* SPDX-License-Identifier: MIT */
/* A walk of one format over one instance of a problem, and what of many walks is told. */
#ifndef LOWBIT_TRIAL_H
#define LOWBIT_TRIAL_H

#include "problems.h"

enum { PLACES = 64, SEEDS_MAX = 1000 };

struct trial {
    double value;                         /* mean of the last eighth of the places */
    double place[PLACES][PARAMETERS_MAX]; /* evenly spaced over the steps */
    double at[PLACES];                    /* the value there */
    int lost;                             /* 1: a parameter was no number any more, or beyond 1e30 */
};

/* Walks `steps` steps; `start_off` is added to each of the start's coordinates, relative to it. */
void trial_walk(const struct instance *instance, const struct format *format, const struct settings *settings,
                uint32_t steps, double start_off, struct trial *trial);

/* How far apart two walks are: root mean square over the places, in units of how far the first went from its start. */
double trial_distance(const struct instance *instance, const struct trial *first, const struct trial *second);

struct quartiles {
    double low, median, high;
};

struct quartiles quartiles_of(const double *values, size_t n);

/* How probable it is, were it a coin's toss each time, to be as far from half or farther. */
double sign_test(int worse, int of);

#endif
