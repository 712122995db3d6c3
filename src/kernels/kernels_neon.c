/* SPDX-License-Identifier: MIT */
#include "../words/vec_neon.h"
#define ISA neon
#include "kernels.inc.h"
