/* SPDX-License-Identifier: MIT */
/* What an optimizer and its tensors count, for the caller to read and to write. */
#include "optimizer.h"

uint64_t adadelta_step_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->steps : 0;
}

uint64_t adadelta_skip_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->skipped : 0;
}

uint64_t adadelta_tensor_skip_count(const struct adadelta *optimizer, size_t index)
{
    return optimizer && index < optimizer->tensor_count ? optimizer->tensors[index].skipped : 0;
}

/* Whether a checkpoint, whose JSON has whole numbers of 64 bits with a sign, can hold it. */
static int can_be_kept(uint64_t count)
{
    return count <= INT64_MAX;
}

enum adadelta_status adadelta_set_step_count(struct adadelta *optimizer, uint64_t steps, uint64_t skipped)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (!can_be_kept(steps) || !can_be_kept(skipped))
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "%llu steps, %llu skipped: neither may be above 2^63-1",
                    (unsigned long long)steps, (unsigned long long)skipped);
    optimizer->steps = steps;
    optimizer->skipped = skipped;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_counts(const struct adadelta *optimizer, size_t index, struct adadelta_counts *counts)
{
    if (!optimizer || index >= optimizer->tensor_count || !counts)
        return ADADELTA_ERROR_ARGUMENT;
    const struct tensor *tensor = &optimizer->tensors[index];
    *counts = (struct adadelta_counts){
        .steps = tensor->steps,
        .skipped = tensor->skipped,
        .averaged = tensor->averaged,
        .rewrites = tensor->rewrites,
    };
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_counts(struct adadelta *optimizer, size_t index, const struct adadelta_counts *counts)
{
    if (!optimizer || !tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    struct tensor *tensor = &optimizer->tensors[index];
    if (!counts || !can_be_kept(counts->steps) || !can_be_kept(counts->skipped) || !can_be_kept(counts->averaged) ||
        !can_be_kept(counts->rewrites))
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': no counts, or one above 2^63-1",
                    tensor->info.name);
    if (counts->rewrites && !is_coded(tensor->info.state_dtype))
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT,
                    "tensor '%.200s': rewrites is %llu, but its state is not in codes", tensor->info.name,
                    (unsigned long long)counts->rewrites);
    tensor->steps = counts->steps;
    tensor->skipped = counts->skipped;
    tensor->averaged = counts->averaged;
    tensor->rewrites = counts->rewrites;
    return ADADELTA_OK;
}
