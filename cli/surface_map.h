/* SPDX-License-Identifier: MIT */
/* The map of a surface with the paths of the runs on it, as a part of a gnuplot script. */
#ifndef CLI_SURFACE_MAP_H
#define CLI_SURFACE_MAP_H

#include <stdio.h>

#include "surface_field.h"
#include "surface_walk.h"

/* As many as the strip beside the map has room to name. */
enum { MAP_LEVELS = 11 };

struct surface_map {
    const struct course *course;
    const struct walk *walks;
    size_t walk_count;
    const char *title, *subtitle;
    double level[MAP_LEVELS];
    struct outline outline[MAP_LEVELS];
};

/* Works out the levels and what lies above each; surface_map_free must follow in any case. */
enum verdict surface_map_prepare(struct surface_map *map, struct trouble *trouble);
void surface_map_free(struct surface_map *map);

/* Writes the part of a picture of that height, in its units, that lies above bottom. */
void surface_map_write(FILE *script, const struct surface_map *map, int height, int bottom);

/* The height of a map with its title and its legend. */
int surface_map_height(const struct surface_map *map);

#endif
