/* SPDX-License-Identifier: MIT */
/* What goes on beside a run that Python started: keeping its losses, stopping early, and listening to Ctrl-C. */
#ifndef PYTHON_TRAINER_WATCH_H
#define PYTHON_TRAINER_WATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fit.h"

/* The losses [count], and the scores [count] where there are test rows. */
struct curve {
    double *losses, *scores;
    size_t count, capacity;
};

struct watch {
    struct fit *fit;
    PyObject *callback;    /* called as callback(epoch, loss, score or None) after each epoch; or None */
    PyThreadState *thread; /* saved while the GIL is released */
    double next_look;      /* when to ask for signals, in seconds since the run began */
    int raised;            /* 1: there is an exception */
    struct curve curve;
    /* Early stopping. */
    size_t patience; /* epochs without a gain that are borne; 0: no early stopping */
    double tolerance, variance;
    double best_score;
    size_t without_gain;
    float *best; /* [parameters] */
};

/* Runs the model to the end or until the watch, whose first fields (fit, callback, patience, tolerance, variance) are
   set, stops it; without the GIL, but for moments. A score is the fraction right, or 1 - loss/variance for numbers.
   With early stopping the parameters are at last those of the best score. 0, or -1 with an exception. */
int watch_run(struct watch *watch);
void watch_free(struct watch *watch);

#endif
