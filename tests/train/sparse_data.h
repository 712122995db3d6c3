/* SPDX-License-Identifier: MIT */
/* Sparse forms of dense tables, for tests. Include after cmocka.h. */
#ifndef TESTS_TRAIN_SPARSE_DATA_H
#define TESTS_TRAIN_SPARSE_DATA_H

#include <stdlib.h>

#include "dataset.h"

/* The same rows in sparse form; the target and names are copied. */
static inline struct dataset made_sparse(const struct dataset *dense)
{
    struct trouble trouble;
    struct dataset data;
    size_t *index = malloc(dense->rows * sizeof *index), length = 0;
    for (size_t row = 0; row < dense->rows; row++)
        index[row] = row;
    assert_int_equal(dataset_select(&data, dense, index, dense->rows, &trouble), DONE);
    free(index);
    struct sparse *sparse = &data.sparse;
    sparse->row_start = calloc(data.rows + 1, sizeof *sparse->row_start);
    sparse->columns = malloc(data.rows * data.columns * sizeof *sparse->columns);
    sparse->values = malloc(data.rows * data.columns * sizeof *sparse->values);
    for (size_t k = 0; k < data.rows * data.columns; k++) {
        if (data.values[k] != 0) {
            sparse->columns[length] = (uint32_t)(k % data.columns);
            sparse->values[length++] = data.values[k];
        }
        sparse->row_start[k / data.columns + 1] = length;
    }
    free(data.values);
    data.values = NULL;
    return data;
}

#endif
