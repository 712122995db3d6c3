/* SPDX-License-Identifier: MIT */
/* See bench_peers.h. All begin with the same numbers, by a formula that is exact in every language; a peer says what
   some parameters and their averages are after a few steps, and has to agree before it is timed. Then its rounds and
   those of this library take turns, each peer by itself, so that no other holds memory or wakes up meanwhile. */
#include "bench_peers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_clock.h"
#include "bench_number.h"
#include "bench_subject.h"
#include "peer_script.h"
#include "report.h"

enum { CHECK_STEPS = 4, CHECK_SAMPLES = 256, MIN_ROUNDS = 5, MAX_ROUNDS = 100, MAX_FLAGS = 4, PERIOD = 65536 };

/* A round lasts this long at least. Before each of ours the peer's threads, which may spin for a while, fall asleep. */
static const double round_seconds = 5e-3, default_seconds = 1, rest_seconds = 2e-3;
static const double patience = 1; /* seconds that a round may last of which the peer says that it was short */

/* In units of the last place: some peers multiply by a rounded 1 - rho or by a root's estimate, and four steps add up.
 */
static const double tolerance = 64;

/* A peer is a row. arrays: what it takes in arrays of n numbers, temporary ones too. */
struct peer_row {
    const char *name;
    const char *file;    /* in bench/ */
    const char *variant; /* for a script */
    const char *package; /* Debian's; NULL: it is compiled */
    const char *flags[MAX_FLAGS];
    double arrays;
};

static const struct peer_row rows[] = {
    {.name = "torch", .file = "peer_torch.py", .variant = "loop", .package = "python3-torch", .arrays = 8},
    {.name = "torch-foreach", .file = "peer_torch.py", .variant = "foreach", .package = "python3-torch", .arrays = 8},
    {.name = "numpy", .file = "peer_numpy.py", .variant = "whole", .package = "python3-numpy", .arrays = 6},
    {.name = "numpy-blocks", .file = "peer_numpy.py", .variant = "blocks", .package = "python3-numpy", .arrays = 4},
    {.name = "c", .file = "plain_loop.c", .flags = {"-O3", "-march=native"}, .arrays = 4},
    {.name = "c-fast-math", .file = "plain_loop.c", .flags = {"-O3", "-march=native", "-ffast-math"}, .arrays = 4},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* Parameters, gradients and averages of this library's own optimizer. */
enum { OWN_ARRAYS = 4 };

/* A parameter and its averages. */
struct sample {
    double x, v, u;
};

struct contest_of_steps {
    struct bench_plan plan;
    struct bench bench;
    struct sample samples[CHECK_SAMPLES]; /* this library's, after the first steps */
    size_t sample_count;
    const struct peer_row *row;
    struct peer peer;
    char version[PEER_LINE];
    double peer_ns, own_ns; /* for one parameter */
};

static enum verdict check_plan(const struct bench_plan *plan, struct trouble *trouble)
{
    if (plan->dtype != ADADELTA_F32 && plan->dtype != ADADELTA_F64)
        return blame(trouble, MISUSE, "--peers: goes with --dtype f32 or f64");
    if (plan->gradient != plan->dtype || plan->state != plan->dtype)
        return blame(trouble, MISUSE, "--peers: gradients and state must be of the parameters' type");
    if (plan->tensors != 1 || plan->extras)
        return blame(trouble, MISUSE, "--peers: goes with one tensor and a plain step");
    return DONE;
}

enum verdict bench_peers_check(const struct bench_plan *plans, size_t count, struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t i = 0; i < count && verdict == DONE; i++)
        verdict = check_plan(&plans[i], trouble);
    return verdict;
}

/* ---- This library's step ---- */

static void put(enum adadelta_dtype dtype, void *array, size_t i, size_t value)
{
    const double number = (double)(value % PERIOD) / 32768 - 1;
    if (dtype == ADADELTA_F32)
        ((float *)array)[i] = (float)number;
    else
        ((double *)array)[i] = number;
}

/* Parameter number k of those that are compared: from the first to the last. */
static size_t place_of(const struct contest_of_steps *contest, size_t k)
{
    return contest->sample_count > 1 ? (contest->plan.n - 1) * k / (contest->sample_count - 1) : 0;
}

/* Begins with the numbers that all begin with, and takes the steps that are checked. */
static enum verdict set_up(struct contest_of_steps *contest, struct trouble *trouble)
{
    const struct bench_plan *plan = &contest->plan;
    const enum verdict verdict = bench_set_up(&contest->bench, plan, trouble);
    if (verdict != DONE)
        return verdict;
    for (size_t i = 0; i < plan->n; i++) {
        put(plan->dtype, contest->bench.x, i, i * 40503);
        put(plan->dtype, contest->bench.g, i, i * 25173 + 13849);
    }
    for (int i = 0; i < CHECK_STEPS; i++)
        adadelta_step(contest->bench.optimizer);
    contest->sample_count = plan->n < CHECK_SAMPLES ? plan->n : CHECK_SAMPLES;
    for (size_t k = 0; k < contest->sample_count; k++) {
        const size_t i = place_of(contest, k);
        contest->samples[k] = (struct sample){
            .x = number_get(plan->dtype, contest->bench.x, i),
            .v = number_get(plan->dtype, bench_state(&contest->bench, 0, "square_avg"), i),
            .u = number_get(plan->dtype, bench_state(&contest->bench, 0, "acc_delta"), i),
        };
    }
    return DONE;
}

static double own_round(struct contest_of_steps *contest, size_t calls)
{
    clock_rest(rest_seconds);
    const double begin = clock_seconds();
    int failed = 0;
    for (size_t i = 0; i < calls; i++)
        failed |= adadelta_step(contest->bench.optimizer) != ADADELTA_OK;
    return failed ? INFINITY : clock_seconds() - begin;
}

/* ---- The peer ---- */

static enum verdict start(struct contest_of_steps *contest, char line[PEER_LINE], struct trouble *trouble)
{
    const struct peer_row *row = contest->row;
    const struct bench_plan *plan = &contest->plan;
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    const double numbers[] = {hyper.lr, hyper.rho, hyper.eps};
    char n[NUMBER_SIZE], threads[NUMBER_SIZE], hypers[3][NUMBER_SIZE], steps[NUMBER_SIZE], samples[NUMBER_SIZE];
    char real[NUMBER_SIZE];
    snprintf(n, sizeof n, "%zu", plan->n);
    snprintf(threads, sizeof threads, "%d", plan->threads);
    for (size_t i = 0; i < 3; i++)
        snprintf(hypers[i], sizeof hypers[i], "%.17g", numbers[i]);
    snprintf(steps, sizeof steps, "%d", CHECK_STEPS);
    snprintf(samples, sizeof samples, "%zu", contest->sample_count);
    snprintf(real, sizeof real, "-DREAL=%s", plan->dtype == ADADELTA_F32 ? "float" : "double");
    const char *words[] = {
        n, number_name(plan->dtype), threads, hypers[0], hypers[1], hypers[2], steps, samples, row->variant, NULL};
    if (row->package)
        return peer_start_python(&contest->peer, row->file, words, row->package, line, trouble);
    const char *flags[MAX_FLAGS + 3] = {real};
    size_t count = 1;
    for (size_t i = 0; i < MAX_FLAGS && row->flags[i]; i++)
        flags[count++] = row->flags[i];
    if (plan->threads > 1)
        flags[count++] = "-fopenmp";
    return peer_start_c(&contest->peer, row->file, flags, words, line, trouble);
}

static int near(const struct bench_plan *plan, double value, double own, double scale)
{
    const double unit = plan->dtype == ADADELTA_F32 ? FLT_EPSILON : DBL_EPSILON;
    return fabs(value - own) <= tolerance * unit * scale;
}

/* Compares what the peer says of a sample. MISUSE tells one that computes something else from one that fails. */
static enum verdict compare(const struct contest_of_steps *contest, size_t k, const char *line, struct trouble *trouble)
{
    const struct bench_plan *plan = &contest->plan;
    const struct sample *own = &contest->samples[k];
    struct sample peer;
    if (sscanf(line, "value %lf %lf %lf", &peer.x, &peer.v, &peer.u) != 3)
        return blame(trouble, FAILED, "it answered \"%.100s\" instead of a value", line);
    /* Parameters begin in [-1, 1]. */
    if (near(plan, peer.x, own->x, 1) && near(plan, peer.v, own->v, own->v) && near(plan, peer.u, own->u, own->u))
        return DONE;
    return blame(trouble, MISUSE,
                 "it computes something else: parameter %zu of %zu is %.9g after %d steps (averages %.9g, %.9g), "
                 "not %.9g (%.9g, %.9g)",
                 place_of(contest, k), plan->n, peer.x, CHECK_STEPS, peer.v, peer.u, own->x, own->v, own->u);
}

/* Reads all that the peer says before the first round. */
static enum verdict check(struct contest_of_steps *contest, char line[PEER_LINE], struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t k = 0; k < contest->sample_count && verdict == DONE; k++) {
        verdict = compare(contest, k, line, trouble);
        if (verdict == DONE)
            verdict = peer_read(&contest->peer, line, trouble);
    }
    if (verdict == DONE && strncmp(line, "ready", 5) != 0)
        verdict = blame(trouble, FAILED, "it answered \"%.100s\" instead of ready", line);
    if (verdict == DONE)
        snprintf(contest->version, sizeof contest->version, "%s", line + 5 + (line[5] == ' '));
    return verdict;
}

/* ---- Taking turns ---- */

static enum verdict take_turns(struct contest_of_steps *contest, size_t rounds, size_t own_calls, size_t peer_calls,
                               struct trouble *trouble)
{
    enum verdict verdict = DONE;
    double *own = calloc(2 * rounds, sizeof *own), *peer = own + rounds;
    if (!own)
        return blame_memory(trouble);
    for (size_t i = 0; i < rounds && verdict == DONE; i++) {
        own[i] = own_round(contest, own_calls);
        verdict = isfinite(own[i]) ? peer_round(&contest->peer, peer_calls, &peer[i], trouble)
                                   : blame(trouble, FAILED, "this program's own step has failed");
    }
    if (verdict == DONE) {
        contest->own_ns = 1e9 * median(own, rounds) / (double)own_calls / (double)contest->plan.n;
        contest->peer_ns = 1e9 * median(peer, rounds) / (double)peer_calls / (double)contest->plan.n;
    }
    free(own);
    return verdict;
}

/* Finds how many steps fill a round of the peer. */
static enum verdict count_calls(struct contest_of_steps *contest, size_t *calls, double *seconds,
                                struct trouble *trouble)
{
    for (*calls = 1;; *calls *= 2) {
        const double begin = clock_seconds();
        const enum verdict verdict = peer_round(&contest->peer, *calls, seconds, trouble);
        const double seen = clock_seconds() - begin;
        if (verdict != DONE || *seconds >= round_seconds)
            return verdict;
        if (seen > patience)
            return blame(trouble, FAILED, "it says that %zu steps took %.3g s, and %.3g s went by", *calls, *seconds,
                         seen);
    }
}

static enum verdict measure(struct contest_of_steps *contest, struct trouble *trouble)
{
    size_t own_calls = 1, peer_calls, rounds = contest->plan.rounds;
    double own, peer;
    while ((own = own_round(contest, own_calls)) < round_seconds)
        own_calls *= 2;
    const enum verdict verdict = count_calls(contest, &peer_calls, &peer, trouble);
    if (verdict != DONE)
        return verdict;
    if (!rounds)
        rounds = (size_t)fmin(fmax(default_seconds / (own + peer), MIN_ROUNDS), MAX_ROUNDS);
    return take_turns(contest, rounds, own_calls, peer_calls, trouble);
}

static enum verdict run_peer(struct contest_of_steps *contest, struct trouble *trouble)
{
    char line[PEER_LINE];
    enum verdict verdict = start(contest, line, trouble);
    if (verdict != DONE)
        return verdict;
    verdict = check(contest, line, trouble);
    if (verdict == DONE)
        verdict = measure(contest, trouble);
    peer_end(&contest->peer);
    return verdict;
}

/* ---- Printing ---- */

static enum verdict print_row(const struct contest_of_steps *contest, int as_json, int *printed,
                              struct trouble *trouble)
{
    const struct bench_plan *plan = &contest->plan;
    const char *dtype = number_name(plan->dtype), *name = contest->row->name;
    const double times_own = contest->peer_ns / contest->own_ns;
    char n[NUMBER_SIZE];
    if (as_json)
        return report_json(stdout,
                           json_pack("{s:I,s:s,s:i,s:s,s:o,s:o,s:o,s:o}", "n", (json_int_t)plan->n, "dtype", dtype,
                                     "threads", plan->threads, "peer", name, "version", report_text(contest->version),
                                     "ns_per_param", report_number(contest->peer_ns), "ours_ns_per_param",
                                     report_number(contest->own_ns), "times_ours", report_number(times_own)),
                           trouble);
    if (!(*printed)++)
        printf("\n%15s  dtype  threads  %-13s  ns/param      ours  times ours  version\n", "n", "peer");
    printf("%15s  %-5s  %7d  %-13s  %8.4f  %8.4f  %10.2f  %s\n", format_count(n, plan->n), dtype, plan->threads, name,
           contest->peer_ns, contest->own_ns, times_own, contest->version);
    return fflush(stdout) ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

/* ---- All peers ---- */

struct peers_run {
    int as_json, quiet;
    int absent[ROW_COUNT]; /* is not to be tried again */
    int printed;           /* rows */
    struct trouble wrong;  /* what one computed that is something else */
};

static int fits(const struct contest_of_steps *contest, int quiet)
{
    const struct bench_plan *plan = &contest->plan;
    const double bytes = contest->row->arrays * (double)plan->n * (double)adadelta_dtype_size(plan->dtype);
    const double available = memory_available();
    if (bytes <= available)
        return 1;
    remark(quiet, "%s left out: for %zu parameters it needs %.3g GB of memory, and there are %.3g GB",
           contest->row->name, plan->n, 1e-9 * bytes, 1e-9 * available);
    return 0;
}

/* One peer with one n. Only what concerns the whole command is a failure. */
static enum verdict try_peer(struct peers_run *run, struct contest_of_steps *contest, size_t k, struct trouble *trouble)
{
    struct trouble reason;
    contest->row = &rows[k];
    if (run->absent[k] || !fits(contest, run->quiet))
        return DONE;
    const enum verdict outcome = run_peer(contest, &reason);
    if (outcome == DONE)
        return print_row(contest, run->as_json, &run->printed, trouble);
    run->absent[k] = 1;
    if (outcome == MISUSE)
        peer_refused(&run->wrong, contest->row->name, &reason);
    else
        remark(run->quiet, "%s left out: %s", contest->row->name, reason.text);
    return DONE;
}

enum verdict bench_peers(const struct bench_plan *plans, size_t count, int as_json, int quiet, struct trouble *trouble)
{
    struct peers_run run = {.as_json = as_json, .quiet = quiet};
    enum verdict verdict = DONE;
    for (size_t i = 0; i < count && verdict == DONE; i++) {
        struct contest_of_steps contest = {.plan = plans[i]};
        verdict = set_up(&contest, trouble);
        for (size_t k = 0; k < ROW_COUNT && verdict == DONE; k++)
            verdict = try_peer(&run, &contest, k, trouble);
        bench_clear(&contest.bench);
    }
    if (verdict == DONE && run.wrong.text[0])
        verdict = blame(trouble, FAILED, "%s", run.wrong.text);
    return verdict;
}
