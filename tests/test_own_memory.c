/* SPDX-License-Identifier: MIT */
/* An allocator of the caller's: it is asked for what the header says, gets back what it gave, may fail at any call, and
   is not called by anything that steps. test_in_place.c is about memory of the caller's. */
#include "own_memory.h"

/* ---- An allocator that keeps books ---- */

enum { GUARD = 64, PIECES = 500, MOST = 1 << 20 };

struct ledger {
    long calls, left;   /* left: calls until one fails; below 0: none does */
    size_t count, live; /* pieces that were taken, and those that are out */
    struct {
        unsigned char *memory;
        size_t size;
        int out;
    } pieces[PIECES];
    int wrong; /* a call that breaks a promise */
};

static void *take(size_t size, size_t alignment, void *context)
{
    struct ledger *ledger = context;
    ledger->calls++;
    ledger->wrong |= alignment != 64 || size == 0 || size > PTRDIFF_MAX;
    if (size > MOST || (ledger->left >= 0 && ledger->left-- == 0))
        return NULL;
    assert_true(ledger->count < PIECES);
    unsigned char *memory = aligned_alloc(64, (size + GUARD + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0xaa, size); /* not zero: who wants zeros must see to it */
    memset(memory + size, 0x5c, GUARD);
    ledger->pieces[ledger->count].memory = memory;
    ledger->pieces[ledger->count].size = size;
    ledger->pieces[ledger->count++].out = 1;
    ledger->live++;
    return memory;
}

static int all_are(const unsigned char *memory, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (memory[i] != value)
            return 0;
    }
    return 1;
}

/* What was given back is kept, so that it can be seen whether someone still writes to it. */
static void give(void *memory, size_t size, void *context)
{
    struct ledger *ledger = context;
    size_t k = 0;
    ledger->calls++;
    while (k < ledger->count && !(ledger->pieces[k].memory == memory && ledger->pieces[k].out))
        k++;
    if (k == ledger->count || ledger->pieces[k].size != size) {
        ledger->wrong = 1;
        return;
    }
    ledger->wrong |= !all_are(ledger->pieces[k].memory + size, GUARD, 0x5c);
    memset(memory, 0x55, size); /* who still reads it must see that it is gone */
    ledger->pieces[k].out = 0;
    ledger->live--;
}

static void close_books(struct ledger *ledger)
{
    assert_int_equal(ledger->live, 0);
    for (size_t k = 0; k < ledger->count; k++) {
        ledger->wrong |= !all_are(ledger->pieces[k].memory, ledger->pieces[k].size, 0x55);
        free(ledger->pieces[k].memory);
    }
    assert_false(ledger->wrong);
}

static struct ledger ledger;
static struct zoo ours, twin; /* with the ledger, and with malloc */

static struct adadelta_options options_of(int method, int averaging, int own)
{
    struct adadelta_options options = adadelta_options_default();
    options.method = (enum adadelta_method)method;
    options.threads = 1;
    options.seed = 12345;
    options.averaging = (enum adadelta_averaging)averaging;
    options.average_decay = 0.9;
    if (own)
        options.allocator = (struct adadelta_allocator){take, give, &ledger};
    return options;
}

static void start(int method, int averaging)
{
    const struct adadelta_options with = options_of(method, averaging, 1), without = options_of(method, averaging, 0);
    ledger = (struct ledger){.left = -1};
    assert_int_equal(adadelta_create(&with, &ours.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_create(&without, &twin.optimizer), ADADELTA_OK);
}

static void end(void)
{
    adadelta_destroy(ours.optimizer);
    adadelta_destroy(twin.optimizer);
    close_books(&ledger);
}

/* ---- What is asked for ---- */

static void both_run_alike(int method, int averaging)
{
    struct zoo *const zoos[] = {&ours, &twin};
    struct adadelta *copy;
    for (int k = 0; k < 2; k++)
        zoo_plan_all(zoos[k]);
    start(method, averaging);
    for (int k = 0; k < 2; k++) {
        zoo_add_all(zoos[k]);
        zoo_steps(zoos[k], 0, 10);
    }
    assert_true(zoo_same(&ours, &twin));
    const size_t before = ledger.live;
    if (averaging)
        assert_int_equal(adadelta_swap_averages(ours.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_clone(ours.optimizer, &copy), ADADELTA_OK);
    assert_int_equal(ledger.live, 2 * before); /* the copy's memory comes from the same place */
    assert_true(copy->gradients.clip_norm == ours.optimizer->gradients.clip_norm && copy->gradients.clip_norm == 1);
    assert_true(copy->schedule.end == ours.optimizer->schedule.end && copy->schedule.end == 0.1);
    adadelta_destroy(ours.optimizer);
    assert_int_equal(ledger.live, before);
    ours.optimizer = copy;
    if (averaging)
        assert_int_equal(adadelta_swap_averages(copy), ADADELTA_OK); /* back */
    for (int k = 0; k < 2; k++)
        zoo_steps(zoos[k], 10, 20);
    assert_true(zoo_same(&ours, &twin));
    end();
}

static void a_run_is_that_of_malloc(void **state)
{
    (void)state;
    for (int method = 0; method < ADADELTA_METHOD_COUNT; method++)
        both_run_alike(method, method % 3);
    for (int averaging = 0; averaging <= ADADELTA_AVERAGING_POLYAK; averaging++)
        both_run_alike(ADADELTA_METHOD_ADADELTA, averaging);
}

static void half_an_allocator_is_refused(void **state)
{
    struct adadelta_options options = options_of(0, 0, 1);
    struct adadelta *optimizer;
    (void)state;
    ledger = (struct ledger){.left = -1};
    for (int half = 0; half < 2; half++) {
        options.allocator = (struct adadelta_allocator){half ? take : NULL, half ? NULL : give, &ledger};
        optimizer = (struct adadelta *)&options;
        assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_ERROR_ARGUMENT);
        assert_null(optimizer);
    }
    assert_int_equal(ledger.calls, 0);
}

/* ---- Failure at every k-th allocation ---- */

/* Something that takes memory, done to a zoo whose last tensor is not added yet. */
typedef enum adadelta_status work(struct zoo *zoo, struct adadelta **made);

static enum adadelta_status work_create(struct zoo *zoo, struct adadelta **made)
{
    return adadelta_create(&zoo->optimizer->options, made);
}

static enum adadelta_status work_clone(struct zoo *zoo, struct adadelta **made)
{
    return adadelta_clone(zoo->optimizer, made);
}

static enum adadelta_status work_add_group(struct zoo *zoo, struct adadelta **made)
{
    size_t number = 77;
    (void)made;
    const enum adadelta_status status = adadelta_add_group(zoo->optimizer, NULL, &number);
    assert_int_equal(number, status ? 77 : adadelta_group_count(zoo->optimizer) - 1);
    return status;
}

static enum adadelta_status work_add_tensor(struct zoo *zoo, struct adadelta **made)
{
    size_t number = 77;
    (void)made;
    const enum adadelta_status status = adadelta_add_tensor(zoo->optimizer, 0, &zoo->tensors[zoo->count - 1], &number);
    assert_int_equal(number, status ? 77 : adadelta_tensor_count(zoo->optimizer) - 1);
    return status;
}

/* A zoo of so many tensors from kind number last + 1 on, and one more, of kind last, that is only planned. */
static void ready(struct zoo *zoo, size_t last, size_t tensors)
{
    zoo->count = 0;
    for (size_t k = 0; k < tensors; k++)
        zoo_plan(zoo, &kinds[(last + 1 + k) % KINDS]);
    zoo_plan(zoo, &kinds[last]);
    assert_int_equal(adadelta_add_group(zoo->optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < tensors; k++)
        assert_int_equal(zoo_add(zoo, k), ADADELTA_OK);
    zoo_steps(zoo, 0, 4);
}

/* Lets the call number k from now fail; returns whether it was reached. What fails must leave the zoo as it was, and
   must succeed when it is done again. */
static int fails_cleanly(work *function, size_t last, size_t tensors, long k)
{
    struct adadelta *made = NULL, *untouched = NULL;
    start(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_POLYAK);
    ready(&ours, last, tensors);
    ready(&twin, last, tensors);
    ledger.left = k;
    const enum adadelta_status status = function(&ours, &made);
    const int reached = ledger.left < 0;
    ledger.left = -1;
    assert_int_equal(status, reached ? ADADELTA_ERROR_MEMORY : ADADELTA_OK);
    if (reached) {
        assert_null(made);
        if (function == work_add_group || function == work_add_tensor)
            assert_non_null(strstr(adadelta_error_text(ours.optimizer), "no memory"));
        assert_true(zoo_same(&ours, &twin));
        zoo_steps(&ours, 4, 6);
        zoo_steps(&twin, 4, 6);
        assert_int_equal(function(&ours, &made), ADADELTA_OK);
    }
    assert_int_equal(function(&twin, &untouched), ADADELTA_OK);
    zoo_steps(&ours, 6, 9);
    zoo_steps(&twin, 6, 9);
    assert_true(zoo_same(&ours, &twin));
    adadelta_destroy(made);
    adadelta_destroy(untouched);
    end();
    return reached;
}

static void fail_at_each(work *function, size_t last, size_t tensors)
{
    long k = 0;
    while (fails_cleanly(function, last, tensors, k)) {
        k++;
        assert_true(k < 100);
    }
    assert_true(k >= 1); /* one allocation at least there was, and it failed */
}

/* Before the first tensor, where the array of tensors must grow for the second, and where there is room. */
static void out_of_memory_changes_nothing(void **state)
{
    static const size_t counts[] = {0, 1, 3};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fail_at_each(work_create, 0, counts[i]);
        fail_at_each(work_add_group, 0, counts[i]);
        for (size_t last = 0; last < KINDS; last++)
            fail_at_each(work_add_tensor, last, counts[i]);
    }
    fail_at_each(work_clone, 0, KINDS - 1);
}

/* An allocator is never asked for more than there can be, and may refuse what there could be. */
static void a_vast_tensor_is_refused(void **state)
{
    static const size_t elements_of_it[] = {PTRDIFF_MAX / 8, PTRDIFF_MAX / 16, PTRDIFF_MAX / 32, 1 << 30};
    (void)state;
    start(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_EXPONENTIAL);
    assert_int_equal(adadelta_add_group(ours.optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < sizeof elements_of_it / sizeof *elements_of_it; k++) {
        const struct adadelta_tensor tensor = {
            .name = "vast", .ndim = 2, .shape = {elements_of_it[k], 1}, .values = ours.values, .max_rows = k};
        assert_int_equal(adadelta_add_tensor(ours.optimizer, 0, &tensor, NULL), ADADELTA_ERROR_MEMORY);
        assert_int_equal(adadelta_tensor_count(ours.optimizer), 0);
    }
    end();
}

/* ---- What needs no memory ---- */

/* All that does not add, make or destroy anything. */
static void everything_else(struct zoo *zoo)
{
    struct adadelta *optimizer = zoo->optimizer;
    zoo_steps(zoo, 0, 20);
    assert_int_equal(adadelta_swap_averages(optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_SWAPPED);
    assert_int_equal(adadelta_swap_averages(optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_restart_averages(optimizer), ADADELTA_OK);
    for (size_t k = 0; k < zoo->count; k++) {
        struct adadelta_tensor_stats stats;
        struct adadelta_tensor tensor, array;
        struct adadelta_hyper hyper;
        assert_int_equal(adadelta_get_tensor_stats(optimizer, k, &stats), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor(optimizer, k, &tensor), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor_hyper(optimizer, k, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, k, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_set_hyper(optimizer, k % 2, &hyper), ADADELTA_OK);
        array = tensor;
        array.dtype = tensor.state_dtype;
        assert_int_equal(adadelta_state(optimizer, k, "acc_delta", &array.values), ADADELTA_OK);
        assert_int_equal(adadelta_set_state(optimizer, k, "acc_delta", &array), ADADELTA_OK);
        assert_int_equal(adadelta_state(optimizer, k, "sum", &array.values), ADADELTA_ERROR_NAME);
    }
    assert_true(adadelta_state_bytes(optimizer) > 0);
    memset(zoo->gradients[0], 0xff, sizeof(float)); /* NaN */
    assert_int_equal(adadelta_set_gradients(optimizer, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_set_hyper(optimizer, 99, NULL), ADADELTA_ERROR_ARGUMENT);
    const struct adadelta_gradients strict = adadelta_gradients_default();
    assert_int_equal(adadelta_set_gradients(optimizer, &strict), ADADELTA_OK);
    assert_int_equal(adadelta_step_tensor(optimizer, 0, zoo->gradients[0]), ADADELTA_ERROR_NONFINITE);
    assert_non_null(strstr(adadelta_error_text(optimizer), "NaN"));
}

static void steps_take_no_memory(void **state)
{
    (void)state;
    zoo_plan_all(&ours);
    start(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_EXPONENTIAL);
    zoo_add_all(&ours);
    const long calls = ledger.calls, before = mallocs;
    forbidden = 1;
    everything_else(&ours);
    forbidden = 0;
    assert_int_equal(ledger.calls, calls);
    assert_int_equal(mallocs, before);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_that_of_malloc),       cmocka_unit_test(half_an_allocator_is_refused),
        cmocka_unit_test(out_of_memory_changes_nothing), cmocka_unit_test(a_vast_tensor_is_refused),
        cmocka_unit_test(steps_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
