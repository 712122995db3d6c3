/* SPDX-License-Identifier: MIT */
/* A function minimised: Rosenbrock's from (-1.2, 1); its minimum is at (1, 1). Each run begins where the one before
   stalled, with a tenth of its rate. */
#include <adadelta.h>
#include <stdio.h>

static double rosenbrock(size_t n, const double *x, double *gradient, uint64_t iteration, void *context)
{
    double bend = x[1] - x[0] * x[0], rest = 1 - x[0];
    (void)n, (void)iteration, (void)context;
    gradient[0] = -400 * x[0] * bend - 2 * rest;
    gradient[1] = 200 * bend;
    return 100 * bend * bend + rest * rest;
}

int main(void)
{
    double x[2] = {-1.2, 1};
    struct adadelta_minimize_options options = adadelta_minimize_options_default();
    struct adadelta_minimize_result result;

    for (; options.hyper.lr > 5e-4; options.hyper.lr /= 10) {
        enum adadelta_status status = adadelta_minimize(2, x, rosenbrock, NULL, &options, &result);
        if (status != ADADELTA_OK) {
            fprintf(stderr, "failed: %s\n", adadelta_status_string(status));
            return 1;
        }
        fprintf(stderr, "lr %g: %.3g after %.0f steps: %s\n", options.hyper.lr, result.value, (double)result.iterations,
                adadelta_minimize_reason_string(result.reason));
    }
    printf("%.4f %.4f: %s\n", x[0], x[1], adadelta_minimize_reason_string(result.reason));
    return 0;
}
