/* SPDX-License-Identifier: MIT */
/* Orders for qsort. */
#ifndef CLI_ORDER_H
#define CLI_ORDER_H

/* Numbers, none of them NAN, from small to large. */
int ascending(const void *a, const void *b);

#endif
