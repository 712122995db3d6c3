/* SPDX-License-Identifier: MIT */
/* See bench_case.h. Step and limit take turns in rounds, so that a slow moment of the machine hits both. */
#include "bench_case.h"

#include <math.h>
#include <stdlib.h>

#include "bench_clock.h"
#include "bench_subject.h"

/* A round lasts a millisecond at least, against the grain of clock and scheduler. */
static const double round_seconds = 1e-3, default_seconds = 0.3;
enum { MIN_ROUNDS = 7, MAX_ROUNDS = 300, TRIALS = 5 };

struct timing {
    struct bench bench;
    enum adadelta_status status; /* of the first step that failed */
    int limit_threads;
};

typedef void action(struct timing *timing);

static void take_step(struct timing *timing)
{
    const enum adadelta_status status = adadelta_step(timing->bench.optimizer);
    timing->status = timing->status ? timing->status : status;
}

static void take_limit(struct timing *timing)
{
    limit_run(&timing->bench.limit, timing->limit_threads);
}

static double seconds(struct timing *timing, action *act, size_t calls)
{
    const double begin = clock_seconds();
    for (size_t i = 0; i < calls; i++)
        act(timing);
    return clock_seconds() - begin;
}

/* Way number k to walk: each alone, then each with the step's threads. */
static void set_way(struct timing *timing, int k)
{
    limit_choose(&timing->bench.limit, (enum limit_way)(k % LIMIT_WAYS));
    timing->limit_threads = k < LIMIT_WAYS ? 1 : timing->bench.plan->threads;
}

/* Seconds for one walk, from as many as fit in a round: a team on a short row may take a thousand times as long as one
   thread alone. */
static double try_limit(struct timing *timing)
{
    const double once = fmax(seconds(timing, take_limit, 1), 1e-9); /* the clock may not have moved */
    const size_t calls = once < round_seconds ? (size_t)(round_seconds / once) : 1;
    return seconds(timing, take_limit, calls) / (double)calls;
}

/* The limit is the fastest that any way to walk reaches, with the step's threads or, where a row is too short to be
   worth a team, alone. */
static void choose_limit(struct timing *timing)
{
    const int ways = timing->bench.plan->threads > 1 ? 2 * LIMIT_WAYS : LIMIT_WAYS;
    double best[2 * LIMIT_WAYS];
    int fastest = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int k = 0; k < ways; k++) {
            set_way(timing, k);
            const double taken = try_limit(timing);
            best[k] = trial == 0 ? taken : fmin(best[k], taken);
        }
    }
    for (int k = 1; k < ways; k++)
        fastest = best[k] < best[fastest] ? k : fastest;
    set_way(timing, fastest);
}

static enum verdict measure(struct timing *timing, struct bench_times *times, struct trouble *trouble)
{
    const struct bench_plan *plan = timing->bench.plan;
    size_t calls = 1, rounds = plan->rounds;
    double once;
    while ((once = seconds(timing, take_step, calls)) < round_seconds)
        calls *= 2;
    choose_limit(timing);
    if (!rounds)
        rounds = (size_t)fmin(fmax(default_seconds / (2 * once), MIN_ROUNDS), MAX_ROUNDS);

    double *step = calloc(2 * rounds, sizeof *step), *limit = step + rounds;
    if (!step)
        return blame_memory(trouble);
    for (size_t i = 0; i < rounds; i++) {
        step[i] = seconds(timing, take_step, calls);
        limit[i] = seconds(timing, take_limit, calls);
    }
    const double unit = 1e9 / (double)calls / (double)bench_moved(plan);
    times->step_ns = median(step, rounds) * unit;
    times->limit_ns = median(limit, rounds) * unit;
    times->bytes = limit_bytes(&timing->bench.limit);
    free(step);
    return timing->status
               ? blame(trouble, FAILED, "a step failed while it was timed: %s", adadelta_status_string(timing->status))
               : DONE;
}

enum verdict bench_case(const struct bench_plan *plan, struct bench_times *times, struct trouble *trouble)
{
    struct timing timing = {.status = ADADELTA_OK};
    enum verdict verdict = bench_set_up(&timing.bench, plan, trouble);
    if (verdict == DONE)
        verdict = bench_check(&timing.bench, trouble);
    if (verdict == DONE)
        verdict = measure(&timing, times, trouble);
    bench_clear(&timing.bench);
    return verdict;
}

enum verdict bench_case_possible(const struct bench_plan *plan, struct trouble *trouble)
{
    struct bench_plan least = *plan;
    struct bench bench;
    least.n = least.tensors = least.row_width = 1;
    least.paper = 0;
    least.threads = 1;
    const enum verdict verdict = bench_set_up(&bench, &least, trouble);
    bench_clear(&bench);
    return verdict == DONE ? DONE : MISUSE;
}
