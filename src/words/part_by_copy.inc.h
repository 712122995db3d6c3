/* SPDX-License-Identifier: MIT */
/* Partial words for sets without masked memory access: through a word-sized buffer, so that nothing behind an array's
   end is touched. */

#include "builtins.h"

#define PART_BY_COPY(T, REAL)                                                                                          \
    static inline vec_##T load_part_##T(const REAL *p, size_t n)                                                       \
    {                                                                                                                  \
        REAL buffer[LANES_##T] = {0};                                                                                  \
        copy_bytes(buffer, p, n * sizeof *p);                                                                          \
        return load_##T(buffer);                                                                                       \
    }                                                                                                                  \
    static inline void store_part_##T(REAL *p, vec_##T a, size_t n)                                                    \
    {                                                                                                                  \
        REAL buffer[LANES_##T];                                                                                        \
        store_##T(buffer, a);                                                                                          \
        copy_bytes(p, buffer, n * sizeof *p);                                                                          \
    }

PART_BY_COPY(f32, float)
PART_BY_COPY(f64, double)
