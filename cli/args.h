/* SPDX-License-Identifier: MIT */
/* The command line as tables: an option is a row, a group is a list of rows, a command names its groups. One parser and
   one help text serve every command. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "trouble.h"

enum option_id {
    OPTION_HELP,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_SEED,
    OPTION_THREADS,
    OPTION_TARGET,
    OPTION_TASK,
    OPTION_LABELS,
    OPTION_TEST,
    OPTION_TEST_LABELS,
    OPTION_TEST_FRACTION,
    OPTION_MODEL,
    OPTION_ACTIVATION,
    OPTION_INIT,
    OPTION_SCALE,
    OPTION_METHOD,
    OPTION_METHODS,
    OPTION_LR,
    OPTION_RHO,
    OPTION_EPS,
    OPTION_WEIGHT_DECAY,
    OPTION_DECOUPLED,
    OPTION_MOMENTUM,
    OPTION_NESTEROV,
    OPTION_BETA1,
    OPTION_BETA2,
    OPTION_SCHEDULE,
    OPTION_WARMUP,
    OPTION_END,
    OPTION_EVERY,
    OPTION_GAMMA,
    OPTION_BATCH,
    OPTION_EPOCHS,
    OPTION_OUTPUT,
    OPTION_TITLE,
    OPTION_RESUME,
    OPTION_SAVE_INTERVAL,
    OPTION_SIZES,
    OPTION_DTYPE,
    OPTION_TENSORS,
    OPTION_REPEAT,
    OPTION_GRADIENT,
    OPTION_STATE,
    OPTION_WEIGHTS,
    OPTION_WITH,
    OPTION_ROW_WIDTH,
    OPTION_ROW_PART,
    OPTION_ALL,
    OPTION_ISA,
    OPTION_PEERS,
    OPTION_PLOT,
    OPTION_GRID,
    OPTION_SEEDS,
    OPTION_FIRST_SEED,
    OPTION_METRIC,
    OPTION_FORMAT,
    OPTION_RUNS,
    OPTION_COMPARE,
    OPTION_KEEP,
    OPTION_OVERLAY,
    OPTION_FROM,
    OPTION_STEPS,
    OPTION_NOISE,
    OPTION_WINDOW,
    OPTION_UNITS,
    OPTION_CONVERT_EPS,
    OPTION_EXPLAIN,
    OPTION_WIDTH,
    OPTION_CONDITION,
    OPTION_ANGLE,
    OPTION_TRACE,
    OPTION_TRACE_EVERY,
    OPTION_TRACE_WEIGHTS,
    OPTION_LOG_X,
    OPTION_LOG_Y,
    OPTION_X_LABEL,
    OPTION_Y_LABEL,
    OPTION_ID_COUNT
};

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_MANY,  /* a text, which may be given again and again; one such option a command */
    OPTION_WHOLE, /* an unsigned whole number */
    OPTION_REAL   /* a finite number */
};

/* Which ends of a range are not part of it. */
enum { OPEN_LOW = 1, OPEN_HIGH = 2 };

struct option {
    enum option_id id;
    enum option_kind kind;
    const char *name;  /* without dashes */
    char letter;       /* the short form, or 0 */
    const char *value; /* what help calls the value; NULL for a flag */
    double low, high;  /* the range of a number; high may be INFINITY */
    int open;          /* OPEN_LOW, OPEN_HIGH */
    const char *help;  /* with the default, where there is one */
};

struct option_group {
    const char *title;
    const struct option *options;
    size_t count;
};

/* plain_options: of the common ones those that touch neither chance nor threads. */
extern const struct option_group common_options, plain_options, data_options, label_options, test_options,
    model_options, method_options, hyper_options, effort_options;

struct option_value {
    int given;
    const char *text; /* as written */
    uint64_t whole;
    double real;
};

enum { MAX_OPERANDS = 2, MAX_GROUPS = 8, MAX_EXAMPLES = 5, MAX_MANY = 16 };

struct args {
    const char *program; /* as it was called */
    struct option_value values[OPTION_ID_COUNT];
    const char *many[MAX_MANY]; /* of the option that may be given again */
    size_t many_count;
    const char *operands[MAX_OPERANDS];
    size_t operand_count;
};

struct command {
    const char *name;
    const char *summary;                           /* one line */
    const char *operands;                          /* as in the usage line */
    size_t operand_count;                          /* all of them are needed */
    const char *details;                           /* lines for help */
    void (*list)(FILE *out);                       /* prints more of them; NULL: there are no more */
    const struct option_group *groups[MAX_GROUPS]; /* NULL after the last */
    const char *examples[MAX_EXAMPLES];            /* NULL after the last */
    enum verdict (*run)(const struct args *args, struct trouble *trouble);
};

/* Reads what follows the command's name: options and operands in any order, `--` ends the options. With --help among
   them the rest need not be complete. */
enum verdict args_parse(struct args *args, const struct command *command, int argc, char *const *argv,
                        struct trouble *trouble);

/* The row of a command's option that was given although it is not one of allowed [count]; NULL: there is none. */
const struct option *args_first_other(const struct args *args, const struct command *command,
                                      const enum option_id *allowed, size_t count);

/* Reads "NAME=VALUE", NAME without dashes and from that group only, into args. text must live as long as args. */
enum verdict args_assign(struct args *args, const struct option_group *group, const char *text,
                         struct trouble *trouble);

/* The name nearest to a mistyped one, or NULL where none is close. */
const char *nearest_name(const char *name, const char *const *names, size_t count);

/* The help of a command, at most 100 columns wide. */
void args_help(FILE *out, const struct command *command);

#endif
