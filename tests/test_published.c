/* SPDX-License-Identifier: MIT */
/* Numbers that other libraries have published in their tests and documentation, by their presets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include <adadelta.h>
#include "oracle.h"

/* An optimizer of one F64 tensor of n elements. */
static struct adadelta *optimizer_of(const struct adadelta_options *options, const struct adadelta_hyper *hyper,
                                     const struct adadelta_gradients *gradients, size_t n, double *x, const double *g)
{
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {n}, .values = x, .gradient = g};
    assert_int_equal(adadelta_create(options, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    if (gradients)
        assert_int_equal(adadelta_set_gradients(optimizer, gradients), ADADELTA_OK);
    return optimizer;
}

static void step_once(const struct adadelta_options *options, const struct adadelta_hyper *hyper,
                      const struct adadelta_gradients *gradients, size_t n, double *x, const double *g)
{
    struct adadelta *optimizer = optimizer_of(options, hyper, gradients, n, x, g);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    adadelta_destroy(optimizer);
}

/* ---- Published numbers ----

   Left out: those that need rho = 1 or eps = 0, which this library refuses: TensorFlow's testSparse* (adadelta_test.py,
   rho 1) and the second and third case of its issue 9058 (rho 1; rho 1 and eps 0). */

/* x - g, to see what became of a gradient. */
static const struct adadelta_options sgd = {.method = ADADELTA_METHOD_SGD};
static const struct adadelta_hyper subtract = {.lr = 1, .eps = 1};

static void near_to(size_t n, const double *got, const double *want, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("number %zu is %.17g, published %.17g", i, got[i], want[i]);
}

/* keras/src/optimizers/adadelta_test.py. The second number of each pair is the same set-up evaluated in double. */
static void keras_numbers(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = adadelta_preset_by_name("keras")->hyper;
    /* test_single_step */
    double x[10] = {1, 2, 3, 4};
    hyper.lr = 0.5;
    step_once(NULL, &hyper, NULL, 4, x, (double[]){1, 6, 7, 2});
    near_to(4, x, (double[]){0.9993, 1.9993, 2.9993, 3.9993}, 1e-4);
    near_to(4, x, (double[]){0.9992928939259191, 1.9992928932384553, 2.9992928932332443, 3.99929289339559}, 4e-16);
    /* test_correctness_with_golden: a gradient of 0.01, then of 0.1, 0.2 ... 1 */
    static const double golden[] = {0.9978, 0.9947, 0.9915, 0.9882, 0.9849};
    static const double exactly[][4] = {{0.9978178211, 0.9978178211, 0.9978178211, 0.9978178211},
                                        {0.9947066111, 0.9946967308, 0.9946939474, 0.9946935492},
                                        {0.9915077790, 0.9914879782, 0.9914824002, 0.9914816021},
                                        {0.9882457241, 0.9882160387, 0.9882076762, 0.9882064798},
                                        {0.9849322865, 0.9848927694, 0.9848816373, 0.9848800446}};
    double g[10];
    hyper = (struct adadelta_hyper){.lr = 1, .rho = 0.8, .eps = 1e-6, .decoupled = 1};
    for (int i = 0; i < 10; i++) {
        x[i] = 1;
        g[i] = 0.01;
    }
    struct adadelta *optimizer = optimizer_of(NULL, &hyper, NULL, 10, x, g);
    for (int step = 0; step < 5; step++) {
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        for (int i = 0; i < 10; i++) {
            near_to(1, &x[i], &golden[step], 5e-4);
            g[i] = (i + 1) / 10.0;
        }
        near_to(4, (double[]){x[0], x[1], x[4], x[9]}, exactly[step], 5.1e-11);
    }
    adadelta_destroy(optimizer);
    /* test_weight_decay: three optimizers, one after the other, decay what is not excluded */
    hyper = (struct adadelta_hyper){.lr = 1, .rho = 0.95, .eps = 1e-7, .weight_decay = 0.004, .decoupled = 1};
    x[0] = 2;
    for (int k = 0; k < 3; k++)
        step_once(NULL, &hyper, NULL, 1, x, (double[]){0});
    near_to(1, x, (double[]){1.9760959}, 5e-8);
    near_to(1, x, (double[]){1.976095872}, 1e-15);
    /* Not theirs: decay and a step, evaluated in double */
    hyper.weight_decay = 0.1;
    x[0] = 1;
    step_once(NULL, &hyper, NULL, 1, x, (double[]){0.5});
    near_to(1, x, (double[]){0.8985857920944472}, 3e-16);
    /* The first step at the defaults on a large gradient: lr*sqrt(eps/(1 - rho)) */
    x[0] = 0;
    step_once(NULL, &adadelta_preset_by_name("keras")->hyper, NULL, 1, x, (double[]){1e9});
    near_to(1, x, (double[]){-1.414213562e-6}, 1e-15);
}

/* keras/src/optimizers/adadelta_test.py and optimizer_test.py: clipping, scale, accumulation, averages. */
static void keras_gradients_and_averages(void **state)
{
    (void)state;
    struct adadelta_gradients gradients = adadelta_gradients_default();
    double x[4] = {0}, g[4] = {100, 100};
    /* test_clip_norm, test_clip_value, test_global_clip_norm */
    gradients.clip_norm = 1;
    step_once(&sgd, &subtract, &gradients, 2, x, g);
    near_to(2, x, (double[]){-0.70710678118654752, -0.70710678118654752}, 2e-16);
    gradients = adadelta_gradients_default();
    gradients.clip_value = 1;
    x[0] = x[1] = 0;
    step_once(&sgd, &subtract, &gradients, 2, x, g);
    near_to(2, x, (double[]){-1, -1}, 0);
    gradients = adadelta_gradients_default();
    gradients.clip_global_norm = 1;
    x[0] = x[1] = 0;
    g[0] = 50;
    step_once(&sgd, &subtract, &gradients, 2, x, g);
    near_to(2, x, (double[]){-0.4472136, -0.8944272}, 5e-8);
    /* loss_scale_factor */
    gradients = adadelta_gradients_default();
    gradients.scale = 1024;
    step_once(&sgd, &subtract, &gradients, 4, memcpy(x, (double[]){1, 2, 3, 4}, sizeof x),
              (double[]){1024, 2048, 3072, 4096});
    near_to(4, x, (double[]){0, 0, 0, 0}, 0);
    /* gradient_accumulation_steps=3: the caller adds up, and steps every third time */
    gradients.scale = 3;
    step_once(&sgd, &subtract, &gradients, 1, memcpy(x, (double[]){1}, sizeof(double)), (double[]){1 + 1 + 1});
    near_to(1, x, (double[]){0}, 0);
    /* use_ema, ema_momentum 0.9, ema_overwrite_frequency 3: at every third step the caller copies the average */
    struct adadelta_options options = {
        .method = ADADELTA_METHOD_SGD, .averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = 0.9};
    void *average;
    x[0] = 3;
    g[0] = 1;
    struct adadelta *optimizer = optimizer_of(&options, &subtract, NULL, 1, x, g);
    assert_int_equal(adadelta_state(optimizer, 0, "average", &average), ADADELTA_OK);
    for (int step = 0; step < 3; step++) {
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        if (step == 2)
            memcpy(x, average, sizeof *x);
        near_to(1, x, &(const double[]){2, 1, 1.71}[step], 1e-15);
        near_to(1, average, &(const double[]){2, 1.9, 1.71}[step], 1e-15);
    }
    adadelta_destroy(optimizer);
    /* The same with Adadelta and without overwriting, evaluated in double */
    const struct adadelta_hyper hyper = {.lr = 1, .rho = 0.95, .eps = 1e-7, .decoupled = 1};
    options.method = ADADELTA_METHOD_ADADELTA;
    x[0] = 1;
    optimizer = optimizer_of(&options, &hyper, NULL, 1, x, g);
    assert_int_equal(adadelta_state(optimizer, 0, "average", &average), ADADELTA_OK);
    for (int step = 0; step < 4; step++) {
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        near_to(1, x, &(const double[]){.998585787852, .997153559554, .995709144528, .994255428675}[step], 5.1e-13);
        near_to(1, average, &(const double[]){.998585787852, .998442565022, .998169222973, .997777843543}[step],
                5.1e-13);
    }
    adadelta_destroy(optimizer);
}

/* tensorflow/python/training/adadelta_test.py, doTestBasic: what its NumPy loop gives, evaluated in double. */
static const struct {
    double g, sum[4], v[4], u[4];
} tensorflow_basic[] = {
    {0.2,
     {4.472124775e-4, 9.001221443e-4, 1.356885583e-3, 1.816590195e-3},
     {2e-3, 3.9e-3, 5.705e-3, 7.41975e-3},
     {9.999950000e-9, 1.975631082e-8, 2.920013723e-8, 3.830654686e-8}},
    {0.1,
     {4.472091234e-4, 9.001153500e-4, 1.356875298e-3, 1.816576384e-3},
     {5e-4, 9.75e-4, 1.42625e-3, 1.8549375e-3},
     {9.999800004e-9, 1.975601251e-8, 2.919969440e-8, 3.830596409e-8}},
    {0.01,
     {4.467670516e-4, 8.992198378e-4, 1.355519731e-3, 1.814756097e-3},
     {5e-6, 9.75e-6, 1.42625e-5, 1.8549375e-5},
     {9.980039920e-9, 1.971671411e-8, 2.914135804e-8, 3.822919212e-8}},
};

/* x: [1, 2] or [3, 4]. In half precision the numbers are a part in a thousand apart, as in TensorFlow's test. */
static void tensorflow_basic_walk(size_t k, double lr, double x0, enum adadelta_dtype dtype)
{
    const double tolerance = dtype == ADADELTA_F64 ? 2e-10 : dtype == ADADELTA_F32 ? 1e-6 : 1e-3;
    struct adadelta_hyper hyper = adadelta_preset_by_name("tensorflow")->hyper;
    double values[2], gradient[2];
    struct adadelta *optimizer;
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = dtype, .ndim = 1, .shape = {2}, .values = values, .gradient = gradient};
    void *v, *u;
    hyper.lr = lr;
    assert_int_equal(adadelta_convert(2, dtype, values, ADADELTA_F64, (double[]){x0, x0 + 1}), ADADELTA_OK);
    assert_int_equal(
        adadelta_convert(2, dtype, gradient, ADADELTA_F64, (double[]){tensorflow_basic[k].g, tensorflow_basic[k].g}),
        ADADELTA_OK);
    assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
    assert_int_equal(adadelta_add_group(optimizer, &hyper, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "square_avg", &v), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", &u), ADADELTA_OK);
    const enum adadelta_dtype state_dtype = dtype == ADADELTA_F64 ? ADADELTA_F64 : ADADELTA_F32;
    for (int step = 0; step < 4; step++) {
        double x[2];
        assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_convert(2, ADADELTA_F64, x, dtype, values), ADADELTA_OK);
        for (int i = 0; i < 2; i++) {
            const double want_v = tensorflow_basic[k].v[step], want_u = tensorflow_basic[k].u[step];
            const double want = x0 + i - lr * tensorflow_basic[k].sum[step];
            assert_true(fabs(x[i] - want) <= (dtype == ADADELTA_F64 ? 1e-12 : tolerance * want));
            assert_true(fabs(load_element(state_dtype, v, i) - want_v) <= tolerance * want_v);
            assert_true(fabs(load_element(state_dtype, u, i) - want_u) <= tolerance * want_u);
        }
    }
    adadelta_destroy(optimizer);
}

static void tensorflow_numbers(void **state)
{
    (void)state;
    static const enum adadelta_dtype types[] = {ADADELTA_F64, ADADELTA_F32, ADADELTA_F16};
    for (size_t k = 0; k < 3; k++)
        for (size_t lr = 0; lr < 3; lr++)
            for (size_t type = 0; type < 3; type++)
                for (double x0 = 1; x0 <= 3; x0 += 2)
                    tensorflow_basic_walk(k, (const double[]){1, 0.5, 0.1}[lr], x0, types[type]);
    /* Issue 9058: the new v with the old u; with the new u it was -0.86602540. */
    double x = 0, g = 1, v = 0, u = 0;
    assert_int_equal(adadelta_update_f64(1, &x, &g, &v, &u, &(struct adadelta_hyper){.lr = 1, .eps = 1}), ADADELTA_OK);
    near_to(1, &x, (double[]){-0.70710678118654752}, 2e-16);
    near_to(2, (double[]){v, u}, (double[]){1, 0.5}, 2e-16);
}

/* The same row twice, evaluated in double: two steps, or one with the sum. */
static void tensorflow_duplicates(void **state)
{
    (void)state;
    static const double want[2][3] = {{0.9955281435272965, 0.008, 9.998750156230476e-7},
                                      {0.9895208794084368, 0.004975, 2.7549803929119257e-6}};
    for (enum adadelta_duplicates how = ADADELTA_DUPLICATES_SUM; how <= ADADELTA_DUPLICATES_IN_ORDER; how++) {
        struct adadelta_gradients gradients = adadelta_gradients_default();
        double x[2] = {1, 1}, *v, *u;
        struct adadelta *optimizer;
        struct adadelta_tensor tensor = {
            .name = "x", .dtype = ADADELTA_F64, .ndim = 1, .shape = {2}, .values = x, .max_rows = 2};
        gradients.duplicates = how;
        assert_int_equal(adadelta_create(NULL, &optimizer), ADADELTA_OK);
        assert_int_equal(adadelta_add_group(optimizer, NULL, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_add_tensor(optimizer, 0, &tensor, NULL), ADADELTA_OK);
        assert_int_equal(adadelta_set_gradients(optimizer, &gradients), ADADELTA_OK);
        assert_int_equal(adadelta_state(optimizer, 0, "square_avg", (void **)&v), ADADELTA_OK);
        assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", (void **)&u), ADADELTA_OK);
        assert_int_equal(adadelta_step_rows(optimizer, 0, 2, (size_t[]){1, 1}, (double[]){0.1, 0.3}), ADADELTA_OK);
        near_to(3, (double[]){x[1], v[1], u[1]}, want[how], 3e-16);
        near_to(3, (double[]){x[0], v[0], u[0]}, (double[]){1, 0, 0}, 0);
        adadelta_destroy(optimizer);
    }
}

/* test/test_optim.py of PyTorch 1: Rosenbrock's function from (1.5, 1.5), 2000 steps. Steps 1, 2, 10 and 100 evaluated
   in double; what the test asks for is that a run in float ends nearer to (1, 1) than it began. */
static void pytorch_rosenbrock(void **state)
{
    (void)state;
    static const struct {
        double rho, weight_decay, at[4][2];
    } runs[] = {{0.9,
                 0,
                 {{1.496837722340, 1.503162277659},
                  {1.493622773006, 1.506380459379},
                  {1.468301816738, 1.531907413502},
                  {1.315578962136, 1.691708380210}}},
                {0.95,
                 0,
                 {{1.495527864045, 1.504472135953},
                  {1.491058886137, 1.508947699652},
                  {1.457784161770, 1.542604639718},
                  {1.316498077443, 1.692780265063}}},
                {0.9,
                 0.01,
                 {{1.496837722340, 1.503162277659},
                  {1.493622772122, 1.506380456386},
                  {1.468301753586, 1.531907198116},
                  {1.315567806643, 1.691674026839}}}};
    for (size_t k = 0; k < 3; k++) {
        struct adadelta_hyper hyper = adadelta_preset_by_name("pytorch")->hyper;
        double x[2] = {1.5, 1.5}, g[2], v[2] = {0}, u[2] = {0};
        float y[2] = {1.5, 1.5}, h[2], w[2] = {0}, z[2] = {0};
        hyper.rho = runs[k].rho;
        hyper.weight_decay = runs[k].weight_decay;
        for (int step = 1; step <= 2000; step++) {
            g[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
            g[1] = 200 * (x[1] - x[0] * x[0]);
            h[0] = -400 * y[0] * (y[1] - y[0] * y[0]) - 2 * (1 - y[0]);
            h[1] = 200 * (y[1] - y[0] * y[0]);
            assert_int_equal(adadelta_update_f64(2, x, g, v, u, &hyper), ADADELTA_OK);
            assert_int_equal(adadelta_update_f32(2, y, h, w, z, &hyper), ADADELTA_OK);
            for (int i = 0; i < 4; i++)
                if (step == (const int[]){1, 2, 10, 100}[i])
                    near_to(2, x, runs[k].at[i], 1e-11);
        }
        assert_true(hypot(x[0] - 1, x[1] - 1) < 0.70710678);
        assert_true(hypot(y[0] - 1.0, y[1] - 1.0) < 0.70710678);
    }
}

/* Single steps by PyTorch's rule, evaluated in double. */
static void pytorch_numbers(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = adadelta_preset_by_name("pytorch")->hyper;
    double x[2] = {1}, v[2] = {0}, u[2] = {0};
    hyper.weight_decay = 0.1;
    assert_int_equal(adadelta_update_f64(1, x, (double[]){0.5}, v, u, &hyper), ADADELTA_OK);
    near_to(2, (double[]){x[0], v[0]}, (double[]){0.9968377662594397, 0.036}, 2e-16);
    hyper.maximize = 1;
    x[0] = 1;
    v[0] = u[0] = 0;
    assert_int_equal(adadelta_update_f64(1, x, (double[]){0.5}, v, u, &hyper), ADADELTA_OK);
    near_to(2, (double[]){x[0], v[0]}, (double[]){1.0031621788436236, 0.016}, 2e-16);
    /* A complex gradient of 3 + 4i from 0 */
    hyper = adadelta_preset_by_name("pytorch")->hyper;
    memset(x, 0, sizeof x);
    memset(v, 0, sizeof v);
    memset(u, 0, sizeof u);
    assert_int_equal(adadelta_update_f64(2, x, (double[]){3, 4}, v, u, &hyper), ADADELTA_OK);
    near_to(2, x, (double[]){-.0031622759033489, -.0031622766719571}, 1e-16);
    /* clip_grad_norm_([100, 100], 1) gives .70710677618654755: 1e-6/norm less than the others and this library */
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.clip_global_norm = 1;
    memset(x, 0, sizeof x);
    step_once(&sgd, &subtract, &gradients, 2, x, (double[]){100, 100});
    near_to(2, x, (double[]){-.70710678118654752, -.70710678118654752}, 2e-16);
    near_to(1, x, (double[]){-.70710677618654755 * (1 + 1e-6 / 141.4213562373095)}, 4e-16);
}

/* The doc of optax.adadelta: f = sum of squares from [1, 2, 3], learning_rate 10; printed to three digits, and
   evaluated in double. */
static void optax_numbers(void **state)
{
    (void)state;
    static const double printed[] = {1.36e1, 1.32e1, 1.29e1, 1.25e1, 1.21e1};
    static const double exactly[] = {13.62352682, 13.24635434, 12.87284161, 12.50508250, 12.14423348};
    struct adadelta_hyper hyper = adadelta_preset_by_name("optax")->hyper;
    double x[3] = {1, 2, 3}, g[3], v[3] = {0}, u[3] = {0};
    hyper.lr = 10;
    for (int step = 0; step < 5; step++) {
        for (int i = 0; i < 3; i++)
            g[i] = 2 * x[i];
        assert_int_equal(adadelta_update_f64(3, x, g, v, u, &hyper), ADADELTA_OK);
        const double f = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
        near_to(1, &f, &printed[step], 0.05);
        near_to(1, &f, &exactly[step], 5.1e-9);
    }
    near_to(3, x, (double[]){.84224164, 1.83891589, 2.83782502}, 5.1e-9);
}

/* tests/ada_delta_test.cpp, SimpleAdaDeltaTestFunction: SGDTestFunction from (6, -45.6, 6.2) with batches of one, rho
   0.05; every part must end within 0.003 of 0. Its functions: -exp(-|x0|), x1^2, x2^4 + 3*x2^2. */
static void ensmallen_test_function(void **state)
{
    (void)state;
    struct adadelta_hyper hyper = adadelta_preset_by_name("ensmallen")->hyper;
    double x[3] = {6, -45.6, 6.2}, v[3] = {0}, u[3] = {0};
    uint64_t seed = 5;
    hyper.rho = 0.05;
    for (int point = 0; point < 5000000; point += 3) {
        int order[3] = {0, 1, 2};
        for (int i = 2; i > 0; i--) {
            const int j = (int)(random_bits(&seed) % (uint64_t)(i + 1)), other = order[i];
            order[i] = order[j];
            order[j] = other;
        }
        for (int i = 0; i < 3; i++) {
            double g[3] = {0};
            if (order[i] == 0)
                g[0] = x[0] >= 0 ? exp(-x[0]) : -exp(x[0]);
            else
                g[order[i]] = order[i] == 1 ? 2 * x[1] : 4 * x[2] * x[2] * x[2] + 6 * x[2];
            assert_int_equal(adadelta_update_f64(3, x, g, v, u, &hyper), ADADELTA_OK);
        }
    }
    near_to(3, x, (double[]){0, 0, 0}, 0.003);
}

/* test/rules.jl of Optimisers.jl. */
static void optimisers_jl_numbers(void **state)
{
    (void)state;
    /* OptimiserChain(ClipGrad(1.0), Descent(0.1)) */
    struct adadelta_hyper descent = {.lr = 0.1, .eps = 1};
    struct adadelta_gradients gradients = adadelta_gradients_default();
    double x[3] = {0};
    gradients.clip_value = 1;
    step_once(&sgd, &descent, &gradients, 3, x, (double[]){0.3, 1, 7});
    near_to(3, x, (double[]){-0.03, -0.1, -0.1}, 1e-17);
    /* OptimiserChain(AccumGrad(2), WeightDecay(0.01), Descent(0.1)): the mean, then decay; the caller adds up */
    gradients = adadelta_gradients_default();
    gradients.scale = 2;
    descent.weight_decay = 0.01;
    step_once(&sgd, &descent, &gradients, 2, memcpy(x, (double[]){1, 2}, 2 * sizeof(double)),
              (double[]){33 + 0, 0 + 444});
    near_to(2, x, (double[]){-.651, -20.202}, 4e-15);
    /* No gradient: nothing moves. A gradient of zero: the averages fade. */
    double *v, *u, still[] = {1, 2, 3};
    struct adadelta *optimizer = optimizer_of(NULL, NULL, NULL, 3, memcpy(x, still, sizeof x), NULL);
    assert_int_equal(adadelta_state(optimizer, 0, "square_avg", (void **)&v), ADADELTA_OK);
    assert_int_equal(adadelta_state(optimizer, 0, "acc_delta", (void **)&u), ADADELTA_OK);
    memcpy(v, still, sizeof still);
    memcpy(u, still, sizeof still);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_memory_equal(x, still, sizeof still);
    assert_memory_equal(v, still, sizeof still);
    assert_memory_equal(u, still, sizeof still);
    assert_int_equal(adadelta_set_buffers(optimizer, 0, x, (double[]){0, 0, 0}), ADADELTA_OK);
    assert_int_equal(adadelta_step(optimizer), ADADELTA_OK);
    assert_memory_equal(x, still, sizeof still);
    near_to(3, v, (double[]){0.95, 1.9, 2.85}, 5e-16);
    near_to(3, u, (double[]){0.95, 1.9, 2.85}, 5e-16);
    adadelta_destroy(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_numbers),         cmocka_unit_test(keras_gradients_and_averages),
        cmocka_unit_test(tensorflow_numbers),    cmocka_unit_test(tensorflow_duplicates),
        cmocka_unit_test(pytorch_rosenbrock),    cmocka_unit_test(pytorch_numbers),
        cmocka_unit_test(optax_numbers),         cmocka_unit_test(ensmallen_test_function),
        cmocka_unit_test(optimisers_jl_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
