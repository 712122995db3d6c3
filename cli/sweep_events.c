/* SPDX-License-Identifier: MIT */
/* See sweep_events.h. */
#include "sweep_events.h"

#include <stdio.h>

#include "report.h"

static json_t *describe_cell(const struct sweep *sweep, size_t cell, const char *event)
{
    const struct summary summary = sweep_summary(sweep, cell);
    return json_pack("{s:s,s:o,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "event", event, "axes",
                     grid_cell_json(&sweep->grid, cell), "metric", metric_style(sweep->metric)->name, "n",
                     (json_int_t)summary.n, "failed", (json_int_t)summary.failed, "mean", report_number(summary.mean),
                     "sd", report_number(summary.deviation), "min", report_number(summary.least), "median",
                     report_number(summary.middle), "max", report_number(summary.most));
}

enum verdict sweep_report_cells(const struct sweep *sweep, struct trouble *trouble)
{
    const size_t best = sweep_best(sweep), count = sweep->grid.cell_count;
    enum verdict verdict = DONE;
    for (size_t cell = 0; cell < count && verdict == DONE; cell++)
        verdict = report_json(stdout, describe_cell(sweep, cell, "cell"), trouble);
    if (verdict == DONE && best < count)
        verdict = report_json(stdout, describe_cell(sweep, best, "best"), trouble);
    return verdict;
}
