/* SPDX-License-Identifier: MIT */
/* The average of a parameter, after any rule: exponential (Polyak and Juditsky 1992 with a constant weight) with weight
   1 - decay, or the plain mean with weight 1/k at the k-th step.

       a = a + weight*(x - a)                                                                                                 */
static inline V RULE(average)(V a, V x, V weight)
{
    return add(a, mul(weight, sub(x, a)));
}
