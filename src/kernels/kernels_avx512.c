/* SPDX-License-Identifier: MIT */
#include "../words/vec_avx512.h"
#define ISA avx512
#include "kernels.inc.h"
