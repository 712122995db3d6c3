/* SPDX-License-Identifier: MIT */
/* The instruction sets that ADADELTA_ISA can name, and which of them this machine has, asked apart from the library. */
#ifndef ADADELTA_TESTS_INSTRUCTION_SETS_H
#define ADADELTA_TESTS_INSTRUCTION_SETS_H

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[] = {"scalar", "sse2", "avx2", "avx512", "neon"};

static inline int machine_has(const char *name)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!strcmp(name, "avx2"))
        return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq");
    return strcmp(name, "neon") != 0;
#elif defined(__aarch64__)
    return !strcmp(name, "neon") || !strcmp(name, "scalar");
#else
    return !strcmp(name, "scalar");
#endif
}

#endif
