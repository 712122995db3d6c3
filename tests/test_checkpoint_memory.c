/* SPDX-License-Identifier: MIT */
/* Saving and loading where each allocation in turn fails: the status says so, nothing has changed, nothing leaks.
   jansson's allocations fail everywhere; the C library's too where its allocator can be replaced. */
#include "checkpoint_fixture.h"
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>

#include "sanitized.h"

/* left: allocations until one fails; below 0: none does. volatile, as compilers take malloc to leave variables
   alone. */
static volatile long live, left = -1;

static int fails(void)
{
    return left >= 0 && left-- == 0;
}

/* What stands in for functions of other libraries must be visible to them, whatever the build says of visibility. */
#pragma GCC visibility push(default)

#if defined(__GLIBC__) && !defined(SANITIZED)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static void *counted(void *memory)
{
    live += memory != NULL;
    if (!memory)
        errno = ENOMEM;
    return memory;
}

void *malloc(size_t size)
{
    return counted(fails() ? NULL : __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return counted(fails() ? NULL : __libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    void *new = fails() ? NULL : __libc_realloc(old, size);
    return old ? new : counted(new);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return counted(fails() ? NULL : __libc_memalign(alignment, size));
}

void free(void *memory)
{
    live -= memory != NULL;
    __libc_free(memory);
}

#else
static void *json_malloc(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);
    live += memory != NULL;
    return memory;
}

static void json_free(void *memory)
{
    live -= memory != NULL;
    free(memory);
}
#endif

/* jansson 2.14 loses bytes in silence when its lexer cannot grow its buffer, and nothing can be done about it from
   outside. So here a parse fails as a whole or not at all. */
json_t *json_loadb(const char *text, size_t length, size_t flags, json_error_t *error)
{
    json_t *(*real)(const char *, size_t, size_t, json_error_t *), *json;
    const int failed = fails();
    const long was = left;

    left = -1;
    *(void **)&real = dlsym(RTLD_NEXT, "json_loadb");
    json = failed ? NULL : real(text, length, flags, error); /* error stays empty, as where jansson has no memory */
    left = was;
    return json;
}

#pragma GCC visibility pop

static int set_up(void **state)
{
#if !defined(__GLIBC__) || defined(SANITIZED)
    json_set_alloc_funcs(json_malloc, json_free);
#endif
    return make_folder(state);
}

static enum adadelta_status read_file(struct run *run, struct adadelta_error *error)
{
    struct adadelta_checkpoint *checkpoint;
    enum adadelta_status status = adadelta_checkpoint_read(path, &checkpoint, error);

    (void)run;
    if (status)
        assert_null(checkpoint);
    adadelta_checkpoint_destroy(checkpoint);
    return status;
}

static enum adadelta_status save_file(struct run *run, struct adadelta_error *error)
{
    return adadelta_save(run->optimizer, path, error);
}

static enum adadelta_status load_file(struct run *run, struct adadelta_error *error)
{
    return adadelta_load(run->optimizer, path, error);
}

/* Fails the first, second, ... allocation of some work until it needs no more. */
static void fail_at_each(enum adadelta_status (*work)(struct run *run, struct adadelta_error *error))
{
    enum adadelta_status status = ADADELTA_ERROR_MEMORY;
    struct run saved, run;
    struct snapshot before, after;
    struct adadelta_error error;
    struct bytes old, now;
    long k, held;

    run_start(&saved, ADADELTA_METHOD_ADAMW, 1);
    run_start(&run, ADADELTA_METHOD_ADAMW, 2);
    run_steps(&run, 0, 4);
    assert_int_equal(adadelta_save(saved.optimizer, path, NULL), ADADELTA_OK);
    old = slurp(path);
    before = snapshot_of(&run);
    for (k = 0; status == ADADELTA_ERROR_MEMORY; k++) {
        error = (struct adadelta_error){.status = ADADELTA_OK};
        held = live;
        left = k;
        status = work(&run, &error);
        left = -1;
        assert_int_equal(error.status, status);
        assert_int_equal(live, held);
        if (status) {
            after = snapshot_of(&run);
            assert_true(same(&before, &after));
            now = slurp(path);
            assert_int_equal(now.size, old.size);
            assert_memory_equal(now.data, old.data, old.size);
            free(now.data);
        }
        assert_true(k < 100000);
    }
    if (status)
        fail_msg("allocation %ld: %s", k - 1, error.text);
    assert_true(k > 30); /* 12 arrays, each with a name, a number and a place in the header */
    free(old.data);
    run_end(&saved);
    run_end(&run);
}

static void saving(void **state)
{
    (void)state;
    fail_at_each(save_file);
}

static void reading(void **state)
{
    (void)state;
    fail_at_each(read_file);
}

static void loading(void **state)
{
    (void)state;
    fail_at_each(load_file);
}

/* Putting things into a checkpoint, where a failure must leave it as it was. */
static void setting(void **state)
{
    struct adadelta_checkpoint *checkpoint = NULL;
    struct adadelta_tensor tensor = {.name = "x", .ndim = 1, .shape = {1}, .values = &checkpoint}, got;
    enum adadelta_status status;
    (void)state;
    for (long k = 0; !checkpoint; k++) {
        left = k;
        status = adadelta_checkpoint_create(&checkpoint);
        left = -1;
        assert_int_equal(status, checkpoint ? ADADELTA_OK : ADADELTA_ERROR_MEMORY);
    }
    assert_int_equal(adadelta_checkpoint_set_text(checkpoint, "a", "old"), ADADELTA_OK);
    status = ADADELTA_ERROR_MEMORY;
    for (long k = 0; status; k++) {
        assert_string_equal(adadelta_checkpoint_text(checkpoint, "a"), "old");
        left = k;
        status = adadelta_checkpoint_set_text(checkpoint, "a", "new");
        left = -1;
    }
    assert_string_equal(adadelta_checkpoint_text(checkpoint, "a"), "new");
    status = ADADELTA_ERROR_MEMORY;
    for (long k = 0; status; k++) {
        assert_int_equal(adadelta_checkpoint_tensor(checkpoint, "x", &got), ADADELTA_ERROR_NAME);
        left = k;
        status = adadelta_checkpoint_set_tensor(checkpoint, &tensor);
        left = -1;
    }
    assert_int_equal(adadelta_checkpoint_tensor(checkpoint, "x", &got), ADADELTA_OK);
    adadelta_checkpoint_destroy(checkpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving),
        cmocka_unit_test(reading),
        cmocka_unit_test(loading),
        cmocka_unit_test(setting),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
