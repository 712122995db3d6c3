/* SPDX-License-Identifier: MIT */
/* An epoch allocates nothing: neither this code nor the library, BLAS or OpenMP beneath it. The C library's allocator
   is replaced by one that counts, and calls are counted from batch to batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fits.h"
#include "random.h"
#include "watched_malloc.h"

enum { ROWS = 1250, COLUMNS = 784, CLASSES = 10, BATCH = 100, EPOCHS = 4 };

static struct dataset made_up_images(void)
{
    struct dataset data = {.rows = ROWS, .columns = COLUMNS, .target = TARGET_CLASS, .classes = CLASSES};
    struct random random = random_stream(4, 4);
    data.path = strdup("images");
    data.pixels = malloc((size_t)ROWS * COLUMNS);
    data.labels = malloc(ROWS * sizeof *data.labels);
    data.class_names = calloc(CLASSES, sizeof *data.class_names);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        data.pixels[i] = (uint8_t)random_bits(&random);
    for (size_t r = 0; r < ROWS; r++)
        data.labels[r] = (int32_t)(r % CLASSES);
    for (size_t k = 0; k < CLASSES; k++)
        data.class_names[k] = strdup("class");
    return data;
}

struct counts {
    long at[EPOCHS * (ROWS / BATCH + 2)]; /* at each call of the watch */
    size_t calls;
};

static int count(const struct fit_progress *progress, void *context)
{
    struct counts *counts = context;
    (void)progress;
    counts->at[counts->calls++] = mallocs;
    return 0;
}

static void check(const char *model, enum activation activation, int threads)
{
    const long before = mallocs;
    struct dataset data = made_up_images();
    struct fit_settings settings = settings_for(model, ADADELTA_METHOD_ADADELTA, EPOCHS);
    struct trouble trouble;
    struct counts counts = {.calls = 0};
    int stopped;
    settings.batch = BATCH; /* the last batch of an epoch is shorter */
    settings.model.activation = activation;
    struct fit *fit = new_fit(&settings, &data, threads);
    assert_true(mallocs > before); /* they are seen */
    assert_int_equal(fit_run(fit, count, &counts, &stopped, &trouble), DONE);
    assert_int_equal(counts.calls, EPOCHS * (ROWS / BATCH + 1));
    /* In the first epoch threads come to be, and BLAS takes its buffers. */
    for (size_t i = counts.calls / EPOCHS; i < counts.calls; i++) {
        if (counts.at[i] != counts.at[i - 1])
            fail_msg("%s, %d threads: %ld allocations before call %zu", model, threads, counts.at[i] - counts.at[i - 1],
                     i);
    }
    fit_destroy(fit);
    dataset_free(&data);
}

static void test_epochs_allocate_nothing(void **state)
{
    (void)state;
    if (!REPLACED)
        skip();
    check("mlp:500,300", ACTIVATION_RELU, 1);
    check("mlp:500,300", ACTIVATION_RELU, 2);
    check("mlp:140", ACTIVATION_TANH, 2);
    check("softmax", ACTIVATION_RELU, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_epochs_allocate_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
