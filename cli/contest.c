/* SPDX-License-Identifier: MIT */
/* See contest.h. */
#include "contest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "settings.h"
#include "state_type.h"

enum { CELL_WIDTH = 13 };

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
static struct args args_of_method(const struct args *args, const char *name)
{
    struct args own = *args;
    enum adadelta_method method;
    own.values[OPTION_METHOD] = (struct option_value){.given = 1, .text = name};
    if (!own.values[OPTION_SCHEDULE].given)
        own.values[OPTION_SCHEDULE] = (struct option_value){.given = 1, .text = plain_schedule};
    if (own.values[OPTION_STATE].given && adadelta_method_by_name(name, &method) == ADADELTA_OK &&
        !can_have_state(args, method))
        own.values[OPTION_STATE].given = 0;
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
static enum verdict parse_contender(struct contest *contest, const struct args *args, char *entry,
                                    struct trouble *trouble)
{
    if (contest->count == MAX_CONTENDERS)
        return blame(trouble, MISUSE, "--methods: more than %d entries", MAX_CONTENDERS);
    struct contender *contender = &contest->contenders[contest->count];
    struct fit_settings plain;
    char *settings = strchr(entry, ':');
    if (settings)
        *settings++ = '\0';
    struct args own = args_of_method(args, entry);
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

enum verdict contest_parse(struct contest *contest, const struct args *args, struct trouble *trouble)
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
        verdict = parse_contender(contest, args, entry, trouble);
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
    for (size_t i = 0; i < contest->count; i++)
        free(contest->contenders[i].figure);
    contest->count = 0;
}

/* The smallest of a figure over the contenders; infinite where none has one. */
static double smallest(const struct contest *contest, int of_best, size_t epoch)
{
    double least = INFINITY;
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (of_best ? contender->epochs_done > 0 : contender->epochs_done >= epoch)
            least = fmin(least, contender->figure[of_best ? contender->best : epoch - 1]);
    }
    return least;
}

/* A column is as wide as what stands in its head. */
static int width_of(const struct contender *contender)
{
    const int own = (int)strlen(contender->own);
    return own + 1 < CELL_WIDTH ? CELL_WIDTH - 1 : own + 2;
}

/* A cell, and what stands before the next one. */
static void print_cell(const struct contender *contender, const char *text, char mark)
{
    printf("%*s%c", width_of(contender), text, mark);
}

/* A figure, in percent where it is an error; a star marks the smallest. */
static void print_figure(const struct contest *contest, const struct contender *contender, size_t epoch, double least)
{
    char text[NUMBER_SIZE];
    const double figure = contender->figure[epoch - 1];
    snprintf(text, sizeof text, contest->kind == TARGET_CLASS ? "%.2f" : "%.5g",
             contest->kind == TARGET_CLASS ? 100 * figure : figure);
    print_cell(contender, text, figure == least ? '*' : ' ');
}

static void print_epoch(const struct contest *contest, size_t epoch, int mark)
{
    double least = mark ? smallest(contest, 0, epoch) : -INFINITY;
    printf("%8zu", epoch);
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (epoch <= contender->epochs_done)
            print_figure(contest, contender, epoch, least);
        else
            print_cell(contender, "-", ' ');
    }
    printf("\n");
}

static void print_best(const struct contest *contest)
{
    double least = smallest(contest, 1, 0);
    char text[NUMBER_SIZE];
    printf("%8s", "best");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (contender->epochs_done > 0)
            print_figure(contest, contender, contender->best + 1, least);
        else
            print_cell(contender, "-", ' ');
    }
    printf("\n%8s", "at epoch");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        snprintf(text, sizeof text, "%zu", contender->epochs_done ? contender->best + 1 : 0);
        print_cell(contender, text, ' ');
    }
    printf("\n%8s", "seconds");
    for (size_t i = 0; i < contest->count; i++) {
        snprintf(text, sizeof text, "%.2f", contest->contenders[i].seconds);
        print_cell(&contest->contenders[i], text, ' ');
    }
    printf("\n");
}

/* The methods, and below them what tells runs of the same method apart. */
static void print_head(const struct contest *contest)
{
    int some = 0;
    printf("%8s", "epoch");
    for (size_t i = 0; i < contest->count; i++) {
        print_cell(&contest->contenders[i], adadelta_method_name(contest->contenders[i].settings.method), ' ');
        some |= contest->contenders[i].own[0] != '\0';
    }
    printf("\n");
    if (!some)
        return;
    printf("%8s", "");
    for (size_t i = 0; i < contest->count; i++)
        print_cell(&contest->contenders[i], contest->contenders[i].own, ' ');
    printf("\n");
}

void contest_print(const struct contest *contest)
{
    static const size_t steps[] = {1, 2, 5};
    size_t epochs = contest->contenders[0].settings.epochs;
    printf("%s by epoch (* the smallest)\n\n",
           contest->kind == TARGET_CLASS ? "Test error in %" : "Mean squared error on the test rows");
    print_head(contest);
    for (size_t decade = 1; decade <= epochs; decade *= 10)
        for (size_t i = 0; i < 3 && steps[i] * decade < epochs; i++)
            print_epoch(contest, steps[i] * decade, 0);
    print_epoch(contest, epochs, 1);
    printf("\n");
    print_best(contest);
}
