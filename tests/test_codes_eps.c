/* SPDX-License-Identifier: MIT */
/* Codes are in units of eps: when eps changes, by whatever way, the numbers stay; when anything else does, the codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "coded_state.h"

enum { MANY = 1 << 14 };

static const char *const names[] = {"square_avg", "acc_delta"};
static double x[MANY], v[MANY], u[MANY];

/* v and u as the codes say them: U8's u may be a little below 0. */
static void remember(struct adadelta *optimizer, double eps)
{
    for (size_t i = 0; i < MANY; i++) {
        const struct numbers said = numbers_at(optimizer, 0, i, eps);
        v[i] = said.v;
        u[i] = said.u;
    }
}

/* An optimizer of one tensor whose state has numbers from far below eps to far above it; v and u are then those. */
static struct adadelta *start(enum adadelta_dtype values, enum adadelta_dtype type, double eps)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.eps = eps;
    struct adadelta *optimizer = optimizer_of(NULL, &hyper);
    const struct adadelta_tensor tensor = {
        .name = "x", .dtype = values, .ndim = 1, .shape = {MANY}, .values = x, .state_dtype = type};
    uint64_t seed = 11;
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (size_t i = 0; i < MANY; i++) {
        v[i] = i % 17 ? eps * fabs(random_magnitude(&seed, -8, 20)) : 0;
        u[i] = i % 19 ? eps * fabs(random_magnitude(&seed, -8, 20)) : 0;
    }
    set_numbers(optimizer, 0, names[0], MANY, v);
    set_numbers(optimizer, 0, names[1], MANY, u);
    remember(optimizer, eps);
    return optimizer;
}

static void set_eps(struct adadelta *optimizer, double eps)
{
    struct adadelta_hyper hyper;
    assert_int_equal(adadelta_get_hyper(optimizer, 0, &hyper), ADADELTA_OK);
    hyper.eps = eps;
    assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_OK);
}

static void set_own_eps(struct adadelta *optimizer, double eps)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.eps = eps;
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_OK);
}

/* The group's, behind settings of the tensor's own, which are then taken away. */
static void set_eps_behind(struct adadelta *optimizer, double eps)
{
    struct adadelta_hyper hyper;
    assert_int_equal(adadelta_get_hyper(optimizer, 0, &hyper), ADADELTA_OK);
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_OK);
    set_eps(optimizer, eps);
    assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, NULL), ADADELTA_OK);
}

typedef void set_way(struct adadelta *optimizer, double eps);
static set_way *const ways[] = {set_eps, set_own_eps, set_eps_behind};

/* ---- Numbers stay ---- */

/* As far as there are codes for them in the new unit they are those of v and u, each within a spacing, and right in the
   mean. A u below 0 comes to no less than where the
   ratios end, and where eps becomes much smaller to no less than -eps/2. */
static void expect_numbers(struct adadelta *optimizer, enum adadelta_dtype type, double was, double eps)
{
    const double end = type == ADADELTA_U16 ? 1e19 : 3e9;
    double sum_v = 0, sum_u = 0;
    size_t count = 0;
    for (size_t i = 0; i < MANY; i++) {
        const struct numbers said = numbers_at(optimizer, 0, i, eps);
        const double end_of_q = 0x1p-32 * (v[i] + eps) - eps, least = was / eps < 2 ? end_of_q : -0.5 * eps;
        const double expected = u[i] > least ? u[i] : least;
        if (v[i] > end * eps || u[i] > end * eps || u[i] + eps > end * (v[i] + eps))
            continue;
        if (!is_near(type, 0, said.v, v[i], eps) || !is_near(type, 1, said.u, expected, eps))
            fail_msg("eps %g, element %zu: v %g, not %g, or u %g, not %g", eps, i, said.v, v[i], said.u, expected);
        sum_v += (said.v - v[i]) / (v[i] + eps);
        sum_u += u[i] > least ? (said.u - u[i]) / (u[i] + eps) : 0;
        count++;
    }
    assert_true(count > MANY / 2);
    if (!is_unbiased(sum_v, count, spacing(type, 0)) || !is_unbiased(sum_u, count, spacing(type, 1)))
        fail_msg("eps %g: means are off by %g and %g", eps, sum_v / (double)count, sum_u / (double)count);
}

static void numbers_stay(void **state)
{
    static const double factors[] = {1e-3, 0.1, 0.5, 0.999, 1 + 0x1p-40, 1.001, 3, 10, 1e3};
    (void)state;
    for (size_t k = 0; k < 12; k++)
        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
            const enum adadelta_dtype type = coded_types[k % 2], values = k / 2 % 2 ? ADADELTA_F64 : ADADELTA_F32;
            struct adadelta *optimizer = start(values, type, 1e-6);
            ways[k / 4](optimizer, 1e-6 * factors[f]);
            expect_numbers(optimizer, type, 1e-6, 1e-6 * factors[f]);
            adadelta_destroy(optimizer);
        }
}

/* By a factor that no float is: what was nothing is nothing, and what was something, as far as codes go. */
static void nothing_stays_nothing(void **state)
{
    static const double from[] = {1, 1e30, 1e-30, 1e-44}, to[] = {1e-40, 1e-30, 1e30, 1e20};
    (void)state;
    for (size_t k = 0; k < 8; k++) {
        float values[2] = {0};
        struct adadelta *optimizer = floats_with(coded_types[k % 2], from[k / 2], 2, values);
        set_numbers(optimizer, 0, "square_avg", 2, (const double[]){0, 100 * from[k / 2]});
        set_eps(optimizer, to[k / 2]);
        const struct numbers none = numbers_at(optimizer, 0, 0, to[k / 2]),
                             some = numbers_at(optimizer, 0, 1, to[k / 2]);
        assert_true(none.v == 0 && none.u == 0);
        if (to[k / 2] < from[k / 2])
            assert_true(some.v > (coded_types[k % 2] == ADADELTA_U16 ? 1e19 : 3e9) * to[k / 2]);
        else
            assert_true(some.v == 0);
        adadelta_destroy(optimizer);
    }
}

/* ---- Many small changes ---- */

/* The numbers of all elements together, the ones that codes say in the units of eps. */
static struct numbers total(struct adadelta *optimizer, double eps)
{
    struct numbers sum = {0, 0};
    for (size_t i = 0; i < MANY; i++) {
        const struct numbers said = numbers_at(optimizer, 0, i, eps);
        sum.v += said.v;
        sum.u += said.u;
    }
    return sum;
}

/* A tensor that takes no step while eps is changed 1,000 times by 0.1 %, down, up, or to and fro: v of all elements
   together is what it was, and u, be it nothing. An element is rounded up with a chance of a thousandth over the
   spacing h, so each change adds 0.001*h to the variance; the bound is of five deviations. u goes with v, whose errors
   it has beside its own. */
static void many_changes_add_up_to_nothing(void **state)
{
    static const double factors[][2] = {{1 / 1.001, 1 / 1.001}, {1.001, 1.001}, {1.001, 1 / 1.001}};
    static double all[MANY];
    (void)state;
    for (size_t k = 0; k < 12; k++) {
        const enum adadelta_dtype type = coded_types[k % 2];
        const double first_u = k / 6 ? 0 : 1e-3, *factor = factors[k / 2 % 3];
        struct adadelta *optimizer = start(ADADELTA_F32, type, 1e-6);
        double eps = 1e-6;
        for (size_t i = 0; i < MANY; i++)
            all[i] = 1e-3;
        set_numbers(optimizer, 0, names[0], MANY, all);
        for (size_t i = 0; i < MANY; i++)
            all[i] = first_u;
        set_numbers(optimizer, 0, names[1], MANY, all);
        for (int t = 0; t < 1000; t++)
            set_eps(optimizer, eps *= factor[t % 2]);
        const struct numbers sum = total(optimizer, eps);
        const double deviation = sqrt(1000 * 0.001 * spacing(type, 1)), mean = deviation / sqrt(MANY);
        if (fabs(sum.v / MANY - 1e-3) > 5 * mean * 1e-3 ||
            fabs(sum.u / MANY - first_u) > 10 * mean * (first_u + fmax(eps, 1e-6)))
            fail_msg("means are %g and %g", sum.v / MANY, sum.u / MANY);
        adadelta_destroy(optimizer);
    }
}

/* eps falls by 0.1 % before each of 1,000 steps, beside an optimizer with floats, which has nothing to bring over. All
   elements have gradients of one size, so what they are on the whole is what one would be without chance. */
static void a_schedule_of_eps(void **state)
{
    static float values[2][MANY], gradient[MANY];
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct adadelta *pair[2] = {floats_with(coded_types[k], 1e-4, MANY, values[0]),
                                    floats_with(ADADELTA_F32, 1e-4, MANY, values[1])};
        uint64_t seed = 21;
        double eps = 1e-4;
        for (int t = 0; t < 1000; t++) {
            eps *= 0.999;
            for (size_t i = 0; i < MANY; i++)
                gradient[i] = (float)(random_bits(&seed) % 2 ? 0.01 : -0.01);
            for (int o = 0; o < 2; o++) {
                set_eps(pair[o], eps);
                assert_int_equal(adadelta_step_tensor(pair[o], 0, gradient), ADADELTA_OK);
            }
        }
        double squares[2] = {0, 0};
        for (int o = 0; o < 2; o++)
            for (size_t i = 0; i < MANY; i++)
                squares[o] += (double)values[o][i] * (double)values[o][i];
        get_numbers(pair[1], 0, names[0], v);
        const double drift_v = total(pair[0], eps).v / MANY / v[0] - 1, path = sqrt(squares[0] / squares[1]) - 1;
        const double bound = coded_types[k] == ADADELTA_U16 ? 0.005 : 0.1;
        if (!(fabs(drift_v) < bound / 5 && fabs(path) < bound))
            fail_msg("v drifts by %g, the way by %g", drift_v, path);
        adadelta_destroy(pair[0]);
        adadelta_destroy(pair[1]);
    }
}

/* ---- Codes stay ---- */

static struct state_bytes before, after;

static void expect_same_codes(struct adadelta *optimizer, const char *what)
{
    read_state(optimizer, &after);
    if (!same_state(&before, &after))
        fail_msg("%s changes the codes", what);
}

static void other_settings_leave_the_codes(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct adadelta *optimizer = start(ADADELTA_F32, coded_types[k], 1e-6);
        struct adadelta_hyper hyper = adadelta_hyper_default();
        struct adadelta_gradients gradients = adadelta_gradients_default();
        const struct adadelta_schedule schedule = {.kind = ADADELTA_SCHEDULE_COSINE, .steps = 30};
        read_state(optimizer, &before);
        hyper.lr = 0.5, hyper.rho = 0.9, hyper.weight_decay = 0.01, hyper.decoupled = 1, hyper.maximize = 1;
        hyper.momentum = 0.5, hyper.beta1 = 0.5, hyper.beta2 = 0.5, hyper.nesterov = 1;
        assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_OK);
        expect_same_codes(optimizer, "a group's");
        hyper.rho = 0.5;
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_OK);
        expect_same_codes(optimizer, "a tensor's");
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, NULL), ADADELTA_OK);
        expect_same_codes(optimizer, "none of its own");
        gradients.scale = 8, gradients.clip_norm = 1, gradients.nonfinite = ADADELTA_NONFINITE_PROPAGATE;
        assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
        assert_int_equal(adadelta_set_schedule(optimizer, &schedule), ADADELTA_OK);
        assert_int_equal(adadelta_set_threads(optimizer, 2), ADADELTA_OK);
        assert_int_equal(adadelta_set_measuring(optimizer, 1), ADADELTA_OK);
        expect_same_codes(optimizer, "something else");
        adadelta_destroy(optimizer);
    }
}

static void what_is_refused_leaves_the_codes(void **state)
{
    static const double bad_eps[] = {0, -1, (double)NAN, (double)INFINITY, 1e-60, 1e60};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct adadelta *optimizer = start(ADADELTA_F32, coded_types[k], 1e-6);
        struct adadelta_hyper hyper = adadelta_hyper_default();
        read_state(optimizer, &before);
        for (size_t e = 0; e < sizeof bad_eps / sizeof *bad_eps; e++) {
            hyper.eps = bad_eps[e];
            assert_true(adadelta_set_hyper(optimizer, 0, &hyper) != ADADELTA_OK);
            assert_true(adadelta_set_tensor_hyper(optimizer, 0, &hyper) != ADADELTA_OK);
        }
        /* Good by themselves, but not in units of eps: lr times the root of eps, decay by it. */
        hyper.eps = 1e4, hyper.lr = 1e37;
        assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_ERROR_LR);
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_ERROR_LR);
        hyper.eps = 1e-4, hyper.lr = 1, hyper.weight_decay = 1e37;
        assert_int_equal(adadelta_set_hyper(optimizer, 0, &hyper), ADADELTA_ERROR_WEIGHT_DECAY);
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &hyper), ADADELTA_ERROR_WEIGHT_DECAY);
        expect_same_codes(optimizer, "a refusal");
        expect_numbers(optimizer, coded_types[k], 1e-6, 1e-6); /* the unit is what it was */
        adadelta_destroy(optimizer);
    }
}

/* Of two tensors in a group one has settings of its own: each follows its own eps, and none the other's. */
static void each_follows_its_own(void **state)
{
    static float y[MANY];
    const struct adadelta_tensor tensor = {
        .name = "y", .ndim = 1, .shape = {MANY}, .values = y, .state_dtype = ADADELTA_U16};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const size_t bytes = MANY * adadelta_dtype_size(coded_types[k]);
        static unsigned char mine[2 * MANY], other[2 * MANY];
        struct adadelta *optimizer = start(ADADELTA_F32, coded_types[k], 1e-6);
        struct adadelta_hyper own = adadelta_hyper_default();
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        set_numbers(optimizer, 1, names[0], MANY, v);
        own.eps = 1e-5;
        memcpy(other, array_named(optimizer, 1, names[0]), sizeof other);
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, &own), ADADELTA_OK);
        expect_numbers(optimizer, coded_types[k], 1e-6, 1e-5);
        assert_memory_equal(array_named(optimizer, 1, names[0]), other, sizeof other);
        memcpy(mine, array_named(optimizer, 0, names[0]), bytes);
        set_eps(optimizer, 1e-4);
        assert_memory_equal(array_named(optimizer, 0, names[0]), mine, bytes);
        assert_memory_not_equal(array_named(optimizer, 1, names[0]), other, sizeof other);
        remember(optimizer, 1e-5);
        assert_int_equal(adadelta_set_tensor_hyper(optimizer, 0, NULL), ADADELTA_OK);
        expect_numbers(optimizer, coded_types[k], 1e-5, 1e-4);
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stay),
        cmocka_unit_test(nothing_stays_nothing),
        cmocka_unit_test(many_changes_add_up_to_nothing),
        cmocka_unit_test(a_schedule_of_eps),
        cmocka_unit_test(other_settings_leave_the_codes),
        cmocka_unit_test(what_is_refused_leaves_the_codes),
        cmocka_unit_test(each_follows_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
