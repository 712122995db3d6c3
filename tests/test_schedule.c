/* SPDX-License-Identifier: MIT */
/* Schedules: their rates against the header's formulas in long double, exact where they promise to be, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>

static const enum adadelta_schedule_kind runs[] = {ADADELTA_SCHEDULE_LINEAR, ADADELTA_SCHEDULE_COSINE,
                                                   ADADELTA_SCHEDULE_TAIL};
enum { RUNS = sizeof runs / sizeof *runs };

static struct adadelta_schedule a_run(enum adadelta_schedule_kind kind, uint64_t steps, uint64_t warmup, double end)
{
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = kind;
    schedule.steps = steps;
    schedule.warmup = warmup;
    schedule.end = end;
    return schedule;
}

static struct adadelta_schedule decay(uint64_t every, uint64_t warmup, double gamma)
{
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = ADADELTA_SCHEDULE_STEP;
    schedule.every = every;
    schedule.warmup = warmup;
    schedule.gamma = gamma;
    return schedule;
}

/* ---- The formulas ---- */

static long double formula(const struct adadelta_schedule *s, uint64_t step)
{
    const long double end = s->end;
    if (step < s->warmup)
        return ((long double)step + 1) / s->warmup;
    long double t = (long double)(step - s->warmup) / (s->steps - s->warmup);
    t = t < 1 ? t : 1;
    switch (s->kind) {
    case ADADELTA_SCHEDULE_LINEAR:
        return 1 - (1 - end) * t;
    case ADADELTA_SCHEDULE_COSINE:
        return end + (1 - end) * (1 + cosl(acosl(-1) * t)) / 2;
    case ADADELTA_SCHEDULE_STEP:
        return powl(s->gamma, floorl((long double)(step - s->warmup) / s->every));
    case ADADELTA_SCHEDULE_TAIL:
        return t <= 2.0L / 3 ? 1 : 1 - (1 - end) * (3 * t - 2);
    default:
        return 1;
    }
}

/* ulps: of the formula's value. Next to its end the formula itself has only the digits of a number near 1 (or end). */
static void follows(const struct adadelta_schedule *schedule, uint64_t step, double ulps)
{
    const long double want = formula(schedule, step), got = adadelta_schedule_rate(schedule, step);
    assert_true(fabsl(got - want) <= ulps * DBL_EPSILON * fabsl(want) + 8 * LDBL_EPSILON * fmax(1, schedule->end));
}

static void every_step_follows_the_formula(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 2, 3, 7, 30, 100, 1000, 65536, 99999};
    static const double ends[] = {0, 1e-3, 0.1, 0.5, 0.999, 1, 1.5};
    for (int k = 0; k < RUNS; k++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
                const uint64_t warmups[] = {0, lengths[i] / 10, lengths[i] - 1};
                for (int w = 0; w < 3; w++) {
                    const struct adadelta_schedule schedule = a_run(runs[k], lengths[i], warmups[w], ends[e]);
                    for (uint64_t step = 0; step <= lengths[i] + 2; step += 1 + lengths[i] / 1009)
                        follows(&schedule, step, 3);
                }
            }
        }
    }
}

static void decay_follows_the_formula(void **state)
{
    (void)state;
    static const double gammas[] = {0.1, 0.3, 0.5, 0.9, 0.999, 1, 1.01};
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
        for (uint64_t every = 1; every < 40; every += 6) {
            for (uint64_t warmup = 0; warmup < 20; warmup += 9) {
                const struct adadelta_schedule schedule = decay(every, warmup, gammas[g]);
                for (uint64_t step = 0; step < 300; step++)
                    follows(&schedule, step, 2 + (double)(step / every)); /* a rounding for each factor */
            }
        }
    }
    /* Powers of two are exact, down to the smallest and beyond. */
    const struct adadelta_schedule halves = decay(3, 5, 0.5);
    for (uint64_t step = 5; step < 5 + 3 * 1100; step++)
        assert_true(adadelta_schedule_rate(&halves, step) == ldexp(1, -(int)((step - 5) / 3)));
    const struct adadelta_schedule once = decay(10, 0, 0);
    for (uint64_t step = 0; step < 30; step++)
        assert_true(adadelta_schedule_rate(&once, step) == (step < 10));
    const struct adadelta_schedule grows = decay(1, 0, 2);
    assert_true(adadelta_schedule_rate(&grows, 1023) == ldexp(1, 1023));
    assert_true(adadelta_schedule_rate(&grows, 1024) == INFINITY);
    assert_true(adadelta_schedule_rate(&grows, UINT64_MAX) == INFINITY);
}

static void constant_is_one(void **state)
{
    (void)state;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    const uint64_t steps[] = {0, 1, 1000, UINT64_MAX};
    for (int i = 0; i < 4; i++)
        assert_true(adadelta_schedule_rate(&schedule, steps[i]) == 1);
    schedule.warmup = 4;
    for (uint64_t step = 0; step < 10; step++)
        assert_true(adadelta_schedule_rate(&schedule, step) == (step < 4 ? (double)(step + 1) / 4 : 1));
}

/* ---- Where rates are exact ---- */

static void begin_and_end_are_exact(void **state)
{
    (void)state;
    static const double ends[] = {0, DBL_TRUE_MIN, 1e-3, 0.1, 0.3, 1.0 / 3, 0.7, 0.999, 1, 1.1, 10, 1e15, DBL_MAX};
    static const uint64_t lengths[] = {1, 2, 3, 10, 97, 1000000007, UINT64_MAX - 20};
    for (int k = 0; k < RUNS; k++) {
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                for (uint64_t warmup = 0; warmup < 20; warmup += 4) {
                    const uint64_t length = lengths[i] + warmup;
                    const struct adadelta_schedule schedule = a_run(runs[k], length, warmup, ends[e]);
                    assert_true(adadelta_schedule_rate(&schedule, warmup) == 1);
                    assert_true(adadelta_schedule_rate(&schedule, length) == ends[e]);
                    assert_true(adadelta_schedule_rate(&schedule, length + 1) == ends[e]);
                    assert_true(adadelta_schedule_rate(&schedule, UINT64_MAX) == ends[e]);
                }
            }
        }
    }
}

static void warm_up_rises_to_one(void **state)
{
    (void)state;
    const struct adadelta_schedule schedules[] = {
        a_run(ADADELTA_SCHEDULE_CONSTANT, 0, 10, 0),
        a_run(ADADELTA_SCHEDULE_LINEAR, 11, 10, 0.5),
        a_run(ADADELTA_SCHEDULE_COSINE, 50, 10, 0),
        a_run(ADADELTA_SCHEDULE_TAIL, 50, 10, 0),
        decay(7, 10, 0.1),
    };
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        for (uint64_t step = 0; step < 10; step++)
            assert_true(adadelta_schedule_rate(&schedules[i], step) == (double)(step + 1) / 10);
        assert_true(adadelta_schedule_rate(&schedules[i], 10) == 1);
    }
}

static void tail_stays_at_one_for_two_thirds(void **state)
{
    (void)state;
    for (uint64_t length = 1; length < 3000; length++) {
        const struct adadelta_schedule schedule = a_run(ADADELTA_SCHEDULE_TAIL, length + 5, 5, 0.25);
        const uint64_t bend = 5 + 2 * length / 3;
        assert_true(adadelta_schedule_rate(&schedule, bend) == 1);
        assert_true(adadelta_schedule_rate(&schedule, 5 + length / 2) == 1);
        assert_true(adadelta_schedule_rate(&schedule, bend + 1) < 1);
    }
}

/* The last steps of a run to 0 are known to all digits: 1/n, 3/n, and by half the angle sin(pi/(2n))^2. */
static void the_last_steps_have_all_digits(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {3, 10, 1000, 1000000007, (uint64_t)1 << 53, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const uint64_t n = lengths[i];
        struct adadelta_schedule schedule = a_run(ADADELTA_SCHEDULE_LINEAR, n, 0, 0);
        assert_true(adadelta_schedule_rate(&schedule, n - 1) == 1.0 / (double)n);
        schedule.kind = ADADELTA_SCHEDULE_TAIL;
        assert_true(fabsl(adadelta_schedule_rate(&schedule, n - 1) - 3.0L / n) <= 3.0L / n * DBL_EPSILON);
        schedule.kind = ADADELTA_SCHEDULE_COSINE;
        const long double root = sinl(acosl(-1) / 2 / n);
        assert_true(fabsl(adadelta_schedule_rate(&schedule, n - 1) - root * root) <= 3 * DBL_EPSILON * root * root);
    }
}

static void huge_counts_do_not_overflow(void **state)
{
    (void)state;
    const uint64_t most = UINT64_MAX;
    const uint64_t steps[] = {0, 1, most / 3, most / 2, most / 3 * 2, most / 3 * 2 + 3, most / 4 * 3, most - 2, most};
    for (int k = 0; k < RUNS; k++) {
        for (int i = 0; i < 9; i++) {
            const struct adadelta_schedule schedules[] = {
                a_run(runs[k], most, 0, 0.1), a_run(runs[k], most, most / 2, 0), a_run(runs[k], most, most - 1, 0)};
            for (int s = 0; s < 3; s++)
                follows(&schedules[s], steps[i], 3);
        }
    }
    const struct adadelta_schedule rare = decay(most, 0, 0.1), late = decay(1, most, 0.1), often = decay(1, 0, 0.1);
    assert_true(adadelta_schedule_rate(&rare, most - 1) == 1 && adadelta_schedule_rate(&rare, most) == 0.1);
    assert_true(adadelta_schedule_rate(&late, most - 1) == 1 && adadelta_schedule_rate(&late, most) == 1);
    assert_true(adadelta_schedule_rate(&often, most) == 0);
}

static void rates_never_turn(void **state)
{
    (void)state;
    static const double ends[] = {0, 1e-9, 0.1, 0.3, 0.7, 0.9, 0.999999, 1, 1.3, 10};
    static const uint64_t lengths[] = {5, 1000, 4096, 30011};
    for (int k = 0; k < RUNS; k++) {
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                const struct adadelta_schedule schedule = a_run(runs[k], lengths[i], 0, ends[e]);
                double before = 1;
                for (uint64_t step = 0; step <= lengths[i] + 1; step++) {
                    const double rate = adadelta_schedule_rate(&schedule, step);
                    assert_true(ends[e] <= 1 ? rate <= before && rate >= ends[e] : rate >= before && rate <= ends[e]);
                    before = rate;
                }
            }
        }
    }
    /* And where neighbours differ in their last digits: about the middle of a very long run. */
    const uint64_t length = (uint64_t)1 << 53;
    const struct adadelta_schedule schedule = a_run(ADADELTA_SCHEDULE_COSINE, length, 0, 0);
    double before = 1;
    for (uint64_t step = length / 2 - 5000; step < length / 2 + 5000; step++) {
        const double rate = adadelta_schedule_rate(&schedule, step);
        assert_true(rate <= before);
        before = rate;
    }
}

/* ---- Callbacks ---- */

struct calls {
    uint64_t count, step;
    double answer;
};

static double answer(uint64_t step, void *context)
{
    struct calls *calls = context;
    calls->count++;
    calls->step = step;
    return calls->answer;
}

static void a_callback_is_asked_once(void **state)
{
    (void)state;
    static const double answers[] = {0.25, 0, 7, -1, INFINITY, NAN};
    struct calls calls = {0};
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.warmup = 100; /* not ours */
    schedule.rate = answer;
    schedule.context = &calls;
    assert_int_equal(adadelta_schedule_check(&schedule), ADADELTA_OK);
    assert_true(calls.count == 0);
    for (uint64_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        calls.answer = answers[i];
        const double rate = adadelta_schedule_rate(&schedule, 11 * i);
        assert_true(rate == answers[i] || (isnan(rate) && isnan(answers[i])));
        assert_true(calls.count == i + 1 && calls.step == 11 * i);
    }
}

/* ---- Names, defaults, refusals ---- */

static void schedules_are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"constant", "linear", "cosine", "step", "tail", "callback"};
    static const char *const unknown[] = {"", "cos", "Cosine", "cosine ", "tails"};
    assert_int_equal(sizeof names / sizeof *names, ADADELTA_SCHEDULE_COUNT);
    enum adadelta_schedule_kind found;
    for (int k = 0; k < ADADELTA_SCHEDULE_COUNT; k++) {
        found = ADADELTA_SCHEDULE_COUNT;
        assert_string_equal(adadelta_schedule_name((enum adadelta_schedule_kind)k), names[k]);
        assert_int_equal(adadelta_schedule_by_name(names[k], &found), ADADELTA_OK);
        assert_int_equal(found, k);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        found = ADADELTA_SCHEDULE_STEP;
        assert_int_equal(adadelta_schedule_by_name(unknown[i], &found), ADADELTA_ERROR_NAME);
        assert_int_equal(found, ADADELTA_SCHEDULE_STEP);
    }
    assert_int_equal(adadelta_schedule_by_name(NULL, &found), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_schedule_by_name("step", NULL), ADADELTA_ERROR_ARGUMENT);
    assert_null(adadelta_schedule_name(ADADELTA_SCHEDULE_COUNT));
    assert_null(adadelta_schedule_name((enum adadelta_schedule_kind) - 1));
}

static void defaults_are_the_documented_ones(void **state)
{
    (void)state;
    const struct adadelta_schedule schedule = adadelta_schedule_default();
    assert_int_equal(schedule.kind, ADADELTA_SCHEDULE_CONSTANT);
    assert_true(schedule.steps == 0 && schedule.warmup == 0 && schedule.every == 0);
    assert_true(schedule.gamma == 0.1 && schedule.end == 0 && !schedule.rate && !schedule.context);
    assert_int_equal(adadelta_schedule_check(&schedule), ADADELTA_OK);
}

static void refused(const struct adadelta_schedule *schedule)
{
    assert_int_equal(adadelta_schedule_check(schedule), ADADELTA_ERROR_SCHEDULE);
    const uint64_t steps[] = {0, 1, 50, UINT64_MAX};
    for (int i = 0; i < 4; i++)
        assert_true(isnan(adadelta_schedule_rate(schedule, steps[i])));
}

static void fields_out_of_range_are_refused(void **state)
{
    (void)state;
    static const double bad[] = {-DBL_TRUE_MIN, -1, INFINITY, -INFINITY, NAN};
    struct adadelta_schedule schedule;
    for (int k = 0; k < RUNS; k++) {
        for (uint64_t steps = 0; steps <= 60; steps += 20) {
            schedule = a_run(runs[k], steps, 60, 0);
            refused(&schedule);
        }
        schedule = a_run(runs[k], 0, 0, 0);
        refused(&schedule);
        for (int i = 0; i < 5; i++) {
            schedule = a_run(runs[k], 61, 60, bad[i]);
            refused(&schedule);
        }
        schedule = a_run(runs[k], 61, 60, 0);
        assert_int_equal(adadelta_schedule_check(&schedule), ADADELTA_OK);
    }
    schedule = decay(0, 0, 0.1);
    refused(&schedule);
    for (int i = 0; i < 5; i++) {
        schedule = decay(1, 0, bad[i]);
        refused(&schedule);
    }
    schedule = a_run(ADADELTA_SCHEDULE_CALLBACK, 100, 0, 0);
    refused(&schedule);
    schedule.kind = ADADELTA_SCHEDULE_COUNT;
    refused(&schedule);
    schedule.kind = (enum adadelta_schedule_kind) - 1;
    refused(&schedule);
    assert_int_equal(adadelta_schedule_check(NULL), ADADELTA_ERROR_ARGUMENT);
    assert_true(isnan(adadelta_schedule_rate(NULL, 0)));
}

static void fields_not_used_are_not_looked_at(void **state)
{
    (void)state;
    struct calls calls = {.answer = 1};
    const struct adadelta_schedule wild = {.gamma = NAN, .end = -1};
    struct adadelta_schedule schedules[ADADELTA_SCHEDULE_COUNT];
    for (int k = 0; k < ADADELTA_SCHEDULE_COUNT; k++) {
        schedules[k] = wild;
        schedules[k].kind = (enum adadelta_schedule_kind)k;
    }
    for (int k = 0; k < RUNS; k++) {
        schedules[runs[k]].steps = 100;
        schedules[runs[k]].end = 0.5;
    }
    schedules[ADADELTA_SCHEDULE_STEP].every = 100;
    schedules[ADADELTA_SCHEDULE_STEP].gamma = 0.5;
    schedules[ADADELTA_SCHEDULE_CALLBACK].rate = answer;
    schedules[ADADELTA_SCHEDULE_CALLBACK].context = &calls;
    for (int k = 0; k < ADADELTA_SCHEDULE_COUNT; k++) {
        assert_int_equal(adadelta_schedule_check(&schedules[k]), ADADELTA_OK);
        assert_true(adadelta_schedule_rate(&schedules[k], 0) == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_follows_the_formula),
        cmocka_unit_test(decay_follows_the_formula),
        cmocka_unit_test(constant_is_one),
        cmocka_unit_test(begin_and_end_are_exact),
        cmocka_unit_test(warm_up_rises_to_one),
        cmocka_unit_test(tail_stays_at_one_for_two_thirds),
        cmocka_unit_test(the_last_steps_have_all_digits),
        cmocka_unit_test(huge_counts_do_not_overflow),
        cmocka_unit_test(rates_never_turn),
        cmocka_unit_test(a_callback_is_asked_once),
        cmocka_unit_test(schedules_are_found_by_name),
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(fields_out_of_range_are_refused),
        cmocka_unit_test(fields_not_used_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
