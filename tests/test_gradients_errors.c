/* SPDX-License-Identifier: MIT */
/*
 * What steps of one tensor and the setters refuse, each with its own status and a line of text, and nothing changed;
 * and that no kind of step allocates, neither by the caller's allocator nor by the C library's, which is replaced by
 * one that counts where that can be done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"
#include "sanitized.h"

/* ---- Counting ---- */

static long allocations, taken; /* by malloc and its kind; by the caller's allocator */

#if defined(__GLIBC__) && !defined(SANITIZED)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}
#endif

static void *take(size_t size, size_t alignment, void *context)
{
    taken++;
    *(long *)context += 1;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void release(void *memory, size_t size, void *context)
{
    (void)size;
    *(long *)context -= 1;
    free(memory);
}

/* ---- An optimizer with everything ---- */

enum { N = 12, DENSE = 0, SPARSE = 1, TENSORS = 2 };

struct fixture {
    struct adadelta *optimizer;
    long held; /* pieces of the caller's allocator */
    float memory[2 * TENSORS + 2][N], *x[TENSORS], *g[TENSORS];
};

static const size_t rows[3] = {2, 0, 2};

static void build(struct fixture *f, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {
        .threads = 1, .averaging = averaging, .average_decay = 0.9, .allocator = {take, release, &f->held}};
    memset(f, 0, sizeof *f);
    f->optimizer = new_optimizer(options, NULL);
    for (size_t k = 0; k < TENSORS; k++) { /* before each tensor's values is some room */
        f->x[k] = f->memory[2 * k + 1];
        f->g[k] = f->memory[2 * TENSORS + k];
        for (size_t i = 0; i < N; i++) {
            f->x[k][i] = (float)i;
            f->g[k][i] = 1 + (float)(i * k);
        }
        add_tensor(f->optimizer, &(struct adadelta_tensor){.name = k ? "sparse" : "dense",
                                                           .ndim = 2,
                                                           .shape = {3, N / 3},
                                                           .values = f->x[k],
                                                           .gradient = f->g[k],
                                                           .max_rows = 3 * k});
    }
    OK(adadelta_step(f->optimizer));
}

static void finish(struct fixture *f)
{
    adadelta_destroy(f->optimizer);
    assert_true(f->held == 0);
}

/* A call that must fail so, and change nothing. */
#define REFUSE(f, status, call)                                                                                        \
    do {                                                                                                               \
        struct snapshot before = take_snapshot((f)->optimizer);                                                        \
        assert_int_equal(call, status);                                                                                \
        assert_said((f)->optimizer);                                                                                   \
        assert_true(holds((f)->optimizer, &before));                                                                   \
        free(before.bytes);                                                                                            \
    } while (0)

/* ---- Steps ---- */

static void steps_of_one_tensor_are_checked(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, ADADELTA_AVERAGING_NONE);
    struct adadelta *o = f.optimizer;
    assert_int_equal(adadelta_step_tensor(NULL, 0, f.g[0]), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_step_rows(NULL, 0, 0, rows, f.g[0]), ADADELTA_ERROR_ARGUMENT);
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_tensor(o, TENSORS, f.g[0]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_tensor(o, SIZE_MAX - 1, f.g[0]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_tensor(o, DENSE, NULL));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_step_tensor(o, DENSE, f.x[DENSE]));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_step_tensor(o, DENSE, (char *)(f.x[DENSE] + N) - 1));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_step_tensor(o, DENSE, (char *)f.x[DENSE] - sizeof f.memory[0] + 1));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_rows(o, TENSORS, 1, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_rows(o, SPARSE, 1, NULL, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_step_rows(o, SPARSE, 1, rows, NULL));
    REFUSE(&f, ADADELTA_ERROR_ROW, adadelta_step_rows(o, SPARSE, 4, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ROW, adadelta_step_rows(o, DENSE, 1, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_step_rows(o, SPARSE, 3, rows, f.x[SPARSE]));
    /* Only what a sparse gradient takes must be free of the values. */
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_step_rows(o, SPARSE, 1, rows, (char *)(f.x[SPARSE] - N / 3) + 1));
    OK(adadelta_step_rows(o, SPARSE, 1, rows, f.x[SPARSE] - N / 3));

    set_gradients(o, (struct adadelta_gradients){.scale = 1, .clip_global_norm = 1e9});
    REFUSE(&f, ADADELTA_ERROR_GLOBAL_NORM, adadelta_step_tensor(o, DENSE, f.g[0]));
    REFUSE(&f, ADADELTA_ERROR_GLOBAL_NORM, adadelta_step_rows(o, SPARSE, 1, rows, f.g[1]));
    set_gradients(o, adadelta_gradients_default());
    OK(adadelta_step_tensor(o, DENSE, f.g[0]));
    OK(adadelta_step_rows(o, SPARSE, 0, NULL, NULL));
    OK(adadelta_step_rows(o, DENSE, 0, NULL, NULL));
    assert_true(stats_of(o, SPARSE).steps == 2 && stats_of(o, DENSE).steps == 2);
    finish(&f);
}

static void averages_in_their_place_refuse_steps(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, ADADELTA_AVERAGING_POLYAK);
    OK(adadelta_swap_averages(f.optimizer));
    REFUSE(&f, ADADELTA_ERROR_SWAPPED, adadelta_step(f.optimizer));
    REFUSE(&f, ADADELTA_ERROR_SWAPPED, adadelta_step_tensor(f.optimizer, DENSE, f.g[0]));
    REFUSE(&f, ADADELTA_ERROR_SWAPPED, adadelta_step_rows(f.optimizer, SPARSE, 3, rows, f.g[1]));
    OK(adadelta_swap_averages(f.optimizer));
    OK(adadelta_step(f.optimizer));
    finish(&f);
}

static double given_rate(uint64_t step, void *context)
{
    (void)step;
    return *(double *)context;
}

/* The schedule's rate, and what becomes of lr with it in the type of each tensor, are looked at before anything moves.
 */
static void rates_are_checked(void **state)
{
    (void)state;
    const double bad[] = {-1, (double)NAN, (double)INFINITY, -(double)INFINITY, 1e39};
    struct fixture f;
    double rate = 1;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    build(&f, ADADELTA_AVERAGING_NONE);
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = given_rate;
    schedule.context = &rate;
    OK(adadelta_set_schedule(f.optimizer, &schedule));
    OK(adadelta_set_rows(f.optimizer, SPARSE, 3, rows, f.g[1]));
    for (size_t i = 0; i < LENGTH(bad); i++) {
        rate = bad[i];
        REFUSE(&f, ADADELTA_ERROR_SCHEDULE, adadelta_step(f.optimizer));
        REFUSE(&f, ADADELTA_ERROR_SCHEDULE, adadelta_step_tensor(f.optimizer, DENSE, f.g[0]));
        REFUSE(&f, ADADELTA_ERROR_SCHEDULE, adadelta_step_rows(f.optimizer, SPARSE, 3, rows, f.g[1]));
    }
    /* One tensor's lr alone leaves float: the last one's, when the others have been made ready. */
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.lr = 1e38;
    rate = 10;
    OK(adadelta_set_tensor_hyper(f.optimizer, SPARSE, &hyper));
    REFUSE(&f, ADADELTA_ERROR_SCHEDULE, adadelta_step(f.optimizer));
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_ERROR_SCHEDULE);
    assert_non_null(strstr(adadelta_error_text(f.optimizer), "'sparse'"));
    rate = 0;
    OK(adadelta_step(f.optimizer));
    /* Also where no tensor takes part. */
    for (size_t k = 0; k < TENSORS; k++)
        OK(adadelta_set_buffers(f.optimizer, k, f.x[k], NULL));
    for (size_t i = 0; i + 1 < LENGTH(bad); i++) {
        rate = bad[i];
        REFUSE(&f, ADADELTA_ERROR_SCHEDULE, adadelta_step(f.optimizer));
    }
    finish(&f);
}

/* ---- Setters ---- */

static void gradient_settings_are_checked(void **state)
{
    (void)state;
    const struct adadelta_gradients good = {2, ADADELTA_NONFINITE_SKIP, 3, 4, 5, ADADELTA_DUPLICATES_IN_ORDER};
    const struct {
        size_t field;
        double least; /* what is refused besides -1, NaN and infinities */
    } fields[] = {
        {offsetof(struct adadelta_gradients, scale), 0},
        {offsetof(struct adadelta_gradients, clip_value), -DBL_TRUE_MIN},
        {offsetof(struct adadelta_gradients, clip_norm), -DBL_TRUE_MIN},
        {offsetof(struct adadelta_gradients, clip_global_norm), -DBL_TRUE_MIN},
    };
    struct fixture f;
    struct adadelta_gradients how;
    build(&f, ADADELTA_AVERAGING_NONE);
    OK(adadelta_get_gradients(f.optimizer, &how));
    assert_true(how.scale == 1 && how.nonfinite == ADADELTA_NONFINITE_RAISE && how.clip_value == 0);
    assert_true(how.clip_norm == 0 && how.clip_global_norm == 0 && how.duplicates == ADADELTA_DUPLICATES_SUM);
    set_gradients(f.optimizer, good);
    for (size_t i = 0; i < LENGTH(fields); i++) {
        const double bad[] = {fields[i].least, -1, (double)NAN, (double)INFINITY, -(double)INFINITY};
        for (size_t b = 0; b < LENGTH(bad); b++) {
            how = good;
            memcpy((char *)&how + fields[i].field, &bad[b], sizeof bad[b]);
            REFUSE(&f, ADADELTA_ERROR_CLIP, adadelta_set_gradients(f.optimizer, &how));
        }
    }
    for (int bad = -1; bad <= 3; bad += 4) {
        how = good;
        how.nonfinite = (enum adadelta_nonfinite)bad;
        REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_gradients(f.optimizer, &how));
        how = good;
        how.duplicates = (enum adadelta_duplicates)(bad < 0 ? bad : 2);
        REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_gradients(f.optimizer, &how));
    }
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_gradients(f.optimizer, NULL));
    assert_int_equal(adadelta_set_gradients(NULL, &good), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_gradients(NULL, &how), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_gradients(f.optimizer, NULL), ADADELTA_ERROR_ARGUMENT);
    OK(adadelta_get_gradients(f.optimizer, &how));
    assert_memory_equal(&how, &good, sizeof how);
    finish(&f);
}

static void settings_of_groups_and_tensors_are_checked(void **state)
{
    (void)state;
    const struct {
        size_t field;
        double value;
        enum adadelta_status expected;
    } bad[] = {
        {offsetof(struct adadelta_hyper, lr), -1, ADADELTA_ERROR_LR},
        {offsetof(struct adadelta_hyper, lr), 1e39, ADADELTA_ERROR_LR}, /* in float */
        {offsetof(struct adadelta_hyper, rho), 1, ADADELTA_ERROR_RHO},
        {offsetof(struct adadelta_hyper, eps), 0, ADADELTA_ERROR_EPS},
        {offsetof(struct adadelta_hyper, eps), 1e-60, ADADELTA_ERROR_EPS},
        {offsetof(struct adadelta_hyper, weight_decay), (double)NAN, ADADELTA_ERROR_WEIGHT_DECAY},
        {offsetof(struct adadelta_hyper, weight_decay), 1e39, ADADELTA_ERROR_WEIGHT_DECAY},
        {offsetof(struct adadelta_hyper, momentum), 1, ADADELTA_ERROR_MOMENTUM},
        {offsetof(struct adadelta_hyper, beta1), -0.1, ADADELTA_ERROR_BETA},
        {offsetof(struct adadelta_hyper, beta2), 1, ADADELTA_ERROR_BETA},
    };
    struct fixture f;
    struct adadelta_hyper own = adadelta_hyper_default(), hyper;
    build(&f, ADADELTA_AVERAGING_NONE);
    own.lr = 0.125;
    OK(adadelta_set_tensor_hyper(f.optimizer, SPARSE, &own));
    for (size_t i = 0; i < LENGTH(bad); i++) {
        hyper = adadelta_hyper_default();
        memcpy((char *)&hyper + bad[i].field, &bad[i].value, sizeof bad[i].value);
        REFUSE(&f, bad[i].expected, adadelta_set_hyper(f.optimizer, 0, &hyper));
        for (size_t k = 0; k < TENSORS; k++)
            REFUSE(&f, bad[i].expected, adadelta_set_tensor_hyper(f.optimizer, k, &hyper));
    }
    OK(adadelta_get_tensor_hyper(f.optimizer, SPARSE, &hyper));
    assert_true(hyper.lr == 0.125);
    OK(adadelta_get_tensor_hyper(f.optimizer, DENSE, &hyper));
    assert_true(hyper.lr == 1 && hyper.rho == 0.95 && hyper.eps == 1e-6 && hyper.weight_decay == 0);
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_tensor_hyper(f.optimizer, TENSORS, &own));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_tensor_hyper(f.optimizer, TENSORS, NULL));
    assert_int_equal(adadelta_set_tensor_hyper(NULL, 0, &own), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_hyper(NULL, 0, &own), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_hyper(f.optimizer, TENSORS, &own), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_get_tensor_hyper(f.optimizer, 0, NULL), ADADELTA_ERROR_ARGUMENT);
    finish(&f);
}

static void arrays_are_checked(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, ADADELTA_AVERAGING_NONE);
    struct adadelta *o = f.optimizer;
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_rows(o, TENSORS, 1, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ROW, adadelta_set_rows(o, DENSE, 1, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ROW, adadelta_set_rows(o, SPARSE, 4, rows, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_rows(o, SPARSE, 1, NULL, f.g[1]));
    REFUSE(&f, ADADELTA_ERROR_ARGUMENT, adadelta_set_rows(o, SPARSE, 1, rows, NULL));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_set_rows(o, SPARSE, 3, rows, f.x[SPARSE]));
    REFUSE(&f, ADADELTA_ERROR_OVERLAP, adadelta_set_rows(o, SPARSE, 3, rows, f.x[DENSE]));
    assert_int_equal(adadelta_set_rows(NULL, SPARSE, 1, rows, f.g[1]), ADADELTA_ERROR_ARGUMENT);
    assert_ptr_equal(tensor_of(o, SPARSE).gradient, f.g[SPARSE]);
    struct fixture twin; /* all of them were without effect on the step */
    build(&twin, ADADELTA_AVERAGING_NONE);
    OK(adadelta_step(o));
    OK(adadelta_step(twin.optimizer));
    assert_true(hold_the_same(o, twin.optimizer));
    finish(&f);
    finish(&twin);
}

/* ---- Memory ---- */

static void no_step_allocates(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, ADADELTA_AVERAGING_EXPONENTIAL);
    struct adadelta *o = f.optimizer;
    const struct adadelta_gradients how = {
        .scale = 2, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_value = 2, .clip_norm = 1};
    const size_t missing[3] = {0, 1, 3};
    assert_true(taken > 0);
    set_gradients(o, how);
    const long before = allocations, taken_before = taken;
    enum adadelta_status status = ADADELTA_OK, expected = ADADELTA_OK;
    for (int t = 0; t < 50 && !status; t++) {
        f.g[DENSE][3] = t % 5 ? 1 : NAN;
        status = adadelta_set_measuring(o, t % 2);
        status = status ? status : adadelta_step(o);
        status = status ? status : adadelta_step_tensor(o, DENSE, f.g[DENSE]);
        status = status ? status : adadelta_step_rows(o, SPARSE, 3, rows, f.g[SPARSE]);
        status = status ? status : adadelta_set_rows(o, SPARSE, 3, missing, f.g[SPARSE]);
        expected = expected ? expected : adadelta_step(o);
        status = status ? status : adadelta_set_rows(o, SPARSE, 3, rows, f.g[SPARSE]);
        status = status ? status : adadelta_step(o);
        status = status ? status : adadelta_set_buffers(o, SPARSE, f.x[SPARSE], f.g[SPARSE]);
        status = status ? status : adadelta_swap_averages(o);
        status = status ? status : adadelta_swap_averages(o);
    }
    assert_true(allocations == before && taken == taken_before);
    OK(status);
    assert_int_equal(expected, ADADELTA_ERROR_ROW);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_one_tensor_are_checked),
        cmocka_unit_test(averages_in_their_place_refuse_steps),
        cmocka_unit_test(rates_are_checked),
        cmocka_unit_test(gradient_settings_are_checked),
        cmocka_unit_test(settings_of_groups_and_tensors_are_checked),
        cmocka_unit_test(arrays_are_checked),
        cmocka_unit_test(no_step_allocates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
