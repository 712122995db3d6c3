/* SPDX-License-Identifier: MIT */
/* Steps: of all tensors or of one. Everything that can go wrong is found before the first element moves. */
#include "optimizer.h"

#include <float.h>
#include <math.h>

#include "measure.h"
#include "walk.h"

/* ---- Who takes part ---- */

/* The place of the first row that does not exist among those that a sparse gradient names, or their number. */
static size_t count_rows_there(const struct tensor *tensor)
{
    size_t j = 0;
    while (j < tensor->row_count && tensor->rows[j] < tensor->info.shape[0])
        j++;
    return j;
}

/* Links the occurrences of each row in order, from the last to the first. */
static void link_rows(struct tensor *tensor)
{
    for (size_t j = tensor->row_count; j > 0; j--) {
        tensor->next[j - 1] = tensor->first[tensor->rows[j - 1]];
        tensor->first[tensor->rows[j - 1]] = j;
    }
}

/* Leaves the lists of enlisted tensors empty again. */
static void unlink_rows(struct adadelta *optimizer, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const struct tensor *tensor = &optimizer->tensors[i];
        for (size_t j = 0; tensor->rows && tensor->work && j < tensor->row_count; j++)
            tensor->first[tensor->rows[j]] = 0;
    }
}

/* The numbers of a tensor's next step, or why there cannot be one. Those of the last one stay while nothing changes. */
static enum adadelta_status set_coefs(const struct adadelta *optimizer, struct tensor *tensor, double rate)
{
    if (tensor->coefs_settings == optimizer->settings && tensor->coefs_rate == rate &&
        !method_counts(optimizer->options.method))
        return ADADELTA_OK;
    struct adadelta_hyper hyper = *tensor_hyper(optimizer, tensor);
    hyper.lr *= rate;
    if (tensor->info.no_decay)
        hyper.weight_decay = 0;
    if (tensor_check_hyper(tensor, &hyper))
        return ADADELTA_ERROR_SCHEDULE;
    tensor->coefs = method_coefs(optimizer->options.method, &hyper, tensor->steps + 1);
    if (is_coded(tensor->info.state_dtype))
        coefs_in_units(&tensor->coefs, tensor->info.state_dtype);
    coefs_prepare(&tensor->coefs, &optimizer->gradients, 1);
    tensor->coefs_settings = optimizer->settings;
    tensor->coefs_rate = rate;
    return ADADELTA_OK;
}

/* Readies a tensor for the step under way with this gradient, which may be NULL. */
static enum adadelta_status enlist(struct adadelta *optimizer, struct tensor *tensor, const void *gradient, double rate)
{
    struct adadelta_error *error = &optimizer->error;
    tensor->gradient = gradient;
    tensor->work = 0;
    tensor->norm = NAN;
    if (!gradient)
        return ADADELTA_OK;
    const enum adadelta_status status = set_coefs(optimizer, tensor, rate);
    if (status)
        return fail(error, status, "tensor '%.200s': lr times the schedule's rate %g is too large", tensor->info.name,
                    rate);
    const size_t there = tensor->rows ? count_rows_there(tensor) : 0;
    if (tensor->rows && there < tensor->row_count)
        return fail(error, ADADELTA_ERROR_ROW, "tensor '%.200s': row %zu (number %zu of the gradient) of %zu",
                    tensor->info.name, tensor->rows[there], there, tensor->info.shape[0]);
    tensor->work = tensor->rows ? tensor->row_count * tensor->width : tensor->n;
    if (tensor->rows && tensor->work)
        link_rows(tensor);
    return ADADELTA_OK;
}

/* Readies all tensors for a step with their registered gradients. They stay ready while nothing changes, but for rows,
   which are the caller's to change at any time: *sparse is whether there are some. */
static enum adadelta_status enlist_all(struct adadelta *optimizer, double rate, int *sparse)
{
    *sparse = 0;
    if (optimizer->enlisted == optimizer->settings && optimizer->enlisted_rate == rate)
        return ADADELTA_OK;
    optimizer->enlisted = 0;
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        const enum adadelta_status status = enlist(optimizer, tensor, tensor->info.gradient, rate);
        if (status) {
            unlink_rows(optimizer, 0, i);
            return status;
        }
        *sparse |= tensor->rows != NULL;
    }
    if (!*sparse && !method_counts(optimizer->options.method))
        optimizer->enlisted = optimizer->settings;
    optimizer->enlisted_rate = rate;
    return ADADELTA_OK;
}

static int takes_part(const struct tensor *tensor)
{
    return tensor->gradient && !(tensor->rows && !tensor->row_count);
}

/* ---- The step ---- */

/* How the tensor's next step counts in its average. */
static void set_average(const struct adadelta_options *options, struct tensor *tensor)
{
    const int exponential = options->averaging == ADADELTA_AVERAGING_EXPONENTIAL;
    tensor->coefs.average_weight = exponential ? 1 - options->average_decay : 1 / ((double)tensor->averaged + 1);
    tensor->coefs.begins_average = tensor->averaged == 0;
}

/* Moves the tensors begin .. end - 1, which are enlisted and measured. */
static void move(struct adadelta *optimizer, size_t begin, size_t end)
{
    const int finds = optimizer->measuring;
    for (size_t i = begin; optimizer->options.averaging && i < end; i++)
        set_average(&optimizer->options, &optimizer->tensors[i]);
    walk_run(&(struct walk){optimizer, begin, end, .act = move_stretch, .finds = finds});
    for (size_t i = begin; i < end; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        if (!takes_part(tensor))
            continue;
        tensor->steps++;
        tensor->averaged++;
        if (!isnan(tensor->norm))
            tensor->gradient_norm = tensor->norm;
        if (finds)
            tensor->update_norm = sqrt(blocks_total(tensor).sum);
    }
}

/* Measures and moves enlisted tensors. *skipped: nothing was moved. */
static enum adadelta_status measure_and_move(struct adadelta *optimizer, size_t begin, size_t end, int *skipped)
{
    const struct tensor *bad = measure_gradients(optimizer, begin, end);
    if (bad && optimizer->gradients.nonfinite == ADADELTA_NONFINITE_RAISE)
        return blame_gradient(optimizer, bad);
    *skipped = bad != NULL;
    if (!bad) {
        move(optimizer, begin, end);
        return ADADELTA_OK;
    }
    for (size_t i = begin; i < end; i++)
        optimizer->tensors[i].skipped += takes_part(&optimizer->tensors[i]);
    return ADADELTA_OK;
}

/* The rate of the step under way. */
static enum adadelta_status find_rate(struct adadelta *optimizer, double *rate)
{
    if (optimizer->swapped)
        return fail(&optimizer->error, ADADELTA_ERROR_SWAPPED, "%s", adadelta_status_string(ADADELTA_ERROR_SWAPPED));
    *rate = adadelta_schedule_rate(&optimizer->schedule, optimizer->steps) + 0.0; /* of two zeros, the one */
    if (*rate >= 0 && *rate < INFINITY)
        return ADADELTA_OK;
    return fail(&optimizer->error, ADADELTA_ERROR_SCHEDULE, "the schedule's rate is %g at step %llu", *rate,
                (unsigned long long)optimizer->steps);
}

enum adadelta_status adadelta_step(struct adadelta *optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    double rate = 1;
    int skipped = 0, sparse = 0;
    enum adadelta_status status = find_rate(optimizer, &rate);
    if (!status)
        status = enlist_all(optimizer, rate, &sparse);
    if (status)
        return status;
    status = measure_and_move(optimizer, 0, optimizer->tensor_count, &skipped);
    if (sparse)
        unlink_rows(optimizer, 0, optimizer->tensor_count);
    if (!status) {
        optimizer->steps += !skipped;
        optimizer->skipped += (uint64_t)skipped;
    }
    return status;
}

/* ---- One tensor ---- */

/* The tensor of that number, to be stepped by itself, or why not. */
static enum adadelta_status single_tensor(struct adadelta *optimizer, size_t index)
{
    if (!tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    if (optimizer->gradients.clip_global_norm > 0)
        return fail(&optimizer->error, ADADELTA_ERROR_GLOBAL_NORM, "%s",
                    adadelta_status_string(ADADELTA_ERROR_GLOBAL_NORM));
    return ADADELTA_OK;
}

/* Steps one tensor with the gradient that it is registered with. */
static enum adadelta_status step_registered(struct adadelta *optimizer, size_t index)
{
    struct tensor *tensor = &optimizer->tensors[index];
    double rate = 1;
    enum adadelta_status status = find_rate(optimizer, &rate);
    optimizer->enlisted = 0;
    if (!status)
        status = enlist(optimizer, tensor, tensor->info.gradient, rate);
    if (status)
        return status;
    int skipped;
    status = measure_and_move(optimizer, index, index + 1, &skipped);
    unlink_rows(optimizer, index, index + 1);
    return status;
}

/* Steps one tensor with another gradient than the registered one: dense where rows is NULL. */
static enum adadelta_status step_with(struct adadelta *optimizer, size_t index, const size_t *rows, size_t count,
                                      const void *gradient)
{
    struct tensor *tensor = &optimizer->tensors[index];
    const struct adadelta_tensor info = tensor->info;
    const size_t elements = rows ? count * tensor->width : tensor->n;
    if (!gradient && elements)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': no gradient", info.name);
    if (arrays_overlap(info.values, tensor_bytes(tensor), gradient,
                       elements * adadelta_dtype_size(info.gradient_dtype)))
        return fail(&optimizer->error, ADADELTA_ERROR_OVERLAP, "tensor '%.200s': gradient overlaps values", info.name);
    const size_t *registered_rows = tensor->rows, registered_count = tensor->row_count;
    tensor->info.gradient = gradient;
    tensor->rows = rows;
    tensor->row_count = count;
    const enum adadelta_status status = step_registered(optimizer, index);
    tensor->info.gradient = info.gradient;
    tensor->rows = registered_rows;
    tensor->row_count = registered_count;
    return status;
}

enum adadelta_status adadelta_step_tensor(struct adadelta *optimizer, size_t index, const void *gradient)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const enum adadelta_status status = single_tensor(optimizer, index);
    return status ? status : step_with(optimizer, index, NULL, 0, gradient);
}

enum adadelta_status adadelta_step_rows(struct adadelta *optimizer, size_t index, size_t count, const size_t *rows,
                                        const void *gradient)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    enum adadelta_status status = single_tensor(optimizer, index);
    if (!status)
        status = buffers_check_rows(optimizer, index, count, rows, gradient);
    if (status)
        return status;
    static const size_t no_rows;
    return step_with(optimizer, index, count ? rows : &no_rows, count, gradient);
}
