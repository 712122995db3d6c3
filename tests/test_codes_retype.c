/* SPDX-License-Identifier: MIT */
/* State of a running optimizer brought from every type into every other, of every kind of tensor: its numbers stay as
   far as the type can say them, everything else stays, and it steps on. test_codes_memory.c is about the memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "averages.h"
#include "coded_state.h"

enum { N = 300 /* more than is brought over at a time */, WAYS = 6, SOME_STEPS = 12 };

static const enum adadelta_dtype types[WAYS] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16,
                                                ADADELTA_F16, ADADELTA_U16, ADADELTA_U8};
static const double eps = 1e-6;

/* Every kind of tensor; the type of the state comes later. */
static const struct mix tensors[] = {
    {ADADELTA_F32, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F64, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_SPLIT},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_BF16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F16, ADADELTA_F32, 0, ADADELTA_WEIGHTS_NEAREST},
};

static int goes_with(const struct mix *tensor, enum adadelta_dtype state)
{
    return !(is_half(tensor->values) && state == ADADELTA_F64);
}

/* ---- What a tensor is before and after ---- */

struct look {
    double v[N], u[N], average[N];
    char values[8 * N], kept[4 * N]; /* the master or the low half */
    uint64_t steps;
};

static void look_at(const struct run *r, struct look *look)
{
    struct adadelta_tensor_stats stats;
    const char *kept = has_master(&r->mix) ? "master" : "low";
    memset(look, 0, sizeof *look);
    get_numbers(r->optimizer, 0, "square_avg", look->v);
    get_numbers(r->optimizer, 0, "acc_delta", look->u);
    if (adadelta_copy_state(r->optimizer, 0, "average", ADADELTA_F64, look->average))
        memset(look->average, 0, sizeof look->average);
    memcpy(look->values, r->values, N * binaries[r->mix.values].size);
    if (has_master(&r->mix) || has_low(&r->mix))
        memcpy(look->kept, array_named(r->optimizer, 0, kept), N * (has_low(&r->mix) ? 2 : 4));
    assert_int_equal(adadelta_get_tensor_stats(r->optimizer, 0, &stats), ADADELTA_OK);
    look->steps = stats.steps;
}

static void start(struct run *r, struct mix mix, enum adadelta_dtype state, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, averaging, 0.9);
    struct adadelta_hyper hyper = adadelta_hyper_default();
    uint64_t seed = 9;
    hyper.eps = 4 * eps;
    mix.state = state;
    set_up(r, &mix, &options, &hyper, N, NULL, 0);
    for (int t = 0; t < SOME_STEPS; t++)
        step(r, &seed);
    hyper.eps = eps; /* which floats have taken no note of; of its own or its group's */
    assert_int_equal(averaging == ADADELTA_AVERAGING_POLYAK ? adadelta_set_tensor_hyper(r->optimizer, 0, &hyper)
                                                            : adadelta_set_hyper(r->optimizer, 0, &hyper),
                     ADADELTA_OK);
}

/* Changes the type, of the one tensor or of its group. */
static enum adadelta_status retype(struct run *r, enum adadelta_dtype to, int group)
{
    const enum adadelta_status status =
        group ? adadelta_set_state_dtype(r->optimizer, 0, to) : adadelta_set_tensor_state_dtype(r->optimizer, 0, to);
    if (!status)
        r->mix.state = to;
    return status;
}

/* ---- Numbers ---- */

static void expect_number(enum adadelta_dtype from, enum adadelta_dtype to, int is_u, double before, double after)
{
    const int good = from == to    ? after == before
                     : is_code(to) ? is_near(to, is_u, after, before, eps)
                                   : after == nearest(to, before);
    if (!good)
        fail_msg("%s to %s: %g became %g", adadelta_dtype_name(from), adadelta_dtype_name(to), before, after);
}

/* Averages are of the type computed in, which may have become a narrower one; all else is as it was. */
static void expect_rest(const struct run *r, const struct look *before, const struct look *after)
{
    struct adadelta_tensor tensor, array;
    assert_memory_equal(before->values, after->values, sizeof before->values);
    assert_memory_equal(before->kept, after->kept, sizeof before->kept);
    assert_int_equal(before->steps, after->steps);
    for (size_t i = 0; i < N; i++)
        assert_true(after->average[i] == nearest(computed_in(&r->mix), before->average[i]));
    assert_int_equal(adadelta_get_tensor(r->optimizer, 0, &tensor), ADADELTA_OK);
    assert_int_equal(tensor.state_dtype, r->mix.state);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(adadelta_get_state(r->optimizer, 0, k, &array), ADADELTA_OK);
        assert_int_equal(array.dtype, r->mix.state);
        assert_int_equal((uintptr_t)array.values % 64, 0);
    }
}

static void numbers_stay(struct mix mix, enum adadelta_dtype from, enum adadelta_dtype to, int averaging, int group)
{
    static struct look before, after;
    static struct state_bytes all, again;
    struct run r;
    start(&r, mix, from, (enum adadelta_averaging)averaging);
    look_at(&r, &before);
    read_state(r.optimizer, &all);
    void *const place = array_named(r.optimizer, 0, "square_avg");
    if (!goes_with(&mix, to)) {
        assert_int_equal(retype(&r, to, group), ADADELTA_ERROR_DTYPE);
        assert_non_null(strstr(adadelta_error_text(r.optimizer), "tensor 'x'"));
        read_state(r.optimizer, &again);
        assert_true(same_state(&all, &again));
    } else {
        assert_int_equal(retype(&r, to, group), ADADELTA_OK);
        assert_int_equal(array_named(r.optimizer, 0, "square_avg") == place, from == to);
        look_at(&r, &after);
        for (size_t i = 0; i < N; i++) {
            expect_number(from, to, 0, before.v[i], after.v[i]);
            expect_number(from, to, 1, before.u[i], after.u[i]);
        }
        expect_rest(&r, &before, &after);
    }
    tear_down(&r);
}

static void numbers_stay_in_every_type(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof tensors / sizeof *tensors; m++)
        for (int k = 0; k < WAYS * WAYS; k++)
            for (int averaging = 0; averaging < 3; averaging++)
                if (goes_with(&tensors[m], types[k % WAYS]))
                    numbers_stay(tensors[m], types[k % WAYS], types[k / WAYS], averaging, (k + averaging) % 2);
}

/* Of many, what the codes say is right in the mean. */
static void numbers_stay_in_the_mean(void **state)
{
    enum { MANY = 1 << 16 };
    static float x[MANY];
    static double v[MANY], u[MANY];
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        const enum adadelta_dtype type = coded_types[k % 2];
        struct adadelta *optimizer = floats_with(k / 2 ? ADADELTA_F64 : ADADELTA_F32, eps, MANY, x);
        double sum_v = 0, sum_u = 0;
        uint64_t seed = 17;
        float *arrays[2] = {array_named(optimizer, 0, "square_avg"), array_named(optimizer, 0, "acc_delta")};
        for (size_t i = 0; i < 2 * MANY; i++)
            store_element(k / 2 ? ADADELTA_F64 : ADADELTA_F32, arrays[i / MANY], i % MANY,
                          eps * fabs(random_magnitude(&seed, -8, 20)));
        get_numbers(optimizer, 0, "square_avg", v);
        get_numbers(optimizer, 0, "acc_delta", u);
        assert_int_equal(adadelta_set_state_dtype(optimizer, 0, type), ADADELTA_OK);
        for (size_t i = 0; i < MANY; i++) {
            const struct numbers said = numbers_at(optimizer, 0, i, eps);
            sum_v += (said.v - v[i]) / (v[i] + eps);
            sum_u += (said.u - u[i]) / (u[i] + eps);
        }
        if (!is_unbiased(sum_v, MANY, spacing(type, 0)) || !is_unbiased(sum_u, MANY, spacing(type, 1)))
            fail_msg("means are off by %g and %g", sum_v / MANY, sum_u / MANY);
        adadelta_destroy(optimizer);
    }
}

/* The numbers of codes are floats: there and back they are what they were, save for a u below 0, which counts as 0. */
static void there_and_back(void **state)
{
    static struct numbers before[N];
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        const enum adadelta_dtype type = coded_types[k % 2];
        size_t same = 0;
        struct run r;
        start(&r, tensors[0], type, ADADELTA_AVERAGING_NONE);
        for (size_t i = 0; i < N; i++)
            before[i] = numbers_at(r.optimizer, 0, i, eps);
        assert_int_equal(retype(&r, k / 2 ? ADADELTA_F64 : ADADELTA_F32, 0), ADADELTA_OK);
        assert_int_equal(retype(&r, type, 0), ADADELTA_OK);
        for (size_t i = 0; i < N; i++) {
            const struct numbers after = numbers_at(r.optimizer, 0, i, eps);
            assert_true(after.v == before[i].v);
            assert_true(before[i].u < 0 || after.u == before[i].u);
            same += after.u == before[i].u;
        }
        assert_true(same > N / 2);
        tear_down(&r);
    }
}

/* What is too large for the codes becomes their last ones, in both arrays. */
static void numbers_beyond_the_ends(void **state)
{
    static const double ends[] = {1.8e19, 4e9};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        float x[2];
        struct adadelta *optimizer = floats_with(ADADELTA_F64, eps, 2, x);
        const double high[2] = {1e300, 1e40};
        set_numbers(optimizer, 0, "square_avg", 2, high);
        set_numbers(optimizer, 0, "acc_delta", 2, high);
        assert_int_equal(adadelta_set_state_dtype(optimizer, 0, coded_types[k]), ADADELTA_OK);
        for (size_t i = 0; i < 2; i++) {
            const struct numbers said = numbers_at(optimizer, 0, i, eps);
            assert_true(said.v > 0.9 * ends[k] * eps && said.v < 1.1 * ends[k] * eps);
            assert_true(said.u > 0.7 * ends[k] * eps && said.u < 1.3 * ends[k] * eps);
        }
        adadelta_destroy(optimizer);
    }
}

/* ---- Stepping on ---- */

/* An optimizer that is new, with the parameters and the state of another. */
static void rebuild(const struct run *r, struct run *fresh)
{
    const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE, 0);
    struct adadelta_hyper hyper;
    struct adadelta_tensor array;
    assert_int_equal(adadelta_get_hyper(r->optimizer, 0, &hyper), ADADELTA_OK);
    set_up(fresh, &r->mix, &options, &hyper, N, NULL, 0);
    memcpy(fresh->values, r->values, N * binaries[r->mix.values].size);
    for (size_t k = 0; !adadelta_get_state(r->optimizer, 0, k, &array); k++)
        assert_int_equal(adadelta_set_state(fresh->optimizer, 0, array.name, &array), ADADELTA_OK);
}

/* The next step, with the gradient that is registered, is that of an optimizer made with that type and given the state.
   (Codes are rounded by another chance, as it has taken fewer steps.) */
static void steps_on(struct mix mix, enum adadelta_dtype from, enum adadelta_dtype to)
{
    static struct look ours, theirs;
    struct run r, fresh;
    uint64_t seed = 77, same = 77;
    start(&r, mix, from, ADADELTA_AVERAGING_NONE);
    assert_int_equal(retype(&r, to, 0), ADADELTA_OK);
    rebuild(&r, &fresh);
    look_at(&r, &ours);
    step(&r, &seed);
    step(&fresh, &same);
    assert_memory_not_equal(r.values, ours.values, N * binaries[mix.values].size);
    look_at(&r, &ours);
    look_at(&fresh, &theirs);
    if (mix.weights != ADADELTA_WEIGHTS_STOCHASTIC) {
        assert_memory_equal(ours.values, theirs.values, sizeof ours.values);
        assert_memory_equal(ours.kept, theirs.kept, sizeof ours.kept);
    }
    if (!is_code(to)) {
        assert_memory_equal(ours.v, theirs.v, sizeof ours.v);
        assert_memory_equal(ours.u, theirs.u, sizeof ours.u);
    }
    assert_int_equal(ours.steps, SOME_STEPS + 1);
    tear_down(&r);
    tear_down(&fresh);
}

static void the_next_step_is_that_of_its_type(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof tensors / sizeof *tensors; m++)
        for (int k = 0; k < WAYS * WAYS; k++)
            if (goes_with(&tensors[m], types[k % WAYS]) && goes_with(&tensors[m], types[k / WAYS]))
                steps_on(tensors[m], types[k % WAYS], types[k / WAYS]);
}

/* An average goes on from where it was, weighted by the steps so far. */
static void averages_go_on(void **state)
{
    static struct look before, after;
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (int k = 0; k < WAYS * WAYS * 2; k++) {
            const int exponential = k / WAYS / WAYS;
            const double weight = exponential ? 0.1 : 1.0 / (SOME_STEPS + 1);
            struct run r;
            uint64_t seed = 78;
            start(&r, tensors[m], types[k % WAYS],
                  exponential ? ADADELTA_AVERAGING_EXPONENTIAL : ADADELTA_AVERAGING_POLYAK);
            look_at(&r, &before);
            assert_int_equal(retype(&r, types[k / WAYS % WAYS], 0), ADADELTA_OK);
            step(&r, &seed);
            look_at(&r, &after);
            for (size_t i = 0; i < N; i++) {
                const double x = number_at(r.mix.values, r.values, i), a = before.average[i];
                assert_true(fabs(after.average[i] - (a + weight * (x - a))) <= 1e-6 * (fabs(a) + fabs(x)));
            }
            tear_down(&r);
        }
}

/* While the averages stand in the parameters' place nothing can be changed, and behind that it can. */
static void not_while_swapped(void **state)
{
    static struct state_bytes before, after;
    (void)state;
    for (size_t m = 0; m < sizeof tensors / sizeof *tensors; m++)
        for (int k = 0; k < WAYS * 2; k++) {
            const enum adadelta_dtype to = types[k / 2];
            enum adadelta_dtype shared;
            struct run r;
            if (!goes_with(&tensors[m], to))
                continue;
            start(&r, tensors[m], k / 2 % 2 ? ADADELTA_U8 : ADADELTA_F32, ADADELTA_AVERAGING_EXPONENTIAL);
            assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
            read_state(r.optimizer, &before);
            assert_int_equal(retype(&r, to, k % 2), ADADELTA_ERROR_SWAPPED);
            assert_int_equal(adadelta_get_state_dtype(r.optimizer, 0, &shared), ADADELTA_OK);
            assert_int_equal(shared, ADADELTA_DTYPE_DEFAULT);
            read_state(r.optimizer, &after);
            assert_true(same_state(&before, &after));
            assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
            assert_int_equal(retype(&r, to, k % 2), ADADELTA_OK);
            /* The averages can be swapped in and out of what it is now. */
            read_state(r.optimizer, &before);
            assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
            assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
            read_state(r.optimizer, &after);
            assert_true(same_state(&before, &after));
            tear_down(&r);
        }
}

/* ---- Rows ---- */

/* Sparse gradients go on, the registered one, too: the rows named step as in a dense tensor of their own, the others
   keep their codes. */
static void rows_go_on(void **state)
{
    enum { ROWS = 100, COLUMNS = 3 };
    static const size_t rows[4] = {7, 99, 7, 0};
    (void)state;
    for (size_t k = 0; k < WAYS; k++) {
        const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE, 0);
        struct mix mix = tensors[0];
        struct run r, fresh;
        static double v[2][N], u[2][N];
        uint64_t seed = 5;
        mix.state = k % 2 ? ADADELTA_F32 : ADADELTA_U8;
        set_up(&r, &mix, &options, NULL, N, (const size_t[]){ROWS, COLUMNS}, 4);
        fill_random(ADADELTA_F32, r.g, N, &seed, -6, 1);
        assert_int_equal(adadelta_set_rows(r.optimizer, 0, 4, rows, r.g), ADADELTA_OK);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_int_equal(retype(&r, types[k], 0), ADADELTA_OK);
        mix.state = types[k];
        set_up(&fresh, &mix, &options, NULL, N, (const size_t[]){ROWS, COLUMNS}, 4);
        memcpy(fresh.values, r.values, N * sizeof(float));
        for (size_t part = 0; part < 2; part++) {
            struct adadelta_tensor array;
            assert_int_equal(adadelta_get_state(r.optimizer, 0, part, &array), ADADELTA_OK);
            assert_int_equal(adadelta_set_state(fresh.optimizer, 0, array.name, &array), ADADELTA_OK);
        }
        get_numbers(r.optimizer, 0, "square_avg", v[0]);
        get_numbers(r.optimizer, 0, "acc_delta", u[0]);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_step_rows(fresh.optimizer, 0, 4, rows, r.g), ADADELTA_OK);
        assert_memory_equal(r.values, fresh.values, N * sizeof(float));
        get_numbers(r.optimizer, 0, "square_avg", v[1]);
        get_numbers(r.optimizer, 0, "acc_delta", u[1]);
        for (size_t i = 0; i < N; i++) {
            const size_t row = i / COLUMNS;
            const int moved = v[0][i] != v[1][i] || u[0][i] != u[1][i];
            assert_true(!moved || row == 7 || row == 99 || row == 0);
        }
        assert_true(v[0][7 * COLUMNS] != 0);
        tear_down(&r);
        tear_down(&fresh);
    }
}

/* ---- Several ---- */

/* Of a group, all: those of another keep what they have, and one that cannot be leaves all as they are. */
static void groups_change_together(void **state)
{
    static float x[4][N];
    static const char *const names[] = {"a", "b", "c", "d"};
    static struct state_bytes before, after;
    struct adadelta *optimizer = optimizer_of(NULL, NULL);
    struct adadelta_tensor found;
    enum adadelta_dtype shared;
    void *places[4];
    (void)state;
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < 4; k++) {
        const struct adadelta_tensor tensor = {.name = names[k],
                                               .ndim = 1,
                                               .shape = {N},
                                               .values = x[k],
                                               .state_dtype = k == 2 ? ADADELTA_U16 : ADADELTA_DTYPE_DEFAULT};
        assert_int_equal(adadelta_add_tensor(optimizer, k == 3, &tensor, NULL), ADADELTA_OK);
        places[k] = array_named(optimizer, k, "acc_delta");
    }
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_U16), ADADELTA_OK);
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(adadelta_get_tensor(optimizer, k, &found), ADADELTA_OK);
        assert_int_equal(found.state_dtype, k == 3 ? ADADELTA_F32 : ADADELTA_U16);
        assert_int_equal(array_named(optimizer, k, "acc_delta") == places[k], k >= 2);
    }
    uint16_t half = 0;
    const struct adadelta_tensor bf16 = {.name = "e", .dtype = ADADELTA_BF16, .values = &half};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &bf16, NULL), ADADELTA_OK);
    read_state(optimizer, &before);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 0, ADADELTA_F64), ADADELTA_ERROR_DTYPE);
    assert_non_null(strstr(adadelta_error_text(optimizer), "tensor 'e'"));
    read_state(optimizer, &after);
    assert_true(same_state(&before, &after));
    assert_int_equal(adadelta_get_state_dtype(optimizer, 0, &shared), ADADELTA_OK);
    assert_int_equal(shared, ADADELTA_U16);
    assert_int_equal(adadelta_set_state_dtype(optimizer, 1, ADADELTA_F64), ADADELTA_OK);
    adadelta_destroy(optimizer);
}

/* ---- Settings that a type cannot have ---- */

/* Good for a step in double, but not in float, or not in units of eps. */
static void settings_that_do_not_fit(void **state)
{
    static const struct {
        struct adadelta_hyper hyper;
        enum adadelta_dtype to;
        enum adadelta_status status;
    } rows[] = {
        {{.lr = 1e39, .rho = 0.9, .eps = 1e-6}, ADADELTA_F32, ADADELTA_ERROR_LR},
        {{.lr = 1e39, .rho = 0.9, .eps = 1e-6}, ADADELTA_U16, ADADELTA_ERROR_LR},
        {{.lr = 1e38, .rho = 0.9, .eps = 1e4}, ADADELTA_F32, ADADELTA_OK},
        {{.lr = 1e38, .rho = 0.9, .eps = 1e4}, ADADELTA_U16, ADADELTA_ERROR_LR},
        {{.lr = 1, .rho = 0.9, .eps = 1e-60}, ADADELTA_BF16, ADADELTA_ERROR_EPS},
        {{.lr = 1, .rho = 0.9, .eps = 1e-60}, ADADELTA_U8, ADADELTA_ERROR_EPS},
        {{.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 1e37}, ADADELTA_F16, ADADELTA_OK},
        {{.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 1e37}, ADADELTA_U8, ADADELTA_ERROR_WEIGHT_DECAY},
    };
    static struct state_bytes before, after;
    (void)state;
    for (size_t k = 0; k < 2 * (sizeof rows / sizeof *rows); k++) {
        struct run r;
        start(&r, tensors[0], ADADELTA_F64, ADADELTA_AVERAGING_NONE);
        assert_int_equal(adadelta_set_hyper(r.optimizer, 0, &rows[k / 2].hyper), ADADELTA_OK);
        read_state(r.optimizer, &before);
        assert_int_equal(retype(&r, rows[k / 2].to, k % 2), rows[k / 2].status);
        read_state(r.optimizer, &after);
        if (rows[k / 2].status) {
            assert_true(same_state(&before, &after));
            assert_non_null(strstr(adadelta_error_text(r.optimizer), "tensor 'x'"));
        }
        tear_down(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stay_in_every_type),
        cmocka_unit_test(numbers_stay_in_the_mean),
        cmocka_unit_test(numbers_beyond_the_ends),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_next_step_is_that_of_its_type),
        cmocka_unit_test(averages_go_on),
        cmocka_unit_test(not_while_swapped),
        cmocka_unit_test(rows_go_on),
        cmocka_unit_test(groups_change_together),
        cmocka_unit_test(settings_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
