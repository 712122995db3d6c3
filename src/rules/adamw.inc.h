/* SPDX-License-Identifier: MIT */
/* AdamW: Loshchilov and Hutter (ICLR 2019), Adam with decoupled decay; s[0] is exp_avg (m), s[1] is exp_avg_sq (v); step t.

       m = beta1*m + (1 - beta1)*g
       v = beta2*v + (1 - beta2)*g^2
       x = x - lr/(1 - beta1^t) * m / (sqrt(v)/sqrt(1 - beta2^t) + eps)                                                       */
static inline V RULE(adamw)(V x, V g, V s[], const struct COEFS *c)
{
    s[0] = drop_tiny(add(mul(c->beta1, s[0]), mul(c->one_minus_beta1, g)));
    s[1] = drop_tiny(add(mul(c->beta2, s[1]), mul(c->one_minus_beta2, mul(g, g))));
    return sub(x, div(mul(c->step_size, s[0]), add(mul(root(s[1]), c->root_scale), c->eps)));
}
