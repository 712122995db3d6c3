/* SPDX-License-Identifier: MIT */
/* Sums over arrays of the type at hand, in double. Sixteen sums run side by side, element i in number i mod 16, and are
   added up in one fixed tree: however many lanes a word has, the bits are the same. No include guard: once a type. */

static ALWAYS_INLINE vec_f64 TYPED(widened)(const REAL *p)
{
    return WIDEN(p);
}

/* The elements i .. i + 15: from the array itself, or behind its end filled up with zeros. */
static ALWAYS_INLINE const REAL *TYPED(sixteen)(const REAL *p, size_t i, size_t n, REAL rest[SUMS])
{
    if (n - i >= SUMS)
        return p + i;
    for (size_t k = 0; k < SUMS; k++)
        rest[k] = 0;
    copy_bytes(rest, p + i, (n - i) * sizeof *p);
    return rest;
}

static struct measure TYPED(measure)(size_t n, const void *gradient, double factor, double bound)
{
    const vec_f64 zero = set_f64(0), factors = set_f64(factor), bounds = set_f64(bound);
    vec_f64 sum[SUMS / LANES_f64], largest[SUMS / LANES_f64];
    for (size_t k = 0; k < SUMS / LANES_f64; k++)
        sum[k] = largest[k] = zero;
    for (size_t i = 0; i < n; i += SUMS) {
        REAL rest[SUMS];
        const REAL *p = TYPED(sixteen)(gradient, i, n, rest);
        for (size_t k = 0; k < SUMS / LANES_f64; k++) {
            vec_f64 a = TYPED(widened)(p + k * LANES_f64);
            a = max_f64(a, sub_f64(zero, a)); /* the magnitude; a NaN stays one */
            largest[k] = max_f64(a, largest[k]);
            a = min_f64(bounds, mul_f64(factors, a));
            sum[k] = add_f64(sum[k], mul_f64(a, a));
        }
    }
    return (struct measure){.sum = total(sum), .largest = most(largest)};
}

/* A number times 0 is 0, but for a NaN and an infinity. */
static ALWAYS_INLINE void TYPED(look_at)(V g, V *faults, V *largest)
{
    const V zero = set(0);
    *faults = add(*faults, mul(g, zero));
    *largest = max(max(g, sub(zero, g)), *largest);
}

static struct measure TYPED(look)(size_t n, const void *gradient)
{
    const REAL *g = gradient;
    V faults = set(0), largest = set(0);
    REAL fault[LANES], found[LANES];
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        TYPED(look_at)(load(g + i), &faults, &largest);
    if (i < n)
        TYPED(look_at)(load_part(g + i, n - i), &faults, &largest);

    store(fault, faults);
    store(found, largest);
    for (size_t lane = 1; lane < LANES; lane++) {
        fault[0] += fault[lane]; /* 0, or NaN */
        found[0] = found[lane] > found[0] ? found[lane] : found[0];
    }
    return (struct measure){.sum = fault[0], .largest = found[0]};
}

static double TYPED(distance)(size_t n, const void *a, const void *b)
{
    vec_f64 sum[SUMS / LANES_f64];
    for (size_t k = 0; k < SUMS / LANES_f64; k++)
        sum[k] = set_f64(0);
    for (size_t i = 0; i < n; i += SUMS) {
        REAL rest_a[SUMS], rest_b[SUMS];
        const REAL *p = TYPED(sixteen)(a, i, n, rest_a), *q = TYPED(sixteen)(b, i, n, rest_b);
        for (size_t k = 0; k < SUMS / LANES_f64; k++) {
            const vec_f64 d = sub_f64(TYPED(widened)(p + k * LANES_f64), TYPED(widened)(q + k * LANES_f64));
            sum[k] = add_f64(sum[k], mul_f64(d, d));
        }
    }
    return total(sum);
}
