/* SPDX-License-Identifier: MIT */
/* The settings of other libraries, read from their documentation and code: docs/parity.md. */
#include <adadelta.h>

#include <string.h>

#define HYPER     .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999 /* those of no concern to Adadelta, in their range */
#define GRADIENTS .scale = 1, .nonfinite = ADADELTA_NONFINITE_PROPAGATE /* none of them looks unless told to */

static const struct adadelta_preset presets[] = {
    {"paper", {.lr = 1, .rho = 0.95, .eps = 1e-6, HYPER}, {GRADIENTS}},
    {"pytorch", {.lr = 1, .rho = 0.9, .eps = 1e-6, HYPER}, {GRADIENTS}},
    {"keras", {.lr = 0.001, .rho = 0.95, .eps = 1e-7, .decoupled = 1, HYPER}, {GRADIENTS}},
    {"tensorflow",
     {.lr = 0.001, .rho = 0.95, .eps = 1e-8, HYPER},
     {GRADIENTS, .duplicates = ADADELTA_DUPLICATES_IN_ORDER}},
    {"optax", {.lr = 1, .rho = 0.9, .eps = 1e-6, HYPER}, {GRADIENTS}},
    {"ensmallen", {.lr = 1, .rho = 0.95, .eps = 1e-6, HYPER}, {GRADIENTS}},
};

const struct adadelta_preset *adadelta_preset_at(size_t k)
{
    return k < sizeof presets / sizeof *presets ? &presets[k] : NULL;
}

const struct adadelta_preset *adadelta_preset_by_name(const char *name)
{
    const struct adadelta_preset *preset = NULL;
    for (size_t k = 0; name && (preset = adadelta_preset_at(k)); k++) {
        if (strcmp(name, preset->name) == 0)
            break;
    }
    return name ? preset : NULL;
}
