/* SPDX-License-Identifier: MIT */
/* An optimizer in a checkpoint: its arrays by name, everything else as one JSON text. Reading makes a full plan first,
   so that whatever is wrong is found before the first byte of the optimizer changes. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "optimizer.h"
#include "safetensors.h"

enum { JSON_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(17) /* digits that bring back every double */ };

/* The settings by name: a field that is added to struct adadelta_hyper is added here. */
static const struct {
    const char *name;
    size_t offset;
} reals[] =
    {
        {"lr", offsetof(struct adadelta_hyper, lr)},
        {"rho", offsetof(struct adadelta_hyper, rho)},
        {"eps", offsetof(struct adadelta_hyper, eps)},
        {"weight_decay", offsetof(struct adadelta_hyper, weight_decay)},
        {"momentum", offsetof(struct adadelta_hyper, momentum)},
        {"beta1", offsetof(struct adadelta_hyper, beta1)},
        {"beta2", offsetof(struct adadelta_hyper, beta2)},
},
  flags[] = {
      {"nesterov", offsetof(struct adadelta_hyper, nesterov)},
      {"decoupled", offsetof(struct adadelta_hyper, decoupled)},
};

enum { REALS = sizeof(reals) / sizeof(reals[0]), FLAGS = sizeof(flags) / sizeof(flags[0]) };

static enum adadelta_status no_memory(struct adadelta_error *error)
{
    return fail(error, ADADELTA_ERROR_MEMORY, "no memory for the optimizer's part of the checkpoint");
}

/* ---- Writing ---- */

/* Each of these gives NULL where there is no memory; jansson takes NULL for a failure, too. */

static json_t *group_json(const struct adadelta_hyper *hyper)
{
    json_t *group = json_object();
    int failed = !group;

    for (size_t k = 0; k < REALS; k++) {
        double value;
        memcpy(&value, (const char *)hyper + reals[k].offset, sizeof(value));
        failed |= json_object_set_new(group, reals[k].name, json_real(value));
    }
    for (size_t k = 0; k < FLAGS; k++) {
        int value;
        memcpy(&value, (const char *)hyper + flags[k].offset, sizeof(value));
        failed |= json_object_set_new(group, flags[k].name, json_boolean(value));
    }
    if (!failed)
        return group;
    json_decref(group);
    return NULL;
}

static json_t *tensor_json(const struct tensor *tensor)
{
    json_t *entry = json_object();
    int failed = json_object_set_new(entry, "group", json_integer((json_int_t)tensor->group));

    failed |= json_object_set_new(entry, "step", json_integer((json_int_t)tensor->steps));
    if (!failed)
        return entry;
    json_decref(entry);
    return NULL;
}

static json_t *optimizer_json(const struct adadelta *optimizer)
{
    json_t *json = json_object(), *groups = json_array(), *tensors = json_object();
    int failed = 0;

    for (size_t k = 0; k < optimizer->group_count; k++)
        failed |= json_array_append_new(groups, group_json(&optimizer->groups[k]));
    for (size_t k = 0; k < optimizer->tensor_count; k++)
        failed |= json_object_set_new(tensors, optimizer->tensors[k].info.name, tensor_json(&optimizer->tensors[k]));
    failed |= json_object_set_new(json, "method", json_string(adadelta_method_name(optimizer->method_id)));
    failed |= json_object_set_new(json, "step", json_integer((json_int_t)optimizer->steps));
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

/* "w.square_avg", to be given to free; NULL: no memory. */
static char *state_name(const char *tensor, const char *state)
{
    size_t size = strlen(tensor) + strlen(state) + 2;
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s.%s", tensor, state);
    return name;
}

static enum adadelta_status put_array(struct adadelta_checkpoint *checkpoint, const struct adadelta_tensor *info,
                                      const char *name, void *values, struct adadelta_error *error)
{
    struct adadelta_tensor array = *info;
    enum adadelta_status status;

    array.name = name;
    array.values = values;
    status = adadelta_checkpoint_set_tensor(checkpoint, &array);
    if (status == ADADELTA_ERROR_NAME)
        return fail(error, status,
                    "two arrays of a checkpoint cannot be called '%.200s' (TENSOR.STATE is a tensor's state, "
                    "__metadata__ the format's own)",
                    name);
    return status ? no_memory(error) : ADADELTA_OK;
}

static enum adadelta_status put_tensor(struct adadelta_checkpoint *checkpoint, const struct method *method,
                                       const struct tensor *tensor, struct adadelta_error *error)
{
    enum adadelta_status status = put_array(checkpoint, &tensor->info, tensor->info.name, tensor->info.values, error);

    for (size_t k = 0; k < method->states && !status; k++) {
        char *name = state_name(tensor->info.name, method->state_names[k]);
        status = name ? put_array(checkpoint, &tensor->info, name, tensor->state[k], error) : no_memory(error);
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
        status = put_tensor(checkpoint, optimizer->method, &optimizer->tensors[k], error);
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

/* ---- Reading ---- */

/* What a checkpoint would make of an optimizer. */
struct plan {
    const struct adadelta_checkpoint *checkpoint;
    const struct adadelta *optimizer; /* as it is: not changed before the plan is complete */
    uint64_t steps;
    struct adadelta_hyper *groups; /* [optimizer->group_count] */
    struct part {
        uint64_t steps;
        const void *values, *state[MAX_STATES];
    } * parts; /* [optimizer->tensor_count] */
};

static enum adadelta_status malformed(struct adadelta_error *error, const char *what)
{
    return fail(error, ADADELTA_ERROR_FORMAT, TEXT_OPTIMIZER " is malformed: %s", what);
}

static int read_count(const json_t *object, const char *name, uint64_t *count)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *count = (uint64_t)json_integer_value(value);
    return 1;
}

static int read_hyper(const json_t *group, struct adadelta_hyper *hyper)
{
    *hyper = (struct adadelta_hyper){0};
    for (size_t k = 0; k < REALS; k++) {
        const json_t *field = json_object_get(group, reals[k].name);
        double value = json_number_value(field);
        if (!json_is_number(field))
            return 0;
        memcpy((char *)hyper + reals[k].offset, &value, sizeof(value));
    }
    for (size_t k = 0; k < FLAGS; k++) {
        const json_t *field = json_object_get(group, flags[k].name);
        int value = json_is_true(field);
        if (!json_is_boolean(field))
            return 0;
        memcpy((char *)hyper + flags[k].offset, &value, sizeof(value));
    }
    return 1;
}

static enum adadelta_status plan_groups(struct plan *plan, const json_t *groups, struct adadelta_error *error)
{
    const size_t count = plan->optimizer->group_count;

    if (!json_is_array(groups))
        return malformed(error, "groups must be a list");
    if (json_array_size(groups) != count)
        return fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint has %zu groups, the optimizer has %zu",
                    json_array_size(groups), count);
    for (size_t k = 0; k < count; k++) {
        enum adadelta_status status;
        if (!read_hyper(json_array_get(groups, k), &plan->groups[k]))
            return malformed(error, "a group lacks a setting, or one is not a number");
        status = adadelta_hyper_check(&plan->groups[k]);
        if (status)
            return malformed(error, adadelta_status_string(status));
    }
    return ADADELTA_OK;
}

/* "[2, 3]" */
static const char *shape_text(const struct adadelta_tensor *array, char text[200])
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t k = 0; k < array->ndim; k++)
        length += (size_t)snprintf(text + length, 200 - length, "%s%zu", k ? ", " : "", array->shape[k]);
    return text;
}

/* Finds the array of a tensor's values or state, and compares type and shape. */
static enum adadelta_status find_array(const struct plan *plan, const struct tensor *tensor, const char *name,
                                       const void **values, struct adadelta_error *error)
{
    const struct adadelta_tensor *want = &tensor->info;
    struct adadelta_tensor found;
    char ours[200], theirs[200];

    if (adadelta_checkpoint_tensor(plan->checkpoint, name, &found))
        return fail(error, ADADELTA_ERROR_MISMATCH, "array '%.100s' is not in the checkpoint", name);
    if (found.dtype != want->dtype)
        return fail(error, ADADELTA_ERROR_MISMATCH, "tensor '%.100s' is %s in the checkpoint, %s in the optimizer",
                    name, dtype_names[found.dtype], dtype_names[want->dtype]);
    if (found.ndim != want->ndim || memcmp(found.shape, want->shape, want->ndim * sizeof(want->shape[0])) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' has shape [%s] in the checkpoint, [%s] in the optimizer", name,
                    shape_text(&found, theirs), shape_text(want, ours));
    *values = found.values;
    return ADADELTA_OK;
}

/* What the JSON says of a tensor: its group, its counter, and settings that its type can hold. */
static enum adadelta_status plan_entry(struct plan *plan, size_t k, const json_t *entry, struct adadelta_error *error)
{
    const struct tensor *tensor = &plan->optimizer->tensors[k];
    enum adadelta_status status;
    uint64_t group;

    if (!read_count(entry, "group", &group) || !read_count(entry, "step", &plan->parts[k].steps))
        return malformed(error, "a tensor lacks group or step");
    if (group != tensor->group)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' is in group %" PRIu64 " in the checkpoint, in group %zu in the optimizer",
                    tensor->info.name, group, tensor->group);
    status = method_check(&plan->groups[tensor->group], tensor->info.dtype);
    return status ? malformed(error, adadelta_status_string(status)) : ADADELTA_OK;
}

static enum adadelta_status plan_tensor(struct plan *plan, size_t k, struct adadelta_error *error)
{
    const struct tensor *tensor = &plan->optimizer->tensors[k];
    const struct method *method = plan->optimizer->method;
    enum adadelta_status status = find_array(plan, tensor, tensor->info.name, &plan->parts[k].values, error);

    for (size_t s = 0; s < method->states && !status; s++) {
        char *name = state_name(tensor->info.name, method->state_names[s]);
        status = name ? find_array(plan, tensor, name, &plan->parts[k].state[s], error) : no_memory(error);
        free(name);
    }
    return status;
}

static enum adadelta_status plan_tensors(struct plan *plan, const json_t *tensors, struct adadelta_error *error)
{
    const struct adadelta *optimizer = plan->optimizer;
    enum adadelta_status status = ADADELTA_OK;

    if (!json_is_object(tensors))
        return malformed(error, "tensors must be a map");
    for (size_t k = 0; k < optimizer->tensor_count && !status; k++) {
        const char *name = optimizer->tensors[k].info.name;
        const json_t *entry = json_object_get(tensors, name);
        if (!entry)
            return fail(error, ADADELTA_ERROR_MISMATCH, "tensor '%.100s' is not in the checkpoint", name);
        status = plan_entry(plan, k, entry, error);
        if (!status)
            status = plan_tensor(plan, k, error);
    }
    if (!status && json_object_size(tensors) != optimizer->tensor_count)
        status = fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint has %zu tensors, the optimizer has %zu",
                      json_object_size(tensors), optimizer->tensor_count);
    return status;
}

static enum adadelta_status make_plan(struct plan *plan, const json_t *json, struct adadelta_error *error)
{
    const char *method = json_string_value(json_object_get(json, "method"));
    const char *ours = adadelta_method_name(plan->optimizer->method_id);
    enum adadelta_status status;

    if (!method || !read_count(json, "step", &plan->steps))
        return malformed(error, "it lacks method or step");
    if (strcmp(method, ours) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint's method is '%.40s', the optimizer's is '%s'",
                    method, ours);
    status = plan_groups(plan, json_object_get(json, "groups"), error);
    return status ? status : plan_tensors(plan, json_object_get(json, "tensors"), error);
}

/* memmove: a checkpoint that was never written may hold this very optimizer's arrays. */
static void copy_array(void *to, const void *from, const struct tensor *tensor)
{
    if (tensor->n > 0)
        memmove(to, from, tensor->n * dtype_size(tensor->info.dtype));
}

static void carry_out(const struct plan *plan, struct adadelta *optimizer)
{
    for (size_t k = 0; k < optimizer->tensor_count; k++) {
        struct tensor *tensor = &optimizer->tensors[k];
        tensor->steps = plan->parts[k].steps;
        copy_array(tensor->info.values, plan->parts[k].values, tensor);
        for (size_t s = 0; s < optimizer->method->states; s++)
            copy_array(tensor->state[s], plan->parts[k].state[s], tensor);
    }
    if (optimizer->group_count > 0)
        memcpy(optimizer->groups, plan->groups, optimizer->group_count * sizeof(*plan->groups));
    optimizer->steps = plan->steps;
}

static enum adadelta_status parse_text(const char *text, json_t **json, struct adadelta_error *error)
{
    char wrong[JSON_ERROR_TEXT_LENGTH];

    *json = checkpoint_parse(text, strlen(text), wrong);
    if (*json)
        return ADADELTA_OK;
    return *wrong ? malformed(error, wrong) : no_memory(error);
}

enum adadelta_status adadelta_checkpoint_get_optimizer(const struct adadelta_checkpoint *checkpoint,
                                                       struct adadelta *optimizer, struct adadelta_error *error)
{
    struct plan plan = {.checkpoint = checkpoint, .optimizer = optimizer};
    const char *text = adadelta_checkpoint_text(checkpoint, TEXT_OPTIMIZER);
    enum adadelta_status status;
    json_t *json = NULL;

    if (!checkpoint || !optimizer)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no checkpoint or no optimizer");
    if (!text)
        return fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint holds no optimizer");
    status = parse_text(text, &json, error);
    if (status)
        return status;
    /* One more than needed: calloc(0) may give NULL. */
    plan.groups = calloc(optimizer->group_count + 1, sizeof(*plan.groups));
    plan.parts = calloc(optimizer->tensor_count + 1, sizeof(*plan.parts));
    status = plan.groups && plan.parts ? make_plan(&plan, json, error) : no_memory(error);
    if (!status)
        carry_out(&plan, optimizer);
    free(plan.parts);
    free(plan.groups);
    json_decref(json);
    return status;
}

enum adadelta_status adadelta_checkpoint_method(const struct adadelta_checkpoint *checkpoint,
                                                enum adadelta_method *method)
{
    if (!checkpoint || !method)
        return ADADELTA_ERROR_ARGUMENT;
    const char *text = adadelta_checkpoint_text(checkpoint, TEXT_OPTIMIZER);
    if (!text)
        return ADADELTA_ERROR_MISMATCH;
    json_t *json;
    const enum adadelta_status status = parse_text(text, &json, NULL);
    if (status)
        return status == ADADELTA_ERROR_MEMORY ? status : ADADELTA_ERROR_MISMATCH;
    const char *name = json_string_value(json_object_get(json, "method"));
    const int known = name && adadelta_method_by_name(name, method) == ADADELTA_OK;
    json_decref(json);
    return known ? ADADELTA_OK : ADADELTA_ERROR_MISMATCH;
}

enum adadelta_status adadelta_load(struct adadelta *optimizer, const char *path, struct adadelta_error *error)
{
    struct adadelta_error trouble = {.text = ""};
    struct adadelta_checkpoint *checkpoint;
    enum adadelta_status status;

    if (!optimizer || !path)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no optimizer or no path");
    status = adadelta_checkpoint_read(path, &checkpoint, error);
    if (status)
        return status;
    status = adadelta_checkpoint_get_optimizer(checkpoint, optimizer, &trouble);
    if (status)
        fail(error, status, "%.150s: %.350s", path, trouble.text);
    adadelta_checkpoint_destroy(checkpoint);
    return status;
}
