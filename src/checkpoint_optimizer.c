/* SPDX-License-Identifier: MIT */
/* An optimizer into a checkpoint: its arrays by name, everything else as one JSON text. checkpoint_load.c takes it out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "checkpoint_settings.h"
#include "optimizer.h"

enum { JSON_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(17) /* digits that bring back every double */ };

enum adadelta_status no_memory(struct adadelta_error *error)
{
    return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the optimizer's part of the checkpoint");
}

int has_weights(const struct tensor *tensor)
{
    return is_16_bit(tensor->info.dtype);
}

/* Each of these gives NULL where there is no memory; jansson takes NULL for a failure, too. */

/* What the codes of a tensor's state mean: docs/checkpoint.md. */
static json_t *state_json(const struct tensor *tensor)
{
    json_t *state = json_object();
    int failed = json_object_set_new(state, "format", json_string(state_format(tensor->info.state_dtype)));
    failed |= json_object_set_new(state, "unit", json_real(tensor->unit));
    failed |= json_object_set_new(state, "rewrites", json_integer((json_int_t)tensor->rewrites));
    if (!failed)
        return state;
    json_decref(state);
    return NULL;
}

static json_t *tensor_json(const struct tensor *tensor)
{
    json_t *entry = json_object();
    int failed = json_object_set_new(entry, "group", json_integer((json_int_t)tensor->group));
    failed |= json_object_set_new(entry, "step", json_integer((json_int_t)tensor->steps));
    failed |= json_object_set_new(entry, "skipped", json_integer((json_int_t)tensor->skipped));
    failed |= json_object_set_new(entry, "averaged", json_integer((json_int_t)tensor->averaged));
    failed |= json_object_set_new(entry, "no_decay", json_boolean(tensor->info.no_decay));
    if (has_weights(tensor))
        failed |= json_object_set_new(entry, "weights", json_string(weights_name(tensor->info.weights)));
    if (is_coded(tensor->info.state_dtype))
        failed |= json_object_set_new(entry, "state", state_json(tensor));
    if (tensor->own)
        failed |= json_object_set_new(entry, "hyper", hyper_json(&tensor->hyper));
    if (!failed)
        return entry;
    json_decref(entry);
    return NULL;
}

static json_t *optimizer_json(const struct adadelta *optimizer)
{
    const struct whole whole = whole_of(optimizer);
    json_t *json = json_object(), *groups = json_array(), *tensors = json_object();
    int failed = 0;
    for (size_t k = 0; k < optimizer->group_count; k++)
        failed |= json_array_append_new(groups, hyper_json(&optimizer->groups[k].hyper));
    for (size_t k = 0; k < optimizer->tensor_count; k++)
        failed |= json_object_set_new(tensors, optimizer->tensors[k].info.name, tensor_json(&optimizer->tensors[k]));
    failed |= json_object_set_new(json, "method", json_string(adadelta_method_name(optimizer->options.method)));
    failed |= json_object_set_new(json, "step", json_integer((json_int_t)optimizer->steps));
    failed |= json_object_set_new(json, "skipped", json_integer((json_int_t)optimizer->skipped));
    failed |= json_object_set_new(json, "settings", whole_json(&whole));
    failed |= json_object_set_new(json, "groups", groups);
    failed |= json_object_set_new(json, "tensors", tensors);
    if (!failed)
        return json;
    json_decref(json);
    return NULL;
}

static enum adadelta_status put_json(struct adadelta_checkpoint *checkpoint, const json_t *json)
{
    enum adadelta_status status = ADADELTA_ERROR_MEMORY;
    size_t size = json_dumpb(json, NULL, 0, JSON_FLAGS);
    char *text = size ? calloc(1, size + 1) : NULL;

    if (text && json_dumpb(json, text, size, JSON_FLAGS) == size)
        status = checkpoint_put_text(checkpoint, TEXT_OPTIMIZER, text);
    free(text);
    return status;
}

char *state_name(const char *tensor, const char *state)
{
    size_t size = strlen(tensor) + strlen(state) + 2;
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s.%s", tensor, state);
    return name;
}

static enum adadelta_status put_array(struct adadelta_checkpoint *checkpoint, const struct tensor *tensor,
                                      const char *name, enum adadelta_dtype dtype, void *values,
                                      struct adadelta_error *error)
{
    struct adadelta_tensor array = tensor->info;
    array.name = name;
    array.dtype = dtype;
    array.values = values;
    const enum adadelta_status status = adadelta_checkpoint_set_tensor(checkpoint, &array);
    if (status == ADADELTA_ERROR_NAME)
        return fail(error, status,
                    "two arrays of a checkpoint cannot be called '%.200s' (TENSOR.STATE is a tensor's state, "
                    "__metadata__ the format's own)",
                    name);
    return status ? no_memory(error) : ADADELTA_OK;
}

static enum adadelta_status put_tensor(struct adadelta_checkpoint *checkpoint, const struct tensor *tensor,
                                       struct adadelta_error *error)
{
    const struct adadelta_tensor *info = &tensor->info;
    enum adadelta_status status = put_array(checkpoint, tensor, info->name, info->dtype, info->values, error);
    for (size_t k = 0; k < tensor->part_count && !status; k++) {
        const struct part *part = &tensor->parts[k];
        char *name = state_name(info->name, part->name);
        status = name ? put_array(checkpoint, tensor, name, part->dtype, part->values, error) : no_memory(error);
        free(name);
    }
    return status;
}

enum adadelta_status adadelta_checkpoint_set_optimizer(struct adadelta_checkpoint *checkpoint,
                                                       const struct adadelta *optimizer, struct adadelta_error *error)
{
    enum adadelta_status status = ADADELTA_OK;
    json_t *json;

    if (!checkpoint || !optimizer)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no checkpoint or no optimizer");
    if (adadelta_checkpoint_text(checkpoint, TEXT_OPTIMIZER))
        return fail(error, ADADELTA_ERROR_ARGUMENT, "the checkpoint holds an optimizer already");
    for (size_t k = 0; k < optimizer->tensor_count && !status; k++)
        status = put_tensor(checkpoint, &optimizer->tensors[k], error);
    if (status)
        return status;
    json = optimizer_json(optimizer);
    status = json && !put_json(checkpoint, json) ? ADADELTA_OK : no_memory(error);
    json_decref(json);
    return status;
}

enum adadelta_status adadelta_save(const struct adadelta *optimizer, const char *path, struct adadelta_error *error)
{
    struct adadelta_checkpoint *checkpoint;
    enum adadelta_status status;

    if (!optimizer || !path)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no optimizer or no path");
    status = adadelta_checkpoint_create(&checkpoint);
    if (status)
        return no_memory(error);
    status = adadelta_checkpoint_set_optimizer(checkpoint, optimizer, error);
    if (!status)
        status = adadelta_checkpoint_write(checkpoint, path, error);
    adadelta_checkpoint_destroy(checkpoint);
    return status;
}
