/* SPDX-License-Identifier: MIT */
/* See checkpoint_settings.h. A setting is a row of a table: its name, where it lies in its struct, what kind it is, and
   since which format files have it. */
#include "checkpoint_settings.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The name of a choice's value number k, or NULL past the last. */
typedef const char *choice_name(int k);

enum kind { REAL, FLAG, COUNT, CHOICE };

struct field {
    const char *name;
    size_t offset;
    enum kind kind;
    int since; /* the format that brought it */
    choice_name *choice;
};

#define NAME(value, text) [value] = text,
#define NAME_OF(names, k) ((size_t)(k) < sizeof(names) / sizeof *(names) ? (names)[k] : NULL)

static const char *nonfinite_name(int k)
{
    static const char *const names[] = {ADADELTA_NONFINITE_LIST(NAME)};
    return NAME_OF(names, k);
}

static const char *duplicates_name(int k)
{
    static const char *const names[] = {ADADELTA_DUPLICATES_LIST(NAME)};
    return NAME_OF(names, k);
}

static const char *schedule_name(int k)
{
    return adadelta_schedule_name((enum adadelta_schedule_kind)k);
}

const char *averaging_name(int k)
{
    static const char *const names[] = {ADADELTA_AVERAGING_LIST(NAME)};
    return NAME_OF(names, k);
}

const char *weights_name(enum adadelta_weights weights)
{
    static const char *const names[] = {ADADELTA_WEIGHTS_LIST(NAME)};
    return names[weights];
}

const char *state_format(enum adadelta_dtype dtype)
{
    static const char *const names[ADADELTA_DTYPE_COUNT] = {[ADADELTA_U16] = "w10e6", [ADADELTA_U8] = "w3e5 q2e6"};
    return names[dtype];
}

#define HYPER(field)     #field, offsetof(struct adadelta_hyper, field)
#define WHOLE(field)     #field, offsetof(struct whole, field)
#define GRADIENTS(field) #field, offsetof(struct whole, gradients.field)
#define SCHEDULE(field)  #field, offsetof(struct whole, schedule.field)

/* A field that is added to struct adadelta_hyper is added here. */
static const struct field hyper_fields[] = {
    {HYPER(lr), REAL, 1, NULL},           {HYPER(rho), REAL, 1, NULL},      {HYPER(eps), REAL, 1, NULL},
    {HYPER(weight_decay), REAL, 1, NULL}, {HYPER(momentum), REAL, 1, NULL}, {HYPER(beta1), REAL, 1, NULL},
    {HYPER(beta2), REAL, 1, NULL},        {HYPER(nesterov), FLAG, 1, NULL}, {HYPER(decoupled), FLAG, 1, NULL},
    {HYPER(maximize), FLAG, 2, NULL},
};

static const struct field whole_fields[] = {
    {WHOLE(seed), COUNT, 2, NULL},
    {WHOLE(averaging), CHOICE, 2, averaging_name},
    {WHOLE(average_decay), REAL, 2, NULL},
    {WHOLE(swapped), FLAG, 2, NULL},
};

static const struct field gradients_fields[] = {
    {GRADIENTS(scale), REAL, 2, NULL},
    {GRADIENTS(nonfinite), CHOICE, 2, nonfinite_name},
    {GRADIENTS(clip_value), REAL, 2, NULL},
    {GRADIENTS(clip_norm), REAL, 2, NULL},
    {GRADIENTS(clip_global_norm), REAL, 2, NULL},
    {GRADIENTS(duplicates), CHOICE, 2, duplicates_name},
};

static const struct field schedule_fields[] = {
    {SCHEDULE(kind), CHOICE, 2, schedule_name}, {SCHEDULE(steps), COUNT, 2, NULL}, {SCHEDULE(warmup), COUNT, 2, NULL},
    {SCHEDULE(every), COUNT, 2, NULL},          {SCHEDULE(gamma), REAL, 2, NULL},  {SCHEDULE(end), REAL, 2, NULL},
};

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* ---- Writing ---- */

/* NULL: no memory. */
static json_t *field_json(const struct field *field, const void *owner)
{
    const void *at = (const char *)owner + field->offset;
    double real;
    int whole;
    uint64_t count;
    char digits[24];
    switch (field->kind) {
    case REAL: /* one that its schedule does not look at may be anything, and JSON has no word for that */
        memcpy(&real, at, sizeof real);
        return json_real(isfinite(real) ? real : 0);
    case FLAG:
        memcpy(&whole, at, sizeof whole);
        return json_boolean(whole);
    case COUNT: /* as a text: JSON's whole numbers may end at 2^53 or 2^63 */
        memcpy(&count, at, sizeof count);
        snprintf(digits, sizeof digits, "%" PRIu64, count);
        return json_string(digits);
    case CHOICE:
        memcpy(&whole, at, sizeof whole);
        return json_string(field->choice(whole));
    }
    return NULL;
}

static json_t *fields_json(const struct field *fields, size_t count, const void *owner)
{
    json_t *object = json_object();
    int failed = !object;
    for (size_t k = 0; k < count; k++)
        failed |= json_object_set_new(object, fields[k].name, field_json(&fields[k], owner));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

json_t *hyper_json(const struct adadelta_hyper *hyper)
{
    return fields_json(hyper_fields, LENGTH(hyper_fields), hyper);
}

json_t *whole_json(const struct whole *whole)
{
    json_t *object = fields_json(whole_fields, LENGTH(whole_fields), whole);
    int failed = !object;
    failed |= json_object_set_new(object, "gradients", fields_json(gradients_fields, LENGTH(gradients_fields), whole));
    failed |= json_object_set_new(object, "schedule", fields_json(schedule_fields, LENGTH(schedule_fields), whole));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- Reading ---- */

static int choice_read(const struct field *field, const json_t *value, int *choice)
{
    const char *text = json_string_value(value);
    for (int k = 0; text && field->choice(k); k++) {
        if (strcmp(text, field->choice(k)) == 0) {
            *choice = k;
            return 1;
        }
    }
    return 0;
}

/* Digits alone, of a number that fits. */
static int digits_read(const json_t *value, uint64_t *count)
{
    const char *text = json_string_value(value);
    *count = 0;
    if (!text || !*text)
        return 0;
    for (; *text; text++) {
        const uint64_t digit = (uint64_t)(*text - '0');
        if (*text < '0' || *text > '9' || *count > (UINT64_MAX - digit) / 10)
            return 0;
        *count = 10 * *count + digit;
    }
    return 1;
}

static int field_read(const struct field *field, const json_t *value, void *owner)
{
    char *at = (char *)owner + field->offset;
    const double real = json_number_value(value);
    int whole = json_is_true(value);
    uint64_t count;
    switch (field->kind) {
    case REAL:
        memcpy(at, &real, sizeof real);
        return json_is_number(value);
    case FLAG:
        memcpy(at, &whole, sizeof whole);
        return json_is_boolean(value);
    case COUNT:
        if (!digits_read(value, &count))
            return 0;
        memcpy(at, &count, sizeof count);
        return 1;
    case CHOICE:
        if (!choice_read(field, value, &whole))
            return 0;
        memcpy(at, &whole, sizeof whole);
        return 1;
    }
    return 0;
}

static int fields_read(const struct field *fields, size_t count, int format, const json_t *object, void *owner)
{
    for (size_t k = 0; k < count; k++) {
        const json_t *value = json_object_get(object, fields[k].name);
        if (!value && fields[k].since > format)
            continue;
        if (!field_read(&fields[k], value, owner))
            return 0;
    }
    return 1;
}

int hyper_read(const json_t *json, int format, struct adadelta_hyper *hyper)
{
    return fields_read(hyper_fields, LENGTH(hyper_fields), format, json, hyper);
}

int whole_read(const json_t *json, int format, struct whole *whole)
{
    const json_t *gradients = json_object_get(json, "gradients"), *schedule = json_object_get(json, "schedule");
    return fields_read(whole_fields, LENGTH(whole_fields), format, json, whole) &&
           fields_read(gradients_fields, LENGTH(gradients_fields), format, gradients, whole) &&
           fields_read(schedule_fields, LENGTH(schedule_fields), format, schedule, whole);
}

int count_read(const json_t *object, const char *name, uint64_t *count)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *count = (uint64_t)json_integer_value(value);
    return 1;
}

/* ---- Out of an optimizer and into it ---- */

struct whole whole_of(const struct adadelta *optimizer)
{
    return (struct whole){
        .seed = optimizer->options.seed,
        .averaging = (int)optimizer->options.averaging,
        .average_decay = optimizer->options.average_decay,
        .gradients = optimizer->gradients,
        .schedule = optimizer->schedule,
        .swapped = optimizer->swapped,
    };
}

void whole_into(const struct whole *whole, struct adadelta *optimizer)
{
    optimizer->options.seed = whole->seed;
    optimizer->options.average_decay = whole->average_decay;
    optimizer->gradients = whole->gradients;
    optimizer->schedule = whole->schedule;
    optimizer->swapped = whole->swapped;
}
