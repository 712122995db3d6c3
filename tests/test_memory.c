/* SPDX-License-Identifier: MIT */
/*
 * Memory: a step allocates none, and where none is left the functions that need some say so, change nothing and leak
 * nothing. The C library's allocator is replaced by one that counts, and fails when told to; where that cannot be done
 * (a C library other than glibc, a sanitizer with an allocator of its own) these tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "oracle.h"

#include "sanitized.h"

#if defined(__GLIBC__) && !defined(SANITIZED)
#define REPLACED 1
#else
#define REPLACED 0
#endif

static atomic_long allocations, live, left = -1; /* left: allocations until one fails; below 0: none does */

#if REPLACED
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static int fails(void)
{
    atomic_fetch_add(&allocations, 1);
    return atomic_load(&left) >= 0 && atomic_fetch_sub(&left, 1) == 0;
}

static void *counted(void *memory)
{
    atomic_fetch_add(&live, memory != NULL);
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    return old ? __libc_realloc(old, size) : counted(__libc_malloc(size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = aligned_alloc(alignment, size);
    if (made)
        *memory = made;
    return made ? 0 : ENOMEM;
}

void free(void *memory)
{
    atomic_fetch_sub(&live, memory != NULL);
    __libc_free(memory);
}
#endif

enum { N = 20000, TENSORS = 5 }; /* enough for a second thread */

static double x[TENSORS][N], g[TENSORS][N];

static void add_tensors(struct adadelta *optimizer)
{
    static const char *const names[TENSORS] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < TENSORS; i++) {
        struct adadelta_tensor tensor = {
            .name = names[i], .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = x[i], .gradient = g[i]};
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    }
}

static struct adadelta *make(enum adadelta_method method, int threads)
{
    struct adadelta_options options = {.method = method, .threads = threads};
    struct adadelta *optimizer;
    assert_int_equal(adadelta_create(&options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    add_tensors(optimizer);
    return optimizer;
}

enum { ROUNDS = 100 };

/* What the OpenMP runtime allocates for itself to run so many threads once: nothing in GCC's, something in LLVM's. */
static long runtime_allocations(int threads)
{
    static int made[2];
    long before = atomic_load(&allocations);
    for (int t = 0; threads > 1 && t < ROUNDS; t++) {
#pragma omp parallel for num_threads(2) schedule(static, 1)
        for (int i = 0; i < 2; i++)
            made[i]++;
    }
    return atomic_load(&allocations) - before;
}

/* In a process's first step the runtime may set itself and its threads up; the library never allocates. */
static void a_step_allocates_nothing(void **state)
{
    (void)state;
    static double v[N], u[N];
    if (!REPLACED)
        skip();
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (int threads = 1; threads <= 2; threads++) {
            struct adadelta *optimizer = make((enum adadelta_method)m, threads);
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
            runtime_allocations(threads);
            long runtime = runtime_allocations(threads), before = atomic_load(&allocations);
            for (int t = 0; t < ROUNDS; t++)
                assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
            assert_true(atomic_load(&allocations) - before == runtime);
            adadelta_destroy(optimizer);
        }
    long before = atomic_load(&allocations);
    assert_int_equal(adadelta_update_f64(N, x[0], g[0], v, u, NULL), ADADELTA_OK);
    assert_true(atomic_load(&allocations) == before);
}

/* ---- Failure at every k-th allocation ---- */

typedef enum adadelta_status work(struct adadelta *optimizer, struct adadelta **made);

static enum adadelta_status work_create(struct adadelta *optimizer, struct adadelta **made)
{
    (void)optimizer;
    return adadelta_create(NULL, made);
}

static enum adadelta_status work_clone(struct adadelta *optimizer, struct adadelta **made)
{
    return adadelta_clone(optimizer, made);
}

static enum adadelta_status work_add_group(struct adadelta *optimizer, struct adadelta **made)
{
    (void)made;
    return adadelta_add_group(optimizer, NULL, NULL);
}

static enum adadelta_status work_add_tensor(struct adadelta *optimizer, struct adadelta **made)
{
    static double values[N], gradient[N];
    struct adadelta_tensor tensor = {
        .name = "one more", .dtype = ADADELTA_F64, .ndim = 1, .shape = {N}, .values = values, .gradient = gradient};
    (void)made;
    return adadelta_add_tensor(optimizer, 0, &tensor, NULL);
}

/* Lets the first, second, ... allocation of some work fail until it needs no more, and looks at what is left behind. */
static void fail_at_each(work *function)
{
    enum adadelta_status status = ADADELTA_ERROR_MEMORY;
    long k = 0;
    for (; status == ADADELTA_ERROR_MEMORY; k++) {
        struct adadelta *optimizer = make(ADADELTA_METHOD_ADAMW, 1), *made = NULL;
        struct adadelta_hyper before, after;
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_get_hyper(optimizer, 0, &before), ADADELTA_OK);
        long held = atomic_load(&live);
        atomic_store(&left, k);
        status = function(optimizer, &made);
        atomic_store(&left, -1);
        if (status == ADADELTA_ERROR_MEMORY) {
            assert_null(made);
            assert_true(atomic_load(&live) == held);
            assert_int_equal(adadelta_group_count(optimizer), 1);
            assert_int_equal(adadelta_tensor_count(optimizer), TENSORS);
            assert_int_equal(adadelta_get_hyper(optimizer, 0, &after), ADADELTA_OK);
            assert_memory_equal(&before, &after, sizeof before);
        }
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        adadelta_destroy(made);
        adadelta_destroy(optimizer);
        assert_true(k < 1000);
    }
    assert_int_equal(status, ADADELTA_OK);
    assert_true(k >= 2); /* at least one allocation there was, and it failed */
}

static void out_of_memory_changes_nothing(void **state)
{
    (void)state;
    if (!REPLACED)
        skip();
    work *const works[] = {work_create, work_clone, work_add_group, work_add_tensor};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        fail_at_each(works[i]);
}

/* More than any machine has: the system itself refuses. */
static void a_tensor_too_large_is_refused(void **state)
{
    (void)state;
    struct adadelta *optimizer = make(ADADELTA_METHOD_SGD, 1);
    size_t most = (size_t)PTRDIFF_MAX / sizeof(double);
    struct adadelta_tensor tensor = {
        .name = "vast", .dtype = ADADELTA_F64, .ndim = 1, .shape = {most + 1}, .values = x, .gradient = NULL};
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_ERROR_ARGUMENT);
    assert_int_equal(adadelta_tensor_count(optimizer), TENSORS);
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(out_of_memory_changes_nothing),
        cmocka_unit_test(a_tensor_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
