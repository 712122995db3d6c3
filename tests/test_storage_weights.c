/* SPDX-License-Identifier: MIT */
/* How weights of 16 bits are kept: a master and a split weight are a float run to the bit, and small steps are not
   lost. Rounding by chance has test_storage_chance.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage_optimizer.h"

enum { STEPS = 300, N = 1025, CHANGE = 100 /* the step before which the caller changes weights */ };

static void *state_named(struct adadelta *optimizer, const char *name)
{
    void *found = NULL;
    assert_int_equal(adadelta_state(optimizer, 0, name, &found), ADADELTA_OK);
    return found;
}

static const struct mix floats = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER};

/* ---- Beside a run in float ---- */

/* A run with 16-bit weights, and the same with float ones. */
struct pair {
    struct mix mix;
    struct adadelta *optimizer, *plain;
    uint16_t values[N];
    float x[N], g[N];
};

static void start(struct pair *p, enum adadelta_dtype dtype, enum adadelta_weights weights, enum adadelta_method method)
{
    uint64_t seed = 10 * (uint64_t)dtype + (uint64_t)method;
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    hyper.weight_decay = 0.01;
    p->mix = (struct mix){dtype, ADADELTA_F32, ADADELTA_F32, weights};
    fill_random(dtype, p->values, N, &seed, -10, 3);
    for (size_t i = 0; i < N; i++)
        p->x[i] = (float)half_value(dtype, p->values[i]);
    p->optimizer = new_optimizer(method, &hyper, 1, 1);
    p->plain = new_optimizer(method, &hyper, 1, 2);
    register_tensor(p->optimizer, &p->mix, N, p->values, p->g);
    register_tensor(p->plain, &floats, N, p->x, p->g);
}

static void step_both(struct pair *p, uint64_t *seed)
{
    fill_random(ADADELTA_F32, p->g, N, seed, -20, 3);
    assert_int_equal(adadelta_step(p->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_step(p->plain), ADADELTA_OK);
}

static void finish(struct pair *p)
{
    adadelta_destroy(p->optimizer);
    adadelta_destroy(p->plain);
}

/* Changes every seventh weight, in the other run, too. A code next to the old one is a change; the same one is none. */
static void change_weights(struct pair *p)
{
    for (size_t i = 0; i < N; i += 7) {
        const uint16_t codes[] = {
            (uint16_t)(p->values[i] + 1), (uint16_t)(p->values[i] ^ 0x8000), 0x8000, 0, 1, p->values[i], 0x3e00};
        const uint16_t code = codes[i / 7 % 7];
        if (code == p->values[i])
            continue;
        p->values[i] = code;
        p->x[i] = (float)half_value(p->mix.values, code);
    }
}

static void master_is_a_float_run(void **state)
{
    (void)state;
    static struct pair p;
    for (int d = ADADELTA_BF16; d <= ADADELTA_F16; d++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
            const enum adadelta_dtype dtype = (enum adadelta_dtype)d;
            uint64_t seed = 3;
            size_t between = 0;
            start(&p, dtype, ADADELTA_WEIGHTS_MASTER, (enum adadelta_method)m);
            for (int t = 0; t < STEPS; t++) {
                if (t == CHANGE)
                    change_weights(&p);
                step_both(&p, &seed);
                assert_memory_equal(state_named(p.optimizer, "master"), p.x, sizeof p.x);
                for (size_t i = 0; i < N; i++) {
                    assert_int_equal(p.values[i], half_code(dtype, (double)p.x[i], rint));
                    between += half_value(dtype, p.values[i]) != (double)p.x[i];
                }
            }
            assert_true(between > STEPS * N / 2); /* or there would be nothing to keep */
            finish(&p);
        }
}

/* The upper half of a split float: the nearest, either of two; low: the rest of the float, as it is. */
static int is_split(const uint16_t *values, const uint16_t *low, const float *x, size_t i)
{
    const double value = half_value(ADADELTA_BF16, values[i]), near = nearest(ADADELTA_BF16, (double)x[i]);
    return low[i] == (bits_at(ADADELTA_F32, x, i) & 0xffff) && !signbit(value) == !signbit(x[i]) &&
           (value == near || fabs(value - (double)x[i]) == fabs(near - (double)x[i]));
}

static void split_is_a_float_run(void **state)
{
    (void)state;
    static struct pair p;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        uint64_t seed = 4;
        start(&p, ADADELTA_BF16, ADADELTA_WEIGHTS_SPLIT, (enum adadelta_method)m);
        for (int t = 0; t < STEPS; t++) {
            step_both(&p, &seed);
            for (size_t i = 0; i < N; i++)
                assert_true(is_split(p.values, state_named(p.optimizer, "low"), p.x, i));
        }
        finish(&p);
    }
}

/* ---- The ends of the types ---- */

/* Floats beside what rounds differently: halves, the largest, the smallest, denormals of each type. */
static const uint32_t extremes[] = {0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, 0x3fffffff, 0x7f7fffff, 0x7f7f8000,
                                    0x7f7f7fff, 0x7f7f0000, 0x477fefff, 0x477ff000, 0x477fe000, 0x47800000, 0x00000001,
                                    0x00007fff, 0x00008000, 0x00008001, 0x00010000, 0x007fffff, 0x00800000, 0x00807fff,
                                    0x33000000, 0x33000001, 0x33800000, 0x38800000, 0x387fffff, 0x387fe000, 0x7f800000};

enum { EXTREMES = 2 * sizeof extremes / sizeof *extremes };

/* From 0 by one step of 1*gradient to each extreme, of either sign; there by a step of 0; by another back to 0. */
static void check_extremes(enum adadelta_dtype dtype, enum adadelta_weights weights)
{
    const struct mix mix = {dtype, ADADELTA_F32, ADADELTA_F32, weights};
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    const int is_master = weights == ADADELTA_WEIGHTS_MASTER;
    float g[EXTREMES], x[EXTREMES];
    uint16_t values[EXTREMES] = {0};
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_SGD, &hyper, 1, 0);
    register_tensor(optimizer, &mix, EXTREMES, values, g);
    for (size_t i = 0; i < EXTREMES; i++) {
        const uint32_t pattern = extremes[i / 2] | (i % 2 ? 0x80000000 : 0);
        memcpy(&x[i], &pattern, sizeof pattern);
        g[i] = -x[i];
    }
    for (int t = 0; t < 3; t++) {
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        const void *kept = state_named(optimizer, is_master ? "master" : "low");
        for (size_t i = 0; i < EXTREMES; i++) {
            if (is_master)
                assert_int_equal(values[i], half_code(dtype, (double)x[i], rint));
            else
                assert_true(is_split(values, kept, x, i));
            if (isinf(x[i]))
                assert_int_equal(values[i], half_code(dtype, (double)x[i], rint));
        }
        if (is_master)
            assert_memory_equal(kept, x, sizeof x);
        memset(g, 0, sizeof g);
    }
    for (size_t i = 0; i < EXTREMES; i++)
        g[i] = isinf(x[i]) ? 0 : x[i];
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    for (size_t i = 0; i < EXTREMES; i++)
        assert_true(isinf(x[i]) ? half_value(dtype, values[i]) == (double)x[i] : values[i] == 0);
    adadelta_destroy(optimizer);
}

static void extremes_are_kept(void **state)
{
    (void)state;
    check_extremes(ADADELTA_BF16, ADADELTA_WEIGHTS_MASTER);
    check_extremes(ADADELTA_F16, ADADELTA_WEIGHTS_MASTER);
    check_extremes(ADADELTA_BF16, ADADELTA_WEIGHTS_SPLIT);
}

/* NaN in, NaN out, and it stays one, whatever its digits. */
static void nan_stays(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        if (!goes_together(&mix) || mix.gradient != ADADELTA_F32 || !is_half(mix.values))
            continue;
        const uint16_t inf = (uint16_t)half_inf(mix.values);
        uint16_t values[8] = {0x3c00, 0x3c00, 0x3c00, 0x3c00, 0x3c00, (uint16_t)(inf + 1), 0xffff, 0x7fff};
        const uint32_t patterns[8] = {0x7fffffff, 0xffffffff, 0x7f800001, 0x7fc08000, 0xffffa000}; /* the others 0 */
        float g[8];
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_SGD, &hyper, 1, 0);
        register_tensor(optimizer, &mix, 8, values, g);
        memcpy(g, patterns, sizeof g);
        for (int t = 0; t < 3; t++) {
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
            for (size_t i = 0; i < 8; i++)
                assert_true((values[i] & 0x7fff) > inf);
            memset(g, 0, sizeof g);
        }
        adadelta_destroy(optimizer);
    }
}

/* ---- Small steps ---- */

/* A first step on a large gradient is 4.5e-3, a third of the spacing of BF16 from 2 upwards. */
static void the_first_step_is_lost_by_rounding_to_nearest(void **state)
{
    (void)state;
    for (int w = 0; w < WEIGHTS; w++) {
        const struct mix mix = {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, (enum adadelta_weights)w};
        uint16_t value = 0x4000;
        const float g = -10;
        float next;
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, 1, 1);
        register_tensor(optimizer, &mix, 1, &value, &g);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        if (!is_dithered(&mix))
            assert_int_equal(value, 0x4000);
        if (has_master(&mix)) {
            memcpy(&next, state_named(optimizer, "master"), sizeof next);
            assert_true(next > 2.0044F && next < 2.0046F);
        }
        if (has_low(&mix)) /* in units of 2^-22 */
            assert_in_range(bits_at(ADADELTA_BF16, state_named(optimizer, "low"), 0), 18455, 19293);
        adadelta_destroy(optimizer);
    }
}

/* Many small steps: where they are not lost they add up as in float, or in the mean of many weights. */
static void small_steps_add_up(void **state)
{
    (void)state;
    enum { MANY = 2000, WIDE = 4096 };
    static uint16_t values[WIDE];
    static float g[WIDE];
    float x = 2;
    struct adadelta *plain = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, 1, 1);
    register_tensor(plain, &floats, 1, &x, g);
    for (int i = 0; i < WIDE; i++)
        g[i] = -1e-4F;
    for (int t = 0; t < MANY; t++)
        assert_int_equal(adadelta_step(plain), ADADELTA_OK);
    assert_true(x > 2.1F && x < 2.5F);
    for (int w = 0; w < WEIGHTS; w++) {
        const struct mix mix = {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, (enum adadelta_weights)w};
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL, 1, 1);
        double sum = 0;
        for (int i = 0; i < WIDE; i++)
            values[i] = 0x4000;
        register_tensor(optimizer, &mix, WIDE, values, g);
        for (int t = 0; t < MANY; t++)
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        for (int i = 0; i < WIDE; i++) {
            sum += half_value(ADADELTA_BF16, values[i]);
            if (!is_dithered(&mix))
                assert_int_equal(values[i],
                                 w == ADADELTA_WEIGHTS_NEAREST ? 0x4000 : half_code(ADADELTA_BF16, (double)x, rint));
        }
        /* Each step d of spacing s has variance d*(s - d): at most d*s, and all d together x - 2. */
        const double sigma = sqrt((double)(x - 2) * 0x1p-6 / WIDE);
        if (is_dithered(&mix))
            assert_true(fabs(sum / WIDE - (double)x) < 6 * sigma && sigma < 0.01);
        adadelta_destroy(optimizer);
    }
    adadelta_destroy(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(master_is_a_float_run),
        cmocka_unit_test(split_is_a_float_run),
        cmocka_unit_test(extremes_are_kept),
        cmocka_unit_test(nan_stays),
        cmocka_unit_test(the_first_step_is_lost_by_rounding_to_nearest),
        cmocka_unit_test(small_steps_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
