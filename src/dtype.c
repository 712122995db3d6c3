/* SPDX-License-Identifier: MIT */
/* Types of numbers: their table, and arrays brought from one to another. */
#include "optimizer.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[ADADELTA_DTYPE_COUNT] = {
#define ROW(dtype, text, bytes) [dtype] = {text, bytes},
    ADADELTA_DTYPE_LIST(ROW)
#undef ROW
};

size_t adadelta_dtype_size(enum adadelta_dtype dtype)
{
    return (unsigned)dtype < ADADELTA_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

const char *adadelta_dtype_name(enum adadelta_dtype dtype)
{
    return (unsigned)dtype < ADADELTA_DTYPE_COUNT ? dtypes[dtype].name : NULL;
}

/* From one type to another directly where one of them is float or double; from 16 bits to others of 16 bits by way of
   float, which holds both. */
static void convert(const struct kernel_set *kernels, size_t n, enum adadelta_dtype to_dtype, char *to,
                    enum adadelta_dtype from_dtype, const char *from)
{
    enum { ROOM = 512 };
    if (to_dtype == ADADELTA_F32 || to_dtype == ADADELTA_F64) {
        kernels->load[to_dtype][from_dtype](n, to, from);
        return;
    }
    if (from_dtype == ADADELTA_F32 || from_dtype == ADADELTA_F64) {
        kernels->store[from_dtype][to_dtype](n, to, from);
        return;
    }
    float room[ROOM];
    for (size_t i = 0; i < n; i += ROOM) {
        const size_t count = n - i < ROOM ? n - i : ROOM;
        kernels->load[ADADELTA_F32][from_dtype](count, room, from + i * adadelta_dtype_size(from_dtype));
        kernels->store[ADADELTA_F32][to_dtype](count, to + i * adadelta_dtype_size(to_dtype), room);
    }
}

enum adadelta_status adadelta_convert(size_t n, enum adadelta_dtype to_dtype, void *to, enum adadelta_dtype from_dtype,
                                      const void *from)
{
    const struct kernel_set *kernels = kernels_in_use();
    if (!kernels)
        return ADADELTA_ERROR_ISA;
    const size_t to_size = adadelta_dtype_size(to_dtype), from_size = adadelta_dtype_size(from_dtype);
    /* Types that can be brought into float are the real ones. */
    if (!to_size || !from_size || !kernels->load[ADADELTA_F32][to_dtype] || !kernels->load[ADADELTA_F32][from_dtype])
        return ADADELTA_ERROR_DTYPE;
    if (n == 0)
        return ADADELTA_OK;
    if (!to || !from || n > PTRDIFF_MAX / sizeof(double))
        return ADADELTA_ERROR_ARGUMENT;
    if (arrays_overlap(to, n * to_size, from, n * from_size))
        return ADADELTA_ERROR_OVERLAP;
    convert(kernels, n, to_dtype, to, from_dtype, from);
    return ADADELTA_OK;
}
