/* SPDX-License-Identifier: MIT */
/* What a measurement ran on: a number means nothing without it. */
#ifndef CLI_BENCH_MACHINE_H
#define CLI_BENCH_MACHINE_H

#include <stddef.h>

/* "NAME, 2 processors": text [size] is returned. */
const char *bench_machine(char *text, size_t size);

/* A remark with that, threads, instruction set and version. */
void bench_remark_machine(int quiet, int threads);

#endif
