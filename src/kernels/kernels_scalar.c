/* SPDX-License-Identifier: MIT */
#include "../words/vec_scalar.h"
#define ISA scalar
#include "kernels.inc.h"
