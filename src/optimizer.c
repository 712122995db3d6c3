/* SPDX-License-Identifier: MIT */
/* The optimizer object: groups, tensors and their state. Building it, copying it, asking it; step.c moves it. */
#include "optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

enum { MAX_THREADS = 1024, STATE_ALIGNMENT = 64 };

/* ---- Shapes and memory ---- */

size_t dtype_size(enum adadelta_dtype dtype)
{
    static const size_t sizes[] = {[ADADELTA_F32] = 4, [ADADELTA_F64] = 8, [ADADELTA_U8] = 1};
    return (size_t)dtype < sizeof sizes / sizeof sizes[0] ? sizes[dtype] : 0;
}

size_t shape_elements(enum adadelta_dtype dtype, size_t ndim, const size_t *shape)
{
    if (ndim > ADADELTA_MAX_DIMS || !dtype_size(dtype))
        return SIZE_MAX;
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] > PTRDIFF_MAX) /* more than a file could say, even beside a 0 */
            return SIZE_MAX;
    }
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] == 0)
            return 0;
    }
    const size_t most = PTRDIFF_MAX / dtype_size(dtype);
    size_t n = 1;
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] > most / n)
            return SIZE_MAX;
        n *= shape[i];
    }
    return n;
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* Gives a tensor its state block, zeroed. */
static enum adadelta_status allocate_state(struct tensor *tensor, const struct method *method)
{
    const size_t most = PTRDIFF_MAX / MAX_STATES - STATE_ALIGNMENT;
    if (tensor->n > most / dtype_size(tensor->info.dtype))
        return ADADELTA_ERROR_MEMORY;
    const size_t stride = round_up(tensor->n * dtype_size(tensor->info.dtype), STATE_ALIGNMENT);
    tensor->block_size = stride * method->states;
    if (!method->states)
        return ADADELTA_OK;
    tensor->block = aligned_alloc(STATE_ALIGNMENT, tensor->block_size ? tensor->block_size : STATE_ALIGNMENT);
    if (!tensor->block)
        return ADADELTA_ERROR_MEMORY;
    memset(tensor->block, 0, tensor->block_size);
    for (size_t k = 0; k < method->states; k++)
        tensor->state[k] = (char *)tensor->block + k * stride;
    return ADADELTA_OK;
}

static void release(struct tensor *tensor)
{
    free((char *)tensor->info.name);
    free(tensor->block);
}

/* Makes room for one more element behind count. The array moves only to a larger place, so a failure changes
   nothing. */
static int grow(void **array, size_t count, size_t size)
{
    if (count & (count - 1)) /* a power of two, or 0, is where the room ends */
        return 1;
    void *larger = realloc(*array, (count ? 2 * count : 1) * size);
    if (larger)
        *array = larger;
    return larger != NULL;
}

/* ---- Create and destroy ---- */

struct adadelta_options adadelta_options_default(void)
{
    return (struct adadelta_options){.method = ADADELTA_METHOD_ADADELTA};
}

enum adadelta_status adadelta_create(const struct adadelta_options *options, struct adadelta **optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    *optimizer = NULL;
    const struct adadelta_options defaults = adadelta_options_default();
    if (!options)
        options = &defaults;
    const struct method *method = method_row(options->method);
    if (!method || options->threads < 0 || options->threads > MAX_THREADS)
        return ADADELTA_ERROR_ARGUMENT;
    if (!kernels_in_use())
        return ADADELTA_ERROR_ISA;
    *optimizer = calloc(1, sizeof **optimizer);
    if (!*optimizer)
        return ADADELTA_ERROR_MEMORY;
    (*optimizer)->method = method;
    (*optimizer)->method_id = options->method;
    (*optimizer)->threads = options->threads;
    return ADADELTA_OK;
}

void adadelta_destroy(struct adadelta *optimizer)
{
    if (!optimizer)
        return;
    for (size_t i = 0; i < optimizer->tensor_count; i++)
        release(&optimizer->tensors[i]);
    free(optimizer->tensors);
    free(optimizer->groups);
    free(optimizer);
}

/* ---- Groups ---- */

enum adadelta_status adadelta_add_group(struct adadelta *optimizer, const struct adadelta_hyper *hyper, size_t *group)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct adadelta_hyper defaults = adadelta_hyper_for(optimizer->method_id);
    if (!hyper)
        hyper = &defaults;
    const enum adadelta_status status = adadelta_hyper_check(hyper);
    if (status)
        return status;
    void *groups = optimizer->groups;
    if (!grow(&groups, optimizer->group_count, sizeof *optimizer->groups))
        return ADADELTA_ERROR_MEMORY;
    optimizer->groups = groups;
    optimizer->groups[optimizer->group_count] = *hyper;
    if (group)
        *group = optimizer->group_count;
    optimizer->group_count++;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_hyper(const struct adadelta *optimizer, size_t group, struct adadelta_hyper *hyper)
{
    if (!optimizer || group >= optimizer->group_count || !hyper)
        return ADADELTA_ERROR_ARGUMENT;
    *hyper = optimizer->groups[group];
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_hyper(struct adadelta *optimizer, size_t group, const struct adadelta_hyper *hyper)
{
    if (!optimizer || group >= optimizer->group_count)
        return ADADELTA_ERROR_ARGUMENT;
    enum adadelta_status status = adadelta_hyper_check(hyper);
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++) {
        if (optimizer->tensors[i].group == group)
            status = method_check(hyper, optimizer->tensors[i].info.dtype);
    }
    if (!status)
        optimizer->groups[group] = *hyper;
    return status;
}

/* ---- Tensors ---- */

int arrays_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return a && b && a_bytes && b_bytes && p < q + b_bytes && q < p + a_bytes;
}

/* Checks the arrays of tensor number index (or one yet to come) against one another and against all other tensors:
   nothing may share memory with parameters. Gradients may share memory with one another. */
static enum adadelta_status check_buffers(const struct adadelta *optimizer, size_t index, const void *values,
                                          const void *gradient, size_t bytes)
{
    if (bytes && !values)
        return ADADELTA_ERROR_ARGUMENT;
    if (arrays_overlap(values, bytes, gradient, bytes))
        return ADADELTA_ERROR_OVERLAP;
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        const struct tensor *other = &optimizer->tensors[i];
        const size_t other_bytes = other->n * dtype_size(other->info.dtype);
        if (i == index)
            continue;
        if (arrays_overlap(values, bytes, other->info.values, other_bytes) ||
            arrays_overlap(values, bytes, other->info.gradient, other_bytes) ||
            arrays_overlap(gradient, bytes, other->info.values, other_bytes))
            return ADADELTA_ERROR_OVERLAP;
    }
    return ADADELTA_OK;
}

static enum adadelta_status check_tensor(const struct adadelta *optimizer, size_t group,
                                         const struct adadelta_tensor *tensor)
{
    if (group >= optimizer->group_count || !tensor->name || !is_utf8(tensor->name) ||
        (tensor->dtype != ADADELTA_F32 && tensor->dtype != ADADELTA_F64) || tensor->ndim > ADADELTA_MAX_DIMS)
        return ADADELTA_ERROR_ARGUMENT;
    for (size_t i = tensor->ndim; i < ADADELTA_MAX_DIMS; i++) {
        if (tensor->shape[i]) /* a forgotten ndim would make a matrix a single number */
            return ADADELTA_ERROR_ARGUMENT;
    }
    const size_t n = shape_elements(tensor->dtype, tensor->ndim, tensor->shape);
    if (n == SIZE_MAX)
        return ADADELTA_ERROR_ARGUMENT;
    if (!*tensor->name)
        return ADADELTA_ERROR_NAME;
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        if (strcmp(tensor->name, optimizer->tensors[i].info.name) == 0)
            return ADADELTA_ERROR_NAME;
    }
    const enum adadelta_status status = method_check(&optimizer->groups[group], tensor->dtype);
    if (status)
        return status;
    return check_buffers(optimizer, SIZE_MAX, tensor->values, tensor->gradient, n * dtype_size(tensor->dtype));
}

/* Adds a tensor like the model (registration, counter, and its state where it has any) with a name and state of its
 * own. */
static enum adadelta_status append_tensor(struct adadelta *optimizer, const struct tensor *model)
{
    void *tensors = optimizer->tensors;
    if (!grow(&tensors, optimizer->tensor_count, sizeof *optimizer->tensors))
        return ADADELTA_ERROR_MEMORY;
    optimizer->tensors = tensors;
    struct tensor added = *model;
    added.block = NULL;
    added.info.name = copy_text(model->info.name);
    const enum adadelta_status status =
        added.info.name ? allocate_state(&added, optimizer->method) : ADADELTA_ERROR_MEMORY;
    if (status) {
        release(&added);
        return status;
    }
    if (model->block)
        memcpy(added.block, model->block, added.block_size);
    optimizer->tensors[optimizer->tensor_count++] = added;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_add_tensor(struct adadelta *optimizer, size_t group, const struct adadelta_tensor *tensor,
                                         size_t *index)
{
    if (!optimizer || !tensor)
        return ADADELTA_ERROR_ARGUMENT;
    enum adadelta_status status = check_tensor(optimizer, group, tensor);
    if (status)
        return status;
    const struct tensor blank = {
        .info = *tensor, .group = group, .n = shape_elements(tensor->dtype, tensor->ndim, tensor->shape)};
    status = append_tensor(optimizer, &blank);
    if (!status && index)
        *index = optimizer->tensor_count - 1;
    return status;
}

enum adadelta_status adadelta_set_buffers(struct adadelta *optimizer, size_t index, void *values, const void *gradient)
{
    if (!optimizer || index >= optimizer->tensor_count)
        return ADADELTA_ERROR_ARGUMENT;
    struct tensor *tensor = &optimizer->tensors[index];
    const enum adadelta_status status =
        check_buffers(optimizer, index, values, gradient, tensor->n * dtype_size(tensor->info.dtype));
    if (!status) {
        tensor->info.values = values;
        tensor->info.gradient = gradient;
    }
    return status;
}

enum adadelta_status adadelta_get_tensor(const struct adadelta *optimizer, size_t index, struct adadelta_tensor *tensor)
{
    if (!optimizer || index >= optimizer->tensor_count || !tensor)
        return ADADELTA_ERROR_ARGUMENT;
    *tensor = optimizer->tensors[index].info;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_state(struct adadelta *optimizer, size_t index, const char *name, void **state)
{
    if (!optimizer || index >= optimizer->tensor_count || !name || !state)
        return ADADELTA_ERROR_ARGUMENT;
    for (size_t k = 0; k < optimizer->method->states; k++) {
        if (strcmp(name, optimizer->method->state_names[k]) == 0) {
            *state = optimizer->tensors[index].state[k];
            return ADADELTA_OK;
        }
    }
    return ADADELTA_ERROR_NAME;
}

/* ---- Clone and counts ---- */

enum adadelta_status adadelta_clone(const struct adadelta *optimizer, struct adadelta **copy)
{
    if (!copy)
        return ADADELTA_ERROR_ARGUMENT;
    *copy = NULL;
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    const struct adadelta_options options = {.method = optimizer->method_id, .threads = optimizer->threads};
    struct adadelta *clone;
    enum adadelta_status status = adadelta_create(&options, &clone);
    for (size_t i = 0; !status && i < optimizer->group_count; i++)
        status = adadelta_add_group(clone, &optimizer->groups[i], NULL);
    for (size_t i = 0; !status && i < optimizer->tensor_count; i++)
        status = append_tensor(clone, &optimizer->tensors[i]);
    if (status) {
        adadelta_destroy(clone);
        return status;
    }
    clone->steps = optimizer->steps;
    *copy = clone;
    return ADADELTA_OK;
}

uint64_t adadelta_step_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->steps : 0;
}

size_t adadelta_group_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->group_count : 0;
}

size_t adadelta_tensor_count(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->tensor_count : 0;
}
