/* SPDX-License-Identifier: MIT */
/* One run of a method over a surface: where it went, and for Adadelta what it remembered on the way. */
#ifndef CLI_SURFACE_WALK_H
#define CLI_SURFACE_WALK_H

#include <stdint.h>

#include "contest.h"
#include "surface_functions.h"

/* What all runs have in common. */
struct course {
    const struct surface *surface;
    struct surface_shape shape;
    struct window window; /* what is drawn of it */
    struct point start;
    size_t steps;
    double noise;  /* standard deviation of what is added to each component of each gradient */
    uint64_t seed; /* of the noise, which is the same for all runs */
    int convert_eps;
};

/* What Adadelta's step is made of, for one coordinate: arrays [steps], in the run's own unit. */
struct step_parts {
    double *gradient; /* as the method was given it, with its noise */
    double *rms_gradient, *rms_update;
    double *rate; /* what the gradient is multiplied with */
    double *step;
};

enum { UNIT_SIZE = 32, WALK_LABEL_SIZE = LABEL_SIZE + UNIT_SIZE + 8 };

struct walk {
    const struct contender *contender;
    char label[WALK_LABEL_SIZE];
    char unit_name[UNIT_SIZE]; /* "1/1000"; empty where units were not asked for */
    size_t turn;               /* how many runs of its method come before it */
    double unit;               /* the coordinates it works with are so many times as large */
    size_t steps_done;
    size_t diverged;            /* the step that led out of the numbers, or could not be taken; 0: none did */
    struct point *at;           /* [steps_done + 1] the path in the unit of the course, from its start */
    double *value;              /* [steps_done + 1] */
    struct step_parts parts[2]; /* of x and y; NULL for other methods than Adadelta */
};

/* The value of the course at a place. */
double course_value(const struct course *course, struct point at);

/* Runs the method of walk->contender over the course, in walk->unit; walk_free must follow in any case. That it
   diverges is a result and no failure. */
enum verdict walk_run(struct walk *walk, const struct course *course, struct trouble *trouble);

void walk_free(struct walk *walk);

/* How far the end is from the nearest minimum; NAN where there is none. */
double walk_distance(const struct walk *walk, const struct course *course);

/* The first step after which no more than that part is left of what the start lies above the minimum; SIZE_MAX: there
 * is none.
 */
size_t walk_steps_to(const struct walk *walk, const struct course *course, double part);

#endif
