/* SPDX-License-Identifier: MIT */
/* The state of a running optimizer brought into another type: of one tensor, or of all in a group. */
#include "optimizer.h"

#include <string.h>

/* A tensor as it would be with state of that type, in its next block if there is one. */
static struct tensor retyped(const struct adadelta *optimizer, const struct tensor *tensor, enum adadelta_dtype dtype)
{
    struct adadelta_tensor info = tensor->info;
    info.state_dtype = dtype;
    const struct tensor blank = tensor_blank(&optimizer->options, ADADELTA_DTYPE_DEFAULT, &info);
    struct tensor next = *tensor;
    next.info = blank.info;
    next.computed = blank.computed;
    next.block = tensor->next_block;
    next.next_block = NULL;
    next.kept = next.average = next.spare = NULL;
    next.block_size = tensor_lay_out(&optimizer->options, &next);
    next.coefs_settings = 0;
    tensor_choose_kernel(optimizer, &next);
    return next;
}

/* Whether a tensor can have state of that type: its types go together, and its settings hold when rounded to them. */
static enum adadelta_status check(struct adadelta *optimizer, const struct tensor *tensor, enum adadelta_dtype dtype)
{
    struct adadelta_tensor info = tensor->info;
    info.state_dtype = dtype;
    const enum adadelta_status status =
        tensor_check_types(&optimizer->options, ADADELTA_DTYPE_DEFAULT, &info, &optimizer->error);
    if (status)
        return status;
    const struct tensor next = retyped(optimizer, tensor, dtype);
    /* Its own, and those of its group, which it may come to follow. */
    enum adadelta_status holds = tensor_check_hyper(&next, tensor_hyper(optimizer, tensor));
    if (!holds)
        holds = tensor_check_hyper(&next, &optimizer->groups[tensor->group].hyper);
    return holds ? fail(&optimizer->error, holds, "tensor '%.200s': %s", info.name, adadelta_status_string(holds))
                 : ADADELTA_OK;
}

/* ---- From one block into another ---- */

static void convert_state(const struct adadelta *optimizer, const struct tensor *from, struct tensor *to)
{
    struct chance_words words = {.tensor = NULL};
    const uint64_t turn = next_rewrite(to);
    double room[MAX_STATES][STATE_ROOM], *const numbers[MAX_STATES] = {room[0], room[1]};
    for (size_t first = 0; first < to->n; first += STATE_ROOM) {
        const size_t n = to->n - first < STATE_ROOM ? to->n - first : STATE_ROOM;
        state_read(optimizer, from, first, n, numbers);
        state_write(optimizer, to, first, n, numbers, turn, &words);
    }
}

/* Averages are of the type computed in, which may be another one now; the rest stays what it is. */
static void convert_rest(const struct adadelta *optimizer, const struct tensor *from, struct tensor *to)
{
    for (size_t k = optimizer->method->states; k < to->part_count; k++) {
        const struct part *ours = &to->parts[k], *theirs = tensor_part(from, ours->name);
        if (!theirs) /* a spare part that was not needed before */
            memcpy(ours->values, to->info.values, tensor_bytes(to));
        else if (ours->dtype == theirs->dtype)
            memcpy(ours->values, theirs->values, to->n * dtype_size(ours->dtype));
        else
            kernels_in_use()->load[ours->dtype][theirs->dtype](to->n, ours->values, theirs->values);
    }
}

static void convert_tensor(struct adadelta *optimizer, struct tensor *tensor, enum adadelta_dtype dtype)
{
    struct tensor next = retyped(optimizer, tensor, dtype);
    next.unit = tensor_hyper(optimizer, tensor)->eps;
    if (next.n) {
        convert_state(optimizer, tensor, &next);
        convert_rest(optimizer, tensor, &next);
    }
    if (!is_coded(next.info.state_dtype))
        next.rewrites = 0; /* as a checkpoint, which keeps none, would have it */
    memory_give(&optimizer->options.allocator, tensor->block, tensor->block_size);
    *tensor = next;
}

/* ---- Of several ---- */

/* The tensors whose state becomes of that type: all of a group, or the one of a number. */
struct choice {
    size_t group, index; /* SIZE_MAX: of no account */
    enum adadelta_dtype dtype;
};

static int is_chosen(const struct adadelta *optimizer, const struct choice *choice, size_t i)
{
    const struct tensor *tensor = &optimizer->tensors[i];
    const enum adadelta_dtype dtype = choice->dtype ? choice->dtype : default_state(tensor->info.dtype);
    return (i == choice->index || tensor->group == choice->group) && tensor->info.state_dtype != dtype;
}

static void release_next(struct adadelta *optimizer, enum adadelta_dtype dtype)
{
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        if (tensor->next_block)
            memory_give(&optimizer->options.allocator, tensor->next_block,
                        retyped(optimizer, tensor, dtype).block_size);
        tensor->next_block = NULL;
    }
}

/* Takes the memory for all before anything changes. */
static enum adadelta_status take_next(struct adadelta *optimizer, const struct choice *choice)
{
    const struct arena mark = memory_mark(&optimizer->options.allocator);
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        if (!is_chosen(optimizer, choice, i))
            continue;
        const struct tensor next = retyped(optimizer, tensor, choice->dtype);
        const size_t size = next.block_size;
        tensor->next_block = size ? memory_take(&optimizer->options.allocator, size) : NULL;
        if (size && !tensor->next_block) {
            release_next(optimizer, choice->dtype);
            memory_return(&optimizer->options.allocator, mark);
            return fail(&optimizer->error, ADADELTA_ERROR_MEMORY,
                        "no memory for tensor '%.200s' with its state as %s: %zu bytes more", tensor->info.name,
                        adadelta_dtype_name(next.info.state_dtype), size);
        }
    }
    return ADADELTA_OK;
}

static enum adadelta_status convert_chosen(struct adadelta *optimizer, const struct choice *choice)
{
    if (!method_takes_state(optimizer->options.method, choice->dtype))
        return fail(&optimizer->error, ADADELTA_ERROR_DTYPE, "state of %s cannot be %s",
                    adadelta_method_name(optimizer->options.method),
                    adadelta_dtype_name(choice->dtype) ? adadelta_dtype_name(choice->dtype) : "of that type");
    if (optimizer->swapped)
        return fail(&optimizer->error, ADADELTA_ERROR_SWAPPED, "%s", adadelta_status_string(ADADELTA_ERROR_SWAPPED));
    enum adadelta_status status = ADADELTA_OK;
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++) {
        if (is_chosen(optimizer, choice, i))
            status = check(optimizer, &optimizer->tensors[i], choice->dtype);
    }
    if (!status)
        status = take_next(optimizer, choice);
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++) {
        if (is_chosen(optimizer, choice, i))
            convert_tensor(optimizer, &optimizer->tensors[i], choice->dtype);
    }
    optimizer->enlisted = 0;
    return status;
}

enum adadelta_status adadelta_set_tensor_state_dtype(struct adadelta *optimizer, size_t index,
                                                     enum adadelta_dtype dtype)
{
    if (!optimizer || !tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    const enum adadelta_dtype shared = optimizer->groups[optimizer->tensors[index].group].state_dtype;
    const enum adadelta_dtype default_dtype = shared ? shared : optimizer->options.state_dtype;
    return convert_chosen(optimizer, &(struct choice){SIZE_MAX, index, dtype ? dtype : default_dtype});
}

enum adadelta_status adadelta_set_state_dtype(struct adadelta *optimizer, size_t group, enum adadelta_dtype dtype)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (group >= optimizer->group_count)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "there is no group %zu: the optimizer has %zu", group,
                    optimizer->group_count);
    const enum adadelta_dtype wanted = dtype ? dtype : optimizer->options.state_dtype;
    const enum adadelta_status status = convert_chosen(optimizer, &(struct choice){group, SIZE_MAX, wanted});
    if (!status)
        optimizer->groups[group].state_dtype = dtype;
    return status;
}

enum adadelta_status adadelta_get_state_dtype(const struct adadelta *optimizer, size_t group,
                                              enum adadelta_dtype *dtype)
{
    if (!optimizer || group >= optimizer->group_count || !dtype)
        return ADADELTA_ERROR_ARGUMENT;
    *dtype = optimizer->groups[group].state_dtype;
    return ADADELTA_OK;
}
