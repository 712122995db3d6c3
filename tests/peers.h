/* SPDX-License-Identifier: MIT */
/*
 * What other libraries do in a step, in long double: each from its own source file, with its own order of operations,
 * its own roots, and its own clipping, decay and averages before and after. They share no arithmetic with each other,
 * with oracle.h or with the library. The names are the peers'.
 */
#ifndef ADADELTA_TESTS_PEERS_H
#define ADADELTA_TESTS_PEERS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "oracle.h" /* random numbers, elements of arrays; no rule */

enum { PEER_TENSORS = 3, PEER_SIZE = 6 };

/* A tensor of n elements as a peer holds it: the parameters, E[g^2], E[dx^2], and an average of the parameters. */
struct peer_tensor {
    size_t n;
    int excluded; /* from weight decay */
    long double x[PEER_SIZE], v[PEER_SIZE], u[PEER_SIZE], average[PEER_SIZE];
};

typedef long double peer_gradients[PEER_TENSORS][PEER_SIZE];

/* What the peers can be told; each uses what it has. 0: off. */
struct peer_settings {
    long double lr, rho, eps, weight_decay;
    int maximize;
    long double clip_value, clip_norm, clip_global_norm;
    long double loss_scale;
    long double ema_momentum;
    long double batch_size; /* ensmallen 3 */
    int decay_after_rule;   /* Optax, Optimisers.jl: where weight decay stands in the chain */
};

/* One step, number `iterations` from 0, on all tensors. g is the peer's to change. */
typedef void peer_step(const struct peer_settings *s, uint64_t iterations, struct peer_tensor t[PEER_TENSORS],
                       peer_gradients g);

static inline long double square(long double a)
{
    return a * a;
}

static inline long double clamp(long double a, long double limit)
{
    return a < -limit ? -limit : a > limit ? limit : a;
}

static inline long double norm_of(size_t n, const long double *g)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += g[i] * g[i];
    return sqrtl(sum);
}

static inline long double norm_of_norms(const struct peer_tensor t[PEER_TENSORS], peer_gradients g)
{
    long double norms[PEER_TENSORS];
    for (int k = 0; k < PEER_TENSORS; k++)
        norms[k] = norm_of(t[k].n, g[k]);
    return norm_of(PEER_TENSORS, norms);
}

/* ---- Zeiler 2012, Algorithm 1, with RMS[a] = sqrt(E[a^2] + eps), equation 9 ---- */

static inline long double RMS(long double mean_square, long double eps)
{
    return sqrtl(mean_square + eps);
}

static inline void paper_step(const struct peer_settings *s, uint64_t iterations, struct peer_tensor t[PEER_TENSORS],
                              peer_gradients g)
{
    (void)iterations;
    for (int k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++) {
            t[k].v[i] = s->rho * t[k].v[i] + (1 - s->rho) * square(g[k][i]);
            const long double dx = -RMS(t[k].u[i], s->eps) / RMS(t[k].v[i], s->eps) * g[k][i];
            t[k].u[i] = s->rho * t[k].u[i] + (1 - s->rho) * square(dx);
            t[k].x[i] = t[k].x[i] + dx;
        }
    }
}

/* ---- PyTorch: torch/optim/adadelta.py, _single_tensor_adadelta ---- */

/* GradScaler.unscale_, clip_grad_value_, clip_grad_norm_ (torch/nn/utils/clip_grad.py): what a caller runs before. */
static inline void torch_prepare(const struct peer_settings *s, const struct peer_tensor t[PEER_TENSORS],
                                 peer_gradients g)
{
    const long double inv_scale = s->loss_scale ? 1 / s->loss_scale : 1;
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            g[k][i] = s->clip_value ? clamp(g[k][i] * inv_scale, s->clip_value) : g[k][i] * inv_scale;
    if (!s->clip_global_norm)
        return;
    const long double clip_coef = s->clip_global_norm / (norm_of_norms(t, g) + 1e-6L);
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            g[k][i] *= fminl(clip_coef, 1);
}

/* One real number; a complex one is two (view_as_real). */
static inline void torch_element(const struct peer_settings *s, int decays, long double grad, long double *param,
                                 long double *square_avg, long double *acc_delta)
{
    if (s->maximize)
        grad = -grad;
    if (decays)
        grad = grad + s->weight_decay * *param;
    *square_avg *= s->rho;
    *square_avg += (1 - s->rho) * grad * grad;
    const long double std = sqrtl(*square_avg + s->eps);
    long double delta = sqrtl(*acc_delta + s->eps);
    delta /= std;
    delta *= grad;
    *acc_delta *= s->rho;
    *acc_delta += (1 - s->rho) * delta * delta;
    *param += -s->lr * delta;
}

static inline void torch_step(const struct peer_settings *s, uint64_t iterations, struct peer_tensor t[PEER_TENSORS],
                              peer_gradients g)
{
    (void)iterations;
    torch_prepare(s, t, g);
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            torch_element(s, s->weight_decay != 0 && !t[k].excluded, g[k][i], &t[k].x[i], &t[k].v[i], &t[k].u[i]);
}

/* ---- Keras 3: keras/src/optimizers/base_optimizer.py (apply) and adadelta.py (update_step) ---- */

static inline void keras_clip(const struct peer_settings *s, const struct peer_tensor t[PEER_TENSORS], peer_gradients g)
{
    const long double norm = norm_of_norms(t, g);
    const long double c = s->clip_global_norm;
    const long double scale = c ? c * fminl(1 / norm, 1 / c) + (norm - norm) : 1;
    for (int k = 0; k < PEER_TENSORS; k++) {
        const long double own = norm_of(t[k].n, g[k]);
        for (size_t i = 0; i < t[k].n; i++) {
            if (s->clip_norm)
                g[k][i] = g[k][i] * s->clip_norm / fmaxl(own, s->clip_norm);
            else if (s->clip_global_norm)
                g[k][i] = g[k][i] * scale;
            else if (s->clip_value)
                g[k][i] = clamp(g[k][i], s->clip_value);
        }
    }
}

static inline void keras_step(const struct peer_settings *s, uint64_t iterations, struct peer_tensor t[PEER_TENSORS],
                              peer_gradients g)
{
    for (int k = 0; k < PEER_TENSORS && s->loss_scale; k++)
        for (size_t i = 0; i < t[k].n; i++)
            g[k][i] = g[k][i] / s->loss_scale;
    keras_clip(s, t, g);
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n && !t[k].excluded; i++)
            t[k].x[i] = t[k].x[i] - t[k].x[i] * s->weight_decay * s->lr;
    for (int k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++) {
            t[k].v[i] = s->rho * t[k].v[i] + (1 - s->rho) * g[k][i] * g[k][i];
            const long double delta_var = -(RMS(t[k].u[i], s->eps) * g[k][i]) / RMS(t[k].v[i], s->eps);
            t[k].u[i] = s->rho * t[k].u[i] + (1 - s->rho) * delta_var * delta_var;
            t[k].x[i] = t[k].x[i] + s->lr * delta_var;
        }
    }
    const long double momentum = iterations == 0 ? 0 : s->ema_momentum;
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            t[k].average[i] = momentum * t[k].average[i] + (1 - momentum) * t[k].x[i];
}

/* ---- TensorFlow: tensorflow/core/kernels/training_ops.cc ---- */

/* Both kernels, ApplyAdadelta and SparseApplyAdadelta, do this; x is written before accum_update. */
static inline void tensorflow_element(const struct peer_settings *s, long double grad, long double *var,
                                      long double *accum, long double *accum_update)
{
    *accum = *accum * s->rho + square(grad) * (1 - s->rho);
    const long double rsqrt = 1 / sqrtl(*accum + s->eps);
    const long double update = sqrtl(*accum_update + s->eps) * rsqrt * grad;
    *var -= update * s->lr;
    *accum_update = *accum_update * s->rho + square(update) * (1 - s->rho);
}

/* tf.clip_by_value, tf.clip_by_norm or tf.clip_by_global_norm before it are the caller's. */
static inline void tensorflow_step(const struct peer_settings *s, uint64_t iterations,
                                   struct peer_tensor t[PEER_TENSORS], peer_gradients g)
{
    (void)iterations;
    const long double use_norm = norm_of_norms(t, g), c = s->clip_global_norm;
    for (int k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++) {
            const long double grad = c ? g[k][i] * (c * fminl(1 / use_norm, 1 / c)) : g[k][i];
            tensorflow_element(s, grad, &t[k].x[i], &t[k].v[i], &t[k].u[i]);
        }
    }
}

/* Rows one after the other, each with a whole step: the operation. */
static inline void tensorflow_rows(const struct peer_settings *s, size_t width, size_t count, const size_t *indices,
                                   const long double *grad, long double *var, long double *accum,
                                   long double *accum_update)
{
    for (size_t k = 0; k < count; k++) {
        for (size_t j = 0; j < width; j++) {
            const size_t at = indices[k] * width + j;
            tensorflow_element(s, grad[k * width + j], &var[at], &accum[at], &accum_update[at]);
        }
    }
}

/* tensorflow/python/training/optimizer.py, _deduplicate_indexed_slices: what AdadeltaOptimizer does before. Adds up the
   rows of the same index, in place; returns how many are left. */
static inline size_t tensorflow_deduplicate(size_t width, size_t count, size_t *indices, long double *grad)
{
    size_t unique = 0;
    for (size_t k = 0; k < count; k++) {
        size_t at = 0;
        while (at < unique && indices[at] != indices[k])
            at++;
        for (size_t j = 0; j < width; j++)
            grad[at * width + j] = (at < unique ? grad[at * width + j] : 0) + grad[k * width + j];
        indices[at] = indices[k];
        unique += at == unique;
    }
    return unique;
}

/* ---- Optax: optax/_src/alias.py (adadelta), transform.py (scale_by_adadelta), transforms/_adding.py, _clipping.py
 * ---- */

static inline void optax_clip(const struct peer_settings *s, const struct peer_tensor t[PEER_TENSORS],
                              peer_gradients updates)
{
    for (int k = 0; k < PEER_TENSORS && s->clip_value; k++)
        for (size_t i = 0; i < t[k].n; i++)
            updates[k][i] = fminl(fmaxl(updates[k][i], -s->clip_value), s->clip_value);
    const long double g_norm = norm_of_norms(t, updates);
    for (int k = 0; k < PEER_TENSORS && s->clip_global_norm && !(g_norm < s->clip_global_norm); k++)
        for (size_t i = 0; i < t[k].n; i++)
            updates[k][i] = updates[k][i] / g_norm * s->clip_global_norm;
}

static inline void add_decayed_weights(const struct peer_settings *s, const struct peer_tensor t[PEER_TENSORS],
                                       peer_gradients updates)
{
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n && !t[k].excluded; i++)
            updates[k][i] = updates[k][i] + s->weight_decay * t[k].x[i];
}

static inline void scale_by_adadelta(const struct peer_settings *s, struct peer_tensor t[PEER_TENSORS],
                                     peer_gradients updates)
{
    for (int k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++) {
            t[k].v[i] = (1 - s->rho) * square(updates[k][i]) + s->rho * t[k].v[i];
            updates[k][i] = sqrtl(t[k].u[i] + s->eps) / sqrtl(t[k].v[i] + s->eps) * updates[k][i];
            t[k].u[i] = (1 - s->rho) * square(updates[k][i]) + s->rho * t[k].u[i];
        }
    }
}

/* optax.adadelta(lr, ...), or, with decay_after_rule, chain(scale_by_adadelta, add_decayed_weights, scale_by_lr). */
static inline void optax_step(const struct peer_settings *s, uint64_t count, struct peer_tensor t[PEER_TENSORS],
                              peer_gradients updates)
{
    (void)count;
    optax_clip(s, t, updates);
    if (!s->decay_after_rule)
        add_decayed_weights(s, t, updates);
    scale_by_adadelta(s, t, updates);
    if (s->decay_after_rule)
        add_decayed_weights(s, t, updates);
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            t[k].x[i] = t[k].x[i] + -s->lr * updates[k][i];
}

/* The same with learning_rate=None and no decay: nothing flips the sign. */
static inline void optax_step_without_lr(const struct peer_settings *s, uint64_t count,
                                         struct peer_tensor t[PEER_TENSORS], peer_gradients updates)
{
    (void)count;
    scale_by_adadelta(s, t, updates);
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            t[k].x[i] = t[k].x[i] + updates[k][i];
}

/* ---- ensmallen: ensmallen_bits/ada_delta/ada_delta_update.hpp; sgd/callbacks GradClipByValue, GradClipByNorm ---- */

/* One matrix after the other, as ensmallen has but one. */
static inline void ensmallen_step(const struct peer_settings *s, uint64_t iterations,
                                  struct peer_tensor t[PEER_TENSORS], peer_gradients g)
{
    (void)iterations;
    const long double stepSize = s->batch_size ? s->lr / s->batch_size : s->lr;
    for (int k = 0; k < PEER_TENSORS; k++) {
        const long double norm = norm_of(t[k].n, g[k]);
        for (size_t i = 0; i < t[k].n; i++) {
            long double gradient = s->clip_value ? clamp(g[k][i], s->clip_value) : g[k][i];
            if (s->clip_norm && norm > s->clip_norm)
                gradient = s->clip_norm * gradient / norm;
            t[k].v[i] *= s->rho;
            t[k].v[i] += (1 - s->rho) * (gradient * gradient);
            const long double dx = sqrtl((t[k].u[i] + s->eps) / (t[k].v[i] + s->eps)) * gradient;
            t[k].u[i] *= s->rho;
            t[k].u[i] += (1 - s->rho) * (dx * dx);
            t[k].x[i] -= stepSize * dx;
        }
    }
}

/* ---- Optimisers.jl: src/rules.jl, OptimiserChain([ClipGrad,] [WeightDecay,] AdaDelta [, WeightDecay]) ---- */

static inline long double julia_adadelta(const struct peer_settings *s, long double dx, long double *acc,
                                         long double *delta_acc)
{
    *acc = s->rho * *acc + (1 - s->rho) * square(fabsl(dx));
    const long double dx1 = dx * sqrtl(*delta_acc + s->eps) / sqrtl(*acc + s->eps);
    *delta_acc = s->rho * *delta_acc + (1 - s->rho) * square(fabsl(dx1));
    return dx1;
}

static inline void julia_step(const struct peer_settings *s, uint64_t iterations, struct peer_tensor t[PEER_TENSORS],
                              peer_gradients g)
{
    (void)iterations;
    for (int k = 0; k < PEER_TENSORS; k++) {
        const long double lambda = t[k].excluded ? 0 : s->weight_decay;
        for (size_t i = 0; i < t[k].n; i++) {
            long double dx = s->clip_value ? clamp(g[k][i], s->clip_value) : g[k][i];
            if (!s->decay_after_rule)
                dx = dx + lambda * t[k].x[i];
            dx = julia_adadelta(s, dx, &t[k].v[i], &t[k].u[i]);
            if (s->decay_after_rule)
                dx = dx + lambda * t[k].x[i];
            t[k].x[i] = t[k].x[i] - dx;
        }
    }
}

/* ---- The library beside a peer ---- */

/* Where the gradients come from. In the first three they do not depend on x. */
enum peer_stream { RANDOM, ZEROS, HUGE_ONES, QUADRATIC, ROSENBROCK, PEER_STREAMS };

static const char *const peer_stream_names[] = {"random", "zeros", "huge", "quadratic", "rosenbrock"};

/* By which function the library steps. */
enum peer_path { STEP, STEP_TENSOR, UPDATE, PEER_PATHS };

struct peer_trial {
    const char *preset;
    peer_step *step;
    struct peer_settings settings;
    uint64_t cosine_steps; /* not 0: the rate falls to zero along a cosine */
    enum peer_stream stream;
    enum peer_path path;
    enum adadelta_dtype dtype;
};

/* The library's side. */
struct peer_run {
    struct adadelta *optimizer;
    struct adadelta_hyper hyper;
    double x[PEER_TENSORS][PEER_SIZE], g[PEER_TENSORS][PEER_SIZE]; /* as floats where the trial is in f32 */
    double states[2][PEER_TENSORS][PEER_SIZE];                     /* of UPDATE */
    void *v[PEER_TENSORS], *u[PEER_TENSORS];
};

enum { PEER_STEPS = 600 };

/* A matrix, a vector without decay, and a scalar without dimensions. Rosenbrock's function takes pairs. */
static inline void peer_start(const struct peer_trial *trial, struct peer_tensor t[PEER_TENSORS])
{
    static const long double rosenbrock[PEER_SIZE] = {1.5, 1.5, -1.25, 1, 0.5, 0.5};
    uint64_t seed = 1;
    memset(t, 0, PEER_TENSORS * sizeof *t);
    t[0].n = 6;
    t[1].n = 2;
    t[1].excluded = 1;
    t[2].n = 1;
    for (int k = 0; k < PEER_TENSORS; k++)
        for (size_t i = 0; i < t[k].n; i++)
            t[k].x[i] = trial->stream == ROSENBROCK ? rosenbrock[i] : (float)random_magnitude(&seed, -1, 0);
}

static inline long double peer_random(enum peer_stream stream, uint64_t step, size_t i, uint64_t *seed)
{
    const int low = stream == HUGE_ONES ? 20 : -14 + 3 * (int)i;
    const float value = (float)random_magnitude(seed, low, low + 6);
    const int died = i % 2 && step > PEER_STEPS / 4;
    return stream == ZEROS && (died || random_bits(seed) % 4) ? 0 : value;
}

/* In the trial's type, so that both get the same. */
static inline void peer_slopes(const struct peer_trial *trial, uint64_t step, const struct peer_tensor t[PEER_TENSORS],
                               peer_gradients g)
{
    uint64_t seed = step + 1;
    for (int k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++) {
            const long double x = t[k].x[i], one = i % 2 ? t[k].x[i - 1] : x, two = i + 1 < t[k].n ? t[k].x[i + 1] : 1;
            if (trial->stream == QUADRATIC)
                g[k][i] = ldexpl(x - 1, (int)i - 3);
            else if (trial->stream == ROSENBROCK)
                g[k][i] = i % 2 ? 200 * (x - one * one) : -400 * x * (two - x * x) - 2 * (1 - x);
            else
                g[k][i] = peer_random(trial->stream, step, i, &seed);
            g[k][i] = trial->dtype == ADADELTA_F32 ? (float)g[k][i] : (double)g[k][i];
        }
    }
}

static inline struct adadelta_hyper peer_hyper(const struct peer_trial *trial)
{
    const struct peer_settings *s = &trial->settings;
    struct adadelta_hyper hyper = adadelta_preset_by_name(trial->preset)->hyper;
    hyper.lr = (double)s->lr / (s->batch_size ? (double)s->batch_size : 1);
    hyper.rho = (double)s->rho;
    hyper.eps = (double)s->eps;
    hyper.weight_decay = (double)s->weight_decay;
    hyper.maximize = s->maximize;
    if (s->decay_after_rule)
        hyper.decoupled = 1;
    return hyper;
}

static inline void peer_create(const struct peer_trial *trial, const struct peer_tensor t[PEER_TENSORS],
                               struct peer_run *run)
{
    const struct peer_settings *s = &trial->settings;
    struct adadelta_options options = adadelta_options_default();
    struct adadelta_gradients gradients = adadelta_preset_by_name(trial->preset)->gradients;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    options.threads = 1;
    if (s->ema_momentum) {
        options.averaging = ADADELTA_AVERAGING_EXPONENTIAL;
        options.average_decay = (double)s->ema_momentum;
    }
    gradients.clip_value = (double)s->clip_value;
    gradients.clip_norm = (double)s->clip_norm;
    gradients.clip_global_norm = (double)s->clip_global_norm;
    gradients.scale = s->loss_scale ? (double)s->loss_scale : gradients.scale;
    if (trial->cosine_steps) {
        schedule.kind = ADADELTA_SCHEDULE_COSINE;
        schedule.steps = trial->cosine_steps;
    }
    assert_int_equal(adadelta_create(&options, &run->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(run->optimizer, &run->hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(run->optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_set_schedule(run->optimizer, &schedule), ADADELTA_OK);
    for (size_t k = 0; k < PEER_TENSORS; k++) {
        const char *names[] = {"matrix", "vector", "scalar"};
        struct adadelta_tensor tensor = {.name = names[k], .dtype = trial->dtype, .ndim = 2 - k, .values = run->x[k]};
        const size_t shapes[PEER_TENSORS][2] = {{2, 3}, {2}};
        memcpy(tensor.shape, shapes[k], sizeof shapes[k]);
        tensor.gradient = trial->path == STEP ? run->g[k] : NULL;
        tensor.no_decay = t[k].excluded;
        assert_int_equal(adadelta_add_tensor(run->optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_state(run->optimizer, k, "square_avg", &run->v[k]), ADADELTA_OK);
        assert_int_equal(adadelta_state(run->optimizer, k, "acc_delta", &run->u[k]), ADADELTA_OK);
    }
}

static inline void peer_begin(const struct peer_trial *trial, const struct peer_tensor t[PEER_TENSORS],
                              struct peer_run *run)
{
    memset(run, 0, sizeof *run);
    run->hyper = peer_hyper(trial);
    for (int k = 0; k < PEER_TENSORS; k++) {
        run->v[k] = run->states[0][k];
        run->u[k] = run->states[1][k];
        for (size_t i = 0; i < t[k].n; i++)
            store_element(trial->dtype, run->x[k], i, (double)t[k].x[i]);
    }
    if (trial->path != UPDATE)
        peer_create(trial, t, run);
}

static inline void peer_update(const struct peer_trial *trial, const struct peer_tensor *t, size_t k,
                               struct peer_run *run)
{
    struct adadelta_hyper hyper = run->hyper;
    hyper.weight_decay = t->excluded ? 0 : hyper.weight_decay;
    if (trial->dtype == ADADELTA_F32)
        assert_int_equal(adadelta_update_f32(t->n, (float *)(void *)run->x[k], (float *)(void *)run->g[k], run->v[k],
                                             run->u[k], &hyper),
                         ADADELTA_OK);
    else
        assert_int_equal(adadelta_update_f64(t->n, run->x[k], run->g[k], run->v[k], run->u[k], &hyper), ADADELTA_OK);
}

/* One step of the library with these slopes. */
static inline void peer_library_step(const struct peer_trial *trial, const struct peer_tensor t[PEER_TENSORS],
                                     peer_gradients g, struct peer_run *run)
{
    for (size_t k = 0; k < PEER_TENSORS; k++) {
        for (size_t i = 0; i < t[k].n; i++)
            store_element(trial->dtype, run->g[k], i, (double)g[k][i]);
        if (trial->path == UPDATE)
            peer_update(trial, &t[k], k, run);
        else if (trial->path == STEP_TENSOR)
            assert_int_equal(adadelta_step_tensor(run->optimizer, k, run->g[k]), ADADELTA_OK);
    }
    if (trial->path != UPDATE)
        assert_int_equal(adadelta_step(run->optimizer), ADADELTA_OK);
}

static inline void peer_compare(const struct peer_trial *trial, const char *what, const void *got, size_t i,
                                long double want, double tolerance, long double measure)
{
    const struct peer_settings *s = &trial->settings;
    const double value = load_element(trial->dtype, got, i);
    if (!(fabsl(value - want) <= tolerance * measure))
        fail_msg("%s, %s, %s, by function %d, lr %Lg, rho %Lg, decay %Lg, maximize %d: %s[%zu] is %.17g, not %.17Lg",
                 trial->preset, peer_stream_names[trial->stream], adadelta_dtype_name(trial->dtype), (int)trial->path,
                 s->lr, s->rho, s->weight_decay, s->maximize, what, i, value, want);
}

/* x and its average may be off by a part of where x began and the way it went since; v and u by a part of v + eps and
   u + eps, which is all that the rule ever sees of them. u forgets a rounding slowly: it grows by what it is itself. */
static inline void peer_compare_tensor(const struct peer_trial *trial, const struct peer_tensor *t,
                                       const long double *way, struct peer_run *run, size_t k)
{
    const int narrow = trial->dtype == ADADELTA_F32;
    const double tolerance = narrow ? 1e-5 : 1e-12, state_tolerance = narrow ? 5e-5 : 1e-12;
    void *average = NULL;
    if (trial->settings.ema_momentum)
        assert_int_equal(adadelta_state(run->optimizer, k, "average", &average), ADADELTA_OK);
    for (size_t i = 0; i < t->n; i++) {
        peer_compare(trial, "x", run->x[k], i, t->x[i], tolerance, way[i]);
        peer_compare(trial, "v", run->v[k], i, t->v[i], state_tolerance, t->v[i] + trial->settings.eps);
        peer_compare(trial, "u", run->u[k], i, t->u[i], state_tolerance, t->u[i] + trial->settings.eps);
        if (average)
            peer_compare(trial, "average", average, i, t->average[i], tolerance, way[i]);
    }
}

/* Both get the slopes where the peer stands, lest Rosenbrock's function blow a last digit up. */
static inline void peer_walk(const struct peer_trial *trial)
{
    struct peer_tensor t[PEER_TENSORS];
    struct peer_run run;
    long double way[PEER_TENSORS][PEER_SIZE] = {{0}};
    peer_start(trial, t);
    peer_begin(trial, t, &run);
    for (uint64_t step = 0; step < PEER_STEPS; step++) {
        struct peer_tensor before[PEER_TENSORS];
        struct peer_settings s = trial->settings;
        peer_gradients g;
        if (trial->cosine_steps)
            s.lr *= (1 + cosl(acosl(-1) * fminl(1, (long double)step / trial->cosine_steps))) / 2;
        memcpy(before, t, sizeof before);
        peer_slopes(trial, step, t, g);
        peer_library_step(trial, t, g, &run);
        trial->step(&s, step, t, g);
        for (size_t k = 0; k < PEER_TENSORS; k++) {
            for (size_t i = 0; i < t[k].n; i++)
                way[k][i] += step == 0 ? fabsl(t[k].x[i]) : fabsl(t[k].x[i] - before[k].x[i]);
            peer_compare_tensor(trial, &t[k], way[k], &run, k);
        }
    }
    adadelta_destroy(run.optimizer);
}

/* Every stream, both types, and every function that has these settings. */
static inline void peer_follow(const struct peer_trial *trial)
{
    const struct peer_settings *s = &trial->settings;
    struct peer_trial each = *trial;
    for (each.stream = 0; each.stream < PEER_STREAMS; each.stream++) {
        for (each.path = 0; each.path < PEER_PATHS; each.path++) {
            if (each.stream == ROSENBROCK && s->maximize) /* it goes to infinity in a few steps */
                continue;
            if (each.path == STEP_TENSOR && s->clip_global_norm)
                continue;
            if (each.path == UPDATE && (s->clip_value || s->clip_norm || s->clip_global_norm || s->loss_scale ||
                                        s->ema_momentum || trial->cosine_steps))
                continue;
            each.dtype = ADADELTA_F64;
            peer_walk(&each);
            each.dtype = ADADELTA_F32;
            peer_walk(&each);
        }
    }
}

#endif
