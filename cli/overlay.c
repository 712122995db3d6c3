/* SPDX-License-Identifier: MIT */
/* See overlay.h. */
#include "overlay.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

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

/* Whether two names are the same but for capitals. */
static int same_name(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
        a++;
        b++;
    }
    return tolower((unsigned char)*a) == tolower((unsigned char)*b);
}

int overlay_method(const struct overlay *overlay, size_t k, enum adadelta_method *method)
{
    for (int i = 0; i < ADADELTA_METHOD_COUNT; i++) {
        if (same_name(overlay_name(overlay, k), adadelta_method_name((enum adadelta_method)i))) {
            *method = (enum adadelta_method)i;
            return 1;
        }
    }
    return 0;
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
