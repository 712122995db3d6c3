/* SPDX-License-Identifier: MIT */
/* A chart of one figure by epoch, a curve for each run of a method. */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include <stddef.h>

#include <adadelta.h>

#include "overlay.h"

struct curve {
    enum adadelta_method method; /* gives the colour */
    size_t turn;                 /* how many of the method's curves come before it: gives the dashes */
    const char *label;           /* stands where the curve ends */
    const char *legend;
    size_t count;            /* epochs there are; fewer than the chart's where the run diverged */
    const double *y;         /* [count] of epochs 1, 2, ... */
    const double *deviation; /* [count] half the width of the band around it; NULL: none */
};

/* With more, the labels of all ends have no room beside the axis. */
enum { MAX_CURVES = 9 };

struct chart {
    const char *title, *subtitle, *y_label;
    double factor; /* what values are multiplied with to be shown: 100 for percent */
    size_t epochs;
    const struct curve *curves;
    size_t curve_count;
    const struct overlay *overlay; /* drawn as rings */
};

/* Writes the picture; gnuplot_check has approved of path. */
enum verdict chart_draw(const char *path, const struct chart *chart, struct trouble *trouble);

#endif
