/* SPDX-License-Identifier: MIT */
/* See settings.h. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

/* The settings that are numbers: the option that overrules the method's own, and the methods that look at it. */
#define ALL     (~0u)
#define M(name) (1u << ADADELTA_METHOD_##name)
static const struct {
    enum option_id id;
    const char *name;
    unsigned methods;
} hyper_fields[] = {
    {OPTION_LR, "lr", ALL},
    {OPTION_RHO, "rho", M(ADADELTA) | M(RMSPROP)},
    {OPTION_MOMENTUM, "momentum", M(MOMENTUM)},
    {OPTION_BETA1, "beta1", M(ADAMW)},
    {OPTION_BETA2, "beta2", M(ADAMW)},
    {OPTION_EPS, "eps", ALL & ~(M(SGD) | M(MOMENTUM))},
    {OPTION_WEIGHT_DECAY, "weight decay", ALL},
};
enum { HYPER_FIELD_COUNT = sizeof hyper_fields / sizeof *hyper_fields };

/* Where the number of such an option is kept. */
static double *field_of(struct adadelta_hyper *hyper, enum option_id id)
{
    double *const fields[OPTION_ID_COUNT] = {
        [OPTION_LR] = &hyper->lr,
        [OPTION_RHO] = &hyper->rho,
        [OPTION_MOMENTUM] = &hyper->momentum,
        [OPTION_BETA1] = &hyper->beta1,
        [OPTION_BETA2] = &hyper->beta2,
        [OPTION_EPS] = &hyper->eps,
        [OPTION_WEIGHT_DECAY] = &hyper->weight_decay,
    };
    return fields[id];
}

static void hyper_from_args(struct adadelta_hyper *hyper, const struct args *args)
{
    for (size_t i = 0; i < HYPER_FIELD_COUNT; i++) {
        const enum option_id id = hyper_fields[i].id;
        if (args->values[id].given)
            *field_of(hyper, id) = args->values[id].real;
    }
    hyper->nesterov |= args->values[OPTION_NESTEROV].given;
    hyper->decoupled |= args->values[OPTION_DECOUPLED].given;
}

int setting_is_used(enum adadelta_method method, enum option_id id)
{
    size_t i = 0;
    while (i < HYPER_FIELD_COUNT && hyper_fields[i].id != id)
        i++;
    return i < HYPER_FIELD_COUNT && (hyper_fields[i].methods >> method & 1);
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

enum verdict settings_from_args(struct fit_settings *settings, const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    *settings = fit_settings_default();
    int method = (int)settings->method, scale = (int)settings->scale;
    enum verdict verdict = model_from_args(&settings->model, args, trouble);
    if (verdict == DONE)
        verdict = choose(&method, &values[OPTION_METHOD], "method", method_names, trouble);
    if (verdict == DONE)
        verdict = choose(&scale, &values[OPTION_SCALE], "scale", scale_names, trouble);
    if (verdict == DONE)
        verdict = schedule_from_args(&settings->schedule, args, trouble);
    if (verdict != DONE)
        return verdict;

    settings->method = (enum adadelta_method)method;
    settings->scale = (enum scale_kind)scale;
    settings->hyper = adadelta_hyper_for(settings->method);
    hyper_from_args(&settings->hyper, args);
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

void describe_model(const struct model_spec *model, char *text, size_t size)
{
    model_format(model, text, size);
    size_t used = strlen(text);
    if (model->hidden_count > 0)
        snprintf(text + used, size - used, " %s", activation_name(model->activation));
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

void describe_method(const struct fit_settings *settings, char *text, size_t size)
{
    int used = snprintf(text, size, "%s", adadelta_method_name(settings->method));
    struct adadelta_hyper hyper = settings->hyper;
    const char *between = "";
    for (size_t i = 0; i < HYPER_FIELD_COUNT; i++) {
        const double value = *field_of(&hyper, hyper_fields[i].id);
        if (!(hyper_fields[i].methods >> settings->method & 1))
            continue;
        if (hyper_fields[i].id == OPTION_WEIGHT_DECAY && value == 0)
            continue;
        used += snprintf(text + used, size - (size_t)used, "%s %s %g", between, hyper_fields[i].name, value);
        between = ",";
    }
    describe_schedule(&settings->schedule, text + used, size - (size_t)used);
}
