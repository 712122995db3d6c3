/* SPDX-License-Identifier: MIT */
/* adadelta_update_f32 and _f64 without a C library: what update.c wants of files that need one. In place of
   kernels/dispatch.c; docs/freestanding.md has the rest. */
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
