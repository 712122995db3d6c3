/* SPDX-License-Identifier: MIT */
/* The loops over elements against long double, at their edges, and with the same bits in every set of instructions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elementwise.h"
#include "random.h"

/* Every STRIDE-th float is looked at; -DSTRIDE=1 looks at all, in many minutes. A prime, so that all kinds of
   lowest bits come up. */
#ifndef STRIDE
#define STRIDE 499
#endif

enum { CHUNK = 4096 };

static float float_from(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The distance from one float to the next where the exact value lies. */
static long double unit_at(long double exact)
{
    int exponent;
    frexpl(exact, &exponent);
    return ldexpl(1, exponent - 24 > -149 ? exponent - 24 : -149);
}

static long double exact_tanh(long double x)
{
    return tanhl(x);
}

static long double exact_logistic(long double x)
{
    return 1 / (1 + expl(-x));
}

/* ---- Accuracy ---- */

static const struct {
    enum activation activation;
    long double (*exact)(long double x);
    long double bound; /* in units in the last place: what elementwise.h says */
} functions[] = {
    {ACTIVATION_TANH, exact_tanh, 1.34L},
    {ACTIVATION_LOGISTIC, exact_logistic, 2.41L},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

struct worst {
    long double error;
    float x;
};

/* The chunk of floats that begins with these bits, STRIDE apart: their largest error. */
static struct worst worst_of(size_t k, uint64_t first)
{
    struct worst worst = {0, 0};
    float x[CHUNK] = {0}, y[CHUNK];
    size_t n = 0;
    for (uint64_t bits = first; n < CHUNK && bits <= UINT32_MAX; bits += STRIDE)
        x[n++] = float_from((uint32_t)bits);
    memcpy(y, x, sizeof x);
    elementwise_in_use()->forward[functions[k].activation](y, n);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) {
            if (!isnan(y[i]))
                worst = (struct worst){INFINITY, x[i]};
            continue;
        }
        const long double exact = functions[k].exact(x[i]);
        const long double error = fabsl(y[i] - exact) / unit_at(exact);
        if (!(error < INFINITY)) /* a NaN for a number, too */
            return (struct worst){INFINITY, x[i]};
        if (!(error <= worst.error))
            worst = (struct worst){error, x[i]};
    }
    return worst;
}

static void test_accuracy(void **state)
{
    (void)state;
    for (size_t k = 0; k < FUNCTIONS; k++) {
        struct worst worst = {0, 0};
#pragma omp parallel for schedule(dynamic, 16)
        for (uint64_t chunk = 0; chunk <= UINT32_MAX / STRIDE / CHUNK; chunk++) {
            const struct worst here = worst_of(k, chunk * CHUNK * STRIDE);
#pragma omp critical
            worst = here.error > worst.error ? here : worst;
        }
        print_message("%s: %.3Lf units in the last place, at %a\n", activation_name(functions[k].activation),
                      worst.error, (double)worst.x);
        if (!(worst.error <= functions[k].bound))
            fail_msg("%s(%a) is off by %.3Lf units", activation_name(functions[k].activation), (double)worst.x,
                     worst.error);
    }
}

static void test_edges(void **state)
{
    (void)state;
    static const struct {
        enum activation activation;
        float x, y;
    } rows[] = {
        {ACTIVATION_RELU, -INFINITY, 0},
        {ACTIVATION_RELU, INFINITY, INFINITY},
        {ACTIVATION_RELU, -3, 0},
        {ACTIVATION_RELU, 3, 3},
        {ACTIVATION_TANH, -INFINITY, -1},
        {ACTIVATION_TANH, INFINITY, 1},
        {ACTIVATION_TANH, 0, 0},
        {ACTIVATION_TANH, -0.0f, -0.0f},
        {ACTIVATION_TANH, 1e-30f, 1e-30f},
        {ACTIVATION_LOGISTIC, -INFINITY, 0},
        {ACTIVATION_LOGISTIC, INFINITY, 1},
        {ACTIVATION_LOGISTIC, 0, 0.5f},
    };
    for (const struct elementwise *set = elementwise_sets; set->name; set++) {
        for (size_t i = 0; set->usable() && i < sizeof rows / sizeof *rows; i++) {
            float y = rows[i].x;
            set->forward[rows[i].activation](&y, 1);
            assert_memory_equal(&y, &rows[i].y, sizeof y);
        }
        for (size_t a = 0; set->usable() && a < ACTIVATION_COUNT; a++) {
            const float one = 1;
            float y = NAN, delta = NAN;
            set->forward[a](&y, 1);
            set->backward[a](&delta, &one, 1);
            assert_true(isnan(y));
            assert_true(a != ACTIVATION_RELU || isnan(delta));
        }
    }
}

/* ---- The same bits in every set ---- */

enum { MOST = 67, OFFSETS = 9, ROOM = MOST + OFFSETS + 1 };

/* What every loop makes of the n elements from an offset on, one after the other in out [.., ROOM]: a guard behind. */
struct outcome {
    float out[2 * ACTIVATION_COUNT + 2][ROOM];
};

static void run_all(const struct elementwise *set, size_t offset, size_t n, struct outcome *outcome)
{
    static const float edges[] = {0, -0.0f, 1e-40f, INFINITY, -INFINITY, NAN, 0.625f, -88, 88, -104.5f, 3e38f};
    struct random random = random_stream(5, offset * 1000 + n);
    float z[ROOM], a[ROOM];
    uint8_t bytes[ROOM];
    for (size_t i = 0; i < ROOM; i++) {
        z[i] = (float)(20 * random_normal(&random));
        a[i] = (float)(2 * random_uniform(&random) - 1);
        bytes[i] = (uint8_t)random_bits(&random);
        if (random_uniform(&random) < 0.2)
            z[i] = edges[random_below(&random, sizeof edges / sizeof *edges)];
    }
    for (size_t k = 0; k < sizeof outcome->out / sizeof *outcome->out; k++)
        memcpy(outcome->out[k], z, sizeof z);
    for (size_t k = 0; k < ACTIVATION_COUNT; k++) {
        set->forward[k](outcome->out[k] + offset, n);
        set->backward[k](outcome->out[ACTIVATION_COUNT + k] + offset, a + offset, n);
    }
    set->scale_bytes(outcome->out[2 * ACTIVATION_COUNT] + offset, bytes + offset, a + offset, z + offset, n);
    set->add(outcome->out[2 * ACTIVATION_COUNT + 1] + offset, a + offset, n);
    for (size_t k = 0; k < sizeof outcome->out / sizeof *outcome->out; k++) { /* nothing beside them was touched */
        assert_memory_equal(outcome->out[k], z, offset * sizeof *z);
        assert_memory_equal(outcome->out[k] + offset + n, z + offset + n, (ROOM - offset - n) * sizeof *z);
    }
}

/* NaN may have any sign and payload. */
static int same(const struct outcome *a, const struct outcome *b)
{
    const float *x = a->out[0], *y = b->out[0];
    for (size_t i = 0; i < sizeof *a / sizeof *x; i++) {
        if (!(isnan(x[i]) && isnan(y[i])) && memcmp(&x[i], &y[i], sizeof *x) != 0)
            return 0;
    }
    return 1;
}

static void test_same_bits_in_every_set(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        for (size_t offset = 0; offset < OFFSETS; offset++) {
            struct outcome first, other;
            run_all(elementwise_sets, offset, n, &first);
            for (const struct elementwise *set = elementwise_sets + 1; set->name; set++) {
                if (!set->usable())
                    continue;
                run_all(set, offset, n, &other);
                if (!same(&first, &other))
                    fail_msg("%s differs from %s: %zu elements, offset %zu", set->name, elementwise_sets->name, n,
                             offset);
            }
        }
    }
}

/* An element has the bits that it has alone, wherever it stands. */
static void test_place_does_not_matter(void **state)
{
    (void)state;
    struct random random = random_stream(6, 1);
    for (const struct elementwise *set = elementwise_sets; set->name; set++) {
        for (size_t a = 0; set->usable() && a < ACTIVATION_COUNT; a++) {
            float z[MOST], alone[MOST];
            for (size_t i = 0; i < MOST; i++)
                alone[i] = z[i] = (float)(3 * random_normal(&random));
            set->forward[a](z, MOST);
            for (size_t i = 0; i < MOST; i++)
                set->forward[a](&alone[i], 1);
            assert_memory_equal(z, alone, sizeof z);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_same_bits_in_every_set),
        cmocka_unit_test(test_place_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
