/* SPDX-License-Identifier: MIT */
/* An optimizer out of a checkpoint. Reading makes a full plan first, so that whatever is wrong is found before the
   first byte of the optimizer changes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "checkpoint_settings.h"
#include "optimizer.h"

/* What a checkpoint would make of an optimizer. */
struct plan {
    const struct adadelta_checkpoint *checkpoint;
    const struct adadelta *optimizer; /* as it is: not changed before the plan is complete */
    int format;                       /* of the optimizer's part */
    uint64_t steps, skipped;
    struct whole whole;
    struct adadelta_hyper *groups; /* [optimizer->group_count] */
    struct entry {
        uint64_t steps, skipped, averaged;
        int own, no_decay;
        struct adadelta_hyper hyper;
        double unit; /* of state in codes */
        uint64_t rewrites;
        const void *values, *parts[MAX_PARTS]; /* a part that the checkpoint lacks, as it may: NULL */
    } * entries;                               /* [optimizer->tensor_count] */
};

static enum adadelta_status malformed(struct adadelta_error *error, const char *what)
{
    return fail(error, ADADELTA_ERROR_FORMAT, TEXT_OPTIMIZER " is malformed: %s", what);
}

/* A count that came with format 2. */
static int newer_count_read(const struct plan *plan, const json_t *object, const char *name, uint64_t *count)
{
    *count = 0;
    return (plan->format < 2 && !json_object_get(object, name)) || count_read(object, name, count);
}

/* The settings of a group or a tensor; NULL, or what is wrong. */
static const char *read_settings(const struct plan *plan, const json_t *json, struct adadelta_hyper *hyper)
{
    *hyper = (struct adadelta_hyper){0};
    if (!hyper_read(json, plan->format, hyper))
        return "a group or tensor lacks a setting, or one has another type";
    const enum adadelta_status status = adadelta_hyper_check(hyper);
    return status ? adadelta_status_string(status) : NULL;
}

/* Settings that would be refused if they were set; NULL, or what is wrong. */
static const char *wrong_settings(const struct whole *whole)
{
    struct adadelta trial = {.steps = 0};
    const int decays = whole->averaging == ADADELTA_AVERAGING_EXPONENTIAL;
    if (adadelta_set_gradients(&trial, &whole->gradients) || adadelta_set_schedule(&trial, &whole->schedule) ||
        (decays && !(whole->average_decay >= 0 && whole->average_decay < 1)))
        return "a setting is out of its range";
    return NULL;
}

/* The settings of the whole optimizer. A callback is the optimizer's own affair; averages must be kept alike, save that
   an optimizer may begin to keep them. */
static enum adadelta_status plan_whole(struct plan *plan, const json_t *settings, struct adadelta_error *error)
{
    const struct adadelta *optimizer = plan->optimizer;
    struct whole *whole = &plan->whole;
    *whole = whole_of(optimizer);
    if (!settings)
        whole->averaging = ADADELTA_AVERAGING_NONE;
    else if (!whole_read(settings, plan->format, whole))
        return malformed(error, "settings lack one, or one has another type");
    if (whole->schedule.kind == ADADELTA_SCHEDULE_CALLBACK && !optimizer->schedule.rate)
        return fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint's schedule is a callback, the optimizer has none");
    if (whole->averaging != (int)optimizer->options.averaging && whole->averaging != ADADELTA_AVERAGING_NONE)
        return fail(error, ADADELTA_ERROR_MISMATCH, "averages are kept '%s' in the checkpoint, '%s' in the optimizer",
                    averaging_name(whole->averaging), averaging_name((int)optimizer->options.averaging));
    if (whole->averaging != ADADELTA_AVERAGING_EXPONENTIAL)
        whole->average_decay = optimizer->options.average_decay;
    if (whole->averaging == ADADELTA_AVERAGING_NONE)
        whole->swapped = 0;
    const char *wrong = wrong_settings(whole);
    return wrong ? malformed(error, wrong) : ADADELTA_OK;
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
        const char *wrong = read_settings(plan, json_array_get(groups, k), &plan->groups[k]);
        if (wrong)
            return malformed(error, wrong);
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
                                       enum adadelta_dtype dtype, const void **values, struct adadelta_error *error)
{
    const struct adadelta_tensor *want = &tensor->info;
    struct adadelta_tensor found;
    char ours[200], theirs[200];

    if (adadelta_checkpoint_tensor(plan->checkpoint, name, &found))
        return fail(error, ADADELTA_ERROR_MISMATCH, "array '%.100s' is not in the checkpoint", name);
    if (found.dtype != dtype)
        return fail(error, ADADELTA_ERROR_MISMATCH, "tensor '%.100s' is %s in the checkpoint, %s in the optimizer",
                    name, adadelta_dtype_name(found.dtype), adadelta_dtype_name(dtype));
    if (found.ndim != want->ndim || memcmp(found.shape, want->shape, want->ndim * sizeof(want->shape[0])) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' has shape [%s] in the checkpoint, [%s] in the optimizer", name,
                    shape_text(&found, theirs), shape_text(want, ours));
    *values = found.values;
    return ADADELTA_OK;
}

/* What the JSON says of a tensor: its group, its counters, and settings that its type can hold. */
static enum adadelta_status plan_entry(struct plan *plan, size_t k, const json_t *json, struct adadelta_error *error)
{
    const struct tensor *tensor = &plan->optimizer->tensors[k];
    struct entry *entry = &plan->entries[k];
    const json_t *own = json_object_get(json, "hyper");
    uint64_t group;

    if (!count_read(json, "group", &group) || !count_read(json, "step", &entry->steps) ||
        !newer_count_read(plan, json, "skipped", &entry->skipped) ||
        !newer_count_read(plan, json, "averaged", &entry->averaged))
        return malformed(error, "a tensor lacks group, step, skipped or averaged");
    const json_t *no_decay = json_object_get(json, "no_decay");
    entry->no_decay = plan->format < 2 ? tensor->info.no_decay : json_is_true(no_decay);
    if (plan->format >= 2 && !json_is_boolean(no_decay))
        return malformed(error, "a tensor lacks no_decay");
    if (group != tensor->group)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' is in group %" PRIu64 " in the checkpoint, in group %zu in the optimizer",
                    tensor->info.name, group, tensor->group);
    entry->own = own != NULL;
    entry->hyper = plan->groups[tensor->group];
    const char *wrong = own ? read_settings(plan, own, &entry->hyper) : NULL;
    if (wrong)
        return malformed(error, wrong);
    enum adadelta_status status = tensor_check_hyper(tensor, &plan->groups[tensor->group]);
    if (!status)
        status = tensor_check_hyper(tensor, &entry->hyper);
    return status ? malformed(error, adadelta_status_string(status)) : ADADELTA_OK;
}

/* Whether a part begins anew where the checkpoint has none: the averages, where none were kept. */
static int may_lack(const struct plan *plan, const struct part *part)
{
    return plan->whole.averaging == ADADELTA_AVERAGING_NONE &&
           (strcmp(part->name, PART_AVERAGE) == 0 || strcmp(part->name, PART_SPARE) == 0);
}

/* 16-bit weights go on as they were kept. */
static enum adadelta_status compare_weights(const struct tensor *tensor, const json_t *json,
                                            struct adadelta_error *error)
{
    if (!has_weights(tensor))
        return ADADELTA_OK;
    const char *theirs = json_string_value(json_object_get(json, "weights"));
    const char *ours = weights_name(tensor->info.weights);
    if (!theirs)
        return malformed(error, "a tensor of 16 bits lacks weights");
    if (strcmp(theirs, ours) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' has weights '%.40s' in the checkpoint, '%s' in the optimizer", tensor->info.name,
                    theirs, ours);
    return ADADELTA_OK;
}

/* Codes mean what they did where they were written. */
static enum adadelta_status plan_codes(struct plan *plan, size_t k, const json_t *json, struct adadelta_error *error)
{
    const struct tensor *tensor = &plan->optimizer->tensors[k];
    const json_t *state = json_object_get(json, "state"), *unit = json_object_get(state, "unit");
    if (!is_coded(tensor->info.state_dtype))
        return ADADELTA_OK;
    const char *theirs = json_string_value(json_object_get(state, "format"));
    const char *ours = state_format(tensor->info.state_dtype);
    plan->entries[k].unit = json_number_value(unit);
    if (!theirs || !count_read(state, "rewrites", &plan->entries[k].rewrites) || !json_is_number(unit) ||
        !(plan->entries[k].unit > 0) || !isfinite(plan->entries[k].unit))
        return malformed(error, "a tensor with state in codes lacks their format, unit or rewrites, or one is no such");
    if (strcmp(theirs, ours) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH,
                    "tensor '%.100s' has state in codes '%.40s' in the checkpoint, '%s' in the optimizer",
                    tensor->info.name, theirs, ours);
    return ADADELTA_OK;
}

static enum adadelta_status plan_arrays(struct plan *plan, size_t k, const json_t *json, struct adadelta_error *error)
{
    const struct tensor *tensor = &plan->optimizer->tensors[k];
    struct entry *entry = &plan->entries[k];
    enum adadelta_status status =
        find_array(plan, tensor, tensor->info.name, tensor->info.dtype, &entry->values, error);

    if (!status)
        status = compare_weights(tensor, json, error);
    for (size_t p = 0; p < tensor->part_count && !status; p++) {
        const struct part *part = &tensor->parts[p];
        if (may_lack(plan, part))
            continue;
        char *name = state_name(tensor->info.name, part->name);
        status = name ? find_array(plan, tensor, name, part->dtype, &entry->parts[p], error) : no_memory(error);
        free(name);
    }
    return status ? status : plan_codes(plan, k, json, error);
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
            status = plan_arrays(plan, k, entry, error);
    }
    if (!status && json_object_size(tensors) != optimizer->tensor_count)
        status = fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint has %zu tensors, the optimizer has %zu",
                      json_object_size(tensors), optimizer->tensor_count);
    return status;
}

static enum adadelta_status make_plan(struct plan *plan, const json_t *json, struct adadelta_error *error)
{
    const char *method = json_string_value(json_object_get(json, "method"));
    const char *ours = adadelta_method_name(plan->optimizer->options.method);
    const json_t *settings = json_object_get(json, "settings");
    enum adadelta_status status;

    /* By itself, not by the file's number: a program may have written anew what it read from an older file. */
    plan->format = settings ? CHECKPOINT_FORMAT : 1;
    if (!method || !count_read(json, "step", &plan->steps) || !newer_count_read(plan, json, "skipped", &plan->skipped))
        return malformed(error, "it lacks method, step or skipped");
    if (strcmp(method, ours) != 0)
        return fail(error, ADADELTA_ERROR_MISMATCH, "the checkpoint's method is '%.40s', the optimizer's is '%s'",
                    method, ours);
    status = plan_whole(plan, settings, error);
    if (!status)
        status = plan_groups(plan, json_object_get(json, "groups"), error);
    return status ? status : plan_tensors(plan, json_object_get(json, "tensors"), error);
}

/* memmove: a checkpoint that was never written may hold this very optimizer's arrays. */
static void copy_array(void *to, const void *from, size_t bytes)
{
    if (bytes > 0)
        memmove(to, from, bytes);
}

static void fill_tensor(struct tensor *tensor, const struct entry *entry, int averages_begin)
{
    tensor->steps = entry->steps;
    tensor->skipped = entry->skipped;
    tensor->own = entry->own;
    tensor->info.no_decay = entry->no_decay;
    tensor->hyper = entry->hyper;
    if (is_coded(tensor->info.state_dtype)) {
        tensor->unit = entry->unit;
        tensor->rewrites = entry->rewrites;
    }
    tensor->update_norm = tensor->gradient_norm = NAN;
    tensor->averaged = entry->averaged;
    copy_array(tensor->info.values, entry->values, tensor_bytes(tensor));
    if (averages_begin)
        tensor_restart_average(tensor);
    for (size_t p = 0; p < tensor->part_count; p++) {
        if (entry->parts[p])
            copy_array(tensor->parts[p].values, entry->parts[p],
                       tensor->n * adadelta_dtype_size(tensor->parts[p].dtype));
    }
}

static void carry_out(const struct plan *plan, struct adadelta *optimizer)
{
    const int averages_begin = plan->whole.averaging != (int)optimizer->options.averaging;
    for (size_t k = 0; k < optimizer->tensor_count; k++)
        fill_tensor(&optimizer->tensors[k], &plan->entries[k], averages_begin);
    for (size_t k = 0; k < optimizer->group_count; k++)
        optimizer->groups[k].hyper = plan->groups[k];
    whole_into(&plan->whole, optimizer);
    codes_follow(optimizer); /* which a file of ours has them do already */
    optimizer->settings++;
    optimizer->steps = plan->steps;
    optimizer->skipped = plan->skipped;
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
    plan.entries = calloc(optimizer->tensor_count + 1, sizeof(*plan.entries));
    status = plan.groups && plan.entries ? make_plan(&plan, json, error) : no_memory(error);
    if (!status)
        carry_out(&plan, optimizer);
    free(plan.entries);
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

/* adadelta_load, which tells what is wrong in *error. */
static enum adadelta_status load(struct adadelta *optimizer, const char *path, struct adadelta_error *error)
{
    struct adadelta_error trouble = {.text = ""};
    struct adadelta_checkpoint *checkpoint;
    if (!path)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no path");
    enum adadelta_status status = adadelta_checkpoint_read(path, &checkpoint, error);
    if (status)
        return status;
    status = adadelta_checkpoint_get_optimizer(checkpoint, optimizer, &trouble);
    if (status)
        fail(error, status, "%.150s: %.350s", path, trouble.text);
    adadelta_checkpoint_destroy(checkpoint);
    return status;
}

enum adadelta_status adadelta_load(struct adadelta *optimizer, const char *path, struct adadelta_error *error)
{
    if (!optimizer)
        return fail(error, ADADELTA_ERROR_ARGUMENT, "no optimizer");
    const enum adadelta_status status = load(optimizer, path, &optimizer->error);
    if (status && error)
        *error = optimizer->error;
    return status;
}
