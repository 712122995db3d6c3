/* SPDX-License-Identifier: MIT */
/* The type adadelta._trainer.Model: a model of the trainer as a Python object. */
#ifndef PYTHON_TRAINER_MODEL_H
#define PYTHON_TRAINER_MODEL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fit.h"

extern PyTypeObject model_type;

/* Wraps a model, which is destroyed with the object, or at once where there is no memory (NULL). */
PyObject *model_wrap(struct fit *fit, int threads);

/* The exception for a verdict that is not DONE: MemoryError, or type. */
void raise_trouble(PyObject *type, const struct trouble *trouble);

#endif
