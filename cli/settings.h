/* SPDX-License-Identifier: MIT */
/* From the words of the command line to what the trainer wants to know. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "args.h"
#include "describe.h"
#include "fit.h"

/* The defaults of the chosen method, overruled by each option that was given. MISUSE for an unknown name. */
enum verdict settings_from_args(struct fit_settings *settings, const struct args *args, struct trouble *trouble);

/* What to read: the operand number operand, --labels, --target, and the task that --task or the model asks for. */
enum verdict request_from_args(struct dataset_request *request, const struct args *args, size_t operand,
                               const struct model_spec *model, struct trouble *trouble);

#endif
