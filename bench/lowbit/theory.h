/* SPDX-License-Identifier: MIT */
/* What docs/lowbit.md derives, as numbers. m is the mantissa's bits; gradients are normal, of one size. */
#ifndef LOWBIT_THEORY_H
#define LOWBIT_THEORY_H

/* Variance of one rounding by chance, relative to the number: the mean of f(1 - f)/mu^2 4^-m, f being the part cut off
   and mu the mantissa, both after a move of (1 - rho)(g^2/v - 1). */
double theory_rounding(int mantissa, double rho);

/* The same where f is even over 0 to 1: 4^-m / (16 ln 2). */
double theory_rounding_even(int mantissa);

/* Standard deviation of v over its mean. */
double theory_noise(int mantissa, double rho);

/* How much the mean of v is too large, relative to v, when log v is rounded by chance. */
double theory_log_bias(int mantissa, double rho);

/* Standard deviation of log(u/v) in the long run, v and u rounded by two chances. */
double theory_slow(int mantissa, double rho);

#endif
