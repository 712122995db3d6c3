/* SPDX-License-Identifier: MIT */
/*
 * The BLAS that was found can be called by many threads at once, each call on its own thread. Not every build can: two
 * callers of OpenBLAS's serial build share its work buffers, and whole products come out wrong. The trainer uses one
 * thread with that build, and so does this.
 */
#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOBS = 8, ROUNDS = 100, ROWS = 150, COLUMNS = 300, DEPTH = 200 };

static float left[JOBS][ROWS * DEPTH], right[DEPTH * COLUMNS], expected[JOBS][ROWS * COLUMNS];

/* Small integers: every product and sum is exact, so that any order of the sums gives the same bits. */
static void fill(float *values, int count, unsigned *seed)
{
    for (int i = 0; i < count; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        values[i] = (float)(*seed >> 28) - 7;
    }
}

static void multiply_plainly(const float *a, float *c)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            float sum = 0;
            for (int k = 0; k < DEPTH; k++)
                sum += a[i * DEPTH + k] * right[k * COLUMNS + j];
            c[i * COLUMNS + j] = sum;
        }
}

/* Whether BLAS gives the product of job. */
static int wrong(int job)
{
    static _Thread_local float product[ROWS * COLUMNS];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, COLUMNS, DEPTH, 1, left[job], DEPTH, right, COLUMNS, 0,
                product, COLUMNS);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        if (product[i] != expected[job][i])
            return 1;
    return 0;
}

int main(void)
{
    static const int teams[] = {1, 2, 4, 16};
    unsigned seed = 1;
    int bad = 0;
    openblas_set_num_threads(1);
    fill(right, DEPTH * COLUMNS, &seed);
    for (int job = 0; job < JOBS; job++) {
        fill(left[job], ROWS * DEPTH, &seed);
        multiply_plainly(left[job], expected[job]);
    }
    const size_t team_count = openblas_get_parallel() == OPENBLAS_SEQUENTIAL ? 1 : sizeof teams / sizeof *teams;
    for (size_t t = 0; t < team_count; t++)
#pragma omp parallel for num_threads(teams[t]) schedule(dynamic, 1) reduction(+ : bad)
        for (int call = 0; call < ROUNDS * JOBS; call++)
            bad += wrong(call % JOBS);
    if (bad)
        fprintf(stderr, "%d products came out wrong: %s\n", bad, openblas_get_config());
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
