/* SPDX-License-Identifier: MIT */
/* What a row of `bench step` measures: types, sizes and settings of a step. */
#ifndef CLI_BENCH_PLAN_H
#define CLI_BENCH_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <adadelta.h>

/* What a step can do besides, with its name:

       look     looks for gradients that are not finite, as an optimizer does unless told otherwise
       norm     clips by the norm of all gradients
       clip     clips by value
       scale    divides gradients by a scale
       decay    weight decay, added to the gradient
       average  keeps exponential averages of the parameters
       polyak   keeps their means
       measure  measures updates
       rows     moves some rows of a matrix only                                                                      */
#define BENCH_EXTRA_LIST(X)                                                                                            \
    X(EXTRA_LOOK, "look")                                                                                              \
    X(EXTRA_NORM, "norm")                                                                                              \
    X(EXTRA_CLIP, "clip")                                                                                              \
    X(EXTRA_SCALE, "scale")                                                                                            \
    X(EXTRA_DECAY, "decay")                                                                                            \
    X(EXTRA_AVERAGE, "average")                                                                                        \
    X(EXTRA_POLYAK, "polyak")                                                                                          \
    X(EXTRA_MEASURE, "measure")                                                                                        \
    X(EXTRA_ROWS, "rows")

enum bench_extra {
#define BENCH_EXTRA_ENUM(name, text) name,
    BENCH_EXTRA_LIST(BENCH_EXTRA_ENUM)
#undef BENCH_EXTRA_ENUM
        EXTRA_COUNT
};

/* Their names, as "look, norm, ...". */
extern const char bench_extra_names[];

struct bench_plan {
    size_t n;                                   /* parameters in all */
    enum adadelta_dtype dtype, gradient, state; /* of parameters, gradients and averages */
    enum adadelta_weights weights;              /* for parameters of 16 bits */
    unsigned extras;                            /* 1 << EXTRA_LOOK | ... */
    size_t tensors;                             /* that n is split over; at most n */
    int paper;        /* 1: tensors is 6, and their sizes stand to each other as those of the paper's network */
    size_t row_width; /* with rows: elements in a row; n is a multiple */
    double row_part;  /* with rows: how many of all rows are named */
    int threads;      /* at least 1 */
    size_t rounds;    /* 0: as many as fit in a third of a second, and no fewer than 7 */
    uint64_t seed;
};

/* The elements of the paper's six tensors: 784x500, 500, 500x300, 300, 300x10, 10. */
enum { PAPER_TENSORS = 6, PAPER_ELEMENTS = 545810 };

int bench_has(const struct bench_plan *plan, enum bench_extra extra);

/* The names of a plan's extras with + between, "plain" for none: text [size] is returned. */
const char *bench_extras_text(const struct bench_plan *plan, char *text, size_t size);

/* Adds the extra of a name, size bytes long, to a set; "plain" adds none. 0: there is none of that name. */
int bench_add_extra(unsigned *extras, const char *name, size_t size);

/* The type that a step computes in. */
enum adadelta_dtype bench_computed(const struct bench_plan *plan);

/* "master", "split", "stochastic" or "nearest"; and back: 0 where it is none of these. */
const char *bench_weights_name(enum adadelta_weights weights);
int bench_weights_by_name(const char *name, enum adadelta_weights *weights);

int bench_is_16_bit(enum adadelta_dtype dtype);

/* Bytes an element of what the optimizer keeps beside parameters of 16 bits, and of their averages; 0: none. */
size_t bench_kept_size(const struct bench_plan *plan);
size_t bench_average_size(const struct bench_plan *plan);

/* Rows that a step names (0 without rows), and elements that it moves. */
size_t bench_named_rows(const struct bench_plan *plan);
size_t bench_moved(const struct bench_plan *plan);

/* Where tensor number t begins in the row of all parameters; for t = tensors, n. */
size_t bench_tensor_start(const struct bench_plan *plan, size_t t);

/* Bytes that all arrays of a plan take. */
double bench_bytes(const struct bench_plan *plan);

#endif
