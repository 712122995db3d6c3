/* SPDX-License-Identifier: MIT */
/* The move of a stretch of a tensor: its arrays brought into the type computed in where they are stored in another, the
   kernel, and everything put back. One pass over memory, whatever the types: what is in between stays in the first
   cache. */
#include <string.h>

#include "walk.h"

/* Where element number first of an array lies. */
static void *at(void *array, enum adadelta_dtype dtype, size_t first)
{
    return (char *)array + first * dtype_size(dtype);
}

/* ---- Parameters of 16 bits ---- */

/* splitmix64's output function (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* What stochastic rounding depends on beside the element: seed, tensor, step, and turn within it. */
static uint64_t key_of(const struct stretch *s)
{
    uint64_t key = mix(s->optimizer->options.seed + 0x9e3779b97f4a7c15u);
    key = mix(key + s->tensor->name_hash);
    key = mix(key + s->tensor->steps);
    return mix(key + s->turn);
}

/* Gives the parameters in the type computed in, and puts them back when they have moved. */
struct keeping {
    void *(*bring)(const struct stretch *s, void *values);
    void (*put)(const struct stretch *s, void *values, const void *x);
};

static void *bring_master(const struct stretch *s, void *values)
{
    float *master = (float *)s->tensor->kept + s->first;
    s->kernels->adopt[s->tensor->info.dtype](s->n, master, values);
    return master;
}

static void *bring_split(const struct stretch *s, void *values)
{
    s->kernels->join(s->n, s->buffers->x, values, (uint16_t *)s->tensor->kept + s->first);
    return s->buffers->x;
}

static void *bring_stored(const struct stretch *s, void *values)
{
    s->kernels->load[s->tensor->computed][s->tensor->info.dtype](s->n, s->buffers->x, values);
    return s->buffers->x;
}

static void put_nearest(const struct stretch *s, void *values, const void *x)
{
    s->kernels->store[s->tensor->computed][s->tensor->info.dtype](s->n, values, x);
}

static void put_split(const struct stretch *s, void *values, const void *x)
{
    s->kernels->split(s->n, values, (uint16_t *)s->tensor->kept + s->first, x);
}

static void put_by_chance(const struct stretch *s, void *values, const void *x)
{
    s->kernels->dither[s->tensor->info.dtype](s->n, values, x, key_of(s), s->first);
}

static const struct keeping keepings[] = {
    [ADADELTA_WEIGHTS_MASTER] = {bring_master, put_nearest},
    [ADADELTA_WEIGHTS_SPLIT] = {bring_split, put_split},
    [ADADELTA_WEIGHTS_STOCHASTIC] = {bring_stored, put_by_chance},
    [ADADELTA_WEIGHTS_NEAREST] = {bring_stored, put_nearest},
};

/* How a tensor's parameters are kept, or NULL where they lie in memory as they are computed. */
static const struct keeping *keeping_of(const struct tensor *t)
{
    if (t->info.dtype == t->computed)
        return NULL;
    /* F32 parameters beside F64 state are rounded to nearest. */
    return &keepings[t->info.dtype == ADADELTA_F32 ? ADADELTA_WEIGHTS_NEAREST : t->info.weights];
}

/* ---- The move ---- */

/* Points state[] to the method's state of the stretch, in place or in buffers. */
static void bring_state(const struct stretch *s, void *state[])
{
    const struct tensor *t = s->tensor;
    for (size_t k = 0; k < s->optimizer->method->states; k++) {
        void *stored = at(t->parts[k].values, t->info.state_dtype, s->first);
        state[k] = t->info.state_dtype == t->computed ? stored : s->buffers->state[k];
        if (state[k] != stored)
            s->kernels->load[t->computed][t->info.state_dtype](s->n, state[k], stored);
    }
}

static void put_state(const struct stretch *s, void *const state[])
{
    const struct tensor *t = s->tensor;
    for (size_t k = 0; k < s->optimizer->method->states && t->info.state_dtype != t->computed; k++)
        s->kernels->store[t->computed][t->info.state_dtype](s->n, at(t->parts[k].values, t->info.state_dtype, s->first),
                                                            state[k]);
}

static void update(const struct stretch *s, void *x)
{
    const struct tensor *t = s->tensor;
    void *state[MAX_STATES];
    void *average = t->average && s->last ? at(t->average, t->computed, s->first) : NULL;
    bring_state(s, state);
    s->kernels->update[t->computed][s->optimizer->options.method](s->n, x, s->gradient, state, average, &t->coefs);
    put_state(s, state);
}

void move_stretch(const struct stretch *s, struct measure *found)
{
    const struct tensor *t = s->tensor;
    void *values = at(t->info.values, t->info.dtype, s->first);
    if (t->plain && !found) {
        update(s, values);
        return;
    }
    const struct keeping *keeping = keeping_of(t);
    void *x = keeping ? keeping->bring(s, values) : values;
    if (found && s->turn == 0)
        memcpy(s->buffers->before, x, s->n * dtype_size(t->computed));
    update(s, x);
    if (found && s->last)
        found->sum += s->kernels->distance[t->computed](s->n, x, s->buffers->before);
    if (keeping)
        keeping->put(s, values, x);
}
