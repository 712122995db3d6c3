/* SPDX-License-Identifier: MIT */
/* The program: finds the command, has its words read, runs it, and turns its verdict into one line and an exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adadelta.h>

#include "commands.h"
#include "waiting.h"

static const struct command *const commands[] = {&train_command, &predict_command, &eval_command, &compare_command,
                                                 &sweep_command, &surface_command, &plot_command, &bench_command};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_overview(FILE *out)
{
    fprintf(out,
            "adadelta %s: trains models with Adadelta and the methods it is compared with.\n\n"
            "Usage: adadelta COMMAND [options] ...\n\n",
            adadelta_version_string());
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s  %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nFirst steps:\n"
                 "  adadelta train table.csv -o model.safetensors    learn to predict the last column\n"
                 "  adadelta COMMAND --help                          all that a command can do\n"
                 "  adadelta --version                               version and instruction set\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static enum verdict blame_command(const char *name, struct trouble *trouble)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->name;
    const char *nearest = nearest_name(name, names, COMMAND_COUNT);
    if (nearest)
        return blame(trouble, MISUSE, "unknown command %s; did you mean %s?", name, nearest);
    return blame(trouble, MISUSE, "unknown command %s; `adadelta --help` lists them", name);
}

static enum verdict show_help(const char *name, struct trouble *trouble)
{
    const struct command *command = name ? find_command(name) : NULL;
    if (name && !command)
        return blame_command(name, trouble);
    if (command)
        args_help(stdout, command);
    else
        print_overview(stdout);
    return DONE;
}

/* Settles the instruction set: the library looks at the environment once, when it is first asked for something. */
static enum verdict settle_isa(const struct option_value *asked, struct trouble *trouble)
{
    if (asked->given && setenv("ADADELTA_ISA", asked->text, 1) != 0)
        return blame_memory(trouble);
    const char *name = adadelta_isa_name();
    if (strcmp(name, "invalid") == 0)
        return asked->given
                   ? blame(trouble, MISUSE, "--isa %s: must be one of scalar, sse2, avx2, avx512, neon", asked->text)
                   : blame(trouble, MISUSE, "%s", adadelta_status_string(ADADELTA_ERROR_ISA));
    if (asked->given && strcmp(name, asked->text) != 0)
        return blame(trouble, FAILED, "--isa %s: this machine has not got it, and would take %s in its place",
                     asked->text, name);
    return DONE;
}

static enum verdict run_command(int argc, char **argv, struct trouble *trouble)
{
    static struct args args;
    const struct command *command = find_command(argv[1]);
    if (!command)
        return blame_command(argv[1], trouble);
    enum verdict verdict = args_parse(&args, command, argc - 2, argv + 2, trouble);
    if (verdict != DONE)
        return verdict;
    if (args.values[OPTION_HELP].given)
        return show_help(command->name, trouble);
    verdict = settle_isa(&args.values[OPTION_ISA], trouble);
    if (verdict != DONE)
        return verdict;
    args.program = argv[0];
    wait_asleep(argv);
    return command->run(&args, trouble);
}

static enum verdict dispatch(int argc, char **argv, struct trouble *trouble)
{
    if (argc < 2) {
        print_overview(stderr);
        return MISUSE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("adadelta %s (%s)\n", adadelta_version_string(), adadelta_isa_name());
        return DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return show_help(argc > 2 ? argv[2] : NULL, trouble);
    return run_command(argc, argv, trouble);
}

int main(int argc, char **argv)
{
    struct trouble trouble = {""};
    enum verdict verdict = dispatch(argc, argv, &trouble);
    if ((fflush(stdout) || ferror(stdout)) && verdict == DONE)
        verdict = blame(&trouble, FAILED, "cannot write to standard output");
    if (verdict != DONE && trouble.text[0])
        fprintf(stderr, "adadelta: %s\n", trouble.text);
    return (int)verdict;
}
