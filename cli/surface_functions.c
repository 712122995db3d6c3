/* SPDX-License-Identifier: MIT */
/* See surface_functions.h. Formulas, places and values are those of S. Surjanovic and D. Bingham, Virtual Library of
   Simulation Experiments, with more digits where a minimum has no closed form; Himmelblau's are those of his Applied
   Nonlinear Programming, 1972; saddle and bowl are nobody's. */
#include "surface_functions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "args.h"

static const double pi = 3.14159265358979323846;

static double beale(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double x = at.x, y = at.y;
    const double a = 1.5 - x + x * y, b = 2.25 - x + x * y * y, c = 2.625 - x + x * y * y * y;
    (void)shape;
    slope->x = 2 * a * (y - 1) + 2 * b * (y * y - 1) + 2 * c * (y * y * y - 1);
    slope->y = 2 * a * x + 4 * b * x * y + 6 * c * x * y * y;
    return a * a + b * b + c * c;
}

static double rosenbrock(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double a = 1 - at.x, b = at.y - at.x * at.x;
    (void)shape;
    slope->x = -2 * a - 400 * at.x * b;
    slope->y = 200 * b;
    return a * a + 100 * b * b;
}

static double himmelblau(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double a = at.x * at.x + at.y - 11, b = at.x + at.y * at.y - 7;
    (void)shape;
    slope->x = 4 * at.x * a + 2 * b;
    slope->y = 2 * a + 4 * at.y * b;
    return a * a + b * b;
}

static double booth(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double a = at.x + 2 * at.y - 7, b = 2 * at.x + at.y - 5;
    (void)shape;
    slope->x = 2 * a + 4 * b;
    slope->y = 4 * a + 2 * b;
    return a * a + b * b;
}

static double three_hump_camel(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double x = at.x, y = at.y, square = x * x;
    (void)shape;
    slope->x = 4 * x - 4.2 * x * square + x * square * square + y;
    slope->y = x + 2 * y;
    return 2 * square - 1.05 * square * square + square * square * square / 6 + x * y + y * y;
}

static double six_hump_camel(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double x = at.x, y = at.y, square = x * x;
    (void)shape;
    slope->x = 8 * x - 8.4 * x * square + 2 * x * square * square + y;
    slope->y = x - 8 * y + 16 * y * y * y;
    return (4 - 2.1 * square + square * square / 3) * square + x * y + (4 * y * y - 4) * y * y;
}

static double rastrigin(struct point at, const struct surface_shape *shape, struct point *slope)
{
    (void)shape;
    slope->x = 2 * at.x + 20 * pi * sin(2 * pi * at.x);
    slope->y = 2 * at.y + 20 * pi * sin(2 * pi * at.y);
    return 20 + at.x * at.x + at.y * at.y - 10 * (cos(2 * pi * at.x) + cos(2 * pi * at.y));
}

/* It comes to a point at its minimum, where the gradient is taken as 0. */
static double ackley(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double radius = sqrt((at.x * at.x + at.y * at.y) / 2);
    const double cone = 20 * exp(-0.2 * radius), waves = exp((cos(2 * pi * at.x) + cos(2 * pi * at.y)) / 2);
    const double steepness = radius > 0 ? 0.1 * cone / radius : 0;
    (void)shape;
    slope->x = steepness * at.x + pi * sin(2 * pi * at.x) * waves;
    slope->y = steepness * at.y + pi * sin(2 * pi * at.y) * waves;
    return 20 + exp(1) - cone - waves;
}

static double branin(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const double b = 5.1 / (4 * pi * pi), c = 5 / pi, part = 10 * (1 - 1 / (8 * pi));
    const double a = at.y - b * at.x * at.x + c * at.x - 6;
    (void)shape;
    slope->x = 2 * a * (c - 2 * b * at.x) - part * sin(at.x);
    slope->y = 2 * a;
    return a * a + part * cos(at.x) + 10;
}

/* One variable's share. */
static double styblinski_part(double x, double *slope)
{
    *slope = 2 * x * x * x - 16 * x + 2.5;
    return (x * x * x * x - 16 * x * x + 5 * x) / 2;
}

static double styblinski_tang(struct point at, const struct surface_shape *shape, struct point *slope)
{
    (void)shape;
    return styblinski_part(at.x, &slope->x) + styblinski_part(at.y, &slope->y);
}

static double saddle(struct point at, const struct surface_shape *shape, struct point *slope)
{
    (void)shape;
    *slope = (struct point){2 * at.x, -2 * at.y};
    return at.x * at.x - at.y * at.y;
}

/* A quarter turn must be one: cos of pi/2 is not quite 0. */
static struct point direction(double degrees)
{
    const double quarters = degrees / 90;
    if (quarters == nearbyint(quarters)) {
        static const struct point exact[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        const int k = (int)fmod(quarters, 4);
        return exact[k < 0 ? k + 4 : k];
    }
    return (struct point){cos(degrees * pi / 180), sin(degrees * pi / 180)};
}

static double bowl(struct point at, const struct surface_shape *shape, struct point *slope)
{
    const struct point axis = direction(shape->angle);
    const double along = axis.x * at.x + axis.y * at.y, across = axis.x * at.y - axis.y * at.x;
    const double steep = shape->condition * across;
    slope->x = axis.x * along - axis.y * steep;
    slope->y = axis.y * along + axis.x * steep;
    return (along * along + steep * across) / 2;
}

#define RATES(sgd, momentum, adagrad, rmsprop, adamw)                                                                  \
    {                                                                                                                  \
        [ADADELTA_METHOD_ADADELTA] = 1, [ADADELTA_METHOD_SGD] = sgd, [ADADELTA_METHOD_MOMENTUM] = momentum,            \
        [ADADELTA_METHOD_ADAGRAD] = adagrad, [ADADELTA_METHOD_RMSPROP] = rmsprop, [ADADELTA_METHOD_ADAMW] = adamw      \
    }
_Static_assert(ADADELTA_METHOD_COUNT == 6, "a method has no rates");

/* Rates were tried out from each start: with these a run gets to a minimum in tens or hundreds of steps and does not
   leave. Adadelta has none to be tried. Those of the bowl are for a condition of 100. */
static const struct surface surfaces[] = {
    {.name = "beale",
     .title = "Beale's function",
     .formula = "(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²",
     .value = beale,
     .window = {-2, 4.5, -2.5, 2.5},
     .start = {-1, -1.5},
     .minima = {{3, 0.5}},
     .minima_count = 1,
     .steps = 2000,
     .rates = RATES(0.01, 0.002, 0.5, 0.02, 0.02)},
    {.name = "rosenbrock",
     .title = "Rosenbrock's function",
     .formula = "(1 - x)² + 100 (y - x²)²",
     .value = rosenbrock,
     .window = {-2, 2, -1, 3},
     .start = {-1.2, 1},
     .minima = {{1, 1}},
     .minima_count = 1,
     .steps = 2000,
     .rates = RATES(0.001, 0.0005, 0.5, 0.01, 0.02)},
    {.name = "himmelblau",
     .title = "Himmelblau's function",
     .formula = "(x² + y - 11)² + (x + y² - 7)²",
     .value = himmelblau,
     .window = {-5, 5, -5, 5},
     .start = {0, 0},
     .minima = {{3, 2},
                {-2.8051180869527449, 3.1313125182505730},
                {-3.7793102533777469, -3.2831859912861694},
                {3.5844283403304917, -1.8481265269644036}},
     .minima_count = 4,
     .steps = 1000,
     .rates = RATES(0.01, 0.002, 0.5, 0.02, 0.02)},
    {.name = "booth",
     .title = "Booth's function",
     .formula = "(x + 2y - 7)² + (2x + y - 5)²",
     .value = booth,
     .window = {-10, 10, -10, 10},
     .start = {-8, -6},
     .minima = {{1, 3}},
     .minima_count = 1,
     .steps = 2000,
     .rates = RATES(0.05, 0.01, 1, 0.05, 0.05)},
    {.name = "three-hump-camel",
     .title = "Three-hump camel function",
     .formula = "2x² - 1.05x⁴ + x⁶/6 + xy + y²",
     .value = three_hump_camel,
     .window = {-2.2, 2.2, -2, 2},
     .start = {-0.8, 1.8},
     .minima = {{0, 0}},
     .minima_count = 1,
     .steps = 1000,
     .rates = RATES(0.1, 0.02, 0.2, 0.01, 0.01)},
    {.name = "six-hump-camel",
     .title = "Six-hump camel function",
     .formula = "(4 - 2.1x² + x⁴/3) x² + xy + (4y² - 4) y²",
     .value = six_hump_camel,
     .window = {-2, 2, -1.1, 1.1},
     .start = {1, 0.1},
     .minima = {{0.089842013100318062, -0.71265640302073963}, {-0.089842013100318062, 0.71265640302073963}},
     .minima_count = 2,
     .least = -1.0316284534898774,
     .steps = 1000,
     .rates = RATES(0.05, 0.01, 0.2, 0.01, 0.01)},
    {.name = "rastrigin",
     .title = "Rastrigin's function",
     .formula = "20 + x² + y² - 10 (cos 2πx + cos 2πy)",
     .value = rastrigin,
     .window = {-5.12, 5.12, -5.12, 5.12},
     .start = {3.4, 2.6},
     .minima = {{0, 0}},
     .minima_count = 1,
     .steps = 1000,
     .rates = RATES(0.002, 0.002, 0.5, 0.02, 0.02)},
    {.name = "ackley",
     .title = "Ackley's function",
     .formula = "20 + e - 20 exp(-√((x² + y²)/50)) - exp((cos 2πx + cos 2πy)/2)",
     .value = ackley,
     .window = {-5, 5, -5, 5},
     .start = {3.4, 2.6},
     .minima = {{0, 0}},
     .minima_count = 1,
     .steps = 1000,
     .rates = RATES(0.02, 0.02, 0.5, 0.02, 0.02)},
    {.name = "branin",
     .title = "Branin's function",
     .formula = "(y - 5.1x²/4π² + 5x/π - 6)² + 10 (1 - 1/8π) cos x + 10",
     .value = branin,
     .window = {-5, 10, 0, 15},
     .start = {4.5, 13},
     .minima = {{-3.1415926535897932, 12.275}, {3.1415926535897932, 2.275}, {9.4247779607693797, 2.475}},
     .minima_count = 3,
     .least = 0.39788735772973816,
     .steps = 2000,
     .rates = RATES(0.02, 0.005, 1, 0.05, 0.05)},
    {.name = "styblinski-tang",
     .title = "Styblinski and Tang's function",
     .formula = "(x⁴ - 16x² + 5x + y⁴ - 16y² + 5y)/2",
     .value = styblinski_tang,
     .window = {-5, 5, -5, 5},
     .start = {-0.2, 0.1},
     .minima = {{-2.9035340277711771, -2.9035340277711771}},
     .minima_count = 1,
     .least = -78.332331407542831,
     .steps = 1000,
     .rates = RATES(0.01, 0.005, 0.5, 0.02, 0.02)},
    {.name = "saddle",
     .title = "A saddle",
     .formula = "x² - y²",
     .value = saddle,
     .window = {-2, 2, -2, 2},
     .start = {-1.8, 0.001},
     .steps = 600,
     .rates = RATES(0.01, 0.01, 0.2, 0.01, 0.01)},
    {.name = "bowl",
     .title = "A bowl",
     .formula = "(u² + K v²)/2",
     .value = bowl,
     .has_shape = 1,
     .window = {-5, 5, -3, 3},
     .start = {-4.5, 2.5},
     .minima = {{0, 0}},
     .minima_count = 1,
     .steps = 2000,
     .rates = RATES(0.018, 0.005, 0.5, 0.02, 0.02)},
};
enum { SURFACE_COUNT = sizeof surfaces / sizeof *surfaces };

const struct surface *surface_row(size_t k)
{
    return k < SURFACE_COUNT ? &surfaces[k] : NULL;
}

enum verdict surface_by_name(const struct surface **surface, const char *name, struct trouble *trouble)
{
    const char *names[SURFACE_COUNT];
    char list[256] = "";
    for (size_t k = 0; k < SURFACE_COUNT; k++) {
        const size_t used = strlen(list);
        names[k] = surfaces[k].name;
        if (strcmp(names[k], name) == 0) {
            *surface = &surfaces[k];
            return DONE;
        }
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", names[k]);
    }
    const char *nearest = nearest_name(name, names, SURFACE_COUNT);
    if (nearest)
        return blame(trouble, MISUSE, "unknown function %s; did you mean %s? There are %s", name, nearest, list);
    return blame(trouble, MISUSE, "unknown function %s; there are %s", name, list);
}
