/* SPDX-License-Identifier: MIT */
/* See contest.h. */
#include "contest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "state_type.h"

/* Methods are compared as their papers give them, unless something else is asked for. */
static const char plain_schedule[] = "constant";

/* Whether what --state asks of all is something that a method can have. One that is not known is for
   settings_from_args to refuse. */
static int can_have_state(const struct args *args, enum adadelta_method method)
{
    enum adadelta_dtype state;
    return state_type_by_name(args->values[OPTION_STATE].text, &state) != 0 || state_type_fits(state, method);
}

/* The options as they stand for every method: what a method without settings of its own is run with. */
static struct args args_of_method(const struct args *args, const struct contest_defaults *defaults, const char *name)
{
    struct args own = *args;
    enum adadelta_method method = ADADELTA_METHOD_ADADELTA;
    const int is_known = adadelta_method_by_name(name, &method) == ADADELTA_OK;
    own.values[OPTION_METHOD] = (struct option_value){.given = 1, .text = name};
    if (!own.values[OPTION_SCHEDULE].given)
        own.values[OPTION_SCHEDULE] = (struct option_value){.given = 1, .text = plain_schedule};
    if (defaults && is_known && !own.values[OPTION_LR].given)
        own.values[OPTION_LR] = (struct option_value){.given = 1, .real = defaults->rates[method]};
    if (own.values[OPTION_STATE].given && is_known && !can_have_state(args, method))
        own.values[OPTION_STATE].given = 0;
    if (defaults && is_known && !args->values[OPTION_STATE].given && state_is_kept(method))
        own.values[OPTION_STATE] = (struct option_value){.given = 1, .text = defaults->state};
    return own;
}

/* Takes the settings of an entry, "lr=0.05:nesterov", cut into pieces in place. */
static enum verdict assign_own(struct args *own, const char *method, char *settings, struct trouble *trouble)
{
    for (char *setting = settings, *end; setting; setting = end) {
        end = strchr(setting, ':');
        if (end)
            *end++ = '\0';
        const enum verdict verdict = args_assign(own, &hyper_options, setting, trouble);
        if (verdict != DONE) {
            struct trouble inner = *trouble;
            return blame(trouble, verdict, "--methods %s: %.900s", method, inner.text);
        }
    }
    return DONE;
}

/* One entry of --methods, "momentum:lr=0.05:nesterov", cut into pieces in place. */
static enum verdict parse_contender(struct contest *contest, const struct args *args,
                                    const struct contest_defaults *defaults, char *entry, struct trouble *trouble)
{
    if (contest->count == MAX_CONTENDERS)
        return blame(trouble, MISUSE, "--methods: more than %d entries", MAX_CONTENDERS);
    struct contender *contender = &contest->contenders[contest->count];
    struct fit_settings plain;
    char *settings = strchr(entry, ':');
    if (settings)
        *settings++ = '\0';
    struct args own = args_of_method(args, defaults, entry);
    enum verdict verdict = settings_from_args(&plain, &own, trouble);
    if (verdict == DONE)
        verdict = assign_own(&own, entry, settings, trouble);
    if (verdict == DONE)
        verdict = settings_from_args(&contender->settings, &own, trouble);
    if (verdict != DONE)
        return verdict;
    describe_differences(&contender->settings, &plain, contender->own, sizeof contender->own);
    contest->count++;
    return DONE;
}

static int is_same_run(const struct fit_settings *a, const struct fit_settings *b)
{
    char text[OWN_SIZE];
    return a->method == b->method && !*describe_differences(a, b, text, sizeof text) &&
           !*describe_differences(b, a, text, sizeof text);
}

/* Refuses runs that are the same, and names the others: by their method where it runs but once. */
static enum verdict tell_apart(struct contest *contest, struct trouble *trouble)
{
    size_t entries[ADADELTA_METHOD_COUNT] = {0};
    for (size_t i = 0; i < contest->count; i++) {
        struct contender *contender = &contest->contenders[i];
        contender->turn = entries[contender->settings.method]++;
        for (size_t k = 0; k < i; k++) {
            if (is_same_run(&contender->settings, &contest->contenders[k].settings))
                return blame(trouble, MISUSE, "--methods: %s is there twice with the same settings",
                             adadelta_method_name(contender->settings.method));
        }
    }
    for (size_t i = 0; i < contest->count; i++) {
        struct contender *contender = &contest->contenders[i];
        if (entries[contender->settings.method] == 1)
            contender->own[0] = '\0';
        char own[OWN_SIZE]; /* snprintf must not read of the struct that it writes to */
        memcpy(own, contender->own, sizeof own);
        snprintf(contender->label, sizeof contender->label, "%s%s%s", adadelta_method_name(contender->settings.method),
                 own[0] ? " " : "", own);
    }
    return DONE;
}

static enum verdict check_state(const struct contest *contest, const struct args *args, struct trouble *trouble)
{
    const struct option_value *state = &args->values[OPTION_STATE];
    size_t i = 0;
    while (i < contest->count && state->given && !can_have_state(args, contest->contenders[i].settings.method))
        i++;
    if (!state->given || i < contest->count)
        return DONE;
    return blame(trouble, MISUSE, "--state %s: none of the methods compared can have it: leave it out", state->text);
}

enum verdict contest_parse(struct contest *contest, const struct args *args, const struct contest_defaults *defaults,
                           struct trouble *trouble)
{
    const struct option_value *list = &args->values[OPTION_METHODS];
    char text[1024];
    memset(contest, 0, sizeof *contest);
    int size = snprintf(text, sizeof text, "%s", list->given ? list->text : "sgd,momentum,adagrad,adadelta");
    if ((size_t)size >= sizeof text)
        return blame(trouble, MISUSE, "--methods: is longer than %zu letters", sizeof text - 1);
    enum verdict verdict = DONE;
    for (char *entry = text, *end; entry && verdict == DONE; entry = end) {
        end = strchr(entry, ',');
        if (end)
            *end++ = '\0';
        verdict = parse_contender(contest, args, defaults, entry, trouble);
    }
    if (verdict == DONE)
        verdict = check_state(contest, args, trouble);
    return verdict == DONE ? tell_apart(contest, trouble) : verdict;
}

int contest_label_width(const struct contest *contest)
{
    int width = MIN_LABEL_WIDTH;
    for (size_t i = 0; i < contest->count; i++) {
        const int length = (int)strlen(contest->contenders[i].label);
        width = length > width ? length : width;
    }
    return width < MAX_LABEL_WIDTH ? width : MAX_LABEL_WIDTH;
}

void contest_free(struct contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        free(contest->contenders[i].figure);
        free(contest->contenders[i].deviation);
    }
    contest->count = 0;
}
