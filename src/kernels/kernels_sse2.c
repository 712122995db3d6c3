/* SPDX-License-Identifier: MIT */
#include "../words/vec_sse2.h"
#define ISA sse2
#include "kernels.inc.h"
