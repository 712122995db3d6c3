/* SPDX-License-Identifier: MIT */
/* Numbers as arrays store them, read without the library's help: a check must not lean on what it checks. */
#ifndef CLI_BENCH_NUMBER_H
#define CLI_BENCH_NUMBER_H

#include <stddef.h>

#include <adadelta.h>

/* "f32, f64, bf16, f16" */
extern const char number_names[];

/* The name of a type of numbers, and the type of a name; ADADELTA_DTYPE_DEFAULT: none has it. */
const char *number_name(enum adadelta_dtype dtype);
enum adadelta_dtype number_by_name(const char *name);

/* Element i of an array of that type. */
double number_get(enum adadelta_dtype dtype, const void *array, size_t i);

/* From a number of that size to the next larger one of the type. */
double number_spacing(enum adadelta_dtype dtype, double size);

#endif
