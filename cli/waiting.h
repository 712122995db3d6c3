/* SPDX-License-Identifier: MIT */
/* How the threads of this process wait for one another: a moment awake, then asleep. */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

/* Makes the threads of this process sleep when they have waited for one another for some 20 microseconds, unless
   OMP_WAIT_POLICY or GOMP_SPINCOUNT says otherwise. The OpenMP runtime reads them once, when it is loaded, so the
   program starts itself anew with them set (3 ms); where it cannot, it goes on as it is. By default threads that wait
   spin for milliseconds: beside two other programs on two processors an epoch took 5.3 s, 2.5 with threads that sleep
   at once, which takes them 40 microseconds for each piece of work, and 1.6 so. */
void wait_asleep(char **argv);

/* Takes back what wait_asleep has set, for a program that this one becomes. */
void wait_as_usual(void);

#endif
