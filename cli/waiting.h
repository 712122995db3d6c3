/* SPDX-License-Identifier: MIT */
/* How the threads of this process wait for one another: a moment awake, then asleep. */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

/* Makes the threads of this process sleep when they have waited for one another for some 20 microseconds, unless
   OMP_WAIT_POLICY or GOMP_SPINCOUNT says otherwise. The OpenMP runtime reads them once, when it is loaded, so the
   program starts itself anew with them set (3 ms); where it cannot, it goes on as it is. By default threads that wait
   spin for milliseconds, and on a machine with other work that made an epoch five times longer. Threads that sleep at once
   take 40 microseconds to begin each piece of work, a tenth of an epoch or more. */
void wait_asleep(char **argv);

#endif
