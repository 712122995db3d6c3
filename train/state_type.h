/* SPDX-License-Identifier: MIT */
/* The types that an optimizer's state can be kept in, by name, and which method can have which. */
#ifndef TRAIN_STATE_TYPE_H
#define TRAIN_STATE_TYPE_H

#include <adadelta.h>

#include "trouble.h"

/* "f32", "u16" and so on; NULL for what is no type, ADADELTA_DTYPE_DEFAULT among them. */
const char *state_type_name(enum adadelta_dtype type);

/* Look-up by name (0, or -1). */
int state_type_by_name(const char *name, enum adadelta_dtype *type);

/* 1 where the type is still on trial. */
int state_type_is_experimental(enum adadelta_dtype type);

/* 1 where a gradient that float can square may be too large for the type. */
int state_type_is_narrow(enum adadelta_dtype type);

/* Whether a method keeps any state. */
int state_is_kept(enum adadelta_method method);

/* Whether a method's state can be kept in that type. The default and f32, which is the same, go with every method, also
   with one that keeps none. MISUSE tells what to do. */
int state_type_fits(enum adadelta_dtype type, enum adadelta_method method);
enum verdict state_type_check(enum adadelta_dtype type, enum adadelta_method method, struct trouble *trouble);

#endif
