/* SPDX-License-Identifier: MIT */
/* Sparse gradients for every way to store numbers: the rows named, summed or one after the other, against steps of
   Adadelta's plain function on each row in the type computed in. The other rows stay, to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "storage.h"

enum { ROWS = 9, WIDTH = 517, N = ROWS * WIDTH, NAMED = 6, STEPS = 12 };

/* The same run twice: the library's, and one put together here from x, v and u in the type computed in. */
struct run {
    struct mix mix;
    enum adadelta_dtype computed;
    void *values, *gradient, *before;
    void *x, *v, *u;
    struct adadelta *optimizer;
};

static void start(struct run *r, int k, enum adadelta_duplicates duplicates, uint64_t *seed)
{
    const struct adadelta_options options = {.threads = 1};
    const struct adadelta_gradients gradients = {.scale = 1, .duplicates = duplicates};
    *r = (struct run){.mix = mix_number(k)};
    r->computed = computed_in(&r->mix);
    r->values = new_array(r->mix.values, N);
    r->before = new_array(r->mix.values, N);
    r->gradient = new_array(r->mix.gradient, NAMED * WIDTH);
    r->x = new_array(r->computed, N);
    r->v = new_array(r->computed, N);
    r->u = new_array(r->computed, N);
    fill_random(r->mix.values, r->values, N, seed, -8, 3);
    for (size_t i = 0; i < N; i++)
        put_number(r->computed, r->x, i, number_at(r->mix.values, r->values, i));
    struct adadelta_tensor tensor = tensor_of(&r->mix, "x", ROWS, r->values, NULL);
    tensor.ndim = 2;
    tensor.shape[1] = WIDTH;
    tensor.max_rows = NAMED;
    assert_int_equal(adadelta_create(&options, &r->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(r->optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(r->optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(r->optimizer, 0, &tensor, NULL), ADADELTA_OK);
}

static void finish(struct run *r)
{
    void *const arrays[] = {r->values, r->before, r->gradient, r->x, r->v, r->u};
    adadelta_destroy(r->optimizer);
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        free(arrays[k]);
}

static void round_row(enum adadelta_dtype stored, enum adadelta_dtype computed, void *array, size_t row)
{
    for (size_t i = row * WIDTH; i < (row + 1) * WIDTH; i++)
        put_number(computed, array, i, nearest(stored, number_at(computed, array, i)));
}

/* A step of a row with a gradient [WIDTH] in the type computed in, and back into storage. */
static void step_row(struct run *r, size_t row, void *g)
{
    const size_t at = row * WIDTH;
    if (r->computed == ADADELTA_F64)
        assert_int_equal(
            adadelta_update_f64(WIDTH, (double *)r->x + at, g, (double *)r->v + at, (double *)r->u + at, NULL),
            ADADELTA_OK);
    else
        assert_int_equal(
            adadelta_update_f32(WIDTH, (float *)r->x + at, g, (float *)r->v + at, (float *)r->u + at, NULL),
            ADADELTA_OK);
    if (!has_master(&r->mix) && !has_low(&r->mix))
        round_row(r->mix.values, r->computed, r->x, row);
    round_row(state_of_mix(&r->mix), r->computed, r->v, row);
    round_row(state_of_mix(&r->mix), r->computed, r->u, row);
}

/* Every row by its occurrences, in their order. */
static void step_rows(struct run *r, const size_t rows[NAMED], enum adadelta_duplicates duplicates)
{
    static double room[WIDTH];
    for (size_t row = 0; row < ROWS; row++) {
        int waiting = 0;
        for (size_t k = 0; k < NAMED; k++) {
            if (rows[k] != row)
                continue;
            for (size_t c = 0; c < WIDTH; c++) {
                const double g = number_at(r->mix.gradient, r->gradient, k * WIDTH + c);
                /* A sum of two floats is exact or rounded rightly in double, and then in float (Figueroa 1995). */
                put_number(r->computed, room, c,
                           waiting ? number_at(r->computed, room, c) + nearest(r->computed, g) : g);
            }
            waiting = duplicates == ADADELTA_DUPLICATES_SUM;
            if (!waiting)
                step_row(r, row, room);
        }
        if (waiting)
            step_row(r, row, room);
    }
}

static int is_stored(const struct run *r, const void *low, size_t i)
{
    const double x = number_at(r->computed, r->x, i);
    if (has_low(&r->mix) && low)
        return bits_at(ADADELTA_BF16, low, i) == (bits_at(ADADELTA_F32, r->x, i) & 0xffff) &&
               fabs(number_at(ADADELTA_BF16, r->values, i) - x) == fabs(nearest(ADADELTA_BF16, x) - x);
    return bits_at(r->mix.values, r->values, i) == nearest_bits(r->mix.values, x);
}

static int is_as_composed(const struct run *r)
{
    const enum adadelta_dtype kept = state_of_mix(&r->mix);
    void *v, *u, *low = NULL;
    assert_int_equal(adadelta_state(r->optimizer, 0, "square_avg", &v), ADADELTA_OK);
    assert_int_equal(adadelta_state(r->optimizer, 0, "acc_delta", &u), ADADELTA_OK);
    if (has_low(&r->mix))
        assert_int_equal(adadelta_state(r->optimizer, 0, "low", &low), ADADELTA_OK);
    for (size_t i = 0; i < N; i++) {
        if (!is_stored(r, low, i) || bits_at(kept, v, i) != nearest_bits(kept, number_at(r->computed, r->v, i)) ||
            bits_at(kept, u, i) != nearest_bits(kept, number_at(r->computed, r->u, i)))
            return 0;
    }
    return 1;
}

static void check_run(int k, enum adadelta_duplicates duplicates)
{
    struct run r;
    uint64_t seed = 70 + (uint64_t)k;
    start(&r, k, duplicates, &seed);
    for (int t = 0; t < STEPS; t++) {
        const size_t size = WIDTH * binaries[r.mix.values].size;
        size_t rows[NAMED], named[ROWS] = {0};
        for (size_t j = 0; j < NAMED; j++) {
            rows[j] = random_bits(&seed) % (t % 2 ? 3 : ROWS);
            named[rows[j]]++;
        }
        fill_random(r.mix.gradient, r.gradient, NAMED * WIDTH, &seed, -20, 2);
        memcpy(r.before, r.values, N * binaries[r.mix.values].size);
        assert_int_equal(adadelta_step_rows(r.optimizer, 0, NAMED, rows, r.gradient), ADADELTA_OK);
        step_rows(&r, rows, duplicates);
        if (!is_as_composed(&r))
            fail_msg("values %d gradient %d state %d weights %d duplicates %d: step %d differs", (int)r.mix.values,
                     (int)r.mix.gradient, (int)r.mix.state, (int)r.mix.weights, (int)duplicates, t);
        for (size_t row = 0; row < ROWS; row++) {
            if (!named[row])
                assert_memory_equal((char *)r.values + row * size, (char *)r.before + row * size, size);
        }
    }
    finish(&r);
}

static void rows_are_as_composed(void **state)
{
    (void)state;
    for (int k = 0; k < MIXES; k++) {
        const struct mix mix = mix_number(k);
        const int is_again = !is_half(mix.values) && mix.weights != ADADELTA_WEIGHTS_MASTER;
        if (!goes_together(&mix) || is_dithered(&mix) || is_again)
            continue;
        check_run(k, ADADELTA_DUPLICATES_SUM);
        check_run(k, ADADELTA_DUPLICATES_IN_ORDER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_composed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
