/* SPDX-License-Identifier: MIT */
/* Training: from data and settings to a model, epoch by epoch; and what a finished model is good for. */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include <adadelta.h>

#include "dataset.h"
#include "network.h"
#include "scale.h"

/* Everything that decides a run's result. Kept in the model file, so that a run can be resumed. */
struct fit_settings {
    struct model_spec model;
    enum adadelta_method method;
    struct adadelta_hyper hyper;
    enum adadelta_dtype state;         /* what the optimizer's state is kept in; by default f32 */
    struct adadelta_schedule schedule; /* no callback; warmup and every count epochs; steps means nothing here */
    enum scale_kind scale;
    size_t batch;
    size_t epochs;
    uint64_t seed;
    double test_fraction; /* 0: none */
    int keep_batch;       /* 1: a batch of more rows than there are stays so, for rows yet to come (fit_feed) */
};

/* Adadelta, schedule tail, model auto, relu, scale auto, batch 0 and epochs 0 (0: chosen by fit_create from the
 * number of rows), schedule.every 0 (chosen from the epochs), seed 1. */
struct fit_settings fit_settings_default(void);

/* Fills in what is left open of batch, epochs, schedule and state for so many rows to train on, as fit_create does. */
void fit_complete_settings(struct fit_settings *settings, size_t rows);

/* A model: what predict and eval need, and what a run in progress trains. */
struct fit;

/* Where a run stands: after each batch, or after the epoch that it ended. */
struct fit_progress {
    size_t epoch; /* from 1: the one under way, or just done */
    size_t epochs;
    size_t rows_done; /* in this epoch */
    size_t rows;
    int epoch_end;     /* 1: the fields below are this epoch's; 0: train_loss is of the rows so far */
    double train_loss; /* mean over the epoch's rows, each taken before its batch's step */
    int has_test;
    double test_loss;
    double test_error; /* fraction wrong; NAN for numbers */
    double seconds;    /* since fit_run began */
};

/* Called on the thread that called fit_run. Returns 0 to go on, else the run stops after this batch. */
typedef int fit_watch(const struct fit_progress *progress, void *context);

/* Loss and error of a model on labelled data. */
struct fit_score {
    size_t rows;
    double loss;  /* cross-entropy in nats, or mean squared error in the target's unit squared; mean over rows */
    double error; /* fraction wrong; NAN for numbers */
};

/* A fresh model for training. train and test (NULL: none) are copied as needed and may be freed afterwards.
   threads 0: one a processor. Fills in the settings left open (fit_get_settings tells them). */
enum verdict fit_create(struct fit **fit, const struct fit_settings *settings, const struct dataset *train,
                        const struct dataset *test, int threads, struct trouble *trouble);

/* Reads a model file. For prediction and evaluation only, until fit_attach gives it data to train on. */
enum verdict fit_load(struct fit **fit, const char *path, int threads, struct trouble *trouble);

/* Gives a loaded model its data back, to go on training where the file was saved: the same train rows (checked by their
   fingerprint) and epochs, the new total (0: as before), whose schedule the rest of the run follows. */
enum verdict fit_attach(struct fit *fit, const struct dataset *train, const struct dataset *test, size_t epochs,
                        struct trouble *trouble);

/* Trains to the end of the last epoch, or until watch returns non-zero: then *stopped is 1 and fit_save keeps
   everything that a later run needs to end with the same bits. FAILED where loss or gradient is not finite any more. */
enum verdict fit_run(struct fit *fit, fit_watch *watch, void *context, int *stopped, struct trouble *trouble);

/* Writes the model with its optimizer, whole or not at all. */
enum verdict fit_save(const struct fit *fit, const char *path, struct trouble *trouble);

/* Gives a model, fresh, trained or loaded, other rows to train on, for one epoch more at a constant rate, which fit_run
   then does. Scaling, classes and columns stay as they are, an epoch that was stopped is given up, test rows go. The
   rows are copied as needed. */
enum verdict fit_feed(struct fit *fit, const struct dataset *train, struct trouble *trouble);

/* Forgets the rows to train and test on; prediction and fit_save need none. */
void fit_release(struct fit *fit);

void fit_destroy(struct fit *fit);

/* Settings as completed; the description a request for further data must carry (pointers live as long as the model). */
const struct fit_settings *fit_get_settings(const struct fit *fit);
void fit_describe(const struct fit *fit, struct dataset_request *request);

/* How many threads may work on the model from now on, at least 1; no bit depends on it. */
void fit_set_threads(struct fit *fit, int threads);

/* Epochs completed, the trained parameters' number, and the bytes of the optimizer's state of them. */
size_t fit_epochs_done(const struct fit *fit);
size_t fit_parameter_count(const struct fit *fit);
size_t fit_state_bytes(const struct fit *fit);

/* The weights and biases as the optimizer has them: their number, and how number k stands. The update is that of the
   last batch of an epoch. Returns the tensor's name, which lives as long as the model, or NULL past the last. */
size_t fit_tensor_count(const struct fit *fit);
const char *fit_tensor_stats(const struct fit *fit, size_t k, struct adadelta_tensor_stats *stats);

/* The optimizer, to be looked at between batches: its tensors are the weights and biases of that list. Lives as long as
   the model. */
const struct adadelta *fit_optimizer(const struct fit *fit);

/* All weights and biases, in the order of that list, into values [fit_parameter_count] or from there; the optimizer's
   state and counters stay. */
void fit_get_parameters(const struct fit *fit, float *values);
void fit_set_parameters(struct fit *fit, const float *values);

/* How features are scaled (see scale.h), and numbers to learn, one column; live as long as the model. */
const struct scale *fit_scale(const struct fit *fit);
const struct scale *fit_target_scale(const struct fit *fit);

/* The class names [classes], or NULL and 0 for numbers. */
const char *const *fit_class_names(const struct fit *fit, size_t *classes);

enum verdict fit_evaluate(struct fit *fit, const struct dataset *data, struct fit_score *score,
                          struct trouble *trouble);

/* Predicts: output [rows, outputs] is each class's probability, or the number in the target's unit (outputs 1). alike not
 * 0: of a row the same bits whatever others it is among, for about twice the time and on one thread. */
size_t fit_outputs(const struct fit *fit);
enum verdict fit_predict(struct fit *fit, const struct dataset *data, int alike, double *output,
                         struct trouble *trouble);

#endif
