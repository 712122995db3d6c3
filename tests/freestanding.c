/* SPDX-License-Identifier: MIT */
/*
 * A hundred steps on Rosenbrock's function from (1.5, 1.5), in double and in float, printed as bits. Built twice: by
 * CMake with the whole library, and by scripts/freestanding without a C library, with a start, a write and an exit of
 * its own; both must print the same. The hosted one also prints decimals, on standard error, for the golden file.
 */
#include <adadelta.h>

#if __STDC_HOSTED__
#include <stdio.h>
#endif

enum { STEPS = 100 };

static void put(const char *text, size_t size);

static void put_bits(uint64_t bits, int digits, char end)
{
    char text[17];
    for (int k = 0; k < digits; k++)
        text[k] = "0123456789abcdef"[bits >> 4 * (digits - 1 - k) & 15];
    text[digits] = end;
    put(text, (size_t)digits + 1);
}

static void put_double(double x, char end)
{
    const union {
        double x;
        uint64_t bits;
    } both = {x};
    put_bits(both.bits, 16, end);
}

static void put_float(float x, char end)
{
    const union {
        float x;
        uint32_t bits;
    } both = {x};
    put_bits(both.bits, 8, end);
}

/* The gradient that the published trajectories were made with (test_golden.c). */
static void gradient(double x, double y, double g[2])
{
    const double bend = y - x * x;
    g[0] = -400 * x * bend - 2 * (1 - x);
    g[1] = 200 * x * bend;
}

/* Down the function with the defaults, and, which must be the same, up its negative. 0, or what went wrong. */
static int walk(void)
{
    struct adadelta_hyper upwards = adadelta_hyper_default();
    double x[2] = {1.5, 1.5}, up[2] = {1.5, 1.5}, g[2], minus[2], v[2] = {0}, u[2] = {0}, up_v[2] = {0}, up_u[2] = {0};
    float y[2] = {1.5f, 1.5f}, h[2], vf[2] = {0}, uf[2] = {0};
    upwards.maximize = 1;
    for (int step = 1; step <= STEPS; step++) {
        gradient(y[0], y[1], g);
        h[0] = (float)g[0], h[1] = (float)g[1];
        gradient(x[0], x[1], g);
        minus[0] = -g[0], minus[1] = -g[1];
        if (adadelta_update_f64(2, x, g, v, u, NULL) || adadelta_update_f32(2, y, h, vf, uf, NULL) ||
            adadelta_update_f64(2, up, minus, up_v, up_u, &upwards))
            return 1;
        if (x[0] != up[0] || x[1] != up[1])
            return 2;
        put_double(x[0], ' ');
        put_double(x[1], ' ');
        put_float(y[0], ' ');
        put_float(y[1], '\n');
#if __STDC_HOSTED__
        fprintf(stderr, "%d,%.12f,%.12f\n", step, x[0], x[1]);
#endif
    }
    return 0;
}

/* What must not be done is refused here, too. */
static int refuse(void)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    float x[3] = {1, 2, 3}, g = 1, v = 0, u = 0;
    if (adadelta_update_f32(1, x, &g, &v, NULL, NULL) != ADADELTA_ERROR_ARGUMENT ||
        adadelta_update_f32(2, x, x + 1, &v, &u, NULL) != ADADELTA_ERROR_OVERLAP)
        return 3;
    hyper.lr = 1e300;
    return adadelta_update_f32(1, x, &g, &v, &u, &hyper) != ADADELTA_ERROR_LR || x[0] != 1 || v != 0 ? 4 : 0;
}

/* Where nothing clips, an infinity stays one, and gives NaN, downwards and upwards. */
static int overflow(void)
{
    struct adadelta_hyper hyper = adadelta_hyper_default();
    for (hyper.maximize = 0; hyper.maximize < 2; hyper.maximize++) {
        double x = 1, g = 1e300, v = 0, u = 0;
        g *= g;
        if (adadelta_update_f64(1, &x, &g, &v, &u, &hyper) || x == x)
            return 5;
    }
    return 0;
}

static int all(void)
{
    const int wrong = walk();
    return wrong ? wrong : refuse() + overflow();
}

#if __STDC_HOSTED__

static void put(const char *text, size_t size)
{
    fwrite(text, 1, size, stdout);
}

int main(void)
{
    return all();
}

#else

/* What the compiler may call. volatile: lest it make these loops calls of themselves. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((volatile unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}

void *memset(void *to, int value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((volatile unsigned char *)to)[i] = (unsigned char)value;
    return to;
}

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 60 };
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall start\n");

static void call(long number, long a, const void *b, size_t c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
}
#elif defined(__aarch64__)
enum { WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start:\n\tbl start\n");

static void call(long number, long a, const void *b, size_t c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register size_t x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
}
#endif

static void put(const char *text, size_t size)
{
    call(WRITE, 1, text, size);
}

void start(void);
void start(void)
{
    for (;;)
        call(EXIT, all(), NULL, 0);
}

#endif
