/* SPDX-License-Identifier: MIT */
/* The memory of a change of the state's type: taken for all tensors before anything changes, given back to the byte, in
   memory of the caller's, too; and steps with codes, which take none. */
#include "own_memory.h"
#include "coded_state.h"

/* ---- An allocator that fails when it is told to ---- */

struct books {
    long left; /* calls until one fails; below 0: none does */
    size_t pieces, bytes;
};

static struct books books;

static void *take(size_t size, size_t alignment, void *context)
{
    struct books *b = context;
    if (b->left >= 0 && b->left-- == 0)
        return NULL;
    b->pieces++;
    b->bytes += size;
    void *memory = aligned_alloc(alignment, (size + 63) / 64 * 64);
    assert_non_null(memory);
    return memset(memory, 0xaa, size);
}

static void give(void *memory, size_t size, void *context)
{
    struct books *b = context;
    b->pieces--;
    b->bytes -= size;
    memset(memory, 0x55, size); /* who still reads it must see that it is gone */
    free(memory);
}

/* ---- A group of every kind ---- */

static struct zoo ours, twin;

/* Kinds whose values go with state of every type but F64, in one group; the last is in another. */
static void start(struct zoo *zoo, enum adadelta_averaging averaging, enum adadelta_dtype type)
{
    const struct adadelta_options options = {.threads = 1,
                                             .averaging = averaging,
                                             .average_decay = 0.9,
                                             .allocator = {take, give, &books},
                                             .state_dtype = type};
    zoo_plan_all(zoo);
    assert_int_equal(adadelta_create(&options, &zoo->optimizer), ADADELTA_OK);
    zoo_add_all(zoo);
    zoo_steps(zoo, 0, 5);
}

static size_t tensors_to_change(const struct zoo *zoo, size_t group, enum adadelta_dtype to)
{
    size_t count = 0, of = 0;
    struct adadelta_tensor tensor;
    for (size_t k = 0; k < zoo->count; k++) {
        assert_int_equal(adadelta_get_tensor(zoo->optimizer, k, &tensor), ADADELTA_OK);
        assert_int_equal(adadelta_tensor_group(zoo->optimizer, k, &of, NULL), ADADELTA_OK);
        count += of == group && tensor.state_dtype != to && elements(&tensor) > 0;
    }
    return count;
}

/* Lets the k-th allocation fail: what fails leaves all as it was, its memory given back, and goes when done again. */
static int fails_cleanly(enum adadelta_averaging averaging, enum adadelta_dtype from, enum adadelta_dtype to, long k)
{
    static struct state_bytes before, after;
    enum adadelta_dtype shared;
    books.left = -1;
    start(&ours, averaging, from);
    start(&twin, averaging, from);
    const size_t expected = tensors_to_change(&ours, 1, to), pieces = books.pieces, bytes = books.bytes;
    read_state(ours.optimizer, &before);
    books.left = k;
    const enum adadelta_status status = adadelta_set_state_dtype(ours.optimizer, 1, to);
    const int reached = books.left < 0;
    if (reached) { /* and once more, sooner */
        books.left = k / 2;
        assert_int_equal(adadelta_set_state_dtype(ours.optimizer, 1, to), ADADELTA_ERROR_MEMORY);
    }
    books.left = -1;
    assert_int_equal(reached, (size_t)k < expected);
    assert_int_equal(status, reached ? ADADELTA_ERROR_MEMORY : ADADELTA_OK);
    if (reached) {
        read_state(ours.optimizer, &after);
        assert_true(same_state(&before, &after));
        assert_true(books.pieces == pieces && books.bytes == bytes);
        assert_non_null(strstr(adadelta_error_text(ours.optimizer), "no memory for tensor '"));
        assert_int_equal(adadelta_get_state_dtype(ours.optimizer, 1, &shared), ADADELTA_OK);
        assert_int_equal(shared, ADADELTA_DTYPE_DEFAULT);
        zoo_steps(&ours, 5, 7);
        zoo_steps(&twin, 5, 7);
        assert_true(zoo_same(&ours, &twin));
        assert_int_equal(adadelta_set_state_dtype(ours.optimizer, 1, to), ADADELTA_OK);
    }
    assert_int_equal(books.pieces, pieces);
    assert_int_equal(tensors_to_change(&ours, 1, to), 0);
    zoo_steps(&ours, 7, 9);
    adadelta_destroy(ours.optimizer);
    adadelta_destroy(twin.optimizer);
    assert_true(books.pieces == 0 && books.bytes == 0);
    return reached;
}

static void out_of_memory_changes_nothing(void **state)
{
    static const enum adadelta_dtype pairs[][2] = {{ADADELTA_DTYPE_DEFAULT, ADADELTA_U16},
                                                   {ADADELTA_U16, ADADELTA_U8},
                                                   {ADADELTA_U8, ADADELTA_F32},
                                                   {ADADELTA_U8, ADADELTA_BF16}};
    (void)state;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (int averaging = 0; averaging < 3; averaging++) {
            long k = 0;
            while (fails_cleanly((enum adadelta_averaging)averaging, pairs[p][0], pairs[p][1], k))
                k++;
            assert_true(k >= 3);
        }
}

/* A change gives the old memory back: what an optimizer then has is what one made with that type has. */
static void memory_is_that_of_the_type(void **state)
{
    static float x[1000];
    static const enum adadelta_dtype types[] = {ADADELTA_F32, ADADELTA_F64, ADADELTA_BF16, ADADELTA_U16, ADADELTA_U8};
    (void)state;
    for (size_t k = 0; k < 25; k++) {
        struct adadelta_options options = {.allocator = {take, give, &books}, .state_dtype = types[k % 5]};
        const struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {1000}, .values = x};
        struct adadelta *changed = optimizer_of(&options, NULL);
        assert_int_equal(adadelta_add_tensor(changed, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_set_tensor_state_dtype(changed, 0, types[k / 5]), ADADELTA_OK);
        const struct books now = books;
        const size_t bytes = adadelta_state_bytes(changed);
        adadelta_destroy(changed);
        options.state_dtype = types[k / 5];
        struct adadelta *made = optimizer_of(&options, NULL);
        assert_int_equal(adadelta_add_tensor(made, 0, &tensor, NULL), ADADELTA_OK);
        assert_true(books.pieces == now.pieces && books.bytes == now.bytes && adadelta_state_bytes(made) == bytes);
        adadelta_destroy(made);
        assert_int_equal(books.pieces, 0);
    }
}

/* ---- In memory of the caller's ---- */

enum { LONG = 1000 };

static _Alignas(64) char room[1 << 17];

/* The new state takes room beside the old: one byte less than it needs changes nothing, however often it is tried. */
static void in_place(enum adadelta_dtype from, enum adadelta_dtype to)
{
    static struct state_bytes before, after;
    static float x[2][LONG], g[2][LONG];
    static const char *const names[] = {"a", "b"};
    const struct adadelta_options options = {.threads = 1, .state_dtype = from};
    const struct adadelta_tensor tensor = {.name = "a", .ndim = 1, .shape = {LONG}, .values = x};
    const struct adadelta_tensor two[] = {tensor, tensor};
    const size_t needed = 2 * 2 * ((LONG * adadelta_dtype_size(to) + 63) / 64 * 64);
    const size_t size = adadelta_state_size(&options, 1, two, 2);
    for (int enough = 0; enough < 2; enough++) {
        struct adadelta *optimizer;
        uint64_t seed = 4;
        fill_random(ADADELTA_F32, g, sizeof g / sizeof(float), &seed, -6, 1);
        /* Rounded up, what the alignment and the last piece do not need is less than two lines. */
        const size_t given = enough ? size + needed : size + needed - 128;
        assert_true(given <= sizeof room);
        assert_int_equal(adadelta_init_in_place(room, given, &options, &optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
        for (int k = 0; k < 2; k++) {
            struct adadelta_tensor one = tensor;
            one.name = names[k], one.values = x[k], one.gradient = g[k];
            assert_int_equal(adadelta_add_tensor(optimizer, 0, &one, NULL), ADADELTA_OK);
        }
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        read_state(optimizer, &before);
        for (int times = 0; times < 5 && !enough; times++)
            assert_int_equal(adadelta_set_state_dtype(optimizer, 0, to), ADADELTA_ERROR_MEMORY);
        read_state(optimizer, &after);
        assert_true(same_state(&before, &after));
        /* There is room for one, or for both. */
        assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 1, to), ADADELTA_OK);
        assert_int_equal(adadelta_set_tensor_state_dtype(optimizer, 0, to),
                         enough ? ADADELTA_OK : ADADELTA_ERROR_MEMORY);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    }
}

static void in_memory_of_the_caller_s(void **state)
{
    (void)state;
    in_place(ADADELTA_F32, ADADELTA_U16);
    in_place(ADADELTA_F32, ADADELTA_U8);
    in_place(ADADELTA_U16, ADADELTA_F32);
    in_place(ADADELTA_U8, ADADELTA_F64);
}

/* ---- What needs no memory ---- */

/* Steps of every kind, changes of eps, and all that looks at codes. */
static void steps_take_no_memory(void **state)
{
    static double numbers[MOST_ELEMENTS];
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        start(&ours, ADADELTA_AVERAGING_POLYAK, coded_types[c]);
        const size_t pieces = books.pieces;
        const long before = mallocs;
        forbidden = 1;
        books.left = 0;
        zoo_steps(&ours, 5, 25);
        for (size_t k = 0; k < ours.count; k++) {
            struct adadelta_tensor_stats stats;
            struct adadelta_tensor array = ours.tensors[k];
            struct adadelta_hyper hyper = adadelta_hyper_default();
            assert_int_equal(adadelta_get_tensor_stats(ours.optimizer, k, &stats), ADADELTA_OK);
            get_numbers(ours.optimizer, k, "acc_delta", numbers);
            array.dtype = ADADELTA_F64, array.values = numbers;
            if (ours.optimizer->tensors[k].info.state_dtype == coded_types[c])
                assert_int_equal(adadelta_set_state(ours.optimizer, k, "square_avg", &array), ADADELTA_OK);
            hyper.eps = 1e-5;
            assert_int_equal(adadelta_set_tensor_hyper(ours.optimizer, k, &hyper), ADADELTA_OK);
            hyper.eps = 1e-4;
            assert_int_equal(adadelta_set_hyper(ours.optimizer, k % 3, &hyper), ADADELTA_OK);
        }
        forbidden = 0;
        books.left = -1;
        assert_int_equal(mallocs, before);
        assert_int_equal(books.pieces, pieces);
        adadelta_destroy(ours.optimizer);
    }
}

int main(void)
{
    books.left = -1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_memory_changes_nothing),
        cmocka_unit_test(memory_is_that_of_the_type),
        cmocka_unit_test(in_memory_of_the_caller_s),
        cmocka_unit_test(steps_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
