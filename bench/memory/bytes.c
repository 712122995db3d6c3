/* SPDX-License-Identifier: MIT */
/* What a parameter and its state take in memory, for every way to keep them: asks an optimizer of a million parameters
   for each row, and prints docs/lowbit.md's table. */
#include <adadelta.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1000000 }; /* a multiple of 64, as no array is rounded up then */

static const char *const weights_names[] = {"master", "split", "stochastic", "nearest"};

/* The bytes of state of N parameters, or SIZE_MAX where the types do not go together. */
static size_t state_bytes(const struct adadelta_tensor *tensor, enum adadelta_averaging averaging)
{
    struct adadelta_options options = adadelta_options_default();
    struct adadelta *optimizer = NULL;
    size_t bytes = SIZE_MAX;
    options.averaging = averaging;
    if (adadelta_create(&options, &optimizer) == ADADELTA_OK &&
        adadelta_add_group(optimizer, NULL, NULL) == ADADELTA_OK &&
        adadelta_add_tensor(optimizer, 0, tensor, NULL) == ADADELTA_OK)
        bytes = adadelta_state_bytes(optimizer);
    adadelta_destroy(optimizer);
    return bytes;
}

/* One way to keep parameters, beside each type of state: all bytes of a parameter, and those of its state. */
static void print_row(enum adadelta_dtype dtype, enum adadelta_weights weights, void *values)
{
    static const enum adadelta_dtype states[] = {ADADELTA_F64, ADADELTA_F32, ADADELTA_BF16,
                                                 ADADELTA_F16, ADADELTA_U16, ADADELTA_U8};
    const int narrow = dtype == ADADELTA_BF16 || dtype == ADADELTA_F16;
    struct adadelta_tensor tensor = {
        .name = "w", .dtype = dtype, .ndim = 1, .shape = {N}, .values = values, .weights = weights};
    const size_t value = adadelta_dtype_size(dtype), plain = state_bytes(&tensor, ADADELTA_AVERAGING_NONE);
    if (plain == SIZE_MAX || (!narrow && weights != ADADELTA_WEIGHTS_MASTER))
        return;
    printf("| %s%s%s |", adadelta_dtype_name(dtype), narrow ? " " : "", narrow ? weights_names[weights] : "");
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        tensor.state_dtype = states[s];
        const size_t bytes = state_bytes(&tensor, ADADELTA_AVERAGING_NONE);
        if (bytes == SIZE_MAX)
            printf(" |");
        else
            printf(" %g (%g) |", (double)value + (double)bytes / N, (double)bytes / N);
    }
    tensor.state_dtype = ADADELTA_DTYPE_DEFAULT;
    printf(" %g |\n", (double)(state_bytes(&tensor, ADADELTA_AVERAGING_POLYAK) - plain) / N);
}

int main(void)
{
    static const enum adadelta_dtype values[] = {ADADELTA_F64, ADADELTA_F32, ADADELTA_BF16, ADADELTA_F16};
    void *room = calloc(N, sizeof(double));
    const int failed = room == NULL;
    printf(
        "| parameter | F64 | F32 | BF16 | F16 | U16 | U8 | an average |\n|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t v = 0; !failed && v < sizeof values / sizeof *values; v++) {
        for (int w = ADADELTA_WEIGHTS_MASTER; w <= ADADELTA_WEIGHTS_NEAREST; w++)
            print_row(values[v], (enum adadelta_weights)w, room);
    }
    free(room);
    return failed;
}
