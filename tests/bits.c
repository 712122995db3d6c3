/* SPDX-License-Identifier: MIT */
/*
 * Digests of what the library computes, one line a method, type and length, then a line for each way that numbers are
 * stored, with everything on that touches bits: the output must be the same on every machine. Compare two outputs to
 * compare two machines. Needs nothing but the library; the inputs are integers made by an LCG.
 */
#include <adadelta.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, LONGEST = 1123 /* more than a thousand, as codes count (docs/lowbit.md) */ };

static const size_t lengths[] = {1, 2, 3, 5, 8, 13, 16, 17, 31, 33, 64, 67, 100, LONGEST};

/* Parameters, gradient and two arrays of state, for either type. */
static union array {
    float f32[LONGEST];
    double f64[LONGEST];
} arrays[4];

static uint64_t random_state;

/* Knuth's MMIX generator: the upper 24 bits, with a sign, times a power of two. Exact in float and double. */
static double draw(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    int64_t digits = (int64_t)(random_state >> 40) - (1 << 23);
    int exponent = (int)(random_state >> 20 & 31) - 16;
    double scale = exponent < 0 ? 1.0 / (double)(1 << -exponent) : (double)(1 << exponent);
    return (double)digits * scale / 65536;
}

static void fill(enum adadelta_dtype dtype, union array *array, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double value = draw();
        if (dtype == ADADELTA_F32)
            array->f32[i] = (float)value;
        else
            array->f64[i] = value;
    }
}

/* FNV-1a, 64 bits, over the elements' bytes from the lowest to the highest. */
static uint64_t digest(uint64_t hash, enum adadelta_dtype dtype, const void *array, size_t n)
{
    size_t size = dtype == ADADELTA_F32 ? 4 : 8;
    for (size_t i = 0; i < n; i++) {
        uint32_t narrow;
        uint64_t bits;
        memcpy(&narrow, (const char *)array + i * size, sizeof narrow);
        bits = narrow;
        if (dtype != ADADELTA_F32)
            memcpy(&bits, (const char *)array + i * size, sizeof bits);
        for (size_t byte = 0; byte < size; byte++)
            hash = (hash ^ (bits >> (8 * byte) & 255)) * 1099511628211u;
    }
    return hash;
}

static const uint64_t digest_start = 14695981039346656037u;

/* The methods through the optimizer object, two settings each. */
static enum adadelta_status object_digest(enum adadelta_method method, enum adadelta_dtype dtype, size_t n, int variant,
                                          uint64_t *hash)
{
    struct adadelta_options options = {.method = method, .threads = 1};
    struct adadelta_hyper hyper = adadelta_hyper_for(method);
    struct adadelta_tensor tensor = {
        .name = "x", .dtype = dtype, .ndim = 1, .shape = {n}, .values = &arrays[0], .gradient = &arrays[1]};
    struct adadelta *optimizer = NULL;
    enum adadelta_status status;
    const char *name;

    hyper.weight_decay = variant ? 0.01 : 0;
    hyper.nesterov = variant;
    hyper.decoupled = variant && n % 2;
    status = adadelta_create(&options, &optimizer);
    if (!status)
        status = adadelta_add_group(optimizer, &hyper, NULL);
    if (!status)
        status = adadelta_add_tensor(optimizer, 0, &tensor, NULL);
    for (int t = 0; !status && t < STEPS; t++) {
        fill(dtype, &arrays[1], n);
        status = adadelta_step(optimizer);
    }
    *hash = digest(digest_start, dtype, &arrays[0], n);
    for (size_t k = 0; !status && (name = adadelta_method_state_name(method, k)); k++) {
        void *state;
        status = adadelta_state(optimizer, 0, name, &state);
        if (!status)
            *hash = digest(*hash, dtype, state, n);
    }
    adadelta_destroy(optimizer);
    return status;
}

/* Everything at once: a scaled loss, clipping by value and by both norms, decay, a cosine schedule with a warm-up,
   averages, measured updates; and a matrix with sparse gradients beside the dense tensor. */
static enum adadelta_status set_everything(struct adadelta *optimizer)
{
    struct adadelta_gradients gradients = adadelta_gradients_default();
    struct adadelta_schedule schedule = adadelta_schedule_default();
    struct adadelta_hyper hyper = adadelta_hyper_default();
    gradients.scale = 3;
    gradients.clip_value = 40; /* of all types the squares of these can be had */
    gradients.clip_norm = 300;
    gradients.clip_global_norm = 200;
    schedule.kind = ADADELTA_SCHEDULE_COSINE;
    schedule.warmup = 5;
    schedule.steps = STEPS;
    hyper.weight_decay = 0.01;
    hyper.maximize = 1;
    enum adadelta_status status = adadelta_set_gradients(optimizer, &gradients);
    if (!status)
        status = adadelta_set_schedule(optimizer, &schedule);
    if (!status)
        status = adadelta_add_group(optimizer, &hyper, NULL);
    return status ? status : adadelta_set_measuring(optimizer, 1);
}

/* A way to store numbers. */
struct storage {
    const char *name;
    enum adadelta_dtype dtype, gradient_dtype, state_dtype;
    enum adadelta_weights weights;
};

enum { WIDTH = 7, TABLE_ROWS = 160, NAMED = 9 };

static uint64_t digest_bytes(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return hash;
}

/* Numbers of a type, [LONGEST]; all are little-endian machines. */
static enum adadelta_status fill_stored(enum adadelta_dtype dtype, void *array)
{
    static double wide[LONGEST];
    for (size_t i = 0; i < LONGEST; i++)
        wide[i] = draw() / 128; /* within F16 */
    return adadelta_convert(LONGEST, dtype, array, ADADELTA_F64, wide);
}

static enum adadelta_status storage_steps(struct adadelta *optimizer, const struct storage *storage, void *gradient)
{
    size_t rows[NAMED];
    enum adadelta_status status = ADADELTA_OK;
    for (int t = 0; !status && t < STEPS; t++) {
        for (size_t k = 0; k < NAMED; k++) {
            draw();
            rows[k] = (size_t)(random_state >> 33) % (TABLE_ROWS / 8) * 8; /* few enough to meet again */
        }
        status = fill_stored(storage->gradient_dtype, gradient);
        if (!status)
            status = adadelta_set_rows(optimizer, 1, NAMED, rows, gradient);
        if (!status)
            status = adadelta_step(optimizer);
    }
    return status;
}

static enum adadelta_status storage_digest(const struct storage *storage, uint64_t *hash)
{
    static union array values[2], gradient;
    struct adadelta_options options = {
        .threads = 1, .seed = 11, .averaging = ADADELTA_AVERAGING_EXPONENTIAL, .average_decay = 0.9};
    struct adadelta_tensor tensors[2] = {{.name = "dense", .ndim = 1, .shape = {LONGEST}},
                                         {.name = "table", .ndim = 2, .shape = {TABLE_ROWS, WIDTH}, .max_rows = NAMED}};
    const size_t counts[2] = {LONGEST, TABLE_ROWS * WIDTH};
    static const char *const states[] = {"square_avg", "acc_delta", "average"};
    struct adadelta *optimizer = NULL;
    random_state = 42;
    enum adadelta_status status = adadelta_create(&options, &optimizer);
    if (!status)
        status = set_everything(optimizer);
    for (size_t i = 0; !status && i < 2; i++) {
        tensors[i].dtype = storage->dtype;
        tensors[i].gradient_dtype = storage->gradient_dtype;
        tensors[i].state_dtype = storage->state_dtype;
        tensors[i].weights = storage->weights;
        tensors[i].values = &values[i];
        tensors[i].gradient = i == 0 ? &gradient : NULL;
        status = fill_stored(storage->dtype, &values[i]);
        if (!status)
            status = adadelta_add_tensor(optimizer, 0, &tensors[i], NULL);
    }
    if (!status)
        status = storage_steps(optimizer, storage, &gradient);
    *hash = digest_start;
    for (size_t i = 0; !status && i < 2; i++) {
        struct adadelta_tensor_stats stats;
        *hash = digest_bytes(*hash, &values[i], counts[i] * adadelta_dtype_size(storage->dtype));
        for (size_t k = 0; !status && k < 3; k++) {
            void *state;
            const enum adadelta_dtype computed = storage->dtype == ADADELTA_F64 ? ADADELTA_F64 : storage->state_dtype;
            const size_t size = adadelta_dtype_size(k < 2                      ? storage->state_dtype
                                                    : computed == ADADELTA_F64 ? ADADELTA_F64
                                                                               : ADADELTA_F32);
            status = adadelta_state(optimizer, i, states[k], &state);
            if (!status)
                *hash = digest_bytes(*hash, state, counts[i] * size);
        }
        if (!status)
            status = adadelta_get_tensor_stats(optimizer, i, &stats);
        if (!status)
            *hash = digest_bytes(*hash, &stats.rate_min, 4 * sizeof(double)); /* to update_norm */
    }
    adadelta_destroy(optimizer);
    return status;
}

static const struct storage storages[] = {
    {"f32", ADADELTA_F32, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {"f64", ADADELTA_F64, ADADELTA_F64, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER},
    {"f32 state f64", ADADELTA_F32, ADADELTA_F64, ADADELTA_F64, ADADELTA_WEIGHTS_MASTER},
    {"f64 state bf16", ADADELTA_F64, ADADELTA_F16, ADADELTA_BF16, ADADELTA_WEIGHTS_MASTER},
    {"bf16 master", ADADELTA_BF16, ADADELTA_BF16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {"bf16 split", ADADELTA_BF16, ADADELTA_F32, ADADELTA_F32, ADADELTA_WEIGHTS_SPLIT},
    {"bf16 stochastic", ADADELTA_BF16, ADADELTA_BF16, ADADELTA_BF16, ADADELTA_WEIGHTS_STOCHASTIC},
    {"bf16 nearest", ADADELTA_BF16, ADADELTA_F64, ADADELTA_F16, ADADELTA_WEIGHTS_NEAREST},
    {"f16 master", ADADELTA_F16, ADADELTA_F16, ADADELTA_F32, ADADELTA_WEIGHTS_MASTER},
    {"f16 stochastic", ADADELTA_F16, ADADELTA_BF16, ADADELTA_F16, ADADELTA_WEIGHTS_STOCHASTIC},
    {"f32 state u16", ADADELTA_F32, ADADELTA_F32, ADADELTA_U16, ADADELTA_WEIGHTS_MASTER},
    {"f32 state u8", ADADELTA_F32, ADADELTA_F32, ADADELTA_U8, ADADELTA_WEIGHTS_MASTER},
    {"f64 state u16", ADADELTA_F64, ADADELTA_F64, ADADELTA_U16, ADADELTA_WEIGHTS_MASTER},
    {"f64 state u8", ADADELTA_F64, ADADELTA_F32, ADADELTA_U8, ADADELTA_WEIGHTS_MASTER},
    {"bf16 stochastic state u16", ADADELTA_BF16, ADADELTA_BF16, ADADELTA_U16, ADADELTA_WEIGHTS_STOCHASTIC},
    {"bf16 split state u8", ADADELTA_BF16, ADADELTA_F16, ADADELTA_U8, ADADELTA_WEIGHTS_SPLIT},
};

static enum adadelta_status update_digest(enum adadelta_dtype dtype, size_t n, uint64_t *hash)
{
    enum adadelta_status status = ADADELTA_OK;
    for (int t = 0; !status && t < STEPS; t++) {
        fill(dtype, &arrays[1], n);
        status = dtype == ADADELTA_F32
                     ? adadelta_update_f32(n, arrays[0].f32, arrays[1].f32, arrays[2].f32, arrays[3].f32, NULL)
                     : adadelta_update_f64(n, arrays[0].f64, arrays[1].f64, arrays[2].f64, arrays[3].f64, NULL);
    }
    *hash = digest(digest(digest(digest_start, dtype, &arrays[0], n), dtype, &arrays[2], n), dtype, &arrays[3], n);
    return status;
}

static void start(enum adadelta_dtype dtype, size_t n, uint64_t seed)
{
    random_state = seed;
    memset(arrays, 0, sizeof arrays);
    fill(dtype, &arrays[0], n);
}

int main(void)
{
    fprintf(stderr, "%s\n", adadelta_isa_name());
    for (int d = ADADELTA_F32; d <= ADADELTA_F64; d++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            enum adadelta_dtype dtype = (enum adadelta_dtype)d;
            const char *type = dtype == ADADELTA_F32 ? "f32" : "f64";
            size_t n = lengths[l];
            uint64_t hash;
            start(dtype, n, n);
            if (update_digest(dtype, n, &hash))
                return EXIT_FAILURE;
            printf("update %s %zu %016" PRIx64 "\n", type, n, hash);
            for (int m = 0; m < ADADELTA_METHOD_COUNT; m++)
                for (int variant = 0; variant < 2; variant++) {
                    start(dtype, n, n);
                    if (object_digest((enum adadelta_method)m, dtype, n, variant, &hash))
                        return EXIT_FAILURE;
                    printf("%s%s %s %zu %016" PRIx64 "\n", adadelta_method_name((enum adadelta_method)m),
                           variant ? "+decay" : "", type, n, hash);
                }
        }
    for (size_t k = 0; k < sizeof storages / sizeof *storages; k++) {
        uint64_t hash;
        if (storage_digest(&storages[k], &hash))
            return EXIT_FAILURE;
        printf("stored %s %016" PRIx64 "\n", storages[k].name, hash);
    }
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
