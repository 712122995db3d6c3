/* SPDX-License-Identifier: MIT */
/* The options of `bench step`, read into the rows that they ask for. */
#ifndef CLI_BENCH_REQUEST_H
#define CLI_BENCH_REQUEST_H

#include "args.h"
#include "bench_plan.h"

extern const struct option_group bench_step_options;

struct bench_request {
    struct bench_plan *plans; /* [count] */
    size_t count;
};

/* Refuses what cannot be before anything is timed. *request is to be given to bench_request_free, whatever comes of
   it. */
enum verdict bench_request_read(struct bench_request *request, const struct args *args, struct trouble *trouble);

void bench_request_free(struct bench_request *request);

#endif
