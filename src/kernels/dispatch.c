/* SPDX-License-Identifier: MIT */
/* Which kernels run: the best set that the CPU has and ADADELTA_ISA allows, found once. */
#include "kernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

extern const struct kernel_set kernels_scalar, kernels_sse2, kernels_avx2, kernels_avx512, kernels_neon;

static int always(void)
{
    return 1;
}

#if defined(__x86_64__)
/* F16C: not every compiler's __builtin_cpu_supports knows it. */
static int cpu_has_avx2(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}

static int cpu_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq");
}
#endif

/* Every set there is, from the least to the most; set is NULL where this build has none of that name. */
static const struct {
    const char *name;
    const struct kernel_set *set;
    int (*usable)(void);
} sets[] = {
    {"scalar", &kernels_scalar, always},
#if defined(__x86_64__)
    {"sse2", &kernels_sse2, always},
    {"avx2", &kernels_avx2, cpu_has_avx2},
    {"avx512", &kernels_avx512, cpu_has_avx512},
#else
    {"sse2", NULL, always},
    {"avx2", NULL, always},
    {"avx512", NULL, always},
#endif
#if defined(__aarch64__)
    {"neon", &kernels_neon, always},
#else
    {"neon", NULL, always},
#endif
};

enum { SETS = sizeof sets / sizeof sets[0] };

/* The best set up to and with the one named cap (NULL or empty: all), or NULL where no set has that name. A set of
   another kind of CPU leaves the scalar one. */
static const struct kernel_set *choose(const char *cap)
{
    const int capped = cap && *cap;
    const struct kernel_set *best = NULL;
    for (size_t i = 0; i < SETS; i++) {
        const int is_cap = capped && strcmp(cap, sets[i].name) == 0;
        if (is_cap && !sets[i].set)
            return &kernels_scalar;
        if (sets[i].set && sets[i].usable())
            best = sets[i].set;
        if (is_cap)
            return best;
    }
    return capped ? NULL : best;
}

const struct kernel_set *kernels_in_use(void)
{
    /* Threads that come first together find the same answer, so the race is harmless. */
    static const struct kernel_set unknown;
    static _Atomic(const struct kernel_set *) chosen;
    const struct kernel_set *set = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!set) {
        set = choose(getenv("ADADELTA_ISA"));
        atomic_store_explicit(&chosen, set ? set : &unknown, memory_order_release);
    }
    return set == &unknown ? NULL : set;
}

const char *adadelta_isa_name(void)
{
    const struct kernel_set *set = kernels_in_use();
    return set ? set->isa : "invalid";
}
