/* SPDX-License-Identifier: MIT */
/* A run's settings as people and programs read them: which of them count, in words, and where two runs differ. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include <jansson.h>

#include "args.h"
#include "fit.h"

/* Whether a method looks at the setting of that option. */
int setting_is_used(enum adadelta_method method, enum option_id id);

/* "mlp:64 relu": text [size]. */
void describe_model(const struct model_spec *model, char *text, size_t size);

/* "adadelta lr 1, rho 0.95, eps 1e-06, state u16, schedule tail": text [size]; METHOD_SIZE is enough. */
enum { METHOD_SIZE = 256 };
void describe_method(const struct fit_settings *settings, char *text, size_t size);

/* "rho 0.9, state u16": what counts for a run and stands otherwise in another run with the same method; empty where the
   two are the same run. Returns text [size]. */
const char *describe_differences(const struct fit_settings *settings, const struct fit_settings *other, char *text,
                                 size_t size);

/* "u16"; NULL for a method that keeps no state. */
const char *describe_state(const struct fit_settings *settings);

/* Adds the method, the numbers that count for it, and what its state is kept in. */
void report_method(json_t *object, const struct fit_settings *settings);

#endif
