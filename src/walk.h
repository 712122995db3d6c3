/* SPDX-License-Identifier: MIT */
/* The way over the elements of a step: all tensors' work as one long row, cut into blocks that threads share out, each
   block's gradient brought into the type computed in. What is done there is an act: measuring (measure.c) or moving
   (move.c).

   The work of a tensor is its elements, or, with a sparse gradient, the elements of the rows named. Blocks depend on
   nothing but the tensor, so that a block's sum has the same bits for every number of threads. */
#ifndef ADADELTA_SRC_WALK_H
#define ADADELTA_SRC_WALK_H

#include <stdalign.h>

#include "optimizer.h"

/* Elements that are brought from and to storage at a time: few enough that memory is never idle for long while they are
   worked on. (BF16 weights with float state, 16 M, against the float step in the same run: 0.81 with 256, 0.91 with
   512, 0.98 with 1024.) */
enum { CHUNK = 256 };

/* A thread's room for a chunk of each array, in the type computed in. */
struct buffers {
    alignas(STATE_ALIGNMENT) double gradient[CHUNK];
    double more[CHUNK], x[CHUNK], before[CHUNK], state[MAX_STATES][CHUNK];
    struct chance_words chance;
};

/* A stretch of a tensor: its elements first .. first + n - 1, with their gradients in the type computed in, or as they
   are stored where the tensor's kernel is to take all arrays so. */
struct stretch {
    struct tensor *tensor;
    size_t first, n;
    const void *gradient;
    int converted; /* 1: the gradient is of the type computed in, 0: as it is stored, another */
    uint64_t turn; /* which of the steps that a row takes one after the other, from 0 */
    int last;      /* 1: no other follows it */
    const struct adadelta *optimizer;
    const struct kernel_set *kernels;
    struct buffers *buffers;
};

/* Does something with a stretch and adds what it finds to *found, which may be NULL. */
typedef void act(const struct stretch *stretch, struct measure *found);

struct walk {
    struct adadelta *optimizer;
    size_t begin, end; /* numbers of the tensors that may take part */
    act *act;
    int finds;      /* 1: the act finds something: each block starts from zero and leaves it in tensor->blocks */
    int unbuffered; /* 1: the act needs no buffers but, perhaps, the gradient's; 0: it needs them, but where it finds
                       nothing and the tensor has a kernel for its arrays as they are stored */
};

void walk_run(const struct walk *walk);

/* The blocks of a tensor's work. */
size_t work_blocks(const struct tensor *tensor);

/* The acts. A move's find is the sum of the squared changes. */
act measure_stretch, move_stretch;

#endif
