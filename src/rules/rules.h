/* SPDX-License-Identifier: MIT */
/* The list of rules: X(method, name, number of state arrays, their names). A new rule is its file, an include in
   rules.inc.h, a row here, and its defaults in ../method.c. */
#ifndef ADADELTA_SRC_RULES_H
#define ADADELTA_SRC_RULES_H

#define RULE_LIST(X)                                                                                                   \
    X(ADADELTA_METHOD_ADADELTA, adadelta, 2, "square_avg", "acc_delta")                                                \
    X(ADADELTA_METHOD_SGD, sgd, 0, NULL, NULL)                                                                         \
    X(ADADELTA_METHOD_MOMENTUM, momentum, 1, "momentum_buffer", NULL)                                                  \
    X(ADADELTA_METHOD_ADAGRAD, adagrad, 1, "sum", NULL)                                                                \
    X(ADADELTA_METHOD_RMSPROP, rmsprop, 1, "square_avg", NULL)                                                         \
    X(ADADELTA_METHOD_ADAMW, adamw, 2, "exp_avg", "exp_avg_sq")

/* Those whose state is two means of squares that eps is added to, v and u: they can be kept in codes, in units of eps.
 */
#define CODED_RULE_LIST(X) X(ADADELTA_METHOD_ADADELTA, adadelta, 2, "square_avg", "acc_delta")

#endif
