/* SPDX-License-Identifier: MIT */
/*
 * adadelta.h - the Adadelta optimizer step, the methods it is compared with, and checkpoints of a running optimizer.
 *
 * Adadelta (M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, Algorithm 1) keeps two
 * decaying averages for every parameter, and needs no learning rate:
 *
 *     v = rho*v + (1 - rho)*g^2              v is square_avg, the paper's E[g^2]
 *     d = sqrt((u + eps) / (v + eps)) * g    u is acc_delta, the paper's E[dx^2], as the step before left it
 *     u = rho*u + (1 - rho)*d^2
 *     x = x - lr*d                           lr is 1 in the paper and never enters u
 *
 * Before the rule, weight_decay*x is added to g (coupled L2), or lr*weight_decay*x is taken off x (decoupled).
 *
 * What is promised
 *   - Same bits: for the same input an updated element has the same bits on every instruction set, at every position in
 *     an array of any length and alignment, and for every number of threads. No approximate roots, no fused or
 *     reordered arithmetic. 32-bit tensors are computed in float, 64-bit tensors in double. This holds in the C
 *     default floating-point environment: rounding to nearest, denormals not flushed (a program linked with
 *     -ffast-math may change that for the whole process).
 *   - A state value below the smallest normal number (1.2e-38 in float) is stored as zero, so that a gradient that has
 *     died never makes the step slow.
 *   - Nothing is half done: a function that returns an error has changed nothing, and says so here if it might.
 *   - The library never prints, never exits, and reads one environment variable: ADADELTA_ISA, the highest instruction
 *     set to use (scalar, sse2, avx2, avx512, neon; unset or empty: the best), looked at once, at first use.
 *
 * What is not promised: gradients are taken as they are. A NaN or infinite gradient, or a float gradient above 1.8e19
 * whose square overflows, follows IEEE arithmetic into the state.
 *
 * Threads: every function may be called from any thread. One optimizer or checkpoint must not be used by two threads at
 * once; two different ones may.
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
    X(ADADELTA_ERROR_OVERLAP, "arrays overlap")                                                                        \
    X(ADADELTA_ERROR_NAME, "a name is empty, already taken, or not known")                                             \
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

/* The instruction set in use: "avx512", "avx2", "sse2", "neon" or "scalar"; "invalid" where ADADELTA_ISA holds an
   unknown name, and then every function that computes returns ADADELTA_ERROR_ISA. Static. */
ADADELTA_API const char *adadelta_isa_name(void);

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

   eps of adadelta carries the unit of a squared parameter above and of a squared gradient below; the first step on a
   large gradient is lr*sqrt(eps/(1 - rho)), 4.5e-3 at the defaults. The defaults of the methods that need a learning
   rate are the best rows of the paper's Table 1 (for sgd its Figure 1), else those in common use. */
struct adadelta_hyper {
    double lr, rho, eps, weight_decay;
    double momentum, beta1, beta2;
    int nesterov, decoupled;
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

/* What a tensor's elements are. */
enum adadelta_dtype { ADADELTA_F32, ADADELTA_F64, ADADELTA_U8 /* in checkpoints only */ };

/* The most dimensions that a tensor can have. */
enum { ADADELTA_MAX_DIMS = 8 };

struct adadelta_options {
    enum adadelta_method method; /* default ADADELTA_METHOD_ADADELTA */
    int threads;                 /* at most this many threads a step; 0, the default: one a processor. Up to 1024. */
};

ADADELTA_API struct adadelta_options adadelta_options_default(void);

/* Makes an optimizer without groups or tensors. options NULL: the defaults. *optimizer is to be given to
   adadelta_destroy. Errors: ADADELTA_ERROR_ARGUMENT, _ISA, _MEMORY; *optimizer is then NULL. */
ADADELTA_API enum adadelta_status adadelta_create(const struct adadelta_options *options, struct adadelta **optimizer);

/* Frees an optimizer and its state, never the tensors. NULL is allowed. */
ADADELTA_API void adadelta_destroy(struct adadelta *optimizer);

/* Makes *copy, an optimizer with the same groups, tensors, state and counters. State is copied; parameters and
   gradients stay the caller's, so copy and original step the same arrays until adadelta_set_buffers gives the copy its
   own. Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY; *copy is then NULL. */
ADADELTA_API enum adadelta_status adadelta_clone(const struct adadelta *optimizer, struct adadelta **copy);

/* Adds a group of tensors that share settings; hyper NULL: the method's defaults. *group (may be NULL) is its number,
   from 0. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT, _MEMORY, and those of adadelta_hyper_check. */
ADADELTA_API enum adadelta_status adadelta_add_group(struct adadelta *optimizer, const struct adadelta_hyper *hyper,
                                                     size_t *group);

/* Reads or changes a group's settings; a change takes effect at the next step.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such group), and those of adadelta_hyper_check. */
ADADELTA_API enum adadelta_status adadelta_get_hyper(const struct adadelta *optimizer, size_t group,
                                                     struct adadelta_hyper *hyper);
ADADELTA_API enum adadelta_status adadelta_set_hyper(struct adadelta *optimizer, size_t group,
                                                     const struct adadelta_hyper *hyper);

/* A tensor to be optimised. The arrays are the caller's and must outlive the optimizer or be replaced by
   adadelta_set_buffers. Its n elements (the product of shape; 1 where ndim is 0) lie in one piece, row-major. */
struct adadelta_tensor {
    const char *name;                /* unique in the optimizer, not empty, copied; names the state in checkpoints */
    enum adadelta_dtype dtype;       /* ADADELTA_F32 or ADADELTA_F64 */
    size_t ndim;                     /* 0 to ADADELTA_MAX_DIMS */
    size_t shape[ADADELTA_MAX_DIMS]; /* [ndim], further entries 0 */
    void *values;                    /* [n] in and out: the parameters, any alignment */
    const void *gradient;            /* [n] in: the gradient, read by adadelta_step; NULL: steps skip this tensor */
};

/* Registers a tensor in a group; its state starts at zero. *index (may be NULL) is its number, from 0.
   Errors, nothing changed: ADADELTA_ERROR_ARGUMENT (also: no such group, a name with a byte that is not UTF-8),
   ADADELTA_ERROR_NAME (empty, or taken), ADADELTA_ERROR_OVERLAP (values overlap gradient, or any array of another
   tensor's parameters), ADADELTA_ERROR_LR, _EPS, _WEIGHT_DECAY (the group's settings leave their range when rounded to
   float), ADADELTA_ERROR_MEMORY. */
ADADELTA_API enum adadelta_status adadelta_add_tensor(struct adadelta *optimizer, size_t group,
                                                      const struct adadelta_tensor *tensor, size_t *index);

/* Gives a tensor other arrays of the same shape and type. Errors, nothing changed: ADADELTA_ERROR_ARGUMENT,
   _OVERLAP. */
ADADELTA_API enum adadelta_status adadelta_set_buffers(struct adadelta *optimizer, size_t index, void *values,
                                                       const void *gradient);

/* One step: every tensor with a gradient moves by its group's settings, and its own step counter by one. Nothing is
   allocated. Errors: ADADELTA_ERROR_ARGUMENT (NULL) only. */
ADADELTA_API enum adadelta_status adadelta_step(struct adadelta *optimizer);

/* Counts. A step is a call of adadelta_step. 0 for NULL. */
ADADELTA_API uint64_t adadelta_step_count(const struct adadelta *optimizer);
ADADELTA_API size_t adadelta_group_count(const struct adadelta *optimizer);
ADADELTA_API size_t adadelta_tensor_count(const struct adadelta *optimizer);

/* Reads a tensor's registration; name points into the optimizer.
   Errors: ADADELTA_ERROR_ARGUMENT (also: no such tensor). */
ADADELTA_API enum adadelta_status adadelta_get_tensor(const struct adadelta *optimizer, size_t index,
                                                      struct adadelta_tensor *tensor);

/* *state is a tensor's state array of that name, [n] of the tensor's type, 64-byte aligned; it may be read and written
   between steps, and lives as long as the optimizer. Errors: ADADELTA_ERROR_ARGUMENT; ADADELTA_ERROR_NAME: the method
   keeps no state of that name. */
ADADELTA_API enum adadelta_status adadelta_state(struct adadelta *optimizer, size_t index, const char *name,
                                                 void **state);

/* Writes the optimizer and its parameters to a checkpoint file, or reads them back into an optimizer with the same
   method, groups and tensors (names, types, shapes): settings, counters, state, and the parameters themselves, so that
   a resumed run is bit-identical to one that never stopped. A file appears whole or not at all (temporary file, fsync,
   rename); a load that fails has changed nothing. The file format is docs/checkpoint.md's.
   Errors: ADADELTA_ERROR_ARGUMENT, _MEMORY, _IO (of saving: the old file is untouched, unless the text says that only
   its folder could not be brought to the disk); saving also _NAME (a tensor is named like another's state, "w" and
   "w.square_avg"); loading also _FORMAT, _DAMAGED, _MISMATCH. */
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
   adadelta_load does. The arrays stay the optimizer's until the checkpoint is written or destroyed.
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
   (examples/4-minimize.c).

   A stochastic objective, whose values cannot be compared from one call to the next, wants return_last 1, patience 0
   and gradient_tolerance 0.

   weight_decay pulls the steps but is no part of value and gradient_norm; better put a penalty into the objective. */
struct adadelta_minimize_options {
    struct adadelta_hyper hyper;
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
    X(ADADELTA_MINIMIZE_TIME, "max_seconds have passed")

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
   the same bits as one of a + b steps. The state arrays are left as after the last step, even where x is an earlier
   point: the best one, or, for the first three reasons, the one before the step that went wrong.

   Memory for 2n numbers (4n without state arrays) is taken at the start and given back at the end. Several runs may be
   under way at once in different threads.

   ADADELTA_OK: there was a run, and result says how it ended. Errors, nothing called and nothing changed:
   ADADELTA_ERROR_ARGUMENT: n is 0 or more than memory can hold, x or objective is NULL, only one of the state arrays is
   given, or a number is out of its range; ADADELTA_ERROR_OVERLAP: x and the state arrays; ADADELTA_ERROR_LR, _RHO,
   _EPS, _WEIGHT_DECAY, _MOMENTUM, _BETA, _ISA, _MEMORY. */
ADADELTA_API enum adadelta_status adadelta_minimize(size_t n, double *x, adadelta_objective *objective, void *context,
                                                    const struct adadelta_minimize_options *options,
                                                    struct adadelta_minimize_result *result);

#ifdef __cplusplus
}
#endif

#endif
