/* SPDX-License-Identifier: MIT */
/* Sparse gradients that name a row that is not there, or hold what cannot be stepped with: nothing changes, and the
   next step finds everything as if they had never been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "gradients.h"

enum { ROWS = 6, WIDTH = 3, N = ROWS * WIDTH, COUNT = 5, TENSORS = 4, BEFORE = 0, MIDDLE = 1, DENSE = 2, AFTER = 3 };

static const char *const names[TENSORS] = {"before", "middle", "dense", "after"};
static const size_t good[COUNT] = {4, 1, 4, 5, 1};

/* Three tensors with sparse gradients, the second of them put to the test, and a dense one. */
struct fixture {
    struct adadelta *optimizer;
    size_t list[COUNT];
    float x[TENSORS][N], g[TENSORS][N];
};

/* Whoever uses this after its release is found out. */
static void *take(size_t size, size_t alignment, void *context)
{
    (void)alignment, (void)context;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void release(void *memory, size_t size, void *context)
{
    (void)context;
    assert_int_equal(munmap(memory, size), 0);
}

static void build(struct fixture *f, enum adadelta_duplicates duplicates)
{
    const struct adadelta_options options = {
        .method = ADADELTA_METHOD_ADAMW, .threads = 1, .allocator = {take, release, NULL}};
    uint64_t seed = 8;
    f->optimizer = new_optimizer(options, NULL);
    memcpy(f->list, good, sizeof good);
    set_gradients(f->optimizer, (struct adadelta_gradients){.scale = 1, .duplicates = duplicates});
    for (size_t k = 0; k < TENSORS; k++) {
        for (size_t i = 0; i < N; i++) {
            f->x[k][i] = (float)random_magnitude(&seed, -1, 1);
            f->g[k][i] = (float)random_magnitude(&seed, -3, 3);
        }
        add_tensor(f->optimizer, &(struct adadelta_tensor){.name = names[k],
                                                           .ndim = 2,
                                                           .shape = {ROWS, WIDTH},
                                                           .values = f->x[k],
                                                           .gradient = f->g[k],
                                                           .max_rows = k == DENSE ? 0 : COUNT});
    }
    OK(adadelta_set_rows(f->optimizer, BEFORE, COUNT, good, f->g[BEFORE]));
    OK(adadelta_set_rows(f->optimizer, MIDDLE, COUNT, f->list, f->g[MIDDLE]));
    OK(adadelta_set_rows(f->optimizer, AFTER, COUNT, good, f->g[AFTER]));
    OK(adadelta_step(f->optimizer));
}

/* Steps both and compares. */
static void check_goes_on(struct fixture *f, struct fixture *twin)
{
    OK(adadelta_step(f->optimizer));
    OK(adadelta_step(twin->optimizer));
    assert_true(hold_the_same(f->optimizer, twin->optimizer));
    OK(adadelta_step_rows(f->optimizer, MIDDLE, COUNT, good, f->g[MIDDLE]));
    OK(adadelta_step_rows(twin->optimizer, MIDDLE, COUNT, good, twin->g[MIDDLE]));
    assert_true(hold_the_same(f->optimizer, twin->optimizer));
}

/* Both ways to step fail so, with nothing changed. */
static void check_refused(struct fixture *f, enum adadelta_status expected)
{
    struct snapshot before = take_snapshot(f->optimizer);
    for (int alone = 0; alone < 2; alone++) {
        assert_int_equal(alone ? adadelta_step_rows(f->optimizer, MIDDLE, COUNT, f->list, f->g[MIDDLE])
                               : adadelta_step(f->optimizer),
                         expected);
        assert_non_null(strstr(adadelta_error_text(f->optimizer), "'middle'"));
        assert_said(f->optimizer);
        assert_true(holds(f->optimizer, &before));
    }
    free(before.bytes);
}

/* ---- Rows that are not there ---- */

static void a_row_that_does_not_exist(void **state)
{
    (void)state;
    const size_t bad[] = {ROWS, ROWS + 1, SIZE_MAX, SIZE_MAX / WIDTH + 1};
    struct fixture f, twin;
    for (int policy = ADADELTA_NONFINITE_RAISE; policy <= ADADELTA_NONFINITE_PROPAGATE; policy++) {
        build(&f, ADADELTA_DUPLICATES_SUM);
        build(&twin, ADADELTA_DUPLICATES_SUM);
        set_gradients(f.optimizer,
                      (struct adadelta_gradients){.scale = 1, .nonfinite = (enum adadelta_nonfinite)policy});
        for (size_t j = 0; j < COUNT; j++)
            for (size_t b = 0; b < LENGTH(bad); b++) {
                f.list[j] = bad[b];
                check_refused(&f, ADADELTA_ERROR_ROW);
                f.list[j] = good[j];
                check_goes_on(&f, &twin);
            }
        assert_true(adadelta_skip_count(f.optimizer) == 0 && stats_of(f.optimizer, MIDDLE).skipped == 0);
        adadelta_destroy(f.optimizer);
        adadelta_destroy(twin.optimizer);
    }
}

static void more_rows_than_max_rows(void **state)
{
    (void)state;
    const size_t six[COUNT + 1] = {0, 1, 2, 3, 4, 5};
    float g[(COUNT + 1) * WIDTH] = {0};
    struct fixture f, twin;
    build(&f, ADADELTA_DUPLICATES_SUM);
    build(&twin, ADADELTA_DUPLICATES_SUM);
    struct snapshot before = take_snapshot(f.optimizer);
    assert_int_equal(adadelta_step_rows(f.optimizer, MIDDLE, COUNT + 1, six, g), ADADELTA_ERROR_ROW);
    assert_said(f.optimizer);
    assert_int_equal(adadelta_set_rows(f.optimizer, MIDDLE, COUNT + 1, six, g), ADADELTA_ERROR_ROW);
    assert_said(f.optimizer);
    assert_int_equal(adadelta_step_rows(f.optimizer, DENSE, 1, six, g), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_set_rows(f.optimizer, DENSE, 1, six, g), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_set_rows(f.optimizer, MIDDLE, SIZE_MAX, six, g), ADADELTA_ERROR_ROW);
    assert_true(holds(f.optimizer, &before));
    check_goes_on(&f, &twin);
    free(before.bytes);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(twin.optimizer);
}

/* ---- Gradients that cannot be stepped with ---- */

static void check_spoilt(struct fixture *f, struct fixture *twin, size_t at, float value)
{
    const float was = f->g[MIDDLE][at];
    struct adadelta_gradients how;
    OK(adadelta_get_gradients(f->optimizer, &how));
    f->g[MIDDLE][at] = value;
    check_refused(f, ADADELTA_ERROR_NONFINITE);
    how.nonfinite = ADADELTA_NONFINITE_SKIP;
    set_gradients(f->optimizer, how);
    struct snapshot before = take_snapshot(f->optimizer);
    const uint64_t skips = adadelta_skip_count(f->optimizer), skipped = stats_of(f->optimizer, MIDDLE).skipped;
    OK(adadelta_step(f->optimizer));
    OK(adadelta_step_rows(f->optimizer, MIDDLE, COUNT, f->list, f->g[MIDDLE]));
    assert_true(holds(f->optimizer, &before));
    assert_true(adadelta_skip_count(f->optimizer) == skips + 1);
    assert_true(stats_of(f->optimizer, MIDDLE).skipped == skipped + 2);
    how.nonfinite = ADADELTA_NONFINITE_RAISE;
    set_gradients(f->optimizer, how);
    f->g[MIDDLE][at] = was;
    check_goes_on(f, twin);
    free(before.bytes);
}

static void not_finite_in_one_row(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, 1.85e19F, -3e38F};
    for (int duplicates = ADADELTA_DUPLICATES_SUM; duplicates <= ADADELTA_DUPLICATES_IN_ORDER; duplicates++) {
        struct fixture f, twin;
        build(&f, (enum adadelta_duplicates)duplicates);
        build(&twin, (enum adadelta_duplicates)duplicates);
        for (size_t at = 0; at < (size_t)COUNT * WIDTH; at++)
            for (size_t b = 0; b < LENGTH(bad); b++)
                check_spoilt(&f, &twin, at, bad[b]);
        adadelta_destroy(f.optimizer);
        adadelta_destroy(twin.optimizer);
    }
}

/* Numbers that are good by themselves, but not as a sum; one after the other they are. */
static void a_sum_that_overflows(void **state)
{
    (void)state;
    const float halves[] = {1e19F, -1e19F, 1.8e19F};
    for (size_t i = 0; i < LENGTH(halves); i++) {
        struct fixture f;
        build(&f, ADADELTA_DUPLICATES_SUM);
        f.g[MIDDLE][2 * WIDTH - 1] = f.g[MIDDLE][5 * WIDTH - 1] = halves[i]; /* of row 1 */
        check_refused(&f, ADADELTA_ERROR_NONFINITE);
        set_gradients(f.optimizer, (struct adadelta_gradients){.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER});
        OK(adadelta_step(f.optimizer));
        adadelta_destroy(f.optimizer);
    }
    /* To infinity, by way of float: no bound of clipping makes a number of that, but a row of opposites is one. */
    struct fixture f;
    build(&f, ADADELTA_DUPLICATES_SUM);
    set_gradients(f.optimizer, (struct adadelta_gradients){.scale = 1, .clip_value = 1, .clip_norm = 1});
    f.g[MIDDLE][0] = f.g[MIDDLE][2 * WIDTH] = 3e38F; /* of row 4 */
    check_refused(&f, ADADELTA_ERROR_NONFINITE);
    f.g[MIDDLE][2 * WIDTH] = -3e38F;
    OK(adadelta_step(f.optimizer));
    adadelta_destroy(f.optimizer);
}

/* Rows that are not named are not looked at, and a tensor that names none takes no part, not even in what is skipped.
 */
static void what_is_not_named_is_not_looked_at(void **state)
{
    (void)state;
    struct fixture f;
    build(&f, ADADELTA_DUPLICATES_SUM);
    for (size_t i = (size_t)COUNT * WIDTH; i < N; i++)
        f.g[MIDDLE][i] = NAN; /* behind the last row named */
    OK(adadelta_step(f.optimizer));
    OK(adadelta_set_rows(f.optimizer, MIDDLE, 0, NULL, f.g[MIDDLE]));
    f.g[MIDDLE][0] = NAN;
    OK(adadelta_step(f.optimizer));
    assert_true(stats_of(f.optimizer, MIDDLE).steps == 2 && stats_of(f.optimizer, BEFORE).steps == 3);
    f.g[DENSE][0] = NAN;
    set_gradients(f.optimizer, (struct adadelta_gradients){.scale = 1, .nonfinite = ADADELTA_NONFINITE_SKIP});
    OK(adadelta_step(f.optimizer));
    assert_true(adadelta_skip_count(f.optimizer) == 1);
    assert_true(stats_of(f.optimizer, MIDDLE).skipped == 0 && stats_of(f.optimizer, BEFORE).skipped == 1);
    adadelta_destroy(f.optimizer);
}

/* ---- What a sparse gradient is for how long ---- */

/* The arrays are looked at by each step anew. */
static void lists_may_be_refilled(void **state)
{
    (void)state;
    const size_t lists[3][COUNT] = {{0, 0, 0, 0, 0}, {5, 4, 3, 2, 1}, {2, 3, 2, 3, 5}};
    struct fixture f, twin;
    build(&f, ADADELTA_DUPLICATES_SUM);
    build(&twin, ADADELTA_DUPLICATES_SUM);
    OK(adadelta_set_buffers(twin.optimizer, MIDDLE, twin.x[MIDDLE], NULL));
    for (int t = 0; t < 3; t++) {
        memcpy(f.list, lists[t], sizeof f.list);
        f.g[MIDDLE][t] += 1;
        OK(adadelta_step(f.optimizer));
        OK(adadelta_step_rows(twin.optimizer, MIDDLE, COUNT, f.list, f.g[MIDDLE]));
        OK(adadelta_step(twin.optimizer));
        assert_true(hold_the_same(f.optimizer, twin.optimizer));
    }
    adadelta_destroy(f.optimizer);
    adadelta_destroy(twin.optimizer);
}

/* A clone has the sparse gradient, and lists of its own. */
static void clones_have_the_rows(void **state)
{
    (void)state;
    struct fixture f, twin;
    struct adadelta *clone;
    build(&f, ADADELTA_DUPLICATES_IN_ORDER);
    build(&twin, ADADELTA_DUPLICATES_IN_ORDER);
    OK(adadelta_clone(f.optimizer, &clone));
    adadelta_destroy(f.optimizer);
    f.optimizer = clone;
    check_goes_on(&f, &twin);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(twin.optimizer);
}

/* Registered rows are as they were after a step of that tensor alone, dense or with others, which does not look at
   them. */
static void registered_rows_stay(void **state)
{
    (void)state;
    const size_t other[] = {0, 5};
    const float spoilt[COUNT * WIDTH] = {NAN};
    struct fixture f, twin;
    build(&f, ADADELTA_DUPLICATES_SUM);
    build(&twin, ADADELTA_DUPLICATES_SUM);
    OK(adadelta_set_rows(f.optimizer, AFTER, COUNT, good, spoilt));
    OK(adadelta_set_buffers(twin.optimizer, AFTER, twin.x[AFTER], NULL));
    for (int k = 0; k < 2; k++) {
        struct fixture *each = k ? &twin : &f;
        OK(adadelta_step_tensor(each->optimizer, AFTER, each->g[AFTER]));
        OK(adadelta_step_rows(each->optimizer, AFTER, 2, other, each->g[AFTER]));
        OK(adadelta_step_rows(each->optimizer, AFTER, 0, NULL, NULL));
    }
    assert_true(hold_the_same(f.optimizer, twin.optimizer));
    assert_int_equal(adadelta_step(f.optimizer), ADADELTA_ERROR_NONFINITE);
    OK(adadelta_set_rows(f.optimizer, AFTER, COUNT, good, f.g[AFTER]));
    OK(adadelta_set_rows(twin.optimizer, AFTER, COUNT, good, twin.g[AFTER]));
    check_goes_on(&f, &twin);
    adadelta_destroy(f.optimizer);
    adadelta_destroy(twin.optimizer);
}

/* Row numbers that a step would write over. */
static void rows_must_not_overlap_values(void **state)
{
    (void)state;
    union {
        double x[4];
        size_t rows[4];
    } own = {.rows = {1, 0, 2, 3}}, other = {.rows = {0, 1, 2, 3}};
    const double g[2] = {1, 1};
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, NULL);
    add_tensor(optimizer,
               &(struct adadelta_tensor){
                   .name = "own", .dtype = ADADELTA_F64, .ndim = 1, .shape = {4}, .values = own.x, .max_rows = 4});
    add_tensor(optimizer, &(struct adadelta_tensor){
                              .name = "other", .dtype = ADADELTA_F64, .ndim = 1, .shape = {4}, .values = other.x});
    assert_int_equal(adadelta_step_rows(optimizer, 0, 2, own.rows, g), ADADELTA_ERROR_OVERLAP);
    assert_int_equal(adadelta_set_rows(optimizer, 0, 2, own.rows, g), ADADELTA_ERROR_OVERLAP);
    assert_int_equal(adadelta_set_rows(optimizer, 0, 2, other.rows, g), ADADELTA_ERROR_OVERLAP);
    assert_true(own.rows[0] == 1 && own.rows[1] == 0 && other.rows[0] == 0);
    adadelta_destroy(optimizer);
}

/* A sparse gradient is not handed out as if it had an element for each parameter. */
static void a_sparse_gradient_is_not_read_back(void **state)
{
    (void)state;
    struct fixture f;
    struct adadelta_tensor tensor;
    build(&f, ADADELTA_DUPLICATES_SUM);
    OK(adadelta_set_rows(f.optimizer, AFTER, COUNT, good, f.g[AFTER]));
    OK(adadelta_get_tensor(f.optimizer, AFTER, &tensor));
    assert_null(tensor.gradient);
    OK(adadelta_set_buffers(f.optimizer, AFTER, f.x[AFTER], f.g[AFTER]));
    OK(adadelta_get_tensor(f.optimizer, AFTER, &tensor));
    assert_ptr_equal(tensor.gradient, f.g[AFTER]);
    adadelta_destroy(f.optimizer);
}

/* Rows of no elements, and no rows at all. */
static void empty_tensors(void **state)
{
    (void)state;
    const size_t list[3] = {1, 0, 1}, missing = 2;
    struct fixture f;
    float x[1] = {0}, g[1] = {1};
    build(&f, ADADELTA_DUPLICATES_SUM);
    add_tensor(f.optimizer, &(struct adadelta_tensor){.name = "no width", .ndim = 2, .shape = {2, 0}, .max_rows = 3});
    add_tensor(f.optimizer, &(struct adadelta_tensor){.name = "no rows", .ndim = 2, .shape = {0, 4}, .max_rows = 3});
    add_tensor(f.optimizer, &(struct adadelta_tensor){
                                .name = "one", .ndim = 1, .shape = {1}, .values = x, .gradient = g, .max_rows = 1});
    set_gradients(f.optimizer, (struct adadelta_gradients){.scale = 1, .clip_norm = 1});
    OK(adadelta_set_rows(f.optimizer, TENSORS, 3, list, g));
    OK(adadelta_set_rows(f.optimizer, TENSORS + 1, 0, NULL, g));
    OK(adadelta_step(f.optimizer));
    assert_int_equal(adadelta_step_rows(f.optimizer, TENSORS, 1, &missing, g), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_step_rows(f.optimizer, TENSORS + 1, 1, list + 1, g), ADADELTA_ERROR_ROW);
    OK(adadelta_step_rows(f.optimizer, TENSORS, 3, list, g));
    OK(adadelta_step_rows(f.optimizer, TENSORS + 1, 0, list, g));
    OK(adadelta_step_rows(f.optimizer, TENSORS + 2, 1, list + 1, g));
    assert_true(x[0] != 0 && stats_of(f.optimizer, TENSORS + 1).steps == 0);
    adadelta_destroy(f.optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_that_does_not_exist),
        cmocka_unit_test(more_rows_than_max_rows),
        cmocka_unit_test(not_finite_in_one_row),
        cmocka_unit_test(a_sum_that_overflows),
        cmocka_unit_test(what_is_not_named_is_not_looked_at),
        cmocka_unit_test(lists_may_be_refilled),
        cmocka_unit_test(clones_have_the_rows),
        cmocka_unit_test(registered_rows_stay),
        cmocka_unit_test(a_sparse_gradient_is_not_read_back),
        cmocka_unit_test(rows_must_not_overlap_values),
        cmocka_unit_test(empty_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
