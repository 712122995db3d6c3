/* SPDX-License-Identifier: MIT */
/* Adagrad: Duchi, Hazan, Singer (JMLR 12, 2011), diagonal form; s[0] is sum.

       sum = sum + g^2
       x = x - lr*g / (sqrt(sum) + eps)                                                                                       */
static inline V RULE(adagrad)(V x, V g, V s[], const struct COEFS *c)
{
    s[0] = drop_tiny(add(s[0], mul(g, g)));
    return sub(x, div(mul(c->lr, g), add(root(s[0]), c->eps)));
}
