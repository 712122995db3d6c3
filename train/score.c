/* SPDX-License-Identifier: MIT */
/* Evaluation and prediction: a model over rows, in blocks. */
#include "fit_state.h"

#include <math.h>
#include <string.h>

enum verdict fit_accepts(const struct fit *fit, const struct dataset *data, int need_target, struct trouble *trouble)
{
    const char *const kinds[] = {"a table", "images"};
    const int pixels = data->pixels != NULL;
    if (pixels != fit->pixels)
        return blame(trouble, FAILED, "%s: holds %s, the model was trained on %s", data->path, kinds[pixels],
                     kinds[fit->pixels]);
    if (data->columns != fit->columns)
        return blame(trouble, FAILED, "%s: has %zu features a row, the model wants %zu", data->path, data->columns,
                     fit->columns);
    if (need_target && data->target != fit->kind)
        return blame(trouble, FAILED, "%s: has no target that the model could be compared with%s%s", data->path,
                     fit->target_name ? ": it wants a column named " : "", fit->target_name ? fit->target_name : "");
    if (need_target && fit->kind == TARGET_CLASS && data->classes > fit->classes)
        return blame(trouble, FAILED, "%s: has %zu classes, the model knows %zu", data->path, data->classes,
                     fit->classes);
    return DONE;
}

/* ---- Evaluation ---- */

/* By a team: the model over rows of samples, and where they are labelled the loss. */
static void pass_block(struct fit *fit, const struct samples *samples, size_t first, size_t rows)
{
    struct layers *layers = &fit->layers;
    const size_t last = layers->count;
    samples_gather(samples, NULL, first, rows, layers->values[0], fit->labels, fit->numbers);
    layers_forward(layers, rows);
    if (samples->labels || samples->numbers)
        loss_rows(fit->kind, rows, layers->width[last], layers->values[last], &(struct goal){fit->labels, fit->numbers},
                  NULL, fit->losses);
}

/* Does so for the next block; returns how many rows it has. */
static size_t forward_block(struct fit *fit, const struct samples *samples, size_t first)
{
    const size_t left = samples->rows - first;
    const size_t rows = left < fit->layers.capacity ? left : fit->layers.capacity;
    const int team = layers_team(&fit->layers, rows);
    if (team > 1) {
#pragma omp parallel num_threads(team)
        pass_block(fit, samples, first, rows);
    } else {
        pass_block(fit, samples, first, rows);
    }
    return rows;
}

void fit_score_samples(struct fit *fit, const struct samples *samples, struct fit_score *score)
{
    const size_t last = fit->layers.count;
    double total = 0;
    size_t wrong = 0;
    for (size_t first = 0, rows; first < samples->rows; first += rows) {
        rows = forward_block(fit, samples, first);
        total += loss_total(rows, fit->losses);
        if (fit->kind == TARGET_CLASS)
            wrong += count_wrong(rows, fit->layers.width[last], fit->layers.values[last], fit->labels);
    }
    const double unit = fit->target.factor[0] * fit->target.factor[0];
    score->rows = samples->rows;
    score->loss = total / (double)samples->rows / unit;
    score->error = fit->kind == TARGET_CLASS ? (double)wrong / (double)samples->rows : NAN;
}

enum verdict fit_evaluate(struct fit *fit, const struct dataset *data, struct fit_score *score, struct trouble *trouble)
{
    enum verdict verdict = fit_accepts(fit, data, 1, trouble);
    if (verdict)
        return verdict;
    struct samples samples;
    verdict = samples_create(&samples, data, &fit->scale, &fit->target, trouble);
    if (verdict)
        return verdict;
    fit_score_samples(fit, &samples, score);
    samples_free(&samples);
    return DONE;
}

/* ---- Prediction ---- */

size_t fit_outputs(const struct fit *fit)
{
    return fit->layers.width[fit->layers.count];
}

/* The model over a few rows, followed by zeros where they are too few. Too little for a team. */
static size_t forward_few(struct fit *fit, const struct samples *samples, size_t first)
{
    const size_t left = samples->rows - first, rows = left < PREDICTED_ROWS ? left : PREDICTED_ROWS;
    float *x = fit->layers.values[0];
    memset(x + rows * fit->columns, 0, (PREDICTED_ROWS - rows) * fit->columns * sizeof *x);
    samples_gather(samples, NULL, first, rows, x, NULL, NULL);
    layers_forward(&fit->layers, PREDICTED_ROWS);
    return rows;
}

/* What the last layer says of the rows at hand, into output [rows, outputs]. */
static void give_outputs(const struct fit *fit, size_t rows, double *output)
{
    const size_t outputs = fit_outputs(fit);
    const float *z = fit->layers.values[fit->layers.count];
    for (size_t r = 0; r < rows; r++, z += outputs, output += outputs) {
        if (fit->kind == TARGET_CLASS)
            softmax(outputs, z, output);
        else
            output[0] = z[0] / fit->target.factor[0] + fit->target.offset[0];
    }
}

enum verdict fit_predict(struct fit *fit, const struct dataset *data, int alike, double *output,
                         struct trouble *trouble)
{
    enum verdict verdict = fit_accepts(fit, data, 0, trouble);
    if (verdict)
        return verdict;
    struct samples samples;
    verdict = samples_create(&samples, data, &fit->scale, NULL, trouble);
    if (verdict)
        return verdict;
    for (size_t first = 0, rows; first < samples.rows; first += rows) {
        rows = alike ? forward_few(fit, &samples, first) : forward_block(fit, &samples, first);
        give_outputs(fit, rows, output + first * fit_outputs(fit));
    }
    samples_free(&samples);
    return DONE;
}
