/* SPDX-License-Identifier: MIT */
/* Which arrays of tensors may share memory: among many tensors, registered in no order of their addresses, against a
   second implementation that asks byte by byte whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "oracle.h"

enum { TENSORS = 40, ROOM = 4096, WIDTH = 2, MAX_ROWS = 3 };

static _Alignas(64) unsigned char room[ROOM];

/* Bytes of the room; no bytes: there is no such array. */
struct piece {
    size_t at, bytes;
};

/* What the arrays of tensors are thought to be. */
struct model {
    struct piece values[TENSORS], gradient[TENSORS], rows[TENSORS];
    size_t elements[TENSORS];
    enum adadelta_dtype dtype[TENSORS], gradient_dtype[TENSORS];
};

static void name_of(size_t i, char name[16])
{
    snprintf(name, 16, "tensor %zu", i);
}

static void *at(struct piece piece)
{
    return piece.bytes ? room + piece.at : NULL;
}

/* ---- Byte by byte ---- */

static int holds(struct piece piece, size_t byte)
{
    return byte >= piece.at && byte - piece.at < piece.bytes;
}

static int share(struct piece a, struct piece b)
{
    for (size_t byte = a.at; byte < a.at + a.bytes; byte++) {
        if (holds(b, byte))
            return 1;
    }
    return 0;
}

/* The message that there is to be when tensor i gets these arrays; "": none. */
static void expect(const struct model *m, size_t i, struct piece values, struct piece gradient, struct piece rows,
                   char text[100])
{
    char name[16], other[16];
    name_of(i, name);
    text[0] = '\0';
    if (share(rows, values))
        snprintf(text, 100, "tensor '%s': rows overlap values", name);
    else if (share(gradient, values))
        snprintf(text, 100, "tensor '%s': gradient overlaps values", name);
    for (size_t k = 0; k < TENSORS && !text[0]; k++) {
        name_of(k, other);
        if (k != i && (share(values, m->values[k]) || share(values, m->gradient[k]) || share(values, m->rows[k]) ||
                       share(gradient, m->values[k]) || share(rows, m->values[k])))
            snprintf(text, 100, "tensors '%s' and '%s' overlap", name, other);
    }
}

/* ---- Tensors all over the room ---- */

static size_t draw(uint64_t *seed, size_t below)
{
    return (size_t)(random_bits(seed) % below);
}

/* Values side by side or with a gap, a few without elements, whose address is then of no account; in shuffled order. */
static void lay(struct model *m, uint64_t *seed)
{
    static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16, ADADELTA_F16};
    size_t order[TENSORS], next = draw(seed, 60);
    for (size_t i = 0; i < TENSORS; i++) {
        const size_t k = draw(seed, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (size_t k = 0; k < TENSORS; k++) {
        const size_t i = order[k];
        m->dtype[i] = types[draw(seed, 4)];
        m->gradient_dtype[i] = types[draw(seed, 4)];
        m->elements[i] = draw(seed, 6) ? WIDTH * (1 + draw(seed, 4)) : 0;
        m->values[i] = (struct piece){next, m->elements[i] * adadelta_dtype_size(m->dtype[i])};
        m->gradient[i] = m->rows[i] = (struct piece){0, 0};
        next += m->values[i].bytes + draw(seed, 3) * draw(seed, 20);
    }
    assert_true(next < ROOM / 2);
}

static struct adadelta *make(const struct model *m)
{
    struct adadelta *optimizer;
    char name[16];
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t i = 0; i < TENSORS; i++) {
        name_of(i, name);
        /* Those without elements point into others'. */
        const struct adadelta_tensor tensor = {.name = name,
                                               .dtype = m->dtype[i],
                                               .gradient_dtype = m->gradient_dtype[i],
                                               .ndim = 2,
                                               .shape = {m->elements[i] / WIDTH, WIDTH},
                                               .values = i % 2 || m->elements[i] ? room + m->values[i].at : NULL,
                                               .max_rows = MAX_ROWS};
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
    return optimizer;
}

static struct piece gradient_at(const struct model *m, size_t i, size_t place)
{
    return (struct piece){place, m->elements[i] * adadelta_dtype_size(m->gradient_dtype[i])};
}

/* ---- Each call against the expected ---- */

static void assert_said(struct adadelta *optimizer, enum adadelta_status status, const char *text)
{
    assert_int_equal(status, *text ? ADADELTA_ERROR_OVERLAP : ADADELTA_OK);
    if (*text)
        assert_string_equal(adadelta_error_text(optimizer), text);
}

/* The arrays are as the model has them, a sparse gradient aside, which nobody can ask for. */
static void assert_as(const struct adadelta *optimizer, const struct model *m, size_t i)
{
    struct adadelta_tensor tensor;
    assert_int_equal(adadelta_get_tensor(optimizer, i, &tensor), ADADELTA_OK);
    if (m->elements[i])
        assert_ptr_equal(tensor.values, at(m->values[i]));
    if (m->elements[i] || !m->gradient[i].bytes)
        assert_ptr_equal(tensor.gradient, m->rows[i].bytes ? NULL : at(m->gradient[i]));
}

static void give(struct adadelta *optimizer, struct model *m, size_t i, struct piece values, struct piece gradient)
{
    char text[100];
    expect(m, i, values, gradient, (struct piece){0, 0}, text);
    assert_said(optimizer, adadelta_set_buffers(optimizer, i, at(values), at(gradient)), text);
    if (!*text) {
        m->values[i] = values;
        m->gradient[i] = gradient;
        m->rows[i] = (struct piece){0, 0};
    }
    assert_as(optimizer, m, i);
}

static void give_rows(struct adadelta *optimizer, struct model *m, size_t i, size_t count, size_t rows_place,
                      size_t place)
{
    const struct piece rows = {rows_place / sizeof(size_t) * sizeof(size_t), count * sizeof(size_t)};
    const struct piece gradient = {place, count * WIDTH * adadelta_dtype_size(m->gradient_dtype[i])};
    const struct piece seen = {place, m->elements[i] ? gradient.bytes : 0}; /* no elements: rows of no width */
    char text[100];
    expect(m, i, m->values[i], seen, rows, text);
    assert_said(optimizer,
                adadelta_set_rows(optimizer, i, count, count ? (const size_t *)at(rows) : NULL, at(gradient)), text);
    if (!*text) {
        m->gradient[i] = seen;
        m->rows[i] = rows;
    }
    assert_as(optimizer, m, i);
}

/* A gradient at every place of the room, for tensors of every kind: before, within, astride and behind all others. */
static void sweep(struct adadelta *optimizer, struct model *m)
{
    const struct piece none = {0, 0};
    for (size_t i = 0; i < TENSORS; i += 3) {
        for (size_t place = 0; place + 64 <= ROOM; place++)
            give(optimizer, m, i, m->values[i], gradient_at(m, i, place));
        give(optimizer, m, i, m->values[i], none);
    }
}

/* ---- Changed values ---- */

/* One of all that a call can ask for: values stay more often than not. */
static void change_something(struct adadelta *optimizer, struct model *m, uint64_t *seed)
{
    const size_t i = draw(seed, TENSORS), place = draw(seed, ROOM - 128);
    struct piece values = m->values[i], gradient = gradient_at(m, i, draw(seed, ROOM - 128));
    if (draw(seed, 3) == 0)
        gradient = (struct piece){0, 0};
    if (draw(seed, 3) == 0)
        values.at = place;
    if (draw(seed, 5) == 0)
        give_rows(optimizer, m, i, draw(seed, MAX_ROWS + 1), place, draw(seed, ROOM - 128));
    else
        give(optimizer, m, i, values, gradient);
}

static void forget_gradients(struct adadelta *optimizer, struct model *m)
{
    for (size_t i = 0; i < TENSORS; i++)
        give(optimizer, m, i, m->values[i], (struct piece){0, 0});
}

/* A sweep over three layouts, after so many changes. */
static void sweep_layouts(int changes)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct model m;
        uint64_t random = seed;
        lay(&m, &random);
        struct adadelta *optimizer = make(&m);
        for (int k = 0; k < changes; k++)
            change_something(optimizer, &m, &random);
        if (changes)
            forget_gradients(optimizer, &m);
        sweep(optimizer, &m);
        adadelta_destroy(optimizer);
    }
}

static void every_place_of_a_gradient(void **state)
{
    (void)state;
    sweep_layouts(0);
}

static void values_here_and_there(void **state)
{
    (void)state;
    sweep_layouts(20000);
}

/* Two tensors exchange their arrays by way of a third place, and all move into the other half, one after another. */
static void arrays_exchanged_and_moved(void **state)
{
    (void)state;
    struct model m;
    uint64_t random = 5;
    const struct piece none = {0, 0};
    lay(&m, &random);
    struct adadelta *optimizer = make(&m);
    for (size_t i = 0; i + 1 < TENSORS; i += 2) {
        const size_t small = m.values[i].bytes < m.values[i + 1].bytes ? i : i + 1, large = small ^ 1;
        const struct piece theirs = m.values[large], ours = m.values[small];
        give(optimizer, &m, small, (struct piece){theirs.at, ours.bytes}, none); /* still taken: refused */
        give(optimizer, &m, large, (struct piece){ROOM - 256, theirs.bytes}, none);
        give(optimizer, &m, small, (struct piece){theirs.at, ours.bytes}, none);
        give(optimizer, &m, large, (struct piece){ours.at, theirs.bytes}, none); /* refused where it is too long */
        give(optimizer, &m, large, (struct piece){ROOM / 2 + 32 * i, theirs.bytes}, none);
    }
    sweep(optimizer, &m);
    for (size_t i = 0; i < TENSORS; i++)
        give(optimizer, &m, i, (struct piece){ROOM - 70 - 25 * i, m.values[i].bytes}, none);
    sweep(optimizer, &m);
    adadelta_destroy(optimizer);
}

/* ---- Clones ---- */

/* A clone knows where all values are, and what then happens to the one is nothing to the other. */
static void clones_have_an_order_of_their_own(void **state)
{
    (void)state;
    struct model m, copied;
    uint64_t random = 7;
    lay(&m, &random);
    struct adadelta *optimizer = make(&m), *copy;
    for (int k = 0; k < 2000; k++)
        change_something(optimizer, &m, &random);
    assert_int_equal(adadelta_clone(optimizer, &copy), ADADELTA_OK);
    copied = m;
    for (int k = 0; k < 2000; k++) {
        change_something(optimizer, &m, &random);
        change_something(copy, &copied, &random);
    }
    adadelta_destroy(optimizer);
    forget_gradients(copy, &copied);
    sweep(copy, &copied);
    adadelta_destroy(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_of_a_gradient),
        cmocka_unit_test(values_here_and_there),
        cmocka_unit_test(arrays_exchanged_and_moved),
        cmocka_unit_test(clones_have_an_order_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
