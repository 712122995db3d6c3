/* SPDX-License-Identifier: MIT */
/* See problems.h. */
#include "problems.h"

#include <math.h>
#include <string.h>

#include "random.h"

/* ---- Rosenbrock's valley, in two dimensions ---- */

static void set_up_rosenbrock(struct instance *instance)
{
    struct stream stream = {random_hash(instance->seed, 1, 0)};
    instance->start[0] = 4 * random_uniform(&stream) - 2;
    instance->start[1] = 4 * random_uniform(&stream) - 1;
}

static void gradient_rosenbrock(const struct instance *instance, uint32_t step, const double *x, double *g)
{
    const double off = x[1] - x[0] * x[0];
    (void)instance, (void)step;
    g[0] = -2 * (1 - x[0]) - 400 * x[0] * off;
    g[1] = 200 * off;
}

static double value_rosenbrock(const struct instance *instance, const double *x)
{
    const double off = x[1] - x[0] * x[0];
    (void)instance;
    return (1 - x[0]) * (1 - x[0]) + 100 * off * off;
}

/* ---- Quadratics x'Hx/2: curvatures spread evenly in their logarithm from 10/condition to 10, turned by two
   reflections so that no curvature has an axis of its own ---- */

static void reflect(const double *normal, size_t n, double matrix[][PARAMETERS_MAX])
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += normal[i] * normal[i];
    for (size_t row = 0; row < n; row++) { /* from the right, for H comes to H - 2 (Hn)n'/n'n */
        double along = 0;
        for (size_t i = 0; i < n; i++)
            along += matrix[row][i] * normal[i];
        for (size_t i = 0; i < n; i++)
            matrix[row][i] -= 2 * along / square * normal[i];
    }
    for (size_t column = 0; column < n; column++) { /* and from the left */
        double along = 0;
        for (size_t i = 0; i < n; i++)
            along += matrix[i][column] * normal[i];
        for (size_t i = 0; i < n; i++)
            matrix[i][column] -= 2 * along / square * normal[i];
    }
}

static void set_up_quadratic(struct instance *instance)
{
    const size_t n = instance->problem->n;
    struct stream stream = {random_hash(instance->seed, 2, 0)};
    for (size_t i = 0; i < n; i++)
        instance->matrix[i][i] = 10 * pow(instance->problem->condition, -(double)i / (double)(n - 1));
    for (int turn = 0; turn < 2; turn++) {
        double normal[PARAMETERS_MAX];
        for (size_t i = 0; i < n; i++)
            normal[i] = random_normal(&stream);
        reflect(normal, n, instance->matrix);
    }
    for (size_t i = 0; i < n; i++)
        instance->start[i] = random_normal(&stream);
}

static double noise_of(const struct problem *problem, struct stream *stream)
{
    const double normal = random_normal(stream);
    return problem->noise * (problem->heavy ? normal / sqrt(-log(random_uniform(stream))) : normal);
}

/* The noise is a function of seed and step: every format meets the same. */
static void gradient_quadratic(const struct instance *instance, uint32_t step, const double *x, double *g)
{
    const struct problem *problem = instance->problem;
    struct stream stream = {random_hash(instance->noise, 3, step)};
    for (size_t i = 0; i < problem->n; i++) {
        g[i] = 0;
        for (size_t k = 0; k < problem->n; k++)
            g[i] += instance->matrix[i][k] * x[k];
        if (problem->noise > 0)
            g[i] += noise_of(problem, &stream);
        if (problem->seldom > 0 && random_uniform(&stream) > problem->seldom)
            g[i] = 0;
    }
}

static double value_quadratic(const struct instance *instance, const double *x)
{
    const size_t n = instance->problem->n;
    double value = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            value += x[i] * instance->matrix[i][k] * x[k] / 2;
    return value;
}

/* ---- The same gradient for ever: how far it takes each element, the magnitudes from 1e-3 to 10 ---- */

static void gradient_constant(const struct instance *instance, uint32_t step, const double *x, double *g)
{
    const size_t n = instance->problem->n;
    (void)step, (void)x;
    for (size_t i = 0; i < n; i++)
        g[i] = pow(10, -3 + 4 * (double)i / (double)(n - 1));
}

static void set_up_nothing(struct instance *instance)
{
    (void)instance;
}

static double value_constant(const struct instance *instance, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < instance->problem->n; i++)
        sum -= x[i];
    return sum;
}

/* ---- Logistic regression on two overlapping clouds, a few rows a step ---- */

static void set_up_logistic(struct instance *instance)
{
    const size_t n = instance->problem->n;
    struct stream stream = {random_hash(instance->seed, 4, 0)};
    for (size_t row = 0; row < ROWS_MAX; row++) {
        instance->label[row] = row % 2 ? 1 : -1;
        for (size_t i = 0; i + 1 < n; i++) /* of widths from 0.1 to 10, as tables have them */
            instance->matrix[row][i] =
                pow(10, -1 + 2 * (double)i / (double)(n - 2)) * (random_normal(&stream) + 0.4 * instance->label[row]);
        instance->matrix[row][n - 1] = 1;
    }
}

static double margin(const struct instance *instance, size_t row, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < instance->problem->n; i++)
        sum += instance->matrix[row][i] * x[i];
    return sum * instance->label[row];
}

static void gradient_logistic(const struct instance *instance, uint32_t step, const double *x, double *g)
{
    const size_t n = instance->problem->n;
    memset(g, 0, n * sizeof *g);
    for (uint32_t k = 0; k < SAMPLES_A_STEP; k++) {
        const size_t row = random_hash(instance->noise, k, step) % ROWS_MAX;
        const double slope = -instance->label[row] / (1 + exp(margin(instance, row, x))) / SAMPLES_A_STEP;
        for (size_t i = 0; i < n; i++)
            g[i] += slope * instance->matrix[row][i];
    }
}

static double value_logistic(const struct instance *instance, const double *x)
{
    double sum = 0;
    for (size_t row = 0; row < ROWS_MAX; row++) {
        const double m = margin(instance, row, x);
        sum += m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m;
    }
    return sum / ROWS_MAX;
}

/* ---- The table ---- */

#define QUADRATIC set_up_quadratic, gradient_quadratic, value_quadratic

static const struct problem problems[] = {
    {"rosenbrock", 2, 0, 0, 0, 0, 0, set_up_rosenbrock, gradient_rosenbrock, value_rosenbrock},
    {"stiff-1e2", 16, 1e2, 0, 0, 0, 0, QUADRATIC},
    {"stiff-1e4", 16, 1e4, 0, 0, 0, 0, QUADRATIC},
    {"stiff-1e6", 16, 1e6, 0, 0, 0, 0, QUADRATIC},
    {"noisy-0.1", 16, 1e2, 0.1, 0, 0, 1, QUADRATIC},
    {"noisy-1", 16, 1e2, 1, 0, 0, 1, QUADRATIC},
    {"noisy-10", 16, 1e2, 10, 0, 0, 1, QUADRATIC},
    {"heavy-1", 16, 1e2, 1, 1, 0, 1, QUADRATIC},
    {"seldom", 16, 1e2, 0.1, 0, 0.05, 1, QUADRATIC},
    {"logistic", 11, 0, 0, 0, 0, 1, set_up_logistic, gradient_logistic, value_logistic},
    {"constant", 16, 0, 0, 0, 0, 0, set_up_nothing, gradient_constant, value_constant},
};

const struct problem *problem_at(size_t index)
{
    return index < sizeof problems / sizeof *problems ? &problems[index] : NULL;
}

const struct problem *problem_find(const char *name)
{
    const struct problem *problem;
    for (size_t i = 0; (problem = problem_at(i)); i++)
        if (strcmp(problem->name, name) == 0)
            return problem;
    return NULL;
}

void problem_set_up(const struct problem *problem, uint64_t seed, struct instance *instance)
{
    memset(instance, 0, sizeof *instance);
    instance->problem = problem;
    instance->seed = instance->noise = seed;
    problem->set_up(instance);
}
