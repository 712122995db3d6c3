/* SPDX-License-Identifier: MIT */
/* What struct adadelta holds: for the files that build it, step it, look at it and keep it. */
#ifndef ADADELTA_SRC_OPTIMIZER_H
#define ADADELTA_SRC_OPTIMIZER_H

#include "kernels/kernels.h"
#include "memory.h"
#include "method.h"

/* An array of a tensor's state: the method's, then what weights and averages need. */
struct part {
    const char *name;
    enum adadelta_dtype dtype;
    void *values; /* [n], into the tensor's block */
};

enum { MAX_PARTS = MAX_STATES + 3 };

/* The parts that a tensor may have behind the method's. */
#define PART_MASTER  "master"
#define PART_LOW     "low"
#define PART_AVERAGE "average"
#define PART_SPARE   "spare" /* the parameters while 16-bit averages stand in their place */

/* Elements whose sums are taken together, and which are not split over threads. */
enum { BLOCK = 4096 };

struct tensor {
    struct adadelta_tensor info;  /* defaults filled in; info.name is ours, its arrays the caller's */
    enum adadelta_dtype computed; /* ADADELTA_F32 or ADADELTA_F64 */
    int plain;                    /* 1: parameters and state are stored as they are computed */
    size_t group;
    int own; /* 1: hyper in place of the group's */
    struct adadelta_hyper hyper;
    uint64_t name_hash; /* for what must not depend on the order of registration */
    size_t n, width;    /* elements in all, and in a row (an entry of the first dimension) */

    uint64_t steps, skipped;           /* that this tensor took part in, or would have */
    uint64_t averaged;                 /* steps since its average began */
    double update_norm, gradient_norm; /* NaN: not known */

    struct part parts[MAX_PARTS];
    size_t part_count;
    void *kept;            /* the master or the low half, where weights have one */
    void *average, *spare; /* where averages are kept */
    void *block;           /* the parts in one piece: block_size bytes, 64-byte aligned; NULL where there is none */
    size_t block_size;

    /* A sparse gradient: rows [row_count] and, while a step is under way, each row's occurrences as a list. */
    const size_t *rows; /* NULL: the gradient is dense */
    size_t row_count;
    size_t *first, *next; /* [shape[0]], [max_rows], one piece of memory; numbers from 1, 0 is none */

    struct measure *blocks; /* a sum for each block */
    size_t block_count;

    /* Of the step under way. */
    const void *gradient;
    size_t work; /* elements of gradient; 0: it takes no part */
    struct coefs coefs;
    uint64_t coefs_settings; /* the number of the settings that coefs are made of; 0: none */
    double coefs_rate;       /* and the schedule's rate */
    double norm;             /* of its gradient; NaN where none was taken */
};

struct adadelta {
    const struct method *method;
    struct adadelta_options options; /* the allocator filled in */
    struct arena arena;              /* behind options.allocator, where the caller gave the memory */
    struct adadelta_gradients gradients;
    struct adadelta_schedule schedule;
    uint64_t settings; /* grows with every change of hyper-parameters or of what happens to gradients */
    uint64_t enlisted; /* the settings that all tensors are enlisted with for the next step; 0: they are not */
    double enlisted_rate;
    uint64_t steps, skipped;
    int swapped, measuring;
    struct adadelta_hyper *groups;
    size_t group_count;
    struct tensor *tensors;
    size_t tensor_count;
    struct adadelta_error error; /* of the last call that failed */
};

/* ADADELTA_OK, or why there cannot be an optimizer with such options. */
enum adadelta_status check_options(const struct adadelta_options *options);

/* The bytes of an element of a type that there is. */
static inline size_t dtype_size(enum adadelta_dtype dtype)
{
#define SIZE(dtype, text, bytes) [dtype] = bytes,
    static const unsigned char sizes[ADADELTA_DTYPE_COUNT] = {ADADELTA_DTYPE_LIST(SIZE)};
#undef SIZE
    return sizes[dtype];
}

/* ---- Arrays: update.c ---- */

/* Whether two arrays share a byte; a missing or an empty one shares none. */
int arrays_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

/* ---- Tensors: tensor.c ---- */

/* The number of elements of a shape, or SIZE_MAX where they would not fit in memory as dtype or ndim is too large. */
size_t shape_elements(enum adadelta_dtype dtype, size_t ndim, const size_t *shape);

/* The tensor of that number; where there is none NULL, said in the optimizer's error. */
struct tensor *tensor_find(struct adadelta *optimizer, size_t index);

/* Whether a tensor can have a sparse gradient of so many rows; whether they exist is for the step to see. */
enum adadelta_status tensor_check_rows(struct adadelta *optimizer, size_t index, size_t count, const size_t *rows,
                                       const void *gradient);

/* The settings that a tensor follows. */
const struct adadelta_hyper *tensor_hyper(const struct adadelta *optimizer, const struct tensor *tensor);

/* The part of that name, or NULL. */
const struct part *tensor_part(const struct tensor *tensor, const char *name);

/* Bytes of a tensor's parameters. */
size_t tensor_bytes(const struct tensor *tensor);

/* Puts the average where the parameters are now. */
void tensor_restart_average(struct tensor *tensor);

/* Adds a tensor like the model (registration, counters, and its state where it has any) with a name and state of its
   own. */
enum adadelta_status tensor_append(struct adadelta *optimizer, const struct tensor *model);
void tensor_release(const struct adadelta *optimizer, struct tensor *tensor);

/* The bytes of memory that adding such a tensor takes from the allocator, or SIZE_MAX. */
size_t tensor_memory(const struct adadelta_options *options, const struct adadelta_tensor *tensor);

/* ---- Texts: text.c, status.c ---- */

/* Whether a text is UTF-8, as the JSON of a checkpoint needs it. */
int is_utf8(const char *text);

/* Fills *error (if not NULL) with a status and a printf-formatted line, and returns the status. */
enum adadelta_status fail(struct adadelta_error *error, enum adadelta_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
