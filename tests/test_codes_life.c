/* SPDX-License-Identifier: MIT */
/*
 * State in codes over many steps: what the mean of many elements does where nearest rounding stands still, gradients
 * too large to be squared, the way back from them, and how far its path is from that of float state. Bounds come from
 * the formats and from how noise adds up, not from what was seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codes.h"

#define OK(call) assert_int_equal(call, ADADELTA_OK)

enum { MOST = 20000 };

static const struct code_type *const u16 = &code_types[0];

/* An optimizer of one tensor. */
struct run {
    struct adadelta *optimizer;
    size_t n;
    float x[MOST], g[MOST];
};

static void start(struct run *run, enum adadelta_dtype state, size_t n, const struct adadelta_hyper *hyper,
                  enum adadelta_nonfinite nonfinite)
{
    const struct adadelta_options options = {.threads = 1, .seed = 2, .state_dtype = state};
    const struct adadelta_tensor tensor = {
        .name = "weights", .ndim = 1, .shape = {n}, .values = run->x, .gradient = run->g};
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.nonfinite = nonfinite;
    memset(run->x, 0, sizeof run->x);
    memset(run->g, 0, sizeof run->g);
    run->n = n;
    OK(adadelta_create(&options, &run->optimizer));
    OK(adadelta_add_group(run->optimizer, hyper, NULL));
    OK(adadelta_set_gradients(run->optimizer, &gradients));
    OK(adadelta_add_tensor(run->optimizer, 0, &tensor, NULL));
}

static void end(struct run *run)
{
    adadelta_destroy(run->optimizer);
}

static void set_all(struct run *run, float *array, float value)
{
    for (size_t i = 0; i < run->n; i++)
        array[i] = value;
}

static void steps(struct run *run, int count)
{
    for (int t = 0; t < count; t++)
        OK(adadelta_step(run->optimizer));
}

static const char *const names[STATES] = {"square_avg", "acc_delta"};

static const double *numbers(const struct run *run, int k)
{
    static double room[STATES][MOST];
    OK(adadelta_copy_state(run->optimizer, 0, names[k], ADADELTA_F64, room[k]));
    return room[k];
}

static const void *codes(const struct run *run, int k)
{
    void *found;
    OK(adadelta_state(run->optimizer, 0, names[k], &found));
    return found;
}

static void set_state(struct run *run, int k, float value)
{
    static float room[MOST];
    set_all(run, room, value);
    const struct adadelta_tensor array = {.ndim = 1, .shape = {run->n}, .values = room};
    OK(adadelta_set_state(run->optimizer, 0, names[k], &array));
}

static double mean(const double *a, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i];
    return sum / (double)n;
}

static struct adadelta_hyper with_rho(double rho)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.rho = rho;
    return hyper;
}

static struct run a, b;

/* ---- Where nearest rounding stands still ---- */

/* v of 1 and no gradients: rho^3000 is e^-3 but for 0.15 %. */
static void v_dies_away_as_it_should(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = with_rho(0.999);
    start(&a, ADADELTA_U16, 1000, &hyper, ADADELTA_NONFINITE_RAISE);
    set_state(&a, V, 1);
    steps(&a, 3000);
    assert_true(fabs(mean(numbers(&a, V), a.n) - exp(-3)) < 0.01 * exp(-3));
    assert_true(mean(numbers(&a, U), a.n) == 0);
    end(&a);
}

/* The same with U8. A step moves v by 1 - rho of it, which chance makes one of spacings up to 1/8 of it: the square of
   v grows by a factor of up to 1 + (1 - rho)/8 a step, beside that of the mean. */
static void v_of_u8_dies_away_in_the_mean(void **state)
{
    (void)state;
    const double rho = 0.999, expected = pow(rho, 3000), spread = sqrt(pow(1 + (1 - rho) / 8, 3000) - 1);
    const struct adadelta_hyper hyper = with_rho(rho);
    start(&a, ADADELTA_U8, MOST, &hyper, ADADELTA_NONFINITE_RAISE);
    set_state(&a, V, 1);
    steps(&a, 3000);
    assert_true(fabs(mean(numbers(&a, V), a.n) / expected - 1) < 5 * spread / sqrt(MOST));
    end(&a);
}

/* Every code of U16 above eps, at a rho where the nearest code to what a step makes of it is itself: after as many
   steps as a code takes in the mean, and as many again, all but the unlucky have moved; e^-2 of them is no more than 1
   in 7. */
static void no_code_stands_still(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = with_rho(0.9998);
    enum { FIRST = 10240, COUNT = 16000 };
    uint16_t before[COUNT];
    start(&a, ADADELTA_U16, COUNT, &hyper, ADADELTA_NONFINITE_RAISE);
    for (size_t i = 0; i < COUNT; i++) {
        const float w = kept_number(u16, V, FIRST + (uint32_t)i), next = (float)hyper.rho * (w - 1) + 1;
        before[i] = (uint16_t)(FIRST + i);
        assert_true(kept_code(u16, V, next, 1u << 12) == before[i]); /* half of the last bit: nearest */
        assert_true(next < w);
    }
    const struct adadelta_tensor array = {.dtype = ADADELTA_U16, .ndim = 1, .shape = {COUNT}, .values = before};
    OK(adadelta_set_state(a.optimizer, 0, names[V], &array));
    steps(&a, 20);
    size_t moved = 0;
    for (size_t i = 0; i < COUNT; i++)
        moved += code_at(u16, codes(&a, V), i) != before[i];
    assert_true(moved > COUNT * 6 / 7);
    end(&a);
}

/* ---- Too large ---- */

/* So much that v has no number for it, for long; then little. v is again the square of the gradients, u that of the
   steps, which are the gradients': the rule's fixed point, and where float state is. */
static void the_way_back_from_too_large(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    for (size_t t = 0; t < CODE_TYPES; t++) {
        start(&a, code_types[t].dtype, 1000, &hyper, ADADELTA_NONFINITE_PROPAGATE);
        set_all(&a, a.g, 1e8f);
        steps(&a, 1000);
        for (size_t i = 0; i < a.n; i++)
            assert_true(isfinite(a.x[i]) && isfinite(numbers(&a, V)[i]) && isfinite(numbers(&a, U)[i]));
        const double most = code_types[t].most * code_types[t].most * hyper.eps;
        assert_true(mean(numbers(&a, V), a.n) < 1.01 * most && mean(numbers(&a, V), a.n) > 0.9 * most);
        set_all(&a, a.g, 1e-3f);
        steps(&a, 2000);
        const float x = a.x[0];
        steps(&a, 1);
        for (size_t i = 0; i < a.n; i++) {
            assert_true(fabs(numbers(&a, V)[i] - 1e-6) < 0.2e-6 && fabs(numbers(&a, U)[i] - 1e-6) < 0.2e-6);
            assert_true(isfinite(a.x[i]));
        }
        assert_true(fabsf(x - a.x[0] - 1e-3f) < 0.2e-3f);
        end(&a);
    }
}

/* The bound, and the number above it; the element is named, nothing is changed, and a bound on values lets it through.
 */
static void too_large_to_be_squared(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = adadelta_hyper_default();
    hyper.eps = 0x1p-20;
    for (size_t t = 0; t < CODE_TYPES; t++) {
        const float most = (float)(code_types[t].most * 0x1p-10), above = nextafterf(most, INFINITY);
        struct adadelta_gradients gradients = adadelta_gradients_default();
        char shown[32];
        start(&a, code_types[t].dtype, 300, &hyper, ADADELTA_NONFINITE_RAISE);
        a.g[7] = -most;
        steps(&a, 1);
        assert_true(a.x[7] > 0);
        const float x = a.x[7];
        const uint32_t v = code_at(&code_types[t], codes(&a, V), 7);
        a.g[7] = -above;
        assert_int_equal(adadelta_step(a.optimizer), ADADELTA_ERROR_NONFINITE);
        snprintf(shown, sizeof shown, "%g", (double)above);
        const char *text = adadelta_error_text(a.optimizer);
        assert_non_null(strstr(text, "'weights'"));
        assert_non_null(strstr(text, shown));
        assert_true(a.x[7] == x && code_at(&code_types[t], codes(&a, V), 7) == v);
        assert_true(adadelta_step_count(a.optimizer) == 1);
        gradients.clip_value = 1;
        OK(adadelta_set_gradients(a.optimizer, &gradients));
        steps(&a, 1);
        gradients = adadelta_gradients_default();
        gradients.scale = 2;
        OK(adadelta_set_gradients(a.optimizer, &gradients));
        steps(&a, 1);
        end(&a);
    }
}

/* A NaN that nobody looks for: its element is lost, codes are at their ends, and others are as without. */
static void a_nan_stays_where_it_is(void **state)
{
    (void)state;
    enum { BAD = 77 };
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    for (size_t t = 0; t < CODE_TYPES; t++) {
        const struct code_type *type = &code_types[t];
        start(&a, type->dtype, 200, &hyper, ADADELTA_NONFINITE_PROPAGATE);
        start(&b, type->dtype, 200, &hyper, ADADELTA_NONFINITE_PROPAGATE);
        for (int step = 0; step < 20; step++) {
            set_all(&a, a.g, (float)(step + 1) / 8);
            set_all(&b, b.g, (float)(step + 1) / 8);
            a.g[BAD] = NAN;
            steps(&a, 1);
            steps(&b, 1);
            assert_true(isnan(a.x[BAD]));
            assert_true(code_at(type, codes(&a, V), BAD) == type->last);
            assert_true(code_at(type, codes(&a, U), BAD) == (type->keeps_ratio ? type->flip[U] : type->last));
            for (size_t i = 0; i < a.n; i++)
                assert_true(i == BAD ||
                            (a.x[i] == b.x[i] && code_at(type, codes(&a, V), i) == code_at(type, codes(&b, V), i) &&
                             code_at(type, codes(&a, U), i) == code_at(type, codes(&b, U), i)));
        }
        end(&a);
        end(&b);
    }
}

/* ---- The path ---- */

enum { PATH = 300, ELEMENTS = 1000 };

/* What rounding by chance makes of a step after so many, as a part of it, in the standard deviation. The numbers of U16
   are up to 2^-10 of themselves apart, and chance has a variance of 1/6 of that squared in the mean of all places
   between two. What happens to u stays, as its root makes the step whose square goes into u again; v comes in as often.
   The root halves both. */
static double part_of_a_step(int count)
{
    return 0x1p-10 * sqrt(2.0 * count / 6) / 2;
}

/* Noise of other sizes for every element. */
static double noise(size_t i, uint64_t *seed)
{
    return ldexp((2 * random_unit(seed) - 1) * 4, (int)(i % 8) - 4);
}

/* The two runs of a path: of each element the sum of a's steps squared. */
struct path {
    double squares[ELEMENTS];
    double start;
};

static void step_both(struct path *path)
{
    static float before[MOST];
    memcpy(before, a.x, sizeof before);
    steps(&a, 1);
    steps(&b, 1);
    for (size_t i = 0; i < a.n; i++)
        path->squares[i] += pow((double)a.x[i] - (double)before[i], 2);
}

/* How far b is from a at the end, in the root of the mean square, beside what a path of such steps can make of a part
   of each: those that go to and fro add up in their squares, and where they go one way that way counts. */
static void check_apart(const struct path *path, double part)
{
    double bound = 0, distance = 0;
    for (size_t i = 0; i < a.n; i++) {
        bound += pow(sqrt(path->squares[i]) + fabs((double)a.x[i] - path->start), 2);
        distance += pow((double)a.x[i] - (double)b.x[i], 2);
    }
    assert_true(distance > 0 && sqrt(distance) < part * sqrt(bound));
}

/* Half of c x^2 with noise: the path of float state, and that of codes beside it. Where x is pulled back to 0 a
   distance does not grow by itself. */
static void codes_follow_floats(void **state)
{
    (void)state;
    const double rhos[] = {0.9, 0.95, 0.99};
    for (size_t r = 0; r < 3; r++) {
        const struct adadelta_hyper hyper = with_rho(rhos[r]);
        struct path path = {.start = 1};
        uint64_t seed = 17;
        start(&a, ADADELTA_F32, ELEMENTS, &hyper, ADADELTA_NONFINITE_RAISE);
        start(&b, ADADELTA_U16, ELEMENTS, &hyper, ADADELTA_NONFINITE_RAISE);
        set_all(&a, a.x, 1);
        set_all(&b, b.x, 1);
        for (int t = 0; t < PATH; t++) {
            for (size_t i = 0; i < ELEMENTS; i++) {
                const double c = ldexp(1, (int)(i % 5) - 2), drawn = noise(i, &seed);
                a.g[i] = (float)(c * (double)a.x[i] + drawn);
                b.g[i] = (float)(c * (double)b.x[i] + drawn);
            }
            step_both(&path);
        }
        check_apart(&path, part_of_a_step(PATH));
        end(&a);
        end(&b);
    }
}

/* A loss of another scale, far above the root of eps: the same path, but for either's chance. */
static void the_scale_of_the_loss_changes_little(void **state)
{
    (void)state;
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    struct path path = {.start = 0};
    uint64_t seed = 19;
    start(&a, ADADELTA_U16, ELEMENTS, &hyper, ADADELTA_NONFINITE_RAISE);
    start(&b, ADADELTA_U16, ELEMENTS, &hyper, ADADELTA_NONFINITE_RAISE);
    for (int t = 0; t < PATH; t++) {
        for (size_t i = 0; i < ELEMENTS; i++) {
            a.g[i] = (float)random_magnitude(&seed, 0, 3);
            b.g[i] = 100 * a.g[i];
        }
        step_both(&path);
    }
    check_apart(&path, sqrt(2) * part_of_a_step(PATH));
    end(&a);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v_dies_away_as_it_should), cmocka_unit_test(v_of_u8_dies_away_in_the_mean),
        cmocka_unit_test(no_code_stands_still),     cmocka_unit_test(the_way_back_from_too_large),
        cmocka_unit_test(too_large_to_be_squared),  cmocka_unit_test(a_nan_stays_where_it_is),
        cmocka_unit_test(codes_follow_floats),      cmocka_unit_test(the_scale_of_the_loss_changes_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
