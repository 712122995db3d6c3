/* SPDX-License-Identifier: MIT */
/* The optimizer object: making, copying and asking it, and the settings of all of it. tensor.c fills it, step.c moves
   it. */
#include "optimizer.h"

#include <float.h>
#include <string.h>

enum { MAX_THREADS = 1024 };

/* ---- Create and destroy ---- */

struct adadelta_options adadelta_options_default(void)
{
    return (struct adadelta_options){.method = ADADELTA_METHOD_ADADELTA, .average_decay = 0.999};
}

enum adadelta_status check_options(const struct adadelta_options *options)
{
    if (!method_row(options->method) || options->threads < 0 || options->threads > MAX_THREADS ||
        (unsigned)options->averaging >= ADADELTA_AVERAGING_COUNT)
        return ADADELTA_ERROR_ARGUMENT;
    if (!method_takes_state(options->method, options->state_dtype))
        return ADADELTA_ERROR_DTYPE;
    if (options->averaging == ADADELTA_AVERAGING_EXPONENTIAL &&
        !(options->average_decay >= 0 && options->average_decay < 1))
        return ADADELTA_ERROR_AVERAGE;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_create(const struct adadelta_options *options, struct adadelta **optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    *optimizer = NULL;
    struct adadelta_options own = options ? *options : adadelta_options_default();
    const enum adadelta_status status = check_options(&own);
    if (status)
        return status;
    if (!allocator_complete(&own.allocator))
        return ADADELTA_ERROR_ARGUMENT;
    if (!kernels_in_use())
        return ADADELTA_ERROR_ISA;
    struct adadelta *made = memory_take(&own.allocator, sizeof *made);
    if (!made)
        return ADADELTA_ERROR_MEMORY;
    made->method = method_row(own.method);
    made->options = own;
    made->gradients = adadelta_gradients_default();
    made->schedule = adadelta_schedule_default();
    made->settings = 1;
    *optimizer = made;
    return ADADELTA_OK;
}

struct adadelta_options adadelta_get_options(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->options : adadelta_options_default();
}

enum adadelta_status adadelta_set_threads(struct adadelta *optimizer, int threads)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (threads < 0 || threads > MAX_THREADS)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "threads is %d, must be from 0 to %d", threads,
                    MAX_THREADS);
    optimizer->options.threads = threads;
    return ADADELTA_OK;
}

void adadelta_destroy(struct adadelta *optimizer)
{
    if (!optimizer)
        return;
    const struct adadelta_allocator *allocator = &optimizer->options.allocator;
    for (size_t i = 0; i < optimizer->tensor_count; i++)
        tensor_release(optimizer, &optimizer->tensors[i]);
    memory_give(allocator, optimizer->tensors, memory_room(optimizer->tensor_count) * sizeof *optimizer->tensors);
    memory_give(allocator, optimizer->groups, memory_room(optimizer->group_count) * sizeof *optimizer->groups);
    const struct adadelta_allocator last = *allocator;
    memory_give(&last, optimizer, sizeof *optimizer);
}

const char *adadelta_error_text(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->error.text : "";
}

/* ---- Groups ---- */

enum adadelta_status adadelta_add_group(struct adadelta *optimizer, const struct adadelta_hyper *hyper, size_t *group)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct adadelta_hyper defaults = adadelta_hyper_for(optimizer->options.method);
    if (!hyper)
        hyper = &defaults;
    const enum adadelta_status status = adadelta_hyper_check(hyper);
    if (status)
        return fail(&optimizer->error, status, "a new group: %s", adadelta_status_string(status));
    void *groups = optimizer->groups;
    if (!memory_grow(&optimizer->options.allocator, &groups, optimizer->group_count, sizeof *optimizer->groups))
        return fail(&optimizer->error, ADADELTA_ERROR_MEMORY, "no memory for a group");
    optimizer->groups = groups;
    optimizer->groups[optimizer->group_count] = (struct group){.hyper = *hyper};
    if (group)
        *group = optimizer->group_count;
    optimizer->group_count++;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_hyper(const struct adadelta *optimizer, size_t group, struct adadelta_hyper *hyper)
{
    if (!optimizer || group >= optimizer->group_count || !hyper)
        return ADADELTA_ERROR_ARGUMENT;
    *hyper = optimizer->groups[group].hyper;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_hyper(struct adadelta *optimizer, size_t group, const struct adadelta_hyper *hyper)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (group >= optimizer->group_count)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "there is no group %zu: the optimizer has %zu", group,
                    optimizer->group_count);
    enum adadelta_status status = adadelta_hyper_check(hyper);
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++) {
        if (optimizer->tensors[i].group == group)
            status = tensor_check_hyper(&optimizer->tensors[i], hyper);
    }
    if (status)
        return fail(&optimizer->error, status, "group %zu: %s", group, adadelta_status_string(status));
    optimizer->groups[group].hyper = *hyper;
    codes_follow(optimizer);
    optimizer->settings++;
    return ADADELTA_OK;
}

/* ---- Gradients and schedule ---- */

struct adadelta_gradients adadelta_gradients_default(void)
{
    return (struct adadelta_gradients){.scale = 1, .nonfinite = ADADELTA_NONFINITE_RAISE};
}

enum adadelta_status adadelta_set_gradients(struct adadelta *optimizer, const struct adadelta_gradients *gradients)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (!gradients || (unsigned)gradients->nonfinite >= ADADELTA_NONFINITE_COUNT ||
        (unsigned)gradients->duplicates >= ADADELTA_DUPLICATES_COUNT)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT,
                    "no settings for gradients, or nonfinite or duplicates is not a known value");
    /* In float, too: a scale or a bound that is no normal number there would divide or cut by something else. */
    const double value = gradients->clip_value;
    if (!(gradients->scale >= FLT_MIN && gradients->scale <= FLT_MAX) || !is_amount(value) ||
        (value > 0 && value < FLT_MIN) || !is_amount(gradients->clip_norm) || !is_amount(gradients->clip_global_norm))
        return fail(&optimizer->error, ADADELTA_ERROR_CLIP,
                    "scale %g must be from %.3g to %.3g, clip_value %g 0 or at least %.3g, clip_norm %g and "
                    "clip_global_norm %g finite and at least 0",
                    gradients->scale, (double)FLT_MIN, (double)FLT_MAX, value, (double)FLT_MIN, gradients->clip_norm,
                    gradients->clip_global_norm);
    optimizer->gradients = *gradients;
    optimizer->settings++;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_gradients(const struct adadelta *optimizer, struct adadelta_gradients *gradients)
{
    if (!optimizer || !gradients)
        return ADADELTA_ERROR_ARGUMENT;
    *gradients = optimizer->gradients;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_schedule(struct adadelta *optimizer, const struct adadelta_schedule *schedule)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct adadelta_schedule constant = adadelta_schedule_default();
    if (!schedule)
        schedule = &constant;
    const enum adadelta_status status = adadelta_schedule_check(schedule);
    if (status)
        return fail(&optimizer->error, status, "schedule: %s", schedule_needs(schedule->kind));
    optimizer->schedule = *schedule;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_schedule(const struct adadelta *optimizer, struct adadelta_schedule *schedule)
{
    if (!optimizer || !schedule)
        return ADADELTA_ERROR_ARGUMENT;
    *schedule = optimizer->schedule;
    return ADADELTA_OK;
}

/* ---- Clone and sizes ---- */

/* Everything but groups and tensors, which have brought their places with them. */
static void copy_rest(struct adadelta *clone, const struct adadelta *optimizer)
{
    clone->gradients = optimizer->gradients;
    clone->schedule = optimizer->schedule;
    clone->placed = optimizer->placed;
    clone->steps = optimizer->steps;
    clone->skipped = optimizer->skipped;
    clone->swapped = optimizer->swapped;
    clone->measuring = optimizer->measuring;
}

enum adadelta_status adadelta_clone(const struct adadelta *optimizer, struct adadelta **copy)
{
    if (!copy)
        return ADADELTA_ERROR_ARGUMENT;
    *copy = NULL;
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct arena mark = memory_mark(&optimizer->options.allocator);
    struct adadelta *clone;
    enum adadelta_status status = adadelta_create(&optimizer->options, &clone);
    for (size_t i = 0; !status && i < optimizer->group_count; i++) {
        status = adadelta_add_group(clone, &optimizer->groups[i].hyper, NULL);
        if (!status)
            clone->groups[i] = optimizer->groups[i];
    }
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++)
        status = tensor_append(clone, &optimizer->tensors[i]);
    if (status) {
        adadelta_destroy(clone);
        memory_return(&optimizer->options.allocator, mark);
        return status;
    }
    copy_rest(clone, optimizer);
    *copy = clone;
    return ADADELTA_OK;
}

size_t adadelta_group_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->group_count : 0;
}

size_t adadelta_tensor_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->tensor_count : 0;
}

size_t adadelta_state_bytes(const struct adadelta *optimizer)
{
    size_t sum = 0;
    for (size_t i = 0; optimizer && i < optimizer->tensor_count; i++)
        sum += optimizer->tensors[i].block_size;
    return sum;
}
