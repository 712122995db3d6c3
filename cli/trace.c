/* SPDX-License-Identifier: MIT */
/* See trace.h. The change that a step makes is the difference of two looks: one before a batch that is to be recorded,
   one after it. */
#include "trace.h"

#include <math.h>
#include <stdlib.h>

#include "output.h"
#include "random.h"

#define TRACE_STREAM UINT64_C(0x7472616365) /* "trace"; each tensor's own stream is its number further on */

const char *const trace_columns[TRACE_COLUMN_COUNT] = {
    [TRACE_STEP] = "step",
    [TRACE_EPOCH] = "epoch",
    [TRACE_TENSOR] = "tensor",
    [TRACE_INDEX] = "index",
    [TRACE_VALUE] = "value",
    [TRACE_UPDATE] = "update",
    [TRACE_RMS_UPDATE] = "rms_update",
    [TRACE_RMS_GRADIENT] = "rms_gradient",
    [TRACE_RATE] = "rate",
    [TRACE_RATE_MIN] = "rate_min",
    [TRACE_RATE_MEDIAN] = "rate_median",
    [TRACE_RATE_MAX] = "rate_max",
};

/* The chosen weights of a matrix. */
struct sample {
    size_t tensor; /* its number in the optimizer */
    const char *name;
    const float *values; /* of the whole matrix */
    double eps;
    size_t count;
    size_t *index; /* [count], rising */
    float *before; /* [count], at the last look */
};

struct trace {
    const struct fit *fit;
    struct output output;
    size_t every, records;
    struct sample *samples; /* [sample_count] */
    size_t sample_count;
    double *square_avg, *acc_delta; /* [of the largest matrix]; both NULL where the method has not got both */
};

/* ---- Choosing ---- */

/* Draws count of n numbers, each set of them as likely as any other (Knuth, The Art of Computer Programming, volume 2,
   section 3.4.2, algorithm S). */
static void choose(struct random *random, size_t n, size_t count, size_t *index)
{
    for (size_t i = 0, chosen = 0; chosen < count; i++) {
        if (random_below(random, n - i) < count - chosen)
            index[chosen++] = i;
    }
}

/* Takes up tensor number k where it is a matrix. */
static enum verdict add_sample(struct trace *trace, size_t k, size_t weights, size_t *largest, struct trouble *trouble)
{
    struct adadelta_tensor tensor;
    struct adadelta_hyper hyper;
    const struct adadelta *optimizer = fit_optimizer(trace->fit);
    if (adadelta_get_tensor(optimizer, k, &tensor) || adadelta_get_tensor_hyper(optimizer, k, &hyper) ||
        tensor.ndim != 2)
        return DONE;
    const size_t n = tensor.shape[0] * tensor.shape[1];
    struct sample *sample = &trace->samples[trace->sample_count++];
    *sample = (struct sample){.tensor = k, .name = tensor.name, .values = tensor.values, .eps = hyper.eps};
    sample->count = weights < n ? weights : n;
    sample->index = malloc(sample->count * sizeof *sample->index);
    sample->before = malloc(sample->count * sizeof *sample->before);
    if (!sample->index || !sample->before)
        return blame_memory(trouble);
    struct random random = random_stream(fit_get_settings(trace->fit)->seed, TRACE_STREAM + k);
    choose(&random, n, sample->count, sample->index);
    *largest = n > *largest ? n : *largest;
    return DONE;
}

static enum verdict add_samples(struct trace *trace, size_t weights, struct trouble *trouble)
{
    const size_t tensors = fit_tensor_count(trace->fit);
    size_t largest = 1;
    enum verdict verdict = DONE;
    trace->samples = calloc(tensors, sizeof *trace->samples);
    if (!trace->samples)
        return blame_memory(trouble);
    for (size_t k = 0; k < tensors && verdict == DONE; k++)
        verdict = add_sample(trace, k, weights, &largest, trouble);
    if (verdict != DONE || fit_get_settings(trace->fit)->method != ADADELTA_METHOD_ADADELTA)
        return verdict;
    trace->square_avg = malloc(largest * sizeof *trace->square_avg);
    trace->acc_delta = malloc(largest * sizeof *trace->acc_delta);
    return trace->square_avg && trace->acc_delta ? DONE : blame_memory(trouble);
}

/* ---- Recording ---- */

static void look_before(struct trace *trace)
{
    for (size_t s = 0; s < trace->sample_count; s++) {
        struct sample *sample = &trace->samples[s];
        for (size_t i = 0; i < sample->count; i++)
            sample->before[i] = sample->values[sample->index[i]];
    }
}

static void write_number(FILE *file, double value)
{
    if (isnan(value))
        fputc(',', file);
    else
        fprintf(file, ",%.9g", value); /* as many digits as tell two floats apart */
}

/* The columns that are the same for all weights of a matrix, as they end each of its rows. */
static enum verdict summarize(const struct trace *trace, const struct sample *sample, char *text, size_t size,
                              struct trouble *trouble)
{
    struct adadelta_tensor_stats stats;
    const enum adadelta_status status = adadelta_get_tensor_stats(fit_optimizer(trace->fit), sample->tensor, &stats);
    if (status)
        return blame(trouble, FAILED, "%s", adadelta_status_string(status));
    if (isnan(stats.rate_median))
        snprintf(text, size, ",,,");
    else
        snprintf(text, size, ",%.9g,%.9g,%.9g", stats.rate_min, stats.rate_median, stats.rate_max);
    return DONE;
}

static enum verdict read_state(struct trace *trace, const struct sample *sample, struct trouble *trouble)
{
    const struct adadelta *optimizer = fit_optimizer(trace->fit);
    if (!trace->square_avg)
        return DONE;
    enum adadelta_status status =
        adadelta_copy_state(optimizer, sample->tensor, "square_avg", ADADELTA_F64, trace->square_avg);
    if (!status)
        status = adadelta_copy_state(optimizer, sample->tensor, "acc_delta", ADADELTA_F64, trace->acc_delta);
    return status ? blame(trouble, FAILED, "%s", adadelta_status_string(status)) : DONE;
}

static enum verdict record_sample(struct trace *trace, const struct sample *sample, size_t step, double epoch,
                                  struct trouble *trouble)
{
    char summary[96];
    FILE *file = trace->output.file;
    enum verdict verdict = summarize(trace, sample, summary, sizeof summary, trouble);
    if (verdict == DONE)
        verdict = read_state(trace, sample, trouble);
    for (size_t i = 0; i < sample->count && verdict == DONE; i++) {
        const size_t index = sample->index[i];
        const float value = sample->values[index];
        const double u = trace->acc_delta ? trace->acc_delta[index] : NAN;
        const double v = trace->square_avg ? trace->square_avg[index] : NAN;
        fprintf(file, "%zu,%.9g,%s,%zu", step, epoch, sample->name, index);
        write_number(file, value);
        write_number(file, value - sample->before[i]);
        write_number(file, sqrt(u + sample->eps));
        write_number(file, sqrt(v + sample->eps));
        write_number(file, sqrt((u + sample->eps) / (v + sample->eps)));
        fprintf(file, "%s\n", summary);
    }
    return verdict;
}

enum verdict trace_watch(struct trace *trace, const struct fit_progress *now, struct trouble *trouble)
{
    const size_t batch = fit_get_settings(trace->fit)->batch;
    const size_t batches = (now->rows + batch - 1) / batch;
    const size_t step = (now->epoch - 1) * batches + (now->rows_done + batch - 1) / batch;
    const double epoch = (double)(now->epoch - 1) + (double)now->rows_done / (double)now->rows;
    enum verdict verdict = DONE;
    if (trace->every == 0)
        trace->every = batches >= 10 ? batches / 10 : 1;
    if (step % trace->every == 0) {
        for (size_t s = 0; s < trace->sample_count && verdict == DONE; s++)
            verdict = record_sample(trace, &trace->samples[s], step, epoch, trouble);
        trace->records++;
    }
    if ((step + 1) % trace->every == 0)
        look_before(trace);
    return verdict;
}

/* ---- Beginning and end ---- */

static void trace_free(struct trace *trace)
{
    for (size_t s = 0; s < trace->sample_count; s++) {
        free(trace->samples[s].index);
        free(trace->samples[s].before);
    }
    free(trace->samples);
    free(trace->square_avg);
    free(trace->acc_delta);
    free(trace);
}

enum verdict trace_open(struct trace **trace, const char *path, size_t every, size_t weights, const struct fit *fit,
                        struct trouble *trouble)
{
    struct trace *made = calloc(1, sizeof *made);
    *trace = NULL;
    if (!made)
        return blame_memory(trouble);
    made->fit = fit;
    made->every = every;
    enum verdict verdict = add_samples(made, weights, trouble);
    if (verdict == DONE)
        verdict = output_open(&made->output, path, trouble);
    if (verdict != DONE) {
        trace_free(made);
        return verdict;
    }
    for (size_t k = 0; k < TRACE_COLUMN_COUNT; k++)
        fprintf(made->output.file, "%s%s", k ? "," : "", trace_columns[k]);
    fputc('\n', made->output.file);
    look_before(made);
    *trace = made;
    return DONE;
}

enum verdict trace_close(struct trace *trace, size_t *records, struct trouble *trouble)
{
    *records = trace->records;
    const enum verdict verdict = output_commit(&trace->output, trouble);
    trace_free(trace);
    return verdict;
}
