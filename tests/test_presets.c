/* SPDX-License-Identifier: MIT */
/* Presets: each does what the library does that it is named after, for 600 steps, in each of the settings that one
   offers (peers.h has their rules). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <complex.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>
#include "oracle.h"
#include "peers.h"

/* ---- Their settings ---- */

/* PyTorch: torch.optim.Adadelta; Keras 3: keras.optimizers.Adadelta; TensorFlow: tf.compat.v1.train.AdadeltaOptimizer;
   Optax: optax.adadelta; ensmallen: AdaDelta: the defaults of their constructors. The paper's lr is 1, Optax has none.
 */
static const struct {
    const char *name;
    double lr, rho, eps;
    int decoupled;
    enum adadelta_duplicates duplicates;
} published[] = {
    {"paper", 1, 0.95, 1e-6, 0, ADADELTA_DUPLICATES_SUM},
    {"pytorch", 1, 0.9, 1e-6, 0, ADADELTA_DUPLICATES_SUM},
    {"keras", 0.001, 0.95, 1e-7, 1, ADADELTA_DUPLICATES_SUM},
    {"tensorflow", 0.001, 0.95, 1e-8, 0, ADADELTA_DUPLICATES_IN_ORDER},
    {"optax", 1, 0.9, 1e-6, 0, ADADELTA_DUPLICATES_SUM},
    {"ensmallen", 1, 0.95, 1e-6, 0, ADADELTA_DUPLICATES_SUM},
};
enum { PUBLISHED = sizeof published / sizeof *published };

static void settings_are_the_published_ones(void **state)
{
    (void)state;
    for (size_t k = 0; k < PUBLISHED; k++) {
        const struct adadelta_preset *preset = adadelta_preset_by_name(published[k].name);
        assert_non_null(preset);
        assert_true(preset->hyper.lr == published[k].lr);
        assert_true(preset->hyper.rho == published[k].rho);
        assert_true(preset->hyper.eps == published[k].eps);
        assert_true(preset->hyper.weight_decay == 0);
        assert_int_equal(preset->hyper.decoupled, published[k].decoupled);
        assert_int_equal(preset->hyper.maximize, 0);
        assert_int_equal(adadelta_hyper_check(&preset->hyper), ADADELTA_OK);
        assert_true(preset->gradients.scale == 1);
        assert_int_equal(preset->gradients.nonfinite, ADADELTA_NONFINITE_PROPAGATE); /* none of them looks */
        assert_true(preset->gradients.clip_value == 0);
        assert_true(preset->gradients.clip_norm == 0);
        assert_true(preset->gradients.clip_global_norm == 0);
        assert_int_equal(preset->gradients.duplicates, published[k].duplicates);
    }
}

static void presets_are_numbered_and_named(void **state)
{
    (void)state;
    for (size_t k = 0; k < PUBLISHED; k++) {
        assert_non_null(adadelta_preset_at(k));
        assert_string_equal(adadelta_preset_at(k)->name, published[k].name);
        assert_ptr_equal(adadelta_preset_by_name(published[k].name), adadelta_preset_at(k));
    }
    assert_null(adadelta_preset_at(PUBLISHED));
    assert_null(adadelta_preset_at(SIZE_MAX));
    static const char *const unknown[] = {"", "torch", "PyTorch", "pytorch ", "kera", "keras3"};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++)
        assert_null(adadelta_preset_by_name(unknown[k]));
}

/* None of them looks at a gradient unless it is told to: a NaN reaches its own element, and no other. */
static void not_finite_goes_through(void **state)
{
    (void)state;
    for (size_t k = 0; k < PUBLISHED; k++) {
        const struct adadelta_preset *preset = adadelta_preset_at(k);
        double x[2] = {0};
        const double g[2] = {NAN, 1};
        struct adadelta *optimizer;
        const struct adadelta_tensor tensor = {
            .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {2}, .values = x, .gradient = g};
        assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, &preset->hyper, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_set_gradients(optimizer, &preset->gradients), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        adadelta_destroy(optimizer);
        assert_true(isnan(x[0]));
        assert_true(x[1] < 0);
    }
}

/* A float whose square overflows would freeze its parameter for ever; it counts as infinite, unless nobody looks. */
static void squares_that_overflow_are_not_finite(void **state)
{
    (void)state;
    struct adadelta_gradients gradients = adadelta_gradients_default();
    float x = 0, g = 1.85e19f;
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {.name = "x", .values = &x, .gradient = &g};
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_ERROR_NONFINITE);
    g = 1.84e19f;
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    const float before = x;
    assert_true(before < 0);
    g = 1.85e19f;
    gradients.nonfinite = ADADELTA_NONFINITE_SKIP;
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_true(x == before);
    assert_int_equal(adadelta_skip_count(optimizer), 1);
    gradients.clip_value = 1;
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_step_count(optimizer), 2); /* clipped, it passes */
    adadelta_destroy(optimizer);
}

/* ---- The rules ---- */

static void follow(const char *preset, peer_step *step, size_t count, const struct peer_settings *settings)
{
    for (size_t k = 0; k < count; k++)
        peer_follow(&(struct peer_trial){.preset = preset, .step = step, .settings = settings[k]});
}

#define FOLLOW(preset, step, settings) follow(preset, step, sizeof(settings) / sizeof *(settings), settings)

static void paper(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 1, .rho = 0.95, .eps = 1e-6}, {.lr = 1, .rho = 0.9, .eps = 1e-6}, {.lr = 1, .rho = 0.99, .eps = 1e-8}};
    FOLLOW("paper", paper_step, settings);
}

/* The first six: those that PyTorch tests (torch/testing/_internal/common_optimizers.py, optim_inputs_func_adadelta).
 */
static const struct peer_settings pytorch_settings[] = {
    {.lr = 1, .rho = 0.9, .eps = 1e-6},
    {.lr = 0.01, .rho = 0.9, .eps = 1e-6},
    {.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1},
    {.lr = 1, .rho = 0.9, .eps = 1e-6, .maximize = 1},
    {.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .maximize = 1},
    {.lr = 1, .rho = 0.95, .eps = 1e-6, .weight_decay = 0.9},
    {.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .loss_scale = 65536, .clip_value = 1e-4},
};

static void pytorch(void **state)
{
    (void)state;
    FOLLOW("pytorch", torch_step, pytorch_settings);
}

static void keras(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 0.001, .rho = 0.95, .eps = 1e-7},
        {.lr = 1, .rho = 0.95, .eps = 1e-7},
        {.lr = 1, .rho = 0.95, .eps = 1e-7, .weight_decay = 0.004},
        {.lr = 1, .rho = 0.95, .eps = 1e-7, .weight_decay = 0.004, .clip_norm = 0.5, .loss_scale = 3},
        {.lr = 1, .rho = 0.95, .eps = 1e-7, .weight_decay = 0.004, .clip_global_norm = 0.5, .ema_momentum = 0.99},
        {.lr = 0.5, .rho = 0.95, .eps = 1e-7, .clip_value = 0.1, .ema_momentum = 0.9},
    };
    FOLLOW("keras", keras_step, settings);
}

static void tensorflow(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 0.001, .rho = 0.95, .eps = 1e-8},
        {.lr = 1, .rho = 0.95, .eps = 1e-8},
        {.lr = 1, .rho = 0.95, .eps = 1e-8, .clip_global_norm = 0.25},
    };
    FOLLOW("tensorflow", tensorflow_step, settings);
}

static void optax(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 1, .rho = 0.9, .eps = 1e-6},
        {.lr = 0.1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.01},
        {.lr = 0.1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.01, .decay_after_rule = 1},
        {.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.01, .clip_value = 2, .clip_global_norm = 1},
    };
    FOLLOW("optax", optax_step, settings);
}

static void ensmallen(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 1, .rho = 0.95, .eps = 1e-6},
        {.lr = 1, .rho = 0.95, .eps = 1e-6, .batch_size = 32},
        {.lr = 1, .rho = 0.95, .eps = 1e-6, .clip_value = 0.5},
        {.lr = 1, .rho = 0.95, .eps = 1e-6, .clip_norm = 0.5},
    };
    FOLLOW("ensmallen", ensmallen_step, settings);
}

static void optimisers_jl(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {
        {.lr = 1, .rho = 0.9, .eps = 1e-8},
        {.lr = 1, .rho = 0.9, .eps = 1e-8, .weight_decay = 5e-4, .clip_value = 1},
        {.lr = 1, .rho = 0.9, .eps = 1e-8, .weight_decay = 5e-4, .decay_after_rule = 1},
    };
    FOLLOW("optax", julia_step, settings);
}

/* PyTorch adds 1e-6 to the norm, which a norm above 1e7 does not notice; below, 1e-6/norm is what the two differ by. */
static void pytorch_clips_by_a_longer_norm(void **state)
{
    (void)state;
    struct peer_trial trial = {
        .preset = "pytorch",
        .step = torch_step,
        .settings = {.lr = 1, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.1, .clip_global_norm = 1000},
        .stream = HUGE_ONES,
    };
    for (trial.dtype = ADADELTA_F32; trial.dtype <= ADADELTA_F64; trial.dtype++)
        peer_walk(&trial);
}

/* keras.optimizers.schedules.CosineDecay and optax.cosine_decay_schedule, alpha 0. Keras' decay follows the rate. */
static void rates_fall_along_a_cosine(void **state)
{
    (void)state;
    peer_follow(&(struct peer_trial){.preset = "keras",
                                     .step = keras_step,
                                     .settings = {.lr = 0.5, .rho = 0.95, .eps = 1e-7, .weight_decay = 0.01},
                                     .cosine_steps = 500});
    peer_follow(&(struct peer_trial){.preset = "optax",
                                     .step = optax_step,
                                     .settings = {.lr = 0.5, .rho = 0.9, .eps = 1e-6, .weight_decay = 0.01},
                                     .cosine_steps = 500});
}

/* learning_rate=None leaves the sign as it is: that is maximize, as long as nothing decays. */
static void optax_without_a_rate_climbs(void **state)
{
    (void)state;
    static const struct peer_settings settings[] = {{.lr = 1, .rho = 0.9, .eps = 1e-6, .maximize = 1}};
    FOLLOW("optax", optax_step_without_lr, settings);
}

/* ---- Complex numbers ---- */

enum { COMPLEX = 4 };

/* torch.view_as_real, then the rule on each of the two: real and imaginary part have averages of their own. */
static void torch_complex(const struct peer_settings *s, const long double complex *grad, long double complex *param,
                          long double complex *square_avg, long double complex *acc_delta)
{
    for (int i = 0; i < COMPLEX; i++) {
        long double re[3] = {creall(param[i]), creall(square_avg[i]), creall(acc_delta[i])};
        long double im[3] = {cimagl(param[i]), cimagl(square_avg[i]), cimagl(acc_delta[i])};
        torch_element(s, s->weight_decay != 0, creall(grad[i]), &re[0], &re[1], &re[2]);
        torch_element(s, s->weight_decay != 0, cimagl(grad[i]), &im[0], &im[1], &im[2]);
        param[i] = re[0] + im[0] * I;
        square_avg[i] = re[1] + im[1] * I;
        acc_delta[i] = re[2] + im[2] * I;
    }
}

/* f = sum |a*z - b|^2; PyTorch's gradient of it is 2*conj(a)*(a*z - b). */
static void complex_walk(const struct peer_settings *s, enum adadelta_dtype dtype)
{
    const double tolerance = dtype == ADADELTA_F32 ? 1e-5 : 1e-12;
    static const double complex a[COMPLEX] = {1 + I, 0.25 - 2 * I, -0.5 * I, 3}, b[COMPLEX] = {1 - I, 2, -1 - I, I};
    long double complex z[COMPLEX] = {0, 1 + I, 0.5 * I, -1}, v[COMPLEX] = {0}, u[COMPLEX] = {0}, g[COMPLEX];
    double values[2 * COMPLEX], gradient[2 * COMPLEX]; /* as floats in f32 */
    long double way[COMPLEX] = {0};
    struct peer_trial trial = {.preset = "pytorch", .settings = *s};
    const struct adadelta_hyper hyper = peer_hyper(&trial);
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {
        .name = "z", .dtype = dtype, .ndim = 2, .shape = {COMPLEX, 2}, .values = values, .gradient = gradient};
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    for (int i = 0; i < 2 * COMPLEX; i++)
        store_element(dtype, values, i, (double)(i % 2 ? cimagl(z[i / 2]) : creall(z[i / 2])));
    for (int step = 0; step < PEER_STEPS; step++) {
        long double complex before[COMPLEX];
        for (int i = 0; i < COMPLEX; i++) {
            const long double complex slope = 2 * conjl(a[i]) * (a[i] * z[i] - b[i]);
            store_element(dtype, gradient, 2 * i, (double)creall(slope));
            store_element(dtype, gradient, 2 * i + 1, (double)cimagl(slope));
            g[i] = load_element(dtype, gradient, 2 * i) + load_element(dtype, gradient, 2 * i + 1) * I;
        }
        memcpy(before, z, sizeof z);
        torch_complex(s, g, z, v, u);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        for (int i = 0; i < 2 * COMPLEX; i++) {
            const long double want = i % 2 ? cimagl(z[i / 2]) : creall(z[i / 2]);
            if (i % 2 == 0)
                way[i / 2] += step == 0 ? cabsl(z[i / 2]) : cabsl(z[i / 2] - before[i / 2]);
            assert_true(fabsl(load_element(dtype, values, i) - want) <= tolerance * way[i / 2]);
        }
    }
    adadelta_destroy(optimizer);
}

static void complex_numbers_are_two_reals(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof pytorch_settings / sizeof *pytorch_settings; k++) {
        complex_walk(&pytorch_settings[k], ADADELTA_F64);
        complex_walk(&pytorch_settings[k], ADADELTA_F32);
    }
}

/* ---- Rows ---- */

enum { ROWS = 7, WIDTH = 3, NAMED = 10 };

/* Rows drawn with repetition, by adadelta_set_rows or, every other step, by adadelta_step_rows. */
static void rows_walk(enum adadelta_duplicates duplicates, enum adadelta_dtype dtype)
{
    const struct peer_settings s = {.lr = 0.5, .rho = 0.95, .eps = 1e-8};
    const struct peer_trial trial = {.preset = "tensorflow", .settings = s};
    const struct adadelta_hyper hyper = peer_hyper(&trial);
    struct adadelta_gradients gradients = adadelta_preset_by_name("tensorflow")->gradients;
    long double var[ROWS * WIDTH] = {0}, accum[ROWS * WIDTH] = {0}, accum_update[ROWS * WIDTH] = {0};
    long double grad[NAMED * WIDTH], way[ROWS * WIDTH] = {0};
    double values[ROWS * WIDTH] = {0}, gradient[NAMED * WIDTH];
    uint64_t seed = 3;
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {
        .name = "e", .dtype = dtype, .ndim = 2, .shape = {ROWS, WIDTH}, .values = values, .max_rows = NAMED};
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    if (duplicates == ADADELTA_DUPLICATES_SUM) /* the preset's are in order */
        gradients.duplicates = duplicates;
    assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
    for (int step = 0; step < PEER_STEPS; step++) {
        size_t rows[NAMED], count = random_bits(&seed) % (NAMED + 1);
        long double before[ROWS * WIDTH];
        for (size_t i = 0; i < count * WIDTH; i++) {
            rows[i / WIDTH] = random_bits(&seed) % ROWS;
            grad[i] = (float)random_magnitude(&seed, -6, 2);
            store_element(dtype, gradient, i, (double)grad[i]);
        }
        if (step % 2) {
            assert_int_equal(adadelta_set_rows(optimizer, 0, count, rows, gradient), ADADELTA_OK);
            assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        } else {
            assert_int_equal(adadelta_step_rows(optimizer, 0, count, rows, gradient), ADADELTA_OK);
        }
        memcpy(before, var, sizeof var);
        if (duplicates == ADADELTA_DUPLICATES_SUM)
            count = tensorflow_deduplicate(WIDTH, count, rows, grad);
        tensorflow_rows(&s, WIDTH, count, rows, grad, var, accum, accum_update);
        for (size_t i = 0; i < ROWS * WIDTH; i++) {
            way[i] += fabsl(var[i] - before[i]);
            assert_true(fabsl(load_element(dtype, values, i) - var[i]) <=
                        (dtype == ADADELTA_F32 ? 1e-5 : 1e-12) * way[i]);
        }
    }
    adadelta_destroy(optimizer);
}

/* SparseApplyAdadelta takes a step for each mention of a row, AdadeltaOptimizer adds the mentions up first. */
static void tensorflow_rows_follow(void **state)
{
    (void)state;
    for (enum adadelta_dtype dtype = ADADELTA_F32; dtype <= ADADELTA_F64; dtype++) {
        rows_walk(ADADELTA_DUPLICATES_IN_ORDER, dtype);
        rows_walk(ADADELTA_DUPLICATES_SUM, dtype);
    }
}

/* TensorFlow looks at all indices before it moves anything; no rows are no step; other rows keep all they have. */
static void tensorflow_bad_rows_change_nothing(void **state)
{
    (void)state;
    const struct adadelta_preset *preset = adadelta_preset_by_name("tensorflow");
    double x[3] = {1, 2, 3}, *v;
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {3}, .values = x, .max_rows = 2};
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &preset->hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_set_gradients(optimizer, &preset->gradients), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "square_avg", (void **)&v), ADADELTA_OK);
    v[2] = 4;
    const double g[2] = {1, 1};
    assert_int_equal(adadelta_step_rows(optimizer, 0, 2, (size_t[]){0, 3}, g), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_step_rows(optimizer, 0, 3, (size_t[]){0, 1, 2}, g), ADADELTA_ERROR_ROW);
    assert_int_equal(adadelta_step_rows(optimizer, 0, 0, NULL, NULL), ADADELTA_OK);
    assert_memory_equal(x, ((double[]){1, 2, 3}), sizeof x);
    assert_memory_equal(v, ((double[]){0, 0, 4}), sizeof x);
    assert_int_equal(adadelta_step_rows(optimizer, 0, 2, (size_t[]){1, 0}, g), ADADELTA_OK);
    assert_true(x[0] < 1 && x[1] < 2 && v[0] > 0 && v[1] > 0);
    assert_true(x[2] == 3 && v[2] == 4);
    adadelta_destroy(optimizer);
}

/* Where nobody looks, a norm that is NaN makes all NaN that it bounds, as in PyTorch, Keras, TF and Optax. */
static void a_norm_that_is_nan_goes_to_all(void **state)
{
    (void)state;
    for (int global = 0; global < 2; global++) {
        float x[2] = {0, 0}, y = 0;
        const float g[2] = {NAN, 1}, h = 100;
        const struct adadelta_tensor tensors[] = {{.name = "x", .ndim = 1, .shape = {2}, .values = x, .gradient = g},
                                                  {.name = "y", .values = &y, .gradient = &h}};
        struct adadelta_gradients gradients = adadelta_preset_by_name("pytorch")->gradients;
        struct adadelta *optimizer;
        gradients.clip_global_norm = global ? 1 : 0;
        gradients.clip_norm = global ? 0 : 1;
        assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensors[i], NULL), ADADELTA_OK);
        assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        assert_true(isnan(x[0]) && isnan(x[1]) && !isnan(y) == !global);
        adadelta_destroy(optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_the_published_ones),
        cmocka_unit_test(presets_are_numbered_and_named),
        cmocka_unit_test(not_finite_goes_through),
        cmocka_unit_test(squares_that_overflow_are_not_finite),
        cmocka_unit_test(paper),
        cmocka_unit_test(pytorch),
        cmocka_unit_test(keras),
        cmocka_unit_test(tensorflow),
        cmocka_unit_test(optax),
        cmocka_unit_test(ensmallen),
        cmocka_unit_test(optimisers_jl),
        cmocka_unit_test(pytorch_clips_by_a_longer_norm),
        cmocka_unit_test(rates_fall_along_a_cosine),
        cmocka_unit_test(optax_without_a_rate_climbs),
        cmocka_unit_test(complex_numbers_are_two_reals),
        cmocka_unit_test(tensorflow_rows_follow),
        cmocka_unit_test(tensorflow_bad_rows_change_nothing),
        cmocka_unit_test(a_norm_that_is_nan_goes_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
