/* SPDX-License-Identifier: MIT */
/* Weights rounded by chance: which of two neighbours, how often, and on what that depends: seed, tensor, step and
   element, and on nothing else. And that no way to store numbers depends on threads, or on how a step is cut up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage_optimizer.h"

static const struct adadelta_hyper plain_step = {.lr = 1, .eps = 1}; /* of SGD: x - g */

/* ---- How often ---- */

enum { N = 4096, TIMES = 64, SEEDS = 4 };

/* Counts for each element how often a step of part of the spacing from code takes it to the next code, over many
   steps and seeds. */
static void count_ups(enum adadelta_dtype dtype, uint16_t code, double part, unsigned ups[N])
{
    static uint16_t values[N];
    static float g[N];
    const struct mix mix = {dtype, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC};
    const double from = half_value(dtype, code), to = half_value(dtype, code + 1), x = from + part * (to - from);
    assert_true((double)(float)x == x); /* the step is exact */
    for (size_t i = 0; i < N; i++) {
        g[i] = (float)(from - x);
        ups[i] = 0;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_SGD, &plain_step, 1, seed);
        register_tensor(optimizer, &mix, N, values, g);
        for (int t = 0; t < TIMES; t++) {
            for (size_t i = 0; i < N; i++)
                values[i] = code;
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
            for (size_t i = 0; i < N; i++) {
                assert_true(values[i] == code || values[i] == code + 1);
                ups[i] += values[i] != code;
            }
        }
        adadelta_destroy(optimizer);
    }
}

static int is_fair(double count, double trials, double chance)
{
    return fabs(count - trials * chance) <= 6 * sqrt(trials * chance * (1 - chance));
}

/* Over all elements, over each one's steps and seeds, and in each half of a pair, so that neighbours do not agree. */
static void check_part(enum adadelta_dtype dtype, uint16_t code, double part)
{
    static unsigned ups[N];
    double all = 0, even = 0;
    count_ups(dtype, code, part, ups);
    for (size_t i = 0; i < N; i++) {
        all += ups[i];
        even += i % 2 ? 0 : ups[i];
        if (part == 0 || fmin(part, 1 - part) * TIMES * SEEDS >= 16) /* else the bell is no good measure */
            assert_true(is_fair(ups[i], TIMES * SEEDS, part));
    }
    if (!is_fair(all, (double)N * TIMES * SEEDS, part) || !is_fair(even, (double)N / 2 * TIMES * SEEDS, part))
        fail_msg("%s %04x, part %g: %.0f ups of %d", adadelta_dtype_name(dtype), code, part, all, N * TIMES * SEEDS);
}

/* At ordinary numbers, at the last one before a new power of two, at denormals, and below zero. */
static void the_mean_is_exact(void **state)
{
    (void)state;
    const double parts[] = {0, 0x1p-13, 0x1p-7, 0.1015625, 0.25, 0.5, 0.75, 1 - 0x1p-7, 1 - 0x1p-13};
    const uint16_t codes[] = {0x4000, 0x3fff, 0xc012, 0x0812, 0x03ff, 0x0000, 0x8007, 0x7bf0};
    for (int d = ADADELTA_BF16; d <= ADADELTA_F16; d++)
        for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
            for (size_t k = 0; k < sizeof parts / sizeof *parts; k += c < 1 ? 1 : 3)
                check_part((enum adadelta_dtype)d, codes[c], parts[k]);
    check_part(ADADELTA_BF16, 0x4000, 0x1p-16); /* all the digits that there are */
    check_part(ADADELTA_BF16, 0x4000, 1 - 0x1p-16);
    check_part(ADADELTA_F16, 0x0012, 0x1p-19); /* a denormal has more */
}

/* What needs no rounding is not moved by chance: zero gradients for a while, and steps from one number to another. */
static void exact_values_stay(void **state)
{
    (void)state;
    for (int d = ADADELTA_BF16; d <= ADADELTA_F16; d++) {
        const enum adadelta_dtype dtype = (enum adadelta_dtype)d;
        const struct mix mix = {dtype, ADADELTA_F32, dtype, ADADELTA_WEIGHTS_STOCHASTIC};
        static uint16_t values[65536], before[65536];
        static float g[65536];
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, 1, 8);
        for (size_t i = 0; i < 65536; i++)
            values[i] = (uint16_t)((i & 0x7fff) > half_inf(dtype) ? 0 : i);
        memcpy(before, values, sizeof values);
        memset(g, 0, sizeof g);
        register_tensor(optimizer, &mix, 65536, values, g);
        for (int t = 0; t < 20; t++)
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        assert_memory_equal(values, before, sizeof values);
        adadelta_destroy(optimizer);
        optimizer = new_optimizer(ADADELTA_METHOD_SGD, &plain_step, 1, 8);
        for (size_t i = 0; i < 128; i++) {
            values[i] = (uint16_t)half_code(dtype, 1, rint);
            g[i] = -(float)i / 128;
        }
        register_tensor(optimizer, &mix, 128, values, g);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        for (size_t i = 0; i < 128; i++)
            assert_true(half_value(dtype, values[i]) == 1 + (double)i / 128);
        adadelta_destroy(optimizer);
    }
}

/* ---- On what it depends ---- */

enum { WIDE = 1025 };

/* What three tensors with the same values and gradients end with after some steps. */
typedef uint16_t outcome[3][WIDE];

static void run(outcome values, enum adadelta_dtype dtype, uint64_t seed, int steps)
{
    static float g[WIDE];
    uint64_t draws = 6;
    const struct mix mix = {dtype, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC};
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, 1, seed);
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < WIDE; i++)
            values[k][i] = (uint16_t)half_code(dtype, 1.5, rint);
        register_tensor(optimizer, &mix, WIDE, values[k], g);
    }
    for (int t = 0; t < steps; t++) {
        fill_random(ADADELTA_F32, g, WIDE, &draws, -10, 0);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    }
    adadelta_destroy(optimizer);
}

/* That many elements differ: chance differs, not just something. */
static void expect_other(const uint16_t *a, const uint16_t *b)
{
    size_t differing = 0;
    for (size_t i = 0; i < WIDE; i++)
        differing += a[i] != b[i];
    assert_true(differing > WIDE / 8);
}

static void seed_and_tensor_decide(void **state)
{
    (void)state;
    static outcome first, again, others[4];
    const uint64_t seeds[] = {0, 1, UINT64_C(1) << 32, UINT64_MAX};
    for (int d = ADADELTA_BF16; d <= ADADELTA_F16; d++) {
        run(first, (enum adadelta_dtype)d, 77, 10);
        run(again, (enum adadelta_dtype)d, 77, 10);
        assert_memory_equal(first, again, sizeof first);
        expect_other(first[0], first[1]);
        expect_other(first[1], first[2]);
        for (size_t k = 0; k < 4; k++) {
            run(others[k], (enum adadelta_dtype)d, seeds[k], 10);
            expect_other(first[0], others[k][0]);
            for (size_t j = 0; j < k; j++)
                expect_other(others[j][0], others[k][0]);
        }
    }
}

/* The same step from the same values: not the same again. */
static void every_step_is_another(void **state)
{
    (void)state;
    uint16_t values[WIDE], before[3][WIDE];
    float g[WIDE];
    const struct mix mix = {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC};
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_SGD, &plain_step, 1, 0);
    register_tensor(optimizer, &mix, WIDE, values, g);
    for (int t = 0; t < 3; t++) {
        for (size_t i = 0; i < WIDE; i++) {
            values[i] = 0x3f80;
            g[i] = -0x1p-8F;
        }
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        memcpy(before[t], values, sizeof values);
        for (int k = 0; k < t; k++)
            expect_other(before[k], before[t]);
    }
    adadelta_destroy(optimizer);
}

/* A row named twice, one step after the other: two chances. With one for both it would go up twice or not at all. */
static void every_turn_is_another(void **state)
{
    (void)state;
    static const size_t rows[2] = {0, 0};
    uint16_t values[WIDE];
    float g[2 * WIDE];
    size_t ups[3] = {0};
    const struct mix mix = {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_STOCHASTIC};
    const struct adadelta_gradients gradients = {.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER};
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_SGD, &plain_step, 1, 0);
    struct adadelta_tensor tensor = tensor_of(&mix, "x", 1, values, NULL);
    tensor.ndim = 2;
    tensor.shape[1] = WIDE;
    tensor.max_rows = 2;
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    for (size_t i = 0; i < 2 * WIDE; i++) {
        values[i % WIDE] = 0x3f80;
        g[i] = -0x1p-8F;
    }
    assert_int_equal(adadelta_step_rows(optimizer, 0, 2, rows, g), ADADELTA_OK);
    for (size_t i = 0; i < WIDE; i++) {
        assert_in_range(values[i], 0x3f80, 0x3f82);
        ups[values[i] - 0x3f80]++;
    }
    assert_true(is_fair((double)ups[0], WIDE, 0.25) && is_fair((double)ups[1], WIDE, 0.5));
    adadelta_destroy(optimizer);
}

/* ---- On what nothing depends ---- */

enum { TENSORS = 4, STEPS = 4, KINDS = 9 };

static const struct mix kinds[KINDS] = {
    {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_F16, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_STOCHASTIC},
    {ADADELTA_BF16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_SPLIT},
    {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_F16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {ADADELTA_BF16, ADADELTA_F64, ADADELTA_F32, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F32, ADADELTA_BF16, ADADELTA_F64, ADADELTA_WEIGHTS_NEAREST},
    {ADADELTA_F64, ADADELTA_F32, ADADELTA_BF16, ADADELTA_WEIGHTS_NEAREST},
};

static const size_t sizes[TENSORS] = {233333, 513, 40001, 1};

/* Values and gradients of a run with Adadelta. */
struct arrays {
    void *values[TENSORS], *gradient[TENSORS];
    struct adadelta *optimizer;
};

static void set_up(struct arrays *a, const struct mix *mix, int threads)
{
    uint64_t seed = 12;
    a->optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, threads, 3);
    for (size_t k = 0; k < TENSORS; k++) {
        a->values[k] = new_array(mix->values, sizes[k]);
        a->gradient[k] = new_array(mix->gradient, sizes[k]);
        fill_random(mix->values, a->values[k], sizes[k], &seed, -6, 2);
        fill_random(mix->gradient, a->gradient[k], sizes[k], &seed, -10, 3);
        register_tensor(a->optimizer, mix, sizes[k], a->values[k], a->gradient[k]);
    }
}

static void tear_down(struct arrays *a)
{
    adadelta_destroy(a->optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(a->values[k]);
        free(a->gradient[k]);
    }
}

static void expect_same(const struct arrays *a, const struct arrays *b, const struct mix *mix)
{
    static const char *const names[] = {"square_avg", "acc_delta", "master", "low"};
    for (size_t k = 0; k < TENSORS; k++) {
        const size_t sizes_of[] = {binaries[state_of_mix(mix)].size, binaries[state_of_mix(mix)].size, 4, 2};
        assert_memory_equal(a->values[k], b->values[k], sizes[k] * binaries[mix->values].size);
        for (size_t s = 0; s < 4; s++) {
            void *left, *right;
            if (adadelta_state(a->optimizer, k, names[s], &left))
                continue;
            assert_int_equal(adadelta_state(b->optimizer, k, names[s], &right), ADADELTA_OK);
            assert_memory_equal(left, right, sizes[k] * sizes_of[s]);
        }
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const int threads[] = {2, 3, 7, 0};
    for (int m = 0; m < KINDS; m++) {
        struct arrays one, many;
        set_up(&one, &kinds[m], 1);
        for (int t = 0; t < STEPS; t++)
            assert_int_equal(adadelta_step(one.optimizer), ADADELTA_OK);
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
            set_up(&many, &kinds[m], threads[k]);
            for (int t = 0; t < STEPS; t++)
                assert_int_equal(adadelta_step(many.optimizer), ADADELTA_OK);
            expect_same(&one, &many, &kinds[m]);
            tear_down(&many);
        }
        tear_down(&one);
    }
}

/* Tensor by tensor, from the last to the first, with another array for the gradient: the same as all in one step. */
static void single_tensors_come_out_as_all(void **state)
{
    (void)state;
    for (int m = 0; m < KINDS; m++) {
        struct arrays all, single;
        set_up(&all, &kinds[m], 3);
        set_up(&single, &kinds[m], 2);
        for (size_t k = 0; k < TENSORS; k++)
            assert_int_equal(adadelta_set_buffers(single.optimizer, k, single.values[k], NULL), ADADELTA_OK);
        for (int t = 0; t < STEPS; t++) {
            assert_int_equal(adadelta_step(all.optimizer), ADADELTA_OK);
            for (size_t k = TENSORS; k-- > 0;)
                assert_int_equal(adadelta_step_tensor(single.optimizer, k, single.gradient[k]), ADADELTA_OK);
            assert_int_equal(adadelta_step(single.optimizer), ADADELTA_OK);
        }
        expect_same(&all, &single, &kinds[m]);
        assert_true(adadelta_step_count(single.optimizer) == STEPS);
        tear_down(&all);
        tear_down(&single);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_is_exact),
        cmocka_unit_test(exact_values_stay),
        cmocka_unit_test(seed_and_tensor_decide),
        cmocka_unit_test(every_step_is_another),
        cmocka_unit_test(every_turn_is_another),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(single_tensors_come_out_as_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
