/* SPDX-License-Identifier: MIT */
/* State moved from one optimizer into another by hand, arrays and counts: the run goes on with the same bits, and with
   none of the counts left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "oracle.h"

enum { N = 37, MOST_KINDS = 9, STOP = 11, END = 19 };

/* Tensors of every kind of state; those in codes are adadelta's alone, and come last. */
static const struct adadelta_tensor kinds[MOST_KINDS] = {
    {.name = "float"},
    {.name = "double", .dtype = ADADELTA_F64},
    {.name = "master", .dtype = ADADELTA_BF16, .state_dtype = ADADELTA_BF16},
    {.name = "split", .dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_SPLIT},
    {.name = "stochastic", .dtype = ADADELTA_BF16, .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.name = "nearest", .dtype = ADADELTA_F16, .weights = ADADELTA_WEIGHTS_NEAREST},
    {.name = "half", .state_dtype = ADADELTA_U16},
    {.name = "quarter", .state_dtype = ADADELTA_U8},
    {.name = "low", .dtype = ADADELTA_BF16, .state_dtype = ADADELTA_U16, .weights = ADADELTA_WEIGHTS_SPLIT},
};

struct run {
    struct adadelta *optimizer;
    size_t tensors;
    double values[MOST_KINDS][N]; /* of whatever type */
};

static void start(struct run *run, enum adadelta_method method, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .seed = 42, .averaging = averaging, .average_decay = 0.9};
    memset(run, 0, sizeof *run);
    run->tensors = method == ADADELTA_METHOD_ADADELTA ? MOST_KINDS : MOST_KINDS - 3;
    assert_int_equal(adadelta_create(&options, &run->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(run->optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t i = 0; i < run->tensors; i++) {
        struct adadelta_tensor tensor = kinds[i];
        tensor.ndim = 1;
        tensor.shape[0] = N;
        tensor.values = run->values[i];
        tensor.gradient_dtype = ADADELTA_F32;
        assert_int_equal(adadelta_add_tensor(run->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
}

/* What a program sets anew in a new process. */
static void set_all(struct run *run, double eps)
{
    const struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_LINEAR, .steps = END + 5, .warmup = 4};
    struct adadelta_gradients gradients = adadelta_gradients_default();
    struct adadelta_hyper hyper;
    gradients.nonfinite = ADADELTA_NONFINITE_SKIP;
    assert_int_equal(adadelta_set_gradients(run->optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(run->optimizer, &schedule), ADADELTA_OK);
    assert_int_equal(adadelta_get_hyper(run->optimizer, 0, &hyper), ADADELTA_OK);
    hyper.eps = eps;
    assert_int_equal(adadelta_set_hyper(run->optimizer, 0, &hyper), ADADELTA_OK);
}

/* Every count gets a value of its own: a tensor is missing now and then, a gradient is not finite, averages begin
   anew, and codes are rounded between the steps. */
static void go(struct run *run, int first, int end)
{
    static float gradient[N];
    for (int t = first; t < end; t++) {
        uint64_t seed = (uint64_t)t + 1;
        for (int i = 0; i < N; i++)
            gradient[i] = (float)(random_unit(&seed) - 0.5) / (float)(1 + i % 5);
        if (t % 5 == 2)
            gradient[3] = INFINITY;
        for (size_t i = 0; i < run->tensors; i++)
            assert_int_equal(
                adadelta_set_buffers(run->optimizer, i, run->values[i], (t + (int)i) % 4 == 0 ? NULL : gradient),
                ADADELTA_OK);
        assert_int_equal(adadelta_step(run->optimizer), ADADELTA_OK);
        if (t % 6 == 5)
            set_all(run, t % 12 == 5 ? 3e-6 : 2e-6);
        if (t == 4 && adadelta_get_options(run->optimizer).averaging)
            assert_int_equal(adadelta_restart_averages(run->optimizer), ADADELTA_OK);
    }
}

/* ---- Moving ---- */

enum count { STEPS, SKIPPED, AVERAGED, REWRITES, OWN_STEPS, OWN_SKIPPED, COUNTS };

static void move_counts(const struct run *from, struct run *to, enum count without)
{
    struct adadelta_counts counts;
    for (size_t i = 0; i < from->tensors; i++) {
        assert_int_equal(adadelta_get_counts(from->optimizer, i, &counts), ADADELTA_OK);
        uint64_t *const fields[] = {&counts.steps, &counts.skipped, &counts.averaged, &counts.rewrites};
        if (without < OWN_STEPS)
            *fields[without] = 0;
        assert_int_equal(adadelta_set_counts(to->optimizer, i, &counts), ADADELTA_OK);
    }
    const uint64_t steps = without == OWN_STEPS ? 0 : adadelta_step_count(from->optimizer);
    const uint64_t skipped = without == OWN_SKIPPED ? 0 : adadelta_skip_count(from->optimizer);
    assert_int_equal(adadelta_set_step_count(to->optimizer, steps, skipped), ADADELTA_OK);
}

/* As a program would that keeps everything by itself. */
static void move(const struct run *from, struct run *to, enum count without)
{
    struct adadelta_hyper hyper;
    struct adadelta_tensor array;
    assert_int_equal(adadelta_get_hyper(from->optimizer, 0, &hyper), ADADELTA_OK);
    set_all(to, hyper.eps);
    memcpy(to->values, from->values, sizeof to->values);
    for (size_t i = 0; i < from->tensors; i++) {
        for (size_t k = 0; adadelta_get_state(from->optimizer, i, k, &array) == ADADELTA_OK; k++)
            assert_int_equal(adadelta_set_state(to->optimizer, i, array.name, &array), ADADELTA_OK);
    }
    move_counts(from, to, without);
}

/* Whether a tensor's parameters and state are the same. */
static int same_bits(const struct run *a, const struct run *b, size_t i)
{
    struct adadelta_tensor ours, theirs;
    int same = memcmp(a->values[i], b->values[i], sizeof a->values[i]) == 0;
    for (size_t k = 0; adadelta_get_state(a->optimizer, i, k, &ours) == ADADELTA_OK; k++) {
        assert_int_equal(adadelta_get_state(b->optimizer, i, k, &theirs), ADADELTA_OK);
        same &= memcmp(ours.values, theirs.values, N * adadelta_dtype_size(ours.dtype)) == 0;
    }
    return same;
}

/* Whether parameters, state and counts of all tensors are. */
static int same(const struct run *a, const struct run *b)
{
    struct adadelta_counts counts[2];
    int same = adadelta_step_count(a->optimizer) == adadelta_step_count(b->optimizer) &&
               adadelta_skip_count(a->optimizer) == adadelta_skip_count(b->optimizer);
    for (size_t i = 0; i < a->tensors; i++) {
        assert_int_equal(adadelta_get_counts(a->optimizer, i, &counts[0]), ADADELTA_OK);
        assert_int_equal(adadelta_get_counts(b->optimizer, i, &counts[1]), ADADELTA_OK);
        same &= same_bits(a, b, i) && memcmp(&counts[0], &counts[1], sizeof counts[0]) == 0;
    }
    return same;
}

/* Moves after STOP steps, without a count, into an optimizer that has steps of its own behind it or none; whether the
   run then ends as it would have. */
static int goes_on(enum adadelta_method method, enum adadelta_averaging averaging, enum count without, int used)
{
    struct run unbroken, first, second;
    start(&unbroken, method, averaging);
    start(&first, method, averaging);
    start(&second, method, averaging);
    set_all(&unbroken, 1e-6);
    set_all(&first, 1e-6);
    go(&unbroken, 0, END);
    go(&first, 0, STOP);
    if (used)
        go(&second, 5, 9);
    move(&first, &second, without);
    assert_int_equal(same(&first, &second), without == COUNTS);
    go(&second, STOP, END);
    if (averaging && without == COUNTS) {
        assert_int_equal(adadelta_swap_averages(unbroken.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_swap_averages(second.optimizer), ADADELTA_OK);
    }
    const int result = same(&unbroken, &second);
    adadelta_destroy(unbroken.optimizer);
    adadelta_destroy(first.optimizer);
    adadelta_destroy(second.optimizer);
    return result;
}

static void a_moved_run_goes_on(void **state)
{
    (void)state;
    for (int method = 0; method < ADADELTA_METHOD_COUNT; method++) {
        for (int averaging = 0; averaging < ADADELTA_AVERAGING_COUNT; averaging++) {
            for (int used = 0; used < 2; used++)
                assert_true(goes_on((enum adadelta_method)method, (enum adadelta_averaging)averaging, COUNTS, used));
        }
    }
}

/* The tensors, a bit each, whose bits are others when a count was left out of the move. */
static unsigned changed_without(enum adadelta_method method, enum adadelta_averaging averaging, enum count without)
{
    struct run whole, lacking;
    unsigned changed = 0;
    start(&whole, method, averaging);
    start(&lacking, method, averaging);
    set_all(&whole, 1e-6);
    go(&whole, 0, STOP);
    move(&whole, &lacking, without);
    go(&whole, STOP, END);
    go(&lacking, STOP, END);
    for (size_t i = 0; i < whole.tensors; i++)
        changed |= (unsigned)!same_bits(&whole, &lacking, i) << i;
    adadelta_destroy(whole.optimizer);
    adadelta_destroy(lacking.optimizer);
    return changed;
}

/* What the header says each count is for. */
static void every_count_counts(void **state)
{
    const enum adadelta_method ours = ADADELTA_METHOD_ADADELTA;
    const unsigned stochastic = 1u << 4, codes = 7u << 6, all = (1u << MOST_KINDS) - 1;
    (void)state;
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_NONE, COUNTS), 0);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_NONE, STEPS), stochastic | codes);
    assert_int_equal(changed_without(ADADELTA_METHOD_ADAMW, ADADELTA_AVERAGING_NONE, STEPS), all & ~codes);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_NONE, REWRITES), codes);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_NONE, AVERAGED), 0);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_EXPONENTIAL, AVERAGED), all);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_POLYAK, AVERAGED), all);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_NONE, OWN_STEPS), all);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_POLYAK, SKIPPED), 0);
    assert_int_equal(changed_without(ours, ADADELTA_AVERAGING_POLYAK, OWN_SKIPPED), 0);
    for (int without = 0; without < COUNTS; without++)
        assert_false(goes_on(ours, ADADELTA_AVERAGING_POLYAK, (enum count)without, 0));
}

/* ---- Reading, writing and refusing ---- */

static void counts_are_what_was_written(void **state)
{
    const struct adadelta_counts counts = {INT64_MAX, 5, INT64_MAX - 1, INT64_MAX};
    struct adadelta_counts read;
    struct adadelta_tensor_stats stats;
    struct run run;
    (void)state;
    start(&run, ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_POLYAK);
    assert_int_equal(adadelta_swap_averages(run.optimizer), ADADELTA_OK); /* no matter */
    assert_int_equal(adadelta_set_counts(run.optimizer, 7, &counts), ADADELTA_OK);
    assert_int_equal(adadelta_get_counts(run.optimizer, 7, &read), ADADELTA_OK);
    assert_memory_equal(&counts, &read, sizeof read);
    assert_int_equal(adadelta_get_tensor_stats(run.optimizer, 7, &stats), ADADELTA_OK);
    assert_true(stats.steps == INT64_MAX && stats.skipped == 5);
    assert_true(adadelta_tensor_skip_count(run.optimizer, 7) == 5);
    assert_int_equal(adadelta_get_counts(run.optimizer, 6, &read), ADADELTA_OK);
    assert_true(!read.steps && !read.skipped && !read.averaged && !read.rewrites);
    assert_int_equal(adadelta_set_step_count(run.optimizer, INT64_MAX, 3), ADADELTA_OK);
    assert_true(adadelta_step_count(run.optimizer) == INT64_MAX && adadelta_skip_count(run.optimizer) == 3);
    adadelta_destroy(run.optimizer);
}

static void refused(struct run *run, size_t index, const struct adadelta_counts *counts, const char *text)
{
    struct adadelta_counts before, after;
    assert_int_equal(adadelta_set_counts(run->optimizer, index, counts), ADADELTA_ERROR_ARGUMENT);
    assert_string_equal(adadelta_error_text(run->optimizer), text);
    assert_int_equal(adadelta_get_counts(run->optimizer, 6, &after), ADADELTA_OK);
    before = (struct adadelta_counts){1, 2, 3, 4};
    assert_memory_equal(&before, &after, sizeof after);
}

static void wrong_counts_are_refused(void **state)
{
    const struct adadelta_counts right = {1, 2, 3, 4};
    struct adadelta_counts counts;
    struct run run;
    (void)state;
    start(&run, ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE);
    assert_int_equal(adadelta_set_counts(run.optimizer, 6, &right), ADADELTA_OK);
    for (int k = 0; k < 4; k++) {
        counts = right;
        uint64_t *const fields[] = {&counts.steps, &counts.skipped, &counts.averaged, &counts.rewrites};
        *fields[k] = (uint64_t)INT64_MAX + 1;
        refused(&run, 6, &counts, "tensor 'half': no counts, or one above 2^63-1");
    }
    refused(&run, 6, NULL, "tensor 'half': no counts, or one above 2^63-1");
    refused(&run, 0, &right, "tensor 'float': rewrites is 4, but its state is not in codes");
    refused(&run, MOST_KINDS, &right, "there is no tensor 9: the optimizer has 9");
    assert_int_equal(adadelta_set_counts(NULL, 0, &right), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_counts(NULL, 0, &counts), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_counts(run.optimizer, MOST_KINDS, &counts), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_counts(run.optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_step_count(NULL, 1, 1), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_step_count(run.optimizer, UINT64_MAX, 1), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_step_count(run.optimizer, 1, (uint64_t)INT64_MAX + 1), ADADELTA_ERROR_ARGUMENT);
    assert_true(adadelta_step_count(run.optimizer) == 0 && adadelta_skip_count(run.optimizer) == 0);
    adadelta_destroy(run.optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moved_run_goes_on),
        cmocka_unit_test(every_count_counts),
        cmocka_unit_test(counts_are_what_was_written),
        cmocka_unit_test(wrong_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
