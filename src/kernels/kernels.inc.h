/* SPDX-License-Identifier: MIT */
/* One instruction set's kernels: the words included before this, times all rules, for float and for double. A kernel
   file is its word header, its name in ISA, and this. */

#include "../rules/rules.h"
#include "../words/prefetch.h"
#include "kernels.h"

#ifdef __FAST_MATH__
#error "-ffast-math changes the bits that the library promises; build without it"
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b)  PASTE_(a, b)
#define STRING_(a)   #a
#define STRING(a)    STRING_(a)

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

/* The words as the rules say them, in the type at hand. */
#define V          PASTE(vec, TYPE)
#define LANES      PASTE(LANES, TYPE)
#define load       PASTE(load, TYPE)
#define load_part  PASTE(load_part, TYPE)
#define store      PASTE(store, TYPE)
#define store_part PASTE(store_part, TYPE)
#define set        PASTE(set, TYPE)
#define add        PASTE(add, TYPE)
#define sub        PASTE(sub, TYPE)
#define mul        PASTE(mul, TYPE)
#define div        PASTE(div, TYPE)
#define root       PASTE(sqrt, TYPE)
#define drop_tiny  PASTE(drop_tiny, TYPE)

/* How far ahead of its use memory is asked for: the hardware alone left the step at 0.84 of the limit of memory at 16 M
   parameters, this at 0.99 (docs/performance.md); 512 bytes are too few, 4096 no better. */
enum { PREFETCH_BYTES = 2048 };

/* Names of our own that exist once a type. */
#define COEFS       PASTE(coefs, TYPE)
#define RULE(name)  PASTE(name##_rule, TYPE)
#define TYPED(name) PASTE(name, TYPE)

#define TYPE f32
#define REAL float
#include "typed.inc.h"
#undef TYPE
#undef REAL

#define TYPE f64
#define REAL double
#include "typed.inc.h"
#undef TYPE
#undef REAL

#define ROW_F32(method, name, states, first, second) [method] = name##_f32,
#define ROW_F64(method, name, states, first, second) [method] = name##_f64,

extern const struct kernel_set PASTE(kernels, ISA);
const struct kernel_set PASTE(kernels, ISA) = {
    .isa = STRING(ISA),
    .update = {[ADADELTA_F32] = {RULE_LIST(ROW_F32)}, [ADADELTA_F64] = {RULE_LIST(ROW_F64)}},
};
