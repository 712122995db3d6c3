/* SPDX-License-Identifier: MIT */
/* typed.inc.h for BF16 parameters, with gradients of BF16 or of floats. */

#define STORED_X                        uint16_t
#define TAKE_X(a, i, count)             take_parameters(a, i, count)
#define TAKE_GRADIENT(a, i, count)      take_gradients(a, i, count)
#define PUT_X(a, i, number, count, run) put_parameters(a, i, number, count, run)
#define KEPT_SIZE(a)                    (kept_sizes[(a)->weights])
#define GRADIENT_SIZE(a)                ((a)->float_gradient ? sizeof(float) : sizeof(uint16_t))
#include "typed.inc.h"
