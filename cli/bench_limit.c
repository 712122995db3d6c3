/* SPDX-License-Identifier: MIT */
/* See bench_limit.h. The least arithmetic that needs all four arrays: one product and three sums. The product's factor
   is zero, which the compiler cannot know, so that the arrays are those of the step itself and survive. */
#include "bench_limit.h"

#include <stdlib.h>

/* The loops once an instruction set: the limit is the machine's, not that of the flags that the program was built with.
   (The sanitizers cannot stand code that runs before they do, which is what picks the clone.) */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute) && !defined(__SANITIZE_ADDRESS__) &&         \
    !defined(__SANITIZE_THREAD__)
#if __has_attribute(target_clones)
#define EACH_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#endif
#ifndef EACH_MACHINE
#define EACH_MACHINE
#endif

/* Pieces begin at multiples of this, as the library's do: no cache line of an aligned array has two writers. */
enum { GRAIN = 64 };

static const volatile double nothing = 0;

#define DEFINE_LOOP(name, type)                                                                                        \
    EACH_MACHINE static void name(size_t n, type *restrict x, const type *restrict g, type *restrict v,                \
                                  type *restrict u, type factor)                                                       \
    {                                                                                                                  \
        _Pragma("omp simd") for (size_t i = 0; i < n; i++)                                                             \
        {                                                                                                              \
            const type d = factor * g[i];                                                                              \
            x[i] += d;                                                                                                 \
            v[i] += d;                                                                                                 \
            u[i] += d;                                                                                                 \
        }                                                                                                              \
    }

DEFINE_LOOP(move_f32, float)
DEFINE_LOOP(move_f64, double)

static void move_piece(const struct bench_arrays *a, size_t begin, size_t end)
{
    if (a->dtype == ADADELTA_F32)
        move_f32(end - begin, (float *)a->x + begin, (const float *)a->g + begin, (float *)a->state[0] + begin,
                 (float *)a->state[1] + begin, (float)nothing);
    else
        move_f64(end - begin, (double *)a->x + begin, (const double *)a->g + begin, (double *)a->state[0] + begin,
                 (double *)a->state[1] + begin, nothing);
}

void bench_limit(const struct bench_arrays *arrays, int threads)
{
    const size_t parts = (size_t)threads, grains = (arrays->n + GRAIN - 1) / GRAIN;
    if (parts <= 1) {
        move_piece(arrays, 0, arrays->n);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (size_t part = 0; part < parts; part++) {
        const size_t begin = grains * part / parts * GRAIN;
        const size_t end = part + 1 == parts ? arrays->n : grains * (part + 1) / parts * GRAIN;
        if (begin < end)
            move_piece(arrays, begin, end);
    }
}
