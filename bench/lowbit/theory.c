/* SPDX-License-Identifier: MIT */
/* See theory.h. Means over gradient and mantissa are sums over draws. */
#include "theory.h"

#include <math.h>

#include "random.h"

enum { DRAWS = 200000 };

/* The part cut off of x steps, up or down. */
static double cut(double x)
{
    return x - floor(x);
}

double theory_rounding(int mantissa, double rho)
{
    struct stream stream = {1};
    double sum = 0;
    for (int k = 0; k < DRAWS; k++) {
        const double g = random_normal(&stream), mu = exp2(random_uniform(&stream));
        const double f = cut(ldexp(mu * (1 - rho) * (g * g - 1), mantissa));
        sum += f * (1 - f) / (mu * mu);
    }
    return ldexp(sum / DRAWS, -2 * mantissa);
}

double theory_rounding_even(int mantissa)
{
    return ldexp(1 / (16 * log(2)), -2 * mantissa);
}

double theory_noise(int mantissa, double rho)
{
    return sqrt(theory_rounding(mantissa, rho) / (1 - rho * rho));
}

double theory_log_bias(int mantissa, double rho)
{
    const double step = ldexp(log(2), -mantissa);
    struct stream stream = {1};
    double sum = 0;
    for (int k = 0; k < DRAWS; k++) {
        const double g = random_normal(&stream);
        const double f = cut(log(rho + (1 - rho) * g * g) / step);
        sum += f * (1 - f);
    }
    return step * step / 2 * sum / DRAWS / (1 - rho);
}

double theory_slow(int mantissa, double rho)
{
    return sqrt(theory_rounding(mantissa, rho) / 2) / (1 - rho);
}
