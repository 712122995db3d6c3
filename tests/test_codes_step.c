/* SPDX-License-Identifier: MIT */
/*
 * Steps with state in codes against the oracle, bit by bit: every length, every setting, changes of settings between
 * steps, values in double, a new eps; and the same codes from dense gradients, from rows, from any number of threads
 * and beside values of 16 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codes.h"

#define OK(call) assert_int_equal(call, ADADELTA_OK)

/* ---- A tensor of the library's and one of the oracle's ---- */

enum { MOST = 5000, SEED = 11 };

struct pair {
    struct adadelta *optimizer;
    double x[MOST], g[MOST]; /* room for either type */
    void *codes[STATES];     /* the library's */
    double other_x[MOST];
    uint16_t other_codes[STATES][MOST];
    struct code_tensor oracle;
};

static void find_codes(struct adadelta *optimizer, void *codes[STATES])
{
    OK(adadelta_state(optimizer, 0, "square_avg", &codes[V]));
    OK(adadelta_state(optimizer, 0, "acc_delta", &codes[U]));
}

static void start(struct pair *p, const struct code_type *type, enum adadelta_dtype dtype, size_t n,
                  const struct adadelta_hyper *hyper)
{
    const struct adadelta_options options = {.threads = 1, .seed = SEED, .state_dtype = type->dtype};
    const struct adadelta_tensor tensor = {
        .name = "weights", .dtype = dtype, .ndim = 1, .shape = {n}, .values = p->x, .gradient = p->g};
    uint64_t seed = n;
    OK(adadelta_create(&options, &p->optimizer));
    OK(adadelta_add_group(p->optimizer, hyper, NULL));
    OK(adadelta_add_tensor(p->optimizer, 0, &tensor, NULL));
    find_codes(p->optimizer, p->codes);
    for (size_t i = 0; i < n; i++)
        store_element(dtype, p->x, i, random_magnitude(&seed, -6, 2));
    memcpy(p->other_x, p->x, n * element_size(dtype));
    memset(p->other_codes, 0, sizeof p->other_codes);
    p->oracle = (struct code_tensor){.type = type,
                                     .dtype = dtype,
                                     .seed = SEED,
                                     .name = "weights",
                                     .n = n,
                                     .x = p->other_x,
                                     .codes = {p->other_codes[V], p->other_codes[U]}};
}

/* Gradients of the size of eps's root and above, zeros among them. */
static void draw_gradient(struct pair *p, uint64_t *seed)
{
    for (size_t i = 0; i < p->oracle.n; i++)
        store_element(p->oracle.dtype, p->g, i, random_bits(seed) % 16 ? random_magnitude(seed, -14, 3) : 0);
}

static void expect_same(const struct pair *p)
{
    const struct code_tensor *o = &p->oracle;
    assert_memory_equal(p->codes[V], o->codes[V], o->n * code_size(o->type));
    assert_memory_equal(p->codes[U], o->codes[U], o->n * code_size(o->type));
    assert_memory_equal(p->x, p->other_x, o->n * element_size(o->dtype));
}

/* ---- Settings ---- */

enum { VARIANTS = 8, STEPS = 12 };

struct settings {
    struct adadelta_hyper hyper;
    struct adadelta_gradients gradients;
    double rate;
};

/* Of a variant's step t. */
static struct settings settings_of(int variant, int t)
{
    struct settings s = {adadelta_hyper_default(), adadelta_gradients_default(), 1};
    switch (variant) {
    case 1:
        s.hyper.weight_decay = 0.1;
        break;
    case 2:
        s.hyper.weight_decay = 0.1;
        s.hyper.decoupled = 1;
        s.hyper.lr = 0.3;
        break;
    case 3:
        s.hyper.maximize = 1;
        s.hyper.weight_decay = 0.01;
        s.hyper.lr = 0;
        break;
    case 4: /* a bound that cuts, and one far above all */
        s.gradients.clip_value = t % 3 ? 0.5 : 1e30;
        s.gradients.scale = 3;
        s.hyper.eps = 1e-4;
        break;
    case 5:
        s.rate = t < 3 ? 0.1 : t < 6 ? 0.75 : 0;
        s.hyper.lr = 2;
        s.hyper.weight_decay = 0.2;
        s.hyper.decoupled = t % 2;
        break;
    case 6:
        s.hyper.rho = t < 4 ? 0.999 : t < 8 ? 0 : 0.5;
        s.hyper.eps = 1;
        break;
    case 7: /* cut to what the codes can hold */
        s.gradients.nonfinite = ADADELTA_NONFINITE_PROPAGATE;
        s.gradients.clip_value = t % 2 ? 1e9 : 0;
        s.gradients.scale = t % 3 ? 0x1p-30 : 1;
        s.hyper.maximize = t % 2;
        break;
    }
    return s;
}

/* The rate of the step under way, for the library's schedule. */
static double rate_now;

static double rate_of(uint64_t count, void *context)
{
    (void)count;
    (void)context;
    return rate_now;
}

static void follow(struct pair *p, const struct settings *s)
{
    const struct code_step step = code_step_of(p->oracle.type, &s->hyper, s->rate, &s->gradients);
    rate_now = s->rate;
    OK(adadelta_set_hyper(p->optimizer, 0, &s->hyper));
    OK(adadelta_set_gradients(p->optimizer, &s->gradients));
    OK(adadelta_step(p->optimizer));
    code_tensor_step(&p->oracle, &step, p->g);
    expect_same(p);
}

static void check_variant(const struct code_type *type, enum adadelta_dtype dtype, int variant, size_t n)
{
    static struct pair p;
    struct adadelta_schedule schedule = adadelta_schedule_default();
    const struct settings first = settings_of(variant, 0);
    uint64_t seed = 31 + (uint64_t)variant;
    schedule.kind = ADADELTA_SCHEDULE_CALLBACK;
    schedule.rate = rate_of;
    start(&p, type, dtype, n, &first.hyper);
    OK(adadelta_set_schedule(p.optimizer, &schedule));
    for (int t = 0; t < STEPS; t++) {
        const struct settings s = settings_of(variant, t);
        draw_gradient(&p, &seed);
        follow(&p, &s);
    }
    adadelta_destroy(p.optimizer);
}

static const size_t longer[] = {1000, 1023, 1024, 1025, MOST};

static void steps_are_the_oracle_s(void **state)
{
    (void)state;
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            for (size_t n = 1; n <= 70; n++)
                check_variant(&code_types[t], ADADELTA_F32, variant, n);
            for (size_t k = 0; k < sizeof longer / sizeof *longer; k++)
                check_variant(&code_types[t], ADADELTA_F32, variant, longer[k]);
        }
}

/* In double: the codes are brought to and fro in stretches that do not divide a thousand's words. */
static void steps_in_double_are_the_oracle_s(void **state)
{
    (void)state;
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            for (size_t n = 1; n <= 70; n += 3)
                check_variant(&code_types[t], ADADELTA_F64, variant, n);
            for (size_t k = 0; k < sizeof longer / sizeof *longer; k++)
                check_variant(&code_types[t], ADADELTA_F64, variant, longer[k]);
        }
}

/* A new eps between two steps: codes go into its units, by a chance of their own. */
static void a_new_eps_is_the_oracle_s(void **state)
{
    (void)state;
    static struct pair p;
    const double eps[] = {1e-6, 1e-7, 1e-2, 0x1p-20, 1e-6, 1e-6};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++) {
            struct settings s = settings_of(1, 0);
            uint64_t seed = 8;
            start(&p, &code_types[t], (enum adadelta_dtype)d, 2500, &s.hyper);
            rate_now = 1;
            for (int k = 0; k < 18; k++) {
                s.hyper.eps = eps[k / 3];
                if (k && eps[k / 3] != eps[(k - 1) / 3])
                    code_tensor_change_eps(&p.oracle, eps[(k - 1) / 3], eps[k / 3]);
                draw_gradient(&p, &seed);
                follow(&p, &s);
            }
            adadelta_destroy(p.optimizer);
        }
}

/* The format is kept: what codes become after some steps, the oracle's and the library's alike, is written down. A
   change of these figures is a change of the format, of its chance, or of the rule, and checkpoints would go on
   otherwise. */
static void codes_are_what_they_were(void **state)
{
    (void)state;
    static struct pair p;
    static const uint64_t expected[CODE_TYPES] = {0x7ff1305333d90ffc, 0x2ba1cdcd2ef57317};
    for (size_t t = 0; t < CODE_TYPES; t++) {
        const struct settings s = settings_of(1, 0);
        uint64_t seed = 4, digest = 0xcbf29ce484222325u;
        start(&p, &code_types[t], ADADELTA_F32, MOST, &s.hyper);
        rate_now = 1;
        for (int k = 0; k < STEPS; k++) {
            draw_gradient(&p, &seed);
            follow(&p, &s);
        }
        for (int k = 0; k < STATES; k++)
            for (size_t i = 0; i < MOST; i++)
                digest = (digest ^ code_at(&code_types[t], p.codes[k], i)) * 0x100000001b3u;
        if (digest != expected[t])
            fail_msg("%s: 0x%016llx", adadelta_dtype_name(code_types[t].dtype), (unsigned long long)digest);
        adadelta_destroy(p.optimizer);
    }
}

/* ---- Where others went wrong ---- */

/* The new v and the old u: at rho 0 and eps 1 a gradient of 1 from 0 makes a step of the root of 1/2; with the new u
   it would be that of 3/4. And v is used as it was computed, not as it is kept. */
static void the_new_v_and_the_old_u(void **state)
{
    (void)state;
    static struct pair p;
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0, .eps = 1};
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int i = 0; i < 2; i++) {
            const float g = i ? 1.3F : 1; /* 1.69 + 1 is no code's number */
            start(&p, &code_types[t], ADADELTA_F32, 1, &hyper);
            store_element(ADADELTA_F32, p.x, 0, 0);
            store_element(ADADELTA_F32, p.g, 0, (double)g);
            OK(adadelta_step(p.optimizer));
            assert_true(fabs(load_element(ADADELTA_F32, p.x, 0) + sqrt(1 / ((double)g * (double)g + 1)) * (double)g) <
                        1e-6);
            adadelta_destroy(p.optimizer);
        }
}

/* lr acts on dense gradients and on rows, in float and in double, and has no part in the state: twice the lr is twice
   the way from 0, exactly, and none leaves the parameters where they are. */
static void lr_acts_on_every_path(void **state)
{
    (void)state;
    enum { ROWS = 3, WIDTH = 700, N = ROWS * WIDTH };
    static const size_t rows[ROWS] = {2, 0, 1};
    static struct pair p[3];
    for (size_t t = 0; t < CODE_TYPES; t++)
        for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
            for (int sparse = 0; sparse < 2; sparse++) {
                const size_t bytes = N * element_size((enum adadelta_dtype)d);
                for (int k = 0; k < 3; k++) {
                    const struct adadelta_hyper hyper = {.lr = k, .rho = 0.9, .eps = 1e-6};
                    const struct adadelta_options options = {.state_dtype = code_types[t].dtype};
                    const struct adadelta_tensor tensor = {.name = "x",
                                                           .dtype = (enum adadelta_dtype)d,
                                                           .ndim = 2,
                                                           .shape = {ROWS, WIDTH},
                                                           .values = p[k].x,
                                                           .max_rows = ROWS};
                    uint64_t seed = 3;
                    memset(p[k].x, 0, sizeof p[k].x);
                    OK(adadelta_create(&options, &p[k].optimizer));
                    OK(adadelta_add_group(p[k].optimizer, &hyper, NULL));
                    OK(adadelta_add_tensor(p[k].optimizer, 0, &tensor, NULL));
                    p[k].oracle = (struct code_tensor){.dtype = (enum adadelta_dtype)d, .n = N};
                    for (int step = 0; step < 5; step++) {
                        draw_gradient(&p[k], &seed);
                        OK(sparse ? adadelta_step_rows(p[k].optimizer, 0, ROWS, rows, p[k].g)
                                  : adadelta_step_tensor(p[k].optimizer, 0, p[k].g));
                    }
                    find_codes(p[k].optimizer, p[k].codes);
                }
                for (int k = 0; k < STATES; k++) {
                    assert_memory_equal(p[0].codes[k], p[1].codes[k], N * code_size(&code_types[t]));
                    assert_memory_equal(p[1].codes[k], p[2].codes[k], N * code_size(&code_types[t]));
                }
                for (size_t i = 0; i < N; i++) {
                    const double once = load_element((enum adadelta_dtype)d, p[1].x, i);
                    assert_true(load_element((enum adadelta_dtype)d, p[0].x, i) == 0);
                    assert_true(load_element((enum adadelta_dtype)d, p[2].x, i) == 2 * once);
                }
                assert_memory_not_equal(p[1].x, p[0].x, bytes);
                for (int k = 0; k < 3; k++)
                    adadelta_destroy(p[k].optimizer);
            }
}

/* No elements at all: a step, a new eps, and numbers in and out. */
static void no_elements(void **state)
{
    (void)state;
    static struct pair p;
    struct adadelta_hyper hyper = adadelta_hyper_default();
    const struct adadelta_tensor array = {.ndim = 1, .shape = {0}};
    for (size_t t = 0; t < CODE_TYPES; t++) {
        start(&p, &code_types[t], ADADELTA_F32, 0, &hyper);
        OK(adadelta_step(p.optimizer));
        hyper.eps *= 2;
        OK(adadelta_set_hyper(p.optimizer, 0, &hyper));
        OK(adadelta_set_state(p.optimizer, 0, "square_avg", &array));
        OK(adadelta_copy_state(p.optimizer, 0, "acc_delta", ADADELTA_F32, NULL));
        OK(adadelta_step(p.optimizer));
        adadelta_destroy(p.optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_the_oracle_s),
        cmocka_unit_test(steps_in_double_are_the_oracle_s),
        cmocka_unit_test(a_new_eps_is_the_oracle_s),
        cmocka_unit_test(codes_are_what_they_were),
        cmocka_unit_test(the_new_v_and_the_old_u),
        cmocka_unit_test(lr_acts_on_every_path),
        cmocka_unit_test(no_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
