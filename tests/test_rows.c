/* SPDX-License-Identifier: MIT */
/*
 * Sparse gradients against the rule in long double: rows named once, more than once and not at all, in any order, of
 * any width. Rows that are not named keep every bit. All rows named once are a dense step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "gradients.h"

/* ---- Lists of rows ---- */

enum list { SOME, REPEATED, NONE, ALL, ONE_ROW, LISTS };

/* Fills list with at most most rows of so many; returns how many. */
static size_t draw_list(enum list kind, uint64_t *seed, size_t rows, size_t most, size_t *list)
{
    const size_t count = kind == NONE ? 0 : kind == ALL ? rows : 1 + random_bits(seed) % (kind == SOME ? rows : most);
    size_t *deck = malloc(rows * sizeof *deck);
    const size_t one = random_bits(seed) % rows;
    assert_non_null(deck);
    for (size_t i = 0; i < rows; i++) { /* shuffled from the inside out */
        const size_t k = random_bits(seed) % (i + 1);
        deck[i] = deck[k];
        deck[k] = i;
    }
    for (size_t j = 0; j < count; j++)
        list[j] = kind == ONE_ROW ? one : kind == REPEATED ? random_bits(seed) % rows : deck[j];
    free(deck);
    return count;
}

static int is_named(size_t row, size_t count, const size_t *list)
{
    for (size_t j = 0; j < count; j++)
        if (list[j] == row)
            return 1;
    return 0;
}

/* ---- Against the oracle ---- */

enum { STEPS = 3, MOST = 40, ARRAYS = 4 };

struct fixture {
    struct adadelta *optimizer;
    struct adadelta_gradients how;
    size_t rows, width, count, list[MOST];
    void *x, *g, *kept[ARRAYS]; /* copies of parameters, state and average as they were */
    struct model model;
    struct approx *average;
};

static const double decay = 0.75; /* of averages */

static const char *array_name(const struct fixture *f, size_t k)
{
    return k == 0 ? "average" : adadelta_method_state_name(f->model.method, k - 1);
}

static void build(struct fixture *f, enum adadelta_method method, enum adadelta_dtype dtype)
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = decay};
    const size_t n = f->rows * f->width;
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    hyper.weight_decay = 0.1;
    hyper.decoupled = f->how.scale != 1;
    f->optimizer = new_optimizer(options, &hyper);
    set_gradients(f->optimizer, f->how);
    f->x = random_array(dtype, n, 1, -1, 1);
    f->average = calloc(n, sizeof *f->average);
    f->model = new_model(method, dtype, &hyper, n, f->x);
    assert_non_null(f->average);
    for (size_t i = 0; i < n; i++)
        f->average[i] = f->model.x[i];
    add_tensor(
        f->optimizer,
        &(struct adadelta_tensor){
            .name = "x", .dtype = dtype, .ndim = 3, .shape = {f->rows, 1, f->width}, .values = f->x, .max_rows = MOST});
}

static void finish(struct fixture *f)
{
    adadelta_destroy(f->optimizer);
    free(f->x);
    free(f->average);
    free_model(&f->model);
}

/* The gradient of one element of the row at place j: its own, or, summed, those of the row's later places, too. */
static struct approx gradient_of(const struct fixture *f, size_t j, size_t column)
{
    const enum adadelta_dtype dtype = f->model.dtype;
    struct approx g = exact(load_element(dtype, f->g, j * f->width + column));
    for (size_t k = j + 1; k < f->count && f->how.duplicates == ADADELTA_DUPLICATES_SUM; k++)
        if (f->list[k] == f->list[j])
            g = add(g, exact(load_element(dtype, f->g, k * f->width + column)));
    return scaled_and_clipped(&f->how, g);
}

/* Whether the row at place j takes a step there. */
static int steps_at(const struct fixture *f, size_t j)
{
    return f->how.duplicates == ADADELTA_DUPLICATES_IN_ORDER || !is_named(f->list[j], j, f->list);
}

static void model_step(struct fixture *f)
{
    long double squares = 0, spread = 0; /* of the sums' own roundings */
    precision = &precisions[f->model.dtype];
    for (size_t j = 0; j < f->count; j++)
        for (size_t c = 0; c < f->width && steps_at(f, j); c++) {
            const struct approx g = gradient_of(f, j, c);
            squares += g.value * g.value;
            spread += fabsl(g.value) * g.error;
        }
    const long double shrink = shrink_to(f->how.clip_norm, sqrtl(squares));
    const double weight = f->model.steps ? 1 - decay : 1;
    for (size_t j = 0; j < f->count; j++)
        for (size_t c = 0; c < f->width && steps_at(f, j); c++) {
            const size_t i = f->list[j] * f->width + c;
            struct approx g = gradient_of(f, j, c);
            g.error += shrink == 1 ? 0 : fabsl(g.value) * spread / squares;
            model_element(&f->model, i, g, shrink, f->model.n);
        }
    f->model.steps += f->count > 0;
    for (size_t i = 0; i < f->model.n; i++) /* once, however often a row has moved */
        if (is_named(i / f->width, f->count, f->list))
            f->average[i] = add(f->average[i], mul(setting(weight, 1), sub(f->model.x[i], f->average[i])));
}

static void keep(struct fixture *f)
{
    const size_t bytes = f->model.n * element_size(f->model.dtype);
    f->kept[ARRAYS - 1] = copy_of(f->x, bytes);
    for (size_t k = 0; k <= method_states(f->model.method); k++)
        f->kept[k] = copy_of(state_of(f->optimizer, 0, array_name(f, k)), bytes);
}

/* Rows not named have every bit that they had, in every array; and frees the copies. */
static void check_kept(struct fixture *f)
{
    const size_t bytes = f->width * element_size(f->model.dtype);
    for (size_t k = 0; k < ARRAYS; k++) {
        if (k < ARRAYS - 1 && k > method_states(f->model.method))
            continue;
        const char *now = k == ARRAYS - 1 ? f->x : state_of(f->optimizer, 0, array_name(f, k));
        for (size_t row = 0; row < f->rows; row++)
            if (!is_named(row, f->count, f->list))
                assert_memory_equal(now + row * bytes, (char *)f->kept[k] + row * bytes, bytes);
        free(f->kept[k]);
    }
}

static void check_rows(struct fixture *f, enum adadelta_method method, enum adadelta_dtype dtype, enum list kind)
{
    uint64_t seed = f->rows * 1000 + f->width;
    build(f, method, dtype);
    for (int t = 0; t < STEPS; t++) {
        f->count = draw_list(kind, &seed, f->rows, MOST, f->list);
        f->g = random_array(dtype, f->count * f->width, (uint64_t)t, -3, 3);
        keep(f);
        if (t == 1) {
            OK(adadelta_set_rows(f->optimizer, 0, f->count, f->list, f->g));
            OK(adadelta_step(f->optimizer));
        } else {
            OK(adadelta_step_rows(f->optimizer, 0, f->count, f->list, f->g));
        }
        model_step(f);
        check_kept(f);
        assert_true(follows(f->optimizer, 0, &f->model));
        for (size_t i = 0; i < f->model.n; i++)
            assert_true(believable(load_element(dtype, state_of(f->optimizer, 0, "average"), i), f->average[i]));
        free(f->g);
    }
    finish(f);
}

static void rows_follow_the_rule(void **state)
{
    (void)state;
    const size_t shapes[][2] = {{1, 1}, {7, 1}, {5, 3}, {40, 70}, {3, 513}, {3, 4096}, {2, 5000}};
    const struct adadelta_gradients ways[] = {
        {.scale = 1}, {.scale = 3, .clip_value = 1.5}, {.scale = 1, .clip_norm = 4}};
    for (size_t s = 0; s < LENGTH(shapes); s++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
            for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
                for (int kind = 0; kind < LISTS; kind++)
                    for (size_t w = 0; w < 2 * LENGTH(ways); w++) {
                        /* wide rows with one method each: the oracle takes its time */
                        if (shapes[s][1] > 500 && (int)((s + w) % ADADELTA_METHOD_COUNT) != m)
                            continue;
                        struct fixture f = {.how = ways[w / 2], .rows = shapes[s][0], .width = shapes[s][1]};
                        f.how.duplicates = w % 2 ? ADADELTA_DUPLICATES_IN_ORDER : ADADELTA_DUPLICATES_SUM;
                        check_rows(&f, (enum adadelta_method)m, (enum adadelta_dtype)d, (enum list)kind);
                    }
}

/* ---- The order of what is named more than once ---- */

/* Sums that depend on the order show it: 1e8 + 1 - 1e8 is 0 in float, and 1 in every other order. */
static void duplicates_are_summed_in_order(void **state)
{
    (void)state;
    enum { WIDTH = 700 };
    const size_t list[] = {1, 2, 1, 0, 1};
    const float values[] = {1e8F, 5, 1, 7, -1e8F};
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    static float x[3 * WIDTH], g[5 * WIDTH];
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    for (size_t i = 0; i < LENGTH(g); i++)
        g[i] = values[i / WIDTH];
    add_tensor(optimizer,
               &(struct adadelta_tensor){.name = "x", .ndim = 2, .shape = {3, WIDTH}, .values = x, .max_rows = 5});
    OK(adadelta_step_rows(optimizer, 0, 5, list, g));
    for (size_t i = 0; i < LENGTH(x); i++)
        assert_true(x[i] == (i < WIDTH ? -7.0F : i < 2 * WIDTH ? 0.0F : -5.0F));
    adadelta_destroy(optimizer);
}

/* One step after the other is what the plain function does with each row in turn, bit for bit. */
static void duplicates_in_order_are_steps_in_order(void **state)
{
    (void)state;
    enum { ROWS = 4, WIDTH = 37, COUNT = 6 };
    const size_t list[COUNT] = {3, 1, 3, 3, 0, 1};
    double *x = random_array(ADADELTA_F64, ROWS * WIDTH, 1, -1, 1), v[ROWS * WIDTH] = {0}, u[ROWS * WIDTH] = {0};
    double *mine = copy_of(x, ROWS * WIDTH * sizeof *x);
    double *g = random_array(ADADELTA_F64, COUNT * WIDTH, 2, -4, 4);
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_ADADELTA, NULL);
    set_gradients(optimizer, (struct adadelta_gradients){.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER});
    add_tensor(
        optimizer,
        &(struct adadelta_tensor){
            .name = "x", .dtype = ADADELTA_F64, .ndim = 2, .shape = {ROWS, WIDTH}, .values = mine, .max_rows = COUNT});
    OK(adadelta_set_measuring(optimizer, 1));
    for (int t = 0; t < 3; t++) {
        long double squares = 0; /* of the whole change */
        double before[ROWS * WIDTH];
        memcpy(before, x, sizeof before);
        OK(adadelta_step_rows(optimizer, 0, COUNT, list, g));
        for (size_t j = 0; j < COUNT; j++) {
            const size_t at = list[j] * WIDTH;
            OK(adadelta_update_f64(WIDTH, x + at, g + j * WIDTH, v + at, u + at, NULL));
        }
        assert_memory_equal(mine, x, sizeof v);
        assert_memory_equal(state_of(optimizer, 0, "square_avg"), v, sizeof v);
        assert_memory_equal(state_of(optimizer, 0, "acc_delta"), u, sizeof u);
        for (size_t i = 0; i < LENGTH(before); i++)
            squares += ((long double)x[i] - before[i]) * ((long double)x[i] - before[i]);
        assert_true(fabsl(stats_of(optimizer, 0).update_norm / sqrtl(squares) - 1) < 1e-14L);
        assert_true(stats_of(optimizer, 0).steps == (uint64_t)t + 1);
    }
    adadelta_destroy(optimizer);
    free(x);
    free(mine);
    free(g);
}

/* ---- Beside others ---- */

enum { TENSORS = 3, N = 12, DENSE = 0, REPEATING = 1, EMPTY = 2 };

/* What a tensor takes part with: its gradient as it is, the same row summed up out of three, nothing. */
static void common_norm(enum adadelta_dtype dtype)
{
    const size_t list[] = {2, 0, 2, 2};
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    const struct adadelta_gradients how = {.scale = 1, .clip_global_norm = 2};
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    void *x[TENSORS], *g[TENSORS];
    long double expected[2][N] = {{0}}, squares = 0;
    for (size_t k = 0; k < TENSORS; k++) {
        static const char *const names[] = {"dense", "repeating", "empty"};
        x[k] = calloc(N, sizeof(double));
        g[k] = random_array(dtype, 4 * 4, k, 0, 2);
        add_tensor(optimizer, &(struct adadelta_tensor){.name = names[k],
                                                        .dtype = dtype,
                                                        .ndim = 2,
                                                        .shape = {3, 4},
                                                        .values = x[k],
                                                        .gradient = g[k],
                                                        .max_rows = 4});
    }
    set_gradients(optimizer, how);
    OK(adadelta_set_rows(optimizer, REPEATING, 4, list, g[REPEATING]));
    OK(adadelta_set_rows(optimizer, EMPTY, 0, NULL, g[EMPTY]));
    OK(adadelta_step(optimizer));
    for (size_t i = 0; i < N; i++)
        expected[DENSE][i] = load_element(dtype, g[DENSE], i);
    for (size_t i = 0; i < LENGTH(list) * 4; i++)
        expected[REPEATING][list[i / 4] * 4 + i % 4] += load_element(dtype, g[REPEATING], i);
    for (size_t i = 0; i < 2 * (size_t)N; i++)
        squares += expected[i / N][i % N] * expected[i / N][i % N];
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 2; k++) {
            const long double wanted = -expected[k][i] * 2 / sqrtl(squares);
            assert_true(fabsl(load_element(dtype, x[k], i) - wanted) <= 16 * precisions[dtype].unit);
        }
        assert_true(load_element(dtype, x[EMPTY], i) == 0);
    }
    assert_true(stats_of(optimizer, REPEATING).steps == 1 && stats_of(optimizer, EMPTY).steps == 0);
    adadelta_destroy(optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(x[k]);
        free(g[k]);
    }
}

static void rows_count_in_the_norm_of_all(void **state)
{
    (void)state;
    common_norm(ADADELTA_F32);
    common_norm(ADADELTA_F64);
}

/* ---- All rows once ---- */

struct storage {
    enum adadelta_dtype values, gradient, state;
    enum adadelta_weights weights;
};

static const struct storage storages[] = {
    {ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, 0},
    {ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, 0},
    {ADADELTA_F32, ADADELTA_BF16, ADADELTA_F64, 0},
    {ADADELTA_F64, ADADELTA_F32, ADADELTA_BF16, 0},
    {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_BF16, ADADELTA_WEIGHTS_SPLIT},
    {ADADELTA_BF16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F16, ADADELTA_F16, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_F16, ADADELTA_F64, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST},
};

enum { SIDES = 2 };

static struct adadelta *new_side(const struct storage *s, enum adadelta_method method, int variant, size_t rows,
                                 size_t width, void *x, const void *g)
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .seed = 5, .averaging = variant % 3, .average_decay = 0.9};
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    hyper.weight_decay = variant % 3 ? 0.1 : 0;
    hyper.decoupled = variant % 3 == 2;
    hyper.maximize = variant >= 3;
    struct adadelta *optimizer = new_optimizer(options, &hyper);
    set_gradients(optimizer, (struct adadelta_gradients){.scale = variant >= 3 ? 3 : 1,
                                                         .clip_value = variant % 2 ? 0.5 : 0,
                                                         .duplicates = variant % 2});
    add_tensor(optimizer, &(struct adadelta_tensor){.name = "x",
                                                    .dtype = s->values,
                                                    .ndim = 2,
                                                    .shape = {rows, width},
                                                    .values = x,
                                                    .gradient = g,
                                                    .gradient_dtype = s->gradient,
                                                    .state_dtype = s->state,
                                                    .weights = s->weights,
                                                    .max_rows = rows});
    return optimizer;
}

static void check_dense(const struct storage *s, enum adadelta_method method, int variant, size_t rows, size_t width)
{
    const size_t n = rows * width, row_bytes = width * adadelta_dtype_size(s->gradient);
    struct adadelta *optimizers[SIDES];
    void *x[SIDES], *g[SIDES];
    size_t list[MOST];
    uint64_t seed = 3;
    for (size_t k = 0; k < SIDES; k++) {
        x[k] = random_array(s->values, n, 1, -1, 1);
        g[k] = random_array(s->gradient, n, 2, -3, 3);
        optimizers[k] = new_side(s, method, variant, rows, width, x[k], g[k]);
    }
    for (int t = 0; t < STEPS; t++) {
        assert_true(draw_list(ALL, &seed, rows, rows, list) == rows);
        for (size_t j = 0; j < rows; j++)
            memcpy((char *)g[1] + j * row_bytes, (char *)g[0] + list[j] * row_bytes, row_bytes);
        OK(adadelta_step(optimizers[0]));
        if (t == 1)
            OK(adadelta_set_buffers(optimizers[1], 0, x[1], NULL));
        if (t == 1)
            OK(adadelta_step_rows(optimizers[1], 0, rows, list, g[1]));
        else
            OK(adadelta_set_rows(optimizers[1], 0, rows, list, g[1]));
        OK(adadelta_step(optimizers[1]));
        assert_true(hold_the_same(optimizers[0], optimizers[1]));
    }
    /* and back: the dense gradient is looked at again */
    memcpy(g[1], g[0], n * adadelta_dtype_size(s->gradient));
    OK(adadelta_set_buffers(optimizers[1], 0, x[1], g[1]));
    OK(adadelta_step(optimizers[0]));
    OK(adadelta_step(optimizers[1]));
    assert_true(hold_the_same(optimizers[0], optimizers[1]));
    for (size_t k = 0; k < SIDES; k++) {
        adadelta_destroy(optimizers[k]);
        free(x[k]);
        free(g[k]);
    }
}

static void all_rows_once_are_a_dense_step(void **state)
{
    (void)state;
    const size_t shapes[][2] = {{37, 1}, {37, 13}, {5, 1000}, {3, 4097}};
    for (size_t s = 0; s < LENGTH(storages); s++)
        for (size_t shape = 0; shape < LENGTH(shapes); shape++)
            for (int variant = 0; variant < 6; variant++)
                for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
                    check_dense(&storages[s], (enum adadelta_method)m, variant, shapes[shape][0], shapes[shape][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_the_rule),
        cmocka_unit_test(duplicates_are_summed_in_order),
        cmocka_unit_test(duplicates_in_order_are_steps_in_order),
        cmocka_unit_test(rows_count_in_the_norm_of_all),
        cmocka_unit_test(all_rows_once_are_a_dense_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
