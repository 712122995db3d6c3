/* SPDX-License-Identifier: MIT */
/* See sweep_progress.h. */
#include "sweep_progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

enum { TEXT_SIZE = 512 };

static const double bar_interval = 0.2;  /* seconds between drawings */
static const double line_interval = 2.0; /* seconds between lines at least, where runs are short */

static double clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

enum verdict sweep_progress_start(struct sweep_progress *progress, const struct sweep *sweep, int quiet,
                                  struct trouble *trouble)
{
    size_t failed;
    *progress = (struct sweep_progress){.sweep = sweep, .start = clock_now(), .last_drawn = -INFINITY};
    progress_start(&progress->base, "", quiet);
    sweep_count(sweep, &progress->kept, &failed);
    progress->parts = calloc(sweep->grid.cell_count * sweep->seeds, sizeof *progress->parts);
    return progress->parts ? DONE : blame_memory(trouble);
}

double sweep_progress_seconds(const struct sweep_progress *progress)
{
    return clock_now() - progress->start;
}

/* Runs done since the start, those under way counted by their part. */
static double work_done(const struct sweep_progress *progress, size_t ended)
{
    const struct sweep *sweep = progress->sweep;
    double done = (double)(ended - progress->kept);
    for (size_t i = 0; i < sweep->grid.cell_count * sweep->seeds; i++)
        if (sweep->runs[i].outcome == RUN_MISSING)
            done += progress->parts[i];
    return done;
}

/* "best 1.62 ± 0.05 at eps 1e-6, rho 0.95". */
static void format_best(const struct sweep *sweep, char *text, size_t size)
{
    char cell[TEXT_SIZE / 2], spread[SPREAD_SIZE];
    const size_t best = sweep_best(sweep);
    text[0] = '\0';
    if (best == sweep->grid.cell_count)
        return;
    const struct summary summary = sweep_summary(sweep, best);
    grid_describe(&sweep->grid, best, cell, sizeof cell);
    snprintf(text, size, "  best %s at %s", sweep_spread(sweep, spread, &summary), cell);
}

static void format_line(const struct sweep_progress *progress, char *text, size_t size)
{
    const struct sweep *sweep = progress->sweep;
    const size_t total = sweep->grid.cell_count * sweep->seeds;
    char best[TEXT_SIZE], failures[NUMBER_SIZE] = "", spent[NUMBER_SIZE], left[NUMBER_SIZE] = "?";
    size_t ended, failed;
    sweep_count(sweep, &ended, &failed);
    const double seconds = sweep_progress_seconds(progress), done = work_done(progress, ended);
    const double to_do = (double)(total - progress->kept) - done;
    if (done > 0 || to_do == 0)
        progress_time(left, to_do > 0 ? seconds / done * to_do : 0);
    if (failed)
        snprintf(failures, sizeof failures, ", %zu failed", failed);
    format_best(sweep, best, sizeof best);
    snprintf(text, size, "%zu/%zu runs%s  %s spent  %s left%s", ended, total, failures, progress_time(spent, seconds),
             left, best);
}

/* A line of at most that many columns: bytes that go on with a letter take none. */
static int bytes_of_columns(const char *text, int columns)
{
    int bytes = 0;
    for (; text[bytes]; bytes++)
        if (((unsigned char)text[bytes] & 0xc0) != 0x80 && columns-- == 0)
            break;
    return bytes;
}

void sweep_progress_update(struct sweep_progress *progress, int ended)
{
    char text[2 * TEXT_SIZE];
    const int is_bar = progress->base.kind == PROGRESS_BAR;
    const double now = clock_now();
    if (progress->base.kind == PROGRESS_QUIET || (!is_bar && !ended) ||
        now - progress->last_drawn < (is_bar ? bar_interval : line_interval))
        return;
    progress->last_drawn = now;
    format_line(progress, text, sizeof text);
    if (!is_bar) {
        fprintf(stderr, "%s\n", text);
        return;
    }
    /* Cut to the width, for a line that wraps cannot be redrawn. */
    fprintf(stderr, "\r%.*s\033[K", bytes_of_columns(text, progress_width() - 1), text);
    fflush(stderr);
    progress->base.drawn = 1;
}

void sweep_progress_end(struct sweep_progress *progress)
{
    if (progress->parts) {
        progress->last_drawn = -INFINITY; /* the last state is always shown */
        sweep_progress_update(progress, 1);
    }
    progress_end(&progress->base);
    free(progress->parts);
    progress->parts = NULL;
}
