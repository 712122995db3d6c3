/* SPDX-License-Identifier: MIT */
/* Stands for CBLAS in the Python package: the little that train/ asks of it, served by the BLAS inside SciPy, so that
   installing needs none of its own. */
#ifndef PYTHON_CBLAS_H
#define PYTHON_CBLAS_H

enum CBLAS_ORDER { CblasRowMajor = 101 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 };

/* C [m, n] = alpha op(A) op(B) + beta C, all row-major; ld is the distance between rows. */
void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a, enum CBLAS_TRANSPOSE transpose_b, int m,
                 int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c,
                 int ldc);

/* Does nothing: threadpoolctl keeps SciPy's BLAS to one thread. */
void openblas_set_num_threads(int threads);

/* OPENBLAS_SEQUENTIAL after blas_set_sequential(1): then no two threads may be in BLAS at once. */
enum { OPENBLAS_SEQUENTIAL, OPENBLAS_THREAD };
int openblas_get_parallel(void);
void blas_set_sequential(int sequential);

/* Fortran's sgemm, with 32-bit integers. */
typedef void fortran_sgemm(char *transpose_a, char *transpose_b, int *m, int *n, int *k, float *alpha, float *a,
                           int *lda, float *b, int *ldb, float *beta, float *c, int *ldc);

/* Must be called before any product. */
void blas_set_sgemm(fortran_sgemm *sgemm);

#endif
