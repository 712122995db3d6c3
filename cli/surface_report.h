/* SPDX-License-Identifier: MIT */
/* What came of the runs over a surface: tables for people, JSON lines for programs. */
#ifndef CLI_SURFACE_REPORT_H
#define CLI_SURFACE_REPORT_H

#include "surface_walk.h"

/* Prints a row for each run: its number in the drawing, and where it got. What is too long for so many columns, or for
   80, is cut off the names of the runs. */
enum verdict surface_print_table(const struct course *course, const struct walk *walks, size_t count, size_t width,
                                 struct trouble *trouble);

/* Prints what steps 1, 2, 5, 10 ... and the last of an Adadelta run were made of, for each coordinate. */
enum verdict surface_print_steps(const struct walk *walk, struct trouble *trouble);

/* Prints a run's lines, its path (with what its steps are made of, where with_parts and it is Adadelta's) and what came
   of it. */
enum verdict surface_report(const struct course *course, const struct walk *walk, int with_parts,
                            struct trouble *trouble);

#endif
