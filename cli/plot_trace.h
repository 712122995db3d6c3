/* SPDX-License-Identifier: MIT */
/* The picture of a trace, after the paper's Figure 2: on the left the effective rates of the sampled weights, on the
   right their updates. */
#ifndef CLI_PLOT_TRACE_H
#define CLI_PLOT_TRACE_H

#include "plot_table.h"

/* The header of a trace. */
extern const struct known_header trace_header;

/* Draws a table with that header. title NULL: one of its own. */
enum verdict plot_trace(const char *path, const struct plot_table *table, const char *title, struct trouble *trouble);

#endif
