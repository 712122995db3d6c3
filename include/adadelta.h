/* SPDX-License-Identifier: MIT */
/*
 * adadelta.h - the Adadelta optimizer step, the methods it is compared with, and checkpoints of a running optimizer.
 *
 * Adadelta (M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, Algorithm 1) keeps two
 * decaying averages for every parameter; the root of eps stands where others have a learning rate (docs/math.md):
 *
 *     v = rho*v + (1 - rho)*g^2              v is square_avg, the paper's E[g^2]
 *     d = sqrt((u + eps) / (v + eps)) * g    u is acc_delta, the paper's E[dx^2], as the step before left it
 *     u = rho*u + (1 - rho)*d^2
 *     x = x - lr*d                           lr is 1 in the paper and never enters u
 *
 * Before the rule, in this order: the gradient is divided by a scale, looked through for values that are not finite,
 * clipped by value, by its tensor's norm and by the norm of all, and negated (maximize); then weight_decay*x is added
 * to it (coupled L2), or lr*weight_decay*x is taken off x (decoupled). All of this is off unless asked for, but the
 * look for values that are not finite, which an optimizer takes and the plain functions do not.
 *
 * What is promised
 *   - Same bits: for the same input an updated element has the same bits on every instruction set, at every position in
 *     an array of any length and alignment, and for every number of threads; norms and random rounding included. No
 *     approximate roots, no fused or reordered arithmetic. 64-bit tensors are computed in double, all others in float.
 *     This holds in the C default floating-point environment: rounding to nearest, denormals not flushed (a program
 *     linked with -ffast-math may change that for the whole process).
 *   - A state value below the smallest normal number of the type computed in (1.2e-38 in float) becomes zero, so that a
 *     gradient that has died never makes the step slow.
 *   - Nothing is half done: a function that returns an error has changed nothing, and says so here if it might.
 *   - Nothing is allocated by a step. An optimizer can live in memory that the caller gives.
 *   - The library never prints, never exits, and reads one environment variable: ADADELTA_ISA, the highest instruction
 *     set to use (scalar, sse2, avx2, avx512, neon; unset or empty: the best), looked at once, at first use.
 *
 * Complex numbers are two reals each, as in PyTorch: register an array of n of them as [n, 2].
 *
 * Threads: every function may be called from any thread. One optimizer or checkpoint must not be used by two threads at
 * once; two different ones may. A step uses OpenMP: in a child of fork() whose parent has stepped with more than one
 * thread, call adadelta_set_threads(optimizer, 1) first. Callbacks must not throw C++ exceptions.
 *
 * Settings: start each struct from its adadelta_..._default(), then change fields.
 *
 * Example: minimise (x0 - 3)^2 + (x1 + 1)^2.
 *
 *     #include <adadelta.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         double x[2] = {0, 0}, g[2], square_avg[2] = {0}, acc_delta[2] = {0};
 *         for (int step = 0; step < 5000; step++) {
 *             g[0] = 2 * (x[0] - 3);
 *             g[1] = 2 * (x[1] + 1);
 *             if (adadelta_update_f64(2, x, g, square_avg, acc_delta, NULL) != ADADELTA_OK)
 *                 return 1;
 *         }
 *         printf("%.3f %.3f\n", x[0], x[1]);
 *         return 0;
 *     }
 */
#ifndef ADADELTA_H
#define ADADELTA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ADADELTA_API __attribute__((visibility("default")))
#else
#define ADADELTA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status and texts ---- */

/* Every status with its text. 0 is success. */
#define ADADELTA_STATUS_LIST(X)                                                                                        \
    X(ADADELTA_OK, "success")                                                                                          \
    X(ADADELTA_ERROR_ARGUMENT, "an argument is NULL, out of range or not a known value")                               \
    X(ADADELTA_ERROR_LR, "lr must be finite and at least 0, also when rounded to the tensor's type")                   \
    X(ADADELTA_ERROR_RHO, "rho must be at least 0 and below 1")                                                        \
    X(ADADELTA_ERROR_EPS, "eps must be finite and above 0, also when rounded to the tensor's type")                    \
    X(ADADELTA_ERROR_WEIGHT_DECAY,                                                                                     \
      "weight_decay must be finite and at least 0, also when rounded to the tensor's type")                            \
    X(ADADELTA_ERROR_MOMENTUM, "momentum must be at least 0 and below 1")                                              \
    X(ADADELTA_ERROR_BETA, "beta1 and beta2 must be at least 0 and below 1")                                           \
    X(ADADELTA_ERROR_CLIP, "a gradient's scale must be finite and above 0, a bound of clipping finite and at least 0") \
    X(ADADELTA_ERROR_SCHEDULE,                                                                                         \
      "a schedule has a field out of range, or gave a rate that is not finite and at least 0")                         \
    X(ADADELTA_ERROR_AVERAGE, "average_decay must be at least 0 and below 1, and averages must be kept to be used")    \
    X(ADADELTA_ERROR_DTYPE, "a type of numbers does not serve here")                                                   \
    X(ADADELTA_ERROR_SHAPE, "an array has another shape than it must have")                                            \
    X(ADADELTA_ERROR_ROW, "a row does not exist, or there are more rows than max_rows")                                \
    X(ADADELTA_ERROR_OVERLAP, "arrays overlap")                                                                        \
    X(ADADELTA_ERROR_NAME, "a name is empty, already taken, or not known")                                             \
    X(ADADELTA_ERROR_NONFINITE, "a gradient is NaN, infinite, or too large to be squared")                             \
    X(ADADELTA_ERROR_GLOBAL_NORM, "tensors cannot be stepped one by one while clip_global_norm is set")                \
    X(ADADELTA_ERROR_SWAPPED, "the averages stand in the parameters' place: swap them out first")                      \
    X(ADADELTA_ERROR_ISA, "ADADELTA_ISA must be one of scalar, sse2, avx2, avx512, neon")                              \
    X(ADADELTA_ERROR_MEMORY, "out of memory")                                                                          \
    X(ADADELTA_ERROR_IO, "a file cannot be read or written")                                                           \
    X(ADADELTA_ERROR_FORMAT, "a file is not a checkpoint that this version reads")                                     \
    X(ADADELTA_ERROR_DAMAGED, "a checkpoint is cut or its bytes have changed")                                         \
    X(ADADELTA_ERROR_MISMATCH, "a checkpoint does not fit this optimizer")

enum adadelta_status {
#define ADADELTA_STATUS_ENUM(name, text) name,
    ADADELTA_STATUS_LIST(ADADELTA_STATUS_ENUM)
#undef ADADELTA_STATUS_ENUM
};

/* What went wrong in one line, with names and numbers. Owned by the caller; functions that take one accept NULL, and
   write it only when they fail. */
struct adadelta_error {
    enum adadelta_status status;
    char text[512];
};

/* The text of a status: static, never NULL. */
ADADELTA_API const char *adadelta_status_string(enum adadelta_status status);

/* The library's version, "MAJOR.MINOR.PATCH": static. */
ADADELTA_API const char *adadelta_version_string(void);

/* The instruction set in use: "avx512" (its parts F, BW and DQ), "avx2" (with F16C), "sse2", "neon" or "scalar";
   "invalid" where ADADELTA_ISA holds an unknown name, and then every function that computes returns ADADELTA_ERROR_ISA.
   Static. */
ADADELTA_API const char *adadelta_isa_name(void);

/* ---- Types of numbers ---- */

/* Each type with its name in checkpoint files (the format's) and its bytes. BF16 is the upper half of a float, F16 is
   IEEE 754's binary16; both lie in memory as uint16_t. U16 and U8 are whole numbers, as a type of state codes (below);
   arrays of a checkpoint may be any of these. */
#define ADADELTA_DTYPE_LIST(X)                                                                                         \
    X(ADADELTA_F32, "F32", 4)                                                                                          \
    X(ADADELTA_F64, "F64", 8)                                                                                          \
    X(ADADELTA_BF16, "BF16", 2)                                                                                        \
    X(ADADELTA_F16, "F16", 2)                                                                                          \
    X(ADADELTA_U16, "U16", 2)                                                                                          \
    X(ADADELTA_U8, "U8", 1)

enum adadelta_dtype {
    ADADELTA_DTYPE_DEFAULT, /* where a field has a default, that one */
#define ADADELTA_DTYPE_ENUM(name, text, size) name,
    ADADELTA_DTYPE_LIST(ADADELTA_DTYPE_ENUM)
#undef ADADELTA_DTYPE_ENUM
        ADADELTA_DTYPE_COUNT
};

/* The bytes of one element, or 0 for a value that is no type. */
ADADELTA_API size_t adadelta_dtype_size(enum adadelta_dtype dtype);

/* The name of a type, or NULL for a value that is none. Static. */
ADADELTA_API const char *adadelta_dtype_name(enum adadelta_dtype dtype);

/* Converts n floating-point numbers from one type to another (F32, F64, BF16, F16), rounding to nearest, ties to even:
   too large becomes infinite, NaN stays NaN, denormals are kept. to [n] and from [n] must not overlap; any alignment.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (an array is NULL where n > 0, or n is more than memory can hold),
   ADADELTA_ERROR_DTYPE, _OVERLAP, _ISA. */
ADADELTA_API enum adadelta_status adadelta_convert(size_t n, enum adadelta_dtype to_dtype, void *to,
                                                   enum adadelta_dtype from_dtype, const void *from);

/* ---- Methods and their settings ---- */

/* Each method's enumerator and its name, as used in checkpoints and on the command line. */
#define ADADELTA_METHOD_LIST(X)                                                                                        \
    X(ADADELTA_METHOD_ADADELTA, "adadelta")                                                                            \
    X(ADADELTA_METHOD_SGD, "sgd")                                                                                      \
    X(ADADELTA_METHOD_MOMENTUM, "momentum")                                                                            \
    X(ADADELTA_METHOD_ADAGRAD, "adagrad")                                                                              \
    X(ADADELTA_METHOD_RMSPROP, "rmsprop")                                                                              \
    X(ADADELTA_METHOD_ADAMW, "adamw")

enum adadelta_method {
#define ADADELTA_METHOD_ENUM(name, text) name,
    ADADELTA_METHOD_LIST(ADADELTA_METHOD_ENUM)
#undef ADADELTA_METHOD_ENUM
        ADADELTA_METHOD_COUNT
};

/* The name of a method, or NULL past the last one. Static. */
ADADELTA_API const char *adadelta_method_name(enum adadelta_method method);

/* Finds a method by name. ADADELTA_ERROR_NAME: there is none; ADADELTA_ERROR_ARGUMENT: an argument is NULL. */
ADADELTA_API enum adadelta_status adadelta_method_by_name(const char *name, enum adadelta_method *method);

/* The name of a method's state array number k, or NULL where it has no more:
       adadelta  square_avg, acc_delta
       sgd       none
       momentum  momentum_buffer
       adagrad   sum
       rmsprop   square_avg
       adamw     exp_avg, exp_avg_sq */
ADADELTA_API const char *adadelta_method_state_name(enum adadelta_method method, size_t k);

/* Settings of a step. A field that a method does not use is ignored, but must be in its range.

       field          range       used by            default
       lr             finite >=0  all                1; sgd, momentum 0.1; adagrad, rmsprop 0.01; adamw 0.001
       rho            [0, 1)      adadelta, rmsprop  0.95; rmsprop 0.99
       eps            finite >0   all but sgd, m.    1e-6; adagrad 1e-10; rmsprop, adamw 1e-8
       weight_decay   finite >=0  all                0; adamw 0.01
       momentum       [0, 1)      momentum           0.9
       beta1, beta2   [0, 1)      adamw              0.9, 0.999
       nesterov       0 or not    momentum           0
       decoupled      0 or not    all                0; adamw 1     (weight decay apart from the gradient)
       maximize       0 or not    all                0              (climbs: the gradient is negated before the decay)

   eps of adadelta carries the unit of a squared parameter above and of a squared gradient below. An eps of its own
   above, a, is not needed: lr = sqrt(a/eps) does what it would (docs/math.md). The first step on a large gradient is
   lr*sqrt(eps/(1 - rho)), 4.5e-3 at the defaults. The defaults of the methods that need a learning rate are the best
   rows of the paper's Table 1 (for sgd its Figure 1), else those in common use. */
struct adadelta_hyper {
    double lr, rho, eps, weight_decay;
    double momentum, beta1, beta2;
    int nesterov, decoupled, maximize;
};

/* The defaults of Adadelta: lr 1, rho 0.95, eps 1e-6, weight_decay 0. */
ADADELTA_API struct adadelta_hyper adadelta_hyper_default(void);

/* The defaults of a method, or Adadelta's for a value that is no method. */
ADADELTA_API struct adadelta_hyper adadelta_hyper_for(enum adadelta_method method);

/* ADADELTA_OK, or the status of the first field out of its range (ADADELTA_ERROR_ARGUMENT for NULL). */
ADADELTA_API enum adadelta_status adadelta_hyper_check(const struct adadelta_hyper *hyper);

/* ---- One step on the caller's arrays ---- */

/* One Adadelta step on n elements, on the calling thread, with no allocation.

       x           [n] in and out, the parameters
       g           [n] in, the gradient
       square_avg  [n] in and out, starts at zero
       acc_delta   [n] in and out, starts at zero
       hyper       the settings, or NULL for the defaults

   n may be 0, and then the arrays may be NULL. Any alignment will do; the arrays must not overlap.
   Errors, nothing changed: ADADELTA_ERROR_LR, _RHO, _EPS, _WEIGHT_DECAY, _MOMENTUM, _BETA: a setting is out of range;
   ADADELTA_ERROR_ARGUMENT: an array is NULL, or n elements are more than memory can hold; ADADELTA_ERROR_OVERLAP;
   ADADELTA_ERROR_ISA. */
ADADELTA_API enum adadelta_status adadelta_update_f32(size_t n, float *x, const float *g, float *square_avg,
                                                      float *acc_delta, const struct adadelta_hyper *hyper);
ADADELTA_API enum adadelta_status adadelta_update_f64(size_t n, double *x, const double *g, double *square_avg,
                                                      double *acc_delta, const struct adadelta_hyper *hyper);

/* ---- The optimizer object ---- */

/* A running optimizer: groups of settings, and tensors with their state. */
struct adadelta;

/* The most dimensions that a tensor can have. */
enum { ADADELTA_MAX_DIMS = 8 };

/* Where an optimizer's memory comes from. Called when an optimizer, a group or a tensor is made or destroyed and when
 * the type of a state is changed, never by a step. (Checkpoint functions use malloc beside it, and adadelta_minimize
 * uses malloc.) */
struct adadelta_allocator {
    /* size bytes (above 0) at a multiple of alignment (a power of two, at most 64), or NULL. */
    void *(*allocate)(size_t size, size_t alignment, void *context);
    /* Gives back what allocate gave; size as it was asked for. */
    void (*release)(void *memory, size_t size, void *context);
    void *context;
};

/* Averages of the parameters that are kept beside them, to be swapped in for testing or as the result; each with its
   name in checkpoints:

       none         there are none
       exponential  a = decay*a + (1 - decay)*x after each step; the first sets a = x
       polyak       the mean of x after each step since the last restart (Polyak and Juditsky 1992); of sparse rows
                    adadelta_swap_averages has more */
#define ADADELTA_AVERAGING_LIST(X)                                                                                     \
    X(ADADELTA_AVERAGING_NONE, "none")                                                                                 \
    X(ADADELTA_AVERAGING_EXPONENTIAL, "exponential")                                                                   \
    X(ADADELTA_AVERAGING_POLYAK, "polyak")

enum adadelta_averaging {
#define ADADELTA_AVERAGING_ENUM(name, text) name,
    ADADELTA_AVERAGING_LIST(ADADELTA_AVERAGING_ENUM)
#undef ADADELTA_AVERAGING_ENUM
        ADADELTA_AVERAGING_COUNT
};

/* The type of a method's state, of each tensor by itself, or of all that name none by their group or the optimizer:

       F32   the default (of F64 values: F64). Safe
       F64   goes with F32 values, too, and the step is then computed in double; not with values of 16 bits
       BF16  rounded to nearest; stands still where 1 - rho is small, above rho 0.996
       F16   rounded to nearest; stands still above rho 0.9995, ends at 65504 and at 6e-8
       U16   of adadelta: half of F32's bytes, and steps like F32's (docs/lowbit.md). Codes for s/eps + 1, 10 bits and 6
             of the exponent, rounded up or down at random so that the mean is exact, by the same bits on every machine
             for options.seed, tensor name, step and element. A new eps re-encodes the state at once: what lies beyond
             the codes' end, 1.8e19*eps, is cut to it, what is far below eps becomes 0, and the old eps does not bring
             it back

       U8    of adadelta, experimental: a quarter of F32's bytes. square_avg as above with 3 bits and 5 of the exponent;
             in acc_delta's place the ratio (acc_delta + eps)/(square_avg + eps), with 2 bits and 6; ends at 4.0e9*eps.
             For noisy gradients, as of mini-batches; without noise it leaves F32's path (docs/lowbit.md)

   U16 and U8 hold squares of gradients up to 3.75e9*sqrt(eps) and 57344*sqrt(eps) (at eps 1e-6: 3.75e6 and 57): larger
   ones are too large to be squared in the sense of enum adadelta_nonfinite, and are cut to that where nobody looks. In
   their units lr*sqrt(eps) and, where it is coupled, weight_decay/sqrt(eps) must be numbers of the type computed in. */

/* What holds for the whole of an optimizer's life. All fields 0 are the defaults, but for average_decay.

       field            range     default  meaning
       method           a method  adadelta
       threads          0..1024   0        at most this many threads a step; 0: one a processor
       seed             any       0        of stochastic rounding
       state_dtype      as above  DEFAULT  of the state of a tensor that names none, and whose group names none
       averaging        as above  none     costs an array of the type computed in for each tensor, and one of the type
                                           of its values where that is another
       average_decay    [0, 1)    0.999    of exponential averages; else ignored
       allocator                  malloc   allocate and release NULL: the C library's; on Linux 4 MiB and more lie in
                                           huge pages where the system gives them on request */
struct adadelta_options {
    enum adadelta_method method;
    int threads;
    uint64_t seed;
    enum adadelta_averaging averaging;
    double average_decay;
    struct adadelta_allocator allocator;
    enum adadelta_dtype state_dtype;
};

/* The defaults of the table. */
ADADELTA_API struct adadelta_options adadelta_options_default(void);

/* Makes an optimizer without groups or tensors. options NULL: the defaults. *optimizer is to be given to
   adadelta_destroy. Errors: ADADELTA_ERROR_ARGUMENT, _AVERAGE, _DTYPE (no state of the method's can be of that type),
   _ISA, _MEMORY; *optimizer is then NULL. */
ADADELTA_API enum adadelta_status adadelta_create(const struct adadelta_options *options, struct adadelta **optimizer);

/* Frees an optimizer and its state, never the tensors. NULL is allowed. */
ADADELTA_API void adadelta_destroy(struct adadelta *optimizer);

/* What went wrong in the last call on this optimizer that returned an error, in one line with names and numbers; empty
   where none has. Lives until the next such call. "" for NULL. Calls that take a const optimizer, or an
   error of their own (but adadelta_load), leave it alone. */
ADADELTA_API const char *adadelta_error_text(const struct adadelta *optimizer);

/* The options that an optimizer was made with, its allocator filled in; the defaults for NULL. */
ADADELTA_API struct adadelta_options adadelta_get_options(const struct adadelta *optimizer);

/* Changes how many threads a step may use, from the next one on; no bit depends on it.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: out of options.threads' range). */
ADADELTA_API enum adadelta_status adadelta_set_threads(struct adadelta *optimizer, int threads);

/* Makes *copy, an optimizer with the same groups, tensors, state and counters. State is copied; parameters and
   gradients stay the caller's, so copy and original step the same arrays until adadelta_set_buffers gives the copy its
   own. The copy uses the same allocator. Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY; *copy is then NULL. */
ADADELTA_API enum adadelta_status adadelta_clone(const struct adadelta *optimizer, struct adadelta **copy);

/* Adds a group of tensors that share settings; hyper NULL: the method's defaults. *group (may be NULL) is its number,
   from 0. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _MEMORY, and those of adadelta_hyper_check. */
ADADELTA_API enum adadelta_status adadelta_add_group(struct adadelta *optimizer, const struct adadelta_hyper *hyper,
                                                     size_t *group);

/* Reads or changes a group's settings; a change takes effect at the next step, but for eps beside state in codes, which
   is re-encoded now, on one thread (see U16 above).
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such group), and those of adadelta_hyper_check, also when
   rounded to the type of a tensor in the group. */
ADADELTA_API enum adadelta_status adadelta_get_hyper(const struct adadelta *optimizer, size_t group,
                                                     struct adadelta_hyper *hyper);
ADADELTA_API enum adadelta_status adadelta_set_hyper(struct adadelta *optimizer, size_t group,
                                                     const struct adadelta_hyper *hyper);

/* Reads or changes the type of the state of a group's tensors: of all that are in it, also of those that named their
   own, whose state is brought into that type now, on one thread; and of those that will be added and name none.
   ADADELTA_DTYPE_DEFAULT: the options', else that of the table; a group has it until it is given another, and
   adadelta_get_tensor tells what a tensor has. adadelta_set_tensor_state_dtype does so with one tensor (DEFAULT: its
   group's). State that was F32, became U16 and is F32 again is what the codes kept of it. In memory of the caller's
   (adadelta_init_in_place) the new state takes room beside the old, which is not used again.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such group or tensor), ADADELTA_ERROR_DTYPE (of the
   method, or beside a tensor's other types), ADADELTA_ERROR_SWAPPED, _MEMORY, ADADELTA_ERROR_LR, _EPS, _WEIGHT_DECAY
   (settings leave their range when rounded to float, or in units of eps). */
ADADELTA_API enum adadelta_status adadelta_get_state_dtype(const struct adadelta *optimizer, size_t group,
                                                           enum adadelta_dtype *dtype);
ADADELTA_API enum adadelta_status adadelta_set_state_dtype(struct adadelta *optimizer, size_t group,
                                                           enum adadelta_dtype dtype);
ADADELTA_API enum adadelta_status adadelta_set_tensor_state_dtype(struct adadelta *optimizer, size_t index,
                                                                  enum adadelta_dtype dtype);

/* How parameters of 16 bits keep a step that is smaller than the spacing of their numbers: a step of 3e-3 on a BF16 2
   is lost by rounding to nearest. Ignored for F32 and F64. A parameter that the caller writes between steps is taken up
   by all but split, where its lower half must be written, too: set "low" to zeros for what was changed. Each way with
   its name in checkpoints:

       master      a float among the state ("master", 4 bytes) is stepped, the parameter is the nearest number to it;
                   one that the caller has changed counts instead of the master
       split       BF16 only: the parameter and a U16 among the state ("low", 2 bytes) together are an exact float, and
                   the parameter the number nearest to that
       stochastic  no state: up or down at random by how near, so that the mean is exact; the same bits on every machine
                   for options.seed, tensor name, step and element
       nearest     no state: to nearest, ties to even; small steps vanish */
#define ADADELTA_WEIGHTS_LIST(X)                                                                                       \
    X(ADADELTA_WEIGHTS_MASTER, "master")                                                                               \
    X(ADADELTA_WEIGHTS_SPLIT, "split")                                                                                 \
    X(ADADELTA_WEIGHTS_STOCHASTIC, "stochastic")                                                                       \
    X(ADADELTA_WEIGHTS_NEAREST, "nearest")

enum adadelta_weights {
#define ADADELTA_WEIGHTS_ENUM(name, text) name,
    ADADELTA_WEIGHTS_LIST(ADADELTA_WEIGHTS_ENUM)
#undef ADADELTA_WEIGHTS_ENUM
        ADADELTA_WEIGHTS_COUNT
};

/* A tensor to be optimised. The arrays are the caller's and must outlive the optimizer or be replaced by
   adadelta_set_buffers. Its n elements (the product of shape; 1 where ndim is 0) lie in one piece, row-major. Fields
   that are 0 have their defaults. */
struct adadelta_tensor {
    const char *name;                   /* unique in the optimizer, not empty, copied; names the state in checkpoints */
    enum adadelta_dtype dtype;          /* of the values: F32 (default), F64, BF16 or F16 */
    size_t ndim;                        /* 0 to ADADELTA_MAX_DIMS */
    size_t shape[ADADELTA_MAX_DIMS];    /* [ndim], further entries 0 */
    void *values;                       /* [n] in and out: the parameters, any alignment */
    const void *gradient;               /* [n] in: read by adadelta_step; NULL: steps skip this tensor */
    enum adadelta_dtype gradient_dtype; /* F32, F64, BF16 or F16; default: as the values. Brought into the type computed
                                           in before anything else */
    enum adadelta_dtype state_dtype;    /* of the method's state, as in the table above; default: the group's */
    enum adadelta_weights weights;      /* for values of 16 bits */
    int no_decay;                       /* not 0: weight decay leaves this tensor alone */
    size_t max_rows;                    /* the most rows that a sparse gradient names; 0: only dense gradients. Takes
                                           8*(shape[0] + max_rows) bytes */
};

/* Registers a tensor in a group; its state starts at zero, its average at the parameters as they are now. *index (may
   be NULL) is its number, from 0. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such group, a name with a
   byte that is not UTF-8, max_rows without dimensions), ADADELTA_ERROR_NAME (empty, or taken), ADADELTA_ERROR_DTYPE (no
   such type, or types that do not go together as above), ADADELTA_ERROR_OVERLAP (values overlap gradient, or any array
   of another tensor's parameters), ADADELTA_ERROR_LR, _EPS, _WEIGHT_DECAY (the group's settings leave their range when
   rounded to float), ADADELTA_ERROR_MEMORY. */
ADADELTA_API enum adadelta_status adadelta_add_tensor(struct adadelta *optimizer, size_t group,
                                                      const struct adadelta_tensor *tensor, size_t *index);

/* Gives a tensor other arrays of the same shape and types; a sparse gradient is forgotten. Cheap where values are the
   tensor's already, so that every tensor may get another gradient before each step; new values are compared with the
   arrays of all tensors. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _OVERLAP. */
ADADELTA_API enum adadelta_status adadelta_set_buffers(struct adadelta *optimizer, size_t index, void *values,
                                                       const void *gradient);

/* Gives a tensor settings of its own in place of its group's, until hyper NULL takes them away; or reads the settings
   that it follows. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such tensor), and those of
   adadelta_hyper_check, also when rounded to the tensor's type. */
ADADELTA_API enum adadelta_status adadelta_set_tensor_hyper(struct adadelta *optimizer, size_t index,
                                                            const struct adadelta_hyper *hyper);
ADADELTA_API enum adadelta_status adadelta_get_tensor_hyper(const struct adadelta *optimizer, size_t index,
                                                            struct adadelta_hyper *hyper);

/* Reads a tensor's registration, defaults filled in; name points into the optimizer, gradient is NULL while it is
   sparse.
   Errors: ADADELTA_ERROR_ARGUMENT (also: no such tensor). */
ADADELTA_API enum adadelta_status adadelta_get_tensor(const struct adadelta *optimizer, size_t index,
                                                      struct adadelta_tensor *tensor);

/* *index is the number of the tensor of that name. Errors: ADADELTA_ERROR_ARGUMENT; ADADELTA_ERROR_NAME: there is none.
 */
ADADELTA_API enum adadelta_status adadelta_find_tensor(const struct adadelta *optimizer, const char *name,
                                                       size_t *index);

/* *group is the number of a tensor's group; *own (may be NULL) is 1 where the tensor has settings of its own.
   Errors: ADADELTA_ERROR_ARGUMENT (also: no such tensor). */
ADADELTA_API enum adadelta_status adadelta_tensor_group(const struct adadelta *optimizer, size_t index, size_t *group,
                                                        int *own);

/* Fills *array with a tensor's state array number k, from 0: its name, type, shape and values (as adadelta_state gives
   them); other fields 0. To walk over all of a tensor's state. Errors: ADADELTA_ERROR_ARGUMENT (also: no such tensor);
   ADADELTA_ERROR_NAME: it has no more. */
ADADELTA_API enum adadelta_status adadelta_get_state(const struct adadelta *optimizer, size_t index, size_t k,
                                                     struct adadelta_tensor *array);

/* *state is a tensor's state array of that name, [n] of its type, 64-byte aligned; it may be read and written between
   steps, and lives as long as the optimizer, or until its type is changed. The names: those of
   adadelta_method_state_name, of the tensor's state_dtype (codes of both arrays belong together, and are in units of
   the eps that the tensor follows); "master" (F32, good from the first step on) or "low" (U16)
   for the weights that have them; "average" (of the type computed in: F64 or F32) where averages are kept. Errors:
   ADADELTA_ERROR_ARGUMENT; ADADELTA_ERROR_NAME: there is no state of that name.
 */
ADADELTA_API enum adadelta_status adadelta_state(struct adadelta *optimizer, size_t index, const char *name,
                                                 void **state);

/* Writes the numbers of a tensor's state array of that name to values [n] (any alignment, not within the state), as
   dtype (F32, F64, BF16 or F16), by way of double and rounded to nearest: what codes mean, too (of U8 an acc_delta that
   chance has brought a little below 0 as 0). Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such tensor),
   ADADELTA_ERROR_NAME, ADADELTA_ERROR_DTYPE (no such type, or of "low", which are no numbers). */
ADADELTA_API enum adadelta_status adadelta_copy_state(const struct adadelta *optimizer, size_t index, const char *name,
                                                      enum adadelta_dtype dtype, void *values);

/* Copies an array of the caller's into a tensor's state: array->values [n], array->ndim and shape must be the tensor's,
   array->dtype (F32 by default) the state's; its other fields are ignored. State in codes takes numbers (F32, F64,
   BF16, F16), too, which are rounded as in a step and cut to what codes hold; of U8 set square_avg first, as acc_delta
   is kept as a ratio to it and both are rounded anew. For state that another program has kept (see adadelta_set_counts
   for what belongs to it); the numbers are not looked at: a mean of squares must not be negative or NaN (which become 0
   in codes). Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _NAME, _DTYPE, _SHAPE. */
ADADELTA_API enum adadelta_status adadelta_set_state(struct adadelta *optimizer, size_t index, const char *name,
                                                     const struct adadelta_tensor *array);

/* ---- Stepping ---- */

/* One step: every tensor with a gradient moves by its settings, and its own step counter by one; a tensor without one
   keeps everything. Nothing is allocated.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (NULL), ADADELTA_ERROR_NONFINITE (by the policy below),
   ADADELTA_ERROR_ROW (in a sparse gradient), ADADELTA_ERROR_SCHEDULE (its callback's rate; or a rate too large for
   float), ADADELTA_ERROR_SWAPPED. */
ADADELTA_API enum adadelta_status adadelta_step(struct adadelta *optimizer);

/* Steps one tensor now, with this gradient [n] of the tensor's gradient_dtype: for use inside a backward pass, where
   each gradient may be freed as soon as it has been used. The tensor's own gradient is not looked at. After the last
   tensor of a pass call adadelta_step: it moves the optimizer's counter, and with it the schedule. It steps tensors
   with registered gradients, so these must be NULL (adadelta_set_buffers) for tensors that were stepped one by one.
   Then the bits are those of one adadelta_step with all gradients. The policy for values that are not finite applies to
   this tensor alone. Errors, nothing changed: those of adadelta_step; ADADELTA_ERROR_ARGUMENT (also: no such tensor, no
   gradient), ADADELTA_ERROR_OVERLAP (of the gradient with the tensor's values), ADADELTA_ERROR_GLOBAL_NORM. */
ADADELTA_API enum adadelta_status adadelta_step_tensor(struct adadelta *optimizer, size_t index, const void *gradient);

/* A sparse gradient, for embeddings and text features: it names count rows of a tensor (entries of its first dimension)
   and has one row of gradient for each: rows [count], gradient [count, n/shape[0]] of gradient_dtype. A row may be
   named more than once, see duplicates below. The step then costs in proportion to the rows named; rows that are not
   named stay as they are, with their state and average, as if they took no part. count 0: the tensor takes no part.

   adadelta_set_rows puts it in place of the tensor's dense gradient for the following adadelta_step calls, until
   adadelta_set_buffers; the arrays stay the caller's and may be refilled between steps. adadelta_step_rows is
   adadelta_step_tensor with a sparse gradient.

   Errors, nothing changed: those of adadelta_step_tensor; ADADELTA_ERROR_ROW (more rows than the tensor's max_rows; a
   row that does not exist, which adadelta_set_rows leaves for adadelta_step to find). adadelta_set_rows can give
   ADADELTA_ERROR_ARGUMENT, _ROW (the count) and _OVERLAP (of gradient or rows with parameters). */
ADADELTA_API enum adadelta_status adadelta_set_rows(struct adadelta *optimizer, size_t index, size_t count,
                                                    const size_t *rows, const void *gradient);
ADADELTA_API enum adadelta_status adadelta_step_rows(struct adadelta *optimizer, size_t index, size_t count,
                                                     const size_t *rows, const void *gradient);

/* What to do about a gradient that has a NaN or an infinity (also: once divided by the scale), or an element so large
   after clipping that its square overflows in the type computed in (float: 1.8e19), which would freeze its parameter
   for ever, or overflows in the type of the state (F16: 255; U16 and U8: above). Weight decay comes later and is not
   looked at; it is the same for methods that square nothing. Too large is also a norm that overflows as a sum of
   squares in double, or that is longer than its bound by more than the type's smallest normal number can say. Each
   policy with its name in checkpoints:

       raise      the step returns ADADELTA_ERROR_NONFINITE
       skip       the step is left out and counted: parameters, state and step counters stay
       propagate  nobody looks, IEEE arithmetic takes its course, and a pass over memory is saved; beside state in codes
                  gradients are cut to what it holds */
#define ADADELTA_NONFINITE_LIST(X)                                                                                     \
    X(ADADELTA_NONFINITE_RAISE, "raise")                                                                               \
    X(ADADELTA_NONFINITE_SKIP, "skip")                                                                                 \
    X(ADADELTA_NONFINITE_PROPAGATE, "propagate")

enum adadelta_nonfinite {
#define ADADELTA_NONFINITE_ENUM(name, text) name,
    ADADELTA_NONFINITE_LIST(ADADELTA_NONFINITE_ENUM)
#undef ADADELTA_NONFINITE_ENUM
        ADADELTA_NONFINITE_COUNT
};

/* What to do with the gradients of a row that is named more than once, each with its name in checkpoints:

       sum       add them up in order, then take one step
       in order  take one step after the other, as TensorFlow's sparse operation does */
#define ADADELTA_DUPLICATES_LIST(X)                                                                                    \
    X(ADADELTA_DUPLICATES_SUM, "sum")                                                                                  \
    X(ADADELTA_DUPLICATES_IN_ORDER, "in order")

enum adadelta_duplicates {
#define ADADELTA_DUPLICATES_ENUM(name, text) name,
    ADADELTA_DUPLICATES_LIST(ADADELTA_DUPLICATES_ENUM)
#undef ADADELTA_DUPLICATES_ENUM
        ADADELTA_DUPLICATES_COUNT
};

/* What happens to gradients before the rule, in the order of the fields. Between them, each once and only where asked
   for, these cost one more pass over the gradients (for the norms and the look), and no pass of their own.

       field             range       default  meaning
       scale             normal >0   1        the gradients are divided by it: the loss scale, or a number of batches
       nonfinite         as above    raise
       clip_value        normal, 0   0        to [-clip_value, clip_value]; 0: no clipping
       clip_norm         finite >=0  0        each tensor's to at most this L2 norm; 0: no clipping
       clip_global_norm  finite >=0  0        all tensors' that take part to at most this L2 norm together; 0: none
       duplicates        as above    sum

   Normal: from 1.2e-38 to 3.4e38, what float can say with all its digits.
   Norms are summed in double. A gradient that is longer than its bound c is multiplied by c/norm; where nobody looks, a
   norm that is NaN makes all that it bounds NaN. */
struct adadelta_gradients {
    double scale;
    enum adadelta_nonfinite nonfinite;
    double clip_value, clip_norm, clip_global_norm;
    enum adadelta_duplicates duplicates;
};

/* The defaults of the table. */
ADADELTA_API struct adadelta_gradients adadelta_gradients_default(void);

/* Reads or changes it; a change takes effect at the next step. An optimizer starts with the defaults.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, ADADELTA_ERROR_CLIP (out of range). */
ADADELTA_API enum adadelta_status adadelta_get_gradients(const struct adadelta *optimizer,
                                                         struct adadelta_gradients *gradients);
ADADELTA_API enum adadelta_status adadelta_set_gradients(struct adadelta *optimizer,
                                                         const struct adadelta_gradients *gradients);

/* ---- Schedules of the rate ---- */

/* Each ready-made schedule and its name. */
#define ADADELTA_SCHEDULE_LIST(X)                                                                                      \
    X(ADADELTA_SCHEDULE_CONSTANT, "constant")                                                                          \
    X(ADADELTA_SCHEDULE_LINEAR, "linear")                                                                              \
    X(ADADELTA_SCHEDULE_COSINE, "cosine")                                                                              \
    X(ADADELTA_SCHEDULE_STEP, "step")                                                                                  \
    X(ADADELTA_SCHEDULE_TAIL, "tail")                                                                                  \
    X(ADADELTA_SCHEDULE_CALLBACK, "callback")

enum adadelta_schedule_kind {
#define ADADELTA_SCHEDULE_ENUM(name, text) name,
    ADADELTA_SCHEDULE_LIST(ADADELTA_SCHEDULE_ENUM)
#undef ADADELTA_SCHEDULE_ENUM
        ADADELTA_SCHEDULE_COUNT
};

/* The name of a schedule, or NULL past the last one. Static. */
ADADELTA_API const char *adadelta_schedule_name(enum adadelta_schedule_kind kind);

/* Finds a schedule by name. ADADELTA_ERROR_NAME: there is none; ADADELTA_ERROR_ARGUMENT: an argument is NULL. */
ADADELTA_API enum adadelta_status adadelta_schedule_by_name(const char *name, enum adadelta_schedule_kind *kind);

/* What every lr is multiplied by at a step, as a function of the steps taken before it: step = 0, 1, 2, ...

   With t = (step - warmup)/(steps - warmup), how far the run is after the warm-up, at most 1:

       constant  1
       linear    1 - (1 - end)*t
       cosine    end + (1 - end)*(1 + cos(pi*t))/2
       step      gamma^floor((step - warmup)/every)
       tail      1 up to t = 2/3, then linear to end: 1 - (1 - end)*(3*t - 2)
       callback  rate(step, context), without a warm-up of ours

   In the first warmup steps all but callback rise to 1 instead: (step + 1)/warmup. So the last of `steps` steps is
   still a little above end, which holds exactly from step = steps on: for end 0 a run that goes on from there stands
   still. A gamma above 1 may grow past double: the rate is then infinite, and a step refuses it.

   Adadelta does not anneal by itself; tail brings most of what annealing can (docs/math.md). Rates have the same bits
   on every machine.

       field   range                     default  used by
       steps   > warmup                  0        linear, cosine, tail: the length of the run
       warmup  any                       0        all but callback; 0: none
       every   > 0                       0        step
       gamma   finite >=0                0.1      step
       end     finite >=0                0        linear, cosine, tail
       rate    not NULL                  NULL     callback; called by each step, must return a finite number >= 0 */
struct adadelta_schedule {
    enum adadelta_schedule_kind kind;
    uint64_t steps, warmup, every;
    double gamma, end;
    double (*rate)(uint64_t step, void *context);
    void *context;
};

/* Constant; the other fields as in the table. */
ADADELTA_API struct adadelta_schedule adadelta_schedule_default(void);

/* ADADELTA_OK, or ADADELTA_ERROR_SCHEDULE where the kind is none or a field that it uses is out of its range;
   ADADELTA_ERROR_ARGUMENT for NULL. A callback is not called. */
ADADELTA_API enum adadelta_status adadelta_schedule_check(const struct adadelta_schedule *schedule);

/* The rate of a schedule at a step, a callback's as it comes; NaN where adadelta_schedule_check is not content. */
ADADELTA_API double adadelta_schedule_rate(const struct adadelta_schedule *schedule, uint64_t step);

/* Reads or changes an optimizer's schedule, which counts adadelta_step_count; NULL: constant. To set a rate by hand
   before each step, use adadelta_set_hyper. Checkpoints keep it, save for rate and context of a callback, which the
   loading optimizer must have been given already.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _SCHEDULE. */
ADADELTA_API enum adadelta_status adadelta_get_schedule(const struct adadelta *optimizer,
                                                        struct adadelta_schedule *schedule);
ADADELTA_API enum adadelta_status adadelta_set_schedule(struct adadelta *optimizer,
                                                        const struct adadelta_schedule *schedule);

/* ---- Averages of the parameters ---- */

/* Exchanges parameters and averages, to test or to keep the averages; again: exchanges them back, exactly. While they
   are exchanged steps are refused; what the caller writes into the parameters meanwhile is not kept as a parameter. A
   clone that shares its parameters with the original must not be exchanged together with it. 16-bit parameters become
   the numbers nearest to their averages, which are those of the numbers before they were rounded to 16 bits.

   A tensor's average follows it in the steps that it takes part in, the first of which sets it; in sparse steps, the
   rows named do, weighted by the steps of their tensor. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT,
   ADADELTA_ERROR_AVERAGE (options.averaging is none). */
ADADELTA_API enum adadelta_status adadelta_swap_averages(struct adadelta *optimizer);

/* Whether they are exchanged now. 0 for NULL. */
ADADELTA_API int adadelta_averages_swapped(const struct adadelta *optimizer);

/* Forgets the averages: they start again from the parameters as they are. To average over the end of a run, call this
   where the end begins. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _AVERAGE, _SWAPPED. */
ADADELTA_API enum adadelta_status adadelta_restart_averages(struct adadelta *optimizer);

/* ---- Looking inside ---- */

/* Counts. A step is a call of adadelta_step that returned ADADELTA_OK and was not skipped. 0 for NULL. */
ADADELTA_API uint64_t adadelta_step_count(const struct adadelta *optimizer);
ADADELTA_API uint64_t adadelta_skip_count(const struct adadelta *optimizer); /* calls of adadelta_step left out */
ADADELTA_API uint64_t adadelta_tensor_skip_count(const struct adadelta *optimizer, size_t index); /* adadelta_step and
                                                  _step_tensor, _step_rows; 0 also where there is no such tensor */
ADADELTA_API size_t adadelta_group_count(const struct adadelta *optimizer);
ADADELTA_API size_t adadelta_tensor_count(const struct adadelta *optimizer);

/* What a tensor has counted, and beside its arrays and settings all that its coming steps depend on. */
struct adadelta_counts {
    uint64_t steps;    /* that it took part in: adamw's means and chance (of weights and codes) go by them */
    uint64_t skipped;  /* left out for a gradient that was not finite, its own or another's */
    uint64_t averaged; /* steps since its average began, kept or not: Polyak's goes by them; 0: the next one sets it */
    uint64_t rewrites; /* times that its state in codes was rounded between steps (a new eps or type, numbers set), by
                          which chance goes the next time; 0 where it is not in codes */
};

/* Reads or writes a tensor's counts, or writes those of the optimizer itself, which adadelta_step_count (the schedule
   goes by it) and adadelta_skip_count read. For programs that keep an optimizer's state by themselves, without
   checkpoints: an optimizer of the same options, groups and tensors goes on with the bits of another one after it got,
   in this order,

     - the settings: of groups, of tensors, of gradients, and the schedule (a new eps re-encodes codes)
     - the parameters, and each array of state that adadelta_get_state gives, by adadelta_set_state (codes as codes)
     - the counts of every tensor, and those of the optimizer

   while neither has averages swapped in, which to the counts alone is no matter. Errors, nothing changed:
   ADADELTA_ERROR_ARGUMENT (also: no such tensor; a count above 2^63 - 1, which checkpoints cannot hold; rewrites that
   are not 0 of state that is not in codes). */
ADADELTA_API enum adadelta_status adadelta_get_counts(const struct adadelta *optimizer, size_t index,
                                                      struct adadelta_counts *counts);
ADADELTA_API enum adadelta_status adadelta_set_counts(struct adadelta *optimizer, size_t index,
                                                      const struct adadelta_counts *counts);
ADADELTA_API enum adadelta_status adadelta_set_step_count(struct adadelta *optimizer, uint64_t steps, uint64_t skipped);

/* Bytes of state of all tensors, each array rounded up to a multiple of 64. (What sparse rows and norms need besides is
   8*(shape[0] + max_rows) and 16 for every 4096 elements.) 0 for NULL. */
ADADELTA_API size_t adadelta_state_bytes(const struct adadelta *optimizer);

/* How a tensor stands. The effective rate sqrt((u + eps)/(v + eps)) of an element is what its gradient is multiplied
   by, the paper's RMS[dx]/RMS[g]. */
struct adadelta_tensor_stats {
    uint64_t steps;                         /* that it took part in */
    uint64_t skipped;                       /* left out for a gradient that was not finite, its own or another's */
    size_t state_bytes;                     /* of its state */
    double rate_min, rate_median, rate_max; /* of the effective rate over the elements; NaN without elements, or where
                                               the method is not adadelta. Of an even number the median is the mean of
                                               the middle two */
    double update_norm;                     /* L2 norm of the change of the parameters, before they were rounded to
                                               16 bits, by the last measured step that it took part in
                                               (adadelta_set_measuring); NaN where there was none */
    double gradient_norm;                   /* L2 norm of the gradient of the last step that took norms (clip_norm,
                                               clip_global_norm): after scale and clip_value, before the norms' bounds;
                                               NaN where there was none */
};

/* Turns the measuring of updates on (not 0) or off: off at first, as it costs a little of every step. To look now and
   then, turn it on for one step. Errors: ADADELTA_ERROR_ARGUMENT (NULL). */
ADADELTA_API enum adadelta_status adadelta_set_measuring(struct adadelta *optimizer, int on);

/* Fills *stats; nothing is allocated. Reads the state some seven times: meant for every epoch, not for every step.
   Errors: ADADELTA_ERROR_ARGUMENT (also: no such tensor). */
ADADELTA_API enum adadelta_status adadelta_get_tensor_stats(const struct adadelta *optimizer, size_t index,
                                                            struct adadelta_tensor_stats *stats);

/* ---- Presets ---- */

/* The settings under which this library computes what another one does: numbers and the order of operations. Where the
   other one offers more (decay, clipping, rates), its settings go into the same fields, and the order is right for
   them, too. Their gradients are not looked at (ADADELTA_NONFINITE_PROPAGATE), as none of the others does.
   docs/parity.md tells what each leaves to the caller.

       paper        Zeiler 2012, Algorithm 1, with the best row of his Table 2
       pytorch      torch.optim.Adadelta: rho 0.9; maximize before coupled decay
       keras        Keras 3: lr 0.001, eps 1e-7; decoupled decay
       tensorflow   tf.raw_ops.ResourceApplyAdadelta and its sparse form: lr 0.001, eps 1e-8; duplicate rows one after
                    the other (the class AdadeltaOptimizer adds them up first: set duplicates to sum)
       optax        optax.adadelta with a learning rate of 1 (without one it would climb): rho 0.9; coupled decay
       ensmallen    AdaDelta: gradients are sums over a batch; since its version 3 lr is 1 divided by the batch size */
struct adadelta_preset {
    const char *name;
    struct adadelta_hyper hyper;
    struct adadelta_gradients gradients;
};

/* Preset number k from 0, or NULL past the last; static. */
ADADELTA_API const struct adadelta_preset *adadelta_preset_at(size_t k);

/* Finds a preset by name; NULL where there is none, or name is NULL. Static. */
ADADELTA_API const struct adadelta_preset *adadelta_preset_by_name(const char *name);

/* ---- Without malloc ---- */

/* The bytes that adadelta_init_in_place needs at least for an optimizer with these options, so many groups, and these
   tensors [tensor_count], of which names, types, shapes, weights and max_rows count; a tensor must name the state_dtype
   that its group will give it. Changing the type of state later takes more. SIZE_MAX where there cannot be such an
   optimizer. */
ADADELTA_API size_t adadelta_state_size(const struct adadelta_options *options, size_t group_count,
                                        const struct adadelta_tensor *tensors, size_t tensor_count);

/* adadelta_create in memory of the caller's, size bytes of any alignment, which must stay until adadelta_destroy (which
   gives nothing back; calling it is not needed) and must not be moved. Groups and tensors are then added as usual, and
   take their memory from there, too; options->allocator is ignored. adadelta_clone of such an optimizer fails with
   ADADELTA_ERROR_MEMORY unless there is room for the copy in the rest.
   Errors: those of adadelta_create; ADADELTA_ERROR_MEMORY: size is too small. *optimizer is then NULL. */
ADADELTA_API enum adadelta_status
adadelta_init_in_place(void *memory, size_t size, const struct adadelta_options *options, struct adadelta **optimizer);

/* ---- Checkpoints ---- */

/* Writes the optimizer and its parameters to a checkpoint file, or reads them back into an optimizer with the same
   method, groups and tensors (names, types, state's too, shapes, weights, and whether averages are kept): settings,
   counters, state, and the parameters themselves, so that a resumed run is bit-identical to one that never stopped. A
   file appears whole or not at all (temporary file, fsync, rename); a load that fails has changed nothing. The file
   format is docs/checkpoint.md's. Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY, _IO (of saving: the old file is untouched,
   unless the text says that only its folder could not be brought to the disk); saving also _NAME (a tensor is named
   like another's state, "w" and "w.square_avg"); loading also _FORMAT, _DAMAGED, _MISMATCH. */
ADADELTA_API enum adadelta_status adadelta_save(const struct adadelta *optimizer, const char *path,
                                                struct adadelta_error *error);
ADADELTA_API enum adadelta_status adadelta_load(struct adadelta *optimizer, const char *path,
                                                struct adadelta_error *error);

/* ---- Checkpoint files with more in them ---- */

/* Named arrays and texts: what a checkpoint file holds. For programs that keep more beside the optimizer (a model's
   shape, the scaling of its inputs) in the same file. The format is safetensors; docs/checkpoint.md has the details. */
struct adadelta_checkpoint;

/* Makes an empty checkpoint, to be given to adadelta_checkpoint_destroy (NULL allowed).
   Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY; *checkpoint is then NULL. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_create(struct adadelta_checkpoint **checkpoint);
ADADELTA_API void adadelta_checkpoint_destroy(struct adadelta_checkpoint *checkpoint);

/* Puts a text (UTF-8, copied) into the file's metadata, in place of one of the same name. Names that begin with
   "adadelta." are the library's own. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _NAME, _MEMORY. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_set_text(struct adadelta_checkpoint *checkpoint, const char *name,
                                                               const char *text);

/* The text of that name, or NULL. Lives as long as the checkpoint, or until it is replaced. */
ADADELTA_API const char *adadelta_checkpoint_text(const struct adadelta_checkpoint *checkpoint, const char *name);

/* Puts an array into the checkpoint. Name (not empty, not "__metadata__", not taken), dtype, ndim and shape are copied;
   values [n] must stay where they are until the checkpoint is written or destroyed; gradient is ignored.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _NAME, _MEMORY. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_set_tensor(struct adadelta_checkpoint *checkpoint,
                                                                 const struct adadelta_tensor *tensor);

/* Fills *tensor with the array of that name; values point into the checkpoint, are suitably aligned for their type, and
   live as long as it. Errors: ADADELTA_ERROR_ARGUMENT; ADADELTA_ERROR_NAME: there is none. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_tensor(const struct adadelta_checkpoint *checkpoint,
                                                             const char *name, struct adadelta_tensor *tensor);

/* Puts an optimizer (settings, counters, parameters, state) into a checkpoint, at most once, or takes it out again as
   adadelta_load does. The arrays stay the optimizer's: until the checkpoint is written or destroyed, the optimizer must
   not be stepped, loaded or destroyed, nor its settings or types be changed.
   Errors, nothing changed but, for set, possibly the checkpoint, which is then good only to be destroyed: those of
   adadelta_save and adadelta_load; ADADELTA_ERROR_ARGUMENT where there is an optimizer in it already, _MISMATCH where
   there is none to take out. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_set_optimizer(struct adadelta_checkpoint *checkpoint,
                                                                    const struct adadelta *optimizer,
                                                                    struct adadelta_error *error);
ADADELTA_API enum adadelta_status adadelta_checkpoint_get_optimizer(const struct adadelta_checkpoint *checkpoint,
                                                                    struct adadelta *optimizer,
                                                                    struct adadelta_error *error);

/* The method of the optimizer in a checkpoint, to create one that it can be taken out into.
   Errors: ADADELTA_ERROR_ARGUMENT; _MISMATCH: there is no optimizer in it, or none of a known method; _MEMORY. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_method(const struct adadelta_checkpoint *checkpoint,
                                                             enum adadelta_method *method);

/* Writes a checkpoint to a file, whole or not at all; an older file of that name is replaced.
   Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY, _IO (as in adadelta_save). */
ADADELTA_API enum adadelta_status adadelta_checkpoint_write(const struct adadelta_checkpoint *checkpoint,
                                                            const char *path, struct adadelta_error *error);

/* Reads a file into *checkpoint, to be given to adadelta_checkpoint_destroy. Every byte of the file is checked.
   Errors, *checkpoint is then NULL: ADADELTA_ERROR_ARGUMENT, _MEMORY, _IO, _FORMAT, _DAMAGED. */
ADADELTA_API enum adadelta_status adadelta_checkpoint_read(const char *path, struct adadelta_checkpoint **checkpoint,
                                                           struct adadelta_error *error);

/* ---- Minimising a function ---- */

/* A function of n variables to be minimised: returns its value at x and writes its gradient there.

       x          [n] in, always finite; valid during the call
       gradient   [n] out, every element to be written; what it holds at the start of the call means nothing
       iteration  first_iteration at the first call, one more at each call: names the batch of a stochastic objective
       context    as given to adadelta_minimize

   An objective that cannot go on returns NaN, and says why in its context. */
typedef double adadelta_objective(size_t n, const double *x, double *gradient, uint64_t iteration, void *context);

/* How far a run is, as its progress callback sees it. */
struct adadelta_minimize_progress {
    uint64_t iteration;   /* as the objective got it */
    double value;         /* at x */
    double gradient_norm; /* the largest absolute component of the gradient at x */
    double best_value;    /* the lowest value so far, this one included */
    double seconds;       /* since adadelta_minimize was called */
    size_t n;
    const double *x, *gradient; /* [n], valid during the call */
};

/* Called after each call of the objective whose value and gradient are finite. Not 0: the run ends here. */
typedef int adadelta_minimize_callback(const struct adadelta_minimize_progress *progress, void *context);

/* Settings of a run.

       field                range        default     meaning
       hyper                as for steps Adadelta's  settings of the steps
       schedule             as for steps constant    call number i is followed by a step of lr times the rate at i;
   where the field steps is 0, the end of the run is meant: first_iteration + max_iterations (but not UINT64_MAX)
       max_iterations       any          100000      at most this many steps; 0: only look at x; UINT64_MAX: no limit
       max_seconds          finite >=0   0           no step after this time; 0: no limit. No call is interrupted
       f_target             not NaN      -INFINITY   ends at a value of this or below
       gradient_tolerance   finite >=0   1e-6        ends where all components of the gradient are smaller; 0: never
       objective_tolerance  finite >=0   1e-9        ends where the value has, over `patience` steps, not fallen by
       patience             any          1000          more than this part of itself; patience 0: never
       return_last          0 or not     0           0: gives back the best point seen; else the last one
       first_iteration      any          0           the number of the first call of the objective
       square_avg           [n] or NULL  NULL        in and out, the state to start from (finite, >= 0), and where it
       acc_delta            [n] or NULL  NULL          is left; both or neither. NULL: the run starts at zero
       progress             or NULL      NULL        called at every good point, may end the run
       progress_context     any          NULL        handed to progress

   Adadelta's steps do not die away by themselves: across a steep valley they leap to and fro, and the value stalls
   above its minimum. For more digits run again from there with a tenth of the lr: Rosenbrock's function from (-1.2, 1)
   stalls at 0.12, 0.04 and 8e-5 for lr 1, 0.1 and 0.01, and lr 0.001 then meets gradient_tolerance
   (examples/4-minimize.c). Or let a schedule do so in one run, with patience 0, lest a stall end it before its time:
   cosine over the 100000 steps meets gradient_tolerance from lr 1.

   A stochastic objective, whose values cannot be compared from one call to the next, wants return_last 1, patience 0
   and gradient_tolerance 0.

   weight_decay pulls the steps but is no part of value and gradient_norm; better put a penalty into the objective. */
struct adadelta_minimize_options {
    struct adadelta_hyper hyper;
    struct adadelta_schedule schedule;
    uint64_t max_iterations;
    double max_seconds;
    double f_target;
    double gradient_tolerance;
    double objective_tolerance;
    uint64_t patience;
    int return_last;
    uint64_t first_iteration;
    double *square_avg, *acc_delta;
    adadelta_minimize_callback *progress;
    void *progress_context;
};

/* The defaults of the table. */
ADADELTA_API struct adadelta_minimize_options adadelta_minimize_options_default(void);

/* Why a run ended, each reason with its text. Where several hold, it is the first in this order. */
#define ADADELTA_MINIMIZE_REASON_LIST(X)                                                                               \
    X(ADADELTA_MINIMIZE_RANGE, "a step left the range of double")                                                      \
    X(ADADELTA_MINIMIZE_VALUE, "the objective returned NaN or infinity")                                               \
    X(ADADELTA_MINIMIZE_GRADIENT, "the gradient has a component that is NaN, infinite, or too large to be squared")    \
    X(ADADELTA_MINIMIZE_TARGET, "the value reached f_target")                                                          \
    X(ADADELTA_MINIMIZE_CONVERGED, "every component of the gradient is below gradient_tolerance")                      \
    X(ADADELTA_MINIMIZE_STALLED, "the value has not improved by objective_tolerance over the last `patience` steps")   \
    X(ADADELTA_MINIMIZE_STOPPED, "the progress callback ended the run")                                                \
    X(ADADELTA_MINIMIZE_ITERATIONS, "max_iterations steps were taken")                                                 \
    X(ADADELTA_MINIMIZE_TIME, "max_seconds have passed")                                                               \
    X(ADADELTA_MINIMIZE_RATE, "the schedule gave a rate that is negative, NaN, or, times lr, not finite")

enum adadelta_minimize_reason {
#define ADADELTA_MINIMIZE_REASON_ENUM(name, text) name,
    ADADELTA_MINIMIZE_REASON_LIST(ADADELTA_MINIMIZE_REASON_ENUM)
#undef ADADELTA_MINIMIZE_REASON_ENUM
        ADADELTA_MINIMIZE_REASON_COUNT
};

/* The text of a reason: static, never NULL. */
ADADELTA_API const char *adadelta_minimize_reason_string(enum adadelta_minimize_reason reason);

/* What came of a run. A good point is one with a finite value and gradient; where there was none, the three values are
   NaN. */
struct adadelta_minimize_result {
    enum adadelta_minimize_reason reason;
    uint64_t iterations;     /* steps taken in this run */
    double value;            /* at the x that is given back */
    double gradient_norm;    /* there, the largest absolute component */
    double best_value;       /* the lowest seen; where return_last is 0 the same as value */
    uint64_t best_iteration; /* the number of the call that saw it, the last such */
    double seconds;
};

/* Minimises a function of n variables with Adadelta, on the calling thread.

       n          at least 1
       x          [n] in and out: where to start, all finite; where it ended: the best point seen, or the last good one
                  where return_last is not 0. Without a good point it is as it was
       objective  the function; called once for x and once after each step
       context    handed to objective, may be NULL
       options    or NULL for the defaults
       result     or NULL

   A run takes the steps of adadelta_update_f64, to the bit: objective, step, objective, step, ..., objective. So a run
   of a steps with return_last and state arrays, and one of b steps from there with first_iteration a larger, end with
   the same bits as one of a + b steps, given the same schedule with the same steps (not 0). The state arrays are left
   as after the last step, even where x is an earlier point: the best one, or, for the first three reasons, the one
   before the step that went wrong.

   Memory for 2n numbers (4n without state arrays) is taken at the start and given back at the end. Several runs may be
   under way at once in different threads.

   ADADELTA_OK: there was a run, and result says how it ended. Errors, nothing called and nothing changed:
   ADADELTA_ERROR_ARGUMENT: n is 0 or more than memory can hold, x or objective is NULL, only one of the state arrays is
   given, or a number is out of its range; ADADELTA_ERROR_OVERLAP: x and the state arrays; ADADELTA_ERROR_SCHEDULE: a
   field of the schedule is out of its range; ADADELTA_ERROR_LR, _RHO, _EPS, _WEIGHT_DECAY, _MOMENTUM, _BETA, _ISA,
   _MEMORY. */
ADADELTA_API enum adadelta_status adadelta_minimize(size_t n, double *x, adadelta_objective *objective, void *context,
                                                    const struct adadelta_minimize_options *options,
                                                    struct adadelta_minimize_result *result);

#ifdef __cplusplus
}
#endif

#endif
