/* SPDX-License-Identifier: MIT */
/*
 * Same bits for every way to store numbers: on every instruction set that this machine has, for arrays aligned and not,
 * with memory that must not be touched before and behind them. What is compared are digests of all that a run leaves:
 * values, state, average and statistics. The instruction set is chosen once a process, so each has a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "instruction_sets.h"
#include "storage.h"

enum { LONGEST = 513, LENGTHS = 3, SHIFTS = 4, STEPS = 3, CANARY = 0xa5 };

static const size_t lengths[LENGTHS] = {1, 17, LONGEST}, shifts[SHIFTS] = {0, 1, 2, 7};

/* Of the scalar child. */
typedef uint64_t digests[MIXES][ADADELTA_METHOD_COUNT][LENGTHS];

static digests *shared;

/* Room for an array, with forbidden pages on either side. */
static unsigned char *rooms[2];
static size_t room_size;

static int allocate(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    room_size = (LONGEST * sizeof(double) + 2 * page - 1) / page * page;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -1;
    for (int k = 0; k < 2; k++) {
        unsigned char *all = mmap(NULL, room_size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED || mprotect(all + page, room_size, PROT_READ | PROT_WRITE))
            return -1;
        rooms[k] = all + page;
    }
    return 0;
}

/* Mostly ordinary numbers; every fifth one is at an end of some type, and some are not finite. */
static void fill(enum adadelta_dtype dtype, void *array, size_t n, uint64_t *seed)
{
    static const double specials[] = {0,    -0.0,  1,      65504,  -65520,  6e-8, -3e-8, 3.4e38,
                                      1e39, 1e-38, -1e-40, 1e-310, 9.2e-41, 2.01, 1e19,  (double)INFINITY};
    for (size_t i = 0; i < n; i++) {
        double value = random_magnitude(seed, -16, 4);
        if (i % 5 == 3)
            value = specials[random_bits(seed) % (sizeof specials / sizeof *specials)];
        if (i % 101 == 100)
            value = (double)NAN;
        put_number(dtype, array, i, value);
    }
}

/* FNV-1a over the bits; all NaNs are alike, as which of two survives is the CPU's choice. */
static uint64_t digest(uint64_t hash, enum adadelta_dtype dtype, const void *array, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = isnan(number_at(dtype, array, i)) ? UINT64_MAX : bits_at(dtype, array, i);
        for (int byte = 0; byte < 8; byte++)
            hash = (hash ^ (bits >> (8 * byte) & 255)) * UINT64_C(1099511628211);
    }
    return hash;
}

static uint64_t digest_of_rest(uint64_t hash, struct adadelta *optimizer, const struct mix *mix, size_t n)
{
    const struct {
        const char *name;
        enum adadelta_dtype dtype;
    } rows[] = {{"master", ADADELTA_F32}, {"low", ADADELTA_F16}, {"average", computed_in(mix)}};
    struct adadelta_tensor_stats stats;
    const char *name;
    void *found;
    for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
        for (size_t k = 0; (name = adadelta_method_state_name((enum adadelta_method)m, k)); k++)
            if (!adadelta_state(optimizer, 0, name, &found))
                hash = digest(hash, state_of_mix(mix), found, n);
    for (size_t k = 0; k < 3; k++)
        if (!adadelta_state(optimizer, 0, rows[k].name, &found))
            hash = digest(hash, rows[k].dtype, found, n);
    if (adadelta_get_tensor_stats(optimizer, 0, &stats))
        return 0;
    const double numbers[] = {stats.rate_min, stats.rate_median, stats.rate_max, stats.update_norm};
    return digest(hash, ADADELTA_F64, numbers, 4);
}

static struct adadelta *set_up(const struct mix *mix, enum adadelta_method method, int k, size_t n, void *const at[2])
{
    const struct adadelta_options options = {
        .method = method, .threads = 1, .seed = 9, .averaging = (enum adadelta_averaging)(k % 3), .average_decay = 0.9};
    const struct adadelta_gradients gradients = {.scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE};
    const struct adadelta_tensor tensor = tensor_of(mix, "x", n, at[0], at[1]);
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    struct adadelta *optimizer;
    hyper.weight_decay = 0.01;
    if (!adadelta_create(&options, &optimizer) && !adadelta_add_group(optimizer, &hyper, NULL) &&
        !adadelta_set_gradients(optimizer, &gradients) && !adadelta_set_measuring(optimizer, k / 3 % 2) &&
        !adadelta_add_tensor(optimizer, 0, &tensor, NULL))
        return optimizer;
    adadelta_destroy(optimizer);
    return NULL;
}

static int all_canary(const unsigned char *from, const unsigned char *to)
{
    for (; from < to; from++)
        if (*from != CANARY)
            return 0;
    return 1;
}

/* The digest of a run whose arrays end so far from the forbidden page; 0: something is wrong. */
static uint64_t run(int k, enum adadelta_method method, size_t n, size_t shift)
{
    const struct mix mix = mix_number(k);
    const size_t bytes[2] = {n * binaries[mix.values].size, n * binaries[mix.gradient].size};
    uint64_t seed = (uint64_t)k, hash = UINT64_C(14695981039346656037);
    void *at[2];
    for (int a = 0; a < 2; a++) {
        memset(rooms[a], CANARY, room_size);
        at[a] = rooms[a] + room_size - bytes[a] - shift;
    }
    fill(mix.values, at[0], n, &seed);
    struct adadelta *optimizer = set_up(&mix, method, k, n, at);
    int bad = !optimizer;
    for (int t = 0; !bad && t < STEPS; t++) {
        fill(mix.gradient, at[1], n, &seed);
        const uint64_t before = digest(0, mix.gradient, at[1], n);
        bad = adadelta_step(optimizer) || digest(0, mix.gradient, at[1], n) != before;
    }
    for (int a = 0; a < 2; a++)
        bad |= !all_canary(rooms[a], (unsigned char *)at[a]) ||
               !all_canary((unsigned char *)at[a] + bytes[a], rooms[a] + room_size);
    if (!bad)
        hash = digest_of_rest(digest(hash, mix.values, at[0], n), optimizer, &mix, n);
    adadelta_destroy(optimizer);
    return bad ? 0 : hash;
}

/* Everything that a child does: the scalar one first writes what all are compared with. */
static int child_computes(const char *isa)
{
    int bad = strcmp(adadelta_isa_name(), isa) != 0;
    for (int k = 0; k < MIXES; k++)
        for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
            for (size_t l = 0; l < LENGTHS; l++) {
                const struct mix mix = mix_number(k);
                uint64_t *expected = &(*shared)[k][m][l];
                if (!goes_together(&mix))
                    continue;
                if (!strcmp(isa, "scalar"))
                    *expected = run(k, (enum adadelta_method)m, lengths[l], 0);
                for (size_t s = 0; s < SHIFTS; s++) {
                    const uint64_t found = run(k, (enum adadelta_method)m, lengths[l], shifts[s]);
                    if (found && found == *expected)
                        continue;
                    bad = 1;
                    fprintf(stderr, "%s: %s values %d gradient %d state %d weights %d n %zu shift %zu: %s\n", isa,
                            adadelta_method_name((enum adadelta_method)m), (int)mix.values, (int)mix.gradient,
                            (int)mix.state, (int)mix.weights, lengths[l], shifts[s],
                            found ? "differs from scalar" : "fails, or writes outside");
                }
            }
    return bad;
}

static void same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status = 0;
        if (!machine_has(names[i]))
            continue;
        print_message("%s\n", names[i]);
        const pid_t child = fork();
        if (child == 0) {
            setenv("ADADELTA_ISA", names[i], 1);
            _exit(child_computes(names[i]) ? 1 : 0);
        }
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* Digests mean something only if they tell runs apart. */
static void digests_differ(void **state)
{
    (void)state;
    size_t alike = 0, count = 0;
    const uint64_t *all = &(*shared)[0][0][0];
    for (size_t i = 2; i < sizeof *shared / sizeof *all; i += LENGTHS) /* the longest */
        for (size_t j = 2; j < i; j += LENGTHS) {
            alike += all[i] && all[i] == all[j];
            count++;
        }
    assert_true(count > 0 && alike * 100 < count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_on_every_instruction_set),
        cmocka_unit_test(digests_differ),
    };
    return cmocka_run_group_tests(tests, allocate, NULL);
}
