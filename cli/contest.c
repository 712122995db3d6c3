/* SPDX-License-Identifier: MIT */
/* See contest.h. */
#include "contest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "settings.h"

enum { CELL_WIDTH = 13 };

/* Methods are compared as their papers give them, unless something else is asked for. */
static const char plain_schedule[] = "constant";

/* One entry of --methods, "momentum:lr=0.05:nesterov", cut into pieces in place. */
static enum verdict parse_contender(struct contest *contest, const struct args *args, char *entry,
                                    struct trouble *trouble)
{
    struct args own = *args;
    char *rest = entry + strcspn(entry, ":");
    int more = *rest == ':';
    *rest = '\0';
    own.values[OPTION_METHOD] = (struct option_value){.given = 1, .text = entry};
    if (!own.values[OPTION_SCHEDULE].given)
        own.values[OPTION_SCHEDULE] = (struct option_value){.given = 1, .text = plain_schedule};
    while (more) {
        char *setting = rest + 1;
        rest = setting + strcspn(setting, ":");
        more = *rest == ':';
        *rest = '\0';
        enum verdict verdict = args_assign(&own, &hyper_options, setting, trouble);
        if (verdict != DONE) {
            struct trouble inner = *trouble;
            return blame(trouble, verdict, "--methods %s: %.900s", entry, inner.text);
        }
    }
    struct contender *contender = &contest->contenders[contest->count];
    enum verdict verdict = settings_from_args(&contender->settings, &own, trouble);
    for (size_t i = 0; i < contest->count && verdict == DONE; i++)
        if (contest->contenders[i].settings.method == contender->settings.method)
            verdict = blame(trouble, MISUSE, "--methods: %s is named twice", entry);
    if (verdict == DONE)
        contest->count++;
    return verdict;
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
    return verdict;
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

/* One cell; a star marks the smallest. */
static void print_figure(const struct contest *contest, double figure, double least)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, contest->kind == TARGET_CLASS ? "%.2f" : "%.5g",
             contest->kind == TARGET_CLASS ? 100 * figure : figure);
    printf("%*s%c", CELL_WIDTH - 1, text, figure == least ? '*' : ' ');
}

static void print_epoch(const struct contest *contest, size_t epoch, int mark)
{
    double least = mark ? smallest(contest, 0, epoch) : -INFINITY;
    printf("%8zu", epoch);
    for (size_t i = 0; i < contest->count; i++) {
        if (epoch <= contest->contenders[i].epochs_done)
            print_figure(contest, contest->contenders[i].figure[epoch - 1], least);
        else
            printf("%*s ", CELL_WIDTH - 1, "-");
    }
    printf("\n");
}

static void print_best(const struct contest *contest)
{
    double least = smallest(contest, 1, 0);
    printf("%8s", "best");
    for (size_t i = 0; i < contest->count; i++) {
        const struct contender *contender = &contest->contenders[i];
        if (contender->epochs_done > 0)
            print_figure(contest, contender->figure[contender->best], least);
        else
            printf("%*s ", CELL_WIDTH - 1, "-");
    }
    printf("\n%8s", "at epoch");
    for (size_t i = 0; i < contest->count; i++)
        printf("%*zu ", CELL_WIDTH - 1, contest->contenders[i].epochs_done ? contest->contenders[i].best + 1 : 0);
    printf("\n%8s", "seconds");
    for (size_t i = 0; i < contest->count; i++)
        printf("%*.2f ", CELL_WIDTH - 1, contest->contenders[i].seconds);
    printf("\n");
}

void contest_print(const struct contest *contest)
{
    static const size_t steps[] = {1, 2, 5};
    size_t epochs = contest->contenders[0].settings.epochs;
    printf("%s by epoch (* the smallest)\n\n%8s",
           contest->kind == TARGET_CLASS ? "Test error in %" : "Mean squared error on the test rows", "epoch");
    for (size_t i = 0; i < contest->count; i++)
        printf("%*s ", CELL_WIDTH - 1, adadelta_method_name(contest->contenders[i].settings.method));
    printf("\n");
    for (size_t decade = 1; decade <= epochs; decade *= 10)
        for (size_t i = 0; i < 3 && steps[i] * decade < epochs; i++)
            print_epoch(contest, steps[i] * decade, 0);
    print_epoch(contest, epochs, 1);
    printf("\n");
    print_best(contest);
}
