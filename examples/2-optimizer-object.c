/* SPDX-License-Identifier: MIT */
/* The optimizer object: fit y = 2a - 3b + 0.5, with weight decay on the weights but not on the offset; save half-way,
   load into a second optimizer, and see both end with the same bits. */
#include <adadelta.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 64, HALF = 2000 };

/* Everything that is learned, and where its gradient goes. */
struct model {
    float weights[2], offset, weights_gradient[2], offset_gradient;
    struct adadelta *optimizer;
};

static int model_create(struct model *model)
{
    struct adadelta_hyper decayed = adadelta_hyper_default();
    size_t with_decay, without;
    decayed.weight_decay = 1e-5;
    memset(model, 0, sizeof *model);
    if (adadelta_create(NULL, &model->optimizer) || adadelta_add_group(model->optimizer, &decayed, &with_decay) ||
        adadelta_add_group(model->optimizer, NULL, &without))
        return 1;
    const struct adadelta_tensor weights = {
        .name = "weights", .ndim = 1, .shape = {2}, .values = model->weights, .gradient = model->weights_gradient};
    const struct adadelta_tensor offset = {
        .name = "offset", .values = &model->offset, .gradient = &model->offset_gradient};
    return adadelta_add_tensor(model->optimizer, with_decay, &weights, NULL) ||
           adadelta_add_tensor(model->optimizer, without, &offset, NULL);
}

/* The gradient of half the mean squared error over a grid of points. */
static void compute_gradient(struct model *model)
{
    memset(model->weights_gradient, 0, sizeof model->weights_gradient);
    model->offset_gradient = 0;
    for (int row = 0; row < ROWS; row++) {
        float a = (float)(row % 8) / 4 - 1, b = (float)(row / 8) / 4 - 1;
        float fault = model->weights[0] * a + model->weights[1] * b + model->offset - (2 * a - 3 * b + 0.5f);
        model->weights_gradient[0] += fault * a / ROWS;
        model->weights_gradient[1] += fault * b / ROWS;
        model->offset_gradient += fault / ROWS;
    }
}

static int train(struct model *model, int steps)
{
    for (int step = 0; step < steps; step++) {
        compute_gradient(model);
        if (adadelta_step(model->optimizer))
            return 1;
    }
    return 0;
}

static int run(struct model *first, struct model *second, const char *path, struct adadelta_error *error)
{
    if (model_create(first) || model_create(second))
        return 1;
    if (train(first, HALF) || adadelta_save(first->optimizer, path, error) || train(first, HALF))
        return 1;
    if (adadelta_load(second->optimizer, path, error) || train(second, HALF))
        return 1;
    printf("weights %.2f %.2f offset %.2f\n", first->weights[0], first->weights[1], first->offset);
    int same = !memcmp(first->weights, second->weights, sizeof first->weights) && first->offset == second->offset &&
               adadelta_step_count(first->optimizer) == adadelta_step_count(second->optimizer);
    printf("resumed: %s\n", same ? "the same bits" : "not the same");
    return !same;
}

int main(int argc, char **argv)
{
    struct model first = {.optimizer = NULL}, second = {.optimizer = NULL};
    struct adadelta_error error = {ADADELTA_OK, ""};
    int failed = run(&first, &second, argc > 1 ? argv[1] : "example.safetensors", &error);
    if (failed)
        fprintf(stderr, "failed: %s\n", error.text);
    adadelta_destroy(first.optimizer);
    adadelta_destroy(second.optimizer);
    return failed;
}
