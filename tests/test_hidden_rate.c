/* SPDX-License-Identifier: MIT */
/* The root of the upper eps is a learning rate: what docs/math.md proves of it, asked of the library, for which the
 * rule with an eps a above and an eps b below is its own rule with eps b and lr sqrt(a/b). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "oracle.h"

/* ---- The rule with two eps, once more ---- */

struct two_eps {
    long double rho, above, below, v, u;
};

static long double two_eps_step(struct two_eps *rule, long double g)
{
    rule->v = rule->rho * rule->v + (1 - rule->rho) * g * g;
    long double d = sqrtl(rule->u + rule->above) / sqrtl(rule->v + rule->below) * g;
    rule->u = rule->rho * rule->u + (1 - rule->rho) * d * d;
    return d;
}

/* ---- Gradients that do not ask where x is ---- */

enum stream { CONSTANT, RANDOM_SIGN, UNIFORM, GAUSSIAN, LAPLACE, STUDENT_T3, SPARSE, STREAMS };

static double draw_normal(uint64_t *seed)
{
    const double turn = 6.28318530717958648 * random_unit(seed);
    return sqrt(-2 * log(1 - random_unit(seed))) * cos(turn);
}

/* Of mean square 1, but STUDENT_T3, whose is 3. */
static double draw(enum stream stream, uint64_t *seed)
{
    const double sign = random_bits(seed) & 1 ? -1 : 1;
    double chi = 0;
    switch (stream) {
    case RANDOM_SIGN:
        return sign;
    case UNIFORM:
        return sign * sqrt(3) * random_unit(seed);
    case GAUSSIAN:
        return draw_normal(seed);
    case LAPLACE:
        return sign * sqrt(0.5) * -log(1 - random_unit(seed));
    case STUDENT_T3:
        for (int i = 0; i < 3; i++) {
            double normal = draw_normal(seed);
            chi += normal * normal;
        }
        return draw_normal(seed) / sqrt(chi / 3);
    case SPARSE:
        return random_unit(seed) < 0.1 ? sqrt(10) * draw_normal(seed) : 0;
    default:
        return 1;
    }
}

/* ---- The library's rule on one parameter ---- */

struct walk {
    struct adadelta_hyper hyper;
    double v, u;
};

static struct walk walk_with(double lr, double rho, double eps)
{
    return (struct walk){.hyper = {.lr = lr, .rho = rho, .eps = eps}};
}

/* lr*d, with no rounding of an addition: x starts at 0. */
static double walk_step(struct walk *walk, double g)
{
    double x = 0;
    assert_int_equal(adadelta_update_f64(1, &x, &g, &walk->v, &walk->u, &walk->hyper), ADADELTA_OK);
    return -x;
}

/* By how much u makes the next step larger, squared: w + 1 = (u + eps)/eps. */
static double gain_squared(const struct walk *walk)
{
    return walk->u / walk->hyper.eps + 1;
}

/* ---- An eps above and an eps below ---- */

static const double rhos[] = {0.9, 0.95, 0.99};
enum { RHOS = sizeof rhos / sizeof *rhos };

static void an_eps_above_is_a_rate(void **state)
{
    (void)state;
    static const double pairs[][2] = {{1e-12, 1e-12}, {1e-12, 1}, {1, 1e-12}, {1e-6, 1e-6}, {1e-2, 1e-8},
                                      {1e-9, 1e-3},   {3e-5, .1}, {.7, .2},   {1, 1}};
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (int r = 0; r < RHOS; r++)
            for (int k = 0; k < STREAMS; k++) {
                const double above = pairs[p][0], below = pairs[p][1];
                struct two_eps rule = {.rho = rhos[r], .above = above, .below = below};
                struct walk walk = walk_with(sqrt(above / below), rhos[r], below);
                uint64_t seed = 10 * p + (uint64_t)k;
                for (int t = 1; t <= 1500; t++) {
                    double g = draw((enum stream)k, &seed), step = walk_step(&walk, g);
                    long double expected = two_eps_step(&rule, g);
                    if (!(fabsl(step - expected) <= 1e-12L * fabsl(expected)))
                        fail_msg("eps %g above, %g below, rho %g, stream %d, step %d: %.17g, expected %.17Lg", above,
                                 below, rhos[r], k, t, step, expected);
                }
            }
}

/* Four times the eps above, exactly twice each step, where a power of two keeps roundings out of it; near enough for
   any other number. */
static void steps_are_proportional_to_the_root_of_eps_above(void **state)
{
    (void)state;
    static const struct {
        long double k, root, tolerance;
    } factors[] = {{4, 2, 0}, {0x1p-20L, 0x1p-10L, 0}, {0x1p40L, 0x1p20L, 0}, {9, 3, 1e-15L}, {1e-3L, 0, 1e-15L}};
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
        for (int k = 0; k < STREAMS; k++) {
            const long double root = factors[f].root > 0 ? factors[f].root : sqrtl(factors[f].k);
            struct two_eps one = {.rho = 0.95L, .above = 1e-6L, .below = 1e-4L}, other = one;
            other.above *= factors[f].k;
            uint64_t seed = (uint64_t)k;
            for (int t = 0; t < 1000; t++) {
                double g = draw((enum stream)k, &seed);
                long double expected = root * two_eps_step(&one, g);
                assert_true(fabsl(two_eps_step(&other, g) - expected) <= factors[f].tolerance * fabsl(expected));
            }
        }
}

/* The library's way to four times the eps above is twice the rate. */
static void twice_the_rate_is_twice_each_step(void **state)
{
    (void)state;
    for (int k = 0; k < STREAMS; k++) {
        struct walk one = walk_with(1, 0.95, 1e-6), twice = walk_with(2, 0.95, 1e-6);
        uint64_t seed = (uint64_t)k;
        for (int t = 0; t < 1000; t++) {
            double g = draw((enum stream)k, &seed);
            assert_true(2 * walk_step(&one, g) == walk_step(&twice, g));
            assert_true(one.v == twice.v && one.u == twice.u);
        }
    }
}

/* The library's eps is both. Four times of it is a rate of two for gradients far above its root; for those far below,
   which it divides by the root below, it is a rate of one. */
static void one_eps_is_a_rate_only_above_its_root(void **state)
{
    (void)state;
    struct walk one = walk_with(1, 0.95, 1e-6), four = walk_with(1, 0.95, 4e-6);
    uint64_t seed = 3;
    for (int t = 0; t < 1000; t++) {
        double g = 1e6 * draw(GAUSSIAN, &seed);
        assert_true(fabs(walk_step(&four, g) / walk_step(&one, g) - 2) < 1e-11);
    }
    one.v = one.u = four.v = four.u = 0;
    for (int t = 0; t < 1000; t++) {
        double g = 1e-9 * draw(GAUSSIAN, &seed);
        assert_true(fabs(walk_step(&four, g) / walk_step(&one, g) - 1) < 1e-6);
    }
}

/* ---- The gain ---- */

/* Where |g| never changes and b is next to nothing, with V_s = 1 - rho^s:
   w_t + 1 = V_(t+1) (1/(1 - rho) + (1 - rho) sum of 1/V_s, s from 2 to t + 1). Signs do not enter. */
static void the_gain_of_constant_size_has_a_closed_form(void **state)
{
    (void)state;
    for (int r = 0; r < RHOS; r++) {
        const long double rho = rhos[r];
        struct walk constant = walk_with(1, rhos[r], 1e-30), sign = constant;
        long double power = rho, sum = 0, before = 0;
        uint64_t seed = 5;
        for (int t = 1; t <= 100000; t++) {
            power *= rho;
            sum += 1 / (1 - power);
            long double expected = (1 - power) * (1 / (1 - rho) + (1 - rho) * sum);
            walk_step(&constant, 1);
            walk_step(&sign, draw(RANDOM_SIGN, &seed));
            assert_true(constant.u == sign.u);
            if (!(fabsl(gain_squared(&constant) - expected) <= 1e-11L * expected))
                fail_msg("rho %g, step %d: gain^2 %.17g, expected %.17Lg", rhos[r], t, gain_squared(&constant),
                         expected);
            if (t == 50000)
                before = gain_squared(&constant);
        }
        assert_true(fabsl((gain_squared(&constant) - before) / 50000 / (1 - rho) - 1) < 1e-9L);
    }
}

/* b ends the growth, at 1 + g^2/b: there a step is lr*g, gradient descent's. */
static void a_constant_gradient_ends_in_gradient_descent(void **state)
{
    (void)state;
    static const double gradients[] = {0.1, 1, -3};
    for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++) {
        const double g = gradients[i], b = 0.01;
        struct walk walk = walk_with(0.25, 0.9, b);
        for (int t = 0; t < 500000; t++)
            walk_step(&walk, g);
        assert_true(fabs(gain_squared(&walk) / (1 + g * g / b) - 1) < 1e-9);
        assert_true(fabs(walk_step(&walk, g) / (0.25 * g) - 1) < 1e-9);
    }
}

/* For every stream, with V = v + b:
   w_t + 1 <= 2 (V_t/V_1)^rho + (1 - rho) sum of (V_t/V_s)^rho, s from 2 to t. */
static void no_stream_gains_more_than_its_bound(void **state)
{
    (void)state;
    for (int r = 0; r < RHOS; r++)
        for (int k = 0; k < STREAMS; k++) {
            const double rho = rhos[r], b = 1e-6;
            struct walk walk = walk_with(1, rho, b);
            double sum = 0;
            uint64_t seed = 20 + (uint64_t)k;
            for (int t = 1; t <= 20000; t++) {
                walk_step(&walk, draw((enum stream)k, &seed));
                double power = pow(walk.v + b, rho);
                sum += (t == 1 ? 2 : 1 - rho) / power;
                assert_true(gain_squared(&walk) <= power * sum * (1 + 1e-10));
            }
        }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Medians of a million steps, and the gain that one step in a thousand is above: numbers of the Python in docs/math.md,
   which has other generators. 200,000 steps give the median to 2 % or so. */
static void under_noise_the_gain_stays(void **state)
{
    (void)state;
    static const struct {
        enum stream stream;
        double median[RHOS], high[RHOS];
    } table[] = {
        {UNIFORM, {3.77, 5.16, 11.25}, {4.9, 6.3, 12.4}}, {GAUSSIAN, {2.79, 3.60, 7.30}, {4.1, 4.9, 8.5}},
        {LAPLACE, {2.22, 2.71, 4.91}, {3.6, 4.1, 6.2}},   {STUDENT_T3, {2.09, 2.38, 3.32}, {3.7, 4.1, 5.3}},
        {SPARSE, {1.26, 1.44, 2.29}, {2.3, 2.6, 3.5}},
    };
    enum { STEPS = 200000, SKIPPED = 10000 };
    double *gains = malloc(STEPS * sizeof *gains);
    assert_non_null(gains);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int r = 0; r < RHOS; r++) {
            struct walk walk = walk_with(1, rhos[r], 1e-6);
            uint64_t seed = 7 + i;
            for (int t = -SKIPPED; t < STEPS; t++) {
                walk_step(&walk, draw(table[i].stream, &seed));
                if (t >= 0)
                    gains[t] = sqrt(gain_squared(&walk));
            }
            qsort(gains, STEPS, sizeof *gains, compare_doubles);
            double median = gains[STEPS / 2];
            if (!(fabs(median / table[i].median[r] - 1) < 0.05))
                fail_msg("stream %d, rho %g: median %g", (int)table[i].stream, rhos[r], median);
            assert_true(gains[STEPS - 1] < 1.5 * table[i].high[r]);
        }
    free(gains);
}

/* ---- Units: y = c*x, so the gradient in y is 1/c of that in x ---- */

/* x^2/2 from 5: where the library is after each of 300 steps, x in units of 1/c. */
static void descend(double c, struct adadelta_hyper hyper, double path[300])
{
    double y = 5 * c, v = 0, u = 0;
    for (int t = 0; t < 300; t++) {
        double g = y / c / c;
        assert_int_equal(adadelta_update_f64(1, &y, &g, &v, &u, &hyper), ADADELTA_OK);
        path[t] = y / c;
    }
}

/* The eps above goes with c^2, the one below with c^-2: so eps/c^2, and lr*c^2, as SGD's rate. */
static void a_converted_eps_keeps_the_path(void **state)
{
    (void)state;
    static const double units[] = {0x1p-10, 2, 0x1p10, 0x1p20};
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0.95, .eps = 1e-6};
    double path[300], other[300];
    descend(1, hyper, path);
    assert_true(path[299] < 4.5 && path[299] > 0); /* it goes somewhere */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const double c = units[i];
        struct adadelta_hyper converted = hyper;
        converted.lr *= c * c;
        converted.eps /= c * c;
        descend(c, converted, other);
        assert_memory_equal(path, other, sizeof path);
    }
}

/* The first step in y on the gradient g in x, in the unit of x. */
static double first_step(enum adadelta_method method, double c, double g)
{
    const struct adadelta_options options = {.method = method, .threads = 1};
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    double y = 0, gradient = g / c;
    struct adadelta_tensor tensor = {
        .name = "y", .dtype = ADADELTA_F64, .ndim = 1, .shape = {1}, .values = &y, .gradient = &gradient};
    struct adadelta *optimizer;
    hyper.weight_decay = 0;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    adadelta_destroy(optimizer);
    return y / c;
}

/* With the settings left as they are. Adadelta's steps change as Adagrad's do, not at all as Newton's: eps stays, and
   brings the old unit along. */
static void without_conversion_steps_change_with_the_unit(void **state)
{
    (void)state;
    static const double power[ADADELTA_METHOD_COUNT] = {
        [ADADELTA_METHOD_ADADELTA] = 1, [ADADELTA_METHOD_SGD] = 2,     [ADADELTA_METHOD_MOMENTUM] = 2,
        [ADADELTA_METHOD_ADAGRAD] = 1,  [ADADELTA_METHOD_RMSPROP] = 1, [ADADELTA_METHOD_ADAMW] = 1,
    };
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++) {
        double ratio = first_step((enum adadelta_method)m, 1024, 1e6) / first_step((enum adadelta_method)m, 1, 1e6);
        if (!(fabs(ratio * pow(1024, power[m]) - 1) < 1e-9))
            fail_msg("%s: ratio %g", adadelta_method_name((enum adadelta_method)m), ratio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_eps_above_is_a_rate),
        cmocka_unit_test(steps_are_proportional_to_the_root_of_eps_above),
        cmocka_unit_test(twice_the_rate_is_twice_each_step),
        cmocka_unit_test(one_eps_is_a_rate_only_above_its_root),
        cmocka_unit_test(the_gain_of_constant_size_has_a_closed_form),
        cmocka_unit_test(a_constant_gradient_ends_in_gradient_descent),
        cmocka_unit_test(no_stream_gains_more_than_its_bound),
        cmocka_unit_test(under_noise_the_gain_stays),
        cmocka_unit_test(a_converted_eps_keeps_the_path),
        cmocka_unit_test(without_conversion_steps_change_with_the_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
