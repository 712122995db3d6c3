/* SPDX-License-Identifier: MIT */
/* What a person says of a model: parsing and printing it, and the names of its choices. */
#include "network.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 1000000 };

static const struct {
    const char *name;
    enum target_kind kind;
    int automatic;
} plain_models[] = {
    {"auto", TARGET_NONE, 1},
    {"linear", TARGET_NUMBER, 0},
    {"softmax", TARGET_CLASS, 0},
};

enum { PLAIN_MODELS = sizeof plain_models / sizeof plain_models[0] };

static const char *const activation_names[] = {
    [ACTIVATION_RELU] = "relu", [ACTIVATION_TANH] = "tanh", [ACTIVATION_LOGISTIC] = "logistic"};
static const char *const init_names[] = {
    [INIT_AUTO] = "auto",   [INIT_HE] = "he",         [INIT_GLOROT] = "glorot", [INIT_UNIFORM] = "uniform",
    [INIT_TORCH] = "torch", [INIT_NORMAL] = "normal", [INIT_ZERO] = "zero"};

enum { ACTIVATIONS = sizeof activation_names / sizeof activation_names[0] };
enum { INITS = sizeof init_names / sizeof init_names[0] };

/* Reads "W,W,..." behind "mlp:"; 0, or -1. */
static int parse_widths(struct model_spec *spec, const char *text)
{
    size_t count = 0;
    for (;;) {
        if (!isdigit((unsigned char)*text) || count == MAX_HIDDEN)
            return -1;
        char *end;
        const unsigned long width = strtoul(text, &end, 10);
        if (width < 1 || width > MAX_WIDTH)
            return -1;
        spec->hidden[count++] = width;
        if (*end == '\0')
            break;
        if (*end != ',')
            return -1;
        text = end + 1;
    }
    spec->hidden_count = count;
    return 0;
}

enum verdict model_parse(struct model_spec *spec, const char *text, struct trouble *trouble)
{
    struct model_spec parsed = *spec;
    parsed.hidden_count = 0;
    parsed.automatic = 0;
    parsed.kind = TARGET_NONE;
    for (size_t i = 0; i < PLAIN_MODELS; i++) {
        if (strcmp(text, plain_models[i].name) == 0) {
            parsed.kind = plain_models[i].kind;
            parsed.automatic = plain_models[i].automatic;
            *spec = parsed;
            return DONE;
        }
    }
    if (strncmp(text, "mlp:", 4) != 0)
        return blame(trouble, MISUSE, "unknown model '%s': use auto, linear, softmax or mlp:WIDTH,WIDTH...", text);
    if (parse_widths(&parsed, text + 4) != 0)
        return blame(trouble, MISUSE, "model '%s': after mlp: come 1 to %d widths from 1 to %d, as in mlp:500,300",
                     text, MAX_HIDDEN, MAX_WIDTH);
    *spec = parsed;
    return DONE;
}

void model_format(const struct model_spec *spec, char *text, size_t size)
{
    if (spec->hidden_count == 0) {
        const char *name = "auto";
        for (size_t i = 0; i < PLAIN_MODELS; i++) {
            if (!spec->automatic && !plain_models[i].automatic && plain_models[i].kind == spec->kind)
                name = plain_models[i].name;
        }
        snprintf(text, size, "%s", name);
        return;
    }
    size_t used = (size_t)snprintf(text, size, "mlp:");
    for (size_t i = 0; i < spec->hidden_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? "," : "", spec->hidden[i]);
}

/* The index of name in names, or -1. */
static int find(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

const char *activation_name(enum activation activation)
{
    return (unsigned)activation < ACTIVATIONS ? activation_names[activation] : NULL;
}

int activation_by_name(const char *name, enum activation *activation)
{
    const int found = find(name, activation_names, ACTIVATIONS);
    if (found >= 0)
        *activation = (enum activation)found;
    return found < 0 ? -1 : 0;
}

const char *init_name(enum init init)
{
    return (unsigned)init < INITS ? init_names[init] : NULL;
}

int init_by_name(const char *name, enum init *init)
{
    const int found = find(name, init_names, INITS);
    if (found >= 0)
        *init = (enum init)found;
    return found < 0 ? -1 : 0;
}
