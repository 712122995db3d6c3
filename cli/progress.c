/* SPDX-License-Identifier: MIT */
/* See progress.h. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"

enum { MAX_WIDTH = 200, MIN_BAR = 8, MAX_BAR = 30 };

static const double bar_interval = 0.1;  /* seconds between drawings: ten a second */
static const double line_interval = 0.5; /* seconds between lines, where there are many epochs */
static const size_t few_epochs = 50;     /* so many lines are printed without a limit */

void progress_start(struct progress *progress, const char *label, int quiet)
{
    const char *terminal = getenv("TERM");
    int dumb = !terminal || strcmp(terminal, "dumb") == 0;
    *progress =
        (struct progress){.label = label, .last_drawn = -1, .first_seconds = -1, .test_error = NAN, .test_loss = NAN};
    if (quiet)
        progress->kind = PROGRESS_QUIET;
    else
        progress->kind = isatty(STDERR_FILENO) && !dumb ? PROGRESS_BAR : PROGRESS_LINES;
}

static double rows_of_run(const struct fit_progress *now)
{
    return (double)(now->epoch - 1) * (double)now->rows + (double)now->rows_done;
}

int progress_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col < MAX_WIDTH ? size.ws_col : MAX_WIDTH - 1;
}

const char *progress_time(char *text, double seconds)
{
    if (seconds < 3600)
        snprintf(text, NUMBER_SIZE, "%d:%02d", (int)(seconds / 60), (int)fmod(seconds, 60));
    else if (seconds < 360000)
        snprintf(text, NUMBER_SIZE, "%d:%02d h", (int)(seconds / 3600), (int)fmod(seconds / 60, 60));
    else
        snprintf(text, NUMBER_SIZE, "days");
    return text;
}

/* "loss 0.1234  error 2.34 %", the test's figures of the last epoch behind the training's. */
static void format_figures(const struct progress *progress, const struct fit_progress *now, char *text, size_t size)
{
    char percent[NUMBER_SIZE];
    int used = snprintf(text, size, "loss %.4g", now->train_loss);
    if (!isnan(progress->test_error))
        snprintf(text + used, size - (size_t)used, "  error %s", format_percent(percent, progress->test_error));
    else if (!isnan(progress->test_loss))
        snprintf(text + used, size - (size_t)used, "  test %.4g", progress->test_loss);
}

static void draw_bar(struct progress *progress, const struct fit_progress *now)
{
    char head[MAX_WIDTH], tail[MAX_WIDTH], figures[96], left[NUMBER_SIZE], speed[NUMBER_SIZE], bar[MAX_BAR + 4] = "";
    double total = (double)now->epochs * (double)now->rows, done = rows_of_run(now);
    int width = progress_width(), digits = snprintf(NULL, 0, "%zu", now->epochs);
    snprintf(head, sizeof head, "%sepoch %*zu/%zu ", progress->label, digits, now->epoch, now->epochs);
    format_figures(progress, now, figures, sizeof figures);
    if (progress->speed > 0) {
        progress_time(left, (total - done) / progress->speed);
        snprintf(tail, sizeof tail, " %s  %s rows/s  %s left", figures, format_count(speed, (size_t)progress->speed),
                 left);
    } else {
        snprintf(tail, sizeof tail, " %s", figures);
    }
    int room = width - 1 - (int)strlen(head) - (int)strlen(tail) - 2;
    if (room >= MIN_BAR) {
        int size = room < MAX_BAR ? room : MAX_BAR, filled = (int)(size * done / total);
        bar[0] = '[';
        for (int i = 0; i < size; i++)
            bar[1 + i] = i < filled ? '=' : i == filled ? '>' : ' ';
        memcpy(bar + 1 + size, "]", 2);
    }
    char line[3 * MAX_WIDTH];
    snprintf(line, sizeof line, "%s%s%s", head, bar, tail);
    /* Cut to the width, for a line that wraps cannot be redrawn. */
    fprintf(stderr, "\r%.*s\033[K", width - 1, line);
    fflush(stderr);
    progress->drawn = 1;
}

static void print_line(const struct progress *progress, const struct fit_progress *now)
{
    char figures[96];
    int digits = snprintf(NULL, 0, "%zu", now->epochs);
    format_figures(progress, now, figures, sizeof figures);
    fprintf(stderr, "%sepoch %*zu/%zu  %s  %.2f s\n", progress->label, digits, now->epoch, now->epochs, figures,
            now->seconds);
}

/* Which of the calls is worth a drawing. */
static int is_due(const struct progress *progress, const struct fit_progress *now)
{
    int last = now->epoch_end && now->epoch == now->epochs;
    double since = progress->last_drawn < 0 ? INFINITY : now->seconds - progress->last_drawn;
    if (progress->kind == PROGRESS_BAR)
        return last || since >= bar_interval;
    return now->epoch_end && (last || now->epochs <= few_epochs || since >= line_interval);
}

void progress_update(struct progress *progress, const struct fit_progress *now)
{
    if (progress->kind == PROGRESS_QUIET)
        return;
    if (progress->first_seconds < 0) {
        progress->first_seconds = now->seconds;
        progress->first_rows = rows_of_run(now);
    } else if (now->seconds > progress->first_seconds) {
        progress->speed = (rows_of_run(now) - progress->first_rows) / (now->seconds - progress->first_seconds);
    }
    if (now->epoch_end && now->has_test) {
        progress->test_error = now->test_error;
        progress->test_loss = now->test_loss;
    }
    if (!is_due(progress, now))
        return;
    progress->last_drawn = now->seconds;
    if (progress->kind == PROGRESS_BAR)
        draw_bar(progress, now);
    else
        print_line(progress, now);
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputc('\n', stderr);
    progress->drawn = 0;
}
