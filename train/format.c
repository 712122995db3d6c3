/* SPDX-License-Identifier: MIT */
/* Which formats there are. */
#include "format.h"

const struct data_format data_formats[] = {
    {idx_detect, idx_read},
    {csv_detect, csv_read},
};

const size_t data_format_count = sizeof data_formats / sizeof *data_formats;
