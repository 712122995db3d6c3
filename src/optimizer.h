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

/* Where values lie: from one address to before another. */
struct extent {
    uintptr_t begin, end;
};

struct tensor {
    /* Not this tensor's: number k has the k-th in the order of addresses. So the order takes no memory of its own. */
    struct extent place;

    struct adadelta_tensor info;  /* defaults filled in; info.name is ours, its arrays the caller's */
    enum adadelta_dtype computed; /* ADADELTA_F32 or ADADELTA_F64 */
    kernel *in_place;             /* takes parameters and state as they are stored; NULL: there is none */
    double unit;       /* of state in codes: the eps that they are in units of, always that of the settings followed */
    uint64_t rewrites; /* times that codes were rounded between steps */
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
    void *next_block; /* while its state is brought into another type */

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

/* What tensors share: settings, and the type of the state of those that name none. */
struct group {
    struct adadelta_hyper hyper;
    enum adadelta_dtype state_dtype; /* ADADELTA_DTYPE_DEFAULT: the options' */
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
    struct group *groups;
    size_t group_count;
    struct tensor *tensors;
    size_t tensor_count;
    size_t placed;               /* of the tensors, those that have elements: as many have a place */
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

/* The settings that a tensor follows. */
const struct adadelta_hyper *tensor_hyper(const struct adadelta *optimizer, const struct tensor *tensor);

/* The part of that name, or NULL. */
const struct part *tensor_part(const struct tensor *tensor, const char *name);

/* Bytes of a tensor's parameters. */
size_t tensor_bytes(const struct tensor *tensor);

/* Puts the average where the parameters are now. */
void tensor_restart_average(struct tensor *tensor);

/* Whether settings can be a tensor's, as method_check finds. */
enum adadelta_status tensor_check_hyper(const struct tensor *tensor, const struct adadelta_hyper *hyper);

/* A tensor as it is registered, without memory of its own, its state of the type that info names, else the group's
   (which may be ADADELTA_DTYPE_DEFAULT), else the options'. Its types must be right. */
struct tensor tensor_blank(const struct adadelta_options *options, enum adadelta_dtype group_state,
                           const struct adadelta_tensor *info);

/* Finds the kernel for a tensor's types. */
void tensor_choose_kernel(const struct adadelta *optimizer, struct tensor *tensor);

/* Lists a tensor's parts and where they lie in its block, which may be missing; returns the block's size. */
size_t tensor_lay_out(const struct adadelta_options *options, struct tensor *tensor);

/* ADADELTA_OK, or why a tensor in a group with state of that type cannot have the types that it would get. */
enum adadelta_status tensor_check_types(const struct adadelta_options *options, enum adadelta_dtype group_state,
                                        const struct adadelta_tensor *info, struct adadelta_error *error);

/* The type of the state beside values of a type, where nobody names one. */
enum adadelta_dtype default_state(enum adadelta_dtype values);

/* Whether a type is one of numbers, one of numbers of 16 bits, and whether a method's state can be of a type. */
int is_real(enum adadelta_dtype dtype);
int is_16_bit(enum adadelta_dtype dtype);
int method_takes_state(enum adadelta_method method, enum adadelta_dtype dtype);

/* Adds a tensor like the model (registration, counters, and its state where it has any) with a name and state of its
   own. */
enum adadelta_status tensor_append(struct adadelta *optimizer, const struct tensor *model);
void tensor_release(const struct adadelta *optimizer, struct tensor *tensor);

/* The bytes of memory that adding such a tensor takes from the allocator, or SIZE_MAX. */
size_t tensor_memory(const struct adadelta_options *options, const struct adadelta_tensor *tensor);

/* ---- The caller's arrays: buffers.c ---- */

/* Checks the arrays of a tensor, number index or one yet to come, against one another and against all other tensors:
   nothing may share memory with parameters. Gradients may share memory with one another. */
enum adadelta_status buffers_check(struct adadelta *optimizer, size_t index, const struct tensor *tensor);

/* Takes the values of a new tensor of that number among those that the next are checked against. */
void buffers_register(struct adadelta *optimizer, size_t index);

/* Whether a tensor can have a sparse gradient of so many rows; whether they exist is for the step to see. */
enum adadelta_status buffers_check_rows(struct adadelta *optimizer, size_t index, size_t count, const size_t *rows,
                                        const void *gradient);

/* ---- State in codes and in other types: codes.c ---- */

/* The turn of what rounds codes between steps (a new eps, a new type, numbers from the caller): one that no step has,
   and another one each time, lest what is rounded up once is rounded up again and again. */
uint64_t next_rewrite(struct tensor *tensor);

/* Room for the random words of a tensor's step, and which they are. */
struct chance_words {
    uint32_t words[ROUNDED_ARRAYS][CHANCE_ROOM];
    const struct tensor *tensor; /* NULL: there are none yet */
    uint64_t steps;
    size_t count;  /* of each array */
    uint64_t key;  /* of seed, tensor and step */
    uint32_t salt; /* of turn 0 */
};

/* Whether a tensor's steps are rounded by chance. */
int takes_chance(const struct tensor *tensor);

/* The chance of a tensor's elements from number first on in a turn. It depends on seed, name, step, element and turn.
   Fills the room if need be, once a step: each turn takes its words from another place on, and other keys of thousands.
   */
struct chance chance_from(const struct adadelta *optimizer, const struct tensor *tensor, uint64_t turn, size_t first,
                          struct chance_words *room);

/* Brings state in codes into units of the eps that its tensor follows now. After every change of settings. */
void codes_follow(struct adadelta *optimizer);

/* Numbers of a state that are brought to and fro at a time. */
enum { STATE_ROOM = 256 };

/* The method's state of n elements from first on as doubles, array number k in to[k] [n]; and back, rounded as its type
   is, where numbers that are negative or NaN become 0 in codes. turn: as of chance_from. */
void state_read(const struct adadelta *optimizer, const struct tensor *tensor, size_t first, size_t n,
                double *const to[]);
void state_write(const struct adadelta *optimizer, struct tensor *tensor, size_t first, size_t n, double *const from[],
                 uint64_t turn, struct chance_words *room);

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
