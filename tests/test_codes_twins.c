/* SPDX-License-Identifier: MIT */
/* Everything that happens to a gradient before the rule and to a parameter behind it, with state in codes beside a twin
   with floats: the way of the parameters is the same as far as the spacing of the codes lets it be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "coded_state.h"

enum { N = 240, ROWS = 40, WIDTH = N / ROWS, NAMED = 24, STEPS = 200 };

/* What is set, and how the gradients come. */
struct scenario {
    const char *name;
    struct adadelta_hyper hyper;
    struct adadelta_gradients gradients;
    enum adadelta_averaging averaging;
    int measuring, bad, sparse; /* bad: every seventh gradient has a NaN */
    double unit;                /* of the gradients; 0: 0.01 */
};

#define HYPER .lr = 1, .rho = 0.9, .eps = 1e-6

static const struct scenario scenarios[] = {
    {.name = "plain", .hyper = {HYPER}, .gradients = {.scale = 1}},
    {.name = "coupled decay", .hyper = {HYPER, .weight_decay = 0.01}, .gradients = {.scale = 1}},
    {.name = "decoupled decay", .hyper = {HYPER, .weight_decay = 0.01, .decoupled = 1}, .gradients = {.scale = 1}},
    {.name = "lr and eps", .hyper = {.lr = 0.3, .rho = 0.95, .eps = 1e-3}, .gradients = {.scale = 1}},
    {.name = "maximize", .hyper = {HYPER, .maximize = 1, .weight_decay = 0.01}, .gradients = {.scale = 1}},
    {.name = "scale", .hyper = {HYPER}, .gradients = {.scale = 7}},
    {.name = "clip_value", .hyper = {HYPER}, .gradients = {.scale = 3, .clip_value = 0.002}},
    {.name = "clip_norm", .hyper = {HYPER}, .gradients = {.scale = 1, .clip_norm = 0.03}},
    {.name = "clip_global_norm",
     .hyper = {HYPER},
     .gradients = {.scale = 1, .clip_value = 0.01, .clip_global_norm = 0.05}},
    {.name = "skip", .hyper = {HYPER}, .gradients = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_SKIP}, .bad = 1},
    {.name = "propagate", .hyper = {HYPER}, .gradients = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE}},
    {.name = "propagate, cut",
     .hyper = {HYPER, .weight_decay = 0.1},
     .gradients = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE, .clip_value = 1, .clip_norm = 0.1},
     .unit = 1e3},
    {.name = "measuring", .hyper = {HYPER}, .gradients = {.scale = 1}, .measuring = 1},
    {.name = "exponential", .hyper = {HYPER}, .gradients = {.scale = 1}, .averaging = ADADELTA_AVERAGING_EXPONENTIAL},
    {.name = "polyak, measuring",
     .hyper = {HYPER},
     .gradients = {.scale = 1},
     .averaging = ADADELTA_AVERAGING_POLYAK,
     .measuring = 1},
    {.name = "rows", .hyper = {HYPER}, .gradients = {.scale = 1}, .sparse = 1},
    {.name = "rows in order",
     .hyper = {HYPER},
     .gradients = {.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER},
     .sparse = 1},
    {.name = "rows, all of it",
     .hyper = {HYPER, .weight_decay = 0.01, .maximize = 1},
     .gradients = {.scale = 2, .clip_norm = 0.02, .duplicates = ADADELTA_DUPLICATES_IN_ORDER},
     .averaging = ADADELTA_AVERAGING_POLYAK,
     .measuring = 1,
     .sparse = 1},
};

static const struct mix mixes[] = {
    {ADADELTA_F32, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F32, ADADELTA_BF16, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F64, ADADELTA_F64, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F64, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_BF16, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_SPLIT},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_BF16, ADADELTA_F16, 0, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F16, ADADELTA_F64, 0, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_F16, ADADELTA_F16, 0, ADADELTA_WEIGHTS_NEAREST},
};

/* ---- Twins ---- */

/* Three tensors: "x" and "z" of the mix, in codes or not, "z" with settings of its own; "y" always with floats. */
enum { X, Y, Z, TENSORS };

struct twin {
    struct adadelta *optimizer;
    struct mix mix;
    double values[TENSORS][N], begin[TENSORS][N];
};

static void start(struct twin *twin, const struct scenario *s, const struct mix *mix, enum adadelta_dtype state)
{
    static const char *const names[TENSORS] = {"x", "y", "z"};
    const struct adadelta_options options = {.threads = 1, .averaging = s->averaging, .average_decay = 0.9};
    struct adadelta_hyper other = s->hyper;
    uint64_t seed = 3;
    twin->mix = *mix;
    twin->optimizer = optimizer_of(&options, &s->hyper);
    assert_int_equal(adadelta_set_state_dtype(twin->optimizer, 0, state), ADADELTA_OK);
    for (size_t k = 0; k < TENSORS; k++) {
        struct adadelta_tensor tensor = tensor_of(mix, names[k], ROWS, twin->values[k], NULL);
        tensor.ndim = 2, tensor.shape[1] = WIDTH;
        tensor.max_rows = s->sparse ? NAMED : 0;
        tensor.state_dtype = k == Y ? ADADELTA_F32 : ADADELTA_DTYPE_DEFAULT;
        for (size_t i = 0; i < N; i++) {
            put_number(mix->values, twin->values[k], i, 0.02 * (random_unit(&seed) - 0.5));
            twin->begin[k][i] = number_at(mix->values, twin->values[k], i);
        }
        assert_int_equal(adadelta_add_tensor(twin->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    other.eps *= 4, other.rho = 0.8;
    assert_int_equal(adadelta_set_tensor_hyper(twin->optimizer, Z, &other), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(twin->optimizer, &s->gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_measuring(twin->optimizer, s->measuring), ADADELTA_OK);
}

/* The gradients of a step: each element leans its own way, so that it goes somewhere, and has a size of its own. */
static void draw(const struct scenario *s, const struct mix *mix, double gradients[TENSORS][N], int t)
{
    uint64_t seed = (uint64_t)t;
    const double unit = s->unit > 0 ? s->unit : 0.01;
    for (size_t k = 0; k < TENSORS; k++)
        for (size_t i = 0; i < N; i++) {
            const double size = unit * (double)(1 + i % 5) / 5, way = i % 2 ? 1 : -1;
            put_number(mix->gradient, gradients[k], i, way * size * (random_unit(&seed) * 1.5 - 0.25));
        }
    if (s->bad && t % 7 == 3)
        put_number(mix->gradient, gradients[t % TENSORS], 1, (double)NAN);
}

static size_t rows[NAMED];

static void step(struct twin *twin, const struct scenario *s, double gradients[TENSORS][N])
{
    for (size_t k = 0; k < TENSORS; k++) {
        assert_int_equal(adadelta_set_buffers(twin->optimizer, k, twin->values[k], gradients[k]), ADADELTA_OK);
        if (s->sparse)
            assert_int_equal(adadelta_set_rows(twin->optimizer, k, NAMED, rows, gradients[k]), ADADELTA_OK);
    }
    assert_int_equal(adadelta_step(twin->optimizer), ADADELTA_OK);
}

/* ---- How far apart they may be ---- */

/* An error of h in a state is one of h/2 in the step, and the steps' errors are as good as independent: what the
   squares of u have gathered in T steps is h*sqrt(T)/2 of them, and v's own errors die away. Four deviations. Of single
   elements in U8 no more can be said than: one half comes right. */
static double apart(enum adadelta_dtype state)
{
    return state == ADADELTA_U16 ? 4 * spacing(state, 0) * sqrt(STEPS) / 2 : 0.5;
}

/* On the whole the ways are as long as with floats: the mean of the codes' numbers is exact, but the mean of a root is
   not the root of the mean. (Seen: 0.03 % of U16, 1.8 % of U8.) */
static double apart_on_the_whole(enum adadelta_dtype state)
{
    return state == ADADELTA_U16 ? 0.001 : 0.05;
}

static void compare(const struct scenario *s, const struct twin *coded, const struct twin *floats, size_t k,
                    enum adadelta_dtype state, const double path[N])
{
    const double digits = is_half(coded->mix.values) ? ldexp(1, 2 - binaries[coded->mix.values].digits) : 1e-6;
    const int rough = is_half(coded->mix.values) && coded->mix.weights >= ADADELTA_WEIGHTS_STOCHASTIC;
    double way[2] = {0, 0};
    for (size_t i = 0; i < N; i++) {
        const double a = number_at(coded->mix.values, coded->values[k], i),
                     b = number_at(floats->mix.values, floats->values[k], i);
        const double bound = apart(state) * path[i] + digits * (rough ? sqrt(STEPS) : 1) * fmax(fabs(b), 0.05);
        if (!(fabs(a - b) <= bound))
            fail_msg("%s, %s state, element %zu of %zu: %g, not %g, bound %g", s->name, adadelta_dtype_name(state), i,
                     k, a, b, bound);
        way[0] += fabs(a - coded->begin[k][i]);
        way[1] += fabs(b - floats->begin[k][i]);
    }
    if (!(fabs(way[0] / way[1] - 1) <= apart_on_the_whole(state)))
        fail_msg("%s, %s state, tensor %zu: the way is %g, not %g", s->name, adadelta_dtype_name(state), k, way[0],
                 way[1]);
    assert_true(way[1] / N > 0.004); /* they have gone somewhere */
}

/* Counts and norms of gradients are the same; the others as near as the ways. */
static void compare_stats(const struct twin *coded, const struct twin *floats, size_t k, enum adadelta_dtype state)
{
    struct adadelta_tensor_stats a, b;
    assert_int_equal(adadelta_get_tensor_stats(coded->optimizer, k, &a), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor_stats(floats->optimizer, k, &b), ADADELTA_OK);
    assert_true(a.steps == b.steps && a.skipped == b.skipped);
    assert_memory_equal(&a.gradient_norm, &b.gradient_norm, sizeof(double));
    assert_int_equal(isnan(a.update_norm), isnan(b.update_norm));
    if (!isnan(a.update_norm) && !(fabs(a.update_norm / b.update_norm - 1) < (state == ADADELTA_U16 ? 0.02 : 0.35)))
        fail_msg("the last update has the norm %g, not %g", a.update_norm, b.update_norm);
}

/* The average is as near to the twin's as the parameters are, on the whole. */
static void compare_averages(const struct twin *coded, const struct twin *floats, size_t k, enum adadelta_dtype state)
{
    static double a[N], b[N];
    double sums[2] = {0, 0};
    if (adadelta_copy_state(coded->optimizer, k, "average", ADADELTA_F64, a))
        return;
    get_numbers(floats->optimizer, k, "average", b);
    for (size_t i = 0; i < N; i++) {
        sums[0] += fabs(a[i] - coded->begin[k][i]);
        sums[1] += fabs(b[i] - floats->begin[k][i]);
    }
    if (!(fabs(sums[0] / sums[1] - 1) <= apart_on_the_whole(state)))
        fail_msg("averages have gone %g, not %g", sums[0], sums[1]);
}

/* A step whose length is added to path, element by element. */
static void follow(struct twin *twin, const struct scenario *s, double gradients[TENSORS][N], double path[TENSORS][N])
{
    static double before[TENSORS][N];
    memcpy(before, twin->values, sizeof before);
    step(twin, s, gradients);
    for (size_t k = 0; k < TENSORS; k++)
        for (size_t i = 0; i < N; i++)
            path[k][i] +=
                fabs(number_at(twin->mix.values, twin->values[k], i) - number_at(twin->mix.values, before[k], i));
}

static void run(const struct scenario *s, const struct mix *mix, enum adadelta_dtype state)
{
    static struct twin coded, floats;
    static double gradients[TENSORS][N], path[TENSORS][N];
    static struct state_bytes bytes[2];
    const int doubles = mix->values == ADADELTA_F64;
    memset(path, 0, sizeof path);
    start(&coded, s, mix, state);
    start(&floats, s, mix, doubles ? ADADELTA_F64 : ADADELTA_F32);
    for (int t = 0; t < STEPS; t++) {
        uint64_t seed = 1000 + (uint64_t)t;
        draw(s, mix, gradients, t);
        for (size_t j = 0; j < NAMED; j++)
            rows[j] = random_bits(&seed) % (ROWS - 1); /* never the last one */
        if (s->bad && t % 7 == 3)
            read_state(coded.optimizer, &bytes[0]);
        step(&coded, s, gradients);
        follow(&floats, s, gradients, path);
        if (s->bad && t % 7 == 3) {
            read_state(coded.optimizer, &bytes[1]);
            assert_true(same_state(&bytes[0], &bytes[1]));
        }
    }
    assert_int_equal(adadelta_skip_count(coded.optimizer), s->bad ? (STEPS + 3) / 7 : 0);
    assert_int_equal(adadelta_skip_count(coded.optimizer), adadelta_skip_count(floats.optimizer));
    for (size_t k = 0; k < TENSORS; k++)
        compare_stats(&coded, &floats, k, state);
    for (size_t k = 0; k < TENSORS; k += Z - X) {
        compare(s, &coded, &floats, k, state, path[k]);
        compare_averages(&coded, &floats, k, state);
        for (size_t i = N - WIDTH; i < N && s->sparse; i++) {
            const struct numbers said = numbers_at(coded.optimizer, k, i, 1);
            assert_true(said.v == 0 && said.u == 0); /* a row that was never named */
            assert_true(number_at(mix->values, coded.values[k], i) == coded.begin[k][i]);
        }
    }
    assert_memory_equal(coded.values[Y], floats.values[Y], N * binaries[mix->values].size);
    adadelta_destroy(coded.optimizer);
    adadelta_destroy(floats.optimizer);
}

static void steps_are_those_of_floats(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++)
        for (size_t s = 0; s < sizeof scenarios / sizeof *scenarios; s++)
            for (size_t k = 0; k < 2; k++)
                run(&scenarios[s], &mixes[m], coded_types[k]);
}

/* ---- One tensor, and steps that fail ---- */

static struct state_bytes left, right;

static void expect_same(const struct adadelta *a, const struct adadelta *b)
{
    read_state(a, &left);
    read_state(b, &right);
    assert_true(same_state(&left, &right));
}

/* Tensors stepped one by one have the bits of one step of all. */
static void one_by_one(void **state)
{
    static struct twin all, each;
    static double gradients[TENSORS][N];
    (void)state;
    for (size_t k = 0; k < 2 * (sizeof mixes / sizeof *mixes); k++) {
        const struct mix *mix = &mixes[k / 2];
        start(&all, &scenarios[1], mix, coded_types[k % 2]);
        start(&each, &scenarios[1], mix, coded_types[k % 2]);
        for (int t = 0; t < 5; t++) {
            draw(&scenarios[1], mix, gradients, t);
            step(&all, &scenarios[1], gradients);
            for (size_t tensor = TENSORS; tensor-- > 0;)
                assert_int_equal(adadelta_step_tensor(each.optimizer, tensor, gradients[tensor]), ADADELTA_OK);
            assert_int_equal(adadelta_step(each.optimizer), ADADELTA_OK);
        }
        expect_same(all.optimizer, each.optimizer);
        adadelta_destroy(all.optimizer);
        adadelta_destroy(each.optimizer);
    }
}

static double rate_of(uint64_t count, void *context)
{
    (void)count;
    return *(double *)context;
}

/* Three steps that must fail: a NaN in the last tensor, a row that is not there, a rate that is none. */
static void try_in_vain(struct twin *twin, double gradients[TENSORS][N])
{
    const struct adadelta_schedule constant = adadelta_schedule_default();
    double rate = -1;
    const struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_CALLBACK, .rate = rate_of, .context = &rate};
    put_number(twin->mix.gradient, gradients[Z], 2, (double)NAN);
    for (size_t k = 0; k < TENSORS; k++)
        assert_int_equal(adadelta_set_rows(twin->optimizer, k, NAMED, rows, gradients[k]), ADADELTA_OK);
    assert_int_equal(adadelta_step(twin->optimizer), ADADELTA_ERROR_NONFINITE);
    rows[NAMED - 1] = ROWS;
    assert_int_equal(adadelta_step(twin->optimizer), ADADELTA_ERROR_ROW);
    rows[NAMED - 1] = 1;
    assert_int_equal(adadelta_set_schedule(twin->optimizer, &schedule), ADADELTA_OK);
    assert_int_equal(adadelta_step(twin->optimizer), ADADELTA_ERROR_SCHEDULE);
    assert_int_equal(adadelta_set_schedule(twin->optimizer, &constant), ADADELTA_OK);
}

/* A step that fails is as if it had not been tried: those behind it draw the same chance. */
static void a_step_that_fails_changes_nothing(void **state)
{
    static struct twin tried, untried;
    static double gradients[TENSORS][N];
    static const struct scenario by_rows = {.name = "rows", .hyper = {HYPER}, .gradients = {.scale = 1}, .sparse = 1};
    (void)state;
    for (size_t k = 0; k < 2 * (sizeof mixes / sizeof *mixes); k++) {
        const struct mix *mix = &mixes[k / 2];
        start(&tried, &by_rows, mix, coded_types[k % 2]);
        start(&untried, &by_rows, mix, coded_types[k % 2]);
        for (int t = 0; t < 4; t++) {
            for (size_t j = 0; j < NAMED; j++)
                rows[j] = j % 5;
            rows[NAMED - 1] = 1;
            draw(&by_rows, mix, gradients, t);
            step(&untried, &by_rows, gradients);
            try_in_vain(&tried, gradients);
            draw(&by_rows, mix, gradients, t);
            step(&tried, &by_rows, gradients);
            expect_same(tried.optimizer, untried.optimizer);
        }
        adadelta_destroy(tried.optimizer);
        adadelta_destroy(untried.optimizer);
    }
}

/* Gradients up to the end of the codes go, and those above are refused; clipped to below it, they go. */
static void up_to(double end, double eps, double scale, enum adadelta_dtype values, enum adadelta_dtype type)
{
    struct adadelta_gradients gradients = {.scale = scale};
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0.9, .eps = eps};
    struct adadelta *optimizer = optimizer_of(NULL, &hyper);
    double x[2] = {0}, g[2] = {0};
    const struct adadelta_tensor tensor = {
        .name = "x", .dtype = values, .ndim = 1, .shape = {2}, .values = x, .gradient = g, .state_dtype = type};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    put_number(values, g, 1, -0.999 * end * scale);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    read_state(optimizer, &left);
    put_number(values, g, 1, -1.001 * end * scale);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
    assert_non_null(strstr(adadelta_error_text(optimizer), "clip_value, a larger eps or F32 state"));
    gradients.nonfinite = ADADELTA_NONFINITE_SKIP;
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_skip_count(optimizer), 1);
    read_state(optimizer, &right);
    assert_true(same_state(&left, &right));
    gradients.clip_value = 0.99 * end;
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_skip_count(optimizer), 1);
    adadelta_destroy(optimizer);
}

/* Where nobody looks, what is too large is cut to the end, far below where the codes of its square end. */
static void cut_at(double end, double eps, enum adadelta_dtype values, enum adadelta_dtype type)
{
    const struct adadelta_gradients gradients = {.scale = 2, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0.9, .eps = eps};
    struct adadelta *optimizer = optimizer_of(NULL, &hyper);
    double x = 0, g = 0;
    const struct adadelta_tensor tensor = {.name = "x", .dtype = values, .values = &x, .state_dtype = type};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    put_number(values, &g, 0, -1e6 * end);
    assert_int_equal(adadelta_step_tensor(optimizer, 0, &g), ADADELTA_OK);
    const double v = numbers_at(optimizer, 0, 0, eps).v, expected = 0.1 * end * end;
    assert_true(fabs(v - expected) <= (spacing(type, 0) + 0.001) * expected);
    assert_true(number_at(values, &x, 0) > 0);
    adadelta_destroy(optimizer);
}

static void gradients_that_are_too_large(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const enum adadelta_dtype values = k ? ADADELTA_F64 : ADADELTA_F32;
        cut_at(3.758e6, 1e-6, values, ADADELTA_U16);
        cut_at(5734.4, 1e-2, values, ADADELTA_U8);
        for (int scale = 1; scale < 20; scale += 15) {
            up_to(3.758e6, 1e-6, scale, values, ADADELTA_U16);
            up_to(3.758e8, 1e-2, scale, values, ADADELTA_U16);
            up_to(57.344, 1e-6, scale, values, ADADELTA_U8);
            up_to(5734.4, 1e-2, scale, values, ADADELTA_U8);
        }
    }
}

/* ---- Rates ---- */

static int ascending(const void *a, const void *b)
{
    const long double p = *(const long double *)a, q = *(const long double *)b;
    return (p > q) - (p < q);
}

/* A quotient of sums, its root, and the mean of two: five roundings. */
static void expect_rate(double found, long double expected)
{
    if (!(fabsl((long double)found - expected) <= 5 * DBL_EPSILON / 2 * expected))
        fail_msg("a rate is %.17g, not %.20Lg", found, expected);
}

/* Of the numbers that adadelta_copy_state gives, sorted. */
static void expect_rates(const struct adadelta *optimizer, size_t tensor)
{
    static double v[N], u[N];
    static long double rates[N];
    struct adadelta_tensor_stats stats;
    struct adadelta_hyper hyper;
    get_numbers(optimizer, tensor, "square_avg", v);
    get_numbers(optimizer, tensor, "acc_delta", u);
    assert_int_equal(adadelta_get_tensor_hyper(optimizer, tensor, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_get_tensor_stats(optimizer, tensor, &stats), ADADELTA_OK);
    for (size_t i = 0; i < N; i++)
        rates[i] = sqrtl(((long double)u[i] + hyper.eps) / ((long double)v[i] + hyper.eps));
    qsort(rates, N, sizeof *rates, ascending);
    expect_rate(stats.rate_min, rates[0]);
    expect_rate(stats.rate_max, rates[N - 1]);
    expect_rate(stats.rate_median, (rates[N / 2 - 1] + rates[N / 2]) / 2);
    assert_true(stats.rate_min < stats.rate_median && stats.rate_median < stats.rate_max);
}

static void rates_are_those_of_the_numbers(void **state)
{
    static struct twin twin;
    static double gradients[TENSORS][N];
    (void)state;
    for (size_t k = 0; k < 2 * (sizeof mixes / sizeof *mixes); k++) {
        start(&twin, &scenarios[0], &mixes[k / 2], coded_types[k % 2]);
        for (int t = 0; t < 20; t++) {
            draw(&scenarios[0], &mixes[k / 2], gradients, t);
            step(&twin, &scenarios[0], gradients);
        }
        for (size_t tensor = 0; tensor < TENSORS; tensor++)
            expect_rates(twin.optimizer, tensor);
        adadelta_destroy(twin.optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_floats),         cmocka_unit_test(one_by_one),
        cmocka_unit_test(a_step_that_fails_changes_nothing), cmocka_unit_test(gradients_that_are_too_large),
        cmocka_unit_test(rates_are_those_of_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
