/* SPDX-License-Identifier: MIT */
/* See sweep_work.h. Each run is a worker of the pool; what it tells comes here line by line. */
#include "sweep_work.h"

#include <omp.h>
#include <stdlib.h>

#include "interrupt.h"
#include "report.h"
#include "sweep_pool.h"

static size_t run_count(const struct sweep *sweep)
{
    return sweep->grid.cell_count * sweep->seeds;
}

/* A run from the file of the sweep. */
static enum verdict tell_kept(json_t *result, struct trouble *trouble)
{
    return report_json(stdout, json_incref(result), trouble);
}

enum verdict sweeping_open(struct sweeping *sweeping, const char *path, struct trouble *trouble)
{
    struct sweep *sweep = &sweeping->sweep;
    sweep->runs = calloc(run_count(sweep), sizeof *sweep->runs);
    if (!sweep->runs)
        return blame_memory(trouble);
    return store_open(&sweeping->store, sweep, path, sweeping->format == RESULT_JSON ? tell_kept : NULL, trouble);
}

static void work(size_t job, FILE *out, void *context)
{
    const struct sweeping *sweeping = context;
    const struct sweep *sweep = &sweeping->sweep;
    run_work(&sweep->grid, job / sweep->seeds, sweep->first_seed + job % sweep->seeds, &sweep->sets, out);
}

/* A result, from a worker or in place of one. */
static enum verdict take_result(struct sweeping *sweeping, size_t job, json_t *result, struct trouble *trouble)
{
    struct sweep_run *run = &sweeping->sweep.runs[job];
    enum verdict verdict = DONE;
    if (result && run_read(run, result)) {
        if (run->outcome != RUN_BROKEN) /* that may go better the next time */
            verdict = store_append(&sweeping->store, result, trouble);
        if (verdict == DONE && sweeping->format == RESULT_JSON)
            verdict = report_json(stdout, json_incref(result), trouble);
        sweep_progress_update(&sweeping->progress, 1);
    }
    json_decref(result);
    return verdict;
}

static enum verdict take_line(size_t job, const char *line, void *context, struct trouble *trouble)
{
    struct sweeping *sweeping = context;
    char cell[256];
    if (line[0] == LINE_PART)
        sweeping->progress.parts[job] = strtod(line + 1, NULL);
    if (line[0] == LINE_REFUSED) {
        grid_describe(&sweeping->sweep.grid, job / sweeping->sweep.seeds, cell, sizeof cell);
        return blame(trouble, MISUSE, "%s: %s", cell, line + 1);
    }
    return line[0] == LINE_RESULT ? take_result(sweeping, job, json_loads(line, 0, NULL), trouble) : DONE;
}

static enum verdict take_end(size_t job, const char *how, void *context, struct trouble *trouble)
{
    struct sweeping *sweeping = context;
    const struct sweep *sweep = &sweeping->sweep;
    char failure[128];
    if (sweep->runs[job].outcome != RUN_MISSING)
        return DONE;
    snprintf(failure, sizeof failure, "the worker ended without a result%s%s", how ? ": " : "", how ? how : "");
    return take_result(
        sweeping, job,
        run_broken_json(&sweep->grid, job / sweep->seeds, sweep->first_seed + job % sweep->seeds, failure), trouble);
}

static void pulse(void *context)
{
    struct sweeping *sweeping = context;
    sweep_progress_update(&sweeping->progress, 0);
}

/* All cells with the first seed, then all with the next: so every cell is soon known a little. */
static size_t list_jobs(const struct sweep *sweep, size_t *jobs)
{
    size_t count = 0;
    for (size_t s = 0; s < sweep->seeds; s++)
        for (size_t cell = 0; cell < sweep->grid.cell_count; cell++)
            if (sweep_run_at(sweep, cell, s)->outcome == RUN_MISSING)
                jobs[count++] = cell * sweep->seeds + s;
    return count;
}

static size_t worker_count(const struct args *args, size_t jobs)
{
    const size_t asked = (size_t)args->values[OPTION_THREADS].whole;
    const size_t workers = asked ? asked : (size_t)omp_get_num_procs();
    return workers < jobs ? workers : jobs;
}

static void say_what(const struct sweep *sweep, size_t left, size_t workers)
{
    char data[256], model[256], cells[NUMBER_SIZE], runs[NUMBER_SIZE], number[NUMBER_SIZE], kept[64] = "",
                                                                                            at_once[64] = "";
    const int quiet = sweep->args->values[OPTION_QUIET].given;
    const size_t total = run_count(sweep);
    sets_describe(&sweep->sets, data, sizeof data);
    sweep_describe_model(sweep, model, sizeof model);
    if (left < total)
        snprintf(kept, sizeof kept, ", %s of them kept from before", format_count(number, total - left));
    if (workers > 0)
        snprintf(at_once, sizeof at_once, "; %zu at a time", workers);
    remark(quiet, "%s", data);
    remark(quiet, "%s; %s setting%s with %zu seed%s: %s runs%s%s", model, format_count(cells, sweep->grid.cell_count),
           sweep->grid.cell_count == 1 ? "" : "s", sweep->seeds, sweep->seeds == 1 ? "" : "s",
           format_count(runs, total), kept, at_once);
}

enum verdict sweeping_run(struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    size_t *jobs = malloc(run_count(sweep) * sizeof *jobs);
    if (!jobs)
        return blame_memory(trouble);
    const size_t count = list_jobs(sweep, jobs);
    const struct pool pool = {.workers = worker_count(sweep->args, count),
                              .work = work,
                              .take_line = take_line,
                              .take_end = take_end,
                              .pulse = pulse,
                              .context = sweeping};
    say_what(sweep, count, pool.workers);
    interrupt_catch();
    enum verdict verdict =
        sweep_progress_start(&sweeping->progress, sweep, sweep->args->values[OPTION_QUIET].given, trouble);
    if (verdict == DONE && count > 0)
        verdict = pool_run(&pool, jobs, count, trouble);
    sweep_progress_end(&sweeping->progress);
    free(jobs);
    return verdict;
}

/* ---- Where it stands ---- */

int sweeping_is_whole(const struct sweeping *sweeping)
{
    size_t ended, failed;
    sweep_count(&sweeping->sweep, &ended, &failed);
    return ended == run_count(&sweeping->sweep);
}

enum verdict sweeping_check_any(const struct sweeping *sweeping, struct trouble *trouble)
{
    const struct sweep *sweep = &sweeping->sweep;
    for (size_t i = 0; i < run_count(sweep); i++)
        if (sweep->runs[i].outcome == RUN_DONE)
            return DONE;
    return blame(trouble, FAILED, "no run got to its end: %.900s",
                 sweep->runs[0].failure ? sweep->runs[0].failure : "why is not known");
}

/* Adds where the runs are kept, and says the line. */
static enum verdict report_kept(const struct sweeping *sweeping, json_t *line, struct trouble *trouble)
{
    if (sweeping->store.path)
        json_object_set_new(line, "saved", report_text(sweeping->store.path));
    return report_json(stdout, line, trouble);
}

enum verdict sweeping_tell_interrupted(const struct sweeping *sweeping, const char *keep, struct trouble *trouble)
{
    FILE *out = sweeping->format == RESULT_CSV ? stderr : stdout;
    const char *path = sweeping->store.path;
    const size_t total = run_count(&sweeping->sweep);
    size_t ended, failed;
    sweep_count(&sweeping->sweep, &ended, &failed);
    if (sweeping->format == RESULT_JSON)
        return report_kept(
            sweeping,
            json_pack("{s:s,s:I,s:I}", "event", "interrupted", "runs", (json_int_t)ended, "of", (json_int_t)total),
            trouble);
    if (path)
        fprintf(out, "\ninterrupted after %zu of %zu runs; the same command goes on with %s\n", ended, total, path);
    else
        fprintf(out, "\ninterrupted after %zu of %zu runs, which were not kept; %s FILE keeps them\n", ended, total,
                keep);
    return DONE;
}

enum verdict sweeping_tell_done(const struct sweeping *sweeping, struct trouble *trouble)
{
    size_t ended, failed;
    if (sweeping->format != RESULT_JSON)
        return DONE;
    sweep_count(&sweeping->sweep, &ended, &failed);
    return report_kept(sweeping,
                       json_pack("{s:s,s:I,s:I,s:o}", "event", "done", "runs", (json_int_t)ended, "failed",
                                 (json_int_t)failed, "seconds",
                                 report_number(sweep_progress_seconds(&sweeping->progress))),
                       trouble);
}

void sweeping_free(struct sweeping *sweeping)
{
    struct sweep *sweep = &sweeping->sweep;
    for (size_t i = 0; sweep->runs && i < run_count(sweep); i++)
        run_free(&sweep->runs[i]);
    free(sweep->runs);
    store_close(&sweeping->store);
    sets_free(&sweep->sets);
    grid_free(&sweep->grid);
}
