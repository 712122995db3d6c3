/* SPDX-License-Identifier: MIT */
#include "../words/vec_avx2.h"
#define ISA avx2
#include "kernels.inc.h"
