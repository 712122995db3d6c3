/* SPDX-License-Identifier: MIT */
/* The kernels: every rule for every type on one instruction set, and the set that this process uses. */
#ifndef ADADELTA_SRC_KERNELS_H
#define ADADELTA_SRC_KERNELS_H

#include "../method.h"

/* One step of a rule on n elements. x, gradient and the rule's state arrays [n] are of the kernel's type, of any
 * alignment. */
typedef void kernel(size_t n, void *x, const void *gradient, void *const state[], const struct coefs *coefs);

struct kernel_set {
    const char *isa;
    kernel *update[DTYPES][ADADELTA_METHOD_COUNT];
};

/* The set in use, or NULL where ADADELTA_ISA names none. Looked up once; any thread may ask. */
const struct kernel_set *kernels_in_use(void);

#endif
