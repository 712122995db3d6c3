/* SPDX-License-Identifier: MIT */
/* How the threads of this process wait for one another: asleep. */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

/* Makes the threads of this process sleep while they wait for one another, unless OMP_WAIT_POLICY says otherwise. The
   OpenMP runtime reads that variable once, when it is loaded, so the program starts itself anew with it set (3 ms);
   where it cannot, it goes on as it is. By default waiting threads spin, and on a machine with other work that made an
   epoch seven times longer on two threads than on one. */
void wait_asleep(char **argv);

#endif
