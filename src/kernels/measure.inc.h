/* SPDX-License-Identifier: MIT */
/* Sums of arrays of the type at hand, and over them in double. Sixteen sums run side by side, element i in number i mod
   16, and are added up in one fixed tree: however many lanes a word has, the bits are the same. No include guard: once
   a type. */

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

/* Integers are quicker to compare than numbers, and miss nothing: the pattern of a magnitude grows with it, infinity's
   is above all numbers', and NaNs' are above that. */
static struct measure TYPED(look)(size_t n, const void *gradient)
{
    PATTERN most = 0;
    for (size_t i = 0; i < n; i++) {
        const PATTERN magnitude = GET_PATTERN(gradient, i) & (PATTERN)-1 >> 1;
        most = magnitude > most ? magnitude : most;
    }
    const REAL largest = NUMBER_OF(most);
    return (struct measure){.sum = largest * 0, .largest = largest};
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

static void TYPED(accumulate)(size_t n, void *sum, const void *x)
{
    REAL *a = sum;
    const REAL *b = x;
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store(a + i, add(load(a + i), load(b + i)));
    if (i < n)
        store_part(a + i, add(load_part(a + i, n - i), load_part(b + i, n - i)), n - i);
}
