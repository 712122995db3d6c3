/* SPDX-License-Identifier: MIT */
/* The help text of a command, made from its tables, so that it cannot say anything else than the parser does. */
#include <string.h>

#include <adadelta.h>

#include "args.h"
#include "settings.h"

enum { HELP_WIDTH = 96, HELP_COLUMN = 27 };

/* Prints text from column HELP_COLUMN on, in lines of at most HELP_WIDTH; the cursor stands at column. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    while (*text) {
        size_t room = HELP_WIDTH - HELP_COLUMN, size = strlen(text);
        if (size > room) {
            size = room;
            while (size > 0 && text[size] != ' ')
                size--;
            if (size == 0)
                size = room;
        }
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - column, "", (int)size, text);
        text += size + strspn(text + size, " ");
        column = 0;
    }
}

static void print_option(FILE *out, const struct option *option)
{
    char left[64];
    int size = 0;
    if (option->letter)
        size = snprintf(left, sizeof left, "  -%c, ", option->letter);
    else
        size = snprintf(left, sizeof left, "      ");
    size += snprintf(left + size, sizeof left - (size_t)size, "--%s%s%s", option->name, option->value ? " " : "",
                     option->value ? option->value : "");
    fputs(left, out);
    if (size + 2 > HELP_COLUMN) {
        fputc('\n', out);
        size = 0;
    }
    print_wrapped(out, option->help, size);
}

/* A cell of the table below; a dash where the method does not look at the setting. */
static void print_default(FILE *out, double value, int is_used)
{
    if (is_used)
        fprintf(out, " %8g", value);
    else
        fprintf(out, " %8s", "-");
}

/* The methods' own defaults, from the library itself. */
static void print_method_defaults(FILE *out)
{
    fprintf(out, "\nDefaults by method:\n  %-10s %8s %8s %8s %13s\n", "", "lr", "rho", "eps", "weight-decay");
    for (int i = 0; i < ADADELTA_METHOD_COUNT; i++) {
        const enum adadelta_method method = (enum adadelta_method)i;
        const struct adadelta_hyper hyper = adadelta_hyper_for(method);
        fprintf(out, "  %-10s %8g", adadelta_method_name(method), hyper.lr);
        print_default(out, hyper.rho, setting_is_used(method, OPTION_RHO));
        print_default(out, hyper.eps, setting_is_used(method, OPTION_EPS));
        fprintf(out, " %13g%s\n", hyper.weight_decay, hyper.decoupled ? " (decoupled)" : "");
    }
    struct adadelta_hyper hyper = adadelta_hyper_default();
    fprintf(out, "and momentum %g, beta1 %g, beta2 %g.\n", hyper.momentum, hyper.beta1, hyper.beta2);
}

void args_help(FILE *out, const struct command *command)
{
    int has_hyper = 0;
    fprintf(out, "Usage: adadelta %s [options] %s\n\n%s.\n%s", command->name, command->operands, command->summary,
            command->details);
    if (command->list)
        command->list(out);
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g]; g++) {
        const struct option_group *group = command->groups[g];
        fprintf(out, "\n%s:\n", group->title);
        for (size_t i = 0; i < group->count; i++)
            print_option(out, &group->options[i]);
        has_hyper |= group == &hyper_options;
    }
    if (has_hyper)
        print_method_defaults(out);
    fprintf(out, "\nExamples:\n");
    for (size_t i = 0; i < MAX_EXAMPLES && command->examples[i]; i++)
        fprintf(out, "  %s\n", command->examples[i]);
}
