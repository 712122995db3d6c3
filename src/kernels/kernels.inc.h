/* SPDX-License-Identifier: MIT */
/* One instruction set's kernels: the words included before this, times all rules, for float and for double. A kernel
   file is its word header, its name in ISA, and this. */

#include "../rules/rules.h"
#include "../words/builtins.h"
#include "../words/four.inc.h"
#include "../words/prefetch.h"
#include "convert.inc.h"
#include "kernels.h"

#ifdef __FAST_MATH__
#error "-ffast-math changes the bits that the library promises; build without it"
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b)  PASTE_(a, b)
#define STRING_(a)   #a
#define STRING(a)    STRING_(a)

/* The words as the rules say them, in the type at hand. A rule's word is four registers, a set's own words are one. */
#define V          PASTE(four, TYPE)
#define LANES      PASTE(FOUR_LANES, TYPE)
#define load       PASTE(four_load, TYPE)
#define load_part  PASTE(four_load_part, TYPE)
#define store      PASTE(four_store, TYPE)
#define store_part PASTE(four_store_part, TYPE)
#define set        PASTE(four_set, TYPE)
#define add        PASTE(four_add, TYPE)
#define sub        PASTE(four_sub, TYPE)
#define min        PASTE(four_min, TYPE)
#define max        PASTE(four_max, TYPE)
#define mul        PASTE(four_mul, TYPE)
#define div        PASTE(four_div, TYPE)
#define root       PASTE(four_sqrt, TYPE)
#define drop_tiny  PASTE(four_drop_tiny, TYPE)

/* How far ahead of its use memory is asked for: on a Xeon the hardware alone left the step at 0.87 of the limit of
   memory at 16 Mi parameters, this at 0.99; on a Zen 5 it costs 1 to 4 % (docs/performance.md). 512 bytes are too few,
   4096 no better. */
enum { PREFETCH_BYTES = 2048 };

/* Names of our own that exist once a type. */
#define COEFS       PASTE(coefs, TYPE)
#define RULE(name)  PASTE(name##_rule, TYPE)
#define TYPED(name) PASTE(name, TYPE)

/* The sums that run side by side, and how they end. */
enum { SUMS = 16 };

static double total(const vec_f64 *sums)
{
    double s[SUMS];
    for (size_t k = 0; k < SUMS / LANES_f64; k++)
        store_f64(s + k * LANES_f64, sums[k]);
    for (size_t half = SUMS / 2; half > 0; half /= 2) {
        for (size_t k = 0; k < half; k++)
            s[k] += s[k + half];
    }
    return s[0];
}

static double most(const vec_f64 *largest)
{
    double s[SUMS];
    for (size_t k = 0; k < SUMS / LANES_f64; k++)
        store_f64(s + k * LANES_f64, largest[k]);
    for (size_t k = 1; k < SUMS; k++)
        s[0] = s[k] > s[0] ? s[k] : s[0];
    return s[0];
}

#define TYPE        f32
#define REAL        float
#define PATTERN     uint32_t
#define GET_PATTERN get_u32
#define NUMBER_OF   f32_of
#define WIDEN(p)    widen_f32(p)
#include "typed.inc.h"
#undef TYPE
#undef REAL
#undef PATTERN
#undef GET_PATTERN
#undef NUMBER_OF
#undef WIDEN

#define TYPE        f64
#define REAL        double
#define PATTERN     uint64_t
#define GET_PATTERN get_u64
#define NUMBER_OF   f64_of
#define WIDEN(p)    load_f64(p)
#include "typed.inc.h"
#undef TYPE
#undef REAL
#undef PATTERN
#undef GET_PATTERN
#undef NUMBER_OF
#undef WIDEN

#define ROW_F32(method, name, states, first, second) [method] = name##_f32,
#define ROW_F64(method, name, states, first, second) [method] = name##_f64,

#undef load /* from here on a member of the set */
#undef store

#define BY_TYPE(name) .name = {[ADADELTA_F32] = name##_f32, [ADADELTA_F64] = name##_f64}

extern const struct kernel_set PASTE(kernels, ISA);
const struct kernel_set PASTE(kernels, ISA) = {
    .isa = STRING(ISA),
    .update = {[ADADELTA_F32] = {RULE_LIST(ROW_F32)}, [ADADELTA_F64] = {RULE_LIST(ROW_F64)}},
    BY_TYPE(measure),
    BY_TYPE(look),
    BY_TYPE(distance),
    BY_TYPE(accumulate),
    CONVERSIONS};
