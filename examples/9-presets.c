/* SPDX-License-Identifier: MIT */
/* Presets: what other libraries' Adadelta does with its own defaults, on f(x) = x^2/2 from 1, after 100 steps. */
#include <adadelta.h>
#include <stdio.h>

int main(void)
{
    const struct adadelta_preset *preset;
    for (size_t k = 0; (preset = adadelta_preset_at(k)); k++) {
        double x = 1, g, square_avg = 0, acc_delta = 0;
        for (int step = 0; step < 100; step++) {
            g = x;
            if (adadelta_update_f64(1, &x, &g, &square_avg, &acc_delta, &preset->hyper))
                return 1;
        }
        printf("%-10s lr %-5g rho %-4g eps %-5g: x = %.6f\n", preset->name, preset->hyper.lr, preset->hyper.rho,
               preset->hyper.eps, x);
    }
    return 0;
}
