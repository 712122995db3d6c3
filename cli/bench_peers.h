/* SPDX-License-Identifier: MIT */
/* `bench step --peers`: what others take for the same step. */
#ifndef CLI_BENCH_PEERS_H
#define CLI_BENCH_PEERS_H

#include "bench_plan.h"
#include "trouble.h"

/* Whether peers can do what the plans [count] ask of a step: MISUSE where not. */
enum verdict bench_peers_check(const struct bench_plan *plans, size_t count, struct trouble *trouble);

/* Prints a row for each plan and each peer that is installed; a remark for one that is not. FAILED where a peer
   computes something else than the step, which is said when the others have been measured. */
enum verdict bench_peers(const struct bench_plan *plans, size_t count, int as_json, int quiet, struct trouble *trouble);

#endif
