/* SPDX-License-Identifier: MIT */
/* From the words of the command line to what the trainer wants to know. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "args.h"
#include "fit.h"

/* The defaults of the chosen method, overruled by each option that was given. MISUSE for an unknown name. */
enum verdict settings_from_args(struct fit_settings *settings, const struct args *args, struct trouble *trouble);

/* What to read: the operand number operand, --labels, --target, and the task that --task or the model asks for. */
enum verdict request_from_args(struct dataset_request *request, const struct args *args, size_t operand,
                               const struct model_spec *model, struct trouble *trouble);

/* "mlp:64 relu": text [size]. */
void describe_model(const struct model_spec *model, char *text, size_t size);

/* Whether a method looks at the setting of that option. */
int setting_is_used(enum adadelta_method method, enum option_id id);

/* "adadelta lr 1, rho 0.95, eps 1e-06, schedule tail": text [size]; METHOD_SIZE is enough. */
enum { METHOD_SIZE = 256 };
void describe_method(const struct fit_settings *settings, char *text, size_t size);

#endif
