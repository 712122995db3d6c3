/* SPDX-License-Identifier: MIT */
/* A tensor's state for the caller: its arrays by name and by number, and arrays from elsewhere put in their place. */
#include "optimizer.h"

#include <string.h>

const struct part *tensor_part(const struct tensor *tensor, const char *name)
{
    for (size_t k = 0; k < tensor->part_count; k++) {
        if (strcmp(name, tensor->parts[k].name) == 0)
            return &tensor->parts[k];
    }
    return NULL;
}

/* The part of that name; where there is none NULL, said in the optimizer's error. */
static const struct part *find_part(struct adadelta *optimizer, size_t index, const char *name)
{
    const struct tensor *tensor = tensor_find(optimizer, index);
    if (!tensor)
        return NULL;
    const struct part *part = name && strcmp(name, PART_SPARE) != 0 ? tensor_part(tensor, name) : NULL;
    if (!name)
        fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': no name of a state", tensor->info.name);
    else if (!part)
        fail(&optimizer->error, ADADELTA_ERROR_NAME, "tensor '%.200s' has no state '%.100s'", tensor->info.name, name);
    return part;
}

enum adadelta_status adadelta_get_state(const struct adadelta *optimizer, size_t index, size_t k,
                                        struct adadelta_tensor *array)
{
    if (!optimizer || index >= optimizer->tensor_count || !array)
        return ADADELTA_ERROR_ARGUMENT;
    const struct tensor *tensor = &optimizer->tensors[index];
    if (k >= tensor->part_count || strcmp(tensor->parts[k].name, PART_SPARE) == 0) /* which comes last */
        return ADADELTA_ERROR_NAME;
    const struct part *part = &tensor->parts[k];
    *array = (struct adadelta_tensor){
        .name = part->name, .dtype = part->dtype, .ndim = tensor->info.ndim, .values = part->values};
    memcpy(array->shape, tensor->info.shape, sizeof array->shape);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_state(struct adadelta *optimizer, size_t index, const char *name, void **state)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (!state)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "nowhere to put a state");
    const struct part *part = find_part(optimizer, index, name);
    if (!part)
        return optimizer->error.status;
    *state = part->values;
    return ADADELTA_OK;
}

/* ---- Numbers out of a state and into it ---- */

/* The place of a part among the method's state, or SIZE_MAX for another part. */
static size_t place_in_method(const struct adadelta *optimizer, const struct tensor *tensor, const struct part *part)
{
    const size_t k = (size_t)(part - tensor->parts);
    return k < optimizer->method->states ? k : SIZE_MAX;
}

static int is_coded_part(const struct adadelta *optimizer, const struct tensor *tensor, const struct part *part)
{
    return place_in_method(optimizer, tensor, part) < MAX_STATES && is_coded(part->dtype);
}

/* n numbers of a part from element first on, as doubles. */
static void read_part(const struct adadelta *optimizer, const struct tensor *tensor, const struct part *part,
                      size_t first, size_t n, double *to)
{
    double others[MAX_STATES][STATE_ROOM], *numbers[MAX_STATES] = {others[0], others[1]};
    const size_t k = place_in_method(optimizer, tensor, part);
    if (k < MAX_STATES) {
        numbers[k] = to;
        state_read(optimizer, tensor, first, n, numbers);
    } else {
        const char *values = part->values;
        kernels_in_use()->load[ADADELTA_F64][part->dtype](n, to, values + first * dtype_size(part->dtype));
    }
}

enum adadelta_status adadelta_copy_state(const struct adadelta *optimizer, size_t index, const char *name,
                                         enum adadelta_dtype dtype, void *values)
{
    if (!optimizer || index >= optimizer->tensor_count || !name)
        return ADADELTA_ERROR_ARGUMENT;
    const struct tensor *tensor = &optimizer->tensors[index];
    const struct part *part = strcmp(name, PART_SPARE) != 0 ? tensor_part(tensor, name) : NULL;
    if (!part)
        return ADADELTA_ERROR_NAME;
    if (!is_real(dtype) || (!is_real(part->dtype) && !is_coded_part(optimizer, tensor, part)))
        return ADADELTA_ERROR_DTYPE;
    if (tensor->n && !values)
        return ADADELTA_ERROR_ARGUMENT;
    double numbers[STATE_ROOM];
    for (size_t first = 0; first < tensor->n; first += STATE_ROOM) {
        const size_t n = tensor->n - first < STATE_ROOM ? tensor->n - first : STATE_ROOM;
        read_part(optimizer, tensor, part, first, n, numbers);
        kernels_in_use()->store[ADADELTA_F64][dtype](n, (char *)values + first * dtype_size(dtype), numbers);
    }
    return ADADELTA_OK;
}

/* Puts the caller's numbers in the place of state array number k, in codes. */
static void encode_array(const struct adadelta *optimizer, struct tensor *tensor, size_t k, enum adadelta_dtype dtype,
                         const char *values)
{
    struct chance_words words = {.tensor = NULL};
    const uint64_t turn = next_rewrite(tensor);
    double v[STATE_ROOM], u[STATE_ROOM], *const numbers[MAX_STATES] = {v, u};
    for (size_t first = 0; first < tensor->n; first += STATE_ROOM) {
        const size_t n = tensor->n - first < STATE_ROOM ? tensor->n - first : STATE_ROOM;
        state_read(optimizer, tensor, first, n, numbers);
        kernels_in_use()->load[ADADELTA_F64][dtype](n, numbers[k], values + first * dtype_size(dtype));
        state_write(optimizer, tensor, first, n, numbers, turn, &words);
    }
}

enum adadelta_status adadelta_set_state(struct adadelta *optimizer, size_t index, const char *name,
                                        const struct adadelta_tensor *array)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (!array)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "no array to set a state to");
    const struct part *part = find_part(optimizer, index, name);
    if (!part)
        return optimizer->error.status;
    struct tensor *tensor = &optimizer->tensors[index];
    const enum adadelta_dtype dtype = array->dtype == ADADELTA_DTYPE_DEFAULT ? ADADELTA_F32 : array->dtype;
    struct adadelta_error *error = &optimizer->error;
    const int encodes = is_coded_part(optimizer, tensor, part) && is_real(dtype);
    if (dtype != part->dtype && !encodes)
        return fail(error, ADADELTA_ERROR_DTYPE, "state '%.100s' of tensor '%.200s' is %s, not %s", name,
                    tensor->info.name, adadelta_dtype_name(part->dtype),
                    adadelta_dtype_name(dtype) ? adadelta_dtype_name(dtype) : "of that type");
    if (array->ndim != tensor->info.ndim ||
        memcmp(array->shape, tensor->info.shape, array->ndim * sizeof *array->shape) != 0)
        return fail(error, ADADELTA_ERROR_SHAPE, "state '%.100s' of tensor '%.200s' has its shape, of %zu elements",
                    name, tensor->info.name, tensor->n);
    if (tensor->n && !array->values)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no values for state '%.100s' of tensor '%.200s'", name,
                    tensor->info.name);
    if (encodes)
        encode_array(optimizer, tensor, (size_t)(part - tensor->parts), dtype, array->values);
    else if (tensor->n)
        memmove(part->values, array->values, tensor->n * adadelta_dtype_size(dtype));
    return ADADELTA_OK;
}
