/* SPDX-License-Identifier: MIT */
/* adadelta surface: the paths of the methods over a function of two variables, as a picture and on the terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "contest.h"
#include "gnuplot.h"
#include "output.h"
#include "report.h"
#include "surface_plot.h"
#include "surface_report.h"
#include "surface_text.h"

static const double usual_condition = 100;

/* What is asked for, and what came of it. */
struct showing {
    const struct args *args;
    struct course course;
    struct contest contest;
    double units[MAX_CONTENDERS];
    size_t unit_count;
    struct walk walks[MAX_CONTENDERS];
    size_t walk_count;
    const struct walk *explained; /* NULL: none */
};

/* ---- From the words of the command line ---- */

/* Reads finite numbers between commas, at most so many, and counts them. 0: it is something else. */
static int read_numbers(const char *text, double *numbers, size_t most, size_t *count)
{
    *count = 0;
    for (const char *at = text; at; *count += 1) {
        char *end;
        if (*count == most)
            return 0;
        /* No blanks, hexadecimal numbers, or names of numbers. */
        if (at[strspn(at, "0123456789+-.eE,")] != '\0')
            return 0;
        numbers[*count] = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !isfinite(numbers[*count]))
            return 0;
        at = *end ? end + 1 : NULL;
    }
    return 1;
}

static enum verdict read_start(struct showing *showing, struct trouble *trouble)
{
    const struct option_value *value = &showing->args->values[OPTION_FROM];
    double place[2];
    size_t count;
    showing->course.start = showing->course.surface->start;
    if (!value->given)
        return DONE;
    if (!read_numbers(value->text, place, 2, &count) || count != 2)
        return blame(trouble, MISUSE, "--from %s: must be two numbers, as in --from -1,0.5", value->text);
    showing->course.start = (struct point){place[0], place[1]};
    if (!isfinite(course_value(&showing->course, showing->course.start)))
        return blame(trouble, MISUSE, "--from %s: %s is too large there to be a number; begin nearer to 0", value->text,
                     showing->course.surface->name);
    return DONE;
}

static enum verdict read_window(struct showing *showing, struct trouble *trouble)
{
    const struct option_value *value = &showing->args->values[OPTION_WINDOW];
    struct window *window = &showing->course.window;
    double ends[4];
    size_t count;
    *window = showing->course.surface->window;
    if (!value->given)
        return DONE;
    if (!read_numbers(value->text, ends, 4, &count) || count != 4 || !(ends[0] < ends[1]) || !(ends[2] < ends[3]))
        return blame(
            trouble, MISUSE,
            "--window %s: must be four numbers, the ends of x and of y in rising order, as in --window -2,2,-1,3",
            value->text);
    *window = (struct window){ends[0], ends[1], ends[2], ends[3]};
    for (size_t k = 0; k < 4; k++) {
        if (fabs(ends[k]) > gnuplot_most)
            return blame(trouble, MISUSE, "--window %s: an axis holds %g at most, either way; take a smaller part",
                         value->text, gnuplot_most);
    }
    for (size_t k = 0; k < 4; k++) {
        if (!isfinite(course_value(&showing->course, (struct point){ends[k / 2], ends[2 + k % 2]})))
            return blame(trouble, MISUSE, "--window %s: %s is too large there to be a number; take a smaller part",
                         value->text, showing->course.surface->name);
    }
    return DONE;
}

static enum verdict read_units(struct showing *showing, struct trouble *trouble)
{
    const struct option_value *values = showing->args->values, *value = &values[OPTION_UNITS];
    showing->unit_count = 1;
    showing->units[0] = 1;
    if (values[OPTION_CONVERT_EPS].given && !value->given)
        return blame(trouble, MISUSE, "--convert-eps goes with --units alone: name the units, as in --units 1,1000");
    if (!value->given)
        return DONE;
    int good = read_numbers(value->text, showing->units, MAX_CONTENDERS, &showing->unit_count);
    for (size_t k = 0; k < showing->unit_count && good; k++)
        good = showing->units[k] >= 1e-9 && showing->units[k] <= 1e9;
    if (!good)
        return blame(trouble, MISUSE, "--units %s: must be numbers from 1e-9 to 1e9, at most %d, as in --units 1,1000",
                     value->text, (int)MAX_CONTENDERS);
    return DONE;
}

static enum verdict read_shape(struct showing *showing, struct trouble *trouble)
{
    static const enum option_id ids[] = {OPTION_CONDITION, OPTION_ANGLE};
    static const char *const names[] = {"condition", "angle"};
    const struct option_value *values = showing->args->values;
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        if (values[ids[k]].given && !showing->course.surface->has_shape)
            return blame(trouble, MISUSE, "--%s is for bowl alone: %s has none; leave it out", names[k],
                         showing->course.surface->name);
    }
    showing->course.shape =
        (struct surface_shape){values[OPTION_CONDITION].given ? values[OPTION_CONDITION].real : usual_condition,
                               values[OPTION_ANGLE].given ? values[OPTION_ANGLE].real : 0};
    return DONE;
}

static enum verdict read_course(struct showing *showing, struct trouble *trouble)
{
    const struct args *args = showing->args;
    const struct option_value *values = args->values;
    struct course *course = &showing->course;
    enum verdict verdict = surface_by_name(&course->surface, args->operands[0], trouble);
    if (verdict == DONE)
        verdict = read_shape(showing, trouble);
    if (verdict == DONE)
        verdict = read_start(showing, trouble);
    if (verdict == DONE)
        verdict = read_window(showing, trouble);
    if (verdict == DONE)
        verdict = read_units(showing, trouble);
    if (verdict != DONE)
        return verdict;
    course->steps = values[OPTION_STEPS].given ? (size_t)values[OPTION_STEPS].whole : course->surface->steps;
    course->noise = values[OPTION_NOISE].given ? values[OPTION_NOISE].real : 0;
    course->seed = values[OPTION_SEED].given ? values[OPTION_SEED].whole : 1;
    course->convert_eps = values[OPTION_CONVERT_EPS].given;
    return DONE;
}

/* State is kept in 64 bits unless asked otherwise, so that a path is what the formulas say. */
static enum verdict read_contest(struct showing *showing, struct trouble *trouble)
{
    const struct surface *surface = showing->course.surface;
    struct contest_defaults defaults = {.state = "f64"};
    memcpy(defaults.rates, surface->rates, sizeof defaults.rates);
    if (surface->has_shape) {
        /* What these two bear is in proportion to the steepest curvature. */
        defaults.rates[ADADELTA_METHOD_SGD] *= usual_condition / showing->course.shape.condition;
        defaults.rates[ADADELTA_METHOD_MOMENTUM] *= usual_condition / showing->course.shape.condition;
    }
    const struct contest *contest = &showing->contest;
    const enum verdict verdict = contest_parse(&showing->contest, showing->args, &defaults, trouble);
    if (verdict != DONE)
        return verdict;
    if (contest->count * showing->unit_count > MAX_CONTENDERS)
        return blame(trouble, MISUSE, "--units: %zu units of %zu methods are more than %d runs; name fewer",
                     showing->unit_count, contest->count, (int)MAX_CONTENDERS);
    for (size_t c = 0; c < contest->count && showing->course.convert_eps; c++) {
        const struct fit_settings *settings = &contest->contenders[c].settings;
        if (settings->method == ADADELTA_METHOD_ADADELTA && settings->hyper.weight_decay != 0)
            return blame(trouble, MISUSE,
                         "--convert-eps does not go with adadelta's weight decay, which has a unit of its own: leave "
                         "one out");
    }
    return DONE;
}

/* "adadelta, unit 1/1000" */
static void name_walk(const struct showing *showing, struct walk *walk)
{
    char unit[UNIT_SIZE] = "";
    if (showing->args->values[OPTION_UNITS].given)
        snprintf(unit, sizeof unit, "%s%.10g", walk->unit > 1 ? "1/" : "",
                 walk->unit > 1 ? walk->unit : 1 / walk->unit);
    memcpy(walk->unit_name, unit, sizeof unit);
    snprintf(walk->label, sizeof walk->label, "%s%s%s", walk->contender->label, unit[0] ? ", unit " : "", unit);
}

static enum verdict plan(struct showing *showing, struct trouble *trouble)
{
    for (size_t c = 0; c < showing->contest.count; c++) {
        for (size_t u = 0; u < showing->unit_count; u++) {
            struct walk *walk = &showing->walks[showing->walk_count];
            walk->contender = &showing->contest.contenders[c];
            walk->unit = showing->units[u];
            name_walk(showing, walk);
            for (size_t k = 0; k < showing->walk_count; k++) {
                const int same = showing->walks[k].contender->settings.method == walk->contender->settings.method;
                walk->turn += (size_t)same;
                if (strcmp(showing->walks[k].label, walk->label) == 0)
                    return blame(trouble, MISUSE, "--units %s: %g is there twice",
                                 showing->args->values[OPTION_UNITS].text, walk->unit);
            }
            if (!showing->explained && showing->args->values[OPTION_EXPLAIN].given &&
                walk->contender->settings.method == ADADELTA_METHOD_ADADELTA)
                showing->explained = walk;
            showing->walk_count++;
        }
    }
    if (showing->args->values[OPTION_EXPLAIN].given && !showing->explained)
        return blame(trouble, MISUSE, "--explain shows what Adadelta's steps are made of: name adadelta in --methods");
    return DONE;
}

/* Refuses words that would do nothing: the width is the drawing's on the terminal, the title the picture's. */
static enum verdict check_words(const struct args *args, struct trouble *trouble)
{
    const struct option_value *values = args->values;
    const int has_picture = values[OPTION_OUTPUT].given;
    if (values[OPTION_WIDTH].given && (has_picture || values[OPTION_JSON].given))
        return blame(trouble, MISUSE, "--width is for the drawing on the terminal, which --%s leaves out: drop one",
                     has_picture ? "output" : "json");
    if (values[OPTION_TITLE].given && !has_picture)
        return blame(trouble, MISUSE, "--title is for a picture: name one with -o PICTURE");
    return DONE;
}

/* ---- Results ---- */

static enum verdict report(const struct showing *showing, struct trouble *trouble)
{
    enum verdict verdict = DONE;
    for (size_t k = 0; k < showing->walk_count && verdict == DONE; k++)
        verdict = surface_report(&showing->course, &showing->walks[k], showing->explained != NULL, trouble);
    return verdict;
}

/* Below the drawing stand a blank line, the table's head, and a line for each run. */
static enum verdict print(const struct showing *showing, struct trouble *trouble)
{
    const struct option_value *width = &showing->args->values[OPTION_WIDTH];
    enum verdict verdict = DONE;
    if (!showing->args->values[OPTION_OUTPUT].given) {
        verdict = surface_print(&showing->course, showing->walks, showing->walk_count,
                                width->given ? (size_t)width->whole : 0, showing->walk_count + 2, trouble);
        putchar('\n');
    }
    if (verdict == DONE)
        verdict = surface_print_table(&showing->course, showing->walks, showing->walk_count,
                                      surface_width(width->given ? (size_t)width->whole : 0), trouble);
    if (verdict == DONE && showing->explained)
        verdict = surface_print_steps(showing->explained, trouble);
    return verdict;
}

static enum verdict conclude(const struct showing *showing, struct trouble *trouble)
{
    const struct option_value *values = showing->args->values;
    const char *path = values[OPTION_OUTPUT].text;
    const int json = values[OPTION_JSON].given;
    enum verdict verdict = json ? report(showing, trouble) : print(showing, trouble);
    if (verdict != DONE || !path)
        return verdict;
    verdict = surface_draw(path, &showing->course, showing->walks, showing->walk_count, showing->explained,
                           values[OPTION_TITLE].text, trouble);
    if (verdict == DONE && json)
        verdict = report_json(stdout, json_pack("{s:s,s:o}", "event", "picture", "path", report_text(path)), trouble);
    else if (verdict == DONE)
        printf("\npicture in %s\n", path);
    return verdict;
}

static enum verdict surface(const struct args *args, struct trouble *trouble)
{
    struct showing showing = {.args = args};
    const char *path = args->values[OPTION_OUTPUT].text;
    enum verdict verdict = check_words(args, trouble);
    if (verdict == DONE)
        verdict = read_course(&showing, trouble);
    if (verdict == DONE)
        verdict = read_contest(&showing, trouble);
    if (verdict == DONE)
        verdict = plan(&showing, trouble);
    if (verdict == DONE && path)
        verdict = gnuplot_check(path, trouble);
    if (verdict == DONE && path)
        verdict = output_check(path, NULL, 0, trouble);
    for (size_t k = 0; k < showing.walk_count && verdict == DONE; k++)
        verdict = walk_run(&showing.walks[k], &showing.course, trouble);
    if (verdict == DONE)
        verdict = conclude(&showing, trouble);
    for (size_t k = 0; k < showing.walk_count; k++)
        walk_free(&showing.walks[k]);
    contest_free(&showing.contest);
    return verdict;
}

/* ---- The command ---- */

static void list_functions(FILE *out)
{
    fprintf(out, "\nFunctions:\n");
    for (size_t k = 0; surface_row(k); k++)
        fprintf(out, "  %-17s %s\n", surface_row(k)->name, surface_row(k)->formula);
    fprintf(out, "  (bowl: u and v are x and y turned by --angle, K is --condition)\n");
}

static const struct option surface_rows[] = {
    {OPTION_METHODS, OPTION_TEXT, "methods", 0, "LIST", 0, 0, 0,
     "methods, each with settings of its own behind colons, as in sgd:lr=0.05,momentum,adadelta:eps=1e-4; a method may "
     "stand there again with others (default sgd,momentum,adagrad,adadelta)"},
    {OPTION_FROM, OPTION_TEXT, "from", 0, "X,Y", 0, 0, 0, "where all begin (default: the function's own place)"},
    {OPTION_STEPS, OPTION_WHOLE, "steps", 0, "N", 1, 100000, 0, "steps to take (default: the function's own number)"},
    {OPTION_NOISE, OPTION_REAL, "noise", 0, "S", 0, INFINITY, 0,
     "standard deviation of the normal noise added to both components of every gradient, by --seed; the same for all "
     "methods (default 0)"},
    {OPTION_UNITS, OPTION_TEXT, "units", 0, "LIST", 0, 0, 0,
     "run each method in each of these units: in unit C the coordinates are C times as large, as in 1,1000 for metres "
     "and millimetres (default 1); paths are drawn in unit 1"},
    {OPTION_CONVERT_EPS, OPTION_FLAG, "convert-eps", 0, NULL, 0, 0, 0,
     "convert adadelta's eps with the unit: the upper one by C^2, the lower one by 1/C^2"},
    {OPTION_CONDITION, OPTION_REAL, "condition", 0, "K", 1, 1e9, 0, "of bowl: how much steeper one way (default 100)"},
    {OPTION_ANGLE, OPTION_REAL, "angle", 0, "DEG", -360, 360, 0, "of bowl: how far it is turned (default 0)"},
};
static const struct option_group surface_options = {"Paths", surface_rows, sizeof surface_rows / sizeof *surface_rows};

static const struct option drawing_rows[] = {
    {OPTION_OUTPUT, OPTION_TEXT, "output", 'o', "PICTURE", 0, 0, 0,
     "draw into a .svg or .png file, in place of the terminal"},
    {OPTION_EXPLAIN, OPTION_FLAG, "explain", 0, NULL, 0, 0, 0,
     "show what the steps of the first adadelta are made of: gradient, both running means, rate"},
    {OPTION_WINDOW, OPTION_TEXT, "window", 0, "X0,X1,Y0,Y1", 0, 0, 0, "part to be drawn (default: the function's own)"},
    {OPTION_TITLE, OPTION_TEXT, "title", 0, "TEXT", 0, 0, 0, "title of the picture (default: the function)"},
    {OPTION_WIDTH, OPTION_WHOLE, "width", 0, "N", TEXT_LEAST_WIDTH, TEXT_MOST_WIDTH, 0,
     "columns of the drawing on the terminal (default: the terminal's, else 80)"},
};
static const struct option_group drawing_options = {"Drawing", drawing_rows,
                                                    sizeof drawing_rows / sizeof *drawing_rows};

const struct command surface_command = {
    .name = "surface",
    .summary = "Draws the paths of several methods over a function of two variables",
    .operands = "FUNCTION",
    .operand_count = 1,
    .details = "\n"
               "All begin at the same place. Unless --lr is given, each function has rates of its own for the\n"
               "methods that need one; adadelta's is 1. Numbers and state are of 64 bits unless --state is given. A\n"
               "schedule counts steps where its options say epochs. One thread does it all.\n",
    .list = list_functions,
    .groups = {&surface_options, &drawing_options, &hyper_options, &common_options},
    .examples = {"adadelta surface beale", "adadelta surface rosenbrock --noise 1 --seed 2 -o rosenbrock.svg",
                 "adadelta surface bowl --methods adadelta --explain -o bowl.svg",
                 "adadelta surface beale --methods sgd,adadelta --units 1,1000 -o units.svg"},
    .run = surface,
};
