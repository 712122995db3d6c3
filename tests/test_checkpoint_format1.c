/* SPDX-License-Identifier: MIT */
/* Files of format 1, which the release before wrote: tests/golden/checkpoint-1.safetensors, three steps of Adadelta in
   two groups. They load, hold what the rule says, and go on. */
#include <math.h>
#include "checkpoint_seal.h"
#include "oracle.h"

static const char golden[] = SOURCE_DIR "/tests/golden/checkpoint-1.safetensors";

enum { WIDE = 6, LONG = 3, SAVED = 3, MORE = 4 };

/* The run of the file: "w" F32 [2, 3] in a group of defaults, "b" F64 [3] in a group with decay. */
struct old {
    struct adadelta *optimizer;
    float w[WIDE], w_gradient[WIDE];
    double b[LONG], b_gradient[LONG];
};

static const float w_start[WIDE] = {1, -2, 3, -4, 5, -6};
static const double b_start[LONG] = {0.5, -0.25, 8};

static struct adadelta_hyper second_group(void)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.rho = 0.9;
    hyper.weight_decay = 0.125;
    return hyper;
}

static double w_slope(int i, int step)
{
    return (i - 2) * 0.5 + step;
}

static double b_slope(int i, int step)
{
    return i + 1 - step;
}

static void old_start(struct old *old, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {.threads = 1, .seed = 77, .averaging = averaging, .average_decay = 0.5};
    const struct adadelta_hyper hyper = second_group();
    struct adadelta_tensor w = {.name = "w", .ndim = 2, .shape = {2, 3}, .values = old->w, .gradient = old->w_gradient};
    struct adadelta_tensor b = {
        .name = "b", .dtype = ADADELTA_F64, .ndim = 1, .shape = {3}, .values = old->b, .gradient = old->b_gradient};
    memcpy(old->w, w_start, sizeof w_start);
    memcpy(old->b, b_start, sizeof b_start);
    assert_int_equal(adadelta_create(&options, &old->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(old->optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(old->optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(old->optimizer, 0, &w, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(old->optimizer, 1, &b, NULL), ADADELTA_OK);
}

static void old_step(struct old *old, int from, int to)
{
    for (int step = from; step < to; step++) {
        for (int i = 0; i < WIDE; i++)
            old->w_gradient[i] = (float)w_slope(i, step);
        for (int i = 0; i < LONG; i++)
            old->b_gradient[i] = b_slope(i, step);
        assert_int_equal(adadelta_step(old->optimizer), ADADELTA_OK);
    }
}

static void load(struct old *old, const char *file)
{
    struct adadelta_error error = {.text = ""};
    if (adadelta_load(old->optimizer, file, &error))
        fail_msg("%s", error.text);
}

static const void *state_of(const struct old *old, size_t index, const char *name)
{
    void *values;
    assert_int_equal(adadelta_state(old->optimizer, index, name, &values), ADADELTA_OK);
    return values;
}

static void assert_same(const struct old *a, const struct old *b)
{
    static const char *const names[] = {"square_avg", "acc_delta"};
    assert_memory_equal(a->w, b->w, sizeof a->w);
    assert_memory_equal(a->b, b->b, sizeof a->b);
    for (int k = 0; k < 2; k++) {
        assert_memory_equal(state_of(a, 0, names[k]), state_of(b, 0, names[k]), sizeof a->w);
        assert_memory_equal(state_of(a, 1, names[k]), state_of(b, 1, names[k]), sizeof a->b);
    }
}

/* ---- What the file holds ---- */

static void follow(enum adadelta_dtype dtype, const struct adadelta_hyper *hyper, double start,
                   double (*slope)(int i, int step), int i, const double found[3])
{
    struct approx x = exact(start), s[2] = {exact(0), exact(0)};
    for (int step = 0; step < SAVED; step++)
        oracle_step(ADADELTA_METHOD_ADADELTA, dtype, hyper, (uint64_t)step + 1, slope(i, step), &x, s);
    assert_true(believable(found[0], x) && believable(found[1], s[0]) && believable(found[2], s[1]));
    assert_true(x.error < 1e-5 && s[0].error < 1e-5 && s[1].error < 1e-9);
}

static void it_holds_what_the_rule_says(void **state)
{
    const struct adadelta_hyper first = adadelta_hyper_default(), second = second_group();
    struct old old;
    (void)state;
    old_start(&old, ADADELTA_AVERAGING_NONE);
    load(&old, golden);
    const float *w_square = state_of(&old, 0, "square_avg"), *w_delta = state_of(&old, 0, "acc_delta");
    const double *b_square = state_of(&old, 1, "square_avg"), *b_delta = state_of(&old, 1, "acc_delta");
    for (int i = 0; i < WIDE; i++)
        follow(ADADELTA_F32, &first, w_start[i], w_slope, i, (const double[]){old.w[i], w_square[i], w_delta[i]});
    for (int i = 0; i < LONG; i++)
        follow(ADADELTA_F64, &second, b_start[i], b_slope, i, (const double[]){old.b[i], b_square[i], b_delta[i]});
    adadelta_destroy(old.optimizer);
}

/* What format 1 has comes from the file; what it has not stays, but for maximize and settings of a tensor's own, which
   were not there. */
static void what_it_lacks_stays(void **state)
{
    const struct adadelta_gradients gradients = {
        .scale = 2, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_norm = 3, .duplicates = ADADELTA_DUPLICATES_IN_ORDER};
    const struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_LINEAR, .steps = 100, .end = 0.5};
    struct adadelta_hyper other = {.lr = 2, .rho = 0.5, .eps = 1, .nesterov = 1, .decoupled = 1, .maximize = 1}, got;
    const struct adadelta_hyper want = second_group();
    struct adadelta_tensor_stats stats;
    struct old old;
    (void)state;
    old_start(&old, ADADELTA_AVERAGING_NONE);
    old_step(&old, 0, 1);
    assert_int_equal(adadelta_set_gradients(old.optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(old.optimizer, &schedule), ADADELTA_OK);
    assert_int_equal(adadelta_set_hyper(old.optimizer, 1, &other), ADADELTA_OK);
    assert_int_equal(adadelta_set_tensor_hyper(old.optimizer, 1, &other), ADADELTA_OK);
    old.optimizer->tensors[1].skipped = old.optimizer->skipped = 9;
    load(&old, golden);
    assert_int_equal(adadelta_step_count(old.optimizer), SAVED);
    assert_int_equal(adadelta_skip_count(old.optimizer), 0);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(adadelta_get_tensor_stats(old.optimizer, k, &stats), ADADELTA_OK);
        assert_true(stats.steps == SAVED && stats.skipped == 0);
    }
    assert_int_equal(adadelta_get_tensor_hyper(old.optimizer, 1, &got), ADADELTA_OK);
    assert_true(got.lr == want.lr && got.rho == want.rho && got.eps == want.eps &&
                got.weight_decay == want.weight_decay && got.momentum == want.momentum && !got.nesterov &&
                !got.decoupled && !got.maximize);
    assert_true(old.optimizer->gradients.scale == 2 && old.optimizer->gradients.clip_norm == 3 &&
                old.optimizer->gradients.nonfinite == ADADELTA_NONFINITE_SKIP &&
                old.optimizer->gradients.duplicates == ADADELTA_DUPLICATES_IN_ORDER);
    assert_true(old.optimizer->schedule.kind == ADADELTA_SCHEDULE_LINEAR && old.optimizer->schedule.steps == 100);
    assert_int_equal(old.optimizer->options.seed, 77);
    adadelta_destroy(old.optimizer);
}

/* ---- Going on ---- */

static void a_run_goes_on_with_the_same_bits(void **state)
{
    struct old unbroken, resumed;
    (void)state;
    old_start(&unbroken, ADADELTA_AVERAGING_NONE);
    old_start(&resumed, ADADELTA_AVERAGING_NONE);
    old_step(&unbroken, 0, SAVED);
    old_step(&resumed, 0, 1);
    load(&resumed, golden);
    assert_same(&unbroken, &resumed);
    old_step(&unbroken, SAVED, SAVED + MORE);
    old_step(&resumed, SAVED, SAVED + MORE);
    assert_same(&unbroken, &resumed);
    adadelta_destroy(unbroken.optimizer);
    adadelta_destroy(resumed.optimizer);
}

static const char *format_of(struct adadelta_checkpoint *checkpoint)
{
    return adadelta_checkpoint_text(checkpoint, "adadelta.format");
}

/* Saved again it is of format 2; so is a file that is read and written as it is, though its optimizer is as it was. */
static void it_is_saved_as_format_2(void **state)
{
    struct adadelta_checkpoint *checkpoint;
    struct old first, second;
    (void)state;
    old_start(&first, ADADELTA_AVERAGING_NONE);
    load(&first, golden);
    for (int anew = 0; anew < 2; anew++) {
        assert_int_equal(adadelta_checkpoint_read(golden, &checkpoint, NULL), ADADELTA_OK);
        assert_string_equal(format_of(checkpoint), "1");
        assert_int_equal(anew ? adadelta_checkpoint_write(checkpoint, path, NULL)
                              : adadelta_save(first.optimizer, path, NULL),
                         ADADELTA_OK);
        adadelta_checkpoint_destroy(checkpoint);
        assert_int_equal(adadelta_checkpoint_read(path, &checkpoint, NULL), ADADELTA_OK);
        assert_string_equal(format_of(checkpoint), "2");
        const char *text = adadelta_checkpoint_text(checkpoint, "adadelta.optimizer");
        assert_int_equal(strstr(text, "\"settings\":{") != NULL, !anew);
        adadelta_checkpoint_destroy(checkpoint);
        old_start(&second, ADADELTA_AVERAGING_NONE);
        load(&second, path);
        assert_same(&first, &second);
        assert_int_equal(adadelta_step_count(second.optimizer), SAVED);
        adadelta_destroy(second.optimizer);
    }
    adadelta_destroy(first.optimizer);
}

/* The first step after the load sets an average, the second has a weight of a half: by a decay of 0.5, and in the mean
   of two. */
static void averages_begin_at_it(void **state)
{
    (void)state;
    for (int averaging = 1; averaging <= 2; averaging++) {
        struct old old;
        double loaded[LONG], next[LONG];
        old_start(&old, (enum adadelta_averaging)averaging);
        old_step(&old, 0, 2);
        assert_int_equal(adadelta_swap_averages(old.optimizer), ADADELTA_OK);
        load(&old, golden);
        assert_false(adadelta_averages_swapped(old.optimizer));
        const double *average = state_of(&old, 1, "average");
        assert_memory_equal(average, old.b, sizeof old.b);
        assert_memory_equal(state_of(&old, 0, "average"), old.w, sizeof old.w);
        memcpy(loaded, old.b, sizeof loaded);
        old_step(&old, SAVED, SAVED + 1);
        memcpy(next, old.b, sizeof next);
        old_step(&old, SAVED + 1, SAVED + 2);
        for (int i = 0; i < LONG; i++)
            assert_true(next[i] != loaded[i] && average[i] == next[i] + 0.5 * (old.b[i] - next[i]));
        adadelta_destroy(old.optimizer);
    }
}

/* ---- What is not as it was written ---- */

#define Q "\\\""

static void what_was_always_there_must_be(void **state)
{
    static const char *const lies[][3] = {
        {Q "rho" Q ":", Q "r" Q ":", "a group or tensor lacks a setting"},
        {Q "decoupled" Q ":false", Q "decoupled" Q ":0", "a group or tensor lacks a setting"},
        {Q "decoupled" Q ":false", Q "decoupled" Q ":false," Q "maximize" Q ":0", "a group or tensor lacks a setting"},
        {Q "step" Q ":3,", "", "it lacks method, step or skipped"},
        {Q "step" Q ":3,", Q "step" Q ":3," Q "skipped" Q ":-1,", "it lacks method, step or skipped"},
        {Q "step" Q ":3}", Q "stop" Q ":3}", "a tensor lacks group, step, skipped or averaged"},
        {Q "step" Q ":3,", Q "step" Q ":3," Q "settings" Q ":{},", "it lacks method, step or skipped"},
    };
    const struct bytes good = slurp(golden);
    struct old old;
    (void)state;
    old_start(&old, ADADELTA_AVERAGING_NONE);
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
        struct adadelta_error error = {.text = ""};
        const struct bytes file = with_header(&good, lies[k][0], lies[k][1]);
        spill(path, file.data, file.size);
        free(file.data);
        if (adadelta_load(old.optimizer, path, &error) != ADADELTA_ERROR_FORMAT || !strstr(error.text, lies[k][2]))
            fail_msg("lie %zu: %s", k, error.text);
        assert_memory_equal(old.b, b_start, sizeof b_start);
        assert_int_equal(adadelta_step_count(old.optimizer), 0);
    }
    free(good.data);
    adadelta_destroy(old.optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_the_rule_says),
        cmocka_unit_test(what_it_lacks_stays),
        cmocka_unit_test(a_run_goes_on_with_the_same_bits),
        cmocka_unit_test(it_is_saved_as_format_2),
        cmocka_unit_test(averages_begin_at_it),
        cmocka_unit_test(what_was_always_there_must_be),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
