/* SPDX-License-Identifier: MIT */
/* A method as the rest of the library sees it: its state, and its numbers for one step. */
#ifndef ADADELTA_SRC_METHOD_H
#define ADADELTA_SRC_METHOD_H

#include <adadelta.h>

enum { MAX_STATES = 2, DTYPES = ADADELTA_F64 + 1 /* of tables by the type computed in: ADADELTA_F32, ADADELTA_F64 */ };

enum decay { DECAY_NONE, DECAY_COUPLED, DECAY_DECOUPLED };

/* What the rules compute with, the same for all elements of a tensor in a step. Formed in double; kernels round each to
   their type once. A rule uses the fields it needs. */
struct coefs {
    double lr;
    double rho, one_minus_rho; /* adadelta, rmsprop */
    double eps;
    double momentum;               /* momentum */
    double beta1, one_minus_beta1; /* adamw */
    double beta2, one_minus_beta2;
    double step_size;  /* adamw: lr / (1 - beta1^t) */
    double root_scale; /* adamw: 1 / sqrt(1 - beta2^t) */
    double decay_rate; /* weight_decay where coupled, lr*weight_decay where decoupled */
    enum decay decay;
    int nesterov;
    /* Of every method: what happens to the gradient before the rule. */
    double scale, clip, shrink;  /* 1, infinity and 1 where nothing does */
    int clips, negate, prepares; /* clips: clip is a number; prepares: something happens to the gradient */
    /* Where the state is in codes, whose unit is eps: computed is in units in which eps is 1, lengths in its root. */
    double per_unit; /* what a gradient is multiplied by for it */
    double most;     /* the largest gradient whose square the state can hold, before that */
    /* And to the parameter behind it. */
    double average_weight;
    int begins_average; /* 1: there is nothing in the average yet */
};

struct method {
    size_t states;
    const char *state_names[MAX_STATES];
};

/* Whether a type is one of codes for state (docs/lowbit.md), and whether a method's state can be kept in them. */
int is_coded(enum adadelta_dtype dtype);
int method_is_coded(enum adadelta_method method);

/* The row of a method, or NULL. */
const struct method *method_row(enum adadelta_method method);

/* The numbers of a method's step t (from 1). They depend on nothing but the arguments: no libm function that rounds
   differently from one machine to the next is used. */
struct coefs method_coefs(enum adadelta_method method, const struct adadelta_hyper *hyper, uint64_t t);

/* Whether a method's numbers are other ones in each step. */
int method_counts(enum adadelta_method method);

/* Brings the numbers into the units of state in such codes. */
void coefs_in_units(struct coefs *coefs, enum adadelta_dtype coded);

/* Sets what happens to the gradient; shrink is for the norms. */
void coefs_prepare(struct coefs *coefs, const struct adadelta_gradients *gradients, double shrink);

/* What a schedule of that kind must have. */
const char *schedule_needs(enum adadelta_schedule_kind kind);

/* Whether a number is finite and at least 0; false for NaN. */
int is_amount(double number);

/* base^exponent by squaring: not pow(), whose last bit differs from one libm to the next. */
double power(double base, uint64_t exponent);

/* adadelta_hyper_check, and whether the settings still hold when rounded to the type computed in, and in the units of
   the type of the state. */
enum adadelta_status method_check(const struct adadelta_hyper *hyper, enum adadelta_dtype computed,
                                  enum adadelta_dtype state);

#endif
