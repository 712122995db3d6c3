/* SPDX-License-Identifier: MIT */
/* The method's state as numbers, whatever it is stored as; the chance that codes are rounded by; and codes brought from
   one unit to another. */
#include "optimizer.h"

/* ---- Chance ---- */

/* splitmix64's output function (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* What chance depends on beside the element and the turn. */
static uint64_t key_of(const struct adadelta *optimizer, const struct tensor *tensor)
{
    uint64_t key = mix(optimizer->options.seed + 0x9e3779b97f4a7c15u);
    key = mix(key + tensor->name_hash);
    return mix(key + tensor->steps);
}

static int rounds_parameters(const struct tensor *tensor)
{
    return is_16_bit(tensor->info.dtype) && tensor->info.weights == ADADELTA_WEIGHTS_STOCHASTIC;
}

int takes_chance(const struct tensor *tensor)
{
    return rounds_parameters(tensor) || is_coded(tensor->info.state_dtype);
}

static uint32_t salt_of(uint64_t key, uint64_t turn)
{
    return (uint32_t)mix(mix(key + turn) + 2);
}

static void draw_words(const struct adadelta *optimizer, const struct tensor *tensor, size_t count,
                       struct chance_words *room)
{
    const struct kernel_set *kernels = kernels_in_use();
    const uint32_t n = (uint32_t)count + CHANCE_ROOM - CHANCES;
    const enum adadelta_dtype dtype = tensor->info.state_dtype;
    const uint64_t key = key_of(optimizer, tensor), words = mix(mix(key) + 1);
    if (is_coded(dtype))
        kernels->chances[dtype](n, room->words, words);
    if (rounds_parameters(tensor))
        kernels->draw(n, room->words[PARAMETERS], words, PARAMETERS * CHANCE_ROOM);
    room->tensor = tensor;
    room->steps = tensor->steps;
    room->count = count;
    room->key = key;
    room->salt = salt_of(key, 0);
}

struct chance chance_from(const struct adadelta *optimizer, const struct tensor *tensor, uint64_t turn, size_t first,
                          struct chance_words *room)
{
    enum { TURN_APART = 331 };
    const size_t count = turn || tensor->n > CHANCES ? CHANCES : tensor->n;
    if (room->tensor != tensor || room->steps != tensor->steps || room->count < count)
        draw_words(optimizer, tensor, count, room);
    return (struct chance){
        .words = room->words, .salt = turn ? salt_of(room->key, turn) : room->salt, .first = first + turn * TURN_APART};
}

/* ---- Codes from one unit to another ---- */

static void *at(const struct part *part, size_t first)
{
    return (char *)part->values + first * dtype_size(part->dtype);
}

uint64_t next_rewrite(struct tensor *tensor)
{
    return UINT64_MAX - tensor->rewrites++;
}

/* Up to what codes can say, and more. */
static float at_most(double units)
{
    const double most = 0x1p100;
    return (float)(units < most ? units : most);
}

/* Of U8 u may be a little below 0, never below -1, where q and v are rounded by chance, and steps go on from there as
   they should. In much smaller units that little would be much. */
static float not_far_below_zero(double u, double rate)
{
    const double least = rate < 2 ? -1 : -0.5;
    return at_most(u > least ? u : least);
}

static void change_unit(const struct adadelta *optimizer, struct tensor *tensor, double unit)
{
    const struct kernel_set *kernels = kernels_in_use();
    const enum adadelta_dtype dtype = tensor->info.state_dtype;
    const uint64_t turn = next_rewrite(tensor);
    const double rate = tensor->unit / unit;
    struct chance_words words = {.tensor = NULL};
    float v[STATE_ROOM], u[STATE_ROOM], *const numbers[MAX_STATES] = {v, u};
    for (size_t first = 0; first < tensor->n; first += STATE_ROOM) {
        const size_t n = tensor->n - first < STATE_ROOM ? tensor->n - first : STATE_ROOM;
        void *const codes[MAX_STATES] = {at(&tensor->parts[0], first), at(&tensor->parts[1], first)};
        const struct chance chance = chance_from(optimizer, tensor, turn, first, &words);
        kernels->decode[dtype](n, numbers, codes, 1);
        for (size_t k = 0; k < n; k++) {
            v[k] = at_most(v[k] * rate);
            u[k] = not_far_below_zero(u[k] * rate, rate);
        }
        kernels->encode[dtype](n, codes, numbers, 1, &chance);
    }
    tensor->unit = unit;
}

void codes_follow(struct adadelta *optimizer)
{
    for (size_t i = 0; i < optimizer->tensor_count; i++) {
        struct tensor *tensor = &optimizer->tensors[i];
        const double eps = tensor_hyper(optimizer, tensor)->eps;
        if (is_coded(tensor->info.state_dtype) && tensor->unit != eps)
            change_unit(optimizer, tensor, eps);
    }
}

/* ---- State as numbers ---- */

/* U8's u may be a little below 0, which nobody else need know. */
static float not_below_zero(float u)
{
    return u > 0 ? u : 0;
}

static void read_codes(const struct tensor *tensor, size_t first, size_t n, double *const to[])
{
    float v[STATE_ROOM], u[STATE_ROOM];
    const struct kernel_set *kernels = kernels_in_use();
    for (size_t i = 0; i < n; i += STATE_ROOM) {
        const size_t count = n - i < STATE_ROOM ? n - i : STATE_ROOM;
        void *const codes[MAX_STATES] = {at(&tensor->parts[0], first + i), at(&tensor->parts[1], first + i)};
        kernels->decode[tensor->info.state_dtype](count, (float *const[]){v, u}, codes, 1);
        for (size_t k = 0; k < count; k++) {
            to[0][i + k] = v[k] * tensor->unit;
            to[1][i + k] = not_below_zero(u[k]) * tensor->unit;
        }
    }
}

void state_read(const struct adadelta *optimizer, const struct tensor *tensor, size_t first, size_t n,
                double *const to[])
{
    if (is_coded(tensor->info.state_dtype)) {
        read_codes(tensor, first, n, to);
        return;
    }
    for (size_t k = 0; k < optimizer->method->states; k++)
        kernels_in_use()->load[ADADELTA_F64][tensor->info.state_dtype](n, to[k], at(&tensor->parts[k], first));
}

/* In units; negative numbers and NaN are 0. */
static float in_units(double number, double unit)
{
    return number > 0 ? at_most(number / unit) : 0;
}

static void write_codes(const struct adadelta *optimizer, struct tensor *tensor, size_t first, size_t n,
                        double *const from[], uint64_t turn, struct chance_words *words)
{
    float v[STATE_ROOM], u[STATE_ROOM];
    for (size_t i = 0; i < n; i += STATE_ROOM) {
        const size_t count = n - i < STATE_ROOM ? n - i : STATE_ROOM;
        const struct chance chance = chance_from(optimizer, tensor, turn, first + i, words);
        void *const codes[MAX_STATES] = {at(&tensor->parts[0], first + i), at(&tensor->parts[1], first + i)};
        for (size_t k = 0; k < count; k++) {
            v[k] = in_units(from[0][i + k], tensor->unit);
            u[k] = in_units(from[1][i + k], tensor->unit);
        }
        kernels_in_use()->encode[tensor->info.state_dtype](count, codes, (float *const[]){v, u}, 1, &chance);
    }
}

void state_write(const struct adadelta *optimizer, struct tensor *tensor, size_t first, size_t n, double *const from[],
                 uint64_t turn, struct chance_words *words)
{
    if (is_coded(tensor->info.state_dtype)) {
        write_codes(optimizer, tensor, first, n, from, turn, words);
        return;
    }
    for (size_t k = 0; k < optimizer->method->states; k++)
        kernels_in_use()->store[ADADELTA_F64][tensor->info.state_dtype](n, at(&tensor->parts[k], first), from[k]);
}
