/* SPDX-License-Identifier: MIT */
/* See sweep_grid.h. An axis is a row of the tables that `train` is read with, so that a value means the same here and
   there. */
#include "sweep_grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "settings.h"

/* The options that can be an axis; of a method's own numbers, those that the method looks at. */
static const struct {
    enum option_id id;
    const char *name;
    int of_method;
} axis_options[] = {
    {OPTION_LR, "lr", 1},
    {OPTION_RHO, "rho", 1},
    {OPTION_EPS, "eps", 1},
    {OPTION_MOMENTUM, "momentum", 1},
    {OPTION_BETA1, "beta1", 1},
    {OPTION_BETA2, "beta2", 1},
    {OPTION_WEIGHT_DECAY, "weight-decay", 1},
    {OPTION_BATCH, "batch", 0},
    {OPTION_EPOCHS, "epochs", 0},
    {OPTION_METHOD, "method", 0},
    {OPTION_STATE, "state", 0},
    {OPTION_SCHEDULE, "schedule", 0},
    {OPTION_ACTIVATION, "activation", 0},
    {OPTION_INIT, "init", 0},
    {OPTION_SCALE, "scale", 0},
};
enum { AXIS_OPTION_COUNT = sizeof axis_options / sizeof *axis_options };

static int is_of_method(enum option_id id)
{
    for (size_t i = 0; i < AXIS_OPTION_COUNT; i++)
        if (axis_options[i].id == id)
            return axis_options[i].of_method;
    return 0;
}

static enum verdict blame_axis(const char *text, struct trouble *trouble)
{
    char list[256] = "";
    for (size_t i = 0; i < AXIS_OPTION_COUNT; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", axis_options[i].name);
    }
    return blame(trouble, MISUSE, "--grid %.100s: must be NAME=VALUE,VALUE... of one of %s", text, list);
}

/* Finds an option's row and group by its id. */
static void find_row(struct axis *axis, const struct command *command, enum option_id id)
{
    for (size_t g = 0; g < MAX_GROUPS && command->groups[g]; g++) {
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            if (command->groups[g]->options[i].id == id) {
                axis->group = command->groups[g];
                axis->option = &command->groups[g]->options[i];
            }
        }
    }
}

/* Finds the option that "NAME=..." names. */
static enum verdict find_axis(struct axis *axis, const struct command *command, const char *text,
                              struct trouble *trouble)
{
    const size_t size = strcspn(text, "=");
    size_t i = 0;
    while (i < AXIS_OPTION_COUNT &&
           (strlen(axis_options[i].name) != size || memcmp(axis_options[i].name, text, size) != 0))
        i++;
    if (i == AXIS_OPTION_COUNT || !text[size])
        return blame_axis(text, trouble);
    find_row(axis, command, axis_options[i].id);
    return axis->option ? DONE : blame_axis(text, trouble);
}

static int same_value(const struct axis_value *a, const struct axis_value *b)
{
    return isnan(a->number) ? strcmp(a->text, b->text) == 0 : a->number == b->number;
}

/* Takes text [size] as the next value of an axis. */
static enum verdict add_value(struct axis *axis, const struct args *args, const char *text, size_t size,
                              struct trouble *trouble)
{
    const char *name = axis->option->name;
    struct axis_value *value = &axis->values[axis->count];
    const size_t length = strlen(name) + 1 + size;
    value->assignment = malloc(length + 1);
    if (!value->assignment)
        return blame_memory(trouble);
    snprintf(value->assignment, length + 1, "%s=%.*s", name, (int)size, text);
    value->text = value->assignment + strlen(name) + 1;
    axis->count++;
    if (size == 0)
        return blame(trouble, MISUSE, "--grid %s: a value is empty", name);
    struct args own = *args;
    struct trouble inner = {""};
    if (args_assign(&own, axis->group, value->assignment, &inner) != DONE)
        return blame(trouble, MISUSE, "--grid %.900s", inner.text);
    value->number = axis->option->kind == OPTION_TEXT ? NAN : own.values[axis->option->id].real;
    for (size_t i = 0; i + 1 < axis->count; i++)
        if (same_value(&axis->values[i], value))
            return blame(trouble, MISUSE, "--grid %s: %s is there twice", name, value->text);
    return DONE;
}

/* Reads one "NAME=VALUE,VALUE...". */
static enum verdict parse_axis(struct grid *grid, const struct args *args, const struct command *command,
                               const char *text, struct trouble *trouble)
{
    struct axis *axis = &grid->axes[grid->axis_count];
    if (grid->axis_count == MAX_AXES)
        return blame(trouble, MISUSE, "--grid %.100s: a grid has at most %d axes", text, MAX_AXES);
    enum verdict verdict = find_axis(axis, command, text, trouble);
    if (verdict != DONE)
        return verdict;
    if (grid_find_axis(grid, axis->option->id) < grid->axis_count)
        return blame(trouble, MISUSE, "--grid %s: is there twice", axis->option->name);
    if (args->values[axis->option->id].given)
        return blame(trouble, MISUSE, "--%s and --grid %s cannot be used together", axis->option->name,
                     axis->option->name);
    grid->axis_count++;
    const char *list = strchr(text, '=') + 1;
    size_t count = 1;
    for (const char *at = list; *at; at++)
        count += *at == ',';
    if (count > MAX_CELLS / grid->cell_count)
        return blame(trouble, MISUSE, "--grid: more than %d combinations", MAX_CELLS);
    grid->cell_count *= count;
    axis->values = calloc(count, sizeof *axis->values);
    if (!axis->values)
        return blame_memory(trouble);
    for (size_t i = 0; i < count && verdict == DONE; i++) {
        const size_t size = strcspn(list, ",");
        verdict = add_value(axis, args, list, size, trouble);
        list += size + (list[size] == ',');
    }
    return verdict;
}

/* The settings of a cell, as `train` would have them with the cell's values among its options. */
static enum verdict read_cell(struct grid *grid, const struct args *args, size_t cell, struct trouble *trouble)
{
    struct args own = *args;
    struct fit_settings *settings = &grid->settings[cell];
    for (size_t a = 0; a < grid->axis_count; a++) {
        enum verdict verdict = args_assign(&own, grid->axes[a].group, grid_value(grid, cell, a)->assignment, trouble);
        if (verdict != DONE)
            return verdict;
    }
    struct trouble inner = {""};
    enum verdict verdict = settings_from_args(settings, &own, &inner);
    if (verdict != DONE)
        return blame(trouble, verdict, "%s", inner.text);
    if (args->values[OPTION_FIRST_SEED].given)
        settings->seed = args->values[OPTION_FIRST_SEED].whole;
    for (size_t a = 0; a < grid->axis_count; a++) {
        const struct option *option = grid->axes[a].option;
        if (is_of_method(option->id) && !setting_is_used(settings->method, option->id))
            return blame(trouble, MISUSE, "--grid %s: the method %s has no %s", option->name,
                         adadelta_method_name(settings->method), option->name);
    }
    return DONE;
}

enum verdict grid_parse(struct grid *grid, const struct args *args, const struct command *command,
                        struct trouble *trouble)
{
    *grid = (struct grid){.cell_count = 1};
    if (args->many_count == 0)
        return blame(trouble, MISUSE, "--grid is needed, as in --grid eps=1e-2,1e-4,1e-6");
    enum verdict verdict = DONE;
    for (size_t i = 0; i < args->many_count && verdict == DONE; i++)
        verdict = parse_axis(grid, args, command, args->many[i], trouble);
    if (verdict != DONE)
        return verdict;
    grid->settings = calloc(grid->cell_count, sizeof *grid->settings);
    if (!grid->settings)
        return blame_memory(trouble);
    for (size_t cell = 0; cell < grid->cell_count && verdict == DONE; cell++)
        verdict = read_cell(grid, args, cell, trouble);
    return verdict;
}

void grid_free(struct grid *grid)
{
    for (size_t a = 0; a < grid->axis_count; a++) {
        for (size_t i = 0; i < grid->axes[a].count; i++)
            free(grid->axes[a].values[i].assignment);
        free(grid->axes[a].values);
    }
    free(grid->settings);
    *grid = (struct grid){0};
}

/* How far apart two cells are that differ by one place on an axis. */
static size_t stride_of(const struct grid *grid, size_t axis)
{
    size_t stride = 1;
    for (size_t a = axis + 1; a < grid->axis_count; a++)
        stride *= grid->axes[a].count;
    return stride;
}

size_t grid_place(const struct grid *grid, size_t cell, size_t axis)
{
    return cell / stride_of(grid, axis) % grid->axes[axis].count;
}

const struct axis_value *grid_value(const struct grid *grid, size_t cell, size_t axis)
{
    return &grid->axes[axis].values[grid_place(grid, cell, axis)];
}

size_t grid_neighbour(const struct grid *grid, size_t cell, size_t axis, size_t place)
{
    return cell + stride_of(grid, axis) * place - stride_of(grid, axis) * grid_place(grid, cell, axis);
}

size_t grid_find_axis(const struct grid *grid, enum option_id id)
{
    size_t a = 0;
    while (a < grid->axis_count && grid->axes[a].option->id != id)
        a++;
    return a;
}

enum verdict grid_find_value(const struct grid *grid, const char *text, size_t *axis, size_t *place,
                             struct trouble *trouble)
{
    const size_t size = strcspn(text, "=");
    const char *value = text[size] ? text + size + 1 : "";
    for (size_t a = 0; a < grid->axis_count; a++) {
        const struct axis *candidate = &grid->axes[a];
        if (strlen(candidate->option->name) != size || memcmp(candidate->option->name, text, size) != 0)
            continue;
        if (candidate->count < 2)
            return blame(trouble, MISUSE, "--compare %s: that --grid has no other value", text);
        char *end;
        const double number = strtod(value, &end);
        const struct axis_value wanted = {NULL, value, *value && !*end ? number : NAN};
        for (size_t i = 0; i < candidate->count; i++) {
            if (same_value(&candidate->values[i], &wanted)) {
                *axis = a;
                *place = i;
                return DONE;
            }
        }
        return blame(trouble, MISUSE, "--compare %s: the --grid of %s has no such value", text,
                     candidate->option->name);
    }
    return blame(trouble, MISUSE, "--compare %s: must be NAME=VALUE, a --grid's name and one of its values", text);
}

json_t *grid_value_json(const struct axis *axis, size_t place)
{
    const struct axis_value *value = &axis->values[place];
    if (axis->option->kind == OPTION_WHOLE)
        return json_integer((json_int_t)value->number);
    return axis->option->kind == OPTION_REAL ? json_real(value->number) : report_text(value->text);
}

json_t *grid_cell_json(const struct grid *grid, size_t cell)
{
    json_t *object = json_object();
    for (size_t a = 0; a < grid->axis_count; a++)
        json_object_set_new(object, grid->axes[a].option->name,
                            grid_value_json(&grid->axes[a], grid_place(grid, cell, a)));
    return object;
}

void grid_describe(const struct grid *grid, size_t cell, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t a = 0; a < grid->axis_count && used < size; a++)
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", a ? ", " : "", grid->axes[a].option->name,
                                 grid_value(grid, cell, a)->text);
}
