/* SPDX-License-Identifier: MIT */
/* Adadelta: Zeiler, arXiv:1212.5701 (2012), Algorithm 1. s[0] is square_avg (v), s[1] is acc_delta (u).

       v = rho*v + (1 - rho)*g^2
       d = sqrt((u + eps) / (v + eps)) * g        the new v, the old u; one root of a ratio is the paper's ratio of two roots
       u = rho*u + (1 - rho)*d^2
       x = x - lr*d                                                                                                           */
static inline V RULE(adadelta)(V x, V g, V s[], const struct COEFS *c)
{
    const V v = add(mul(c->rho, s[0]), mul(c->one_minus_rho, mul(g, g)));
    const V d = mul(root(div(add(s[1], c->eps), add(v, c->eps))), g);
    const V u = add(mul(c->rho, s[1]), mul(c->one_minus_rho, mul(d, d)));
    s[0] = drop_tiny(v);
    s[1] = drop_tiny(u);
    return sub(x, mul(c->lr, d));
}
