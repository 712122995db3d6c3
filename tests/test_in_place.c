/* SPDX-License-Identifier: MIT */
/* An optimizer in memory of the caller's: adadelta_state_size is enough and not too much, nothing is written beside it,
   a run has the bits of any other, too little memory is found in time, and nothing calls malloc. test_own_memory.c is
   about allocators. */
#include "own_memory.h"

/* ---- Memory with guards ---- */

enum { GUARD = 256, ROOM = 1 << 21 };

static _Alignas(64) unsigned char room[GUARD + 64 + ROOM + GUARD];

/* The piece of the room under test. */
static unsigned char *memory;
static size_t memory_size;

/* Not zero, so that whoever wants zeros must see to it. */
static void lay(size_t offset, size_t size)
{
    assert_true(offset < 64 && size <= ROOM);
    memory = room + GUARD + offset;
    memory_size = size;
    memset(memory - GUARD, 0xc3, GUARD);
    memset(memory, 0xa5, size);
    memset(memory + size, 0xc3, GUARD);
}

static void assert_guarded(void)
{
    for (size_t i = 0; i < GUARD; i++) {
        assert_int_equal(memory[-1 - (ptrdiff_t)i], 0xc3);
        assert_int_equal(memory[memory_size + i], 0xc3);
    }
}

static struct zoo ours, twin; /* in the memory, and with malloc */

/* ---- Enough for whatever there is ---- */

/* A number from 0 to below - 1. */
static size_t draw(uint64_t *seed, size_t below)
{
    return (size_t)(random_bits(seed) % below);
}

static void draw_types(uint64_t *seed, struct adadelta_tensor *tensor)
{
    static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16, ADADELTA_F16,
                                                ADADELTA_DTYPE_DEFAULT};
    const int narrow = (tensor->dtype = types[draw(seed, 5)]) == ADADELTA_BF16 || tensor->dtype == ADADELTA_F16;
    tensor->gradient_dtype = types[draw(seed, 5)];
    tensor->weights = (enum adadelta_weights)draw(seed, 4);
    if (tensor->dtype == ADADELTA_F16 && tensor->weights == ADADELTA_WEIGHTS_SPLIT)
        tensor->weights = ADADELTA_WEIGHTS_MASTER;
    do
        tensor->state_dtype = types[draw(seed, 5)];
    while (narrow && tensor->state_dtype == ADADELTA_F64);
}

/* With a name of its own, which the caller keeps; of any shape, empty ones included, and now and then a long one. */
static void draw_tensor(uint64_t *seed, struct adadelta_tensor *tensor, size_t k, char name[200])
{
    snprintf(name, 200, "%zu %.*s", k, (int)draw(seed, 150),
             "......................................................................................................."
             "......................................................................................................");
    *tensor = (struct adadelta_tensor){.name = name, .ndim = draw(seed, 5)};
    draw_types(seed, tensor);
    for (size_t i = 0; i < tensor->ndim; i++)
        tensor->shape[i] = draw(seed, 7);
    if (tensor->ndim == 1 && draw(seed, 4) == 0)
        tensor->shape[0] = 4000 + draw(seed, 5000);
    tensor->max_rows = tensor->ndim ? draw(seed, 3) * draw(seed, 3000) : 0;
}

/* The same tensors for both, and what state_size says of them. */
static void draw_zoos(uint64_t *seed, char names[MOST_TENSORS][200])
{
    ours.count = twin.count = 0;
    for (size_t count = draw(seed, 13); count > 0; count--) {
        struct adadelta_tensor tensor;
        draw_tensor(seed, &tensor, ours.count, names[ours.count]);
        zoo_plan(&ours, &tensor);
        zoo_plan(&twin, &tensor);
    }
}

/* Groups and tensors in a random order. */
static void add_in_some_order(uint64_t *seed, size_t groups)
{
    size_t tensors = 0;
    for (size_t group = 0; group < groups || tensors < ours.count;) {
        if (group == 0 || tensors == ours.count || (group < groups && draw(seed, 2))) {
            group++;
            assert_int_equal(adadelta_add_group(ours.optimizer, NULL, NULL), ADADELTA_OK);
            assert_int_equal(adadelta_add_group(twin.optimizer, NULL, NULL), ADADELTA_OK);
        } else {
            assert_int_equal(zoo_add(&ours, tensors), ADADELTA_OK);
            assert_int_equal(zoo_add(&twin, tensors), ADADELTA_OK);
            tensors++;
        }
    }
}

static void run_both(struct adadelta_options options)
{
    zoo_steps(&ours, 0, 7);
    zoo_steps(&twin, 0, 7);
    assert_true(zoo_same(&ours, &twin));
    if (options.averaging != ADADELTA_AVERAGING_NONE) {
        assert_int_equal(adadelta_swap_averages(ours.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_swap_averages(twin.optimizer), ADADELTA_OK);
        assert_true(zoo_same(&ours, &twin));
    }
}

/* Whatever is asked for fits into what state_size says, to the byte, wherever the memory begins; there is no room for a
   copy beside it. */
static void the_size_is_enough(void **state)
{
    static char names[MOST_TENSORS][200];
    (void)state;
    for (uint64_t round = 0; round < 400; round++) {
        uint64_t seed = round;
        struct adadelta *copy = (struct adadelta *)&seed;
        struct adadelta_options options = {.method = (enum adadelta_method)draw(&seed, ADADELTA_METHOD_COUNT),
                                           .threads = 1,
                                           .seed = round,
                                           .averaging = (enum adadelta_averaging)draw(&seed, 3),
                                           .average_decay = 0.5};
        draw_zoos(&seed, names);
        const size_t groups = ours.count ? 1 + draw(&seed, 9) : draw(&seed, 2);
        lay(round % 64, adadelta_state_size(&options, groups, ours.tensors, ours.count));
        assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &ours.optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_create(&options, &twin.optimizer), ADADELTA_OK);
        add_in_some_order(&seed, groups);
        assert_int_equal(adadelta_clone(ours.optimizer, &copy), ADADELTA_ERROR_MEMORY);
        assert_null(copy);
        run_both(options);
        assert_true((unsigned char *)ours.optimizer >= memory);
        assert_guarded();
        adadelta_destroy(twin.optimizer);
        if (round % 2) /* it need not be called */
            adadelta_destroy(ours.optimizer);
        assert_guarded();
    }
}

/* ---- Too little ---- */

enum { LONG_KIND = 5, FEW = 3, GROUPS = 3, CALLS = 1 + GROUPS + FEW };

static void plan_few(struct zoo *zoo, size_t first)
{
    zoo->count = 0;
    for (size_t k = 0; k < FEW; k++)
        zoo_plan(zoo, &kinds[(first + k) % KINDS]);
}

/* Makes an optimizer of three groups and tensors as far as the memory goes, and returns how many calls it went for. */
static size_t make_few(const struct adadelta_options *options)
{
    size_t calls = 0;
    enum adadelta_status status = adadelta_init_in_place(memory, memory_size, options, &ours.optimizer);
    if (status)
        assert_null(ours.optimizer);
    for (size_t k = 0; !status && k < GROUPS; k++) {
        calls++;
        status = adadelta_add_group(ours.optimizer, NULL, NULL);
    }
    for (size_t k = 0; !status && k < FEW; k++) {
        calls++;
        status = zoo_add(&ours, k);
    }
    assert_true(status == ADADELTA_OK || status == ADADELTA_ERROR_MEMORY);
    return calls + !status;
}

/* What was made before the memory ended works like another of the same tensors. */
static void run_what_there_is(const struct adadelta_options *options)
{
    assert_int_equal(adadelta_create(options, &twin.optimizer), ADADELTA_OK);
    for (size_t k = 0; k < adadelta_group_count(ours.optimizer); k++)
        assert_int_equal(adadelta_add_group(twin.optimizer, NULL, NULL), ADADELTA_OK);
    for (size_t k = 0; k < adadelta_tensor_count(ours.optimizer); k++)
        assert_int_equal(zoo_add(&twin, k), ADADELTA_OK);
    zoo_steps(&ours, 0, 2);
    zoo_steps(&twin, 0, 2);
    assert_true(zoo_same(&ours, &twin));
    adadelta_destroy(twin.optimizer);
}

/* From enough down to nothing, byte by byte: fewer and fewer calls succeed, and the first failure harms nothing. */
static void shrink(size_t first, size_t offset)
{
    const struct adadelta_options options = {.threads = 1, .averaging = ADADELTA_AVERAGING_POLYAK};
    plan_few(&ours, first);
    plan_few(&twin, first);
    const size_t full = adadelta_state_size(&options, GROUPS, ours.tensors, FEW);
    size_t before = CALLS, least = full;
    for (size_t size = full + 1; size-- > 0;) {
        plan_few(&ours, first); /* the parameters as they were */
        plan_few(&twin, first);
        lay(offset, size);
        const size_t calls = make_few(&options);
        assert_true(calls <= before);
        if (calls < before && ours.optimizer)
            run_what_there_is(&options);
        least = calls == CALLS ? size : least;
        before = calls;
        assert_guarded();
    }
    assert_int_equal(before, 0);
    assert_true(least + 64 + (offset + 63) % 64 >=
                full); /* save for what the alignment may cost, not a byte too much */
}

static void too_little_is_found_in_time(void **state)
{
    (void)state;
    for (size_t first = 0; first < KINDS; first++) {
        if (first + FEW > LONG_KIND && first <= LONG_KIND)
            continue; /* byte by byte that would take its time */
        shrink(first, 0);
        shrink(first, 1);
    }
}

static struct adadelta_tensor vast(size_t elements_of_it)
{
    return (struct adadelta_tensor){.name = "vast", .ndim = 1, .shape = {elements_of_it}, .values = memory};
}

/* A tensor that does not fit, or a copy, leaves the room for the next that does. */
static void what_fails_takes_nothing(void **state)
{
    const struct adadelta_options options = {.threads = 1};
    struct adadelta_tensor large = vast(MOST_ELEMENTS), huge = vast(SIZE_MAX / 64);
    struct adadelta *copy;
    (void)state;
    plan_few(&ours, LONG_KIND); /* so that no copy fits once it is there */
    lay(13, adadelta_state_size(&options, 1, ours.tensors, FEW));
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &ours.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(ours.optimizer, NULL, NULL), ADADELTA_OK);
    large.values = twin.values[0], huge.values = twin.values[0];
    for (size_t k = 0; k < FEW; k++) {
        for (int times = 0; times < 30; times++) {
            assert_int_equal(adadelta_add_tensor(ours.optimizer, 0, &large, NULL), ADADELTA_ERROR_MEMORY);
            if (k == 0) /* alone: all there is would overlap it */
                assert_int_equal(adadelta_add_tensor(ours.optimizer, 0, &huge, NULL), ADADELTA_ERROR_MEMORY);
            else
                assert_int_equal(adadelta_clone(ours.optimizer, &copy), ADADELTA_ERROR_MEMORY);
        }
        assert_int_equal(zoo_add(&ours, k), ADADELTA_OK);
    }
    assert_guarded();
}

static void a_copy_goes_into_the_rest(void **state)
{
    const struct adadelta_options options = {.threads = 1, .averaging = ADADELTA_AVERAGING_EXPONENTIAL};
    struct adadelta *copy;
    (void)state;
    zoo_plan_all(&ours);
    zoo_plan_all(&twin);
    lay(31, 2 * adadelta_state_size(&options, 3, ours.tensors, ours.count));
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &ours.optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_create(&options, &twin.optimizer), ADADELTA_OK);
    zoo_add_all(&ours);
    zoo_add_all(&twin);
    zoo_steps(&ours, 0, 5);
    zoo_steps(&twin, 0, 5);
    assert_int_equal(adadelta_clone(ours.optimizer, &copy), ADADELTA_OK);
    assert_true((unsigned char *)copy > memory && (unsigned char *)copy < memory + memory_size);
    ours.optimizer = copy;
    zoo_steps(&ours, 5, 10);
    zoo_steps(&twin, 5, 10);
    assert_true(zoo_same(&ours, &twin));
    assert_guarded();
    adadelta_destroy(twin.optimizer);
}

static void wrong_arguments_are_refused(void **state)
{
    struct adadelta_options options = {.threads = 1};
    struct adadelta *optimizer = (struct adadelta *)room;
    (void)state;
    lay(0, 4096);
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_init_in_place(NULL, memory_size, &options, &optimizer), ADADELTA_ERROR_ARGUMENT);
    assert_null(optimizer);
    options.threads = -1;
    optimizer = (struct adadelta *)room;
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &optimizer), ADADELTA_ERROR_ARGUMENT);
    assert_null(optimizer);
    options = (struct adadelta_options){.averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = 1};
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &optimizer), ADADELTA_ERROR_AVERAGE);
    for (size_t i = 0; i < memory_size; i++)
        assert_int_equal(memory[i], 0xa5); /* not even begun */
    options = adadelta_options_default();
    options.allocator.context = room; /* an allocator is ignored, half of one, too */
    options.allocator.release = (void (*)(void *, size_t, void *))abort;
    assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &optimizer), ADADELTA_OK);
    adadelta_destroy(optimizer);
    assert_int_equal(adadelta_init_in_place(memory, memory_size, NULL, &optimizer), ADADELTA_OK);
    assert_guarded();
}

/* ---- Sizes ---- */

static size_t size_of(struct adadelta_tensor tensor)
{
    tensor.name = tensor.name ? tensor.name : "w";
    return adadelta_state_size(NULL, 1, &tensor, 1);
}

static void what_cannot_be_has_no_size(void **state)
{
    const struct adadelta_tensor good = {.name = "w", .ndim = 1, .shape = {3}};
    const struct adadelta_tensor wrong[] = {
        {.name = "", .ndim = 1, .shape = {3}},
        {.name = "\xff", .ndim = 1, .shape = {3}},
        {.ndim = ADADELTA_MAX_DIMS + 1},
        {.ndim = 1, .shape = {SIZE_MAX}},
        {.ndim = 1, .shape = {SIZE_MAX / 8}},
        {.ndim = 2, .shape = {0, SIZE_MAX}},
        {.ndim = 2, .shape = {(size_t)1 << 32, (size_t)1 << 32}},
        {.ndim = 1, .shape = {3, 1}},
        {.max_rows = 1},
        {.ndim = 1, .shape = {3}, .max_rows = SIZE_MAX},
        {.ndim = 1, .shape = {3}, .max_rows = SIZE_MAX / 8},
        {.dtype = ADADELTA_U8},
        {.dtype = ADADELTA_DTYPE_COUNT},
        {.gradient_dtype = ADADELTA_U16},
        {.state_dtype = ADADELTA_DTYPE_COUNT},
        {.dtype = ADADELTA_BF16, .state_dtype = ADADELTA_F64},
        {.dtype = ADADELTA_F16, .weights = ADADELTA_WEIGHTS_SPLIT},
        {.dtype = ADADELTA_F32, .weights = (enum adadelta_weights)4},
        {.dtype = ADADELTA_BF16, .weights = (enum adadelta_weights)1000},
    };
    struct adadelta_options options[] = {
        {.method = ADADELTA_METHOD_COUNT},
        {.threads = -1},
        {.threads = 1025},
        {.averaging = (enum adadelta_averaging)3},
        {.averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = 1},
    };
    const struct adadelta_tensor nameless = {.ndim = 1, .shape = {3}};
    (void)state;
    assert_true(size_of(good) < 5000);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        if (size_of(wrong[k]) != SIZE_MAX)
            fail_msg("tensor %zu has a size: %zu", k, size_of(wrong[k]));
    }
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        if (adadelta_state_size(&options[k], 1, &good, 1) != SIZE_MAX)
            fail_msg("options %zu have a size", k);
    }
    assert_int_equal(adadelta_state_size(NULL, 1, &nameless, 1), SIZE_MAX);
    assert_int_equal(adadelta_state_size(NULL, 1, NULL, 1), SIZE_MAX);
    assert_int_equal(adadelta_state_size(NULL, 0, &good, 1), SIZE_MAX); /* a tensor is in a group */
    assert_int_equal(adadelta_state_size(NULL, SIZE_MAX, NULL, 0), SIZE_MAX);
    assert_int_equal(adadelta_state_size(NULL, SIZE_MAX / 64, NULL, 0), SIZE_MAX);
    assert_true(adadelta_state_size(NULL, 0, NULL, 0) < 5000);
}

/* So many bytes of state an element, as the header has it: the size is no less, and little more; or there is none, as
   where there could not be so many doubles. */
static void assert_size(struct adadelta_tensor tensor, const struct adadelta_options *options, long double state_bytes)
{
    const long double n = (long double)tensor.shape[0] * tensor.shape[1];
    const long double lists = tensor.max_rows ? 8.0L * ((long double)tensor.shape[0] + tensor.max_rows) : 0;
    const long double least = n * state_bytes + lists;
    tensor.name = "w";
    const size_t size = adadelta_state_size(options, 1, &tensor, 1);
    if (least > PTRDIFF_MAX || n > PTRDIFF_MAX / 8)
        assert_int_equal(size, SIZE_MAX);
    else if (size != SIZE_MAX)
        assert_true(size > least && size < least * 1.1L + 20 * tensor.max_rows + 5000);
    else
        assert_true(least > (long double)PTRDIFF_MAX * 0.9L);
}

static void vast_shapes_do_not_overflow(void **state)
{
    const struct adadelta_options plain = {.threads = 0}, averaging = {.averaging = ADADELTA_AVERAGING_POLYAK};
    (void)state;
    for (int bits = 0; bits < 62; bits++)
        for (int split = 0; split <= bits; split++)
            for (int more = 0; more < 2; more++) {
                struct adadelta_tensor t = {
                    .ndim = 2, .shape = {((size_t)1 << split) + (size_t)more, (size_t)1 << (bits - split)}};
                assert_size(t, &plain, 8);
                assert_size(t, &averaging, 12);
                t.max_rows = t.shape[0];
                assert_size(t, &plain, 8);
                t.max_rows = 0, t.dtype = ADADELTA_F64;
                assert_size(t, &averaging, 24);
                t.dtype = ADADELTA_BF16;
                assert_size(t, &averaging, 8 + 4 + 4 + 2);
                t.weights = ADADELTA_WEIGHTS_SPLIT, t.state_dtype = ADADELTA_F16;
                assert_size(t, &plain, 4 + 2);
            }
}

/* ---- Without malloc ---- */

static void nothing_calls_malloc(void **state)
{
    struct adadelta *copy;
    const long before = mallocs;
    (void)state;
    if (!REPLACED)
        skip();
    for (int averaging = 0; averaging <= ADADELTA_AVERAGING_POLYAK; averaging++)
        for (int method = 0; method < ADADELTA_METHOD_COUNT; method++) {
            struct adadelta_options options = {.method = (enum adadelta_method)method,
                                               .averaging = (enum adadelta_averaging)averaging,
                                               .average_decay = 0.9,
                                               .threads = 1};
            forbidden = 1;
            zoo_plan_all(&ours);
            lay((size_t)(7 * method + averaging), 2 * adadelta_state_size(&options, 5, ours.tensors, ours.count));
            assert_int_equal(adadelta_init_in_place(memory, memory_size, &options, &ours.optimizer), ADADELTA_OK);
            zoo_add_all(&ours);
            zoo_steps(&ours, 0, 10);
            assert_int_equal(adadelta_clone(ours.optimizer, &copy), ADADELTA_OK);
            if (averaging)
                assert_int_equal(adadelta_swap_averages(copy), ADADELTA_OK);
            for (int more = 0; more < 2; more++)
                assert_int_equal(adadelta_add_group(copy, NULL, NULL), ADADELTA_OK);
            for (size_t k = 0; k < ours.count; k++) {
                struct adadelta_tensor_stats stats;
                assert_int_equal(adadelta_get_tensor_stats(copy, k, &stats), ADADELTA_OK);
            }
            assert_int_equal(adadelta_add_tensor(copy, 0, &ours.tensors[0], NULL), ADADELTA_ERROR_NAME);
            adadelta_destroy(copy);
            adadelta_destroy(ours.optimizer);
            forbidden = 0;
            assert_guarded();
        }
    assert_int_equal(mallocs, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_size_is_enough),          cmocka_unit_test(too_little_is_found_in_time),
        cmocka_unit_test(what_fails_takes_nothing),    cmocka_unit_test(a_copy_goes_into_the_rest),
        cmocka_unit_test(wrong_arguments_are_refused), cmocka_unit_test(what_cannot_be_has_no_size),
        cmocka_unit_test(vast_shapes_do_not_overflow), cmocka_unit_test(nothing_calls_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
