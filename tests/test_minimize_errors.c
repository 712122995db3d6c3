/* SPDX-License-Identifier: MIT */
/*
 * adadelta_minimize refuses: wrong use and want of memory have a status, call nothing and change nothing; and no call
 * between the first and the last allocates. The C library's calloc and malloc are replaced where that can be done (as
 * in test_memory.c), else that part is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

#include "sanitized.h"

static volatile int memory_gone;
static volatile long allocations;

#if defined(__GLIBC__) && !defined(SANITIZED)
#define REPLACED 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return memory_gone ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return memory_gone ? NULL : __libc_calloc(count, size);
}
#else
#define REPLACED 0
#endif

/* Its minimum is at the origin. Counts its calls. */
static double bowl(size_t n, const double *x, double *g, uint64_t iteration, void *context)
{
    double value = 0;
    (void)iteration;
    for (size_t i = 0; i < n; i++) {
        g[i] = 2 * x[i];
        value += x[i] * x[i];
    }
    ++*(uint64_t *)context;
    return value;
}

static void refused(size_t n, double *x, adadelta_objective *objective, const struct adadelta_minimize_options *options,
                    enum adadelta_status status)
{
    uint64_t calls = 0;
    struct adadelta_minimize_result result, before;
    memset(&result, 0x5a, sizeof result);
    memset(&before, 0x5a, sizeof before);
    assert_int_equal(adadelta_minimize(n, x, objective, &calls, options, &result), status);
    assert_memory_equal(&result, &before, sizeof result);
    assert_true(calls == 0);
}

static void wrong_arguments_change_nothing(void **state)
{
    (void)state;
    double x[2] = {1, 2};
    refused(0, x, bowl, NULL, ADADELTA_ERROR_ARGUMENT);
    refused(SIZE_MAX / 8, x, bowl, NULL, ADADELTA_ERROR_ARGUMENT);
    refused(2, NULL, bowl, NULL, ADADELTA_ERROR_ARGUMENT);
    refused(2, x, NULL, NULL, ADADELTA_ERROR_ARGUMENT);
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        double start[2] = {0, bad[i]};
        refused(2, start, bowl, NULL, ADADELTA_ERROR_ARGUMENT);
        assert_true(start[0] == 0);
    }
    assert_true(x[0] == 1 && x[1] == 2);
}

static void wrong_options_change_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        double value;
        enum adadelta_status status;
    } cases[] = {
#define OPTION(field, value, status) {offsetof(struct adadelta_minimize_options, field), value, ADADELTA_ERROR_##status}
        OPTION(max_seconds, -1, ARGUMENT),
        OPTION(max_seconds, NAN, ARGUMENT),
        OPTION(max_seconds, INFINITY, ARGUMENT),
        OPTION(f_target, NAN, ARGUMENT),
        OPTION(gradient_tolerance, -1e-9, ARGUMENT),
        OPTION(gradient_tolerance, NAN, ARGUMENT),
        OPTION(gradient_tolerance, INFINITY, ARGUMENT),
        OPTION(objective_tolerance, -1, ARGUMENT),
        OPTION(objective_tolerance, NAN, ARGUMENT),
        OPTION(objective_tolerance, INFINITY, ARGUMENT),
        OPTION(hyper.lr, -1, LR),
        OPTION(hyper.rho, 1, RHO),
        OPTION(hyper.eps, 0, EPS),
        OPTION(hyper.weight_decay, NAN, WEIGHT_DECAY),
        OPTION(hyper.momentum, 1, MOMENTUM),
        OPTION(hyper.beta1, -1, BETA),
#undef OPTION
    };
    double x[2] = {1, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct adadelta_minimize_options options = adadelta_minimize_options_default();
        memcpy((char *)&options + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        refused(2, x, bowl, &options, cases[i].status);
        assert_true(x[0] == 1 && x[1] == 2);
    }
}

static double ask_nobody(uint64_t step, void *context)
{
    (void)step;
    (void)context;
    fail();
    return 1;
}

static void wrong_schedules_change_nothing(void **state)
{
    (void)state;
    const struct {
        struct adadelta_schedule schedule;
        uint64_t max_iterations;
    } cases[] = {
        {{.kind = ADADELTA_SCHEDULE_LINEAR}, UINT64_MAX}, /* no end to be reached */
        {{.kind = ADADELTA_SCHEDULE_COSINE, .end = NAN}, 0},
        {{.kind = ADADELTA_SCHEDULE_TAIL, .warmup = 50}, 50},
        {{.kind = ADADELTA_SCHEDULE_LINEAR, .steps = 50, .warmup = 50}, 100},
        {{.kind = ADADELTA_SCHEDULE_LINEAR, .end = -1}, 100},
        {{.kind = ADADELTA_SCHEDULE_COSINE, .end = NAN}, 100},
        {{.kind = ADADELTA_SCHEDULE_STEP, .gamma = 0.1}, 100},
        {{.kind = ADADELTA_SCHEDULE_STEP, .gamma = INFINITY, .every = 10}, 100},
        {{.kind = ADADELTA_SCHEDULE_CALLBACK}, 100},
        {{.kind = ADADELTA_SCHEDULE_COUNT}, 100},
    };
    double x[2] = {1, 2};
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.schedule = cases[i].schedule;
        options.max_iterations = cases[i].max_iterations;
        refused(2, x, bowl, &options, ADADELTA_ERROR_SCHEDULE);
        assert_true(x[0] == 1 && x[1] == 2);
    }
    options = adadelta_minimize_options_default();
    options.max_iterations = 0; /* to look at x needs no length */
    for (int kind = ADADELTA_SCHEDULE_LINEAR; kind <= ADADELTA_SCHEDULE_TAIL; kind++) {
        struct adadelta_minimize_result result;
        uint64_t calls = 0;
        options.schedule = adadelta_schedule_default();
        options.schedule.kind = (enum adadelta_schedule_kind)kind;
        options.schedule.every = 1;
        options.schedule.warmup = 7;
        assert_int_equal(adadelta_minimize(2, x, bowl, &calls, &options, &result), ADADELTA_OK);
        assert_true(calls == 1 && result.value == 5 && result.reason == ADADELTA_MINIMIZE_ITERATIONS);
    }
    options = adadelta_minimize_options_default();
    options.schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    options.schedule.rate = ask_nobody;
    options.hyper.rho = 1;
    refused(2, x, bowl, &options, ADADELTA_ERROR_RHO);
}

static void wrong_state_changes_nothing(void **state)
{
    (void)state;
    double memory[6] = {1, 2, 3, 4, 5, 6}, *const x = memory;
    const double before[6] = {1, 2, 3, 4, 5, 6}, bad[] = {NAN, INFINITY, -1};
    const struct {
        double *v, *u;
        enum adadelta_status status;
    } cases[] = {
        {memory + 2, NULL, ADADELTA_ERROR_ARGUMENT},      {NULL, memory + 2, ADADELTA_ERROR_ARGUMENT},
        {memory + 1, memory + 4, ADADELTA_ERROR_OVERLAP}, {memory + 4, memory + 1, ADADELTA_ERROR_OVERLAP},
        {memory + 2, memory + 3, ADADELTA_ERROR_OVERLAP}, {memory + 3, memory + 2, ADADELTA_ERROR_OVERLAP},
        {memory, memory + 4, ADADELTA_ERROR_OVERLAP},
    };
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.square_avg = cases[i].v;
        options.acc_delta = cases[i].u;
        refused(2, x, bowl, &options, cases[i].status);
        assert_memory_equal(memory, before, sizeof memory);
    }
    options.square_avg = memory + 2;
    options.acc_delta = memory + 4;
    for (int i = 0; i < 6; i++) {
        double *place = &memory[2 + i % 2 * 3];
        const double good = *place;
        *place = bad[i / 2];
        refused(2, x, bowl, &options, ADADELTA_ERROR_ARGUMENT);
        *place = good;
        assert_memory_equal(memory, before, sizeof memory);
    }
}

static void want_of_memory_changes_nothing(void **state)
{
    (void)state;
    double x[2] = {1, 2};
    if (!REPLACED)
        skip();
    memory_gone = 1;
    refused(2, x, bowl, NULL, ADADELTA_ERROR_MEMORY);
    memory_gone = 0;
    assert_true(x[0] == 1 && x[1] == 2);
}

/* Remembers how many allocations there were at the first call and at the last. */
static int note_allocations(const struct adadelta_minimize_progress *now, void *context)
{
    long *noted = context;
    noted[now->iteration != 0] = allocations;
    return 0;
}

static void memory_is_taken_at_the_start_only(void **state)
{
    (void)state;
    double x[2] = {1, 2};
    uint64_t calls = 0;
    long noted[2] = {-1, -1}, before = allocations;
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    if (!REPLACED)
        skip();
    options.max_iterations = 50;
    options.progress = note_allocations;
    options.progress_context = noted;
    assert_int_equal(adadelta_minimize(2, x, bowl, &calls, &options, NULL), ADADELTA_OK);
    assert_true(calls == 51 && noted[0] == before + 1 && noted[1] == noted[0] && allocations == noted[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_change_nothing), cmocka_unit_test(wrong_options_change_nothing),
        cmocka_unit_test(wrong_schedules_change_nothing), cmocka_unit_test(wrong_state_changes_nothing),
        cmocka_unit_test(want_of_memory_changes_nothing), cmocka_unit_test(memory_is_taken_at_the_start_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
