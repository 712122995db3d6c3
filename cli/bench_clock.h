/* SPDX-License-Identifier: MIT */
/* What every measurement needs: the time, the middle of many, and how much memory there is. */
#ifndef CLI_BENCH_CLOCK_H
#define CLI_BENCH_CLOCK_H

#include <stddef.h>

/* Seconds from some moment on. */
double clock_seconds(void);

/* Sleeps. */
void clock_rest(double seconds);

/* The median; sorts the values [count], of which there is at least one. */
double median(double *values, size_t count);

/* Bytes that the system can give without pushing others out; INFINITY where it does not tell. Asking for more would not
   fail but get some process killed. */
double memory_available(void);

#endif
