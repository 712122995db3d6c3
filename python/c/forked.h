/* SPDX-License-Identifier: MIT */
/* OpenMP's threads do not come along with fork(): a child that asks for them waits for ever. So it works with one. */
#ifndef ADADELTA_PYTHON_FORKED_H
#define ADADELTA_PYTHON_FORKED_H

/* To be called once before the others. -1: Python's error is set. */
int forked_ready(void);

/* Whether this process is the child of one that had worked; notes that this one has now. */
int forked_before_work(void);

#endif
