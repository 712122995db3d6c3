/* SPDX-License-Identifier: MIT */
/* The step on your own arrays: Rosenbrock's function from (1.5, 1.5); its minimum is at (1, 1). Prints step,x,y. (The
   second part of the gradient has a factor x[0] too many, as in the published trajectories that the tests compare this
   with.) */
#include <adadelta.h>
#include <stdio.h>

int main(void)
{
    double x[2] = {1.5, 1.5}, g[2], square_avg[2] = {0}, acc_delta[2] = {0};

    for (int step = 1; step <= 5000; step++) {
        g[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
        g[1] = 200 * x[0] * (x[1] - x[0] * x[0]);
        if (adadelta_update_f64(2, x, g, square_avg, acc_delta, NULL) != ADADELTA_OK)
            return 1;
        if (step <= 100 || step % 1000 == 0)
            printf("%d,%.12f,%.12f\n", step, x[0], x[1]);
    }
    return 0;
}
