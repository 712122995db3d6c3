/* SPDX-License-Identifier: MIT */
/* What is changed between two steps counts from the next one on, whatever the optimizer keeps from step to step. Each
 * change is followed with adadelta_update_f32, which keeps nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <adadelta.h>

enum { ROWS = 3, COLUMNS = 4, N = ROWS * COLUMNS };

static const struct adadelta_hyper first = {.lr = 1, .rho = 0.9, .eps = 1e-4};
static const struct adadelta_hyper other = {.lr = 0.5, .rho = 0.5, .eps = 1e-2, .weight_decay = 0.25};

/* An optimizer of one tensor, and beside it the arrays that follow. */
struct pair {
    struct adadelta *optimizer;
    float x[N], g[N], other_g[N];
    struct {
        float x[N], v[N], u[N];
    } follower;
};

static void fill(float *a, float scale)
{
    for (int i = 0; i < N; i++)
        a[i] = scale * (float)(i + 1 - 3 * (i % 4));
}

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    const struct adadelta_options options = {.method = ADADELTA_METHOD_ADADELTA, .threads = 1};
    fill(pair->x, 1);
    fill(pair->g, 0.125f);
    fill(pair->other_g, -0.5f);
    memcpy(pair->follower.x, pair->x, sizeof pair->x);
    const struct adadelta_tensor tensor = {
        .name = "x", .ndim = 2, .shape = {ROWS, COLUMNS}, .values = pair->x, .gradient = pair->g, .max_rows = ROWS};
    int failed = adadelta_create(&options, &pair->optimizer) || adadelta_add_group(pair->optimizer, &first, NULL) ||
                 adadelta_add_tensor(pair->optimizer, 0, &tensor, NULL);
    *state = pair;
    return failed ? -1 : 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    adadelta_destroy(pair->optimizer);
    free(pair);
    return 0;
}

/* The follower's step on the elements begin .. end - 1, and the proof that the optimizer is where it is. */
static void follow_part(struct pair *pair, const float *g, const struct adadelta_hyper *hyper, size_t begin, size_t end)
{
    assert_int_equal(adadelta_update_f32(end - begin, pair->follower.x + begin, g, pair->follower.v + begin,
                                         pair->follower.u + begin, hyper),
                     ADADELTA_OK);
    assert_memory_equal(pair->x, pair->follower.x, sizeof pair->x);
}

static void follow(struct pair *pair, const float *g, const struct adadelta_hyper *hyper)
{
    follow_part(pair, g, hyper, 0, N);
}

static void step(struct pair *pair)
{
    assert_int_equal(adadelta_step(pair->optimizer), ADADELTA_OK);
}

/* Two, so that what is kept is in use. */
static void first_steps(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        step(pair);
        follow(pair, pair->g, &first);
    }
}

static void test_hyper(void **state)
{
    struct pair *pair = *state;
    first_steps(pair);
    assert_int_equal(adadelta_set_hyper(pair->optimizer, 0, &other), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &other);
}

static void test_own_hyper(void **state)
{
    struct pair *pair = *state;
    first_steps(pair);
    assert_int_equal(adadelta_set_tensor_hyper(pair->optimizer, 0, &other), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &other);
    assert_int_equal(adadelta_set_tensor_hyper(pair->optimizer, 0, NULL), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &first);
}

static void test_scale(void **state)
{
    struct pair *pair = *state;
    struct adadelta_gradients gradients = adadelta_gradients_default();
    first_steps(pair);
    gradients.scale = 0.25;
    assert_int_equal(adadelta_set_gradients(pair->optimizer, &gradients), ADADELTA_OK);
    step(pair);
    float scaled[N];
    for (int i = 0; i < N; i++)
        scaled[i] = 4 * pair->g[i];
    follow(pair, scaled, &first);
}

/* A bound on the norm, which is far below it, is made of each step's gradient, and gone when it is taken away. */
static void test_norm(void **state)
{
    struct pair *pair = *state;
    struct adadelta_gradients gradients = adadelta_gradients_default(), bounded = gradients;
    bounded.clip_global_norm = 1e-3;
    first_steps(pair);
    assert_int_equal(adadelta_set_gradients(pair->optimizer, &bounded), ADADELTA_OK);
    step(pair);
    assert_memory_not_equal(pair->x, pair->follower.x, sizeof pair->x);
    memcpy(pair->follower.x, pair->x, sizeof pair->x);
    void *v, *u;
    assert_int_equal(adadelta_state(pair->optimizer, 0, "square_avg", &v), ADADELTA_OK);
    assert_int_equal(adadelta_state(pair->optimizer, 0, "acc_delta", &u), ADADELTA_OK);
    memcpy(pair->follower.v, v, sizeof pair->x);
    memcpy(pair->follower.u, u, sizeof pair->x);
    assert_int_equal(adadelta_set_gradients(pair->optimizer, &gradients), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &first);
}

static double halves(uint64_t count, void *context)
{
    (void)context;
    return count < 2 ? 1 : 0.5;
}

static void test_rate(void **state)
{
    struct pair *pair = *state;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    struct adadelta_hyper halved = first;
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = halves;
    assert_int_equal(adadelta_set_schedule(pair->optimizer, &schedule), ADADELTA_OK);
    first_steps(pair);
    halved.lr = 0.5;
    step(pair);
    follow(pair, pair->g, &halved);
}

static void test_buffers(void **state)
{
    struct pair *pair = *state;
    first_steps(pair);
    assert_int_equal(adadelta_set_buffers(pair->optimizer, 0, pair->x, pair->other_g), ADADELTA_OK);
    step(pair);
    follow(pair, pair->other_g, &first);
    assert_int_equal(adadelta_set_buffers(pair->optimizer, 0, pair->x, NULL), ADADELTA_OK);
    step(pair);
    assert_memory_equal(pair->x, pair->follower.x, sizeof pair->x);
}

/* A gradient of its own for one tensor's step does not stay. */
static void test_one_tensor(void **state)
{
    struct pair *pair = *state;
    first_steps(pair);
    assert_int_equal(adadelta_step_tensor(pair->optimizer, 0, pair->other_g), ADADELTA_OK);
    follow(pair, pair->other_g, &first);
    step(pair);
    follow(pair, pair->g, &first);
}

/* Rows may be changed in place between two steps. */
static void test_rows(void **state)
{
    struct pair *pair = *state;
    size_t row = 2;
    first_steps(pair);
    assert_int_equal(adadelta_set_rows(pair->optimizer, 0, 1, &row, pair->other_g), ADADELTA_OK);
    for (int i = 0; i < 3; i++) {
        step(pair);
        follow_part(pair, pair->other_g, &first, row * COLUMNS, (row + 1) * COLUMNS);
        row = 1 - row % 2;
    }
    row = ROWS;
    assert_int_equal(adadelta_step(pair->optimizer), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_set_buffers(pair->optimizer, 0, pair->x, pair->g), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &first);
}

static void test_added(void **state)
{
    struct pair *pair = *state;
    first_steps(pair);
    float x[N] = {1}, u[N] = {0}, v[N] = {0}, y[N] = {1};
    const struct adadelta_tensor tensor = {
        .name = "y", .ndim = 1, .shape = {N}, .values = x, .gradient = pair->other_g};
    assert_int_equal(adadelta_add_tensor(pair->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &first);
    assert_int_equal(adadelta_update_f32(N, y, pair->other_g, v, u, &first), ADADELTA_OK);
    assert_memory_equal(x, y, sizeof x);
}

/* A checkpoint brings its settings along. */
static void test_loaded(void **state)
{
    struct pair *pair = *state;
    char path[] = "test_changes_XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    first_steps(pair);
    assert_int_equal(adadelta_set_hyper(pair->optimizer, 0, &other), ADADELTA_OK);
    assert_int_equal(adadelta_save(pair->optimizer, path, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_hyper(pair->optimizer, 0, &first), ADADELTA_OK);
    step(pair); /* kept: the first settings */
    assert_int_equal(adadelta_load(pair->optimizer, path, NULL), ADADELTA_OK);
    unlink(path);
    step(pair);
    follow(pair, pair->g, &other);
}

/* A copy keeps nothing of its model's: as many changes later it is where they led, and the model where it was. */
static void test_cloned(void **state)
{
    struct pair *pair = *state, copy;
    assert_int_equal(adadelta_set_hyper(pair->optimizer, 0, &first), ADADELTA_OK);
    first_steps(pair);
    copy = *pair;
    assert_int_equal(adadelta_clone(pair->optimizer, &copy.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_set_buffers(copy.optimizer, 0, copy.x, copy.g), ADADELTA_OK);
    assert_int_equal(adadelta_set_hyper(copy.optimizer, 0, &other), ADADELTA_OK);
    step(pair);
    follow(pair, pair->g, &first);
    step(&copy);
    follow(&copy, copy.g, &other);
    adadelta_destroy(copy.optimizer);
}

/* A step that a rate makes impossible for the second tensor leaves nothing of that rate with the first. */
static double once_huge(uint64_t count, void *context)
{
    (void)count;
    return (*(int *)context)++ == 1 ? 1e30 : 1;
}

static void test_failed_rate(void **state)
{
    (void)state;
    struct adadelta *optimizer;
    struct adadelta_hyper fast = first;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    float x[2] = {1, 1}, g = 0.5f, follower = 1, v = 0, u = 0;
    int calls = 0;
    fast.lr = 1e10;
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = once_huge;
    schedule.context = &calls;
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &first, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &fast, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(optimizer, &schedule), ADADELTA_OK);
    for (size_t k = 0; k < 2; k++) {
        const struct adadelta_tensor tensor = {
            .name = k ? "b" : "a", .ndim = 1, .shape = {1}, .values = &x[k], .gradient = &g};
        assert_int_equal(adadelta_add_tensor(optimizer, k, &tensor, NULL), ADADELTA_OK);
    }
    const enum adadelta_status expected[] = {ADADELTA_OK, ADADELTA_ERROR_SCHEDULE, ADADELTA_OK};
    for (size_t k = 0; k < 3; k++) {
        const float b = x[1];
        assert_int_equal(adadelta_step(optimizer), expected[k]);
        if (!expected[k])
            assert_int_equal(adadelta_update_f32(1, &follower, &g, &v, &u, &first), ADADELTA_OK);
        assert_true(x[0] == follower && (x[1] != b) == !expected[k]);
    }
    adadelta_destroy(optimizer);
}

/* The two zeros of a rate are one: a parameter of -0 stays what it is. */
static double zero(uint64_t count, void *context)
{
    (void)context;
    return count ? -0.0 : 0.0;
}

static void test_zero_rate(void **state)
{
    struct pair *pair = *state;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    const struct adadelta_gradients gradients = adadelta_gradients_default();
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = zero;
    assert_int_equal(adadelta_set_schedule(pair->optimizer, &schedule), ADADELTA_OK);
    pair->x[0] = -0.0f;
    assert_true(pair->g[0] > 0);
    for (int k = 0; k < 3; k++) {
        step(pair);
        assert_true(pair->x[0] == 0 && signbit(pair->x[0]));
        if (k)
            assert_int_equal(adadelta_set_gradients(pair->optimizer, &gradients), ADADELTA_OK);
    }
}

/* ---- Whatever happens, against an optimizer that is told its settings anew before every step ---- */

enum { PLAYS = 12 };

static double play_rate(uint64_t count, void *context)
{
    (void)context;
    return count % 5 == 4 ? 0.25 : 1;
}

/* What happens before step number k. */
static void play(struct adadelta *optimizer, int k, int averages, float *g)
{
    struct adadelta_schedule schedule = adadelta_schedule_default();
    g[0] = k == 6 ? NAN : 0.5f;
    if (k == 3)
        assert_int_equal(adadelta_set_measuring(optimizer, 1), ADADELTA_OK);
    if (k == 5)
        assert_int_equal(adadelta_set_measuring(optimizer, 0), ADADELTA_OK);
    if (averages && k == 7)
        assert_int_equal(adadelta_restart_averages(optimizer), ADADELTA_OK);
    if (k == 8) {
        schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
        schedule.rate = play_rate;
        assert_int_equal(adadelta_set_schedule(optimizer, &schedule), ADADELTA_OK);
    }
    if (averages && (k == 9 || k == 10))
        assert_int_equal(adadelta_swap_averages(optimizer), ADADELTA_OK);
}

struct stage {
    struct adadelta *optimizer;
    float x[2][N], g[2][N];
};

static void build(struct stage *stage, enum adadelta_method method, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .averaging = averaging, .average_decay = 0.75};
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.nonfinite = ADADELTA_NONFINITE_SKIP;
    gradients.clip_norm = 1;
    assert_int_equal(adadelta_create(&options, &stage->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(stage->optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(stage->optimizer, &gradients), ADADELTA_OK);
    for (size_t k = 0; k < 2; k++) {
        const struct adadelta_tensor tensor = {
            .name = k ? "b" : "a", .ndim = 1, .shape = {N}, .values = stage->x[k], .gradient = stage->g[k]};
        fill(stage->x[k], 1);
        fill(stage->g[k], k ? 0.125f : -0.25f);
        assert_int_equal(adadelta_add_tensor(stage->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
}

static void assert_alike(const struct stage *a, const struct stage *b)
{
    struct adadelta_tensor left, right;
    assert_memory_equal(a->x, b->x, sizeof a->x);
    for (size_t k = 0; k < 2; k++) {
        for (size_t part = 0; !adadelta_get_state(a->optimizer, k, part, &left); part++) {
            assert_int_equal(adadelta_get_state(b->optimizer, k, part, &right), ADADELTA_OK);
            assert_memory_equal(left.values, right.values, N * sizeof(float));
        }
    }
}

static void test_everything(void **state)
{
    (void)state;
    static const enum adadelta_averaging averagings[] = {ADADELTA_AVERAGING_NONE, ADADELTA_AVERAGING_EXPONENTIAL,
                                                         ADADELTA_AVERAGING_POLYAK};
    for (int method = 0; method < ADADELTA_METHOD_COUNT; method++) {
        for (size_t a = 0; a < sizeof averagings / sizeof *averagings; a++) {
            struct stage kept, told;
            struct adadelta_gradients gradients;
            build(&kept, (enum adadelta_method)method, averagings[a]);
            build(&told, (enum adadelta_method)method, averagings[a]);
            for (int k = 0; k < PLAYS; k++) {
                play(kept.optimizer, k, a > 0, kept.g[0]);
                play(told.optimizer, k, a > 0, told.g[0]);
                assert_int_equal(adadelta_get_gradients(told.optimizer, &gradients), ADADELTA_OK);
                assert_int_equal(adadelta_set_gradients(told.optimizer, &gradients), ADADELTA_OK);
                assert_int_equal(adadelta_step(kept.optimizer), adadelta_step(told.optimizer));
                assert_alike(&kept, &told);
            }
            assert_true(adadelta_skip_count(kept.optimizer) == 1 && kept.x[0][0] != 1);
            adadelta_destroy(kept.optimizer);
            adadelta_destroy(told.optimizer);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_rate),
        cmocka_unit_test(test_everything),
        TEST(test_hyper),
        TEST(test_own_hyper),
        TEST(test_scale),
        TEST(test_norm),
        TEST(test_rate),
        TEST(test_zero_rate),
        TEST(test_buffers),
        TEST(test_one_tensor),
        TEST(test_rows),
        TEST(test_added),
        TEST(test_loaded),
        TEST(test_cloned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
