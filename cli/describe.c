/* SPDX-License-Identifier: MIT */
/* See describe.h. A setting that is a number is a row of a table: its names, and what it counts for. */
#include "describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "state_type.h"

#define ALL        (~0u)
#define M(name)    (1u << ADADELTA_METHOD_##name)
#define S(name)    (1u << ADADELTA_SCHEDULE_##name)
#define TO_END     (S(LINEAR) | S(COSINE) | S(TAIL))
#define NO_SQUARES (M(SGD) | M(MOMENTUM))
static const struct number {
    enum option_id id;
    const char *name, *key; /* for people, for programs */
    unsigned methods, schedules;
    int is_whole;
} numbers[] = {
    {OPTION_LR, "lr", "lr", ALL, ALL, 0},
    {OPTION_RHO, "rho", "rho", M(ADADELTA) | M(RMSPROP), ALL, 0},
    {OPTION_MOMENTUM, "momentum", "momentum", M(MOMENTUM), ALL, 0},
    {OPTION_BETA1, "beta1", "beta1", M(ADAMW), ALL, 0},
    {OPTION_BETA2, "beta2", "beta2", M(ADAMW), ALL, 0},
    {OPTION_EPS, "eps", "eps", ALL & ~NO_SQUARES, ALL, 0},
    {OPTION_WEIGHT_DECAY, "weight decay", "weight_decay", ALL, ALL, 0},
    {OPTION_WARMUP, "warmup", "warmup", ALL, ALL, 1},
    {OPTION_END, "end", "end", ALL, TO_END, 0},
    {OPTION_EVERY, "every", "every", ALL, S(STEP), 1},
    {OPTION_GAMMA, "gamma", "gamma", ALL, S(STEP), 0},
};
/* The first of them are the method's own, the others the schedule's. */
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers, METHOD_NUMBERS = 7 };

static double value_of(const struct fit_settings *settings, enum option_id id)
{
    const struct adadelta_hyper *hyper = &settings->hyper;
    const struct adadelta_schedule *schedule = &settings->schedule;
    const double values[OPTION_ID_COUNT] = {
        [OPTION_LR] = hyper->lr,
        [OPTION_RHO] = hyper->rho,
        [OPTION_MOMENTUM] = hyper->momentum,
        [OPTION_BETA1] = hyper->beta1,
        [OPTION_BETA2] = hyper->beta2,
        [OPTION_EPS] = hyper->eps,
        [OPTION_WEIGHT_DECAY] = hyper->weight_decay,
        [OPTION_WARMUP] = (double)schedule->warmup,
        [OPTION_END] = schedule->end,
        [OPTION_EVERY] = (double)schedule->every,
        [OPTION_GAMMA] = schedule->gamma,
    };
    return values[id];
}

static int number_counts(const struct number *number, const struct fit_settings *settings)
{
    return (number->methods >> settings->method & 1) && (number->schedules >> settings->schedule.kind & 1);
}

int setting_is_used(enum adadelta_method method, enum option_id id)
{
    if (id == OPTION_STATE)
        return state_is_kept(method);
    size_t i = 0;
    while (i < METHOD_NUMBERS && numbers[i].id != id)
        i++;
    return i < METHOD_NUMBERS && (numbers[i].methods >> method & 1);
}

/* The settings that are there or not. */
static int has_nesterov(const struct fit_settings *settings)
{
    return settings->method == ADADELTA_METHOD_MOMENTUM && settings->hyper.nesterov;
}

static int has_decoupled(const struct fit_settings *settings)
{
    return settings->hyper.weight_decay != 0 && settings->hyper.decoupled;
}

static const struct flag {
    const char *name;
    int (*is_set)(const struct fit_settings *settings);
} flags[] = {{"nesterov", has_nesterov}, {"decoupled", has_decoupled}};
enum { FLAG_COUNT = sizeof flags / sizeof *flags };

const char *describe_state(const struct fit_settings *settings)
{
    const enum adadelta_dtype state = settings->state == ADADELTA_DTYPE_DEFAULT ? ADADELTA_F32 : settings->state;
    return state_is_kept(settings->method) ? state_type_name(state) : NULL;
}

/* ---- In words ---- */

void describe_model(const struct model_spec *model, char *text, size_t size)
{
    model_format(model, text, size);
    size_t used = strlen(text);
    if (model->hidden_count > 0)
        snprintf(text + used, size - used, " %s", activation_name(model->activation));
}

/* Appends a setting to text [size], which may be full, with a comma before all but the first. */
static void add(char *text, size_t size, const char *name, const char *value)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s%s%s", used ? ", " : "", name, *value ? " " : "", value);
}

/* ", schedule linear to 0.1, warmup 3": what of a schedule is not the plainest. */
static void describe_schedule(const struct adadelta_schedule *schedule, char *text, size_t size)
{
    char more[64] = "", warmup[32] = "";
    if (schedule->kind == ADADELTA_SCHEDULE_STEP)
        snprintf(more, sizeof more, " by %g every %llu", schedule->gamma, (unsigned long long)schedule->every);
    else if (schedule->kind != ADADELTA_SCHEDULE_CONSTANT && schedule->end != 0)
        snprintf(more, sizeof more, " to %g", schedule->end);
    if (schedule->warmup)
        snprintf(warmup, sizeof warmup, ", warmup %llu", (unsigned long long)schedule->warmup);
    if (schedule->kind == ADADELTA_SCHEDULE_CONSTANT)
        snprintf(text, size, "%s", warmup);
    else
        snprintf(text, size, ", schedule %s%s%s", adadelta_schedule_name(schedule->kind), more, warmup);
}

/* Flags that the method does not have by itself, and a state that is not f32. */
static void add_choices(const struct fit_settings *settings, char *text, size_t size)
{
    static const char trial[] = " (experimental)";
    char value[NUMBER_SIZE];
    struct fit_settings plain = *settings;
    const char *state = describe_state(settings);
    plain.hyper.decoupled = adadelta_hyper_for(settings->method).decoupled;
    plain.hyper.nesterov = 0;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flags[i].is_set(settings) && !flags[i].is_set(&plain))
            add(text, size, flags[i].name, "");
    }
    if (state && settings->state != ADADELTA_DTYPE_DEFAULT && settings->state != ADADELTA_F32) {
        snprintf(value, sizeof value, "%s%s", state, state_type_is_experimental(settings->state) ? trial : "");
        add(text, size, "state", value);
    }
}

void describe_method(const struct fit_settings *settings, char *text, size_t size)
{
    char value[NUMBER_SIZE], list[METHOD_SIZE] = "", rest[METHOD_SIZE];
    for (size_t i = 0; i < METHOD_NUMBERS; i++) {
        const double number = value_of(settings, numbers[i].id);
        if (!number_counts(&numbers[i], settings) || (numbers[i].id == OPTION_WEIGHT_DECAY && number == 0))
            continue;
        snprintf(value, sizeof value, "%g", number);
        add(list, sizeof list, numbers[i].name, value);
    }
    add_choices(settings, list, sizeof list);
    describe_schedule(&settings->schedule, rest, sizeof rest);
    snprintf(text, size, "%s %s%s", adadelta_method_name(settings->method), list, rest);
}

/* As few digits as tell it from every other number. */
static void format_exactly(char *value, double number)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(value, NUMBER_SIZE, "%.*g", digits, number);
        if (strtod(value, NULL) == number)
            return;
    }
}

static void differ_in_numbers(const struct fit_settings *settings, const struct fit_settings *other, size_t first,
                              size_t end, char *text, size_t size)
{
    char value[NUMBER_SIZE];
    for (size_t i = first; i < end; i++) {
        const double number = value_of(settings, numbers[i].id);
        if (!number_counts(&numbers[i], settings) || number == value_of(other, numbers[i].id))
            continue;
        format_exactly(value, number);
        add(text, size, numbers[i].name, value);
    }
}

const char *describe_differences(const struct fit_settings *settings, const struct fit_settings *other, char *text,
                                 size_t size)
{
    const char *state = describe_state(settings);
    *text = '\0';
    differ_in_numbers(settings, other, 0, METHOD_NUMBERS, text, size);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flags[i].is_set(settings) && !flags[i].is_set(other))
            add(text, size, flags[i].name, "");
    }
    if (state && strcmp(state, describe_state(other)) != 0)
        add(text, size, "state", state);
    if (settings->schedule.kind != other->schedule.kind)
        add(text, size, "schedule", adadelta_schedule_name(settings->schedule.kind));
    differ_in_numbers(settings, other, METHOD_NUMBERS, NUMBER_COUNT, text, size);
    return text;
}

/* ---- For programs ---- */

void report_method(json_t *object, const struct fit_settings *settings)
{
    const char *state = describe_state(settings);
    json_object_set_new(object, "method", json_string(adadelta_method_name(settings->method)));
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        const double number = value_of(settings, numbers[i].id);
        if (number_counts(&numbers[i], settings))
            json_object_set_new(object, numbers[i].key,
                                numbers[i].is_whole ? json_integer((json_int_t)number) : report_number(number));
    }
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (flags[i].is_set(settings))
            json_object_set_new(object, flags[i].name, json_true());
    }
    json_object_set_new(object, "schedule", json_string(adadelta_schedule_name(settings->schedule.kind)));
    json_object_set_new(object, "state", state ? json_string(state) : json_null());
    if (state && state_type_is_experimental(settings->state))
        json_object_set_new(object, "experimental", json_true());
}
