/* SPDX-License-Identifier: MIT */
/* What reading has in common for every format: finding the right one. */
#include "dataset.h"

#include <string.h>

#include "format.h"

static const struct data_format *find_format(const struct source *source)
{
    size_t k = 0, size = source->end - source->start;
    while (k + 1 < data_format_count && !data_formats[k].detect(source->bytes + source->start, size))
        k++;
    return &data_formats[k];
}

enum verdict dataset_read(struct dataset *data, const struct dataset_request *request, struct trouble *trouble)
{
    struct source source;
    *data = (struct dataset){0};
    enum verdict verdict = source_open(&source, request->path, trouble);
    if (verdict)
        return verdict;
    verdict = source_need(&source, FORMAT_HEAD, trouble);
    if (!verdict && !(data->path = strdup(request->path)))
        verdict = blame_memory(trouble);
    if (!verdict)
        verdict = find_format(&source)->read(data, &source, request, trouble);
    source_close(&source);
    if (verdict)
        dataset_free(data);
    return verdict;
}
