/* SPDX-License-Identifier: MIT */
/* RMSprop: Tieleman and Hinton (Coursera lecture 6.5, 2012), eps beside the root; s[0] is square_avg (v).

       v = rho*v + (1 - rho)*g^2
       x = x - lr*g / (sqrt(v) + eps)                                                                                         */
static inline V RULE(rmsprop)(V x, V g, V s[], const struct COEFS *c)
{
    s[0] = drop_tiny(add(mul(c->rho, s[0]), mul(c->one_minus_rho, mul(g, g))));
    return sub(x, div(mul(c->lr, g), add(root(s[0]), c->eps)));
}
