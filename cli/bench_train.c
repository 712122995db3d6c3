/* SPDX-License-Identifier: MIT */
/* See bench_train.h. */
#include "bench_train.h"

#include <omp.h>
#include <stdio.h>

#include "bench_machine.h"
#include "fit_state.h"
#include "report.h"
#include "settings.h"
#include "train_case.h"
#include "train_peers.h"

/* Epochs to take the median of; more than any run trains for. */
enum { DEFAULT_EPOCHS = 5, ENDLESS = 1000000 };

/* A peer's rounds: so many batches, but no more than an epoch's; and how often, unless --repeat says. */
enum { PEER_BATCHES = 100, PEER_ROUNDS = 7 };

static const struct option rows[] = {
    {OPTION_MODEL, OPTION_TEXT, "model", 0, "SPEC", 0, 0, 0,
     "network: softmax or mlp:W,W... (default mlp:500,300, the paper's)"},
    {OPTION_ACTIVATION, OPTION_TEXT, "activation", 0, "NAME", 0, 0, 0,
     "of hidden layers: relu, tanh or logistic (default relu)"},
    {OPTION_BATCH, OPTION_WHOLE, "batch", 0, "N", 1, 20000, 0, "rows a step (default 100)"},
};
const struct option_group bench_train_options = {"Measurement of train", rows, sizeof rows / sizeof *rows};

static enum verdict read_plan(struct train_plan *plan, const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    *plan = (struct train_plan){
        .threads = values[OPTION_THREADS].whole ? (int)values[OPTION_THREADS].whole : omp_get_num_procs(),
        .epochs = values[OPTION_REPEAT].given ? (size_t)values[OPTION_REPEAT].whole : DEFAULT_EPOCHS,
        .seed = values[OPTION_SEED].given ? values[OPTION_SEED].whole : 1,
    };
    enum verdict verdict = settings_from_args(&plan->settings, args, trouble);
    if (verdict == DONE && !values[OPTION_MODEL].given)
        verdict = model_parse(&plan->settings.model, "mlp:500,300", trouble);
    plan->settings.batch = values[OPTION_BATCH].given ? (size_t)values[OPTION_BATCH].whole : 100;
    plan->settings.epochs = ENDLESS;
    plan->settings.schedule.kind = ADADELTA_SCHEDULE_CONSTANT;
    if (verdict == DONE && values[OPTION_PEERS].given && plan->settings.model.hidden_count &&
        plan->settings.model.activation != ACTIVATION_RELU)
        return blame(trouble, MISUSE, "--peers: the peers' networks have relu, not %s",
                     activation_name(plan->settings.model.activation));
    return verdict;
}

static enum verdict print(const struct train_case *bench, const struct train_times *times, int as_json,
                          struct trouble *trouble)
{
    const struct train_plan *plan = bench->plan;
    char model[256];
    model_format(&plan->settings.model, model, sizeof model);
    const char *activation = activation_name(plan->settings.model.activation);
    const size_t parameters = fit_parameter_count(bench->fit);
    if (as_json)
        return report_json(
            stdout,
            json_pack("{s:s,s:s,s:I,s:I,s:I,s:i,s:o,s:o,s:o,s:o}", "model", model, "activation", activation,
                      "parameters", (json_int_t)parameters, "rows", (json_int_t)bench->images.rows, "batch",
                      (json_int_t)plan->settings.batch, "threads", plan->threads, "epoch_seconds",
                      report_number(times->epoch), "gemm_seconds", report_number(times->gemm), "ratio",
                      report_number(times->epoch / times->gemm), "step_seconds", report_number(times->step)),
            trouble);
    printf("%-16s  activation  batch  threads  epoch s  gemm s   ratio  step s\n", "model");
    printf("%-16s  %-10s  %5zu  %7d  %7.3f  %6.3f  %6.3f  %6.3f\n", model, activation, plan->settings.batch,
           plan->threads, times->epoch, times->gemm, times->epoch / times->gemm, times->step);
    return fflush(stdout) ? blame(trouble, FAILED, "cannot write to standard output") : DONE;
}

static enum verdict run_peers(struct train_case *bench, size_t rounds, int as_json, int quiet, struct trouble *trouble)
{
    const struct layers *layers = &bench->fit->layers;
    const struct fit_settings *settings = &bench->fit->settings;
    const size_t epoch = bench->images.rows / settings->batch;
    const struct train_peers_plan plan = {.widths = layers->width,
                                          .layers = layers->count,
                                          .rows = bench->images.rows,
                                          .batch = settings->batch,
                                          .pixels = bench->pixels,
                                          .labels = bench->labels,
                                          .weights = bench->weights,
                                          .hyper = settings->hyper,
                                          .losses = bench->losses,
                                          .loss_count = TRAIN_CHECKED,
                                          .threads = bench->plan->threads,
                                          .batches = epoch < PEER_BATCHES ? epoch : PEER_BATCHES,
                                          .rounds = rounds ? rounds : PEER_ROUNDS,
                                          .own = train_case_round,
                                          .context = bench,
                                          .as_json = as_json,
                                          .quiet = quiet};
    return train_peers(&plan, trouble);
}

enum verdict bench_train(const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const int as_json = values[OPTION_JSON].given, quiet = values[OPTION_QUIET].given;
    struct train_plan plan;
    enum verdict verdict = read_plan(&plan, args, trouble);
    if (verdict != DONE)
        return verdict;
    struct train_case bench;
    struct train_times times;
    bench_remark_machine(quiet, plan.threads);
    verdict = train_case_create(&bench, &plan, trouble);
    if (verdict == DONE && values[OPTION_PEERS].given)
        verdict = run_peers(&bench, (size_t)values[OPTION_REPEAT].whole, as_json, quiet, trouble);
    if (verdict == DONE)
        verdict = train_case_time(&bench, &times, trouble);
    if (verdict == DONE)
        verdict = print(&bench, &times, as_json, trouble);
    train_case_free(&bench);
    return verdict;
}
