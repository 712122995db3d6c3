/* SPDX-License-Identifier: MIT */
/* Pictures through gnuplot: the format by the file's suffix, the script in a temporary file, the picture whole
   or not at all. */
#ifndef CLI_GNUPLOT_H
#define CLI_GNUPLOT_H

#include <stdio.h>

#include <adadelta.h>

#include "trouble.h"

/* How a curve looks. */
struct line_style {
    const char *color; /* of Okabe and Ito's palette, which the colour-blind can tell apart */
    int point;         /* gnuplot's number of the point's shape, so that grey prints can be read too */
};

/* Of a method, the same in every picture. */
const struct line_style *method_style(enum adadelta_method method);

/* Of what is no method, for number k modulo PLAIN_STYLES; all have different colours. */
enum { PLAIN_STYLES = 8 };
const struct line_style *plain_style(size_t k);

/* The method that a column of a table is named after, whatever its capitals are. 0: none. */
int method_of_name(const char *name, enum adadelta_method *method);

/* gnuplot's words for the dashes of a method's curve number turn, from 0, which is a line without any. */
const char *dash_style(size_t turn);

/* Finds out, before any work is done, whether a picture of that name can be drawn: MISUSE for an unknown suffix, FAILED
   where gnuplot is missing. */
enum verdict gnuplot_check(const char *path, struct trouble *trouble);

/* Draws: write puts the script, which begins with the terminal already set and must not set an output, into a file. The
   picture is 800 wide and 600 high, or as wide and as high as said. */
enum verdict gnuplot_draw(const char *path, void (*write)(FILE *script, const void *context), const void *context,
                          struct trouble *trouble);
enum verdict gnuplot_draw_sized(const char *path, int width, int height,
                                void (*write)(FILE *script, const void *context), const void *context,
                                struct trouble *trouble);

/* The largest number that an axis may hold, either way; a logarithmic one nothing below its inverse. Beyond, distances
   and marks leave the doubles. */
extern const double gnuplot_most;

/* The axes of a picture with curves: at the left and below, with lines across at the marks of y. */
void gnuplot_frame(FILE *script);

/* Writes a text as gnuplot's quoted string, in which nothing has a meaning. */
void gnuplot_text(FILE *script, const char *text);

/* The largest of the distances that marks have, 1, 2 or 5 times a power of ten, that is not above bound. */
double gnuplot_step(double bound);

/* Makes the axis of "x" or "y" logarithmic, with marks at 1, 2, 5 in each of a few decades, at about eight powers of
   ten of many, and at equal distances where there is less than one. */
void gnuplot_log(FILE *script, const char *axis, double low, double high);
void gnuplot_log_y(FILE *script, double low, double high);

#endif
