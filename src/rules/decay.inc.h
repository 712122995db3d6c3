/* SPDX-License-Identifier: MIT */
/* Weight decay, before any rule: coupled (L2) adds to the gradient, decoupled shrinks the parameter. */
static inline void RULE(decay)(V *x, V *g, const struct COEFS *c)
{
    if (c->decay == DECAY_COUPLED)
        *g = add(*g, mul(c->decay_rate, *x));
    else if (c->decay == DECAY_DECOUPLED)
        *x = sub(*x, mul(c->decay_rate, *x));
}
