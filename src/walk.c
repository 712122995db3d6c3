/* SPDX-License-Identifier: MIT */
/* See walk.h. */
#include "walk.h"

#include <omp.h>

#include "words/prefetch.h"

/* Elements: below twice this many a second thread costs more than it saves. */
enum { WORTH_A_THREAD = 32768 };

/* Elements of work in a block: whole rows where the gradient is sparse. */
static size_t block_size(const struct tensor *tensor)
{
    if (!tensor->rows || !tensor->width)
        return BLOCK;
    return tensor->width < BLOCK ? BLOCK / tensor->width * tensor->width : tensor->width;
}

size_t work_blocks(const struct tensor *tensor)
{
    const size_t size = block_size(tensor);
    return (tensor->work + size - 1) / size;
}

/* ---- The work of one thread ---- */

/* Whether the act is a move by a kernel that takes all arrays as they are stored. */
static int moves_in_place(const struct walk *walk, const struct tensor *tensor)
{
    return tensor->in_place && !walk->unbuffered && !walk->finds;
}

/* Whether gradients need not be brought into the type computed in. */
static int gradient_serves(const struct walk *walk, const struct tensor *tensor)
{
    const enum adadelta_dtype stored = tensor->info.gradient_dtype;
    return stored == tensor->computed || (stored == tensor->info.dtype && moves_in_place(walk, tensor));
}

/* The elements of a stretch that an act can take at once, of those left. */
static size_t stretch_length(const struct walk *walk, const struct stretch *s, size_t left, int gradient_in_place)
{
    const int in_place = gradient_in_place && (walk->unbuffered || moves_in_place(walk, s->tensor));
    return in_place || left < CHUNK ? left : CHUNK;
}

/* Acts on the elements from .. to - 1 of a tensor with a dense gradient. */
static void act_on_elements(const struct walk *walk, struct stretch *s, size_t from, size_t to, struct measure *found)
{
    const struct tensor *t = s->tensor;
    const enum adadelta_dtype stored = t->info.gradient_dtype;
    const int in_place = gradient_serves(walk, t);
    s->converted = !in_place || stored == t->computed;
    s->turn = 0;
    s->last = 1;
    for (s->first = from; s->first < to; s->first += s->n) {
        s->n = stretch_length(walk, s, to - s->first, in_place);
        s->gradient = (const char *)t->gradient + s->first * dtype_size(stored);
        if (!in_place) {
            s->kernels->load[t->computed][stored](s->n, s->buffers->gradient, s->gradient);
            s->gradient = s->buffers->gradient;
        }
        walk->act(s, found);
    }
}

/* The gradients of n elements of occurrence number k (from 1) of a row from a column on; where summed, with those of
   the row's further occurrences added. */
static const void *bring(const struct walk *walk, struct stretch *s, size_t k, size_t column, size_t n, int summed)
{
    const struct tensor *t = s->tensor;
    const enum adadelta_dtype stored = t->info.gradient_dtype;
    const size_t size = dtype_size(stored);
    const char *gradient = t->gradient;
    conversion *load = s->kernels->load[t->computed][stored];
    size_t next = summed ? t->next[k - 1] : 0;
    const void *here = gradient + ((k - 1) * t->width + column) * size;
    const int in_place = gradient_serves(walk, t) && !next;
    s->converted = !in_place || stored == t->computed;
    if (in_place)
        return here;
    load(n, s->buffers->gradient, here);
    for (; next; next = t->next[next - 1]) {
        load(n, s->buffers->more, gradient + ((next - 1) * t->width + column) * size);
        s->kernels->accumulate[t->computed](n, s->buffers->gradient, s->buffers->more);
    }
    return s->buffers->gradient;
}

/* Acts on a row, whose occurrence number k (from 1) is its first: on the sum of all, or on one after the other. */
static void act_on_row(const struct walk *walk, struct stretch *s, size_t row, size_t k, struct measure *found)
{
    const struct tensor *t = s->tensor;
    const int summed = s->optimizer->gradients.duplicates == ADADELTA_DUPLICATES_SUM;
    const int in_place = !t->next[k - 1] && gradient_serves(walk, t);
    for (size_t column = 0; column < t->width; column += s->n) {
        s->n = stretch_length(walk, s, t->width - column, in_place);
        s->first = row * t->width + column;
        s->turn = 0;
        for (size_t turn = k; turn; turn = summed ? 0 : t->next[turn - 1], s->turn++) {
            s->last = summed || !t->next[turn - 1];
            s->gradient = bring(walk, s, turn, column, s->n, summed);
            walk->act(s, found);
        }
    }
}

/* How many elements ahead the rows to come are asked for, where no cache has them and the CPU cannot guess them: rows
   of up to that many, in tensors of at least FAR elements. (Half of the rows of 16 Mi parameters, in random order: rows
   of 16 elements 0.45 of the time, of 64 0.5, of 256 0.6; in the caches it would cost a tenth.) */
enum { AHEAD = 512, FAR = 1 << 22 };

static void fetch(const void *array, enum adadelta_dtype dtype, size_t first, size_t n)
{
    const uintptr_t from = (uintptr_t)array + first * dtype_size(dtype), end = from + n * dtype_size(dtype);
    for (uintptr_t line = from / CACHE_LINE * CACHE_LINE; line < end; line += CACHE_LINE)
        prefetch((const void *)line, 0);
}

static void fetch_row(const struct tensor *t, size_t row)
{
    fetch(t->info.values, t->info.dtype, row * t->width, t->width);
    for (size_t k = 0; k < t->part_count - (t->spare != NULL); k++) /* the last one: no step reads it */
        fetch(t->parts[k].values, t->parts[k].dtype, row * t->width, t->width);
}

/* Acts on the rows that occurrences begin .. end - 1 name, each where it is named first. */
static void act_on_rows(const struct walk *walk, struct stretch *s, size_t begin, size_t end, struct measure *found)
{
    const struct tensor *t = s->tensor;
    const size_t ahead = t->n >= FAR && t->width <= AHEAD && !walk->unbuffered ? AHEAD / t->width : end;
    for (size_t j = begin; j < end; j++) {
        if (ahead < end - j)
            fetch_row(t, t->rows[j + ahead]);
        if (t->first[t->rows[j]] == j + 1)
            act_on_row(walk, s, t->rows[j], j + 1, found);
    }
}

static void act_on_work(const struct walk *walk, struct stretch *s, size_t from, size_t to, struct measure *found)
{
    if (s->tensor->rows)
        act_on_rows(walk, s, from / s->tensor->width, to / s->tensor->width, found);
    else
        act_on_elements(walk, s, from, to, found);
}

/* Acts on the elements of work from .. to - 1, which are whole blocks, save for the tensor's last. */
static void act_on_blocks(const struct walk *walk, struct stretch *s, size_t from, size_t to)
{
    if (!walk->finds) {
        act_on_work(walk, s, from, to, NULL);
        return;
    }
    const size_t size = block_size(s->tensor);
    struct measure *found = &s->tensor->blocks[from / size];
    for (size_t at = from; at < to; at += size, found++) {
        *found = (struct measure){0, 0};
        act_on_work(walk, s, at, to - at < size ? to : at + size, found);
    }
}

/* Where in a tensor's work the blocks begin that lie at or behind that many elements. */
static size_t round_to_block(const struct tensor *tensor, size_t elements)
{
    const size_t size = block_size(tensor);
    if (elements >= tensor->work)
        return tensor->work;
    const size_t rounded = (elements + size - 1) / size * size;
    return rounded < tensor->work ? rounded : tensor->work;
}

/* Acts on the blocks that begin among the elements begin .. end - 1 of all work. */
static void act_on_part(const struct walk *walk, size_t begin, size_t end)
{
    struct buffers buffers;
    buffers.chance.tensor = NULL;
    struct stretch stretch = {.optimizer = walk->optimizer, .kernels = kernels_in_use(), .buffers = &buffers};
    size_t start = 0; /* of the tensor in the row of all work */
    for (size_t i = walk->begin; i < walk->end && start < end; i++) {
        struct tensor *tensor = &walk->optimizer->tensors[i];
        stretch.tensor = tensor;
        const size_t from = begin > start ? round_to_block(tensor, begin - start) : 0;
        const size_t to = round_to_block(tensor, end - start);
        if (from < to)
            act_on_blocks(walk, &stretch, from, to);
        start += tensor->work;
    }
}

/* ---- All of it ---- */

void walk_run(const struct walk *walk)
{
    size_t total = 0;
    for (size_t i = walk->begin; i < walk->end; i++)
        total += walk->optimizer->tensors[i].work;
    const int asked = walk->optimizer->options.threads;
    size_t parts = asked ? (size_t)asked : (size_t)omp_get_num_procs();
    if (parts > total / WORTH_A_THREAD)
        parts = total / WORTH_A_THREAD;
    if (parts <= 1) {
        act_on_part(walk, 0, total);
        return;
    }
    const size_t share = (total + parts - 1) / parts;
#pragma omp parallel for num_threads((int)parts) schedule(static, 1)
    for (size_t part = 0; part < parts; part++)
        act_on_part(walk, part * share, part + 1 < parts ? (part + 1) * share : total);
}
