/* SPDX-License-Identifier: MIT */
/* See walk.h. */
#include "walk.h"

#include <omp.h>

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

/* ---- Gradients ---- */

/* The gradients of n elements of occurrence number k (from 1; a dense gradient is the only one) from a column on; where
   chain, with those of the row's further occurrences added. */
static const void *bring(const struct stretch *s, size_t k, size_t column, size_t n, int chain)
{
    const struct tensor *t = s->tensor;
    const enum adadelta_dtype stored = t->info.gradient_dtype;
    const size_t size = adadelta_dtype_size(stored);
    const char *gradient = t->gradient;
    conversion *load = s->kernels->load[t->computed][stored];
    size_t next = chain ? t->next[k - 1] : 0;
    const void *here = gradient + ((k - 1) * t->width + column) * size;
    if (stored == t->computed && !next)
        return here;
    load(n, s->buffers->gradient, here);
    for (; next; next = t->next[next - 1]) {
        load(n, s->buffers->more, gradient + ((next - 1) * t->width + column) * size);
        s->kernels->accumulate[t->computed](n, s->buffers->gradient, s->buffers->more);
    }
    return s->buffers->gradient;
}

/* ---- The work of one thread ---- */

/* How a tensor's rows are named. */
enum naming { DENSE, SUMMED, IN_ORDER };

static enum naming naming_of(const struct stretch *s)
{
    if (!s->tensor->rows)
        return DENSE;
    return s->optimizer->gradients.duplicates == ADADELTA_DUPLICATES_SUM ? SUMMED : IN_ORDER;
}

/* Acts on the columns from .. to - 1 of a row, whose occurrence number k (from 1) is its first. */
static void act_on_row(const struct walk *walk, struct stretch *s, size_t row, size_t k, size_t from, size_t to,
                       struct measure *found)
{
    const struct tensor *t = s->tensor;
    const enum naming naming = naming_of(s);
    const int once = naming == DENSE || !t->next[k - 1];
    const int whole = once && t->info.gradient_dtype == t->computed && walk->plain(s->optimizer, t); /* no buffers */
    for (size_t column = from; column < to; column += s->n) {
        s->n = whole || to - column < CHUNK ? to - column : CHUNK;
        s->first = row * t->width + column;
        s->turn = 0;
        for (size_t turn = k; turn; turn = naming == IN_ORDER ? t->next[turn - 1] : 0, s->turn++) {
            s->last = naming != IN_ORDER || !t->next[turn - 1];
            s->gradient = bring(s, turn, column, s->n, naming == SUMMED);
            walk->act(s, found);
        }
    }
}

/* Acts on the rows that occurrences begin .. end - 1 name, each where it is named first. */
static void act_on_rows(const struct walk *walk, struct stretch *s, size_t begin, size_t end, struct measure *found)
{
    const struct tensor *t = s->tensor;
    for (size_t j = begin; j < end; j++) {
        if (t->first[t->rows[j]] == j + 1)
            act_on_row(walk, s, t->rows[j], j + 1, 0, t->width, found);
    }
}

static void act_on_work(const struct walk *walk, struct stretch *s, size_t from, size_t to, struct measure *found)
{
    if (s->tensor->rows)
        act_on_rows(walk, s, from / s->tensor->width, to / s->tensor->width, found);
    else
        act_on_row(walk, s, 0, 1, from, to, found);
}

/* Acts on the elements of work from .. to - 1, which are whole blocks, save for the tensor's last. */
static void act_on_blocks(const struct walk *walk, struct stretch *s, size_t from, size_t to)
{
    if (!walk->finds) {
        act_on_work(walk, s, from, to, NULL);
        return;
    }
    const size_t size = block_size(s->tensor);
    for (size_t at = from; at < to; at += size) {
        struct measure *found = &s->tensor->blocks[at / size];
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
