/* SPDX-License-Identifier: MIT */
/* Averages of the parameters: swapped in and out, and begun again. The kernels keep them. */
#include <string.h>

#include "optimizer.h"

/* Exchanges two arrays, by way of a small room. */
static void exchange(void *a, void *b, size_t bytes)
{
    char room[4096];
    for (size_t at = 0; at < bytes; at += sizeof room) {
        const size_t size = bytes - at < sizeof room ? bytes - at : sizeof room;
        memcpy(room, (char *)a + at, size);
        memcpy((char *)a + at, (char *)b + at, size);
        memcpy((char *)b + at, room, size);
    }
}

/* Exchanges one tensor's. Where the average has another type than the parameters, these wait in the spare part. */
static void swap(struct tensor *tensor, int in)
{
    if (tensor->n == 0)
        return;
    if (!tensor->spare) {
        exchange(tensor->info.values, tensor->average, tensor_bytes(tensor));
        return;
    }
    if (in) {
        memcpy(tensor->spare, tensor->info.values, tensor_bytes(tensor));
        kernels_in_use()->store[tensor->computed][tensor->info.dtype](tensor->n, tensor->info.values, tensor->average);
    } else {
        memcpy(tensor->info.values, tensor->spare, tensor_bytes(tensor));
    }
}

static enum adadelta_status no_averages(struct adadelta *optimizer)
{
    return fail(&optimizer->error, ADADELTA_ERROR_AVERAGE, "no averages are kept: options.averaging is none");
}

enum adadelta_status adadelta_swap_averages(struct adadelta *optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (optimizer->options.averaging == ADADELTA_AVERAGING_NONE)
        return no_averages(optimizer);
    optimizer->swapped = !optimizer->swapped;
    for (size_t i = 0; i < optimizer->tensor_count; i++)
        swap(&optimizer->tensors[i], optimizer->swapped);
    return ADADELTA_OK;
}

int adadelta_averages_swapped(const struct adadelta *optimizer)
{
    return optimizer ? optimizer->swapped : 0;
}

enum adadelta_status adadelta_restart_averages(struct adadelta *optimizer)
{
    if (!optimizer)
        return ADADELTA_ERROR_ARGUMENT;
    if (optimizer->options.averaging == ADADELTA_AVERAGING_NONE)
        return no_averages(optimizer);
    if (optimizer->swapped)
        return fail(&optimizer->error, ADADELTA_ERROR_SWAPPED, "%s", adadelta_status_string(ADADELTA_ERROR_SWAPPED));
    for (size_t i = 0; i < optimizer->tensor_count; i++)
        tensor_restart_average(&optimizer->tensors[i]);
    return ADADELTA_OK;
}
