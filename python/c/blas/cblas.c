/* SPDX-License-Identifier: MIT */
/* See cblas.h. */
#include "cblas.h"

static fortran_sgemm *sgemm_in_use;
static int is_sequential;

void blas_set_sgemm(fortran_sgemm *sgemm)
{
    sgemm_in_use = sgemm;
}

void blas_set_sequential(int sequential)
{
    is_sequential = sequential;
}

void openblas_set_num_threads(int threads)
{
    (void)threads;
}

int openblas_get_parallel(void)
{
    return is_sequential ? OPENBLAS_SEQUENTIAL : OPENBLAS_THREAD;
}

/* Fortran's matrices lie column by column: what it sees of a row-major one is the transpose, and the transpose of a
   product is the product of the transposes the other way round. */
void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a, enum CBLAS_TRANSPOSE transpose_b, int m,
                 int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c,
                 int ldc)
{
    char first = transpose_b == CblasTrans ? 'T' : 'N', second = transpose_a == CblasTrans ? 'T' : 'N';
    (void)order;
    sgemm_in_use(&first, &second, &n, &m, &k, &alpha, (float *)b, &ldb, (float *)a, &lda, &beta, c, &ldc);
}
