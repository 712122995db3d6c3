/* SPDX-License-Identifier: MIT */
/* One Adadelta step on the caller's arrays: checks, then one kernel call. Builds without a C library
   (docs/freestanding.md). */
#include "kernels/kernels.h"
#include "optimizer.h"

int arrays_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return a && b && a_bytes && b_bytes && p < q + b_bytes && q < p + a_bytes;
}

static enum adadelta_status update(enum adadelta_dtype dtype, size_t size, size_t n, void *x, const void *g,
                                   void *square_avg, void *acc_delta, const struct adadelta_hyper *hyper)
{
    const struct adadelta_hyper defaults = adadelta_hyper_default();
    if (!hyper)
        hyper = &defaults;
    const enum adadelta_status status = method_check(hyper, dtype, dtype);
    if (status)
        return status;
    const struct kernel_set *kernels = kernels_in_use();
    if (!kernels)
        return ADADELTA_ERROR_ISA;
    if (n == 0)
        return ADADELTA_OK;
    if (!x || !g || !square_avg || !acc_delta || n > PTRDIFF_MAX / size)
        return ADADELTA_ERROR_ARGUMENT;

    const size_t bytes = n * size;
    const void *const arrays[] = {x, g, square_avg, acc_delta};
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            if (arrays_overlap(arrays[i], bytes, arrays[k], bytes))
                return ADADELTA_ERROR_OVERLAP;
        }
    }
    const struct coefs coefs = method_coefs(ADADELTA_METHOD_ADADELTA, hyper, 1);
    const struct arrays step = {.x = x, .gradient = g, .state = {square_avg, acc_delta}};
    kernels->update[dtype][dtype][ADADELTA_METHOD_ADADELTA](n, &step, &coefs, NULL);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_update_f32(size_t n, float *x, const float *g, float *square_avg, float *acc_delta,
                                         const struct adadelta_hyper *hyper)
{
    return update(ADADELTA_F32, sizeof *x, n, x, g, square_avg, acc_delta, hyper);
}

enum adadelta_status adadelta_update_f64(size_t n, double *x, const double *g, double *square_avg, double *acc_delta,
                                         const struct adadelta_hyper *hyper)
{
    return update(ADADELTA_F64, sizeof *x, n, x, g, square_avg, acc_delta, hyper);
}
