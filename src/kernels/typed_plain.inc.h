/* SPDX-License-Identifier: MIT */
/* typed.inc.h for parameters and gradients of the type computed in. */

#define STORED_X                        REAL
#define TAKE_X(a, i, count)             TYPED(take_word)((const REAL *)(a)->x + (i), count)
#define TAKE_GRADIENT(a, i, count)      TYPED(take_word)((const REAL *)(a)->gradient + (i), count)
#define PUT_X(a, i, number, count, run) TYPED(put_word)((REAL *)(a)->x + (i), number, count)
#define KEPT_SIZE(a)                    0
#define GRADIENT_SIZE(a)                sizeof(REAL)
#include "typed.inc.h"
