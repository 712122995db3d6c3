/* SPDX-License-Identifier: MIT */
/* Tensors: what they may be, what state they have and how it lies in memory, and asking them about it. */
#include "optimizer.h"

#include <math.h>
#include <string.h>

/* ---- Shapes and types ---- */

size_t shape_elements(enum adadelta_dtype dtype, size_t ndim, const size_t *shape)
{
    if (ndim > ADADELTA_MAX_DIMS || !adadelta_dtype_size(dtype))
        return SIZE_MAX;
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] > PTRDIFF_MAX) /* more than a file could say, even beside a 0 */
            return SIZE_MAX;
    }
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] == 0)
            return 0;
    }
    const size_t most = PTRDIFF_MAX / adadelta_dtype_size(dtype);
    size_t n = 1;
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] > most / n)
            return SIZE_MAX;
        n *= shape[i];
    }
    return n;
}

int is_16_bit(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_BF16 || dtype == ADADELTA_F16;
}

int is_real(enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_F32 || dtype == ADADELTA_F64 || is_16_bit(dtype);
}

enum adadelta_dtype default_state(enum adadelta_dtype values)
{
    return values == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
}

/* state: the type of the state where the tensor names none, which may itself be the default. */
static void fill_in_types(struct adadelta_tensor *info, enum adadelta_dtype state)
{
    if (info->dtype == ADADELTA_DTYPE_DEFAULT)
        info->dtype = ADADELTA_F32;
    if (info->gradient_dtype == ADADELTA_DTYPE_DEFAULT)
        info->gradient_dtype = info->dtype;
    if (info->state_dtype == ADADELTA_DTYPE_DEFAULT)
        info->state_dtype = state;
    if (info->state_dtype == ADADELTA_DTYPE_DEFAULT)
        info->state_dtype = default_state(info->dtype);
}

int method_takes_state(enum adadelta_method method, enum adadelta_dtype dtype)
{
    return dtype == ADADELTA_DTYPE_DEFAULT || is_real(dtype) ||
           ((unsigned)dtype < ADADELTA_DTYPE_COUNT && is_coded(dtype) && method_is_coded(method));
}

/* Why types do not go together, or NULL. */
static const char *wrong_types(const struct adadelta_options *options, const struct adadelta_tensor *info)
{
    if (!is_real(info->dtype) || !is_real(info->gradient_dtype))
        return "values and gradient must be F32, F64, BF16 or F16";
    if (!method_takes_state(options->method, info->state_dtype))
        return method_is_coded(options->method) ? "state must be F32, F64, BF16, F16, U16 or U8"
                                                : "state must be F32, F64, BF16 or F16; U16 and U8 are for adadelta";
    if (is_16_bit(info->dtype) && info->state_dtype == ADADELTA_F64)
        return "F64 state does not go with values of 16 bits";
    if (info->dtype == ADADELTA_F16 && info->weights == ADADELTA_WEIGHTS_SPLIT)
        return "only BF16 values can be split";
    return NULL;
}

/* What the ways to keep 16-bit weights need beside them. */
static const struct {
    const char *part;
    enum adadelta_dtype dtype;
} keepings[] = {
    [ADADELTA_WEIGHTS_MASTER] = {PART_MASTER, ADADELTA_F32},
    [ADADELTA_WEIGHTS_SPLIT] = {PART_LOW, ADADELTA_U16},
    [ADADELTA_WEIGHTS_STOCHASTIC] = {NULL, ADADELTA_DTYPE_DEFAULT},
    [ADADELTA_WEIGHTS_NEAREST] = {NULL, ADADELTA_DTYPE_DEFAULT},
};

enum adadelta_status tensor_check_types(const struct adadelta_options *options, enum adadelta_dtype state,
                                        const struct adadelta_tensor *info, struct adadelta_error *error)
{
    struct adadelta_tensor full = *info;
    fill_in_types(&full, state ? state : options->state_dtype);
    const char *wrong = wrong_types(options, &full);
    return wrong ? fail(error, ADADELTA_ERROR_DTYPE, "tensor '%.200s': %s", info->name, wrong) : ADADELTA_OK;
}

/* Whether there can be such a tensor in a group whose tensors have state of that type. */
static enum adadelta_status check_form(const struct adadelta_options *options, enum adadelta_dtype state,
                                       const struct adadelta_tensor *info, struct adadelta_error *error)
{
    if (!info->name || !is_utf8(info->name))
        return fail(error, ADADELTA_ERROR_ARGUMENT, "a tensor's name is missing or not UTF-8");
    if (!*info->name)
        return fail(error, ADADELTA_ERROR_NAME, "a tensor's name is empty");
    if ((size_t)info->weights >= sizeof keepings / sizeof *keepings)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': weights is not one of enum adadelta_weights",
                    info->name);
    const enum adadelta_status status = tensor_check_types(options, state, info, error);
    if (status)
        return status;
    if (shape_elements(ADADELTA_F64, info->ndim, info->shape) == SIZE_MAX)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': the shape has too many dimensions or elements",
                    info->name);
    for (size_t i = info->ndim; i < ADADELTA_MAX_DIMS; i++) {
        if (info->shape[i]) /* a forgotten ndim would make a matrix a single number */
            return fail(error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': shape[%zu] is set, but ndim is %zu",
                        info->name, i, info->ndim);
    }
    if (info->max_rows && !info->ndim)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "tensor '%.200s': max_rows is set, but it has no rows", info->name);
    return ADADELTA_OK;
}

/* ---- Memory ---- */

/* Puts one more part behind used bytes of the block (NULL: only counts), and returns the bytes then used. */
static size_t lay_part(struct tensor *tensor, const char *name, enum adadelta_dtype dtype, size_t used, void **values)
{
    char *at = tensor->block ? (char *)tensor->block + used : NULL;
    tensor->parts[tensor->part_count++] = (struct part){.name = name, .dtype = dtype, .values = at};
    if (values)
        *values = at;
    return memory_sum(used, memory_round(memory_product(tensor->n, adadelta_dtype_size(dtype))));
}

size_t tensor_lay_out(const struct adadelta_options *options, struct tensor *tensor)
{
    const struct method *method = method_row(options->method);
    size_t used = 0;
    tensor->part_count = 0;
    for (size_t k = 0; k < method->states; k++)
        used = lay_part(tensor, method->state_names[k], tensor->info.state_dtype, used, NULL);
    const char *keeping = is_16_bit(tensor->info.dtype) ? keepings[tensor->info.weights].part : NULL;
    if (keeping)
        used = lay_part(tensor, keeping, keepings[tensor->info.weights].dtype, used, &tensor->kept);
    if (options->averaging != ADADELTA_AVERAGING_NONE)
        used = lay_part(tensor, PART_AVERAGE, tensor->computed, used, &tensor->average);
    if (options->averaging != ADADELTA_AVERAGING_NONE && tensor->computed != tensor->info.dtype)
        used = lay_part(tensor, PART_SPARE, tensor->info.dtype, used, &tensor->spare);
    return used;
}

/* FNV-1a, 64 bits (Fowler, Noll and Vo). */
static uint64_t hash(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

struct tensor tensor_blank(const struct adadelta_options *options, enum adadelta_dtype group_state,
                           const struct adadelta_tensor *info)
{
    struct tensor tensor = {.info = *info, .update_norm = NAN, .gradient_norm = NAN};
    fill_in_types(&tensor.info, group_state ? group_state : options->state_dtype);
    tensor.name_hash = hash(info->name);
    const int wide = tensor.info.dtype == ADADELTA_F64 || tensor.info.state_dtype == ADADELTA_F64;
    tensor.computed = wide ? ADADELTA_F64 : ADADELTA_F32;
    tensor.n = shape_elements(ADADELTA_F64, info->ndim, info->shape);
    tensor.width = info->ndim && info->shape[0] ? tensor.n / info->shape[0] : tensor.n;
    tensor.block_size = tensor_lay_out(options, &tensor);
    const size_t rows = tensor.width < BLOCK && tensor.width ? BLOCK / tensor.width : 1;
    const size_t dense = (tensor.n + BLOCK - 1) / BLOCK, sparse = (info->max_rows + rows - 1) / rows;
    tensor.block_count = dense > sparse ? dense : sparse;
    return tensor;
}

static size_t lists_size(const struct tensor *tensor)
{
    if (!tensor->info.max_rows)
        return 0;
    return memory_product(memory_sum(tensor->info.shape[0], tensor->info.max_rows), sizeof *tensor->first);
}

static size_t blocks_size(const struct tensor *tensor)
{
    return memory_product(tensor->block_count, sizeof *tensor->blocks);
}

size_t tensor_memory(const struct adadelta_options *options, const struct adadelta_tensor *info)
{
    if (check_form(options, ADADELTA_DTYPE_DEFAULT, info, NULL))
        return SIZE_MAX;
    const struct tensor tensor = tensor_blank(options, ADADELTA_DTYPE_DEFAULT, info);
    size_t sum = memory_sum(memory_round(strlen(info->name) + 1), memory_round(tensor.block_size));
    sum = memory_sum(sum, memory_round(lists_size(&tensor)));
    return memory_sum(sum, memory_round(blocks_size(&tensor)));
}

void tensor_release(const struct adadelta *optimizer, struct tensor *tensor)
{
    const struct adadelta_allocator *allocator = &optimizer->options.allocator;
    if (tensor->info.name)
        memory_give(allocator, (char *)tensor->info.name, strlen(tensor->info.name) + 1);
    memory_give(allocator, tensor->block, tensor->block_size);
    memory_give(allocator, tensor->first, lists_size(tensor));
    memory_give(allocator, tensor->blocks, blocks_size(tensor));
}

/* Gives a copy of a tensor its own name, state and scratch; 0 where there is no memory. */
static int own_memory(const struct adadelta *optimizer, struct tensor *tensor, const struct tensor *model)
{
    const struct adadelta_allocator *allocator = &optimizer->options.allocator;
    const size_t name_size = strlen(model->info.name) + 1;
    char *name = memory_take(allocator, name_size);
    tensor->info.name = name ? memcpy(name, model->info.name, name_size) : NULL;
    tensor->block = memory_take(allocator, tensor->block_size);
    tensor->first = memory_take(allocator, lists_size(tensor));
    tensor->blocks = memory_take(allocator, blocks_size(tensor));
    return name && (tensor->block || !tensor->block_size) && (tensor->first || !tensor->info.max_rows) &&
           (tensor->blocks || !tensor->block_count);
}

void tensor_choose_kernel(const struct adadelta *optimizer, struct tensor *tensor)
{
    const struct adadelta_tensor *info = &tensor->info;
    tensor->in_place = kernels_in_use()->update[info->dtype][info->state_dtype][optimizer->options.method];
}

enum adadelta_status tensor_append(struct adadelta *optimizer, const struct tensor *model)
{
    const struct adadelta_allocator *allocator = &optimizer->options.allocator;
    const struct arena mark = memory_mark(allocator);
    struct tensor added = *model;
    added.coefs_settings = 0;
    void *tensors = optimizer->tensors;
    if (!own_memory(optimizer, &added, model) ||
        !memory_grow(allocator, &tensors, optimizer->tensor_count, sizeof *optimizer->tensors)) {
        tensor_release(optimizer, &added);
        memory_return(allocator, mark);
        return ADADELTA_ERROR_MEMORY;
    }
    optimizer->tensors = tensors;
    tensor_lay_out(&optimizer->options, &added);
    tensor_choose_kernel(optimizer, &added);
    if (added.info.max_rows)
        added.next = added.first + added.info.shape[0];
    if (model->block)
        memcpy(added.block, model->block, added.block_size);
    else
        tensor_restart_average(&added);
    optimizer->tensors[optimizer->tensor_count++] = added;
    optimizer->enlisted = 0;
    return ADADELTA_OK;
}

void tensor_restart_average(struct tensor *tensor)
{
    tensor->averaged = 0;
    if (tensor->average && tensor->n)
        kernels_in_use()->load[tensor->computed][tensor->info.dtype](tensor->n, tensor->average, tensor->info.values);
    if (tensor->spare && tensor->n) /* for a tensor that is added while averages are swapped in */
        memcpy(tensor->spare, tensor->info.values, tensor_bytes(tensor));
}

/* ---- Registration ---- */

size_t tensor_bytes(const struct tensor *tensor)
{
    return tensor->n * adadelta_dtype_size(tensor->info.dtype);
}

static enum adadelta_status check_name(struct adadelta *optimizer, const char *name)
{
    size_t index;
    if (adadelta_find_tensor(optimizer, name, &index) == ADADELTA_OK)
        return fail(&optimizer->error, ADADELTA_ERROR_NAME, "tensor name '%.200s' is taken", name);
    return ADADELTA_OK;
}

enum adadelta_status adadelta_add_tensor(struct adadelta *optimizer, size_t group, const struct adadelta_tensor *info,
                                         size_t *index)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (!info || group >= optimizer->group_count)
        return fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "no tensor, or no group %zu", group);
    const struct group *shared = &optimizer->groups[group];
    enum adadelta_status status = check_form(&optimizer->options, shared->state_dtype, info, &optimizer->error);
    if (!status)
        status = check_name(optimizer, info->name);
    if (status)
        return status;
    struct tensor tensor = tensor_blank(&optimizer->options, shared->state_dtype, info);
    tensor.group = group;
    tensor.unit = shared->hyper.eps;
    status = tensor_check_hyper(&tensor, &shared->hyper);
    if (status)
        return fail(&optimizer->error, status, "tensor '%.200s': %s", info->name, adadelta_status_string(status));
    status = buffers_check(optimizer, SIZE_MAX, &tensor);
    if (status)
        return status;
    status = tensor_append(optimizer, &tensor);
    if (status)
        return fail(&optimizer->error, status, "no memory for tensor '%.200s' and its state", info->name);
    buffers_register(optimizer, optimizer->tensor_count - 1);
    if (index)
        *index = optimizer->tensor_count - 1;
    return ADADELTA_OK;
}

/* ---- Asking ---- */

struct tensor *tensor_find(struct adadelta *optimizer, size_t index)
{
    if (index < optimizer->tensor_count)
        return &optimizer->tensors[index];
    fail(&optimizer->error, ADADELTA_ERROR_ARGUMENT, "there is no tensor %zu: the optimizer has %zu", index,
         optimizer->tensor_count);
    return NULL;
}

enum adadelta_status adadelta_get_tensor(const struct adadelta *optimizer, size_t index, struct adadelta_tensor *tensor)
{
    if (!optimizer || index >= optimizer->tensor_count || !tensor)
        return ADADELTA_ERROR_ARGUMENT;
    *tensor = optimizer->tensors[index].info;
    if (optimizer->tensors[index].rows) /* a sparse one is not an array like the values */
        tensor->gradient = NULL;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_find_tensor(const struct adadelta *optimizer, const char *name, size_t *index)
{
    if (!optimizer || !name || !index)
        return ADADELTA_ERROR_ARGUMENT;
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        if (strcmp(name, optimizer->tensors[i].info.name) == 0) {
            *index = i;
            return ADADELTA_OK;
        }
    }
    return ADADELTA_ERROR_NAME;
}

enum adadelta_status adadelta_tensor_group(const struct adadelta *optimizer, size_t index, size_t *group, int *own)
{
    if (!optimizer || index >= optimizer->tensor_count || !group)
        return ADADELTA_ERROR_ARGUMENT;
    *group = optimizer->tensors[index].group;
    if (own)
        *own = optimizer->tensors[index].own;
    return ADADELTA_OK;
}

/* ---- Settings of its own ---- */

const struct adadelta_hyper *tensor_hyper(const struct adadelta *optimizer, const struct tensor *tensor)
{
    return tensor->own ? &tensor->hyper : &optimizer->groups[tensor->group].hyper;
}

enum adadelta_status tensor_check_hyper(const struct tensor *tensor, const struct adadelta_hyper *hyper)
{
    return method_check(hyper, tensor->computed, tensor->info.state_dtype);
}

enum adadelta_status adadelta_set_tensor_hyper(struct adadelta *optimizer, size_t index,
                                               const struct adadelta_hyper *hyper)
{
    if (!optimizer || !tensor_find(optimizer, index))
        return ADADELTA_ERROR_ARGUMENT;
    struct tensor *tensor = &optimizer->tensors[index];
    const enum adadelta_status status =
        tensor_check_hyper(tensor, hyper ? hyper : &optimizer->groups[tensor->group].hyper);
    if (status)
        return fail(&optimizer->error, status, "tensor '%.200s': %s", tensor->info.name,
                    adadelta_status_string(status));
    tensor->own = hyper != NULL;
    if (hyper)
        tensor->hyper = *hyper;
    codes_follow(optimizer);
    optimizer->settings++;
    return ADADELTA_OK;
}

enum adadelta_status adadelta_get_tensor_hyper(const struct adadelta *optimizer, size_t index,
                                               struct adadelta_hyper *hyper)
{
    if (!optimizer || index >= optimizer->tensor_count || !hyper)
        return ADADELTA_ERROR_ARGUMENT;
    *hyper = *tensor_hyper(optimizer, &optimizer->tensors[index]);
    return ADADELTA_OK;
}
