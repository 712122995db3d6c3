/* SPDX-License-Identifier: MIT */
/*
 * The formats that Adadelta's two averages can be kept in between two steps. A format is a row: how v and u of a tensor
 * become codes, and codes v and u. Both are in units of eps here (v/eps and u/eps), as the step computes with them. All
 * that is remembered from step to step is the codes and, of some, one scale a tensor.
 */
#ifndef LOWBIT_FORMATS_H
#define LOWBIT_FORMATS_H

#include <stddef.h>
#include <stdint.h>

enum which { OF_V, OF_U };

/* What is kept of one tensor. */
struct kept {
    size_t n;
    double eps;
    uint64_t *code[2]; /* [n] each, of v and of u */
    double scale[2];   /* of a tensor, where the format has one */
};

/* When something is kept: chances are functions of it. */
struct moment {
    uint64_t seed;
    uint32_t step;
};

/* 32 random bits (the upper ones are used), a half for rounding to nearest. */
typedef uint32_t chance_of(struct moment moment, uint32_t element, enum which which);

struct format {
    const char *name, *about;
    double bits; /* a state: half of those of v and u together */
    struct shape {
        int mantissa, exponent; /* bits */
    } shape[2];                 /* of v and of u */
    chance_of *chance;
    void (*keep)(const struct format *format, struct kept *kept, struct moment moment, const double *v,
                 const double *u);
    void (*recall)(const struct format *format, const struct kept *kept, double *v, double *u);
    int every;    /* the averages move each so many steps, by so much more; 0 is 1 */
    int doubles;  /* 1: the step computes in double */
    double bound; /* of a gradient's magnitude over sqrt(eps); 0: none */
};

const struct format *format_find(const char *name); /* NULL: no such format */
const struct format *format_at(size_t index);       /* NULL: behind the last */

/* The code of one number w >= 1 with `mantissa` bits behind the point and `exponent` bits before, and back. `chance`
   has 23 - mantissa bits. This is the library's format. */
uint32_t encode_above_one(struct shape shape, float w, uint32_t chance);
float decode_above_one(struct shape shape, uint32_t code);

/* Where the numbers kept are: a constant for rounding to nearest, and chances. */
chance_of nearest, fresh, one_for_both, antithetic, weyl, weyl_restarted;

/* The families. */
typedef void keeper(const struct format *, struct kept *, struct moment, const double *, const double *);
typedef void recaller(const struct format *, const struct kept *, double *, double *);
keeper keep_double, keep_single, keep_bf16, keep_f16, keep_above_one, keep_ratio, keep_parabola, keep_cubic, keep_log,
    keep_root, keep_scaled;
keeper keep_block_linear, keep_block_dynamic;
recaller recall_double, recall_single, recall_bf16, recall_f16, recall_above_one, recall_ratio, recall_parabola,
    recall_cubic, recall_log, recall_root;
recaller recall_scaled, recall_block_linear, recall_block_dynamic;

#endif
