/* SPDX-License-Identifier: MIT */
/* What struct adadelta holds: for the optimizer itself and for the checkpoints that walk over it. */
#ifndef ADADELTA_SRC_OPTIMIZER_H
#define ADADELTA_SRC_OPTIMIZER_H

#include "method.h"

struct tensor {
    struct adadelta_tensor info; /* info.name is ours, its arrays the caller's */
    size_t group;
    size_t n;
    uint64_t steps;          /* steps that this tensor took part in */
    void *state[MAX_STATES]; /* [n] each, into block */
    void *block;             /* the state in one piece: block_size bytes, 64-byte aligned; NULL where there is none */
    size_t block_size;
    struct coefs coefs; /* of the step under way */
};

struct adadelta {
    const struct method *method;
    enum adadelta_method method_id;
    int threads; /* as asked for: 0 is one a processor */
    uint64_t steps;
    struct adadelta_hyper *groups;
    size_t group_count;
    struct tensor *tensors;
    size_t tensor_count;
};

/* Bytes of one element. */
size_t dtype_size(enum adadelta_dtype dtype);

/* The number of elements of a shape, or SIZE_MAX where they would not fit in memory as dtype or ndim is too large. */
size_t shape_elements(enum adadelta_dtype dtype, size_t ndim, const size_t *shape);

/* Whether two arrays share a byte; a missing or an empty one shares none. */
int arrays_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

/* A copy of a text, or NULL without memory. */
char *copy_text(const char *text);

/* Whether a text is UTF-8, as the JSON of a checkpoint needs it. */
int is_utf8(const char *text);

/* Fills *error (if not NULL) with a status and a printf-formatted line, and returns the status. */
enum adadelta_status fail(struct adadelta_error *error, enum adadelta_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
