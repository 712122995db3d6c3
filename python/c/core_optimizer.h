/* SPDX-License-Identifier: MIT */
/* The type adadelta._core.Optimizer: struct adadelta as a Python object, and the arrays that it keeps hold of. */
#ifndef ADADELTA_PYTHON_CORE_OPTIMIZER_H
#define ADADELTA_PYTHON_CORE_OPTIMIZER_H

#include "core.h"

struct optimizer {
    PyObject_HEAD struct adadelta *adadelta;
    int busy;        /* 1: a thread steps without the GIL */
    Py_buffer *held; /* [tensors] memory of Python's arrays that are registered; obj NULL where an address is */
    size_t count;    /* of held */
    PyObject *rate;  /* the schedule's callback, or NULL */
};

/* The library's object, or NULL with RuntimeError set in the middle of a step. */
struct adadelta *optimizer_enter(struct optimizer *self);

/* The same for calls that read or write the arrays that are held: also NULL, with ValueError, where one has moved. */
struct adadelta *optimizer_enter_arrays(struct optimizer *self);

/* Raises status with the optimizer's own text, or returns None where it is ADADELTA_OK. */
PyObject *optimizer_result(const struct optimizer *self, enum adadelta_status status);

/* The methods of each file, for the type's table. */
extern PyMethodDef optimizer_step_methods[], optimizer_state_methods[];

#endif
