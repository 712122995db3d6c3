/* SPDX-License-Identifier: MIT */
/* See overlay.h. */
#include "overlay.h"

#include <math.h>
#include <string.h>

#include "gnuplot.h"

enum { MOST_CURVES = 9 };

enum verdict overlay_read(struct overlay *overlay, const char *path, struct trouble *trouble)
{
    *overlay = (struct overlay){0};
    if (!path)
        return DONE;
    const enum verdict verdict = plot_table_read(&overlay->table, path, NULL, trouble);
    if (verdict != DONE)
        return verdict;
    const char *slash = strrchr(path, '/');
    overlay->name = slash ? slash + 1 : path;
    overlay->curves = overlay->table.columns - 1;
    if (overlay->curves > MOST_CURVES)
        return blame(trouble, FAILED, "%s: has %zu curves; at most %d can be laid beside", path, overlay->curves,
                     MOST_CURVES);
    return DONE;
}

void overlay_free(struct overlay *overlay)
{
    plot_table_free(&overlay->table);
    overlay->curves = 0;
}

const char *overlay_name(const struct overlay *overlay, size_t k)
{
    return overlay->table.names[k + 1];
}

int overlay_method(const struct overlay *overlay, size_t k, enum adadelta_method *method)
{
    return method_of_name(overlay_name(overlay, k), method);
}

double overlay_epoch(const struct overlay *overlay, size_t i)
{
    return overlay->table.values[i * overlay->table.columns];
}

double overlay_figure(const struct overlay *overlay, size_t k, size_t i)
{
    return overlay->table.values[i * overlay->table.columns + k + 1];
}

double overlay_at(const struct overlay *overlay, size_t k, size_t epoch)
{
    for (size_t i = 0; i < overlay->table.rows; i++)
        if (overlay_epoch(overlay, i) == (double)epoch)
            return overlay_figure(overlay, k, i);
    return NAN;
}
