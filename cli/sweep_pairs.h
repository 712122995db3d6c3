/* SPDX-License-Identifier: MIT */
/* Statistics of paired differences: two settings that were run with the same seeds. */
#ifndef CLI_SWEEP_PAIRS_H
#define CLI_SWEEP_PAIRS_H

#include <stddef.h>

/* Up to so many differences every way to flip their signs is tried, above so many ways drawn by chance. */
enum { MOST_EXACT = 16, FLIPS_DRAWN = 100000 };

struct pairs {
    size_t n;
    double mean;  /* NAN where n is 0 */
    double error; /* of the mean: the sample standard deviation divided by sqrt(n); NAN below two, as low and high */
    double low, high; /* the mean's interval of 95 %, from Student's t distribution */
    double p;         /* two-sided, of the sign-flip test; NAN where n is 0 */
    int is_exact;     /* whether p is */
};

struct pairs pairs_of(const double *differences, size_t n);

/* Student's t distribution: the t that |T| exceeds with probability alpha (0 < alpha < 1); degrees of freedom >= 1. */
double student_two_sided(size_t degrees, double alpha);

/* The sign-flip test: were the two settings the same, each difference would as soon have had the other sign. The share
   of sign patterns whose sum is as far from 0 as that of differences [n], or farther. */
double sign_flip_p(const double *differences, size_t n);

#endif
