/* SPDX-License-Identifier: MIT */
/* OpenMP's threads do not come along with fork(), whoever in the process had it start them: a child that asks for them
   waits for ever. So a child works with one. */
#ifndef ADADELTA_PYTHON_FORKED_H
#define ADADELTA_PYTHON_FORKED_H

/* To be called once before the other. -1: Python's error is set. */
int forked_ready(void);

/* Whether this process is such a child. */
int forked(void);

#endif
