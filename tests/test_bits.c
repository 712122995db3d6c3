/* SPDX-License-Identifier: MIT */
/*
 * Same bits everywhere: every instruction set that this machine has, every short length, at every offset, with memory
 * that must not be touched directly before and behind. The instruction set is chosen once a process, so each has a
 * child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "instruction_sets.h"
#include "oracle.h"

enum {
    LANES = 16, /* the most that an instruction set has */
    LONGEST = 4 * LANES + 3,
    METHODS = ADADELTA_METHOD_COUNT + 1, /* the last: adadelta_update_f32 and _f64 */
    VARIANTS = 3,
    ARRAYS = 4, /* x, g and two of state */
    STEPS = 2,
    CANARY = 0xa5,
};

/* An array's bits, for either type. */
union array {
    float f32[LONGEST];
    double f64[LONGEST];
    unsigned char bytes[LONGEST * sizeof(double)];
};

/* What the scalar child computed, for the others to compare with. */
typedef union array results[METHODS][ADADELTA_F64 + 1][VARIANTS][ARRAYS];

static results *shared;
static unsigned char *pages[ARRAYS]; /* one page each, with a forbidden one on either side */
static size_t page_size;

static int allocate(void **state)
{
    (void)state;
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -1;
    for (int k = 0; k < ARRAYS; k++) {
        unsigned char *three = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (three == MAP_FAILED || mprotect(three + page_size, page_size, PROT_READ | PROT_WRITE))
            return -1;
        pages[k] = three + page_size;
    }
    return 0;
}

/* Element i of an array: mostly ordinary, every third one special. Depends on nothing else, so that an element can be
   compared wherever it stands. State that is a mean of squares is not negative. */
static double draw(enum adadelta_dtype dtype, int array, size_t i)
{
    const double small = dtype == ADADELTA_F32 ? FLT_MIN : DBL_MIN, most = dtype == ADADELTA_F32 ? FLT_MAX : DBL_MAX;
    const double specials[] = {
        0,           -0.0, small,       small / 8,  -small / 64, small * 3, most, -most / 4, (double)INFINITY,
        (double)NAN, 1,    sqrt(small), sqrt(most), 1e-3,        -1e10,     1e-20};
    uint64_t seed = 100 * (uint64_t)array + i;
    double value = random_magnitude(&seed, -12, 8);
    if ((i + (size_t)array) % 3 == 0)
        value = specials[random_bits(&seed) % (sizeof specials / sizeof *specials)];
    return array >= 2 ? fabs(value) : value;
}

static struct adadelta_hyper settings(int method, int variant)
{
    struct adadelta_hyper hyper = adadelta_hyper_for((enum adadelta_method)method); /* Adadelta's past the last */
    hyper.lr *= variant ? 0.7 : 1;
    hyper.weight_decay = variant ? 0.1 : 0;
    hyper.decoupled = variant == 2;
    hyper.nesterov = variant == 1;
    return hyper;
}

static int step_object(int method, enum adadelta_dtype dtype, const struct adadelta_hyper *hyper, size_t n,
                       void *const arrays[ARRAYS])
{
    struct adadelta_options options = {.method = (enum adadelta_method)method, .threads = 1};
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = dtype, .ndim = 1, .shape = {n}, .values = arrays[0], .gradient = arrays[1]};
    struct adadelta *optimizer;
    size_t bytes = n * element_size(dtype), states = method_states(options.method);
    void *s[2];
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.nonfinite = ADADELTA_NONFINITE_PROPAGATE; /* NaN and infinity have their bits, too */
    int bad = adadelta_create(&options, &optimizer) || adadelta_add_group(optimizer, hyper, NULL) ||
              adadelta_set_gradients(optimizer, &gradients) || adadelta_add_tensor(optimizer, 0, &tensor, NULL);
    for (size_t k = 0; !bad && k < states; k++) {
        bad = adadelta_state(optimizer, 0, adadelta_method_state_name(options.method, k), &s[k]);
        if (!bad && n)
            memcpy(s[k], arrays[2 + k], bytes);
    }
    for (int t = 0; !bad && t < STEPS; t++)
        bad = adadelta_step(optimizer);
    for (size_t k = 0; !bad && n && k < states; k++)
        memcpy(arrays[2 + k], s[k], bytes);
    adadelta_destroy(optimizer);
    return bad;
}

/* STEPS steps of a method on arrays that hold the initial values. 0, or what went wrong. */
static int step(int method, enum adadelta_dtype dtype, int variant, size_t n, void *const arrays[ARRAYS])
{
    struct adadelta_hyper hyper = settings(method, variant);
    int bad = 0;
    if (method < ADADELTA_METHOD_COUNT)
        return step_object(method, dtype, &hyper, n, arrays);
    for (int t = 0; !bad && t < STEPS; t++)
        bad = dtype == ADADELTA_F32 ? adadelta_update_f32(n, arrays[0], arrays[1], arrays[2], arrays[3], &hyper)
                                    : adadelta_update_f64(n, arrays[0], arrays[1], arrays[2], arrays[3], &hyper);
    return bad;
}

static void fill(enum adadelta_dtype dtype, int array, size_t n, void *values)
{
    for (size_t i = 0; i < n; i++)
        store_element(dtype, values, i, draw(dtype, array, i));
}

/* Whether two elements have the same bits; any NaN is like any other, as which of two NaNs survives is the CPU's
 * choice. */
static int same(enum adadelta_dtype dtype, const void *a, const void *b, size_t i)
{
    size_t size = element_size(dtype);
    if (isnan(load_element(dtype, a, i)))
        return isnan(load_element(dtype, b, i));
    return !memcmp((const char *)a + i * size, (const char *)b + i * size, size);
}

static int all_canary(const unsigned char *from, const unsigned char *to)
{
    for (; from < to; from++)
        if (*from != CANARY)
            return 0;
    return 1;
}

/* Where an array of so many bytes starts: a shift away from the page's first byte, or with its end so far from the
 * last. */
static unsigned char *place(int k, size_t bytes, size_t shift, int back)
{
    return back ? pages[k] + page_size - bytes - shift : pages[k] + shift;
}

/* One case at one place, against the scalar results. Arrays stand at different offsets from each other. */
static int check_place(int method, enum adadelta_dtype dtype, int variant, size_t n, size_t shift, int back)
{
    const union array *expected = (*shared)[method][dtype][variant];
    size_t size = element_size(dtype), bytes = n * size;
    void *arrays[ARRAYS];
    unsigned char *starts[ARRAYS];
    int bad = 0;
    for (int k = 0; k < ARRAYS; k++) {
        size_t own = shift + (shift ? (size_t)k * size : 0);
        arrays[k] = starts[k] = place(k, bytes, own, back);
        memset(back ? pages[k] + page_size - 1024 : pages[k], CANARY, 1024);
        fill(dtype, k, n, arrays[k]);
    }
    bad |= step(method, dtype, variant, n, arrays);
    for (int k = 0; k < ARRAYS; k++) {
        unsigned char *page = back ? pages[k] + page_size - 1024 : pages[k];
        for (size_t i = 0; i < n; i++)
            bad |= !same(dtype, arrays[k], &expected[k], i);
        bad |= !all_canary(page, starts[k]) || !all_canary(starts[k] + bytes, page + 1024);
    }
    if (bad)
        fprintf(stderr, "%s: method %d %s variant %d n %zu shift %zu %s: differs from scalar, or writes outside\n",
                adadelta_isa_name(), method, size == 4 ? "f32" : "f64", variant, n, shift, back ? "back" : "front");
    return bad;
}

static int check_case(int method, enum adadelta_dtype dtype, int variant, size_t n)
{
    int bad = 0;
    for (size_t lane = 0; lane <= LANES; lane++)
        for (int back = 0; back < 2; back++)
            bad |= check_place(method, dtype, variant, n, lane * element_size(dtype), back);
    for (size_t odd = 1; odd <= 3; odd++)
        for (int back = 0; back < 2; back++)
            bad |= check_place(method, dtype, variant, n, odd, back);
    return bad;
}

/* The edge of what is stored: halved to the smallest normal number it stays, to anything less it becomes zero. */
static int check_smallest(enum adadelta_dtype dtype)
{
    const double normal = dtype == ADADELTA_F32 ? FLT_MIN : DBL_MIN;
    const double below = normal * (1 - (dtype == ADADELTA_F32 ? FLT_EPSILON : DBL_EPSILON));
    const double kept[] = {normal, below, -normal, -below, 3 * normal, normal / 4, 0};
    const double expected[] = {normal, 0, -normal, 0, 3 * normal, 0, 0};
    enum { KINDS = sizeof kept / sizeof *kept, N = 37 };
    struct adadelta_options options = {.method = ADADELTA_METHOD_MOMENTUM, .threads = 1};
    struct adadelta_hyper hyper = {.lr = 1, .eps = 1, .momentum = 0.5};
    union array x = {{0}}, g = {{0}};
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = dtype, .ndim = 1, .shape = {N}, .values = &x, .gradient = &g};
    struct adadelta *optimizer;
    void *buffer = NULL;
    int bad = adadelta_create(&options, &optimizer) || adadelta_add_group(optimizer, &hyper, NULL) ||
              adadelta_add_tensor(optimizer, 0, &tensor, NULL) ||
              adadelta_state(optimizer, 0, "momentum_buffer", &buffer);
    for (size_t i = 0; !bad && i < N; i++)
        store_element(dtype, buffer, i, 2 * kept[i % KINDS]);
    bad = bad || adadelta_step(optimizer);
    for (size_t i = 0; !bad && i < N; i++)
        bad = load_element(dtype, buffer, i) != expected[i % KINDS];
    if (bad)
        fprintf(stderr, "%s: %s state at the edge of the normal numbers\n", adadelta_isa_name(),
                dtype == ADADELTA_F32 ? "f32" : "f64");
    adadelta_destroy(optimizer);
    return bad;
}

/* Everything that a child does: the scalar one first writes what all are compared with. */
static int child_computes(const char *isa)
{
    int bad = strcmp(adadelta_isa_name(), isa) || check_smallest(ADADELTA_F32) || check_smallest(ADADELTA_F64);
    for (int method = 0; !bad && method < METHODS; method++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
            for (int variant = 0; variant < VARIANTS; variant++) {
                enum adadelta_dtype dtype = (enum adadelta_dtype)d;
                union array *mine = (*shared)[method][d][variant];
                void *arrays[ARRAYS] = {&mine[0], &mine[1], &mine[2], &mine[3]};
                for (int k = 0; k < ARRAYS && !strcmp(isa, "scalar"); k++)
                    fill(dtype, k, LONGEST, arrays[k]);
                if (!strcmp(isa, "scalar"))
                    bad |= step(method, dtype, variant, LONGEST, arrays);
                for (size_t n = 0; n <= LONGEST; n++)
                    bad |= check_case(method, dtype, variant, n);
            }
    return bad;
}

/* Runs work in a child with ADADELTA_ISA set. Whether it returned 0. */
static int in_child(const char *isa, int (*work)(const char *expected), const char *expected)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        setenv("ADADELTA_ISA", isa, 1);
        _exit(work(expected) ? 1 : 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!machine_has(names[i]))
            continue;
        print_message("%s\n", names[i]);
        assert_true(in_child(names[i], child_computes, names[i]));
    }
}

/* The comparison means something only if the values do: elements that are ordinary numbers, and have moved. */
static void scalar_results_are_not_trivial(void **state)
{
    (void)state;
    for (int method = 0; method < METHODS; method++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++) {
            size_t moved = 0;
            for (size_t i = 0; i < LONGEST; i++) {
                double before = draw((enum adadelta_dtype)d, 0, i);
                double after = load_element((enum adadelta_dtype)d, &(*shared)[method][d][0][0], i);
                moved += isfinite(after) && after != 0 && (d == ADADELTA_F32 ? (float)before : before) != after;
            }
            assert_true(moved > LONGEST / 3);
        }
}

static int child_names(const char *expected)
{
    return strcmp(adadelta_isa_name(), expected) != 0;
}

static void environment_caps_the_instruction_set(void **state)
{
    (void)state;
    const char *best = "scalar";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (machine_has(names[i]))
            best = names[i];
        /* A set of another architecture, or above this machine's, is a cap like any other. */
        assert_true(in_child(names[i], child_names,
                             strcmp(names[i], "neon") && machine_has("sse2") ? best
                             : machine_has(names[i])                         ? names[i]
                                                                             : "scalar"));
    }
    /* Without the variable: the best there is. */
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        unsetenv("ADADELTA_ISA");
        _exit(child_names(best));
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int child_is_refused(const char *expected)
{
    float x[2] = {1, 2}, g[2] = {3, 4}, v[2] = {0}, u[2] = {0};
    double wx[2] = {1, 2}, wg[2] = {3, 4}, wv[2] = {0}, wu[2] = {0};
    struct adadelta *optimizer = (struct adadelta *)(void *)x;
    return strcmp(adadelta_isa_name(), expected) || adadelta_update_f32(2, x, g, v, u, NULL) != ADADELTA_ERROR_ISA ||
           adadelta_update_f64(2, wx, wg, wv, wu, NULL) != ADADELTA_ERROR_ISA || x[0] != 1 || x[1] != 2 || v[0] != 0 ||
           u[0] != 0 || wx[0] != 1 || wx[1] != 2 || wv[0] != 0 || wu[0] != 0 ||
           adadelta_create(NULL, &optimizer) != ADADELTA_ERROR_ISA || optimizer;
}

static void unknown_name_is_an_error(void **state)
{
    (void)state;
    const char *const unknown[] = {"avx1024", "AVX2", "avx2 ", "avx", "scalar,sse2"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_true(in_child(unknown[i], child_is_refused, "invalid"));
}

/* The environment is looked at once: a later change has no effect. */
static int child_changes_its_mind(const char *expected)
{
    int bad = child_names(expected);
    setenv("ADADELTA_ISA", "avx1024", 1);
    return bad || child_names(expected);
}

static void environment_is_read_once(void **state)
{
    (void)state;
    assert_true(in_child("scalar", child_changes_its_mind, "scalar"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_on_every_instruction_set),
        cmocka_unit_test(scalar_results_are_not_trivial),
        cmocka_unit_test(environment_caps_the_instruction_set),
        cmocka_unit_test(unknown_name_is_an_error),
        cmocka_unit_test(environment_is_read_once),
    };
    return cmocka_run_group_tests(tests, allocate, NULL);
}
