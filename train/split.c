/* SPDX-License-Identifier: MIT */
/* A test part drawn by chance, but with each class's share of it exact: a small class must not go missing by bad
   luck. */
#include <math.h>
#include <stdlib.h>

#include "dataset.h"
#include "random.h"

#define SPLIT_STREAM UINT64_C(0x73706c6974) /* "split" */

/* Rows sorted by class, and how many of each class go to the test part. */
struct strata {
    size_t count;
    size_t *rows;  /* [data->rows], a class after the other, each in the order of the file */
    size_t *first; /* [count + 1] where each class begins in rows */
    size_t *test;  /* [count] */
    char *chosen;  /* [data->rows] 1: in the test part */
};

static size_t stratum_of(const struct dataset *data, size_t row)
{
    return data->target == TARGET_CLASS ? (size_t)data->labels[row] : 0;
}

static int make_strata(struct strata *strata, const struct dataset *data)
{
    strata->count = data->target == TARGET_CLASS ? data->classes : 1;
    strata->rows = malloc(data->rows * sizeof *strata->rows);
    strata->first = calloc(strata->count + 1, sizeof *strata->first);
    strata->test = calloc(strata->count, sizeof *strata->test);
    strata->chosen = calloc(data->rows, 1);
    if (!strata->rows || !strata->first || !strata->test || !strata->chosen)
        return -1;
    for (size_t row = 0; row < data->rows; row++)
        strata->first[stratum_of(data, row) + 1]++;
    for (size_t k = 0; k < strata->count; k++)
        strata->first[k + 1] += strata->first[k];
    for (size_t row = 0; row < data->rows; row++) {
        size_t k = stratum_of(data, row); /* test counts for now what is placed already */
        strata->rows[strata->first[k] + strata->test[k]++] = row;
    }
    return 0;
}

static void free_strata(struct strata *strata)
{
    free(strata->rows);
    free(strata->first);
    free(strata->test);
    free(strata->chosen);
}

static size_t stratum_size(const struct strata *strata, size_t k)
{
    return strata->first[k + 1] - strata->first[k];
}

/* Sets each class's rows for the test part. Where rounding leaves either part empty, the largest class gives one
   row. */
static void share(struct strata *strata, double fraction)
{
    size_t total = 0, largest = 0;
    for (size_t k = 0; k < strata->count; k++) {
        size_t size = stratum_size(strata, k);
        strata->test[k] = (size_t)floor(fraction * (double)size + 0.5);
        total += strata->test[k];
        if (size > stratum_size(strata, largest))
            largest = k;
    }
    if (total == 0)
        strata->test[largest]++;
    else if (total == strata->first[strata->count])
        strata->test[largest]--;
}

static void choose(struct strata *strata, uint64_t seed)
{
    struct random random = random_stream(seed, SPLIT_STREAM);
    for (size_t k = 0; k < strata->count; k++) {
        size_t *rows = strata->rows + strata->first[k];
        random_shuffle(&random, stratum_size(strata, k), rows);
        for (size_t drawn = 0; drawn < strata->test[k]; drawn++)
            strata->chosen[rows[drawn]] = 1;
    }
}

enum verdict dataset_split(const struct dataset *data, double fraction, uint64_t seed, size_t *index,
                           size_t *train_count, struct trouble *trouble)
{
    struct strata strata = {0};
    if (!(fraction > 0 && fraction < 1))
        return blame(trouble, MISUSE, "the test fraction must be above 0 and below 1, not %g", fraction);
    if (data->rows < 2)
        return blame(trouble, MISUSE, "%s: one row cannot be split into training and test rows", data->path);
    if (make_strata(&strata, data)) {
        free_strata(&strata);
        return blame_memory(trouble);
    }
    share(&strata, fraction);
    choose(&strata, seed);
    size_t at = 0;
    for (char part = 0; part <= 1; part++) {
        for (size_t row = 0; row < data->rows; row++) {
            if (strata.chosen[row] == part)
                index[at++] = row;
        }
        if (part == 0)
            *train_count = at;
    }
    free_strata(&strata);
    return DONE;
}
