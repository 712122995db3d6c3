/* SPDX-License-Identifier: MIT */
/* The parser: walks the words once, finds each option's row and checks its value against the row's range. */
#include "args.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 64 };

/* Finds a row of a group by its name's first size bytes; NULL: there is none. */
static const struct option *find_in_group(const struct option_group *group, const char *name, size_t size)
{
    for (size_t i = 0; i < group->count; i++) {
        const char *candidate = group->options[i].name;
        if (strlen(candidate) == size && memcmp(candidate, name, size) == 0)
            return &group->options[i];
    }
    return NULL;
}

static const struct option *find_long(const struct command *command, const char *name, size_t size)
{
    const struct option *found = NULL;
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g] && !found; g++)
        found = find_in_group(command->groups[g], name, size);
    return found;
}

static const struct option *find_letter(const struct command *command, char letter)
{
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g]; g++)
        for (size_t i = 0; i < command->groups[g]->count; i++)
            if (command->groups[g]->options[i].letter == letter)
                return &command->groups[g]->options[i];
    return NULL;
}

/* Edits (a letter put in, left out or exchanged) that lead from one name to another; names of up to 31 letters. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[32], n = strlen(b);
    if (n >= 32)
        return 32;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest_name(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(name), smallest = length < 5 ? 2 : 3; /* one slip in a short name, two in a longer one */
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, names[i]);
        if (distance < smallest) {
            smallest = distance;
            nearest = names[i];
        }
    }
    for (size_t i = 0; i < count && !nearest && length >= 3; i++)
        if (strncmp(name, names[i], length) == 0)
            nearest = names[i];
    return nearest;
}

static enum verdict blame_unknown(const struct command *command, const char *word, size_t size, struct trouble *trouble)
{
    const char *names[MAX_NAMES];
    char name[32];
    size_t count = 0;
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g]; g++)
        for (size_t i = 0; i < command->groups[g]->count && count < MAX_NAMES; i++)
            names[count++] = command->groups[g]->options[i].name;
    snprintf(name, sizeof name, "%.*s", (int)(size < 31 ? size : 31), word);
    const char *nearest = nearest_name(name, names, count);
    if (nearest)
        return blame(trouble, MISUSE, "unknown option --%.*s; did you mean --%s?", (int)size, word, nearest);
    return blame(trouble, MISUSE, "unknown option --%.*s; see `adadelta %s --help`", (int)size, word, command->name);
}

/* "at least 0 and below 1", "from 1 to 1024", "above 0", "at least 0". */
static void describe_range(const struct option *option, char *text, size_t size)
{
    const char *low = option->open & OPEN_LOW ? "above" : "at least";
    if (isinf(option->high))
        snprintf(text, size, "%s %.15g", low, option->low);
    else if (option->open)
        snprintf(text, size, "%s %.15g and %s %.15g", low, option->low, option->open & OPEN_HIGH ? "below" : "at most",
                 option->high);
    else
        snprintf(text, size, "from %.15g to %.15g", option->low, option->high);
}

static int in_range(const struct option *option, double value)
{
    return (option->open & OPEN_LOW ? value > option->low : value >= option->low) &&
           (option->open & OPEN_HIGH ? value < option->high : value <= option->high);
}

/* Reads a number in full. The program never sets a locale, so strtod reads a point in every country; the letters that
   it would take for hexadecimal numbers, infinity and NaN are refused here. 1 where text is a number. */
static int parse_number(const struct option *option, const char *text, struct option_value *value)
{
    const char *letters = option->kind == OPTION_WHOLE ? "0123456789" : "0123456789+-.eE";
    char *end;
    if (!*text || text[strspn(text, letters)])
        return 0;
    errno = 0;
    if (option->kind == OPTION_WHOLE) {
        value->whole = strtoull(text, &end, 10);
        value->real = (double)value->whole;
        return !*end && errno == 0;
    }
    value->real = strtod(text, &end);
    return !*end && isfinite(value->real);
}

static enum verdict store(struct args *args, const struct option *option, const char *text, const char *dashes,
                          struct trouble *trouble)
{
    struct option_value value = {.given = 1, .text = text};
    char range[96];
    if (option->kind == OPTION_WHOLE || option->kind == OPTION_REAL) {
        describe_range(option, range, sizeof range);
        const char *what = option->kind == OPTION_WHOLE ? "a whole number " : "";
        if (!parse_number(option, text, &value))
            return blame(trouble, MISUSE, "%s%s %s: must be %s%s", dashes, option->name, text,
                         option->kind == OPTION_WHOLE ? what : "a number ", range);
        if (!in_range(option, value.real))
            return blame(trouble, MISUSE, "%s%s %s: must be %s%s", dashes, option->name, text, what, range);
    } else if (text && !*text) {
        return blame(trouble, MISUSE, "%s%s: its value is empty", dashes, option->name);
    }
    if (option->kind == OPTION_MANY) {
        if (args->many_count == MAX_MANY)
            return blame(trouble, MISUSE, "%s%s: is given more than %d times", dashes, option->name, MAX_MANY);
        args->many[args->many_count++] = text;
    }
    args->values[option->id] = value;
    return DONE;
}

/* One word that starts with a dash, and its value: in the word itself or the word after it. *i is moved on. */
static enum verdict parse_option(struct args *args, const struct command *command, int argc, char *const *argv, int *i,
                                 struct trouble *trouble)
{
    const char *word = argv[*i], *text = NULL;
    const struct option *option;
    if (word[1] == '-') {
        size_t size = strcspn(word + 2, "=");
        option = find_long(command, word + 2, size);
        if (!option)
            return blame_unknown(command, word + 2, size, trouble);
        if (word[2 + size] == '=')
            text = word + 2 + size + 1;
        if (text && option->kind == OPTION_FLAG)
            return blame(trouble, MISUSE, "--%s takes no value", option->name);
    } else {
        option = find_letter(command, word[1]);
        if (!option || (word[2] && option->kind == OPTION_FLAG))
            return blame(trouble, MISUSE, "unknown option %s; see `adadelta %s --help`", word, command->name);
        if (word[2])
            text = word + 2;
    }
    if (option->kind != OPTION_FLAG && !text) {
        if (*i + 1 >= argc)
            return blame(trouble, MISUSE, "%s needs a value, %s", word, option->value);
        text = argv[++*i];
    }
    return store(args, option, text, "--", trouble);
}

enum verdict args_parse(struct args *args, const struct command *command, int argc, char *const *argv,
                        struct trouble *trouble)
{
    int options_end = 0;
    const char *excess = NULL;
    memset(args, 0, sizeof *args);
    for (int i = 0; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = 1;
        } else if (!options_end && argv[i][0] == '-' && argv[i][1]) {
            enum verdict verdict = parse_option(args, command, argc, argv, &i, trouble);
            if (verdict != DONE)
                return verdict;
        } else if (args->operand_count < command->operand_count) {
            args->operands[args->operand_count++] = argv[i];
        } else if (!excess) {
            excess = argv[i];
        }
    }
    if (args->values[OPTION_HELP].given)
        return DONE;
    if (excess)
        return blame(trouble, MISUSE, "%s: one operand too many; %s takes %s", excess, command->name,
                     command->operands);
    if (args->operand_count < command->operand_count)
        return blame(trouble, MISUSE, "%s needs %s; see `adadelta %s --help`", command->name, command->operands,
                     command->name);
    return DONE;
}

const struct option *args_first_other(const struct args *args, const struct command *command,
                                      const enum option_id *allowed, size_t count)
{
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g]; g++) {
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            const struct option *option = &command->groups[g]->options[i];
            size_t k = 0;
            while (k < count && allowed[k] != option->id)
                k++;
            if (k == count && args->values[option->id].given)
                return option;
        }
    }
    return NULL;
}

enum verdict args_assign(struct args *args, const struct option_group *group, const char *text, struct trouble *trouble)
{
    size_t size = strcspn(text, "=");
    const struct option *option = find_in_group(group, text, size);
    if (!option)
        return blame(trouble, MISUSE, "%.*s is not a setting of a method", (int)size, text);
    if ((option->kind == OPTION_FLAG) != !text[size])
        return blame(trouble, MISUSE, "%s %s", option->name,
                     option->kind == OPTION_FLAG ? "takes no value" : "needs =VALUE");
    return store(args, option, text[size] ? text + size + 1 : NULL, "", trouble);
}
