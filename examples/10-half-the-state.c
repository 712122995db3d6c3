/* SPDX-License-Identifier: MIT */
/* Half the state: Adadelta's two averages in 16 bits, of a group and of a running optimizer. Twice the same problem, a
   million parameters with noisy gradients, once with float state and once with U16; then the float run goes on in U16,
   and what its state says is read. */
#include <adadelta.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1 << 20, STEPS = 40 };

/* Noise of [-1, 1), the same in both runs. */
static float noise(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (float)(*state >> 8) / (1 << 23) - 1;
}

/* Pulls every parameter towards 1. */
static enum adadelta_status train(struct adadelta *optimizer, const float *x, float *gradient)
{
    enum adadelta_status status = ADADELTA_OK;
    uint32_t random = 1;
    for (int step = 0; step < STEPS && !status; step++) {
        for (size_t i = 0; i < N; i++)
            gradient[i] = x[i] - 1 + noise(&random);
        status = adadelta_step(optimizer);
    }
    return status;
}

static enum adadelta_status set_up(struct adadelta **optimizer, enum adadelta_dtype state, float *x,
                                   const float *gradient)
{
    enum adadelta_status status = adadelta_create(NULL, optimizer);
    if (!status)
        status = adadelta_add_group(*optimizer, NULL, NULL);
    if (!status)
        status = adadelta_set_state_dtype(*optimizer, 0, state); /* of all that the group will have */
    if (!status)
        status = adadelta_add_tensor(
            *optimizer, 0,
            &(struct adadelta_tensor){.name = "x", .ndim = 1, .shape = {N}, .values = x, .gradient = gradient}, NULL);
    return status;
}

/* How far two arrays are from one another, root mean square. */
static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / N);
}

static enum adadelta_status compare(float *x, float *half, float *gradient, float *before, float *after)
{
    struct adadelta *full = NULL, *halved = NULL;
    enum adadelta_status status = set_up(&full, ADADELTA_F32, x, gradient);
    if (!status)
        status = set_up(&halved, ADADELTA_U16, half, gradient);
    if (!status)
        status = train(full, x, gradient);
    if (!status)
        status = train(halved, half, gradient);
    if (!status)
        printf("bytes of state: %zu and %zu\n", adadelta_state_bytes(full), adadelta_state_bytes(halved));
    if (!status)
        printf("parameters differ by less than a thousandth: %s\n", distance(x, half) < 1e-3 ? "yes" : "no");
    if (!status)
        status = adadelta_copy_state(full, 0, "square_avg", ADADELTA_F32, before);
    if (!status)
        status = adadelta_set_state_dtype(full, 0, ADADELTA_U16); /* under way */
    if (!status)
        status = adadelta_copy_state(full, 0, "square_avg", ADADELTA_F32, after);
    if (!status)
        printf("converted: %zu bytes, E[g^2] as before to a thousandth: %s\n", adadelta_state_bytes(full),
               distance(before, after) < 1e-3 ? "yes" : "no");
    if (!status)
        status = train(full, x, gradient);
    if (!status)
        printf("and on\n");
    else
        printf("%s: %s\n", adadelta_status_string(status), adadelta_error_text(full));
    adadelta_destroy(full);
    adadelta_destroy(halved);
    return status;
}

int main(void)
{
    float *memory = calloc(5 * (size_t)N, sizeof *memory);
    if (!memory)
        return 1;
    const enum adadelta_status status =
        compare(memory, memory + N, memory + 2 * (size_t)N, memory + 3 * (size_t)N, memory + 4 * (size_t)N);
    free(memory);
    return (int)status;
}
