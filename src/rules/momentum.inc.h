/* SPDX-License-Identifier: MIT */
/* Momentum (Polyak 1964), as most frameworks write it; s[0] is momentum_buffer (m).

       m = momentum*m + g
       x = x - lr*m                        Nesterov's form (Sutskever et al. 2013): x = x - lr*(g + momentum*m)               */
static inline V RULE(momentum)(V x, V g, V s[], const struct COEFS *c)
{
    s[0] = drop_tiny(add(mul(c->momentum, s[0]), g));
    const V d = c->nesterov ? add(g, mul(c->momentum, s[0])) : s[0];
    return sub(x, mul(c->lr, d));
}
