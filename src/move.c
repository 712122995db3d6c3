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

static struct chance chance_of(const struct stretch *s)
{
    return chance_from(s->optimizer, s->tensor, s->turn, s->first, &s->buffers->chance);
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
    const struct chance chance = chance_of(s);
    s->kernels->dither[s->tensor->info.dtype](s->n, values, x, &chance);
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

/* Where the method's state of the stretch lies. */
static void find_state(const struct stretch *s, void *stored[])
{
    const struct tensor *t = s->tensor;
    for (size_t k = 0; k < s->optimizer->method->states; k++)
        stored[k] = at(t->parts[k].values, t->info.state_dtype, s->first);
}

/* Brings the stored state into the type computed in, and back. */
static void bring_state(const struct stretch *s, void *const stored[], void *const state[])
{
    const struct tensor *t = s->tensor;
    conversion *load = s->kernels->load[t->computed][t->info.state_dtype];
    for (size_t k = 0; k < s->optimizer->method->states; k++)
        load(s->n, state[k], stored[k]);
}

static void put_state(const struct stretch *s, void *const stored[], void *const state[])
{
    const struct tensor *t = s->tensor;
    conversion *store = s->kernels->store[t->computed][t->info.state_dtype];
    for (size_t k = 0; k < s->optimizer->method->states; k++)
        store(s->n, stored[k], state[k]);
}

/* The same for codes, which are of floats, where a step is computed in double. */
static void bring_codes(const struct stretch *s, void *const stored[], void *const state[])
{
    float v[CHUNK], u[CHUNK];
    s->kernels->decode[s->tensor->info.state_dtype](s->n, (float *const[]){v, u}, stored, 1);
    s->kernels->load[ADADELTA_F64][ADADELTA_F32](s->n, state[0], v);
    s->kernels->load[ADADELTA_F64][ADADELTA_F32](s->n, state[1], u);
}

static void put_codes(const struct stretch *s, void *const stored[], void *const state[])
{
    float v[CHUNK], u[CHUNK];
    const struct chance chance = chance_of(s);
    s->kernels->store[ADADELTA_F64][ADADELTA_F32](s->n, v, state[0]);
    s->kernels->store[ADADELTA_F64][ADADELTA_F32](s->n, u, state[1]);
    s->kernels->encode[s->tensor->info.state_dtype](s->n, stored, (float *const[]){v, u}, 1, &chance);
}

/* Where the average of the stretch lies, if one is kept and this is the last turn. */
static void *average_of(const struct stretch *s)
{
    const struct tensor *t = s->tensor;
    return t->average && s->last ? at(t->average, t->computed, s->first) : NULL;
}

/* All arrays as they are stored. */
static void move_in_place(const struct stretch *s)
{
    const struct tensor *t = s->tensor;
    struct arrays arrays = {.x = at(t->info.values, t->info.dtype, s->first),
                            .gradient = s->gradient,
                            .average = average_of(s),
                            .weights = t->info.weights,
                            .float_gradient = s->converted};
    find_state(s, arrays.state);
    if (t->kept)
        arrays.kept = at(t->kept, t->info.weights == ADADELTA_WEIGHTS_SPLIT ? ADADELTA_U16 : ADADELTA_F32, s->first);
    const struct chance chance = takes_chance(t) ? chance_of(s) : (struct chance){NULL, 0, 0};
    t->in_place(s->n, &arrays, &t->coefs, &chance);
}

/* The parameters x in the type computed in, and the state by way of buffers where no kernel takes it beside them as it
   is stored. */
static void update(const struct stretch *s, void *x)
{
    const struct tensor *t = s->tensor;
    const enum adadelta_method method = s->optimizer->options.method;
    const int coded = is_coded(t->info.state_dtype);
    kernel *const takes_stored = s->kernels->update[t->computed][t->info.state_dtype][method];
    struct arrays arrays = {.x = x, .gradient = s->gradient, .average = average_of(s)};
    find_state(s, arrays.state);
    if (takes_stored) {
        const struct chance chance = coded ? chance_of(s) : (struct chance){NULL, 0, 0};
        takes_stored(s->n, &arrays, &t->coefs, &chance);
        return;
    }
    void *const stored[MAX_STATES] = {arrays.state[0], arrays.state[1]};
    for (size_t k = 0; k < MAX_STATES; k++)
        arrays.state[k] = s->buffers->state[k];
    (coded ? bring_codes : bring_state)(s, stored, arrays.state);
    s->kernels->update[t->computed][t->computed][method](s->n, &arrays, &t->coefs, NULL);
    (coded ? put_codes : put_state)(s, stored, arrays.state);
}

void move_stretch(const struct stretch *s, struct measure *found)
{
    const struct tensor *t = s->tensor;
    if (t->in_place && !found) {
        move_in_place(s);
        return;
    }
    void *values = at(t->info.values, t->info.dtype, s->first);
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
