/* SPDX-License-Identifier: MIT */
/* Numbers as arrays store them, read without the library's help: a check must not lean on what it checks. */
#ifndef CLI_BENCH_NUMBER_H
#define CLI_BENCH_NUMBER_H

#include <stddef.h>

#include <adadelta.h>

/* "f32, f64, bf16, f16", and with the codes that state may be kept in ", u16, u8" */
extern const char number_names[], state_names[];

/* The name of a type of numbers or codes, and the type of a name; ADADELTA_DTYPE_DEFAULT: none has it. */
const char *number_name(enum adadelta_dtype dtype);
enum adadelta_dtype number_by_name(const char *name);

/* Whether a type is one of codes. */
int number_is_coded(enum adadelta_dtype dtype);

/* Element i of an array of that type. */
double number_get(enum adadelta_dtype dtype, const void *array, size_t i);

/* From a number of that size to the next larger one of the type. */
double number_spacing(enum adadelta_dtype dtype, double size);

/* The numbers whose patterns the codes of element i are (docs/lowbit.md): w = s/eps + 1 of both states, or in place of
   the second's what U8 keeps, q; how many digits each has. */
struct code_pair {
    double first, second;
    int first_digits, second_digits;
};
struct code_pair number_codes(enum adadelta_dtype dtype, const void *square_avg, const void *acc_delta, size_t i);

#endif
