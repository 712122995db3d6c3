/* SPDX-License-Identifier: MIT */
/* What the words want of a compiler, and the three things that they want of a C library. GCC and clang have them
   without one, so that the scalar kernels build freestanding; memcpy and sqrt are still called where the compiler makes
   no instruction of them. */
#ifndef ADADELTA_BUILTINS_H
#define ADADELTA_BUILTINS_H

#if defined(__GNUC__)
#define ALWAYS_INLINE  inline __attribute__((always_inline))
#define copy_bytes     __builtin_memcpy
#define root_of_float  __builtin_sqrtf
#define root_of_double __builtin_sqrt
#else
#include <math.h>
#include <string.h>
#define ALWAYS_INLINE  inline
#define copy_bytes     memcpy
#define root_of_float  sqrtf
#define root_of_double sqrt
#endif

#endif
