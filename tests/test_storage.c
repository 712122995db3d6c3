/* SPDX-License-Identifier: MIT */
/*
 * Numbers as they are stored: every type of values, gradient and state, and every way to keep weights, for every
 * method. What is expected is put together here: the types by their definition (storage.h), and between them a step on
 * plain arrays of the type computed in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage.h"

enum { STEPS = 50 };

static const size_t lengths[] = {1, 2, 17, 255, 256, 257, 511, 512, 513, 1025, 5000};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

static const char *text_of(const struct mix *mix, enum adadelta_method method)
{
    static char text[200];
    snprintf(text, sizeof text, "%s: values %s gradient %s state %s weights %d", adadelta_method_name(method),
             adadelta_dtype_name(mix->values), adadelta_dtype_name(mix->gradient),
             mix->state ? adadelta_dtype_name(mix->state) : "default", (int)mix->weights);
    return text;
}

static struct adadelta *new_optimizer(enum adadelta_method method, const struct adadelta_hyper *hyper)
{
    const struct adadelta_options options = {.method = method, .threads = 1, .seed = 5};
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    return optimizer;
}

static void *state_named(struct adadelta *optimizer, const char *name)
{
    void *found = NULL;
    assert_int_equal(adadelta_state(optimizer, 0, name, &found), ADADELTA_OK);
    return found;
}

/* ---- What can be registered ---- */

static void check_parts(struct adadelta *optimizer, const struct mix *mix, enum adadelta_method method)
{
    void *found = &found;
    const size_t states = method_states(method);
    for (size_t k = 0; k < states; k++)
        assert_int_equal((uintptr_t)state_named(optimizer, adadelta_method_state_name(method, k)) % 64, 0);
    const struct {
        const char *name;
        int is_there;
    } rows[] = {{"master", has_master(mix)}, {"low", has_low(mix)}, {"average", 0}, {"", 0}, {"Master", 0}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        found = &found;
        assert_int_equal(adadelta_state(optimizer, 0, rows[k].name, &found),
                         rows[k].is_there ? ADADELTA_OK : ADADELTA_ERROR_NAME);
        assert_int_equal(found != (void *)&found, rows[k].is_there);
        assert_int_equal(rows[k].is_there ? (uintptr_t)found % 64 : 0, 0);
    }
}

static void registration_takes_what_goes_together(void **state)
{
    (void)state;
    double x[3] = {0}, g[3] = {0};
    for (int k = 0; k < MIXES; k++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
            const struct mix mix = mix_number(k);
            struct adadelta_tensor tensor = tensor_of(&mix, "x", 3, x, g), got;
            struct adadelta *optimizer = new_optimizer((enum adadelta_method)m, NULL);
            const int good = goes_together(&mix);
            const enum adadelta_status status = adadelta_add_tensor(optimizer, 0, &tensor, NULL);
            if (status != (good ? ADADELTA_OK : ADADELTA_ERROR_DTYPE))
                fail_msg("%s: status %d", text_of(&mix, (enum adadelta_method)m), (int)status);
            assert_int_equal(adadelta_tensor_count(optimizer), good);
            if (good) {
                assert_int_equal(adadelta_get_tensor(optimizer, 0, &got), ADADELTA_OK);
                assert_true(got.dtype == mix.values && got.gradient_dtype == mix.gradient &&
                            got.state_dtype == state_of_mix(&mix) && got.weights == mix.weights);
                check_parts(optimizer, &mix, (enum adadelta_method)m);
            } else {
                assert_string_not_equal(adadelta_error_text(optimizer), "");
            }
            adadelta_destroy(optimizer);
        }
}

static void registration_fills_in_defaults(void **state)
{
    (void)state;
    double x = 0;
    for (int d = ADADELTA_DTYPE_DEFAULT; d <= ADADELTA_F16; d++) {
        struct adadelta_tensor tensor = {.name = "x", .dtype = (enum adadelta_dtype)d, .values = &x}, got;
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_get_tensor(optimizer, 0, &got), ADADELTA_OK);
        assert_int_equal(got.dtype, d == ADADELTA_DTYPE_DEFAULT ? ADADELTA_F32 : d);
        assert_int_equal(got.gradient_dtype, got.dtype);
        assert_int_equal(got.state_dtype, d == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32);
        assert_int_equal(got.weights, ADADELTA_WEIGHTS_MASTER);
        adadelta_destroy(optimizer);
    }
}

static void registration_refuses_other_types(void **state)
{
    (void)state;
    const int wrong[] = {ADADELTA_U16, ADADELTA_U8, ADADELTA_DTYPE_COUNT, 1000, -1};
    double x[3], g[3];
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADAMW, NULL);
    const struct mix mix = {ADADELTA_BF16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_NEAREST};
    const struct adadelta_tensor good = tensor_of(&mix, "x", 3, x, g);
    struct adadelta_tensor bad;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        bad = good;
        bad.dtype = (enum adadelta_dtype)wrong[k];
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &bad, NULL), ADADELTA_ERROR_DTYPE);
        bad = good;
        bad.gradient_dtype = (enum adadelta_dtype)wrong[k];
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &bad, NULL), ADADELTA_ERROR_DTYPE);
        bad = good;
        bad.state_dtype = (enum adadelta_dtype)wrong[k];
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &bad, NULL), ADADELTA_ERROR_DTYPE);
    }
    for (int weights = -1; weights <= 4; weights += 5) {
        bad = good;
        bad.weights = (enum adadelta_weights)weights;
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &bad, NULL), ADADELTA_ERROR_ARGUMENT);
    }
    assert_int_equal(adadelta_tensor_count(optimizer), 0);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &good, NULL), ADADELTA_OK);
    adadelta_destroy(optimizer);
}

/* ---- Steps ---- */

/* The same run twice: the library's, and one put together from a plain step on x, g and state. */
struct run {
    struct mix mix;
    enum adadelta_method method;
    enum adadelta_dtype computed;
    struct adadelta_hyper hyper;
    size_t n;
    void *values, *gradient, *before; /* as stored; before: the values before the step */
    struct adadelta *optimizer;
    void *x, *g, *state[2]; /* in the type computed in */
    struct adadelta *plain; /* of x and g; NULL for Adadelta, which has functions for it */
};

static struct adadelta_hyper settings(enum adadelta_method method, int k)
{
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    hyper.weight_decay = k % 3 ? 0.01 : 0;
    hyper.decoupled = k % 3 == 2;
    hyper.nesterov = k % 2;
    hyper.maximize = k % 5 == 0;
    return hyper;
}

static void start(struct run *r, int k, enum adadelta_method method, size_t n, uint64_t *seed)
{
    *r = (struct run){.mix = mix_number(k), .method = method, .n = n, .hyper = settings(method, k + (int)method)};
    r->computed = computed_in(&r->mix);
    r->values = new_array(r->mix.values, n);
    r->before = new_array(r->mix.values, n);
    r->gradient = new_array(r->mix.gradient, n);
    r->x = new_array(r->computed, n);
    r->g = new_array(r->computed, n);
    fill_random(r->mix.values, r->values, n, seed, -8, 3);
    for (size_t i = 0; i < n; i++)
        put_number(r->computed, r->x, i, number_at(r->mix.values, r->values, i));
    const struct adadelta_tensor tensor = tensor_of(&r->mix, "x", n, r->values, r->gradient);
    r->optimizer = new_optimizer(method, &r->hyper);
    assert_int_equal(adadelta_add_tensor(r->optimizer, 0, &tensor, NULL), ADADELTA_OK);
    if (method == ADADELTA_METHOD_ADADELTA) {
        r->state[0] = new_array(r->computed, n);
        r->state[1] = new_array(r->computed, n);
        return;
    }
    const struct mix alike = {r->computed, r->computed, r->computed, ADADELTA_WEIGHTS_MASTER};
    const struct adadelta_tensor plain = tensor_of(&alike, "x", n, r->x, r->g);
    r->plain = new_optimizer(method, &r->hyper);
    assert_int_equal(adadelta_add_tensor(r->plain, 0, &plain, NULL), ADADELTA_OK);
    for (size_t s = 0; s < method_states(method); s++)
        r->state[s] = state_named(r->plain, adadelta_method_state_name(method, s));
}

static void finish(struct run *r)
{
    adadelta_destroy(r->optimizer);
    adadelta_destroy(r->plain);
    free(r->values);
    free(r->before);
    free(r->gradient);
    free(r->x);
    free(r->g);
    free(r->plain ? NULL : r->state[0]);
    free(r->plain ? NULL : r->state[1]);
}

static enum adadelta_status step_plainly(struct run *r)
{
    if (r->plain)
        return adadelta_step(r->plain);
    if (r->computed == ADADELTA_F64)
        return adadelta_update_f64(r->n, r->x, r->g, r->state[0], r->state[1], &r->hyper);
    return adadelta_update_f32(r->n, r->x, r->g, r->state[0], r->state[1], &r->hyper);
}

/* Whether the library's element is what becomes of x: the nearest number; or by chance one of the two neighbours. */
static int is_stored(const struct run *r, size_t i)
{
    const double x = number_at(r->computed, r->x, i);
    const uint64_t bits = bits_at(r->mix.values, r->values, i);
    if (is_dithered(&r->mix)) {
        const uint64_t inner = half_code(r->mix.values, x, trunc);
        return bits == inner || (half_value(r->mix.values, inner) != x && bits == inner + 1);
    }
    if (!has_low(&r->mix))
        return bits == nearest_bits(r->mix.values, x);
    /* The lower half is x's, and the upper one nearest, whichever of the two it is. */
    const double error = fabs(number_at(ADADELTA_BF16, r->values, i) - x);
    return bits_at(ADADELTA_BF16, state_named(r->optimizer, "low"), i) == (bits_at(ADADELTA_F32, r->x, i) & 0xffff) &&
           error == fabs(nearest(ADADELTA_BF16, x) - x);
}

/* What the next step starts from: x itself only where the weights keep it. */
static void store(struct run *r)
{
    const enum adadelta_dtype kept = state_of_mix(&r->mix);
    for (size_t i = 0; i < r->n && !has_master(&r->mix) && !has_low(&r->mix); i++)
        put_number(r->computed, r->x, i, number_at(r->mix.values, r->values, i));
    for (size_t s = 0; s < method_states(r->method); s++)
        for (size_t i = 0; i < r->n; i++)
            put_number(r->computed, r->state[s], i, nearest(kept, number_at(r->computed, r->state[s], i)));
}

static int is_as_composed(struct run *r)
{
    const enum adadelta_dtype kept = state_of_mix(&r->mix);
    for (size_t i = 0; i < r->n; i++) {
        if (!is_stored(r, i))
            return 0;
    }
    if (has_master(&r->mix) && memcmp(state_named(r->optimizer, "master"), r->x, r->n * sizeof(float)))
        return 0;
    store(r);
    for (size_t s = 0; s < method_states(r->method); s++) {
        const void *theirs = state_named(r->optimizer, adadelta_method_state_name(r->method, s));
        for (size_t i = 0; i < r->n; i++) {
            if (bits_at(kept, theirs, i) != nearest_bits(kept, number_at(r->computed, r->state[s], i)))
                return 0;
        }
    }
    return 1;
}

static void check_run(int k, enum adadelta_method method, size_t n)
{
    struct run r;
    uint64_t seed = (uint64_t)k * 100 + (uint64_t)method;
    size_t moved = 0;
    start(&r, k, method, n, &seed);
    for (int t = 0; t < STEPS; t++) {
        fill_random(r.mix.gradient, r.gradient, n, &seed, -24, 3);
        for (size_t i = 0; i < n; i++)
            put_number(r.computed, r.g, i, number_at(r.mix.gradient, r.gradient, i));
        memcpy(r.before, r.values, n * binaries[r.mix.values].size);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_int_equal(step_plainly(&r), ADADELTA_OK);
        if (!is_as_composed(&r))
            fail_msg("%s, n %zu: step %d differs", text_of(&r.mix, method), n, t);
        for (size_t i = 0; i < n; i++) {
            moved += bits_at(r.mix.values, r.values, i) != bits_at(r.mix.values, r.before, i);
            assert_true(isfinite(number_at(r.mix.values, r.values, i)));
        }
    }
    assert_true(moved > 0 || n <= 2); /* equal not because nothing happened */
    finish(&r);
}

static void steps_are_as_composed(void **state)
{
    (void)state;
    size_t turn = 0;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int k = 0; k < MIXES; k++) {
            const struct mix mix = mix_number(k);
            if (goes_together(&mix))
                check_run(k, (enum adadelta_method)m, lengths[turn++ % LENGTHS]);
        }
}

/* What the header says of F16: too large becomes infinite, and what is too small to be told from zero becomes zero. */
static void f16_state_overflows_and_underflows(void **state)
{
    (void)state;
    const struct mix mix = {ADADELTA_F32, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER};
    /* v = g*g/20: infinite, 65517 (to the largest, 65504); in units of
       2^-24, the smallest: 1.001, 0.525, 0.475, 8e-7 */
    const float gradients[] = {2000, 1144.7F, 1.0923e-3F, 7.911e-4F, 7.525e-4F, 1e-6F};
    const uint64_t squares[] = {0x7c00, 0x7bff, 1, 1, 0, 0};
    enum { N = 6 };
    float x[N] = {0}, g[N], once[N];
    struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL);
    const struct adadelta_tensor tensor = tensor_of(&mix, "x", N, x, g);
    memcpy(g, gradients, sizeof g);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    struct adadelta_gradients settings = adadelta_gradients_default();
    settings.nonfinite = ADADELTA_NONFINITE_PROPAGATE;
    assert_int_equal(adadelta_set_gradients(optimizer, &settings), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(bits_at(ADADELTA_F16, state_named(optimizer, "square_avg"), i), squares[i]);
    memcpy(once, x, sizeof x);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_true(once[0] != 0 && x[0] == once[0]); /* g over an infinite root is no step */
    for (size_t i = 1; i < N; i++)
        assert_true(x[i] < once[i] && once[i] < 0);
    adadelta_destroy(optimizer);
}

/* By default a gradient whose square the state cannot hold is refused, not taken in as infinity: trap 4. */
static void what_state_cannot_hold_is_refused(void **state)
{
    (void)state;
    const struct {
        struct mix mix;
        double good, bad;
    } cases[] = {
        {{ADADELTA_F32, ADADELTA_F32, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER}, 255, 256}, /* 65504 = 255.94^2 */
        {{ADADELTA_F64, ADADELTA_F64, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER}, 1.84e19, 1.85e19},
        {{ADADELTA_F64, ADADELTA_F64, ADADELTA_BF16, ADADELTA_WEIGHTS_MASTER}, 1.84e19, 1.842e19},
        {{ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER}, 1.84e19, 1.85e19},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double x[1] = {0}, g[1];
        struct adadelta_hyper hyper = adadelta_hyper_default();
        hyper.rho = 0; /* v is g*g at once */
        struct adadelta *optimizer = new_optimizer(ADADELTA_METHOD_ADADELTA, NULL);
        const struct adadelta_tensor tensor = tensor_of(&cases[k].mix, "x", 1, x, g);
        assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_convert(1, cases[k].mix.gradient, g, ADADELTA_F64, &cases[k].bad), ADADELTA_OK);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
        assert_non_null(strstr(adadelta_error_text(optimizer), "too large to be squared"));
        assert_int_equal(adadelta_convert(1, cases[k].mix.gradient, g, ADADELTA_F64, &cases[k].good), ADADELTA_OK);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        struct adadelta_tensor_stats stats;
        assert_int_equal(adadelta_get_tensor_stats(optimizer, 0, &stats), ADADELTA_OK);
        assert_true(stats.rate_min > 0); /* v is not infinite */
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registration_takes_what_goes_together), cmocka_unit_test(registration_fills_in_defaults),
        cmocka_unit_test(registration_refuses_other_types),      cmocka_unit_test(steps_are_as_composed),
        cmocka_unit_test(f16_state_overflows_and_underflows),    cmocka_unit_test(what_state_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
