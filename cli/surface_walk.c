/* SPDX-License-Identifier: MIT */
/* See surface_walk.h. In a unit c times as small the coordinates are c times as large, and a gradient c times as small.
   An eps below of b and one above of a are, to the library, which has one eps, eps b and the rate multiplied by
   sqrt(a/b): with a = c^2 eps and b = eps/c^2 that is c^2. */
#include "surface_walk.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"

/* A stream of the random numbers for each step, far from those that the trainer takes of the same seed. */
#define STREAM_NOISE UINT64_C(0x400000000)

/* A run under way. */
struct stride {
    struct walk *walk;
    const struct course *course;
    struct adadelta *optimizer;
    struct adadelta_hyper hyper;
    struct adadelta_schedule schedule;
    double position[2], gradient[2]; /* in the run's own unit */
    double update_unit;              /* by which the library's acc_delta is off, as a root */
};

double course_value(const struct course *course, struct point at)
{
    struct point slope;
    return course->surface->value(at, &course->shape, &slope);
}

static enum verdict reserve(struct walk *walk, size_t steps, struct trouble *trouble)
{
    const int is_adadelta = walk->contender->settings.method == ADADELTA_METHOD_ADADELTA;
    walk->at = malloc((steps + 1) * sizeof *walk->at);
    walk->value = malloc((steps + 1) * sizeof *walk->value);
    int missing = !walk->at || !walk->value;
    for (int i = 0; i < 2 && is_adadelta; i++) {
        struct step_parts *parts = &walk->parts[i];
        double **const arrays[] = {&parts->gradient, &parts->rms_gradient, &parts->rms_update, &parts->rate,
                                   &parts->step};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
            *arrays[k] = malloc(steps * sizeof **arrays[k]);
            missing |= !*arrays[k];
        }
    }
    return missing ? blame_memory(trouble) : DONE;
}

/* Steps stand where the options speak of epochs. */
static enum verdict make_schedule(struct stride *stride, struct trouble *trouble)
{
    const size_t steps = stride->course->steps;
    stride->schedule = stride->walk->contender->settings.schedule;
    if (stride->schedule.warmup >= steps)
        return blame(trouble, MISUSE, "--warmup %llu: must be less than --steps %zu",
                     (unsigned long long)stride->schedule.warmup, steps);
    stride->schedule.steps = steps;
    if (!stride->schedule.every)
        stride->schedule.every = (steps + 2) / 3;
    return DONE;
}

static enum verdict make_optimizer(struct stride *stride, struct trouble *trouble)
{
    const struct fit_settings *settings = &stride->walk->contender->settings;
    const struct adadelta_options options = {
        .method = settings->method, .threads = 1, .seed = settings->seed, .state_dtype = settings->state};
    const struct adadelta_tensor tensor = {.name = "place",
                                           .dtype = ADADELTA_F64,
                                           .ndim = 1,
                                           .shape = {2},
                                           .values = stride->position,
                                           .gradient = stride->gradient};
    enum adadelta_status status = adadelta_create(&options, &stride->optimizer);
    if (!status)
        status = adadelta_set_schedule(stride->optimizer, &stride->schedule);
    if (!status)
        status = adadelta_add_group(stride->optimizer, &stride->hyper, NULL);
    if (!status)
        status = adadelta_add_tensor(stride->optimizer, 0, &tensor, NULL);
    if (!status)
        return DONE;
    const char *text = adadelta_error_text(stride->optimizer);
    return blame(trouble, status == ADADELTA_ERROR_MEMORY ? FAILED : MISUSE, "%s: %s", stride->walk->label,
                 *text ? text : adadelta_status_string(status));
}

static enum verdict prepare(struct stride *stride, struct trouble *trouble)
{
    const struct walk *walk = stride->walk;
    const double square = walk->unit * walk->unit;
    stride->hyper = walk->contender->settings.hyper;
    stride->update_unit = 1;
    if (stride->course->convert_eps && walk->contender->settings.method == ADADELTA_METHOD_ADADELTA) {
        stride->hyper.eps /= square;
        stride->hyper.lr *= square;
        stride->update_unit = square;
    }
    stride->position[0] = walk->unit * stride->course->start.x;
    stride->position[1] = walk->unit * stride->course->start.y;
    const enum verdict verdict = make_schedule(stride, trouble);
    return verdict == DONE ? make_optimizer(stride, trouble) : verdict;
}

/* The gradient where the run stands, before step number k, from 0. */
static void take_gradient(struct stride *stride, size_t k)
{
    const struct course *course = stride->course;
    const double unit = stride->walk->unit;
    struct random random = random_stream(course->seed, STREAM_NOISE + k);
    struct point slope;
    course->surface->value((struct point){stride->position[0] / unit, stride->position[1] / unit}, &course->shape,
                           &slope);
    if (course->noise > 0) {
        slope.x += course->noise * random_normal(&random);
        slope.y += course->noise * random_normal(&random);
    }
    stride->gradient[0] = slope.x / unit;
    stride->gradient[1] = slope.y / unit;
}

/* What step k was made of: acc_delta is that of before, square_avg has the step's own gradient. */
static void write_parts(struct stride *stride, size_t k, const double acc_delta[2], const double before[2])
{
    const double lr = stride->hyper.lr / stride->update_unit * adadelta_schedule_rate(&stride->schedule, (uint64_t)k);
    double square_avg[2];
    adadelta_copy_state(stride->optimizer, 0, "square_avg", ADADELTA_F64, square_avg);
    for (int i = 0; i < 2; i++) {
        const struct step_parts *parts = &stride->walk->parts[i];
        parts->gradient[k] = stride->gradient[i];
        parts->rms_gradient[k] = sqrt(square_avg[i] + stride->hyper.eps);
        parts->rms_update[k] = stride->update_unit * sqrt(acc_delta[i] + stride->hyper.eps);
        parts->rate[k] = lr * parts->rms_update[k] / parts->rms_gradient[k];
        parts->step[k] = stride->position[i] - before[i];
    }
}

static void write_place(const struct stride *stride, size_t k)
{
    struct walk *walk = stride->walk;
    walk->at[k] = (struct point){stride->position[0] / walk->unit, stride->position[1] / walk->unit};
    walk->value[k] = course_value(stride->course, walk->at[k]);
}

/* Takes step number k, from 0. A gradient that cannot be squared any more ends the run, and so does a place where the
   function has no value. */
static enum verdict take_step(struct stride *stride, size_t k, struct trouble *trouble)
{
    struct walk *walk = stride->walk;
    const int is_adadelta = walk->parts[0].gradient != NULL;
    const double before[2] = {stride->position[0], stride->position[1]};
    double acc_delta[2];
    take_gradient(stride, k);
    if (is_adadelta)
        adadelta_copy_state(stride->optimizer, 0, "acc_delta", ADADELTA_F64, acc_delta);
    const enum adadelta_status status = adadelta_step(stride->optimizer);
    if (status && status != ADADELTA_ERROR_NONFINITE)
        return blame(trouble, FAILED, "%s: %s", walk->label, adadelta_error_text(stride->optimizer));
    if (status) {
        walk->diverged = k + 1;
        return DONE;
    }
    if (is_adadelta)
        write_parts(stride, k, acc_delta, before);
    write_place(stride, k + 1);
    walk->steps_done = k + 1;
    if (!isfinite(walk->value[k + 1]) || !isfinite(walk->at[k + 1].x) || !isfinite(walk->at[k + 1].y))
        walk->diverged = k + 1;
    return DONE;
}

enum verdict walk_run(struct walk *walk, const struct course *course, struct trouble *trouble)
{
    struct stride stride = {.walk = walk, .course = course};
    enum verdict verdict = reserve(walk, course->steps, trouble);
    if (verdict == DONE)
        verdict = prepare(&stride, trouble);
    if (verdict == DONE)
        write_place(&stride, 0);
    for (size_t k = 0; k < course->steps && verdict == DONE && !walk->diverged; k++)
        verdict = take_step(&stride, k, trouble);
    adadelta_destroy(stride.optimizer);
    return verdict;
}

void walk_free(struct walk *walk)
{
    free(walk->at);
    free(walk->value);
    for (int i = 0; i < 2; i++) {
        free(walk->parts[i].gradient);
        free(walk->parts[i].rms_gradient);
        free(walk->parts[i].rms_update);
        free(walk->parts[i].rate);
        free(walk->parts[i].step);
    }
}

double walk_distance(const struct walk *walk, const struct course *course)
{
    const struct surface *surface = course->surface;
    const struct point end = walk->at[walk->steps_done];
    double nearest = NAN;
    for (size_t k = 0; k < surface->minima_count; k++)
        nearest = fmin(nearest, hypot(end.x - surface->minima[k].x, end.y - surface->minima[k].y));
    return nearest;
}

size_t walk_steps_to(const struct walk *walk, const struct course *course, double part)
{
    const double least = course->surface->least, goal = least + part * (walk->value[0] - least);
    for (size_t k = 0; k <= walk->steps_done && course->surface->minima_count > 0; k++)
        if (walk->value[k] <= goal)
            return k;
    return SIZE_MAX;
}
