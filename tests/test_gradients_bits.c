/* SPDX-License-Identifier: MIT */
/*
 * Norms have the same bits on every instruction set, for every number of threads and every alignment; and tensors
 * stepped one by one end where a step of all would have brought them. The instruction set is chosen once a process, so
 * each has a child, and that test comes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "gradients.h"
#include "instruction_sets.h"

/* ---- Norms ---- */

/* Around the borders of blocks; all together enough for seven threads. */
static const size_t lengths[] = {4095, 4096, 4097, 3 * 4096 + 5, 300000, 1, 15, 16, 17, 511, 513};

enum { TENSORS = LENGTH(lengths), STEPS = 2, SHIFTS = 3 };

/* FNV-1a, 64 bits, by words of eight bytes. */
static uint64_t digest(uint64_t hash, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof hash) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 32;
    }
    return hash;
}

/* All float, all double, or mixed, so that gradients and values take every way: in place, or through buffers. */
static struct adadelta_tensor kind_of(size_t k, int mixed)
{
    static const enum adadelta_dtype values[] = {ADADELTA_F32, ADADELTA_BF16, ADADELTA_F64, ADADELTA_F32};
    static const enum adadelta_dtype gradients[] = {ADADELTA_BF16, ADADELTA_F32, ADADELTA_F16, ADADELTA_F64};
    const enum adadelta_dtype plain = mixed == 1 ? ADADELTA_F64 : ADADELTA_F32;
    return (struct adadelta_tensor){.dtype = mixed == 2 ? values[k % 4] : plain,
                                    .gradient_dtype = mixed == 2 ? gradients[k % 4] : plain,
                                    .ndim = 1,
                                    .shape = {lengths[k]}};
}

/* Steps with each tensor's norm and the norm of all bounded, what the gradients are measured by; a digest of all that
   came of it. Arrays stand that many bytes behind an aligned place. */
static uint64_t norms_digest(int threads, int mixed, size_t shift)
{
    const struct adadelta_options options = {.method = ADADELTA_METHOD_RMSPROP, .threads = threads};
    const struct adadelta_gradients how = {.scale = 3, .clip_value = 5, .clip_norm = 30, .clip_global_norm = 25};
    struct adadelta *optimizer = new_optimizer(options, NULL);
    unsigned char *x[TENSORS], *g[TENSORS];
    uint64_t hash = 14695981039346656037u;
    set_gradients(optimizer, how);
    OK(adadelta_set_measuring(optimizer, 1));
    for (size_t k = 0; k < TENSORS; k++) {
        char name[8];
        struct adadelta_tensor tensor = kind_of(k, mixed);
        snprintf(name, sizeof name, "%zu", k);
        x[k] = random_array(tensor.dtype, lengths[k] + 64, k, -1, 1);
        g[k] = random_array(tensor.gradient_dtype, lengths[k] + 64, 20 + k, -5, 5);
        /* The same numbers wherever they stand. */
        memmove(x[k] + shift, x[k], lengths[k] * adadelta_dtype_size(tensor.dtype));
        memmove(g[k] + shift, g[k], lengths[k] * adadelta_dtype_size(tensor.gradient_dtype));
        tensor.name = name;
        tensor.values = x[k] + shift;
        tensor.gradient = g[k] + shift;
        add_tensor(optimizer, &tensor);
    }
    for (int t = 0; t < STEPS; t++)
        OK(adadelta_step(optimizer));
    struct snapshot all = take_snapshot(optimizer);
    hash = digest(hash, all.bytes, all.size);
    free(all.bytes);
    adadelta_destroy(optimizer);
    for (size_t k = 0; k < TENSORS; k++) {
        free(x[k]);
        free(g[k]);
    }
    return hash;
}

static uint64_t *shared; /* [3], the first child's, by mixed */

static int child_agrees(void)
{
    const int threads[] = {1, 2, 3, 7};
    const size_t shifts[SHIFTS] = {0, 1, 12};
    int bad = 0;
    for (int mixed = 0; mixed < 3; mixed++)
        for (size_t i = 0; i < LENGTH(threads); i++)
            for (size_t s = 0; s < (i == 0 ? SHIFTS : 1u); s++) {
                const uint64_t hash = norms_digest(threads[i], mixed, shifts[s]);
                if (!shared[mixed])
                    shared[mixed] = hash;
                if (shared[mixed] != hash)
                    fprintf(stderr, "%s, %d threads, types %d, shift %zu\n", adadelta_isa_name(), threads[i], mixed,
                            shifts[s]);
                bad |= shared[mixed] != hash;
            }
    return bad;
}

/* A set that this machine has not is a cap like any other: that child computes with another one. */
static void norms_have_the_same_bits_everywhere(void **state)
{
    (void)state;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    for (size_t i = 0; i < LENGTH(names); i++) {
        int status = 0;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            setenv("ADADELTA_ISA", names[i], 1);
            _exit(child_agrees());
        }
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_true(shared[0] && shared[1] && shared[2] && shared[0] != shared[1]);
    munmap(shared, 4096);
}

/* ---- One by one ---- */

enum { KINDS = 5, LONG = 1500 };

static const struct adadelta_tensor kinds[KINDS] = {
    {.name = "f32", .dtype = ADADELTA_F32, .ndim = 1, .shape = {LONG}},
    {.name = "f64", .dtype = ADADELTA_F64, .ndim = 1, .shape = {33}, .no_decay = 1},
    {.name = "master", .dtype = ADADELTA_BF16, .ndim = 2, .shape = {7, 11}, .gradient_dtype = ADADELTA_F32},
    {.name = "chance",
     .dtype = ADADELTA_F16,
     .ndim = 1,
     .shape = {700},
     .state_dtype = ADADELTA_BF16,
     .weights = ADADELTA_WEIGHTS_STOCHASTIC},
    {.name = "rows",
     .dtype = ADADELTA_BF16,
     .ndim = 2,
     .shape = {5, 3},
     .weights = ADADELTA_WEIGHTS_SPLIT,
     .max_rows = 4},
};

static const size_t rows[4] = {3, 0, 3, 1};

struct side {
    struct adadelta *optimizer;
    void *x[KINDS], *g[KINDS];
};

static void build(struct side *side, enum adadelta_method method, enum adadelta_averaging averaging)
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .seed = 77, .averaging = averaging, .average_decay = 0.9};
    const struct adadelta_gradients how = {
        .scale = 4, .nonfinite = ADADELTA_NONFINITE_SKIP, .clip_value = 2, .clip_norm = 3};
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    struct adadelta_schedule schedule = adadelta_schedule_default();
    schedule.kind = ADADELTA_SCHEDULE_COSINE;
    schedule.steps = 6;
    schedule.warmup = 2;
    hyper.weight_decay = 0.1;
    side->optimizer = new_optimizer(options, &hyper);
    set_gradients(side->optimizer, how);
    OK(adadelta_set_schedule(side->optimizer, &schedule));
    OK(adadelta_set_measuring(side->optimizer, 1));
    for (size_t k = 0; k < KINDS; k++) {
        struct adadelta_tensor tensor = kinds[k];
        side->x[k] = random_array(tensor.dtype, LONG, k, -1, 1);
        side->g[k] = random_array(ADADELTA_F64, LONG, 0, 0, 0); /* room for any type */
        tensor.values = side->x[k];
        add_tensor(side->optimizer, &tensor);
    }
    OK(adadelta_set_tensor_hyper(side->optimizer, 2, &hyper));
}

static void finish(struct side *side)
{
    adadelta_destroy(side->optimizer);
    for (size_t k = 0; k < KINDS; k++) {
        free(side->x[k]);
        free(side->g[k]);
    }
}

/* spoil: the third tensor's is not usable. */
static void draw_gradients(struct side *side, int step, int spoil)
{
    for (size_t k = 0; k < KINDS; k++) {
        const enum adadelta_dtype dtype = tensor_of(side->optimizer, k).gradient_dtype;
        void *drawn = random_array(dtype, LONG, 100 * (uint64_t)step + k, -4, 4);
        memcpy(side->g[k], drawn, LONG * adadelta_dtype_size(dtype));
        free(drawn);
    }
    if (spoil)
        put_number(ADADELTA_F32, side->g[2], 5, (double)NAN);
}

static void step_all(struct side *side)
{
    for (size_t k = 0; k + 1 < KINDS; k++)
        OK(adadelta_set_buffers(side->optimizer, k, side->x[k], side->g[k]));
    OK(adadelta_set_rows(side->optimizer, KINDS - 1, 4, rows, side->g[KINDS - 1]));
    OK(adadelta_step(side->optimizer));
}

/* From the last tensor to the first, as a backward pass would, each gradient gone when it has been used. */
static void step_each(struct side *side)
{
    OK(adadelta_step_rows(side->optimizer, KINDS - 1, 4, rows, side->g[KINDS - 1]));
    for (size_t k = KINDS - 1; k-- > 0;) {
        OK(adadelta_step_tensor(side->optimizer, k, side->g[k]));
        memset(side->g[k], 0xff, LONG * sizeof(double)); /* NaN in every type */
    }
    OK(adadelta_step(side->optimizer));
}

static void one_by_one_or_all_at_once(void **state)
{
    (void)state;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int a = ADADELTA_AVERAGING_NONE; a <= ADADELTA_AVERAGING_POLYAK; a++) {
            struct side all, each;
            build(&all, (enum adadelta_method)m, (enum adadelta_averaging)a);
            build(&each, (enum adadelta_method)m, (enum adadelta_averaging)a);
            for (int t = 0; t < 6; t++) {
                draw_gradients(&all, t, 0);
                draw_gradients(&each, t, 0);
                step_all(&all);
                step_each(&each);
                assert_true(hold_the_same(all.optimizer, each.optimizer));
                assert_true(adadelta_step_count(each.optimizer) == (uint64_t)t + 1);
                for (size_t k = 0; k < KINDS; k++)
                    assert_true(stats_of(each.optimizer, k).steps == (uint64_t)t + 1);
            }
            finish(&all);
            finish(&each);
        }
}

/* Alone, a tensor that is skipped does not keep the others back; the step counts, the tensor's own does not. */
static void one_by_one_with_one_skipped(void **state)
{
    (void)state;
    struct side each, without;
    build(&each, ADADELTA_METHOD_ADAMW, ADADELTA_AVERAGING_POLYAK);
    build(&without, ADADELTA_METHOD_ADAMW, ADADELTA_AVERAGING_POLYAK);
    for (int t = 0; t < 4; t++) {
        draw_gradients(&each, t, t == 1);
        draw_gradients(&without, t, 0);
        step_each(&each);
        if (t == 1) {
            for (size_t k = 0; k + 1 < KINDS; k++)
                OK(k == 2 ? ADADELTA_OK : adadelta_step_tensor(without.optimizer, k, without.g[k]));
            OK(adadelta_step_rows(without.optimizer, KINDS - 1, 4, rows, without.g[KINDS - 1]));
            OK(adadelta_step(without.optimizer));
        } else {
            step_each(&without);
        }
    }
    assert_true(hold_the_same(each.optimizer, without.optimizer));
    assert_true(adadelta_step_count(each.optimizer) == 4 && adadelta_skip_count(each.optimizer) == 0);
    for (size_t k = 0; k < KINDS; k++)
        assert_true(stats_of(each.optimizer, k).skipped == (k == 2) &&
                    stats_of(each.optimizer, k).steps == 4 - (k == 2));
    finish(&each);
    finish(&without);
}

/* A step of one tensor looks at no registered gradient, its own or another's. */
static void registered_gradients_are_not_looked_at(void **state)
{
    (void)state;
    struct side each, plain;
    double spoilt[LONG];
    memset(spoilt, 0xff, sizeof spoilt);
    build(&each, ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE);
    build(&plain, ADADELTA_METHOD_ADADELTA, ADADELTA_AVERAGING_NONE);
    draw_gradients(&each, 0, 0);
    draw_gradients(&plain, 0, 0);
    for (size_t k = 0; k < KINDS; k++)
        OK(adadelta_set_buffers(each.optimizer, k, each.x[k], spoilt));
    OK(adadelta_step_tensor(each.optimizer, 1, each.g[1]));
    OK(adadelta_step_tensor(plain.optimizer, 1, plain.g[1]));
    assert_true(hold_the_same(each.optimizer, plain.optimizer));
    for (size_t k = 0; k < KINDS; k++)
        assert_ptr_equal(tensor_of(each.optimizer, k).gradient, spoilt);
    finish(&each);
    finish(&plain);
}

/* A tensor's steps are rounded by chances of their own, also between two steps of the optimizer. */
static void each_step_has_its_own_chances(void **state)
{
    (void)state;
    struct side side;
    build(&side, ADADELTA_METHOD_SGD, ADADELTA_AVERAGING_NONE);
    draw_gradients(&side, 0, 0);
    const size_t bytes = kinds[3].shape[0] * adadelta_dtype_size(kinds[3].dtype);
    void *start = copy_of(side.x[3], bytes), *first = NULL;
    for (int t = 0; t < 2; t++) {
        memcpy(side.x[3], start, bytes);
        OK(adadelta_step_tensor(side.optimizer, 3, side.g[3]));
        if (t == 0)
            first = copy_of(side.x[3], bytes);
    }
    assert_memory_not_equal(first, side.x[3], bytes);
    free(start);
    free(first);
    finish(&side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_have_the_same_bits_everywhere), /* before anything asks for the instruction set */
        cmocka_unit_test(one_by_one_or_all_at_once),
        cmocka_unit_test(one_by_one_with_one_skipped),
        cmocka_unit_test(registered_gradients_are_not_looked_at),
        cmocka_unit_test(each_step_has_its_own_chances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
