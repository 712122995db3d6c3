/* SPDX-License-Identifier: MIT */
/* See bench_step.h. */
#include "bench_step.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench_machine.h"
#include "bench_number.h"
#include "bench_peers.h"
#include "bench_plot.h"
#include "bench_request.h"
#include "bench_table.h"
#include "gnuplot.h"
#include "output.h"
#include "report.h"

/* Times and prints each row; times [request->count] is for the rows' times. */
static enum verdict measure(const struct bench_request *request, int as_json, struct bench_times *times,
                            struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t i = 0; i < request->count && verdict == DONE; i++) {
        verdict = bench_case(&request->plans[i], &times[i], trouble);
        if (verdict == DONE && !as_json && i == 0)
            bench_table_head(request->plans, request->count);
        if (verdict == DONE)
            verdict = as_json ? bench_table_json(&request->plans[i], &times[i], trouble)
                              : bench_table_row(request->plans, request->count, i, &times[i], trouble);
    }
    return verdict;
}

static enum verdict draw(const char *path, const struct bench_request *request, const struct bench_times *times,
                         int as_json, struct trouble *trouble)
{
    char text[256], subtitle[320];
    struct bench_point *points = calloc(request->count, sizeof *points);
    if (!points)
        return blame_memory(trouble);
    for (size_t i = 0; i < request->count; i++)
        points[i] =
            (struct bench_point){request->plans[i].n, request->plans[i].threads, times[i].step_ns, times[i].limit_ns};
    snprintf(subtitle, sizeof subtitle, "%s, %s, %s", bench_machine(text, sizeof text),
             number_name(request->plans->dtype), adadelta_isa_name());
    enum verdict verdict = bench_plot(path, points, request->count, subtitle, trouble);
    free(points);
    if (verdict == DONE && as_json)
        verdict = report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    else if (verdict == DONE)
        printf("\npicture in %s\n", path);
    return verdict;
}

/* What can be known before anything is timed. */
static enum verdict check(const struct bench_request *request, const struct option_value *values,
                          struct trouble *trouble)
{
    const char *picture = values[OPTION_PLOT].text;
    enum verdict verdict = picture ? gnuplot_check(picture, trouble) : DONE;
    if (verdict == DONE && picture)
        verdict = output_check(picture, NULL, 0, trouble);
    if (verdict == DONE && values[OPTION_PEERS].given)
        verdict = bench_peers_check(request->plans, request->count, trouble);
    return verdict;
}

enum verdict bench_step(const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const int as_json = values[OPTION_JSON].given, quiet = values[OPTION_QUIET].given;
    struct bench_request request;
    struct bench_times *times = NULL;
    enum verdict verdict = bench_request_read(&request, args, trouble);
    if (verdict == DONE)
        verdict = check(&request, values, trouble);
    if (verdict == DONE && !(times = calloc(request.count, sizeof *times)))
        verdict = blame_memory(trouble);
    if (verdict == DONE) {
        bench_remark_machine(quiet, request.plans[request.count - 1].threads);
        verdict = measure(&request, as_json, times, trouble);
    }
    if (verdict == DONE && values[OPTION_PLOT].given)
        verdict = draw(values[OPTION_PLOT].text, &request, times, as_json, trouble);
    if (verdict == DONE && values[OPTION_PEERS].given)
        verdict = bench_peers(request.plans, request.count, as_json, quiet, trouble);
    free(times);
    bench_request_free(&request);
    return verdict;
}
