/* SPDX-License-Identifier: MIT */
/* The result of a sweep as JSON lines: one for each cell, and the best of them. */
#ifndef CLI_SWEEP_EVENTS_H
#define CLI_SWEEP_EVENTS_H

#include "sweep_result.h"

enum verdict sweep_report_cells(const struct sweep *sweep, struct trouble *trouble);

#endif
