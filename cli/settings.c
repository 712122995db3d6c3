/* SPDX-License-Identifier: MIT */
/* See settings.h. */
#include "settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "state_type.h"

/* Where the number of an option is kept that overrules the method's own. */
static const struct {
    enum option_id id;
    size_t offset;
} hyper_fields[] = {
    {OPTION_LR, offsetof(struct adadelta_hyper, lr)},
    {OPTION_RHO, offsetof(struct adadelta_hyper, rho)},
    {OPTION_MOMENTUM, offsetof(struct adadelta_hyper, momentum)},
    {OPTION_BETA1, offsetof(struct adadelta_hyper, beta1)},
    {OPTION_BETA2, offsetof(struct adadelta_hyper, beta2)},
    {OPTION_EPS, offsetof(struct adadelta_hyper, eps)},
    {OPTION_WEIGHT_DECAY, offsetof(struct adadelta_hyper, weight_decay)},
};
enum { HYPER_FIELD_COUNT = sizeof hyper_fields / sizeof *hyper_fields };

static void hyper_from_args(struct adadelta_hyper *hyper, const struct args *args)
{
    for (size_t i = 0; i < HYPER_FIELD_COUNT; i++) {
        const struct option_value *value = &args->values[hyper_fields[i].id];
        if (value->given)
            memcpy((char *)hyper + hyper_fields[i].offset, &value->real, sizeof value->real);
    }
    hyper->nesterov |= args->values[OPTION_NESTEROV].given;
    hyper->decoupled |= args->values[OPTION_DECOUPLED].given;
}

/* The names that an option may have, one after the other until NULL. */
typedef const char *name_of(int index);

static const char *method_names(int i)
{
    return adadelta_method_name((enum adadelta_method)i);
}

/* All but the last, callback: a command line cannot give a function. */
static const char *schedule_names(int i)
{
    return i < ADADELTA_SCHEDULE_CALLBACK ? adadelta_schedule_name((enum adadelta_schedule_kind)i) : NULL;
}

static const char *activation_names(int i)
{
    return activation_name((enum activation)i);
}

static const char *init_names(int i)
{
    return init_name((enum init)i);
}

static const char *scale_names(int i)
{
    return scale_name((enum scale_kind)i);
}

/* The first type is the default, which has no name. */
static const char *state_names(int i)
{
    return state_type_name((enum adadelta_dtype)(i + 1));
}

static const char *task_names(int i)
{
    static const char *const names[] = {"classification", "regression"};
    return i < 2 ? names[i] : NULL;
}

/* Finds the value of an option among its names; *index stays as it is where the option was not given. */
static enum verdict choose(int *index, const struct option_value *value, const char *option, name_of *name,
                           struct trouble *trouble)
{
    char list[128] = "";
    if (!value->given)
        return DONE;
    for (int i = 0; name(i); i++) {
        if (strcmp(name(i), value->text) == 0) {
            *index = i;
            return DONE;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", name(i));
    }
    return blame(trouble, MISUSE, "--%s %s: must be one of %s", option, value->text, list);
}

static enum verdict model_from_args(struct model_spec *model, const struct args *args, struct trouble *trouble)
{
    const struct option_value *value = &args->values[OPTION_MODEL];
    int activation = (int)model->activation, init = (int)model->init;
    enum verdict verdict = value->given ? model_parse(model, value->text, trouble) : DONE;
    if (verdict == DONE)
        verdict = choose(&activation, &args->values[OPTION_ACTIVATION], "activation", activation_names, trouble);
    if (verdict == DONE)
        verdict = choose(&init, &args->values[OPTION_INIT], "init", init_names, trouble);
    model->activation = (enum activation)activation;
    model->init = (enum init)init;
    return verdict;
}

static enum verdict schedule_from_args(struct adadelta_schedule *schedule, const struct args *args,
                                       struct trouble *trouble)
{
    const struct option_value *values = args->values;
    int kind = (int)schedule->kind;
    const enum verdict verdict = choose(&kind, &values[OPTION_SCHEDULE], "schedule", schedule_names, trouble);
    schedule->kind = (enum adadelta_schedule_kind)kind;
    if (values[OPTION_WARMUP].given)
        schedule->warmup = values[OPTION_WARMUP].whole;
    if (values[OPTION_END].given)
        schedule->end = values[OPTION_END].real;
    if (values[OPTION_EVERY].given)
        schedule->every = values[OPTION_EVERY].whole;
    if (values[OPTION_GAMMA].given)
        schedule->gamma = values[OPTION_GAMMA].real;
    return verdict;
}

static enum verdict method_from_args(struct fit_settings *settings, const struct args *args, struct trouble *trouble)
{
    int method = (int)settings->method, state = (int)settings->state - 1;
    enum verdict verdict = choose(&method, &args->values[OPTION_METHOD], "method", method_names, trouble);
    if (verdict == DONE)
        verdict = choose(&state, &args->values[OPTION_STATE], "state", state_names, trouble);
    settings->method = (enum adadelta_method)method;
    settings->state = (enum adadelta_dtype)(state + 1);
    if (verdict == DONE)
        verdict = state_type_check(settings->state, settings->method, trouble);
    settings->hyper = adadelta_hyper_for(settings->method);
    hyper_from_args(&settings->hyper, args);
    return verdict;
}

enum verdict settings_from_args(struct fit_settings *settings, const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    *settings = fit_settings_default();
    int scale = (int)settings->scale;
    enum verdict verdict = model_from_args(&settings->model, args, trouble);
    if (verdict == DONE)
        verdict = method_from_args(settings, args, trouble);
    if (verdict == DONE)
        verdict = choose(&scale, &values[OPTION_SCALE], "scale", scale_names, trouble);
    if (verdict == DONE)
        verdict = schedule_from_args(&settings->schedule, args, trouble);
    if (verdict != DONE)
        return verdict;

    settings->scale = (enum scale_kind)scale;
    if (values[OPTION_BATCH].given)
        settings->batch = (size_t)values[OPTION_BATCH].whole;
    if (values[OPTION_EPOCHS].given)
        settings->epochs = (size_t)values[OPTION_EPOCHS].whole;
    if (values[OPTION_SEED].given)
        settings->seed = values[OPTION_SEED].whole;
    if (values[OPTION_TEST_FRACTION].given)
        settings->test_fraction = values[OPTION_TEST_FRACTION].real;
    return DONE;
}

enum verdict request_from_args(struct dataset_request *request, const struct args *args, size_t operand,
                               const struct model_spec *model, struct trouble *trouble)
{
    int task = -1;
    *request = (struct dataset_request){.path = args->operands[operand],
                                        .labels_path = args->values[OPTION_LABELS].text,
                                        .target = args->values[OPTION_TARGET].text,
                                        .kind = model->kind,
                                        .want_target = 1};
    enum verdict verdict = choose(&task, &args->values[OPTION_TASK], "task", task_names, trouble);
    if (verdict != DONE || task < 0)
        return verdict;
    request->kind = task == 0 ? TARGET_CLASS : TARGET_NUMBER;
    if (model->kind != TARGET_NONE && model->kind != request->kind)
        return blame(trouble, MISUSE, "--task %s does not go with --model %s", args->values[OPTION_TASK].text,
                     args->values[OPTION_MODEL].text);
    return DONE;
}
