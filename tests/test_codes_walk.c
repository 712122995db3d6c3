/* SPDX-License-Identifier: MIT */
/*
 * On what state in codes does not depend: whether a step's gradient is dense or names rows, how many threads there are,
 * what else a step finds out or keeps, and how the parameters beside it are stored. And duplicate rows, whose turns
 * have chances of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codes.h"

#define OK(call) assert_int_equal(call, ADADELTA_OK)

enum { SEED = 5 };

static struct adadelta *new_optimizer(const struct code_type *type, int threads, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {
        .threads = threads, .seed = SEED, .state_dtype = type->dtype, .averaging = averaging, .average_decay = 0.9};
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0.95, .eps = 1e-6, .weight_decay = 0.01};
    struct adadelta *optimizer;
    OK(adadelta_create(&options, &optimizer));
    OK(adadelta_add_group(optimizer, &hyper, NULL));
    return optimizer;
}

static void set_duplicates(struct adadelta *optimizer, enum adadelta_duplicates duplicates)
{
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.duplicates = duplicates;
    OK(adadelta_set_gradients(optimizer, &gradients));
}

static void *new_floats(size_t n)
{
    void *array = calloc(n + 1, sizeof(float));
    assert_non_null(array);
    return array;
}

/* Gradients, or parameters that are numbers of BF16, too. */
static void fill(float *array, size_t n, uint64_t seed, int low, int high)
{
    for (size_t i = 0; i < n; i++)
        array[i] = float_of_bits(bits_of_float((float)random_magnitude(&seed, low, high)) & 0xffff0000);
}

static void expect_same_codes(struct adadelta *a, struct adadelta *b, size_t index, size_t bytes)
{
    static const char *const names[STATES] = {"square_avg", "acc_delta"};
    void *left, *right;
    for (int k = 0; k < STATES; k++) {
        OK(adadelta_state(a, index, names[k], &left));
        OK(adadelta_state(b, index, names[k], &right));
        assert_memory_equal(left, right, bytes);
    }
}

/* ---- Rows ---- */

enum { ROOM = 9000 };

/* A matrix of the library's, and the oracle's beside it. */
struct matrix {
    struct adadelta *optimizer;
    size_t rows, width;
    float x[ROOM], other_x[ROOM];
    uint16_t other_codes[STATES][ROOM];
    struct code_tensor oracle;
};

static void start(struct matrix *m, const struct code_type *type, size_t rows, size_t width, size_t max_rows)
{
    const struct adadelta_tensor tensor = {
        .name = "table", .ndim = 2, .shape = {rows, width}, .values = m->x, .max_rows = max_rows};
    m->optimizer = new_optimizer(type, 1, ADADELTA_AVERAGING_NONE);
    m->rows = rows;
    m->width = width;
    fill(m->x, rows * width, 3, -3, 1);
    memcpy(m->other_x, m->x, sizeof m->x);
    memset(m->other_codes, 0, sizeof m->other_codes);
    OK(adadelta_add_tensor(m->optimizer, 0, &tensor, NULL));
    m->oracle = (struct code_tensor){.type = type,
                                     .dtype = ADADELTA_F32,
                                     .seed = SEED,
                                     .name = "table",
                                     .n = rows * width,
                                     .x = m->other_x,
                                     .codes = {m->other_codes[V], m->other_codes[U]}};
}

/* The oracle's step on rows, each with its turn's chance; every row's gradient is named once a turn. */
static void follow_rows(struct matrix *m, size_t count, const size_t *rows, const uint64_t *turns, const float *g)
{
    struct adadelta_hyper hyper;
    const struct adadelta_gradients gradients = adadelta_gradients_default();
    OK(adadelta_get_hyper(m->optimizer, 0, &hyper));
    const struct code_step step = code_step_of(m->oracle.type, &hyper, 1, &gradients);
    for (size_t j = 0; j < count; j++) {
        const uint64_t key = step_key(SEED, "table", m->oracle.steps);
        for (size_t k = 0; k < m->width; k++)
            step_element(&m->oracle, &step, key, turns ? turns[j] : 0, rows[j] * m->width + k,
                         (double)g[j * m->width + k]);
    }
    m->oracle.steps++;
}

static void expect_same(const struct matrix *m)
{
    static const char *const names[STATES] = {"square_avg", "acc_delta"};
    void *codes;
    assert_memory_equal(m->x, m->other_x, m->rows * m->width * sizeof(float));
    for (int k = 0; k < STATES; k++) {
        OK(adadelta_state(m->optimizer, 0, names[k], &codes));
        assert_memory_equal(codes, m->other_codes[k], m->rows * m->width * code_size(m->oracle.type));
    }
}

static const size_t widths[] = {1, 7, 33, 100, 300, 1024, 1500};

enum { WIDTHS = sizeof widths / sizeof *widths, STEPS = 4 };

/* All rows, in another order each step, and the same tensor with dense gradients. */
static void rows_or_dense_is_the_same(void **state)
{
    (void)state;
    static struct matrix a, b;
    static float g[ROOM], shuffled[ROOM];
    size_t order[ROOM];
    uint64_t seed = 7;
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (size_t w = 0; w < WIDTHS; w++) {
            const size_t rows = 4600 / widths[w], width = widths[w];
            start(&a, &code_types[t], rows, width, rows);
            start(&b, &code_types[t], rows, width, 0);
            for (int step = 0; step < STEPS; step++) {
                fill(g, rows * width, seed++, -12, 3);
                for (size_t j = 0; j < rows; j++) {
                    const size_t other = random_bits(&seed) % (j + 1);
                    order[j] = j;
                    order[j] = order[other];
                    order[other] = j;
                }
                for (size_t j = 0; j < rows; j++)
                    memcpy(shuffled + j * width, g + order[j] * width, width * sizeof *g);
                OK(adadelta_step_rows(a.optimizer, 0, rows, order, shuffled));
                OK(adadelta_step_tensor(b.optimizer, 0, g));
                expect_same_codes(a.optimizer, b.optimizer, 0, rows * width * code_size(&code_types[t]));
                assert_memory_equal(a.x, b.x, rows * width * sizeof(float));
            }
            adadelta_destroy(a.optimizer);
            adadelta_destroy(b.optimizer);
        }
}

/* Some rows, some of them twice and thrice: summed, or a step each whose chance is its turn's; others stay as they are.
 */
static void some_rows_are_the_oracle_s(void **state)
{
    (void)state;
    enum { NAMED = 5, ONCE = 3 };
    static struct matrix m;
    static float g[NAMED * 1500], sums[ONCE * 1500];
    static const uint64_t turns[NAMED] = {0, 0, 1, 0, 2};
    for (int duplicates = 0; duplicates < 2; duplicates++)
        for (size_t t = 0; t < CODE_TYPES; t++)
            for (size_t w = 0; w < WIDTHS; w++) {
                const size_t width = widths[w], rows = 9000 / width, hot = rows / 2;
                start(&m, &code_types[t], rows, width, NAMED);
                set_duplicates(m.optimizer, duplicates ? ADADELTA_DUPLICATES_IN_ORDER : ADADELTA_DUPLICATES_SUM);
                for (size_t step = 0; step < STEPS; step++) {
                    const size_t named[NAMED] = {hot, rows - 1, hot, step % hot, hot};
                    fill(g, NAMED * width, step + 40, -10, 2);
                    OK(adadelta_step_rows(m.optimizer, 0, NAMED, named, g));
                    for (size_t i = 0; i < width; i++) {
                        sums[i] = g[i] + g[2 * width + i] + g[4 * width + i];
                        sums[width + i] = g[width + i];
                        sums[2 * width + i] = g[3 * width + i];
                    }
                    if (duplicates)
                        follow_rows(&m, NAMED, named, turns, g);
                    else
                        follow_rows(&m, ONCE, (const size_t[]){hot, rows - 1, step % hot}, NULL, sums);
                    expect_same(&m);
                }
                adadelta_destroy(m.optimizer);
            }
}

/* An empty list moves nothing; a row that there is not changes nothing. */
static void no_rows_change_nothing(void **state)
{
    (void)state;
    static struct matrix m;
    static const float g[200] = {1};
    for (size_t t = 0; t < CODE_TYPES; t++) {
        start(&m, &code_types[t], 20, 100, 2);
        OK(adadelta_step_rows(m.optimizer, 0, 0, NULL, NULL));
        expect_same(&m);
        assert_int_equal(adadelta_step_rows(m.optimizer, 0, 2, (const size_t[]){1, 20}, g), ADADELTA_ERROR_ROW);
        expect_same(&m);
        adadelta_destroy(m.optimizer);
    }
}

/* ---- Threads ---- */

enum { TENSORS = 5, THREADS = 7 };

/* Large enough for several; each with its parameters' type. */
static const size_t sizes[TENSORS] = {233333, 513, 70001, 1, 40000};
static const enum adadelta_dtype dtypes[TENSORS] = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F64, ADADELTA_F32,
                                                    ADADELTA_BF16};

struct run {
    struct adadelta *optimizer;
    void *x[TENSORS];
};

static struct run run_with(const struct code_type *type, int threads, float *const g[TENSORS])
{
    struct run run = {.optimizer = new_optimizer(type, threads, ADADELTA_AVERAGING_NONE)};
    for (size_t k = 0; k < TENSORS; k++) {
        char name[8];
        snprintf(name, sizeof name, "x%zu", k);
        run.x[k] = calloc(sizes[k], sizeof(double));
        assert_non_null(run.x[k]);
        const struct adadelta_tensor tensor = {.name = name,
                                               .dtype = dtypes[k],
                                               .ndim = 1,
                                               .shape = {sizes[k]},
                                               .values = run.x[k],
                                               .gradient = g[k],
                                               .gradient_dtype = ADADELTA_F32,
                                               .weights = ADADELTA_WEIGHTS_STOCHASTIC};
        OK(adadelta_add_tensor(run.optimizer, 0, &tensor, NULL));
    }
    for (int step = 0; step < 3; step++)
        OK(adadelta_step(run.optimizer));
    return run;
}

static void end_run(struct run *run)
{
    adadelta_destroy(run->optimizer);
    for (size_t k = 0; k < TENSORS; k++)
        free(run->x[k]);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    float *g[TENSORS];
    for (size_t k = 0; k < TENSORS; k++) {
        g[k] = new_floats(sizes[k]);
        fill(g[k], sizes[k], k, -12, 3);
    }
    for (size_t t = 0; t < CODE_TYPES; t++) {
        struct run one = run_with(&code_types[t], 1, g);
        for (int threads = 2; threads <= THREADS; threads++) {
            struct run many = run_with(&code_types[t], threads, g);
            for (size_t k = 0; k < TENSORS; k++) {
                assert_memory_equal(one.x[k], many.x[k], sizes[k] * adadelta_dtype_size(dtypes[k]));
                expect_same_codes(one.optimizer, many.optimizer, k, sizes[k] * code_size(&code_types[t]));
            }
            end_run(&many);
        }
        end_run(&one);
    }
    for (size_t k = 0; k < TENSORS; k++)
        free(g[k]);
}

/* ---- What else a step does, and other parameters ---- */

enum { N = 2600 };

/* Steps with float parameters and with a BF16 half and its lower one, which together are a float; plainly, and with
   updates measured, averages kept, and gradients of 16 bits brought to floats before. */
static struct adadelta *stepped(const struct code_type *type, const struct adadelta_tensor *model, int extras,
                                void *values, const void *gradient)
{
    struct adadelta *optimizer =
        new_optimizer(type, 1, extras ? ADADELTA_AVERAGING_EXPONENTIAL : ADADELTA_AVERAGING_NONE);
    struct adadelta_tensor tensor = *model;
    tensor.name = "x";
    tensor.ndim = 1;
    tensor.shape[0] = N;
    tensor.values = values;
    tensor.gradient = gradient;
    OK(adadelta_set_measuring(optimizer, extras));
    OK(adadelta_add_tensor(optimizer, 0, &tensor, NULL));
    for (int t = 0; t < 6; t++)
        OK(adadelta_step(optimizer));
    return optimizer;
}

static void the_rest_changes_nothing(void **state)
{
    (void)state;
    static float x[N], other[N], g[N];
    static uint16_t half[N], half_g[N];
    const struct adadelta_tensor plain = {.dtype = ADADELTA_F32}, brought = {.gradient_dtype = ADADELTA_BF16},
                                 split = {.dtype = ADADELTA_BF16,
                                          .gradient_dtype = ADADELTA_F32,
                                          .weights = ADADELTA_WEIGHTS_SPLIT};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int extras = 0; extras < 2; extras++) {
            const size_t bytes = N * code_size(&code_types[t]);
            fill(x, N, 1, -3, 1);
            fill(g, N, 2, -10, 2);
            memcpy(other, x, sizeof x);
            OK(adadelta_convert(N, ADADELTA_BF16, half, ADADELTA_F32, x));
            OK(adadelta_convert(N, ADADELTA_BF16, half_g, ADADELTA_F32, g));
            struct adadelta *first = stepped(&code_types[t], &plain, 0, x, g);
            struct adadelta *second = stepped(&code_types[t], &brought, extras, other, half_g);
            struct adadelta *third = stepped(&code_types[t], &split, extras, half, g);
            assert_memory_equal(x, other, sizeof x);
            expect_same_codes(first, second, 0, bytes);
            expect_same_codes(first, third, 0, bytes);
            adadelta_destroy(first);
            adadelta_destroy(second);
            adadelta_destroy(third);
        }
}

/* The order of registration and the tensors beside it have no part in a tensor's chance; its name has. */
static void the_name_decides(void **state)
{
    (void)state;
    static float x[3][N], g[N];
    static const char *const names[] = {"one", "two", "one"};
    fill(g, N, 2, -10, 2);
    for (size_t t = 0; t < CODE_TYPES; t++) {
        const size_t bytes = N * code_size(&code_types[t]);
        void *codes[3];
        struct adadelta *alone = new_optimizer(&code_types[t], 1, ADADELTA_AVERAGING_NONE);
        struct adadelta *both = new_optimizer(&code_types[t], 1, ADADELTA_AVERAGING_NONE);
        memset(x, 0, sizeof x);
        for (size_t k = 0; k < 3; k++) {
            const struct adadelta_tensor tensor = {
                .name = names[k], .ndim = 1, .shape = {N}, .values = x[k], .gradient = g};
            OK(adadelta_add_tensor(k ? both : alone, 0, &tensor, NULL));
        }
        for (int step = 0; step < 3; step++) {
            OK(adadelta_step(alone));
            OK(adadelta_step(both));
        }
        for (size_t k = 0; k < 3; k++)
            OK(adadelta_state(k ? both : alone, k ? k - 1 : 0, "square_avg", &codes[k]));
        assert_memory_equal(codes[0], codes[2], bytes);
        assert_memory_equal(x[0], x[2], sizeof x[0]);
        assert_memory_not_equal(codes[0], codes[1], bytes);
        adadelta_destroy(alone);
        adadelta_destroy(both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_or_dense_is_the_same), cmocka_unit_test(some_rows_are_the_oracle_s),
        cmocka_unit_test(no_rows_change_nothing),    cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_rest_changes_nothing),  cmocka_unit_test(the_name_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
