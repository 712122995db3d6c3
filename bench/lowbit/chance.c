/* SPDX-License-Identifier: MIT */
/* The chances that rounding takes: none, independent ones, and such as even out over the steps. */
#include "formats.h"
#include "random.h"

/* The plastic number's powers: t times them, modulo 1, fills the square evenly (Roberts 2018), so that v's chances and
   u's are not in step. */
static const uint32_t stride[2] = {3242174889u, 2447445414u};

uint32_t nearest(struct moment moment, uint32_t element, enum which which)
{
    (void)moment, (void)element, (void)which;
    return 0x80000000u;
}

uint32_t fresh(struct moment moment, uint32_t element, enum which which)
{
    return (uint32_t)(random_hash(moment.seed, element, moment.step) >> (which == OF_V ? 32 : 0));
}

/* v's chance for u, too: where both move alike they are rounded alike. */
uint32_t one_for_both(struct moment moment, uint32_t element, enum which which)
{
    (void)which;
    return fresh(moment, element, OF_V);
}

/* Every second step takes what the step before left over. */
uint32_t antithetic(struct moment moment, uint32_t element, enum which which)
{
    const struct moment even = {moment.seed, moment.step & ~1u};
    const uint32_t word = fresh(even, element, which);
    return moment.step & 1 ? ~word : word;
}

uint32_t weyl(struct moment moment, uint32_t element, enum which which)
{
    const struct moment start = {moment.seed, 0};
    return fresh(start, element, which) + moment.step * stride[which];
}

/* A new start each 64 steps: no gradient's period can stay in step with it. */
uint32_t weyl_restarted(struct moment moment, uint32_t element, enum which which)
{
    const struct moment start = {moment.seed, moment.step / 64};
    return fresh(start, element, which) + moment.step % 64 * stride[which];
}
