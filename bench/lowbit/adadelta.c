/* SPDX-License-Identifier: MIT */
/* See adadelta.h. Everything is in units in which eps is 1: gradients over sqrt(eps), averages over eps. */
#include "adadelta.h"

#include <math.h>
#include <string.h>

struct rates {
    double rho, rest; /* rest: 1 - rho, formed in double */
};

/* The step's length, and the averages after it. */
static double step_float(struct rates rates, double gradient, double *square_avg, double *acc_delta)
{
    const float rho = (float)rates.rho, rest = (float)rates.rest;
    const float g = (float)gradient, u = (float)*acc_delta;
    const float v = rho * (float)*square_avg + rest * (g * g);
    const float d = sqrtf((u + 1) / (v + 1)) * g;
    *square_avg = v;
    *acc_delta = rho * u + rest * (d * d);
    return d;
}

static double step_double(struct rates rates, double g, double *square_avg, double *acc_delta)
{
    const double u = *acc_delta, v = rates.rho * *square_avg + rates.rest * (g * g);
    const double d = sqrt((u + 1) / (v + 1)) * g;
    *square_avg = v;
    *acc_delta = rates.rho * u + rates.rest * (d * d);
    return d;
}

void walker_start(struct walker *walker, const struct format *format, const struct settings *settings, uint64_t seed,
                  size_t n, const double *x)
{
    static const double zero[PARAMETERS_MAX];
    memset(walker, 0, sizeof *walker);
    walker->format = format;
    walker->settings = *settings;
    walker->seed = seed;
    walker->kept.n = n;
    walker->kept.eps = settings->eps;
    for (int which = 0; which < 2; which++)
        walker->kept.code[which] = walker->code[which];
    for (size_t i = 0; i < n; i++)
        walker->x[i] = format->doubles ? x[i] : (float)x[i];
    format->keep(format, &walker->kept, (struct moment){seed, 0}, zero, zero);
}

void walker_step(struct walker *walker, const double *g)
{
    const struct format *format = walker->format;
    const struct settings *settings = &walker->settings;
    const unsigned every = format->every ? (unsigned)format->every : 1;
    const int moves = ++walker->step % every == 0;
    const double rest = (1 - settings->rho) * (moves ? every : 1), root = sqrt(settings->eps);
    const struct rates rates = {1 - rest, rest};
    double v[PARAMETERS_MAX], u[PARAMETERS_MAX];
    format->recall(format, &walker->kept, v, u);
    for (size_t i = 0; i < walker->kept.n; i++) {
        double in_units = g[i] / root;
        if (format->bound > 0)
            in_units = fmax(fmin(in_units, format->bound), -format->bound);
        if (format->doubles)
            walker->x[i] -= settings->lr * root * step_double(rates, in_units, &v[i], &u[i]);
        else
            walker->x[i] =
                (float)walker->x[i] - (float)(settings->lr * root * step_float(rates, in_units, &v[i], &u[i]));
    }
    if (moves)
        format->keep(format, &walker->kept, (struct moment){walker->seed, walker->step}, v, u);
}
