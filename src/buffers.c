/* SPDX-License-Identifier: MIT */
/* The caller's arrays of tensors: which may share memory, and other arrays in their place. A program that gets its
   gradients at new addresses gives every tensor a new one before each step, so that this is not the place to look
   through all tensors: the values of all are kept in the order of their addresses. */
#include "optimizer.h"

/* ---- In the order of addresses ---- */

/* How many of the values lie wholly before an address: also, which are the first that do not. */
static size_t count_before(const struct adadelta *optimizer, uintptr_t address)
{
    size_t low = 0, high = optimizer->placed;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (optimizer->tensors[middle].place.end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether an array shares a byte with any tensor's values. */
static int meets_values(const struct adadelta *optimizer, const void *array, size_t bytes)
{
    const uintptr_t begin = (uintptr_t)array;
    const size_t k = count_before(optimizer, begin);
    return array && bytes && k < optimizer->placed && optimizer->tensors[k].place.begin < begin + bytes;
}

static void take_place(struct adadelta *optimizer, const struct tensor *tensor)
{
    const uintptr_t begin = (uintptr_t)tensor->info.values;
    const size_t k = count_before(optimizer, begin);
    if (tensor->n == 0)
        return;
    for (size_t i = optimizer->placed++; i > k; i--)
        optimizer->tensors[i].place = optimizer->tensors[i - 1].place;
    optimizer->tensors[k].place = (struct extent){begin, begin + tensor_bytes(tensor)};
}

static void leave_place(struct adadelta *optimizer, const struct tensor *tensor)
{
    if (tensor->n == 0)
        return;
    optimizer->placed--;
    for (size_t i = count_before(optimizer, (uintptr_t)tensor->info.values); i < optimizer->placed; i++)
        optimizer->tensors[i].place = optimizer->tensors[i + 1].place;
}

void buffers_register(struct adadelta *optimizer, size_t index)
{
    take_place(optimizer, &optimizer->tensors[index]);
}

/* ---- What may share memory ---- */

static size_t gradient_bytes(const struct tensor *tensor)
{
    const size_t elements = tensor->rows ? tensor->row_count * tensor->width : tensor->n;
    return elements * adadelta_dtype_size(tensor->info.gradient_dtype);
}

static size_t rows_bytes(const struct tensor *tensor)
{
    return tensor->rows ? tensor->row_count * sizeof *tensor->rows : 0;
}

/* Whether the values stay where they are, while the rest lies nowhere in any tensor's. Then nothing overlaps, as the
   values were looked at when they came, and so was whatever came after them. */
static int moves_freely(const struct adadelta *optimizer, size_t index, const struct tensor *tensor)
{
    return index < optimizer->tensor_count && tensor->info.values == optimizer->tensors[index].info.values &&
           !meets_values(optimizer, tensor->info.gradient, gradient_bytes(tensor)) &&
           !meets_values(optimizer, tensor->rows, rows_bytes(tensor));
}

/* The first tensor whose arrays overlap those of a tensor, number index or one yet to come, or NULL. */
static const struct tensor *find_overlap(const struct adadelta *optimizer, size_t index, const struct tensor *tensor)
{
    const void *values = tensor->info.values, *gradient = tensor->info.gradient;
    const size_t bytes = tensor_bytes(tensor), g_bytes = gradient_bytes(tensor);
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        const struct tensor *other = &optimizer->tensors[i];
        const void *theirs = other->info.values;
        if (i != index && (arrays_overlap(values, bytes, theirs, tensor_bytes(other)) ||
                           arrays_overlap(values, bytes, other->info.gradient, gradient_bytes(other)) ||
                           arrays_overlap(gradient, g_bytes, theirs, tensor_bytes(other)) ||
                           arrays_overlap(tensor->rows, rows_bytes(tensor), theirs, tensor_bytes(other)) ||
                           arrays_overlap(values, bytes, other->rows, rows_bytes(other))))
            return other;
    }
    return NULL;
}

enum adadelta_status buffers_check(struct adadelta *optimizer, size_t index, const struct tensor *tensor)
{
    const struct adadelta_tensor *info = &tensor->info;
    const size_t bytes = tensor_bytes(tensor);
    if (bytes && !info->values)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s' has no values", info->name);
    if (arrays_overlap(info->values, bytes, info->gradient, gradient_bytes(tensor)))
        return fail(&optimizer->error, ADADELTA_ERROR_OVERLAP, "tensor '%.200s': gradient overlaps values", info->name);
    const struct tensor *other = moves_freely(optimizer, index, tensor) ? NULL : find_overlap(optimizer, index, tensor);
    return other ? fail(&optimizer->error, ADADELTA_ERROR_OVERLAP, "tensors '%.200s' and '%.200s' overlap", info->name,
                        other->info.name)
                 : ADADELTA_OK;
}

/* ---- Other arrays ---- */

/* Gives tensor number index the arrays of changed, which is a copy of it but for them, if they are right. */
static enum adadelta_status change_buffers(struct adadelta *optimizer, size_t index, const struct tensor *changed)
{
    struct tensor *tensor = &optimizer->tensors[index];
    const enum adadelta_status status = buffers_check(optimizer, index, changed);
    const int moves = tensor->info.values != changed->info.values;
    optimizer->enlisted = 0;
    if (status)
        return status;
    if (moves)
        leave_place(optimizer, tensor);
    tensor->info = changed->info;
    tensor->rows = changed->rows;
    tensor->row_count = changed->row_count;
    if (moves)
        take_place(optimizer, tensor);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_buffers(struct adadelta *optimizer, size_t index, void *values, const void *gradient)
{
    if (!optimizer || !tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    struct tensor changed = optimizer->tensors[index];
    changed.info.values = values;
    changed.info.gradient = gradient;
    changed.rows = NULL;
    return change_buffers(optimizer, index, &changed);
}

enum adadelta_status buffers_check_rows(struct adadelta *optimizer, size_t index, size_t count, const size_t *rows,
                                        const void *gradient)
{
    const struct adadelta_tensor *info = &optimizer->tensors[index].info;
    if (count > info->max_rows)
        return fail(&optimizer->error, ADADELTA_ERROR_ROW, "tensor '%.200s': %zu rows are named, max_rows is %zu",
                    info->name, count, info->max_rows);
    if (arrays_overlap(info->values, tensor_bytes(&optimizer->tensors[index]), rows, count * sizeof *rows))
        return fail(&optimizer->error, ADADELTA_ERROR_OVERLAP, "tensor '%.200s': rows overlap values", info->name);
    if (count && (!rows || !gradient))
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': no rows or no gradient", info->name);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_set_rows(struct adadelta *optimizer, size_t index, size_t count, const size_t *rows,
                                       const void *gradient)
{
    if (!optimizer || !tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    struct tensor changed = optimizer->tensors[index];
    const enum adadelta_status status = buffers_check_rows(optimizer, index, count, rows, gradient);
    if (status)
        return status;
    static const size_t no_rows;
    changed.rows = count ? rows : &no_rows;
    changed.row_count = count;
    changed.info.gradient = gradient;
    return change_buffers(optimizer, index, &changed);
}
