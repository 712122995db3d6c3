/* SPDX-License-Identifier: MIT */
/* See waiting.h. An environment can only be changed before a program starts, so it is started once more. */
#include "waiting.h"

#include <stdlib.h>
#include <unistd.h>

/* GCC's runtime: turns of waiting before a thread goes to sleep. Three times as many were no faster. */
static const char spins[] = "1000";

/* Tells that the two are this program's own. */
static const char mark[] = "ADADELTA_WAITS";

void wait_as_usual(void)
{
    if (!getenv(mark))
        return;
    unsetenv("OMP_WAIT_POLICY");
    unsetenv("GOMP_SPINCOUNT");
    unsetenv(mark);
}

void wait_asleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) != 0 || setenv("GOMP_SPINCOUNT", spins, 1) != 0 ||
        setenv(mark, "1", 1) != 0)
        return;
    execv("/proc/self/exe", argv);
}
