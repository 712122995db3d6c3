/* SPDX-License-Identifier: MIT */
/* The average of a parameter, after any rule: exponential (Polyak and Juditsky 1992 with a constant weight) with weight
   1 - decay, or the plain mean with weight 1/k at the k-th step. The first parameters are taken as they are.

       a = a + weight*(x - a)                                                                                                 */
static inline V RULE(average)(V a, V x, const struct COEFS *c)
{
    return c->begins_average ? x : add(a, mul(c->average_weight, sub(x, a)));
}
