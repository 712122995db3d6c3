/* SPDX-License-Identifier: MIT */
/* Stochastic gradient descent: x = x - lr*g. No state. */
static inline V RULE(sgd)(V x, V g, V s[], const struct COEFS *c)
{
    (void)s;
    return sub(x, mul(c->lr, g));
}
