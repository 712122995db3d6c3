/* SPDX-License-Identifier: MIT */
/* See waiting.h. An environment can only be changed before a program starts, so it is started once more. */
#include "waiting.h"

#include <stdlib.h>
#include <unistd.h>

void wait_asleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || setenv("OMP_WAIT_POLICY", "passive", 1) != 0)
        return;
    execv("/proc/self/exe", argv);
}
