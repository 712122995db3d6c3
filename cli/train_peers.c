/* SPDX-License-Identifier: MIT */
/* See train_peers.h. A peer gets the very images, labels and first weights, as files, and has to lose the same in the
   first batches before it is timed. Its rounds and this program's take turns. */
#include "train_peers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_clock.h"
#include "peer_script.h"
#include "report.h"

/* Losses of single precision, whose sums are taken in another order. */
static const double tolerance = 1e-4;

/* A peer's threads, which may spin for a while, fall asleep before a round of this program. */
static const double rest_seconds = 20e-3;

/* PyTorch in the forms that it comes in, so that its best is among them: the loop over tensors or the one call for all;
   where it multiplies by OpenBLAS, that with threads of its own or with one. */
static const struct {
    const char *name;
    int only_threads; /* 1: the same as another row where there is one thread */
} rows[] = {
    {"torch", 0},
    {"torch-foreach", 0},
    {"torch-serial-blas", 1},
    {"torch-foreach-serial-blas", 1},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

struct training {
    const struct train_peers_plan *plan;
    const char *name;
    const char *folder;
    struct peer peer;
    char version[PEER_LINE];
    double own_seconds, peer_seconds; /* for an epoch */
};

/* ---- What a peer reads ---- */

static size_t weight_count(const struct train_peers_plan *plan)
{
    size_t count = 0;
    for (size_t l = 0; l < plan->layers; l++)
        count += (plan->widths[l] + 1) * plan->widths[l + 1];
    return count;
}

/* The files' names, as peer_train.py knows them. */
static const char *const names[] = {"images", "labels", "weights"};
enum { NAME_COUNT = sizeof names / sizeof *names };

static int write_file(const char *folder, const char *name, const void *content, size_t size)
{
    char path[PEER_PATH + 16];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        return 0;
    const int whole = fwrite(content, 1, size, file) == size;
    return fclose(file) == 0 && whole;
}

static enum verdict write_files(const struct train_peers_plan *plan, char folder[PEER_PATH], struct trouble *trouble)
{
    const char *temporary = getenv("TMPDIR");
    const void *contents[] = {plan->pixels, plan->labels, plan->weights};
    const size_t sizes[] = {plan->rows * plan->widths[0], plan->rows * sizeof *plan->labels,
                            weight_count(plan) * sizeof *plan->weights};
    snprintf(folder, PEER_PATH - 16, "%s/adadelta-peer.XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        folder[0] = '\0';
        return blame(trouble, FAILED, "a temporary folder cannot be made");
    }
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (!write_file(folder, names[i], contents[i], sizes[i]))
            return blame(trouble, FAILED, "%.300s/%s cannot be written", folder, names[i]);
    return DONE;
}

static void remove_files(const char *folder)
{
    char path[PEER_PATH + 16];
    if (!*folder)
        return;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* ---- One peer ---- */

static enum verdict start(struct training *training, char line[PEER_LINE], struct trouble *trouble)
{
    const struct train_peers_plan *plan = training->plan;
    const double numbers[] = {plan->hyper.lr, plan->hyper.rho, plan->hyper.eps};
    const size_t counts[] = {plan->batch, plan->rows, plan->loss_count};
    char threads[NUMBER_SIZE], widths[PEER_LINE] = "", hyper[3][NUMBER_SIZE], count[3][NUMBER_SIZE];
    snprintf(threads, sizeof threads, "%d", plan->threads);
    for (size_t l = 0, used = 0; l <= plan->layers && used < sizeof widths; l++)
        used += (size_t)snprintf(widths + used, sizeof widths - used, "%s%zu", l ? "," : "", plan->widths[l]);
    for (size_t i = 0; i < 3; i++) {
        snprintf(hyper[i], sizeof hyper[i], "%.17g", numbers[i]);
        snprintf(count[i], sizeof count[i], "%zu", counts[i]);
    }
    const char *words[] = {threads,  training->name, widths,   count[0],         hyper[0], hyper[1],
                           hyper[2], count[1],       count[2], training->folder, NULL};
    return peer_start_python(&training->peer, "peer_train.py", words, "python3-torch", line, trouble);
}

/* Reads all that the peer says before the first round. MISUSE tells one that computes something else. */
static enum verdict check(struct training *training, char line[PEER_LINE], struct trouble *trouble)
{
    const struct train_peers_plan *plan = training->plan;
    for (size_t k = 0; k < plan->loss_count; k++) {
        double loss;
        if (sscanf(line, "loss %lf", &loss) != 1)
            return blame(trouble, FAILED, "it answered \"%.100s\" instead of a loss", line);
        if (!(fabs(loss - plan->losses[k]) <= tolerance * fabs(plan->losses[k])))
            return blame(trouble, MISUSE, "it computes something else: batch %zu has the loss %.7g, not %.7g", k + 1,
                         loss, plan->losses[k]);
        const enum verdict verdict = peer_read(&training->peer, line, trouble);
        if (verdict != DONE)
            return verdict;
    }
    if (strncmp(line, "ready", 5) != 0)
        return blame(trouble, FAILED, "it answered \"%.100s\" instead of ready", line);
    snprintf(training->version, sizeof training->version, "%s", line + 5 + (line[5] == ' '));
    return DONE;
}

static enum verdict take_turns(struct training *training, struct trouble *trouble)
{
    const struct train_peers_plan *plan = training->plan;
    const double epoch = (double)plan->rows / (double)plan->batch / (double)plan->batches;
    double warm, *own = calloc(2 * plan->rounds, sizeof *own), *peer = own + plan->rounds;
    if (!own)
        return blame_memory(trouble);
    enum verdict verdict = peer_round(&training->peer, plan->batches, &warm, trouble);
    for (size_t i = 0; i < plan->rounds && verdict == DONE; i++) {
        clock_rest(rest_seconds);
        own[i] = plan->own(plan->context, plan->batches);
        verdict = isfinite(own[i]) ? peer_round(&training->peer, plan->batches, &peer[i], trouble)
                                   : blame(trouble, FAILED, "this program's own training has failed");
    }
    if (verdict == DONE) {
        training->own_seconds = epoch * median(own, plan->rounds);
        training->peer_seconds = epoch * median(peer, plan->rounds);
    }
    free(own);
    return verdict;
}

/* The files are there until the peer has said something, for it has read them then. */
static enum verdict run_peer(struct training *training, struct trouble *trouble)
{
    char line[PEER_LINE], folder[PEER_PATH];
    training->folder = folder;
    enum verdict verdict = write_files(training->plan, folder, trouble);
    if (verdict == DONE)
        verdict = start(training, line, trouble);
    remove_files(folder);
    if (verdict != DONE)
        return verdict;
    verdict = check(training, line, trouble);
    if (verdict == DONE)
        verdict = take_turns(training, trouble);
    peer_end(&training->peer);
    return verdict;
}

/* ---- All of them ---- */

static enum verdict print_row(const struct training *training, int *printed, struct trouble *trouble)
{
    const struct train_peers_plan *plan = training->plan;
    const double times_own = training->peer_seconds / training->own_seconds;
    if (plan->as_json)
        return report_json(stdout,
                           json_pack("{s:s,s:o,s:i,s:o,s:o,s:o}", "peer", training->name, "version",
                                     report_text(training->version), "threads", plan->threads, "epoch_seconds",
                                     report_number(training->peer_seconds), "ours_epoch_seconds",
                                     report_number(training->own_seconds), "times_ours", report_number(times_own)),
                           trouble);
    if (!(*printed)++)
        printf("\n%-25s  threads  seconds/epoch      ours  times ours  version\n", "peer");
    printf("%-25s  %7d  %13.3f  %8.3f  %10.2f  %s\n", training->name, plan->threads, training->peer_seconds,
           training->own_seconds, times_own, training->version);
    return fflush(stdout) ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

enum verdict train_peers(const struct train_peers_plan *plan, struct trouble *trouble)
{
    int printed = 0;
    struct training training = {.plan = plan};
    struct trouble wrong = {""}, reason;
    enum verdict verdict = DONE;
    for (size_t k = 0; k < ROW_COUNT && verdict == DONE; k++) {
        if (rows[k].only_threads && plan->threads < 2)
            continue;
        training.name = rows[k].name;
        const enum verdict outcome = run_peer(&training, &reason);
        if (outcome == DONE)
            verdict = print_row(&training, &printed, trouble);
        else if (outcome == MISUSE)
            peer_refused(&wrong, rows[k].name, &reason);
        else
            remark(plan->quiet, "%s left out: %s", rows[k].name, reason.text);
    }
    if (verdict == DONE && wrong.text[0])
        verdict = blame(trouble, FAILED, "%s", wrong.text);
    return verdict;
}
