/* SPDX-License-Identifier: MIT */
/* Checks steps one by one: what a sample of parameters and their state must become is worked out in long double from
   what they were, by the paper's Algorithm 1 and the settings around it. What is stored in a narrower type than it is
   computed in may be off by as much as that type rounds. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench_number.h"
#include "bench_subject.h"

enum { CHECK_STEPS = 4, CHECK_SAMPLES = 256 };

/* How many units in the last place of the type computed in a value may be off: a step has two dozen roundings. */
static const double tolerance = 16;

/* The error of a norm, which is the root of a sum of up to billions of squares in double. */
static const double norm_unit = 1e-13;

/* A parameter with its state, as it stands in memory; weight is what the step takes for the parameter. */
struct stand {
    double stored, kept, square_avg, acc_delta, average;
    double weight;
    struct code_pair codes; /* of state in codes */
};

struct sample {
    size_t i, tensor, at, gradient; /* parameter, its tensor and place there, element of the gradient or SIZE_MAX */
    struct stand before;
};

/* What a step makes of a parameter; scales are what the errors of v, d, u and the rest are measured by. */
struct expectation {
    long double x, square_avg, acc_delta, change;
    long double x_scale, square_avg_scale, acc_delta_scale;
};

/* ---- The rule ---- */

/* The gradient as the rule gets it, but for the decay. */
static long double prepared(const struct bench_plan *plan, long double g)
{
    if (bench_has(plan, EXTRA_SCALE))
        g /= BENCH_SCALE;
    if (bench_has(plan, EXTRA_CLIP))
        g = fmaxl(-BENCH_CLIP_VALUE, fminl(BENCH_CLIP_VALUE, g));
    return bench_has(plan, EXTRA_NORM) ? g * BENCH_NORM_SHRINK : g;
}

static struct expectation expect(const struct bench_plan *plan, long double x, long double v, long double u,
                                 long double raw)
{
    const struct adadelta_hyper hyper = adadelta_hyper_default();
    const long double rho = hyper.rho, eps = hyper.eps;
    const long double decay = bench_has(plan, EXTRA_DECAY) ? BENCH_WEIGHT_DECAY * x : 0;
    const long double g = prepared(plan, raw) + decay, size = fabsl(prepared(plan, raw)) + fabsl(decay);
    struct expectation e;
    e.square_avg = rho * v + (1 - rho) * g * g;
    e.square_avg_scale = rho * v + (1 - rho) * size * size;
    const long double rate = sqrtl(u + eps) / sqrtl(e.square_avg + eps);
    e.change = hyper.lr * rate * g;
    e.acc_delta = rho * u + (1 - rho) * rate * g * rate * g;
    e.acc_delta_scale = rho * u + (1 - rho) * rate * size * rate * size;
    e.x = x - e.change;
    e.x_scale = fabsl(x) + hyper.lr * rate * size;
    return e;
}

/* ---- Reading ---- */

/* A split parameter and its lower half: the float whose upper half, rounded, the parameter is. */
static double join(const void *values, const void *low, size_t value_at, size_t low_at)
{
    uint16_t upper, lower;
    float number;
    memcpy(&upper, (const char *)values + 2 * value_at, sizeof upper);
    memcpy(&lower, (const char *)low + 2 * low_at, sizeof lower);
    const uint32_t pattern = (uint32_t)(upper - (lower >= 0x8000)) << 16 | lower;
    memcpy(&number, &pattern, sizeof number);
    return (double)number;
}

/* An element of a tensor's state; 0 where it has none of that name. */
static double state_of(const struct bench *bench, const struct sample *s, const char *name, enum adadelta_dtype dtype)
{
    const void *state = bench_state(bench, s->tensor, name);
    return state ? number_get(dtype, state, s->at) : 0;
}

static void look_at_codes(const struct bench *bench, const struct sample *s, struct stand *stand)
{
    const double eps = adadelta_hyper_default().eps;
    const void *v = bench_state(bench, s->tensor, "square_avg"), *u = bench_state(bench, s->tensor, "acc_delta");
    stand->codes = number_codes(bench->plan->state, v, u, s->at);
    const double ratio = bench->plan->state == ADADELTA_U8 ? stand->codes.first : 1;
    stand->square_avg = (stand->codes.first - 1) * eps;
    stand->acc_delta = (stand->codes.second * ratio - 1) * eps;
}

/* taken: steps so far; before the first one a master means nothing. */
static struct stand look(const struct bench *bench, const struct sample *s, int taken)
{
    const struct bench_plan *plan = bench->plan;
    const void *low = bench_state(bench, s->tensor, "low");
    struct stand stand = {
        .stored = number_get(plan->dtype, bench->x, s->i),
        .kept = low ? join(bench->x, low, s->i, s->at) : state_of(bench, s, "master", ADADELTA_F32),
        .square_avg = number_is_coded(plan->state) ? 0 : state_of(bench, s, "square_avg", plan->state),
        .acc_delta = number_is_coded(plan->state) ? 0 : state_of(bench, s, "acc_delta", plan->state),
        .average = state_of(bench, s, "average", bench_computed(plan)),
    };
    if (number_is_coded(plan->state))
        look_at_codes(bench, s, &stand);
    stand.weight = bench_kept_size(plan) && (taken || low) ? stand.kept : stand.stored;
    return stand;
}

/* Samples from the first parameter to the last; n stays far below where the product would overflow. */
static size_t choose(const struct bench *bench, struct sample samples[CHECK_SAMPLES])
{
    const struct bench_plan *plan = bench->plan;
    const size_t count = plan->n < CHECK_SAMPLES ? plan->n : CHECK_SAMPLES;
    for (size_t k = 0, t = 0; k < count; k++) {
        const size_t i = count > 1 ? (plan->n - 1) * k / (count - 1) : 0;
        while (bench_tensor_start(plan, t + 1) <= i)
            t++;
        samples[k] = (struct sample){
            .i = i, .tensor = t, .at = i - bench_tensor_start(plan, t), .gradient = bench_gradient_of(bench, i)};
    }
    return count;
}

/* ---- Comparing ---- */

struct comparison {
    const struct bench *bench;
    const struct sample *sample;
    int step; /* from 1 */
    struct trouble *trouble;
    enum verdict verdict; /* of the first that is wrong */
};

/* room: how much it may be off by its rounding, beside that of the step. */
static void compare_within(struct comparison *c, const char *name, double value, long double expected,
                           long double scale, double room_of_rounding)
{
    const struct bench_plan *plan = c->bench->plan;
    const double unit = bench_computed(plan) == ADADELTA_F64 ? DBL_EPSILON : FLT_EPSILON;
    const long double room =
        tolerance * fmax(unit, bench_has(plan, EXTRA_NORM) ? norm_unit : 0) * scale + room_of_rounding;
    if (c->verdict == DONE && !(fabsl(value - expected) <= room))
        c->verdict = blame(c->trouble, FAILED,
                           "the step is wrong: %s of parameter %zu of %zu is %.17g after step %d, not %.17Lg", name,
                           c->sample->i, plan->n, value, c->step, expected);
}

/* roundings: how many half spacings of the type it is stored as a value may be off. */
static void compare(struct comparison *c, const char *name, enum adadelta_dtype dtype, double value,
                    long double expected, long double scale, double roundings)
{
    const int stored = dtype != bench_computed(c->bench->plan);
    const double spacing = stored ? number_spacing(dtype, fmax(fabs(value), (double)fabsl(expected))) : 0;
    compare_within(c, name, value, expected, scale, roundings / 2 * spacing);
}

/* Codes are rounded up or down by chance: a spacing of their numbers. */
static void compare_code(struct comparison *c, const char *name, double value, int digits, long double expected,
                         long double scale)
{
    compare_within(c, name, value, expected, scale, ldexp(1, ilogb(fmax(value, (double)expected)) - digits + 1));
}

static void compare_codes(struct comparison *c, const struct code_pair *now, const struct expectation *e)
{
    const long double eps = adadelta_hyper_default().eps;
    const long double v = e->square_avg / eps + 1, u = e->acc_delta / eps + 1;
    const long double v_scale = e->square_avg_scale / eps + 1, u_scale = e->acc_delta_scale / eps + 1;
    compare_code(c, "square_avg/eps + 1", now->first, now->first_digits, v, v_scale);
    if (c->bench->plan->state == ADADELTA_U16)
        compare_code(c, "acc_delta/eps + 1", now->second, now->second_digits, u, u_scale);
    else
        compare_code(c, "(acc_delta + eps)/(square_avg + eps)", now->second, now->second_digits, u / v,
                     u_scale / v + u / v * (v_scale / v));
}

static void compare_moved(struct comparison *c, const struct stand *now)
{
    const struct bench_plan *plan = c->bench->plan;
    const struct stand *before = &c->sample->before;
    const enum adadelta_dtype computed = bench_computed(plan);
    const double g = number_get(plan->gradient, c->bench->g, c->sample->gradient);
    const struct expectation e = expect(plan, before->weight, before->square_avg, before->acc_delta, g);
    const int by_chance = bench_is_16_bit(plan->dtype) && plan->weights == ADADELTA_WEIGHTS_STOCHASTIC;
    compare(c, "the value", plan->dtype, now->stored, e.x, e.x_scale, by_chance ? 2 : 1);
    if (bench_kept_size(plan)) {
        compare(c, "the weight", computed, now->kept, e.x, e.x_scale, 0);
        compare(c, "the value", plan->dtype, now->stored, now->kept, 0, 1);
    }
    if (number_is_coded(plan->state)) {
        compare_codes(c, &now->codes, &e);
    } else {
        compare(c, "square_avg", plan->state, now->square_avg, e.square_avg, e.square_avg_scale, 1);
        compare(c, "acc_delta", plan->state, now->acc_delta, e.acc_delta, e.acc_delta_scale, 1);
    }
    if (!bench_average_size(plan))
        return;
    const long double k = c->step, decay = adadelta_options_default().average_decay;
    const long double share = bench_has(plan, EXTRA_POLYAK) ? 1 / k : c->step == 1 ? 1 : 1 - decay;
    compare(c, "the average", computed, now->average, before->average + share * (e.x - before->average),
            e.x_scale + fabs(before->average), 0);
}

/* A row that was not named stays as it is. */
static void compare_unmoved(struct comparison *c, const struct stand *now)
{
    const struct stand *before = &c->sample->before;
    const enum adadelta_dtype computed = bench_computed(c->bench->plan);
    compare(c, "the value, in a row not named,", computed, now->stored, before->stored, 0, 0);
    compare(c, "the weight, in a row not named,", computed, now->kept, before->kept, 0, 0);
    compare(c, "square_avg, in a row not named,", computed, now->square_avg, before->square_avg, 0, 0);
    compare(c, "acc_delta, in a row not named,", computed, now->acc_delta, before->acc_delta, 0, 0);
    compare(c, "the average, in a row not named,", computed, now->average, before->average, 0, 0);
}

static enum verdict check_step(struct bench *bench, struct sample *samples, size_t count, int step,
                               struct trouble *trouble)
{
    for (size_t k = 0; k < count; k++)
        samples[k].before = look(bench, &samples[k], step - 1);
    if (adadelta_step(bench->optimizer))
        return blame(trouble, FAILED, "the step failed: %s", adadelta_error_text(bench->optimizer));
    struct comparison c = {.bench = bench, .step = step, .trouble = trouble, .verdict = DONE};
    for (size_t k = 0; k < count && c.verdict == DONE; k++) {
        const struct stand now = look(bench, &samples[k], step);
        c.sample = &samples[k];
        if (samples[k].gradient == SIZE_MAX)
            compare_unmoved(&c, &now);
        else
            compare_moved(&c, &now);
    }
    return c.verdict;
}

/* ---- What is not an array ---- */

/* The norm of the first change of all parameters, whose state is zero. */
static double first_change(const struct bench *bench)
{
    const struct bench_plan *plan = bench->plan;
    const size_t moved = bench_moved(plan);
    double sum = 0;
#pragma omp parallel for num_threads(plan->threads) schedule(static) reduction(+ : sum)
    for (size_t j = 0; j < moved; j++) {
        const double x = number_get(plan->dtype, bench->x, bench_parameter_of(bench, j));
        const double change = (double)expect(plan, x, 0, 0, number_get(plan->gradient, bench->g, j)).change;
        sum += change * change;
    }
    return sqrt(sum);
}

/* The norm that the optimizer has measured; the parameters, of [-1, 1], were rounded when they changed. */
static enum verdict check_measured(const struct bench *bench, double expected, struct trouble *trouble)
{
    const double unit = bench_computed(bench->plan) == ADADELTA_F64 ? DBL_EPSILON : FLT_EPSILON;
    const double room = tolerance * unit * (expected + sqrt((double)bench_moved(bench->plan)));
    double sum = 0;
    for (size_t t = 0; t < bench->plan->tensors; t++) {
        struct adadelta_tensor_stats stats;
        if (adadelta_get_tensor_stats(bench->optimizer, t, &stats) == ADADELTA_OK)
            sum += stats.update_norm * stats.update_norm;
    }
    return fabs(sqrt(sum) - expected) <= room
               ? DONE
               : blame(trouble, FAILED, "the step is wrong: it measured a change of %.9g, not %.9g", sqrt(sum),
                       expected);
}

/* A NaN at the gradient's end must be found. */
static enum verdict check_look(const struct bench *bench, struct trouble *trouble)
{
    const size_t size = adadelta_dtype_size(bench->plan->gradient);
    char *last = (char *)bench->g + (bench_moved(bench->plan) - 1) * size, kept[sizeof(double)];
    memcpy(kept, last, size);
    memset(last, 0xff, size); /* a NaN of every type */
    const enum adadelta_status status = adadelta_step(bench->optimizer);
    memcpy(last, kept, size);
    return status == ADADELTA_ERROR_NONFINITE ? DONE
                                              : blame(trouble, FAILED, "the step is wrong: it has not seen a NaN");
}

enum verdict bench_check(struct bench *bench, struct trouble *trouble)
{
    struct sample samples[CHECK_SAMPLES];
    const size_t count = choose(bench, samples);
    const int measures = bench_has(bench->plan, EXTRA_MEASURE);
    const double change = measures ? first_change(bench) : 0;
    enum verdict verdict = DONE;
    for (int step = 1; step <= CHECK_STEPS && verdict == DONE; step++) {
        verdict = check_step(bench, samples, count, step, trouble);
        if (verdict == DONE && step == 1 && measures)
            verdict = check_measured(bench, change, trouble);
    }
    if (verdict == DONE && bench_has(bench->plan, EXTRA_LOOK))
        verdict = check_look(bench, trouble);
    return verdict;
}
