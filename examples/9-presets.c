/* SPDX-License-Identifier: MIT */
/* Presets: what other libraries' Adadelta does with its own defaults, on f(x) = x^2/2 from 1, after 100 steps. */
#include <adadelta.h>
#include <stdio.h>

static enum adadelta_status run(const struct adadelta_preset *preset, double *x)
{
    double g;
    const struct adadelta_tensor tensor = {.name = "x", .dtype = ADADELTA_F64, .values = x, .gradient = &g};
    struct adadelta *optimizer;
    enum adadelta_status status = adadelta_create(NULL, &optimizer);
    if (!status)
        status = adadelta_set_gradients(optimizer, &preset->gradients); /* what happens to gradients, and */
    if (!status)
        status = adadelta_add_group(optimizer, &preset->hyper, NULL); /* the settings of the rule */
    if (!status)
        status = adadelta_add_tensor(optimizer, 0, &tensor, NULL);
    for (int step = 0; !status && step < 100; step++) {
        g = *x;
        status = adadelta_step(optimizer);
    }
    adadelta_destroy(optimizer);
    return status;
}

int main(void)
{
    const struct adadelta_preset *preset;
    for (size_t k = 0; (preset = adadelta_preset_at(k)); k++) {
        double x = 1;
        if (run(preset, &x))
            return 1;
        printf("%-10s lr %-5g rho %-4g eps %-5g: x = %.6f\n", preset->name, preset->hyper.lr, preset->hyper.rho,
               preset->hyper.eps, x);
    }
    return 0;
}
