/* SPDX-License-Identifier: MIT */
/* adadelta_update_f32 and _f64 without a C library: what update.c wants of files that need one. In place of
   kernels/dispatch.c and tensor.c; docs/freestanding.md has the rest. */
#include "optimizer.h"

extern const struct kernel_set kernels_scalar;

const struct kernel_set *kernels_in_use(void)
{
    return &kernels_scalar;
}

const char *adadelta_isa_name(void)
{
    return kernels_scalar.isa;
}

int arrays_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return a && b && a_bytes && b_bytes && p < q + b_bytes && q < p + a_bytes;
}
