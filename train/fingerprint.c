/* SPDX-License-Identifier: MIT */
/* A checksum by which data is known again. */
#include "dataset.h"

#include <string.h>
#include <zlib.h>

/* Numbers go into the sum as 8 bytes each, the lowest first, whatever the machine's own order is. */
static uLong sum_number(uLong sum, uint64_t number)
{
    unsigned char bytes[8];
    for (int k = 0; k < 8; k++)
        bytes[k] = (unsigned char)(number >> 8 * k);
    return crc32(sum, bytes, sizeof bytes);
}

static uLong sum_doubles(uLong sum, const double *values, size_t count)
{
    for (size_t k = 0; values && k < count; k++) {
        uint64_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        sum = sum_number(sum, bits);
    }
    return sum;
}

/* What is not 0, with its place: to go over the zeros as well could take hours. */
static uLong sum_sparse(uLong sum, const struct sparse *sparse, size_t rows)
{
    if (!sparse->row_start)
        return sum;
    for (size_t row = 0; row < rows; row++)
        sum = sum_number(sum, sparse->row_start[row + 1]);
    for (size_t k = 0; k < sparse->row_start[rows]; k++)
        sum = sum_number(sum, sparse->columns[k]);
    return sum_doubles(sum, sparse->values, sparse->row_start[rows]);
}

uint32_t dataset_fingerprint(const struct dataset *data)
{
    uLong sum = crc32(0, NULL, 0);
    sum = sum_number(sum, data->rows);
    sum = sum_number(sum, data->columns);
    sum = sum_number(sum, data->target);
    sum = sum_doubles(sum, data->values, data->rows * data->columns);
    for (size_t row = 0; data->pixels && row < data->rows; row++)
        sum = crc32_z(sum, data->pixels + row * data->columns, data->columns);
    sum = sum_sparse(sum, &data->sparse, data->rows);
    sum = sum_doubles(sum, data->numbers, data->rows);
    for (size_t row = 0; data->labels && row < data->rows; row++)
        sum = sum_number(sum, (uint64_t)data->labels[row]);
    for (size_t k = 0; data->class_names && k < data->classes; k++)
        sum = crc32_z(sum, (const unsigned char *)data->class_names[k], strlen(data->class_names[k]) + 1);
    return (uint32_t)sum;
}
