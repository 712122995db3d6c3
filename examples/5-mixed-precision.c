/* SPDX-License-Identifier: MIT */
/* Weights of 16 bits, in the four ways to keep them: fit y = 2a - 3b + 0.5 with BF16 weights. The loss is scaled by
   1024, as one does so that small gradients are not lost in 16 bits; a gradient that overflows is skipped, a long one
   is clipped. Each tensor is stepped as soon as its gradient is known. */
#include <adadelta.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { ROWS = 64, STEPS = 4000, WEIGHTS = 2 };

static const float scale = 1024;

/* What a BF16 is worth. */
static float value(uint16_t half)
{
    float wide = 0;
    adadelta_convert(1, ADADELTA_F32, &wide, ADADELTA_BF16, &half);
    return wide;
}

static enum adadelta_status set_up(struct adadelta *optimizer, enum adadelta_weights way, uint16_t *weights,
                                   uint16_t *offset)
{
    struct adadelta_gradients gradients = adadelta_gradients_default();
    gradients.scale = scale;
    gradients.nonfinite = ADADELTA_NONFINITE_SKIP;
    gradients.clip_norm = 1;
    const struct adadelta_tensor tensors[] = {
        {.name = "weights",
         .dtype = ADADELTA_BF16,
         .ndim = 1,
         .shape = {WEIGHTS},
         .values = weights,
         .gradient_dtype = ADADELTA_F32,
         .weights = way},
        {.name = "offset",
         .dtype = ADADELTA_BF16,
         .values = offset,
         .gradient_dtype = ADADELTA_F32,
         .weights = way,
         .no_decay = 1},
    };
    enum adadelta_status status = adadelta_add_group(optimizer, NULL, NULL);
    for (int i = 0; !status && i < 2; i++)
        status = adadelta_add_tensor(optimizer, 0, &tensors[i], NULL);
    return status ? status : adadelta_set_gradients(optimizer, &gradients);
}

/* One pass: the scaled gradient of half the mean squared error, offset first. */
static enum adadelta_status step(struct adadelta *optimizer, const uint16_t *weights, const uint16_t *offset, int step)
{
    float w_gradient[WEIGHTS] = {0, 0}, o_gradient = 0;
    for (int row = 0; row < ROWS; row++) {
        const float a = (float)(row % 8) / 4 - 1, b = (float)(row / 8) / 4 - 1;
        const float fault = value(weights[0]) * a + value(weights[1]) * b + value(*offset) - (2 * a - 3 * b + 0.5f);
        w_gradient[0] += scale * fault * a / ROWS;
        w_gradient[1] += scale * fault * b / ROWS;
        o_gradient += scale * fault / ROWS;
    }
    if (step == 100) /* as if the scale had been too much for 16 bits once */
        w_gradient[0] = INFINITY;
    enum adadelta_status status = adadelta_step_tensor(optimizer, 1, &o_gradient);
    if (!status)
        status = adadelta_step_tensor(optimizer, 0, w_gradient);
    return status ? status : adadelta_step(optimizer); /* ends the pass */
}

static enum adadelta_status fit(const char *name, enum adadelta_weights way)
{
    uint16_t weights[WEIGHTS] = {0, 0}, offset = 0; /* zeros in BF16, too */
    struct adadelta *optimizer;
    enum adadelta_status status = adadelta_create(NULL, &optimizer);
    if (!status)
        status = set_up(optimizer, way, weights, &offset);
    for (int i = 0; !status && i < STEPS; i++)
        status = step(optimizer, weights, &offset, i);
    if (status)
        printf("%s: %s\n", adadelta_status_string(status), adadelta_error_text(optimizer));
    else
        printf("%s: %.2f %.2f %.2f, %d step skipped\n", name, value(weights[0]), value(weights[1]), value(offset),
               (int)adadelta_tensor_skip_count(optimizer, 0));
    adadelta_destroy(optimizer);
    return status;
}

int main(void)
{
    return fit("master", ADADELTA_WEIGHTS_MASTER) || fit("split", ADADELTA_WEIGHTS_SPLIT) ||
           fit("stochastic", ADADELTA_WEIGHTS_STOCHASTIC) || fit("nearest", ADADELTA_WEIGHTS_NEAREST);
}
