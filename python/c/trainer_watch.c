/* SPDX-License-Identifier: MIT */
/* See trainer_watch.h. */
#include "trainer_watch.h"

#include "raise_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds between two looks for Ctrl-C: a person does not feel them, and threads with work to do keep the GIL. */
static const double LOOK_EVERY = 0.05;

static int keep(struct curve *curve, double loss, double score)
{
    if (curve->count == curve->capacity) {
        const size_t capacity = curve->capacity ? 2 * curve->capacity : 64;
        double *losses = realloc(curve->losses, capacity * sizeof *losses);
        curve->losses = losses ? losses : curve->losses;
        double *scores = realloc(curve->scores, capacity * sizeof *scores);
        curve->scores = scores ? scores : curve->scores;
        if (!losses || !scores)
            return -1;
        curve->capacity = capacity;
    }
    curve->losses[curve->count] = loss;
    curve->scores[curve->count++] = score;
    return 0;
}

/* Keeps the best parameters; 1 where it is time to stop. What is no gain by the tolerance may still be the best. */
static int stops_early(struct watch *watch, double score)
{
    watch->without_gain = score < watch->best_score + watch->tolerance ? watch->without_gain + 1 : 0;
    if (score > watch->best_score) {
        watch->best_score = score;
        fit_get_parameters(watch->fit, watch->best);
    }
    return watch->without_gain > watch->patience;
}

static double score_of(const struct watch *watch, const struct fit_progress *progress)
{
    if (!progress->has_test)
        return NAN;
    return isnan(progress->test_error) ? 1 - progress->test_loss / watch->variance : 1 - progress->test_error;
}

static void call_back(struct watch *watch, const struct fit_progress *progress, double score)
{
    PyObject *result =
        progress->has_test
            ? PyObject_CallFunction(watch->callback, "ndd", (Py_ssize_t)progress->epoch, progress->train_loss, score)
            : PyObject_CallFunction(watch->callback, "ndO", (Py_ssize_t)progress->epoch, progress->train_loss, Py_None);
    watch->raised |= !result;
    Py_XDECREF(result);
}

/* fit_watch: not under the GIL, and takes it only where something is to be done with it. */
static int look(const struct fit_progress *progress, void *context)
{
    struct watch *watch = context;
    int stop = 0, full = 0;
    double score = NAN;
    if (progress->epoch_end) {
        score = score_of(watch, progress);
        full = keep(&watch->curve, progress->train_loss, score);
        stop = watch->patience && stops_early(watch, score);
    }
    const int calls = progress->epoch_end && watch->callback != Py_None;
    if (!calls && !full && progress->seconds < watch->next_look)
        return stop;
    PyEval_RestoreThread(watch->thread);
    if (full) {
        PyErr_NoMemory();
        watch->raised = 1;
    }
    if (!watch->raised && calls)
        call_back(watch, progress, score);
    if (!watch->raised && PyErr_CheckSignals())
        watch->raised = 1;
    watch->thread = PyEval_SaveThread();
    watch->next_look = progress->seconds + LOOK_EVERY;
    return stop || watch->raised;
}

int watch_run(struct watch *watch)
{
    struct trouble trouble;
    int stopped;
    watch->best_score = -INFINITY;
    watch->best = watch->patience ? malloc(fit_parameter_count(watch->fit) * sizeof *watch->best) : NULL;
    if (watch->patience && !watch->best) {
        PyErr_NoMemory();
        return -1;
    }
    watch->thread = PyEval_SaveThread();
    const enum verdict verdict = fit_run(watch->fit, look, watch, &stopped, &trouble);
    if (watch->best_score > -INFINITY)
        fit_set_parameters(watch->fit, watch->best);
    PyEval_RestoreThread(watch->thread);
    if (watch->raised)
        return -1;
    if (verdict)
        raise_text(PyExc_FloatingPointError, trouble.text);
    return verdict ? -1 : 0;
}

void watch_free(struct watch *watch)
{
    free(watch->curve.losses);
    free(watch->curve.scores);
    free(watch->best);
}
