/* SPDX-License-Identifier: MIT */
/* Adadelta as one would write it down from the paper: two roots, one loop, no thought of speed. `adadelta bench step
   --peers` has it compiled on the spot, with REAL float or double, and with -fopenmp for more than one thread.
   README.md beside this file says what it reads and prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>
#include <time.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { PERIOD = 65536 };

static void step(size_t n, REAL *restrict x, const REAL *restrict g, REAL *restrict v, REAL *restrict u, REAL lr,
                 REAL rho, REAL eps)
{
#ifdef _OPENMP
#pragma omp parallel for
#endif
    for (size_t i = 0; i < n; i++) {
        v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
        REAL d = sqrt(u[i] + eps) / sqrt(v[i] + eps) * g[i];
        u[i] = rho * u[i] + (1 - rho) * d * d;
        x[i] -= lr * d;
    }
}

static double now(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 9)
        return 2;
    const size_t n = strtoull(argv[1], NULL, 10), samples = strtoull(argv[8], NULL, 10);
    const REAL lr = (REAL)strtod(argv[4], NULL), rho = (REAL)strtod(argv[5], NULL), eps = (REAL)strtod(argv[6], NULL);
    REAL *x = malloc(n * sizeof *x), *g = malloc(n * sizeof *g), *v = malloc(n * sizeof *v), *u = malloc(n * sizeof *u);
    if (!x || !g || !v || !u)
        return 1;
#ifdef _OPENMP
    omp_set_num_threads(atoi(argv[3]));
#endif
    for (size_t i = 0; i < n; i++) {
        x[i] = (REAL)(i * 40503 % PERIOD) / 32768 - 1;
        g[i] = (REAL)((i * 25173 + 13849) % PERIOD) / 32768 - 1;
        v[i] = u[i] = 0;
    }
    for (long left = atol(argv[7]); left > 0; left--)
        step(n, x, g, v, u, lr, rho, eps);
    for (size_t k = 0; k < samples; k++) {
        const size_t i = samples > 1 ? (n - 1) * k / (samples - 1) : 0;
        printf("value %.17g %.17g %.17g\n", (double)x[i], (double)v[i], (double)u[i]);
    }
#if defined __clang__
    printf("ready clang %s\n", __clang_version__);
#else
    printf("ready gcc %s\n", __VERSION__);
#endif
    fflush(stdout);

    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        const double begin = now();
        for (long left = atol(line); left > 0; left--)
            step(n, x, g, v, u, lr, rho, eps);
        printf("%.9f\n", now() - begin);
        fflush(stdout);
    }
    return 0;
}
