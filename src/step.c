/* SPDX-License-Identifier: MIT */
/* One step of the whole optimizer: all tensors as one long row of elements, cut into one piece a thread. */
#include "kernels/kernels.h"
#include "optimizer.h"

#include <omp.h>

/* Elements: below twice this many a second thread costs more than it saves, and pieces are cut at multiples of the
   grain so that two threads do not write to one cache line of an aligned array. */
enum { WORTH_A_THREAD = 32768, GRAIN = 64 };

static int takes_part(const struct tensor *tensor)
{
    return tensor->info.gradient != NULL && tensor->n > 0;
}

/* Steps the elements begin .. end - 1 of a tensor. */
static void step_range(const struct adadelta *optimizer, const struct kernel_set *kernels, const struct tensor *tensor,
                       size_t begin, size_t end)
{
    const enum adadelta_dtype dtype = tensor->info.dtype;
    const size_t offset = begin * dtype_size(dtype);
    void *state[MAX_STATES] = {NULL};
    for (size_t k = 0; k < optimizer->method->states; k++)
        state[k] = (char *)tensor->state[k] + offset;
    kernels->update[dtype][optimizer->method_id](end - begin, (char *)tensor->info.values + offset,
                                                 (const char *)tensor->info.gradient + offset, state, &tensor->coefs);
}

/* Where piece number part of parts begins in a row of total elements. (Memory ends long before this product overflows.)
 */
static size_t border(size_t total, size_t part, size_t parts)
{
    const size_t grains = (total + GRAIN - 1) / GRAIN;
    return part == parts ? total : grains * part / parts * GRAIN;
}

/* Steps piece number part of parts of the row. */
static void step_part(const struct adadelta *optimizer, const struct kernel_set *kernels, size_t total, size_t part,
                      size_t parts)
{
    const size_t begin = border(total, part, parts), end = border(total, part + 1, parts);
    size_t start = 0; /* of the tensor in the row */
    for (size_t i = 0; i < optimizer->tensor_count && start < end; i++) {
        const struct tensor *tensor = &optimizer->tensors[i];
        if (!takes_part(tensor))
            continue;
        const size_t from = begin > start ? begin - start : 0;
        const size_t to = end - start < tensor->n ? end - start : tensor->n;
        if (from < to)
            step_range(optimizer, kernels, tensor, from, to);
        start += tensor->n;
    }
}

enum adadelta_status adadelta_step(struct adadelta *optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct kernel_set *kernels = kernels_in_use();
    size_t total = 0;
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        if (!tensor->info.gradient)
            continue;
        tensor->steps++;
        tensor->coefs = method_coefs(optimizer->method_id, &optimizer->groups[tensor->group], tensor->steps);
        total += tensor->n;
    }
    optimizer->steps++;

    size_t parts = optimizer->threads ? (size_t)optimizer->threads : (size_t)omp_get_num_procs();
    if (parts > total / WORTH_A_THREAD)
        parts = total / WORTH_A_THREAD;
    if (parts <= 1) {
        step_part(optimizer, kernels, total, 0, 1);
        return ADADELTA_OK;
    }
#pragma omp parallel for num_threads((int)parts) schedule(static, 1)
    for (size_t part = 0; part < parts; part++)
        step_part(optimizer, kernels, total, part, parts);
    return ADADELTA_OK;
}
