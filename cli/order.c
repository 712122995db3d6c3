/* SPDX-License-Identifier: MIT */
/* See order.h. */
#include "order.h"

int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
