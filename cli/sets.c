/* SPDX-License-Identifier: MIT */
/* See sets.h. */
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static enum verdict read_test_file(struct sets *sets, const struct args *args, struct trouble *trouble)
{
    const struct dataset *train = &sets->train;
    struct dataset_request request = {
        .path = args->values[OPTION_TEST].text,
        .labels_path = args->values[OPTION_TEST_LABELS].text,
        .target = train->target_name,
        .kind = train->target,
        .want_target = 1,
        .column_names = (const char *const *)train->column_names,
        .columns = train->columns,
        .class_names = (const char *const *)train->class_names,
        .classes = train->classes,
    };
    sets->has_test = 1;
    return dataset_read(&sets->test, &request, trouble);
}

static enum verdict split(struct sets *sets, double fraction, uint64_t seed, struct trouble *trouble)
{
    struct dataset whole = sets->train;
    size_t train_count, *index = malloc(whole.rows * sizeof *index);
    memset(&sets->train, 0, sizeof sets->train);
    enum verdict verdict = index ? DONE : blame_memory(trouble);
    if (verdict == DONE)
        verdict = dataset_split(&whole, fraction, seed, index, &train_count, trouble);
    if (verdict == DONE)
        verdict = dataset_select(&sets->train, &whole, index, train_count, trouble);
    if (verdict == DONE)
        verdict = dataset_select(&sets->test, &whole, index + train_count, whole.rows - train_count, trouble);
    sets->has_test = 1;
    free(index);
    dataset_free(&whole);
    return verdict;
}

enum verdict sets_read(struct sets *sets, const struct dataset_request *request, const struct args *args,
                       double fraction, uint64_t seed, struct trouble *trouble)
{
    memset(sets, 0, sizeof *sets);
    if (args->values[OPTION_TEST].given && fraction > 0)
        return blame(trouble, MISUSE, "--test and --test-fraction cannot be used together");
    if (args->values[OPTION_TEST_LABELS].given && !args->values[OPTION_TEST].given)
        return blame(trouble, MISUSE, "--test-labels needs --test");
    enum verdict verdict = dataset_read(&sets->train, request, trouble);
    if (verdict == DONE && args->values[OPTION_TEST].given)
        verdict = read_test_file(sets, args, trouble);
    else if (verdict == DONE && fraction > 0)
        verdict = split(sets, fraction, seed, trouble);
    if (verdict != DONE)
        sets_free(sets);
    return verdict;
}

void sets_free(struct sets *sets)
{
    dataset_free(&sets->train);
    dataset_free(&sets->test);
    sets->has_test = 0;
}

const struct dataset *sets_test(const struct sets *sets)
{
    return sets->has_test ? &sets->test : NULL;
}

void sets_describe(const struct sets *sets, char *text, size_t size)
{
    char columns[NUMBER_SIZE], rows[NUMBER_SIZE], test[NUMBER_SIZE], kind[NUMBER_SIZE] = "a number";
    const struct dataset *train = &sets->train;
    if (train->target == TARGET_CLASS)
        snprintf(kind, sizeof kind, "%zu classes", train->classes);
    int used = snprintf(text, size, "%.80s (%s) from %s %s: %s rows to train on",
                        train->target_name ? train->target_name : "labels", kind, format_count(columns, train->columns),
                        train->pixels ? "pixels" : "columns", format_count(rows, train->rows));
    if (sets->has_test)
        snprintf(text + used, size - (size_t)used, ", %s to test on", format_count(test, sets->test.rows));
}
