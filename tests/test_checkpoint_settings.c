/* SPDX-License-Identifier: MIT */
/* Checkpoints of everything around the step: settings of gradients, schedules, averages, types and weights come back,
   and a resumed run is the unbroken one. test_checkpoint_refusal.c has what must not be loaded. */
#include <math.h>
#include "checkpoint_every.h"

static double half_way(uint64_t step, void *context)
{
    return step % 2 ? *(const double *)context : 1;
}

static double context = 0.25;

/* Each value of each setting stands somewhere in here. */
static const struct course courses[] = {
    {ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE, {.scale = 1}, {.kind = ADADELTA_SCHEDULE_CONSTANT}},
    {ADADELTA_METHOD_ADADELTA,
     ADADELTA_AVERAGING_EXPONENTIAL,
     {.scale = 0.1, .nonfinite = ADADELTA_NONFINITE_SKIP, .duplicates = ADADELTA_DUPLICATES_IN_ORDER},
     {.kind = ADADELTA_SCHEDULE_LINEAR, .steps = 17, .warmup = 4, .end = 0.1}},
    {ADADELTA_METHOD_SGD,
     ADADELTA_AVERAGING_POLYAK,
     {.scale = 3, .nonfinite = ADADELTA_NONFINITE_PROPAGATE, .clip_value = 0.3, .clip_norm = 0.7},
     {.kind = ADADELTA_SCHEDULE_COSINE, .steps = 15, .end = 0.01}},
    {ADADELTA_METHOD_MOMENTUM,
     ADADELTA_AVERAGING_EXPONENTIAL,
     {.scale = 1, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_global_norm = 1.1},
     {.kind = ADADELTA_SCHEDULE_STEP, .every = 3, .gamma = 0.7, .warmup = 2}},
    {ADADELTA_METHOD_ADAGRAD,
     ADADELTA_AVERAGING_POLYAK,
     {.scale = 1, .clip_value = 1e-3, .duplicates = ADADELTA_DUPLICATES_IN_ORDER},
     {.kind = ADADELTA_SCHEDULE_TAIL, .steps = 20, .warmup = 1}},
    {ADADELTA_METHOD_RMSPROP,
     ADADELTA_AVERAGING_NONE,
     {.scale = 2, .clip_norm = 0.4},
     {.kind = ADADELTA_SCHEDULE_CALLBACK, .rate = half_way, .context = &context}},
    {ADADELTA_METHOD_ADAMW,
     ADADELTA_AVERAGING_POLYAK,
     {.scale = 1.5, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_value = 0.9, .clip_norm = 2, .clip_global_norm = 3},
     {.kind = ADADELTA_SCHEDULE_CONSTANT, .warmup = 9}},
};

enum { COURSES = sizeof courses / sizeof *courses, STEPS = 16 };

static const uint64_t seed = 0xfedcba9876543210; /* more than JSON's whole numbers hold */

/* An optimizer to load into: with the same groups and tensors, but nothing set as in the course, and moved. */
static void start_other(struct every *other, const struct course *course, int stop)
{
    struct course plain = {course->method, course->averaging, {.scale = 1}, {.kind = ADADELTA_SCHEDULE_CONSTANT}};
    if (course->schedule.rate)
        plain.schedule = course->schedule;
    every_start(other, &plain, 1);
    every_step(other, 0, 3);
    if (course->averaging && stop % 2)
        assert_int_equal(adadelta_swap_averages(other->optimizer), ADADELTA_OK);
}

/* Saved after stop steps, with the averages in the parameters' place or not. */
static void resume(const struct course *course, int stop, int swapped)
{
    struct every unbroken, first, second;
    every_start(&unbroken, course, seed);
    every_start(&first, course, seed);
    start_other(&second, course, stop);
    every_step(&unbroken, 0, STEPS);
    every_step(&first, 0, stop);
    if (swapped)
        assert_int_equal(adadelta_swap_averages(first.optimizer), ADADELTA_OK);
    save(first.optimizer);
    load(second.optimizer);
    assert_same(first.optimizer, second.optimizer);
    assert_int_equal(adadelta_averages_swapped(second.optimizer), swapped);
    if (swapped) {
        assert_int_equal(adadelta_step(second.optimizer), ADADELTA_ERROR_SWAPPED);
        assert_int_equal(adadelta_swap_averages(second.optimizer), ADADELTA_OK);
    }
    every_step(&second, stop, STEPS);
    assert_same(unbroken.optimizer, second.optimizer);
    every_end(&unbroken);
    every_end(&first);
    every_end(&second);
}

static void a_resumed_run_is_the_unbroken_one(void **state)
{
    (void)state;
    for (size_t k = 0; k < COURSES; k++)
        for (int stop = 0; stop <= STEPS; stop += 3)
            for (int swapped = 0; swapped <= (courses[k].averaging != ADADELTA_AVERAGING_NONE); swapped++)
                resume(&courses[k], stop, swapped);
}

/* By what the header offers. */
static void what_can_be_asked_comes_back(void **state)
{
    const struct course *course = &courses[COURSES - 1];
    struct every first, second;
    struct adadelta_gradients gradients;
    struct adadelta_schedule schedule;
    struct adadelta_tensor_stats stats[2];
    struct adadelta_hyper hyper[2];
    (void)state;
    every_start(&first, course, seed);
    start_other(&second, course, 0);
    every_step(&first, 0, STEPS);
    assert_int_equal(adadelta_set_measuring(second.optimizer, 1), ADADELTA_OK);
    every_step(&second, 3, 4);
    save(first.optimizer);
    load(second.optimizer);
    assert_true(adadelta_skip_count(first.optimizer) > 2);
    assert_int_equal(adadelta_step_count(second.optimizer), adadelta_step_count(first.optimizer));
    assert_int_equal(adadelta_skip_count(second.optimizer), adadelta_skip_count(first.optimizer));
    assert_int_equal(adadelta_get_gradients(second.optimizer, &gradients), ADADELTA_OK);
    assert_true(gradients.scale == 1.5 && gradients.nonfinite == ADADELTA_NONFINITE_SKIP &&
                gradients.clip_value == 0.9 && gradients.clip_norm == 2 && gradients.clip_global_norm == 3);
    assert_int_equal(adadelta_get_schedule(second.optimizer, &schedule), ADADELTA_OK);
    assert_true(schedule.kind == ADADELTA_SCHEDULE_CONSTANT && schedule.warmup == 9);
    for (size_t k = 0; k < KINDS; k++) {
        assert_int_equal(adadelta_get_tensor_stats(first.optimizer, k, &stats[0]), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor_stats(second.optimizer, k, &stats[1]), ADADELTA_OK);
        assert_true(stats[0].steps == stats[1].steps && stats[0].skipped == stats[1].skipped);
        assert_true(isnan(stats[1].update_norm)); /* of a step that is no part of this run */
        assert_int_equal(adadelta_get_tensor_hyper(first.optimizer, k, &hyper[0]), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor_hyper(second.optimizer, k, &hyper[1]), ADADELTA_OK);
        assert_true(hyper[0].lr == hyper[1].lr && hyper[0].maximize == hyper[1].maximize);
    }
    every_end(&first);
    every_end(&second);
}

/* Numbers at the ends of their ranges, and in fields that are not looked at. */
static void odd_settings_come_back(void **state)
{
    const struct course odd = {
        .gradients = {.scale = 0x1.fffffep127, .clip_value = 0x1p-126, .clip_norm = 0x1.fffffffffffffp1023},
        .schedule = {.kind = ADADELTA_SCHEDULE_TAIL,
                     .steps = UINT64_MAX,
                     .warmup = UINT64_MAX - 1,
                     .every = 1,
                     .gamma = 0x1.999999999999ap-4,
                     .end = 0x1.23456789abcdep-1000},
    };
    struct every first, second;
    struct adadelta_schedule schedule;
    (void)state;
    every_start(&first, &odd, UINT64_MAX);
    start_other(&second, &odd, 0);
    save(first.optimizer);
    load(second.optimizer);
    assert_same(first.optimizer, second.optimizer);

    first.optimizer->schedule =
        (struct adadelta_schedule){.kind = ADADELTA_SCHEDULE_CONSTANT, .gamma = NAN, .end = -INFINITY};
    save(first.optimizer);
    load(second.optimizer);
    assert_int_equal(adadelta_get_schedule(second.optimizer, &schedule), ADADELTA_OK);
    assert_true(isfinite(schedule.gamma) && isfinite(schedule.end));
    every_end(&first);
    every_end(&second);
}

/* A decay that is not used may be anything when an optimizer is made, and so when one is loaded. */
static void an_unused_decay_does_not_matter(void **state)
{
    static const double decays[] = {7, -1, NAN, INFINITY};
    (void)state;
    for (size_t k = 0; k < sizeof decays / sizeof *decays; k++)
        for (int averaging = 0; averaging <= 2; averaging += 2) {
            const struct adadelta_options options = {.averaging = (enum adadelta_averaging)averaging,
                                                     .average_decay = decays[k]};
            struct adadelta *first, *second;
            assert_int_equal(adadelta_create(&options, &first), ADADELTA_OK);
            assert_int_equal(adadelta_create(&options, &second), ADADELTA_OK);
            assert_int_equal(adadelta_step(first), ADADELTA_OK);
            save(first);
            load(second);
            assert_int_equal(adadelta_step_count(second), 1);
            adadelta_destroy(first);
            adadelta_destroy(second);
        }
}

/* The file's seed and decay, and the settings, but the threads and the callback's function of the optimizer. */
static void what_an_optimizer_was_made_with_gives_way(void **state)
{
    const struct course exponential = {.averaging = ADADELTA_AVERAGING_EXPONENTIAL, .gradients = {.scale = 1}};
    struct every first, second;
    double other_context = 1;
    (void)state;
    every_start(&first, &exponential, 6);
    every_start(&second, &exponential, 7);
    second.optimizer->options.threads = 3;
    assert_true(first.optimizer->options.average_decay != second.optimizer->options.average_decay);
    save(first.optimizer);
    load(second.optimizer);
    assert_true(second.optimizer->options.average_decay == first.optimizer->options.average_decay);
    assert_int_equal(second.optimizer->options.seed, 6);
    assert_int_equal(second.optimizer->options.threads, 3);

    const struct adadelta_schedule rates[] = {
        {.kind = ADADELTA_SCHEDULE_CALLBACK, .rate = half_way, .context = &context},
        {.kind = ADADELTA_SCHEDULE_CALLBACK, .rate = half_way, .context = &other_context},
    };
    assert_int_equal(adadelta_set_schedule(first.optimizer, &rates[0]), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(second.optimizer, &rates[1]), ADADELTA_OK);
    save(first.optimizer);
    load(second.optimizer);
    assert_ptr_equal(second.optimizer->schedule.context, &other_context);
    assert_ptr_equal(second.optimizer->schedule.rate, half_way);
    every_end(&first);
    every_end(&second);
}

static const void *average_of(const struct every *every, size_t index)
{
    void *average;
    assert_int_equal(adadelta_state(every->optimizer, index, "average", &average), ADADELTA_OK);
    return average;
}

/* Where the checkpoint has none they begin at the parameters in it, whatever was before, swapped or not, and the next
   step is their first. */
static void averages_begin_where_there_were_none(void **state)
{
    (void)state;
    for (int averaging = 1; averaging <= 2; averaging++)
        for (int swapped = 0; swapped < 2; swapped++) {
            const struct course none = {.gradients = {.scale = 1}};
            const struct course some = {.averaging = (enum adadelta_averaging)averaging, .gradients = {.scale = 1}};
            struct every first, second;
            float before[N], half[N];
            every_start(&first, &none, 1);
            every_start(&second, &some, 2);
            every_step(&first, 0, 5);
            every_step(&second, 0, 4);
            if (swapped)
                assert_int_equal(adadelta_swap_averages(second.optimizer), ADADELTA_OK);
            save(first.optimizer);
            load(second.optimizer);
            assert_false(adadelta_averages_swapped(second.optimizer));
            assert_true(second.optimizer->options.average_decay == 0.75 + 2 / 100.0); /* its own: the file's was idle */
            const float *average = average_of(&second, FLOAT);
            memcpy(before, second.values[FLOAT], sizeof before);
            assert_memory_equal(before, first.values[FLOAT], sizeof before);
            assert_memory_equal(average, before, sizeof before);
            assert_int_equal(adadelta_convert(N, ADADELTA_F32, half, ADADELTA_F16, first.values[HALF]), ADADELTA_OK);
            assert_memory_equal(average_of(&second, HALF), half, sizeof half);
            every_step(&first, 6, 7);
            every_step(&second, 6, 7);
            for (int i = 0; i < N; i++) {
                const float after = ((const float *)second.values[FLOAT])[i];
                assert_true(after == ((const float *)first.values[FLOAT])[i] && after != before[i]);
                assert_true(average[i] == after);
            }
            every_end(&first);
            every_end(&second);
        }
}

/* A checkpoint in memory points to the optimizer's own arrays. */
static void a_checkpoint_of_itself_changes_nothing(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct adadelta_checkpoint *checkpoint;
        struct every every;
        every_start(&every, &courses[1], seed);
        every_step(&every, 0, 7);
        if (swapped)
            assert_int_equal(adadelta_swap_averages(every.optimizer), ADADELTA_OK);
        const struct snapshot before = picture(every.optimizer);
        assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
        assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, every.optimizer, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_checkpoint_get_optimizer(checkpoint, every.optimizer, NULL), ADADELTA_OK);
        const struct snapshot after = picture(every.optimizer);
        assert_true(same(&before, &after));
        adadelta_checkpoint_destroy(checkpoint);
        every_end(&every);
    }
}

/* ---- Other readers ---- */

/* Patterns of 16 bits as the reader prints BF16 and U16. */
static void assert_patterns(const char *printed, const char *what, const void *patterns)
{
    char line[300];
    size_t length = (size_t)snprintf(line, sizeof line, "array %s [6]", what);
    for (int i = 0; i < N; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, " %u", ((const uint16_t *)patterns)[i]);
    snprintf(line + length, sizeof line - length, "\n");
    if (!strstr(printed, line))
        fail_msg("not there: %s", line);
}

static void python_reads_the_narrow_arrays(void **state)
{
    struct every every;
    void *low;
    (void)state;
    every_start(&every, &courses[1], seed);
    every_step(&every, 0, 9);
    save(every.optimizer);
    char *printed = read_by_python();
    assert_int_equal(adadelta_state(every.optimizer, 5, "low", &low), ADADELTA_OK);
    assert_patterns(printed, "\"split\" BF16", every.values[5]);
    assert_patterns(printed, "\"split.low\" U16", low);
    assert_non_null(strstr(printed, "array \"half\" F16 [6] "));
    assert_non_null(strstr(printed, "array \"split.square_avg\" F16 [6] "));
    assert_non_null(strstr(printed, "array \"narrow.acc_delta\" BF16 [6] "));
    assert_non_null(strstr(printed, "array \"master.master\" F32 [6] "));
    assert_non_null(strstr(printed, "array \"wide.average\" F64 [6] "));
    assert_non_null(strstr(printed, "array \"wide.spare\" F32 [6] "));
    assert_null(strstr(printed, "\"double.spare\""));
    free(printed);
    every_end(&every);
}

/* A word that stands for a value of a choice. */
static void assert_word(struct every *every, const char *key, const char *word)
{
    struct adadelta_checkpoint *checkpoint;
    char entry[100];
    snprintf(entry, sizeof entry, "\"%s\":\"%s\"", key, word);
    assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, every->optimizer, NULL), ADADELTA_OK);
    if (!strstr(adadelta_checkpoint_text(checkpoint, "adadelta.optimizer"), entry))
        fail_msg("no %s", entry);
    adadelta_checkpoint_destroy(checkpoint);
}

/* The words of docs/checkpoint.md, in the order of the header's enums. */
static void choices_have_their_words(void **state)
{
    static const char *const averagings[] = {"none", "exponential", "polyak"};
    static const char *const nonfinites[] = {"raise", "skip", "propagate"};
    static const char *const duplicates[] = {"sum", "in order"};
    static const char *const weights[] = {"master", "split", "stochastic", "nearest"};
    struct every every;
    (void)state;
    assert_int_equal(sizeof averagings / sizeof *averagings, ADADELTA_AVERAGING_COUNT);
    assert_int_equal(sizeof nonfinites / sizeof *nonfinites, ADADELTA_NONFINITE_COUNT);
    assert_int_equal(sizeof duplicates / sizeof *duplicates, ADADELTA_DUPLICATES_COUNT);
    assert_int_equal(sizeof weights / sizeof *weights, ADADELTA_WEIGHTS_COUNT);
    for (int k = 0; k < 3; k++) {
        struct course course = {.averaging = (enum adadelta_averaging)k, .gradients = {.scale = 1}};
        course.gradients.nonfinite = (enum adadelta_nonfinite)k;
        course.gradients.duplicates = (enum adadelta_duplicates)(k % 2);
        every_start(&every, &course, seed);
        assert_word(&every, "averaging", averagings[k]);
        assert_word(&every, "nonfinite", nonfinites[k]);
        assert_word(&every, "duplicates", duplicates[k % 2]);
        every_end(&every);
    }
    for (int k = 0; k < 4; k++) {
        double value = 0;
        struct adadelta_tensor tensor = {.name = "w", .dtype = ADADELTA_BF16, .values = &value};
        tensor.weights = (enum adadelta_weights)k;
        assert_int_equal(adadelta_create(NULL, &every.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(every.optimizer, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(every.optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_word(&every, "weights", weights[k]);
        every_end(&every);
    }
}

/* docs/checkpoint.md has each key of the optimizer's JSON as `key`. */
static void the_page_names_every_key(void **state)
{
    const struct bytes page = slurp(SOURCE_DIR "/docs/checkpoint.md");
    struct adadelta_checkpoint *checkpoint;
    struct every every;
    int keys = 0;
    (void)state;
    every_start(&every, &courses[1], seed);
    assert_int_equal(adadelta_checkpoint_create(&checkpoint), ADADELTA_OK);
    assert_int_equal(adadelta_checkpoint_set_optimizer(checkpoint, every.optimizer, NULL), ADADELTA_OK);
    for (const char *at = adadelta_checkpoint_text(checkpoint, "adadelta.optimizer"); (at = strchr(at, '"')); at++) {
        const int length = (int)strcspn(++at, "\"");
        char key[100];
        snprintf(key, sizeof key, "`%.*s`", length, at);
        at += length;
        if (at[1] != ':' || strncmp(at, "\":{\"group\"", 10) == 0) /* a value; a tensor's name */
            continue;
        if (!strstr((const char *)page.data, key))
            fail_msg("%s is not in docs/checkpoint.md", key);
        keys++;
    }
    assert_true(keys > 100);
    free(page.data);
    adadelta_checkpoint_destroy(checkpoint);
    every_end(&every);
}

/* What decay leaves alone is as it was saved, whatever the loading optimizer says. */
static void exclusion_from_decay_comes_back(void **state)
{
    (void)state;
    for (int excluded = 0; excluded < 2; excluded++) {
        float x[2] = {1, 2};
        struct adadelta_tensor tensor = {.name = "w", .ndim = 1, .shape = {2}, .values = x, .no_decay = excluded};
        struct adadelta *from, *into;
        assert_int_equal(adadelta_create(NULL, &from), ADADELTA_OK);
        assert_int_equal(adadelta_create(NULL, &into), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(from, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(into, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(from, 0, &tensor, NULL), ADADELTA_OK);
        tensor.no_decay = !excluded;
        assert_int_equal(adadelta_add_tensor(into, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_save(from, path, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_load(into, path, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor(into, 0, &tensor), ADADELTA_OK);
        assert_int_equal(tensor.no_decay, excluded);
        assert_int_equal(adadelta_load(into, "/nowhere/at all", NULL), ADADELTA_ERROR_IO);
        assert_non_null(strstr(adadelta_error_text(into), "/nowhere/at all"));
        adadelta_destroy(from);
        adadelta_destroy(into);
    }
}

/* Two tensors that round by chance, registered in this order or the other. */
struct pair {
    struct adadelta *optimizer;
    uint16_t x[2][3];
    float g[2][3];
};

static void pair_start(struct pair *pair, int reversed)
{
    static const char *const names[] = {"a", "b"};
    static const struct adadelta_options options = {.threads = 1, .seed = 5};
    memset(pair, 0, sizeof *pair);
    assert_int_equal(adadelta_create(&options, &pair->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(pair->optimizer, NULL, NULL), ADADELTA_OK);
    for (int k = 0; k < 2; k++) {
        const int which = reversed ? 1 - k : k;
        const struct adadelta_tensor tensor = {.name = names[which],
                                               .dtype = ADADELTA_BF16,
                                               .ndim = 1,
                                               .shape = {3},
                                               .values = pair->x[which],
                                               .gradient = pair->g[which],
                                               .gradient_dtype = ADADELTA_F32,
                                               .weights = ADADELTA_WEIGHTS_STOCHASTIC};
        for (int i = 0; i < 3; i++) {
            pair->x[which][i] = (uint16_t)(0x3f80 + i);
            pair->g[which][i] = (float)(i - 1) + 0.3F;
        }
        assert_int_equal(adadelta_add_tensor(pair->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
}

/* A file knows tensors by their names, and so does chance. */
static void chance_does_not_depend_on_the_order_of_tensors(void **state)
{
    (void)state;
    struct pair first, second;
    pair_start(&first, 0);
    pair_start(&second, 1);
    for (int t = 0; t < 40; t++) {
        if (t == 10) {
            assert_int_equal(adadelta_save(first.optimizer, path, NULL), ADADELTA_OK);
            assert_int_equal(adadelta_load(second.optimizer, path, NULL), ADADELTA_OK);
        }
        assert_int_equal(adadelta_step(first.optimizer), ADADELTA_OK);
        if (t >= 10)
            assert_int_equal(adadelta_step(second.optimizer), ADADELTA_OK);
    }
    assert_memory_equal(first.x, second.x, sizeof first.x);
    assert_memory_not_equal(first.x[0], first.x[1], sizeof first.x[0]); /* each has chances of its own */
    adadelta_destroy(first.optimizer);
    adadelta_destroy(second.optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_is_the_unbroken_one),
        cmocka_unit_test(what_can_be_asked_comes_back),
        cmocka_unit_test(odd_settings_come_back),
        cmocka_unit_test(an_unused_decay_does_not_matter),
        cmocka_unit_test(what_an_optimizer_was_made_with_gives_way),
        cmocka_unit_test(averages_begin_where_there_were_none),
        cmocka_unit_test(a_checkpoint_of_itself_changes_nothing),
        cmocka_unit_test(python_reads_the_narrow_arrays),
        cmocka_unit_test(choices_have_their_words),
        cmocka_unit_test(the_page_names_every_key),
        cmocka_unit_test(exclusion_from_decay_comes_back),
        cmocka_unit_test(chance_does_not_depend_on_the_order_of_tensors),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
