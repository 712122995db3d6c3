/* SPDX-License-Identifier: MIT */
/* The list of rules: X(method, name, number of state arrays). A new rule is its file, an include in rules.inc.h, a row
   here and a row in ../method.c. */
#ifndef ADADELTA_SRC_RULES_H
#define ADADELTA_SRC_RULES_H

#define RULE_LIST(X)                                                                                                   \
    X(ADADELTA_METHOD_ADADELTA, adadelta, 2)                                                                           \
    X(ADADELTA_METHOD_SGD, sgd, 0)                                                                                     \
    X(ADADELTA_METHOD_MOMENTUM, momentum, 1)                                                                           \
    X(ADADELTA_METHOD_ADAGRAD, adagrad, 1)                                                                             \
    X(ADADELTA_METHOD_RMSPROP, rmsprop, 1)                                                                             \
    X(ADADELTA_METHOD_ADAMW, adamw, 2)

#endif
