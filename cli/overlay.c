/* SPDX-License-Identifier: MIT */
/* See overlay.h. The file is read as data are: the last column as their target, the others as their features. */
#include "overlay.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum verdict overlay_read(struct overlay *overlay, const char *path, struct trouble *trouble)
{
    const struct dataset_request request = {.path = path, .kind = TARGET_NUMBER, .want_target = 1};
    *overlay = (struct overlay){0};
    if (!path)
        return DONE;
    enum verdict verdict = dataset_read(&overlay->table, &request, trouble);
    if (verdict != DONE)
        return verdict;
    if (!overlay->table.values) {
        overlay_free(overlay);
        return blame(trouble, FAILED, "%s: holds images; an overlay is a CSV table of epochs and figures", path);
    }
    const char *slash = strrchr(path, '/');
    overlay->name = slash ? slash + 1 : path;
    overlay->curves = overlay->table.columns;
    return DONE;
}

void overlay_free(struct overlay *overlay)
{
    dataset_free(&overlay->table);
    overlay->curves = 0;
}

const char *overlay_name(const struct overlay *overlay, size_t k)
{
    return k + 1 < overlay->curves ? overlay->table.column_names[k + 1] : overlay->table.target_name;
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
    const struct dataset *table = &overlay->table;
    return k + 1 < overlay->curves ? table->values[i * table->columns + k + 1] : table->numbers[i];
}

double overlay_at(const struct overlay *overlay, size_t k, size_t epoch)
{
    for (size_t i = 0; i < overlay->table.rows; i++)
        if (overlay_epoch(overlay, i) == (double)epoch)
            return overlay_figure(overlay, k, i);
    return NAN;
}
