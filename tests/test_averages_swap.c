/* SPDX-License-Identifier: MIT */
/* Averages swapped in and out: what stands where, that everything comes back to the bit, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "averages.h"

enum { N = 601 };

static const enum adadelta_averaging kinds_of_average[] = {ADADELTA_AVERAGING_EXPONENTIAL, ADADELTA_AVERAGING_POLYAK};

static void build(struct run *r, int kind, int averaging, uint64_t *seed)
{
    const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, kinds_of_average[averaging], 0.9);
    *seed = 21;
    set_up(r, &kinds[kind], &options, NULL, N, NULL, 0);
    for (int t = 0; t < 10; t++)
        step(r, seed);
}

static void *copy_of_values(const struct run *r)
{
    void *copy = new_array(r->mix.values, r->n);
    memcpy(copy, r->values, r->n * binaries[r->mix.values].size);
    return copy;
}

static int same_values(const struct run *r, const void *values)
{
    return !memcmp(r->values, values, r->n * binaries[r->mix.values].size);
}

/* Swaps in, where the values must become the numbers nearest to the averages. */
static void swap_in(struct run *r)
{
    double *averages = new_array(ADADELTA_F64, r->n);
    for (size_t i = 0; i < r->n; i++)
        averages[i] = average_at(r, i);
    assert_int_equal(adadelta_averages_swapped(r->optimizer), 0);
    assert_int_equal(adadelta_swap_averages(r->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_averages_swapped(r->optimizer), 1);
    for (size_t i = 0; i < r->n; i++)
        assert_int_equal(bits_at(r->mix.values, r->values, i), nearest_bits(r->mix.values, averages[i]));
    free(averages);
}

static void swap_out(struct run *r)
{
    assert_int_equal(adadelta_swap_averages(r->optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_averages_swapped(r->optimizer), 0);
}

/* ---- In and out ---- */

static void parameters_come_back(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < 2; w++) {
            struct run r, without;
            uint64_t seed, other_seed;
            build(&r, k, w, &seed);
            build(&without, k, w, &other_seed);
            for (int t = 0; t < 5; t++) {
                const uint64_t print = print_of(&r, 1);
                void *values = copy_of_values(&r);
                swap_in(&r);
                assert_false(same_values(&r, values));
                swap_out(&r);
                assert_true(same_values(&r, values));
                assert_true(print_of(&r, 1) == print);
                step(&r, &seed);
                step(&without, &other_seed);
                assert_true(print_of(&r, 1) == print_of(&without, 1)); /* nor is the run another one */
                free(values);
            }
            tear_down(&r);
            tear_down(&without);
        }
}

/* Every bit of a value comes back, NaN's too; lengths around the pieces that the library moves at a time. */
static void every_bit_comes_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 5000};
    for (int k = 0; k < KINDS; k++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            const struct adadelta_options options =
                options_of(ADADELTA_METHOD_SGD, ADADELTA_AVERAGING_EXPONENTIAL, 0.9);
            const size_t bytes = lengths[l] * binaries[kinds[k].values].size;
            uint64_t seed = 22;
            struct run r;
            set_up(&r, &kinds[k], &options, NULL, lengths[l], NULL, 0);
            for (size_t i = 0; i < bytes; i++)
                ((unsigned char *)r.values)[i] = (unsigned char)random_bits(&seed);
            void *values = copy_of_values(&r);
            swap_in(&r);
            assert_true(!bytes || !same_values(&r, values));
            swap_out(&r);
            assert_true(same_values(&r, values));
            free(values);
            tear_down(&r);
        }
}

/* Right after a restart, as after the registration, there is no difference to be seen. */
static void averages_begin_at_the_parameters(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < 2; w++) {
            const struct adadelta_options options = options_of(ADADELTA_METHOD_ADADELTA, kinds_of_average[w], 0.9);
            uint64_t seed = 23;
            struct run r;
            set_up(&r, &kinds[k], &options, NULL, N, NULL, 0);
            for (int turn = 0; turn < 2; turn++) {
                void *values = copy_of_values(&r);
                swap_in(&r);
                assert_true(same_values(&r, values));
                swap_out(&r);
                assert_true(same_values(&r, values));
                step(&r, &seed);
                step(&r, &seed);
                assert_int_equal(adadelta_restart_averages(r.optimizer), ADADELTA_OK);
                free(values);
            }
            tear_down(&r);
        }
}

/* All tensors at once, those that had no gradient, too. */
static void all_tensors_are_swapped(void **state)
{
    (void)state;
    const struct mix mix = {ADADELTA_F16, ADADELTA_F16, ADADELTA_F16, ADADELTA_WEIGHTS_MASTER};
    uint16_t still[2] = {0x3c00, 0x4000}, moved[2] = {0x3c00, 0x4000};
    float g[2] = {-1, -1};
    struct adadelta_tensor tensor = tensor_of(&mix, "still", 2, still, NULL);
    uint64_t seed;
    struct run r;
    build(&r, 0, 0, &seed);
    assert_int_equal(adadelta_add_tensor(r.optimizer, 0, &tensor, NULL), ADADELTA_OK);
    tensor = tensor_of(&mix, "moved", 2, moved, g);
    tensor.gradient_dtype = ADADELTA_F32;
    assert_int_equal(adadelta_add_tensor(r.optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (int t = 0; t < 30; t++)
        step(&r, &seed);
    const uint16_t before[2] = {moved[0], moved[1]};
    assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
    assert_true(still[0] == 0x3c00 && still[1] == 0x4000);
    assert_true(moved[0] > 0x3c00 && moved[0] < before[0] && moved[1] > 0x4000 && moved[1] < before[1]);
    swap_out(&r);
    assert_true(still[0] == 0x3c00 && still[1] == 0x4000 && moved[0] == before[0] && moved[1] == before[1]);
    tear_down(&r);
}

/* ---- What is refused ---- */

static void steps_are_refused_while_swapped(void **state)
{
    (void)state;
    static const size_t rows[1] = {0}, shape[2] = {N, 1};
    for (int k = 0; k < KINDS; k++) {
        const struct adadelta_options options =
            options_of(ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_EXPONENTIAL, 0.9);
        uint64_t seed = 24;
        struct run r;
        set_up(&r, &kinds[k], &options, NULL, N, shape, 1);
        for (int t = 0; t < 5; t++) {
            fill_random(ADADELTA_F32, r.g, N, &seed, -6, 1);
            assert_int_equal(adadelta_step_tensor(r.optimizer, 0, r.g), ADADELTA_OK);
        }
        assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
        const uint64_t print = print_of(&r, 1);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_ERROR_SWAPPED);
        assert_string_not_equal(adadelta_error_text(r.optimizer), "");
        assert_int_equal(adadelta_step_tensor(r.optimizer, 0, r.g), ADADELTA_ERROR_SWAPPED);
        assert_int_equal(adadelta_step_rows(r.optimizer, 0, 1, rows, r.g), ADADELTA_ERROR_SWAPPED);
        assert_int_equal(adadelta_restart_averages(r.optimizer), ADADELTA_ERROR_SWAPPED);
        assert_int_equal(adadelta_set_buffers(r.optimizer, 0, r.values, r.g), ADADELTA_OK);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_ERROR_SWAPPED);
        assert_true(print_of(&r, 1) == print);
        assert_int_equal(adadelta_averages_swapped(r.optimizer), 1);
        swap_out(&r);
        assert_int_equal(adadelta_step(r.optimizer), ADADELTA_OK);
        assert_true(adadelta_step_count(r.optimizer) == 1);
        tear_down(&r);
    }
}

static void averages_must_be_kept(void **state)
{
    (void)state;
    const struct adadelta_options options = adadelta_options_default();
    uint64_t seed = 25;
    struct run r;
    assert_true(options.averaging == ADADELTA_AVERAGING_NONE && options.average_decay == 0.999);
    set_up(&r, &kinds[0], &options, NULL, N, NULL, 0);
    step(&r, &seed);
    const uint64_t print = print_of(&r, 1);
    assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_ERROR_AVERAGE);
    assert_string_not_equal(adadelta_error_text(r.optimizer), "");
    assert_int_equal(adadelta_restart_averages(r.optimizer), ADADELTA_ERROR_AVERAGE);
    assert_int_equal(adadelta_averages_swapped(r.optimizer), 0);
    assert_true(print_of(&r, 1) == print);
    step(&r, &seed);
    tear_down(&r);
    assert_int_equal(adadelta_swap_averages(NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_restart_averages(NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_averages_swapped(NULL), 0);
}

static void decay_has_a_range(void **state)
{
    (void)state;
    const double good[] = {0, 0x1p-1074, 0.5, 1 - 0x1p-53}, bad[] = {1, -0x1p-1074, 2, NAN, INFINITY, -INFINITY};
    struct adadelta_options options = {.averaging = ADADELTA_AVERAGING_EXPONENTIAL};
    struct adadelta *optimizer;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        options.average_decay = good[i];
        assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
        adadelta_destroy(optimizer);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.average_decay = bad[i];
        optimizer = (struct adadelta *)(void *)&options;
        assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_ERROR_AVERAGE);
        assert_null(optimizer);
    }
    for (int averaging = -1; averaging <= 3; averaging += 4) {
        options = (struct adadelta_options){.averaging = (enum adadelta_averaging)averaging};
        assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_ERROR_ARGUMENT);
        assert_null(optimizer);
    }
}

/* ---- While they are swapped ---- */

/* A copy taken meanwhile is swapped, too; with arrays of its own it goes back and on as the original does. */
static void clone_while_swapped(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++)
        for (int w = 0; w < 2; w++) {
            struct run r, copy;
            uint64_t seed, other_seed;
            build(&r, k, w, &seed);
            swap_in(&r);
            copy = r;
            other_seed = seed;
            assert_int_equal(adadelta_clone(r.optimizer, &copy.optimizer), ADADELTA_OK);
            copy.values = copy_of_values(&r);
            copy.g = new_array(ADADELTA_F32, N);
            assert_int_equal(adadelta_set_buffers(copy.optimizer, 0, copy.values, copy.g), ADADELTA_OK);
            assert_int_equal(adadelta_averages_swapped(copy.optimizer), 1);
            assert_int_equal(adadelta_step(copy.optimizer), ADADELTA_ERROR_SWAPPED);
            swap_out(&r);
            swap_out(&copy);
            assert_true(print_of(&r, 1) == print_of(&copy, 1));
            for (int t = 0; t < 5; t++) {
                step(&r, &seed);
                step(&copy, &other_seed);
                assert_true(print_of(&r, 1) == print_of(&copy, 1));
            }
            swap_in(&r);
            swap_in(&copy);
            assert_true(print_of(&r, 1) == print_of(&copy, 1));
            tear_down(&r);
            tear_down(&copy);
        }
}

/* A tensor that comes in meanwhile is exchanged back with the others: its parameters are still what they were. */
static void tensor_added_while_swapped(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        const struct mix *mix = &kinds[k];
        double values[3] = {0}, before[3];
        const float g[3] = {1, -1, 0.5F};
        struct run r;
        uint64_t seed;
        build(&r, 0, 0, &seed);
        swap_in(&r);
        for (size_t i = 0; i < 3; i++)
            put_number(mix->values, values, i, 1.5 + (double)i);
        memcpy(before, values, sizeof before);
        const struct adadelta_tensor tensor = tensor_of(mix, "new", 3, values, g);
        assert_int_equal(adadelta_add_tensor(r.optimizer, 0, &tensor, NULL), ADADELTA_OK);
        swap_out(&r);
        assert_memory_equal(values, before, 3 * binaries[mix->values].size);
        step(&r, &seed);
        assert_int_equal(adadelta_swap_averages(r.optimizer), ADADELTA_OK);
        assert_true(fabs(number_at(mix->values, values, 2) - 3.5) < 0.02);
        tear_down(&r);
    }
}

/* Other arrays with the same content, while the averages are in: the parameters come back in these. */
static void buffers_change_while_swapped(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        struct run r, other;
        uint64_t seed, other_seed;
        build(&r, k, 0, &seed);
        build(&other, k, 0, &other_seed);
        swap_in(&r);
        void *values = copy_of_values(&r), *old = r.values;
        assert_int_equal(adadelta_set_buffers(r.optimizer, 0, values, r.g), ADADELTA_OK);
        memset(old, 0, N * binaries[r.mix.values].size);
        r.values = values;
        swap_out(&r);
        assert_true(print_of(&r, 1) == print_of(&other, 1));
        step(&r, &seed);
        step(&other, &other_seed);
        assert_true(print_of(&r, 1) == print_of(&other, 1));
        free(old);
        tear_down(&r);
        tear_down(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_come_back),
        cmocka_unit_test(every_bit_comes_back),
        cmocka_unit_test(averages_begin_at_the_parameters),
        cmocka_unit_test(all_tensors_are_swapped),
        cmocka_unit_test(steps_are_refused_while_swapped),
        cmocka_unit_test(averages_must_be_kept),
        cmocka_unit_test(decay_has_a_range),
        cmocka_unit_test(clone_while_swapped),
        cmocka_unit_test(tensor_added_while_swapped),
        cmocka_unit_test(buffers_change_while_swapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
