/* SPDX-License-Identifier: MIT */
/* See bench_limit.h. Numbers are bytes here, whatever their type: a line of 64 is read, and written back with a zero
   that the compiler cannot know or'ed in, so that the arrays are those of the step itself and survive. */
#include "bench_limit.h"

#include <stdint.h>

#if defined(__has_attribute) && __has_attribute(vector_size)
/* A line of the cache, at any address. */
typedef uint64_t line __attribute__((vector_size(64), aligned(2), may_alias));
#else
#error "bench_limit.c needs a compiler with vectors (GCC or Clang)"
#endif
typedef uint16_t grain __attribute__((may_alias));

/* The loops once an instruction set: the limit is the machine's, not that of the flags that the program was built with.
   (The sanitizers cannot stand code that runs before they do, which is what picks the clone.) */
#if defined(__x86_64__) && defined(__GLIBC__) && __has_attribute(target_clones) && !defined(__SANITIZE_ADDRESS__) &&   \
    !defined(__SANITIZE_THREAD__)
#define EACH_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_MACHINE
#endif
#define ALWAYS_INLINE inline __attribute__((always_inline))

enum {
    LINE = sizeof(line),
    UNIT = LINE / 2,      /* elements that are whole lines in every type */
    BLOCK_ELEMENTS = 256, /* of 64 to 1024, which differ little */
    PIECE_ELEMENTS = 64,  /* threads' pieces begin at multiples: no line of an aligned array has two writers */
    AHEAD = 1024          /* bytes */
};

static const volatile uint64_t nothing = 0;
static _Thread_local volatile uint64_t sink;

/* ---- Lines ---- */

/* count lines from p on. Where they are only read, what is in them goes into *seen. */
static ALWAYS_INLINE void walk_lines(char *p, size_t count, int writes, size_t ahead, const line *zero, line *seen)
{
    for (size_t i = 0; i < count; i++) {
        line *here = (line *)(p + i * LINE);
        if (ahead)
            __builtin_prefetch((const void *)((uintptr_t)here + ahead));
        if (writes)
            *here = *here | *zero;
        else
            *seen = *seen | *here;
    }
}

/* Less than a line. */
static void walk_rest(char *p, size_t bytes, int writes)
{
    const grain zero = (grain)nothing;
    grain seen = 0;
    for (size_t i = 0; i < bytes / sizeof(grain); i++) {
        if (writes)
            ((grain *)p)[i] |= zero;
        else
            seen |= ((grain *)p)[i];
    }
    sink = seen;
}

static void walk_ends(const struct limit_span *span, size_t from, size_t n)
{
    for (size_t k = 0; k < span->count; k++)
        walk_rest(span->at[k] + from * span->size[k], (n - from) * span->size[k], span->writes[k]);
}

/* ---- Blocks of any arrays ---- */

static ALWAYS_INLINE void walk_blocks(const struct limit_span *shared, size_t n, size_t ahead)
{
    const struct limit_span own = *shared, *span = &own; /* no store can change it */
    const line zero = (line){0} | nothing;
    line seen = {0};
    const size_t whole = n / UNIT * UNIT, block = span->count > 1 ? BLOCK_ELEMENTS : whole;
    for (size_t i = 0; i < whole; i += block) {
        const size_t m = whole - i < block ? whole - i : block;
        for (size_t k = 0; k < span->count; k++) {
            char *p = span->at[k] + i * span->size[k];
            const size_t lines = m * span->size[k] / LINE;
            if (span->writes[k])
                walk_lines(p, lines, 1, ahead, &zero, &seen);
            else
                walk_lines(p, lines, 0, ahead, &zero, &seen);
        }
    }
    for (size_t lane = 0; lane < LINE / sizeof(uint64_t); lane++)
        sink = seen[lane];
    if (whole < n)
        walk_ends(span, whole, n);
}

EACH_MACHINE static void blocks(const struct limit_span *span, size_t n)
{
    walk_blocks(span, n, 0);
}

EACH_MACHINE static void blocks_prefetched(const struct limit_span *span, size_t n)
{
    walk_blocks(span, n, AHEAD);
}

/* ---- Fused loops of the usual arrays ---- */

/* Gradient, parameters, each state, what 16-bit parameters keep beside them, average: bytes of an element, 0: no such
   array. */
#define SHAPES(X)                                                                                                      \
    X(4, 4, 4, 0, 0)                                                                                                   \
    X(8, 8, 8, 0, 0)                                                                                                   \
    X(4, 4, 4, 0, 4)                                                                                                   \
    X(8, 8, 8, 0, 8)                                                                                                   \
    X(4, 4, 8, 0, 0)                                                                                                   \
    X(4, 4, 2, 0, 0)                                                                                                   \
    X(2, 2, 4, 0, 0)                                                                                                   \
    X(2, 2, 4, 2, 0)                                                                                                   \
    X(2, 2, 4, 4, 0)                                                                                                   \
    X(2, 2, 2, 0, 0)                                                                                                   \
    X(2, 2, 2, 2, 0)                                                                                                   \
    X(2, 2, 2, 4, 0)

typedef uint16_t number2 __attribute__((may_alias)), number0;
typedef uint32_t number4 __attribute__((may_alias));
typedef uint64_t number8 __attribute__((may_alias));

/* The array whose place among the sizes that are not 0 is given. */
#define ARRAY(size, place) (number##size *)((size) ? span->at[place] : NULL)

#define DEFINE_FUSED(G, X, S, K, A)                                                                                    \
    EACH_MACHINE static void fused_##G##X##S##K##A(const struct limit_span *span, size_t n)                            \
    {                                                                                                                  \
        const number##G *restrict g = ARRAY(G, 0);                                                                     \
        number##X *restrict x = ARRAY(X, 1);                                                                           \
        number##S *restrict v = ARRAY(S, 2), *restrict u = ARRAY(S, 3);                                                \
        number##K *restrict kept = ARRAY(K, 4);                                                                        \
        number##A *restrict average = ARRAY(A, 4 + (K > 0));                                                           \
        const uint64_t zero = nothing;                                                                                 \
        number##G seen = 0;                                                                                            \
        _Pragma("omp simd reduction(| : seen)") for (size_t i = 0; i < n; i++)                                         \
        {                                                                                                              \
            seen |= g[i];                                                                                              \
            x[i] |= (number##X)zero;                                                                                   \
            v[i] |= (number##S)zero;                                                                                   \
            u[i] |= (number##S)zero;                                                                                   \
            if (K)                                                                                                     \
                kept[i] |= (number##K)zero;                                                                            \
            if (A)                                                                                                     \
                average[i] |= (number##A)zero;                                                                         \
        }                                                                                                              \
        sink = seen;                                                                                                   \
    }
SHAPES(DEFINE_FUSED)

#define FUSED_ROW(g, x, s, k, a) {{g, x, s, s, k, a}, fused_##g##x##s##k##a},
static const struct {
    size_t sizes[LIMIT_ARRAYS];
    limit_walk *walk;
} fused[] = {SHAPES(FUSED_ROW)};
enum { FUSED_COUNT = sizeof fused / sizeof *fused };

/* Whether a pass has these arrays, and its first one alone is only read. */
static int has_shape(const struct limit_pass *pass, const size_t *sizes)
{
    size_t at = 0;
    for (size_t k = 0; k < LIMIT_ARRAYS; k++) {
        if (sizes[k] && (at == pass->count || pass->arrays[at].size != sizes[k] || pass->arrays[at].writes != (k > 0)))
            return 0;
        at += sizes[k] != 0;
    }
    return at == pass->count;
}

static limit_walk *find_walk(const struct limit_pass *pass, enum limit_way way)
{
    for (size_t i = 0; i < FUSED_COUNT && way == LIMIT_FUSED; i++) {
        if (has_shape(pass, fused[i].sizes))
            return fused[i].walk;
    }
    return way == LIMIT_PREFETCHED ? blocks_prefetched : blocks;
}

/* ---- All of it ---- */

/* Where element number i of what is walked begins. */
static char *place_of(const struct limit *limit, const struct limit_array *array, size_t i)
{
    const size_t place = limit->rows && !array->packed ? limit->rows[i / limit->width] * limit->width : i;
    return (char *)array->elements + place * array->size;
}

/* The elements begin .. end - 1 of a pass. */
static void walk_piece(const struct limit *limit, const struct limit_pass *pass, size_t begin, size_t end)
{
    const size_t step = limit->rows ? limit->width : end - begin;
    struct limit_span span = {.count = pass->count};
    for (size_t k = 0; k < pass->count; k++) {
        span.size[k] = pass->arrays[k].size;
        span.writes[k] = pass->arrays[k].writes;
    }
    for (size_t i = begin; i < end; i += step) {
        for (size_t k = 0; k < pass->count; k++)
            span.at[k] = place_of(limit, &pass->arrays[k], i);
        pass->walk(&span, step);
    }
}

void limit_choose(struct limit *limit, enum limit_way way)
{
    for (size_t p = 0; p < limit->pass_count; p++)
        limit->passes[p].walk = find_walk(&limit->passes[p], way);
}

void limit_run(const struct limit *limit, int threads)
{
    if (threads <= 1) {
        for (size_t p = 0; p < limit->pass_count; p++)
            walk_piece(limit, &limit->passes[p], 0, limit->n);
        return;
    }
    const size_t piece = limit->rows ? limit->width : PIECE_ELEMENTS, parts = (size_t)threads;
    const size_t pieces = (limit->n + piece - 1) / piece;
#pragma omp parallel num_threads(threads)
    for (size_t p = 0; p < limit->pass_count; p++) {
#pragma omp for schedule(static, 1)
        for (size_t part = 0; part < parts; part++) {
            const size_t begin = pieces * part / parts * piece;
            const size_t end = part + 1 == parts ? limit->n : pieces * (part + 1) / parts * piece;
            if (begin < end)
                walk_piece(limit, &limit->passes[p], begin, end);
        }
    }
}

size_t limit_bytes(const struct limit *limit)
{
    size_t bytes = 0;
    for (size_t p = 0; p < limit->pass_count; p++) {
        for (size_t k = 0; k < limit->passes[p].count; k++)
            bytes += limit->passes[p].arrays[k].size * (limit->passes[p].arrays[k].writes ? 2 : 1);
    }
    return bytes;
}
