/* SPDX-License-Identifier: MIT */
/* What happens to a gradient before any rule. The norms that shrink is made of are known by then (measure.inc.h).

       g = g / scale
       g = min(max(g, -clip), clip)        a NaN stays one
       g = shrink*g                        to the bound of its norms
       g = -g                              to maximize                                                                        */
static inline V RULE(prepare)(V g, const struct COEFS *c)
{
    if (!c->prepares)
        return g;
    if (c->unscale)
        g = div(g, c->scale);
    if (c->clips)
        g = max(c->minus_clip, min(c->clip, g));
    g = mul(c->shrink, g);
    return c->negate ? sub(set((REAL)-0.0), g) : g;
}
