/* SPDX-License-Identifier: MIT */
/* See train_case.h. Training and products take turns ten times an epoch, so that a slow moment of the machine hits
   both; the epoch's time is the sum of its parts, the shuffle and all that stands around the batches included. */
#include "train_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_clock.h"
#include "fit_state.h"
#include "products.h"
#include "train_check.h"
#include "train_images.h"

enum { TURNS = 10, TRIALS = 9, TRIAL_BATCHES = 10, STEP_ROUNDS = 101 };

/* A float's sums in another order; a gradient that is a thousandth wrong changes the second loss by more. */
static const double tolerance = 1e-4;

/* ---- Making it ---- */

/* The weights and biases, one layer after the other. */
static enum verdict keep_weights(struct train_case *bench, struct trouble *trouble)
{
    const struct layers *layers = &bench->fit->layers;
    float *to = bench->weights = malloc(layers_parameter_count(layers) * sizeof *to);
    if (!to)
        return blame_memory(trouble);
    for (size_t l = 0; l < layers->count; l++) {
        const size_t in = layers->width[l], out = layers->width[l + 1];
        memcpy(to, layers->weights[l], in * out * sizeof *to);
        memcpy(to + in * out, layers->biases[l], out * sizeof *to);
        to += (in + 1) * out;
    }
    return DONE;
}

/* The images in the order of the epoch under way. */
static enum verdict keep_order(struct train_case *bench, struct trouble *trouble)
{
    const struct dataset *images = &bench->images;
    bench->pixels = malloc(images->rows * images->columns);
    bench->labels = malloc(images->rows * sizeof *bench->labels);
    if (!bench->pixels || !bench->labels)
        return blame_memory(trouble);
    for (size_t i = 0; i < images->rows; i++) {
        const size_t row = bench->fit->order[i];
        memcpy(bench->pixels + i * images->columns, images->pixels + row * images->columns, images->columns);
        bench->labels[i] = images->labels[row];
    }
    return DONE;
}

/* ---- Checking ---- */

struct losses {
    double *of; /* [TRAIN_CHECKED] */
    double total;
    size_t done, rows;
};

/* A fit_watch: keeps the loss of the batch and stops after the last that is wanted. */
static int keep_loss(const struct fit_progress *progress, void *context)
{
    struct losses *losses = context;
    const double total = progress->train_loss * (double)progress->rows_done;
    losses->of[losses->done++] = (total - losses->total) / (double)(progress->rows_done - losses->rows);
    losses->total = total;
    losses->rows = progress->rows_done;
    return losses->done == TRAIN_CHECKED;
}

static enum verdict check(struct train_case *bench, struct trouble *trouble)
{
    const struct layers *layers = &bench->fit->layers;
    const struct fit_settings *settings = &bench->fit->settings;
    const struct train_check plain = {.widths = layers->width,
                                      .layers = layers->count,
                                      .activation = settings->model.activation,
                                      .batch = settings->batch,
                                      .pixels = bench->pixels,
                                      .labels = bench->labels,
                                      .weights = bench->weights,
                                      .hyper = settings->hyper};
    double expected[TRAIN_CHECKED];
    if (!train_plainly(&plain, TRAIN_CHECKED, expected))
        return blame_memory(trouble);
    for (size_t b = 0; b < TRAIN_CHECKED; b++) {
        if (!(fabs(bench->losses[b] - expected[b]) <= tolerance * expected[b]))
            return blame(trouble, FAILED, "training is wrong: batch %zu has the loss %.9g, not %.9g", b + 1,
                         bench->losses[b], expected[b]);
    }
    return DONE;
}

enum verdict train_case_create(struct train_case *bench, const struct train_plan *plan, struct trouble *trouble)
{
    int stopped;
    struct losses losses = {.of = bench->losses};
    *bench = (struct train_case){.plan = plan};
    enum verdict verdict = train_images(&bench->images, plan->seed, trouble);
    if (verdict == DONE)
        verdict = fit_create(&bench->fit, &plan->settings, &bench->images, NULL, plan->threads, trouble);
    if (verdict == DONE)
        verdict = keep_weights(bench, trouble);
    if (verdict == DONE)
        verdict = fit_run(bench->fit, keep_loss, &losses, &stopped, trouble);
    if (verdict == DONE)
        verdict = keep_order(bench, trouble);
    return verdict == DONE ? check(bench, trouble) : verdict;
}

void train_case_free(struct train_case *bench)
{
    fit_destroy(bench->fit);
    dataset_free(&bench->images);
    free(bench->weights);
    free(bench->pixels);
    free(bench->labels);
}

/* ---- Timing ---- */

/* How products are shared out. */
struct cutting {
    size_t pieces; /* of each */
    int threads;
};

struct turns {
    struct train_case *bench;
    struct cutting cutting;  /* that products are cut into */
    size_t last;             /* rows done at the last turn */
    double begin;            /* when training went on */
    double epoch, gemm;      /* seconds of the epoch under way */
    double *epochs, *gemms;  /* [plan->epochs] seconds of those done */
    double first_loss, loss; /* of the first timed epoch and of the last */
    size_t done;
};

/* The products of so many rows, batch by batch. */
static void multiply(struct train_case *bench, size_t rows, struct cutting cutting)
{
    const size_t batch = bench->fit->settings.batch;
    for (size_t left = rows; left; left -= left < batch ? left : batch)
        products_run(&bench->fit->layers, left < batch ? left : batch, cutting.pieces, cutting.threads);
}

/* What suits the products best: one thread, or all with a piece, two or four for each. */
static struct cutting choose_cutting(struct train_case *bench)
{
    enum { CHOICES = 4 };
    const int threads = bench->plan->threads;
    const size_t each = (size_t)threads;
    const struct cutting choices[CHOICES] = {{1, 1}, {each, threads}, {2 * each, threads}, {4 * each, threads}};
    double best[CHOICES] = {INFINITY, INFINITY, INFINITY, INFINITY};
    size_t least = 0;
    for (size_t trial = 0; trial < CHOICES * TRIALS; trial++) {
        const size_t k = trial % CHOICES;
        const double begin = clock_seconds();
        multiply(bench, TRIAL_BATCHES * bench->fit->settings.batch, choices[k]);
        best[k] = fmin(best[k], clock_seconds() - begin);
        least = best[k] < best[least] ? k : least;
    }
    return choices[least];
}

/* The clock stops, the products of the rows since the last turn have theirs, and training goes on. */
static void take_turn(struct turns *turns, size_t rows_done)
{
    const double paused = clock_seconds();
    turns->epoch += paused - turns->begin;
    multiply(turns->bench, rows_done - turns->last, turns->cutting);
    turns->last = rows_done;
    turns->begin = clock_seconds();
    turns->gemm += turns->begin - paused;
}

/* A fit_watch. */
static int watch(const struct fit_progress *progress, void *context)
{
    struct turns *turns = context;
    if (progress->epoch_end || progress->rows_done - turns->last >= progress->rows / TURNS)
        take_turn(turns, progress->rows_done);
    if (!progress->epoch_end)
        return 0;
    turns->epochs[turns->done] = turns->epoch;
    turns->gemms[turns->done] = turns->gemm;
    turns->first_loss = turns->done ? turns->first_loss : progress->train_loss;
    turns->loss = progress->train_loss;
    turns->epoch = turns->gemm = 0;
    turns->last = 0;
    turns->begin = clock_seconds();
    return ++turns->done == turns->bench->plan->epochs;
}

static int until_epoch_ends(const struct fit_progress *progress, void *context)
{
    (void)context;
    return progress->epoch_end;
}

/* The step alone, after the backward pass that leaves it gradients and caches as a batch does. Returns the seconds of
   an epoch's steps. What it learns is the same batch again and again, so it comes last. */
static double time_steps(struct train_case *bench)
{
    struct layers *layers = &bench->fit->layers;
    const size_t batch = bench->fit->settings.batch, rows = bench->fit->train.rows;
    double seconds[STEP_ROUNDS];
    for (size_t i = 0; i < STEP_ROUNDS; i++) {
#pragma omp parallel num_threads(layers_team(layers, batch))
        {
            layers_forward(layers, batch);
            layers_backward(layers, batch);
        }
        const double begin = clock_seconds();
        const enum adadelta_status status = adadelta_step(bench->fit->optimizer);
        seconds[i] = status ? NAN : clock_seconds() - begin;
    }
    return median(seconds, STEP_ROUNDS) * (double)((rows + batch - 1) / batch);
}

enum verdict train_case_time(struct train_case *bench, struct train_times *times, struct trouble *trouble)
{
    const size_t epochs = bench->plan->epochs;
    int stopped;
    struct turns turns = {.bench = bench, .epochs = calloc(2 * epochs, sizeof(double))};
    if (!turns.epochs)
        return blame_memory(trouble);
    turns.gemms = turns.epochs + epochs;
    enum verdict verdict = fit_run(bench->fit, until_epoch_ends, NULL, &stopped, trouble);
    if (verdict == DONE) {
        turns.cutting = choose_cutting(bench);
        turns.begin = clock_seconds();
        verdict = fit_run(bench->fit, watch, &turns, &stopped, trouble);
    }
    if (verdict == DONE && epochs > 1 && !(turns.loss < turns.first_loss))
        verdict = blame(trouble, FAILED, "training is wrong: the loss went from %.9g to %.9g in %zu epochs",
                        turns.first_loss, turns.loss, epochs);
    if (verdict == DONE) {
        times->epoch = median(turns.epochs, epochs);
        times->gemm = median(turns.gemms, epochs);
        times->step = time_steps(bench);
        if (isnan(times->step))
            verdict = blame(trouble, FAILED, "a step failed while it was timed");
    }
    free(turns.epochs);
    return verdict;
}

/* ---- Rounds ---- */

static int count_down(const struct fit_progress *progress, void *context)
{
    size_t *left = context;
    return !progress->epoch_end && --*left == 0;
}

double train_case_round(void *context, size_t batches)
{
    struct train_case *bench = context;
    struct trouble trouble;
    int stopped;
    const double begin = clock_seconds();
    if (fit_run(bench->fit, count_down, &batches, &stopped, &trouble) != DONE)
        return NAN;
    return clock_seconds() - begin;
}
