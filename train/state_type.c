/* SPDX-License-Identifier: MIT */
/* See state_type.h. */
#include "state_type.h"

#include <stdio.h>
#include <string.h>

/* Codes in units of eps are worked out for adadelta's two averages alone; numbers serve every method. */
#define ALL           (~0u)
#define ADADELTA_ONLY (1u << ADADELTA_METHOD_ADADELTA)
static const struct {
    const char *name;
    unsigned methods;
    int is_narrow, is_experimental;
} types[ADADELTA_DTYPE_COUNT] = {
    [ADADELTA_F32] = {"f32", ALL, 0, 0},           [ADADELTA_F64] = {"f64", ALL, 0, 0},
    [ADADELTA_BF16] = {"bf16", ALL, 0, 0},         [ADADELTA_F16] = {"f16", ALL, 1, 0},
    [ADADELTA_U16] = {"u16", ADADELTA_ONLY, 1, 0}, [ADADELTA_U8] = {"u8", ADADELTA_ONLY, 1, 1},
};

static int is_type(enum adadelta_dtype type)
{
    return (unsigned)type < ADADELTA_DTYPE_COUNT && types[type].name;
}

const char *state_type_name(enum adadelta_dtype type)
{
    return is_type(type) ? types[type].name : NULL;
}

int state_type_by_name(const char *name, enum adadelta_dtype *type)
{
    for (int i = 0; i < ADADELTA_DTYPE_COUNT; i++) {
        if (types[i].name && strcmp(types[i].name, name) == 0) {
            *type = (enum adadelta_dtype)i;
            return 0;
        }
    }
    return -1;
}

int state_type_is_experimental(enum adadelta_dtype type)
{
    return is_type(type) && types[type].is_experimental;
}

int state_type_is_narrow(enum adadelta_dtype type)
{
    return is_type(type) && types[type].is_narrow;
}

int state_is_kept(enum adadelta_method method)
{
    return adadelta_method_state_name(method, 0) != NULL;
}

int state_type_fits(enum adadelta_dtype type, enum adadelta_method method)
{
    if (type == ADADELTA_DTYPE_DEFAULT || type == ADADELTA_F32)
        return 1;
    return is_type(type) && state_is_kept(method) && (types[type].methods >> method & 1);
}

/* "f32, f64, bf16, f16": those that a method can have. */
static void list_types(enum adadelta_method method, char *list, size_t size)
{
    size_t used = 0;
    *list = '\0';
    for (int i = 0; i < ADADELTA_DTYPE_COUNT; i++) {
        const enum adadelta_dtype type = (enum adadelta_dtype)i;
        if (is_type(type) && state_type_fits(type, method) && used < size)
            used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "", types[i].name);
    }
}

enum verdict state_type_check(enum adadelta_dtype type, enum adadelta_method method, struct trouble *trouble)
{
    char list[64];
    if (state_type_fits(type, method))
        return DONE;
    if (!is_type(type))
        return blame(trouble, MISUSE, "state type %d is not known", (int)type);
    if (!state_is_kept(method))
        return blame(trouble, MISUSE, "state %s does not go with %s, which keeps no state: leave it out",
                     types[type].name, adadelta_method_name(method));
    list_types(method, list, sizeof list);
    return blame(trouble, MISUSE, "state %s does not go with %s: take one of %s", types[type].name,
                 adadelta_method_name(method), list);
}
