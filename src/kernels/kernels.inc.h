/* SPDX-License-Identifier: MIT */
/* One instruction set's kernels: the words included before this, times all rules, for float and for double. A kernel
   file is its word header, its name in ISA, and this. */

#include "../rules/rules.h"
#include "../words/builtins.h"
#include "../words/four.inc.h"
#include "../words/prefetch.h"
#include "kernels.h"

#include "convert.inc.h"

#ifdef __FAST_MATH__
#error "-ffast-math changes the bits that the library promises; build without it"
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b)  PASTE_(a, b)
#define STRING_(a)   #a
#define STRING(a)    STRING_(a)

#include "narrow.inc.h"

/* ---- State in codes ---- */

#define TWO_STATES(method, name, states, first, second) _Static_assert((states) == 2, "codes are of v and u");
CODED_RULE_LIST(TWO_STATES)
#undef TWO_STATES

enum { BITS_OF_ONE = 0x3f800000 };

#define CODE              u16
#define CODE_TYPE         uint16_t
#define DROPPED_V         13u /* of a float's 23: 10 bits, and 6 of the exponent, are kept */
#define LEAST_V           BITS_OF_ONE
#define DROPPED_U         13u
#define LEAST_U           BITS_OF_ONE
#define FIRST_U           0u
#define U_FROM_KEPT(u, v) (u)
#define KEPT_OF_U(u, v)   (u)
#define CHANCE_OF_U       0
#include "coded.inc.h"

/* Of q 2 bits and 6 of the exponent, from 2^-32 to 1.75 * 2^31: all that v and u allow. */
static ALWAYS_INLINE four_f32 ratio_kept(four_f32 u, four_f32 v)
{
    return four_min_f32(four_max_f32(four_div_f32(u, v), four_set_f32(0x1p-32f)), four_set_f32(0x1.cp31f));
}

#define CODE              u8
#define CODE_TYPE         uint8_t
#define DROPPED_V         20u /* 3 bits, and 5 of the exponent, are kept */
#define LEAST_V           BITS_OF_ONE
#define DROPPED_U         21u
#define LEAST_U           (BITS_OF_ONE - (32 << 23))
#define FIRST_U           0x80u
#define U_FROM_KEPT(q, v) four_mul_f32(q, v)
#define KEPT_OF_U(u, v)   ratio_kept(u, v)
#define CHANCE_OF_U       1
#include "coded.inc.h"

/* ---- The words of the rules ---- */

/* The words as the rules say them, in the type at hand. A rule's word is four registers, a set's own words are one. */
#define V          PASTE(four, WORDS)
#define LANES      PASTE(FOUR_LANES, WORDS)
#define load       PASTE(four_load, WORDS)
#define load_part  PASTE(four_load_part, WORDS)
#define store      PASTE(four_store, WORDS)
#define store_part PASTE(four_store_part, WORDS)
#define set        PASTE(four_set, WORDS)
#define add        PASTE(four_add, WORDS)
#define sub        PASTE(four_sub, WORDS)
#define min        PASTE(four_min, WORDS)
#define max        PASTE(four_max, WORDS)
#define mul        PASTE(four_mul, WORDS)
#define div        PASTE(four_div, WORDS)
#define root       PASTE(four_sqrt, WORDS)

/* How many elements ahead of their use memory is asked for. Of arrays of floats 2048 bytes: on a Xeon the hardware
   alone left the step at 0.87 of the limit of memory at 16 Mi parameters, these at 0.99; on a Zen 5 they cost 1 to 4 %
   (docs/performance.md); 512 bytes are too few, 4096 no better. Where arrays are narrower, twice as many elements are
   (of U16 state, on the Zen 5: 0.94 of the limit with 512 elements, 0.99 with 1024). */
#define AHEAD_PLAIN  (2048 / sizeof(REAL))
#define AHEAD_NARROW 1024

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

/* ---- Computing in float ---- */

#define WORDS f32
#define REAL  float

/* -- State in codes: in units of eps, beside which nothing is left of tiny numbers -- */

#define RULES         CODED_RULE_LIST
#define AHEAD         AHEAD_NARROW
#define EPS_OF(coefs) 1
#define drop_tiny(s)  (s)

#define STORED                                  uint16_t
#define TAKE_STATES(s, states, a, i, count)     take_states_u16(s, (a)->state[0], (a)->state[1], i, count)
#define PUT_STATES(s, states, a, i, count, run) put_states_u16(s, (a)->state[0], (a)->state[1], i, count, run)
#define RUN_FROM(a, chance, i, n)               chance_run_u16(chance, i, n)
#define TYPE                                    f32_u16
#include "typed_plain.inc.h"
#define TYPE bf16_u16
#include "typed_narrow.inc.h"
#undef STORED
#undef TAKE_STATES
#undef PUT_STATES
#undef RUN_FROM

#define STORED                                  uint8_t
#define TAKE_STATES(s, states, a, i, count)     take_states_u8(s, (a)->state[0], (a)->state[1], i, count)
#define PUT_STATES(s, states, a, i, count, run) put_states_u8(s, (a)->state[0], (a)->state[1], i, count, run)
#define RUN_FROM(a, chance, i, n)               chance_run_u8(chance, i, n)
#define TYPE                                    f32_u8
#include "typed_plain.inc.h"
#define TYPE bf16_u8
#include "typed_narrow.inc.h"
#undef STORED
#undef TAKE_STATES
#undef PUT_STATES
#undef RUN_FROM

#undef RULES
#undef AHEAD
#undef EPS_OF
#undef drop_tiny

/* -- State as numbers -- */

#define RULES         RULE_LIST
#define EPS_OF(coefs) (REAL)(coefs)->eps
#define drop_tiny     PASTE(four_drop_tiny, WORDS)
#define AHEAD         AHEAD_NARROW

#define RUN_FOR_PARAMETERS(a, chance, i, n)                                                                            \
    ((a)->weights == ADADELTA_WEIGHTS_STOCHASTIC ? parameters_run(chance, i, n) : all_of(n))

#define STORED                                  uint16_t
#define TAKE_STATES(s, states, a, i, count)     take_bf16_states(s, states, a, i, count)
#define PUT_STATES(s, states, a, i, count, run) put_bf16_states(s, states, a, i, count)
#define RUN_FROM(a, chance, i, n)               ((void)(chance), all_of(n))
#define TYPE                                    f32_bf16
#include "typed_plain.inc.h"
#undef RUN_FROM
#define RUN_FROM RUN_FOR_PARAMETERS
#define TYPE     bf16_bf16
#include "typed_narrow.inc.h"
#undef STORED
#undef TAKE_STATES
#undef PUT_STATES

#define PLAIN_STATE
#define STORED                                  REAL
#define TAKE_STATES(s, states, a, i, count)     TYPED(take_states)(s, states, a, i, count)
#define PUT_STATES(s, states, a, i, count, run) TYPED(put_states)(s, states, a, i, count)
#define TYPE                                    bf16_f32
#include "typed_narrow.inc.h"
#undef RUN_FROM
#undef AHEAD

#define AHEAD                     AHEAD_PLAIN
#define RUN_FROM(a, chance, i, n) ((void)(chance), all_of(n))
#define TYPE                      f32
#define PATTERN                   uint32_t
#define GET_PATTERN               get_u32
#define NUMBER_OF                 f32_of
#define WIDEN(p)                  widen_f32(p)
#include "measure.inc.h"
#include "typed_plain.inc.h"
#undef WORDS
#undef REAL
#undef PATTERN
#undef GET_PATTERN
#undef NUMBER_OF
#undef WIDEN

/* ---- Computing in double ---- */

#define WORDS       f64
#define REAL        double
#define TYPE        f64
#define PATTERN     uint64_t
#define GET_PATTERN get_u64
#define NUMBER_OF   f64_of
#define WIDEN(p)    load_f64(p)
#include "measure.inc.h"
#include "typed_plain.inc.h"

#define ROW_f32(method, name, states, first, second)       [method] = name##_f32,
#define ROW_f64(method, name, states, first, second)       [method] = name##_f64,
#define ROW_f32_u16(method, name, states, first, second)   [method] = name##_f32_u16,
#define ROW_f32_u8(method, name, states, first, second)    [method] = name##_f32_u8,
#define ROW_f32_bf16(method, name, states, first, second)  [method] = name##_f32_bf16,
#define ROW_bf16_bf16(method, name, states, first, second) [method] = name##_bf16_bf16,
#define ROW_bf16_f32(method, name, states, first, second)  [method] = name##_bf16_f32,
#define ROW_bf16_u16(method, name, states, first, second)  [method] = name##_bf16_u16,
#define ROW_bf16_u8(method, name, states, first, second)   [method] = name##_bf16_u8,

#undef load /* from here on a member of the set */
#undef store

#define BY_TYPE(name) .name = {[ADADELTA_F32] = name##_f32, [ADADELTA_F64] = name##_f64}

extern const struct kernel_set PASTE(kernels, ISA);
const struct kernel_set PASTE(kernels, ISA) = {
    .isa = STRING(ISA),
    .update = {[ADADELTA_F32] = {[ADADELTA_F32] = {RULE_LIST(ROW_f32)},
                                 [ADADELTA_BF16] = {RULE_LIST(ROW_f32_bf16)},
                                 [ADADELTA_U16] = {CODED_RULE_LIST(ROW_f32_u16)},
                                 [ADADELTA_U8] = {CODED_RULE_LIST(ROW_f32_u8)}},
               [ADADELTA_BF16] = {[ADADELTA_F32] = {RULE_LIST(ROW_bf16_f32)},
                                  [ADADELTA_BF16] = {RULE_LIST(ROW_bf16_bf16)},
                                  [ADADELTA_U16] = {CODED_RULE_LIST(ROW_bf16_u16)},
                                  [ADADELTA_U8] = {CODED_RULE_LIST(ROW_bf16_u8)}},
               [ADADELTA_F64] = {[ADADELTA_F64] = {RULE_LIST(ROW_f64)}}},
    .decode = {[ADADELTA_U16] = decode_u16, [ADADELTA_U8] = decode_u8},
    .encode = {[ADADELTA_U16] = encode_u16, [ADADELTA_U8] = encode_u8},
    .chances = {[ADADELTA_U16] = chances_u16, [ADADELTA_U8] = chances_u8},
    BY_TYPE(measure),
    BY_TYPE(look),
    BY_TYPE(distance),
    BY_TYPE(accumulate),
    CONVERSIONS};
