/* SPDX-License-Identifier: MIT */
/* The root of eps is a learning rate, and E[dx^2] a gain on it, which tells how steady the size of the gradients is and
   not their direction (docs/math.md, "What eps does"). As CSV, to be drawn with both axes logarithmic:

       hidden-rate          the gain by step, for five kinds of gradients
       hidden-rate steps    RMS[dx] by step, for gradients of one kind and four eps above */
#include <adadelta.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 100000 };

/* Between 0 and 1 (Vigna 2016, xorshift64*). */
static double uniform(void)
{
    static uint64_t state = 2012;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return ((double)(state * 2685821657736338717u >> 11) + 0.5) / 9007199254740992;
}

static double normal(void)
{
    const double turn = 6.283185307179586 * uniform();
    return sqrt(-2 * log(uniform())) * cos(turn);
}

/* Steps to print are evenly spaced in their logarithms, a dozen in a decade. */
static int printed(int step)
{
    static int next = 1;
    if (step < next && step < STEPS)
        return 0;
    next += 1 + next / 6;
    return 1;
}

/* ---- The gain ---- */

enum stream { CONSTANT, RANDOM_SIGN, GAUSSIAN, HEAVY_TAILS, SPARSE, STREAMS };

enum { COPIES = 31 }; /* of each kind, for a median */

/* A gradient of mean square 1. */
static double draw(int stream)
{
    const double n = normal();
    switch (stream) {
    case RANDOM_SIGN:
        return n < 0 ? -1 : 1;
    case GAUSSIAN:
        return n;
    case HEAVY_TAILS: { /* Student's t with 3 degrees of freedom: the fourth moment is infinite */
        const double m = normal();
        return n / sqrt(m * m - 2 * log(uniform()));
    }
    case SPARSE: /* nine in ten are 0 */
        return uniform() < 0.1 ? n * sqrt(10) : 0;
    default:
        return 1;
    }
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By how much u makes steps larger. */
static double median_gain(const double u[COPIES], double eps)
{
    double sorted[COPIES];
    memcpy(sorted, u, sizeof sorted);
    qsort(sorted, COPIES, sizeof *sorted, compare);
    return sqrt((sorted[COPIES / 2] + eps) / eps);
}

static enum adadelta_status print_gains(void)
{
    static double x[STREAMS * COPIES], g[STREAMS * COPIES], v[STREAMS * COPIES], u[STREAMS * COPIES];
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    printf("step,constant,random sign,Gaussian noise,heavy tails,sparse,sqrt(22.5 + 0.05 step)\n");
    for (int step = 1; step <= STEPS; step++) {
        for (int i = 0; i < STREAMS * COPIES; i++)
            g[i] = draw(i / COPIES);
        const enum adadelta_status status = adadelta_update_f64(STREAMS * COPIES, x, g, v, u, &hyper);
        if (status)
            return status;
        if (!printed(step))
            continue;
        printf("%d", step);
        for (int stream = 0; stream < STREAMS; stream++)
            printf(",%.6g", median_gain(u + stream * COPIES, hyper.eps));
        printf(",%.6g\n", sqrt(22.5 + (1 - hyper.rho) * step));
    }
    return ADADELTA_OK;
}

/* ---- The steps ---- */

/* The rule with two eps; returns d. */
static double two_eps_step(double above, double below, double rho, double g, double *v, double *u)
{
    *v = rho * *v + (1 - rho) * g * g;
    const double d = sqrt((*u + above) / (*v + below)) * g;
    *u = rho * *u + (1 - rho) * d * d;
    return d;
}

/* The same steps are the library's, with the eps below and the rate sqrt(above/below). */
static enum adadelta_status print_steps(void)
{
    static const double above[] = {1e-8, 1e-6, 1e-4, 1e-2};
    enum { COUNT = sizeof above / sizeof *above };
    double v[COUNT] = {0}, u[COUNT] = {0}, own_v[COUNT] = {0}, own_u[COUNT] = {0};
    struct adadelta_hyper hyper = adadelta_hyper_default();
    double off = 0;
    printf("step,eps above 1e-8,eps above 1e-6,eps above 1e-4,eps above 1e-2\n");
    for (int step = 1; step <= STEPS; step++) {
        const double g = normal();
        const int print = printed(step);
        if (print)
            printf("%d", step);
        for (int i = 0; i < COUNT; i++) {
            double x = 0;
            hyper.lr = sqrt(above[i] / hyper.eps);
            const enum adadelta_status status = adadelta_update_f64(1, &x, &g, &v[i], &u[i], &hyper);
            if (status)
                return status;
            const double d = two_eps_step(above[i], hyper.eps, hyper.rho, g, &own_v[i], &own_u[i]);
            off = fmax(off, fabs(-x / d - 1));
            if (print)
                printf(",%.6g", sqrt(own_u[i] + above[i]));
        }
        if (print)
            printf("\n");
    }
    fprintf(stderr, "steps of the rule with two eps and the library's differ by %.1e at most\n", off);
    return off < 1e-12 ? ADADELTA_OK : ADADELTA_ERROR_MISMATCH;
}

int main(int argc, char **argv)
{
    return argc > 1 && !strcmp(argv[1], "steps") ? print_steps() : print_gains();
}
