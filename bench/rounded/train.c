/* SPDX-License-Identifier: MIT */
/* rounded_train: training with a format that the library does not have. The state is float, and after every batch each
   of its numbers is rounded to BF16, up or down by chance, which is as good as being kept so. With --nearest it is
   rounded to nearest: that must give what `adadelta train --state bf16` gives, and shows that this program does what it
   says. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit_state.h"
#include "random.h"
#include "sweep_pairs.h"

enum { SEEDS_MAX = 100, NUMBERS = 2 };

struct plan {
    const char *train_path, *test_path, *model;
    double rho;
    size_t epochs;
    uint64_t seeds;
    int nearest;
};

/* What happens after each batch. */
struct rounding {
    struct fit *fit;
    struct random random;
    int rounds, nearest;
    double test_error;
};

/* A number >= 0 and not near infinity. */
static float rounded(float x, uint32_t chance)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + (chance & 0xffff)) & 0xffff0000;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A half, or a little less where the digit before is even: to nearest, ties to even. */
static uint32_t half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return 0x7fff + (bits >> 16 & 1);
}

static void round_array(struct rounding *rounding, float *state, size_t n)
{
    for (size_t i = 0; i < n; i += NUMBERS) {
        const uint64_t chances = rounding->nearest ? 0 : random_bits(&rounding->random);
        for (size_t k = i; k < n && k < i + NUMBERS; k++) {
            const uint32_t chance = (uint32_t)(chances >> 32 * (k - i));
            state[k] = rounded(state[k], rounding->nearest ? half(state[k]) : chance);
        }
    }
}

static int watch(const struct fit_progress *now, void *context)
{
    static const char *const names[] = {"square_avg", "acc_delta"};
    struct rounding *rounding = context;
    struct adadelta *optimizer = rounding->fit->optimizer;
    if (now->epoch_end)
        rounding->test_error = now->test_error;
    for (size_t t = 0; rounding->rounds && !now->epoch_end && t < adadelta_tensor_count(optimizer); t++) {
        struct adadelta_tensor tensor;
        size_t n = 1;
        void *state;
        adadelta_get_tensor(optimizer, t, &tensor);
        for (size_t d = 0; d < tensor.ndim; d++)
            n *= tensor.shape[d];
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            if (adadelta_state(optimizer, t, names[k], &state) == ADADELTA_OK)
                round_array(rounding, state, n);
        }
    }
    return 0;
}

/* The test error of a run, with rounding or without. */
static enum verdict train(const struct plan *plan, const struct dataset *data, const struct dataset *test,
                          uint64_t seed, int rounds, double *error, struct trouble *trouble)
{
    struct rounding rounding = {.rounds = rounds, .nearest = plan->nearest, .random = random_stream(seed, 99)};
    struct fit_settings settings = fit_settings_default();
    int stopped;
    settings.hyper.rho = plan->rho;
    settings.schedule.kind = ADADELTA_SCHEDULE_CONSTANT;
    settings.epochs = plan->epochs;
    settings.seed = seed;
    enum verdict verdict = model_parse(&settings.model, plan->model, trouble);
    if (verdict == DONE)
        verdict = fit_create(&rounding.fit, &settings, data, test, 1, trouble);
    if (verdict == DONE)
        verdict = fit_run(rounding.fit, watch, &rounding, &stopped, trouble);
    fit_destroy(rounding.fit);
    *error = rounding.test_error;
    return verdict;
}

static enum verdict read_data(const struct plan *plan, struct dataset *data, struct dataset *test,
                              struct trouble *trouble)
{
    struct dataset_request request = {.path = plan->train_path, .want_target = 1};
    enum verdict verdict = dataset_read(data, &request, trouble);
    if (verdict != DONE)
        return verdict;
    request = (struct dataset_request){.path = plan->test_path,
                                       .target = data->target_name,
                                       .kind = data->target,
                                       .want_target = 1,
                                       .column_names = (const char *const *)data->column_names,
                                       .columns = data->columns,
                                       .class_names = (const char *const *)data->class_names,
                                       .classes = data->classes};
    return dataset_read(test, &request, trouble);
}

static enum verdict run(const struct plan *plan, struct trouble *trouble)
{
    struct dataset data, test = {0};
    double differences[SEEDS_MAX];
    enum verdict verdict = read_data(plan, &data, &test, trouble);
    printf("rho,seed,f32,%s\n", plan->nearest ? "bf16" : "bf16-s");
    for (uint64_t seed = 1; seed <= plan->seeds && verdict == DONE; seed++) {
        double plain = NAN, kept = NAN;
        verdict = train(plan, &data, &test, seed, 0, &plain, trouble);
        if (verdict == DONE)
            verdict = train(plan, &data, &test, seed, 1, &kept, trouble);
        differences[seed - 1] = kept - plain;
        printf("%g,%llu,%.6g,%.6g\n", plan->rho, (unsigned long long)seed, plain, kept);
        fflush(stdout);
    }
    const struct pairs pairs = pairs_of(differences, (size_t)plan->seeds);
    if (verdict == DONE)
        printf("# mean difference %+.3f %% of test error, 95 %% interval %+.3f to %+.3f, p %.3f\n", 100 * pairs.mean,
               100 * pairs.low, 100 * pairs.high, pairs.p);
    dataset_free(&data);
    dataset_free(&test);
    return verdict;
}

int main(int count, char **arguments)
{
    struct plan plan = {.model = "mlp:500,300", .rho = 0.95, .epochs = 6, .seeds = 10};
    struct trouble trouble = {""};
    int at = 1;
    for (; at < count && arguments[at][0] == '-'; at++) {
        const char *value = at + 1 < count ? arguments[at + 1] : "";
        if (strcmp(arguments[at], "--nearest") == 0)
            plan.nearest = 1;
        else if (strcmp(arguments[at], "--rho") == 0)
            plan.rho = atof(value), at++;
        else if (strcmp(arguments[at], "--epochs") == 0)
            plan.epochs = (size_t)atol(value), at++;
        else if (strcmp(arguments[at], "--seeds") == 0)
            plan.seeds = (uint64_t)atol(value), at++;
        else if (strcmp(arguments[at], "--model") == 0)
            plan.model = value, at++;
        else
            break;
    }
    if (at + 2 != count || plan.seeds < 1 || plan.seeds > SEEDS_MAX || plan.epochs < 1) {
        fprintf(stderr, "rounded_train [--nearest] [--rho R] [--epochs N] [--seeds 1..%d] [--model M] TRAIN TEST\n",
                SEEDS_MAX);
        return MISUSE;
    }
    plan.train_path = arguments[at];
    plan.test_path = arguments[at + 1];
    const enum verdict verdict = run(&plan, &trouble);
    if (verdict != DONE)
        fprintf(stderr, "rounded_train: %s\n", trouble.text);
    return (int)verdict;
}
