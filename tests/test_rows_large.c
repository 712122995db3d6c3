/* SPDX-License-Identifier: MIT */
/*
 * Sparse gradients of large tensors: the same bits from every number of threads, elements beyond 2^33, and a cost in
 * proportion to the rows named, counted in pages of memory that a step has touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "gradients.h"
#include "sanitized.h"

/* ---- Threads ---- */

enum { TENSORS = 4, MOST = 4000, STEPS = 2 };

/* Narrow, of a width that does not divide a block, wider than a block; and a dense one whose last block is one element,
   which no share of the work may lose. */
static const size_t shapes[TENSORS][2] = {{9000, 1}, {3000, 100}, {40, 5000}, {17 * 4096 + 1, 1}};
static const size_t counts[TENSORS] = {4000, 2500, 45, 0};

/* Steps with everything on that depends on sums, and what came of it. */
static struct snapshot stepped(int threads, enum adadelta_dtype dtype, enum adadelta_duplicates duplicates)
{
    static const char *const names[TENSORS] = {"narrow", "odd", "wide", "dense"};
    struct adadelta *optimizer = new_optimizer((struct adadelta_options){.threads = threads}, NULL);
    size_t *lists[TENSORS];
    void *x[TENSORS], *g[TENSORS];
    set_gradients(optimizer,
                  (struct adadelta_gradients){
                      .scale = 3, .clip_value = 2, .clip_norm = 50, .clip_global_norm = 70, .duplicates = duplicates});
    OK(adadelta_set_measuring(optimizer, 1));
    for (size_t k = 0; k < TENSORS; k++) {
        uint64_t seed = k;
        const size_t n = shapes[k][0] * shapes[k][1], rows = counts[k];
        x[k] = random_array(dtype, n, k, -1, 1);
        g[k] = random_array(dtype, rows ? rows * shapes[k][1] : n, 9 + k, -3, 3);
        lists[k] = calloc(MOST, sizeof **lists);
        assert_non_null(lists[k]);
        for (size_t j = 0; j < rows; j++)
            lists[k][j] = random_bits(&seed) % shapes[k][0];
        add_tensor(optimizer, &(struct adadelta_tensor){.name = names[k],
                                                        .dtype = dtype,
                                                        .ndim = 2,
                                                        .shape = {shapes[k][0], shapes[k][1]},
                                                        .values = x[k],
                                                        .gradient = rows ? NULL : g[k],
                                                        .max_rows = rows});
        if (rows)
            OK(adadelta_set_rows(optimizer, k, rows, lists[k], g[k]));
    }
    for (int t = 0; t < STEPS; t++)
        OK(adadelta_step(optimizer));
    struct snapshot result = take_snapshot(optimizer);
    adadelta_destroy(optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(x[k]);
        free(g[k]);
        free(lists[k]);
    }
    return result;
}

static void same_bits_for_every_number_of_threads(void **state)
{
    (void)state;
    const int threads[] = {2, 3, 7, 16};
    for (int d = ADADELTA_F32; d <= ADADELTA_BF16; d++)
        for (int duplicates = ADADELTA_DUPLICATES_SUM; duplicates <= ADADELTA_DUPLICATES_IN_ORDER; duplicates++) {
            struct snapshot one = stepped(1, (enum adadelta_dtype)d, (enum adadelta_duplicates)duplicates);
            for (size_t i = 0; i < LENGTH(threads); i++) {
                struct snapshot many =
                    stepped(threads[i], (enum adadelta_dtype)d, (enum adadelta_duplicates)duplicates);
                assert_true(snapshots_equal(&one, &many));
                free(many.bytes);
            }
            free(one.bytes);
        }
}

/* ---- Pages ---- */

static size_t page_size;

/* Memory that costs nothing until it is touched, or NULL. */
static void *untouched(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, bytes, MADV_NOHUGEPAGE);
    return memory;
}

static size_t pages_touched(void *memory, size_t bytes)
{
    const size_t pages = (bytes + page_size - 1) / page_size;
    unsigned char *resident = malloc(pages);
    size_t sum = 0;
    assert_non_null(resident);
    assert_int_equal(mincore(memory, bytes, resident), 0);
    for (size_t i = 0; i < pages; i++)
        sum += resident[i] & 1;
    free(resident);
    return sum;
}

/* Whether the system tells, and a sanitizer does not touch pages of its own. */
static int pages_are_told(void)
{
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = untouched(16 * page_size);
    int told = memory && pages_touched(memory, 16 * page_size) == 0;
    if (told)
        memory[5 * page_size] = 1;
    told = told && pages_touched(memory, 16 * page_size) == 1;
    if (memory)
        munmap(memory, 16 * page_size);
#ifdef SANITIZED
    told = 0;
#endif
    return told;
}

/* ---- Beyond 2^33 ---- */

#define ROWS  ((size_t)1 << 23)
#define WIDTH ((size_t)1 << 10)
#define BYTES (ROWS * WIDTH * sizeof(uint16_t))

/* Around elements 2^31, 2^32 and at either end. */
static const size_t borders[] = {0, ROWS / 4 - 1, ROWS / 4, ROWS / 2 - 1, ROWS / 2, ROWS - 1};

static struct adadelta *new_giant(uint16_t *values, enum adadelta_weights weights, size_t max_rows)
{
    const struct adadelta_hyper hyper = {.lr = 1, .eps = 1};
    struct adadelta *optimizer = new_method(ADADELTA_METHOD_SGD, &hyper);
    add_tensor(optimizer, &(struct adadelta_tensor){.name = "giant",
                                                    .dtype = ADADELTA_BF16,
                                                    .ndim = 2,
                                                    .shape = {ROWS, WIDTH},
                                                    .values = values,
                                                    .gradient_dtype = ADADELTA_F32,
                                                    .weights = weights,
                                                    .max_rows = max_rows});
    return optimizer;
}

/* Every element of each row goes from 0 to a number of its own; the rows around it, and all pages without one, stay. */
static void check_giant(uint16_t *values, size_t max_rows)
{
    static float g[LENGTH(borders) * WIDTH];
    struct adadelta *optimizer = new_giant(values, ADADELTA_WEIGHTS_NEAREST, max_rows);
    for (size_t i = 0; i < LENGTH(g); i++)
        g[i] = (float)(i / WIDTH + 1) * (i % 2 ? 1 : -16);
    assert_true(pages_touched(values, BYTES) == 0);
    OK(adadelta_step_rows(optimizer, 0, LENGTH(borders), borders, g));
    assert_true(pages_touched(values, BYTES) <= LENGTH(borders));
    for (size_t j = 0; j < LENGTH(borders); j++)
        for (size_t c = 0; c < WIDTH; c++) {
            const size_t at = borders[j] * WIDTH + c;
            assert_true(number(ADADELTA_BF16, values, at) == -(double)g[j * WIDTH + c]);
            assert_true(values[borders[j] % 2 ? at - WIDTH : at + WIDTH] == 0); /* its page's other row */
        }
    adadelta_destroy(optimizer);
}

static void elements_beyond_2_to_the_33(void **state)
{
    (void)state;
    uint16_t *values = pages_are_told() ? untouched(BYTES) : NULL;
    if (!values)
        skip();
    check_giant(values, LENGTH(borders));
    assert_int_equal(madvise(values, BYTES, MADV_DONTNEED), 0);
    check_giant(values, ROWS / 4);
    assert_int_equal(munmap(values, BYTES), 0);
}

/* Chance depends on all bits of an element's number: rows 2^31 and 2^32 elements apart are rounded differently. */
static void chance_beyond_2_to_the_32(void **state)
{
    (void)state;
    static float g[LENGTH(borders) * WIDTH];
    uint16_t *values = pages_are_told() ? untouched(BYTES) : NULL;
    if (!values)
        skip();
    struct adadelta *optimizer = new_giant(values, ADADELTA_WEIGHTS_STOCHASTIC, LENGTH(borders));
    for (size_t i = 0; i < LENGTH(g); i++)
        g[i] = 1.003F;
    OK(adadelta_step_rows(optimizer, 0, LENGTH(borders), borders, g));
    for (size_t j = 0; j < LENGTH(borders); j++)
        for (size_t k = 0; k < j; k++)
            assert_memory_not_equal(values + borders[j] * WIDTH, values + borders[k] * WIDTH, WIDTH * sizeof *values);
    adadelta_destroy(optimizer);
    assert_int_equal(munmap(values, BYTES), 0);
}

/* ---- The cost ---- */

/* An allocator of untouched memory that remembers its pieces. */
struct pieces {
    void *memory[64];
    size_t bytes[64], count;
};

static void *take_piece(size_t size, size_t alignment, void *context)
{
    struct pieces *pieces = context;
    (void)alignment;
    assert_true(pieces->count < LENGTH(pieces->memory));
    pieces->bytes[pieces->count] = size;
    return pieces->memory[pieces->count++] = untouched(size);
}

static void release_piece(void *memory, size_t size, void *context)
{
    (void)context;
    munmap(memory, size);
}

/* Pages of a step's memory, after they have been forgotten where forget is set: state is zero from there on. */
static size_t all_pages(struct pieces *pieces, size_t from, int forget)
{
    size_t sum = 0;
    for (size_t i = from; i < pieces->count; i++) {
        if (forget && pieces->bytes[i] > 16 * page_size)
            assert_int_equal(madvise(pieces->memory[i], pieces->bytes[i], MADV_DONTNEED), 0);
        sum += pages_touched(pieces->memory[i], pieces->bytes[i]);
    }
    return sum;
}

/* Rows of a quarter of a page. Each named one costs a page of each array, and one of the lists. */
static void the_cost_is_that_of_the_rows_named(void **state)
{
    (void)state;
    enum { HEIGHT = 1 << 15, ACROSS = 256, ARRAYS = 4, HUNDRED = 100 };
    static float g[HUNDRED * ACROSS];
    static size_t list[HUNDRED];
    static struct pieces pieces;
    const size_t bytes = (size_t)HEIGHT * ACROSS * sizeof(float), counts_named[] = {0, 1, 10, HUNDRED};
    const struct adadelta_options options = {
        .threads = 1, .averaging = ADADELTA_AVERAGING_POLYAK, .allocator = {take_piece, release_piece, &pieces}};
    float *values = pages_are_told() ? untouched(bytes) : NULL;
    if (!values)
        skip();
    for (size_t i = 0; i < LENGTH(g); i++)
        g[i] = 1;
    struct adadelta *optimizer = new_optimizer(options, NULL);
    set_gradients(optimizer, (struct adadelta_gradients){.scale = 1, .clip_norm = 1});
    OK(adadelta_set_measuring(optimizer, 1));
    const size_t from = pieces.count;
    add_tensor(optimizer,
               &(struct adadelta_tensor){
                   .name = "x", .ndim = 2, .shape = {HEIGHT, ACROSS}, .values = values, .max_rows = HUNDRED});
    for (size_t k = 0; k < 2 * LENGTH(counts_named); k++) {
        const size_t count = counts_named[k / 2];
        for (size_t j = 0; j < count; j++)
            list[j] = j * (HEIGHT / HUNDRED) + 7;
        assert_int_equal(madvise(values, bytes, MADV_DONTNEED), 0);
        const size_t before = all_pages(&pieces, from, 1);
        OK(adadelta_set_rows(optimizer, 0, count, list, g));
        OK(k % 2 ? adadelta_step_rows(optimizer, 0, count, list, g) : adadelta_step(optimizer));
        const size_t touched = all_pages(&pieces, from, 0) - before + pages_touched(values, bytes);
        assert_true(touched >= ARRAYS * count && touched <= (ARRAYS + 1) * count + 2);
    }
    adadelta_destroy(optimizer);
    assert_int_equal(munmap(values, bytes), 0);
}

/* ---- Rows asked for before their turn ---- */

/* Rows of every width that a step looks ahead for, in random order and some twice, their list up to the last byte
   before memory that may not be read. */
static void no_row_is_looked_for_behind_the_list(void **state)
{
    (void)state;
    enum { ELEMENTS = 1 << 22, COUNT = 40, WIDEST = 512 };
    static const size_t widths[] = {1, 16, 100, WIDEST};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    size_t *list = (size_t *)(void *)(pages + page) - COUNT;
    for (size_t k = 0; k < LENGTH(widths); k++) {
        const size_t width = widths[k], height = ELEMENTS / width + 1, n = height * width;
        float *x = calloc(n, sizeof *x), *follower = calloc(3 * n, sizeof *x),
              *g = random_array(ADADELTA_F32, COUNT * width, k, -1, 1);
        uint64_t seed = k;
        assert_true(x && follower);
        struct adadelta *optimizer = new_optimizer((struct adadelta_options){.threads = 1}, NULL);
        set_gradients(optimizer, (struct adadelta_gradients){.scale = 1, .duplicates = ADADELTA_DUPLICATES_IN_ORDER});
        add_tensor(optimizer, &(struct adadelta_tensor){
                                  .name = "x", .ndim = 2, .shape = {height, width}, .values = x, .max_rows = COUNT});
        for (size_t j = 0; j < COUNT; j++)
            list[j] = j % 9 == 8 ? list[j / 2] : random_bits(&seed) % height;
        OK(adadelta_step_rows(optimizer, 0, COUNT, list, g));
        for (size_t j = 0; j < COUNT; j++) {
            float *row = follower + list[j] * width;
            OK(adadelta_update_f32(width, row, g + j * width, row + n, row + 2 * n, NULL));
        }
        assert_memory_equal(x, follower, n * sizeof *x);
        adadelta_destroy(optimizer);
        free(x);
        free(follower);
        free(g);
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_every_number_of_threads),
        cmocka_unit_test(elements_beyond_2_to_the_33),
        cmocka_unit_test(chance_beyond_2_to_the_32),
        cmocka_unit_test(the_cost_is_that_of_the_rows_named),
        cmocka_unit_test(no_row_is_looked_for_behind_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
