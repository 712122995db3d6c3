/* SPDX-License-Identifier: MIT */
/* See interrupt.h. The handler calls only what POSIX allows in one. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };

static const int64_t same_signal = 500000000; /* nanoseconds */

static volatile sig_atomic_t clean_stop, requested;
static int64_t requested_at;
static const char *volatile unfinished;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void on_signal(int number)
{
    if (clean_stop && !requested) {
        requested = 1;
        requested_at = now();
        return;
    }
    if (clean_stop && now() - requested_at < same_signal)
        return;
    if (unfinished)
        unlink(unfinished);
    signal(number, SIG_DFL);
    raise(number); /* delivered when the handler returns */
}

static void handle_all(void)
{
    static int handled;
    if (handled)
        return;
    handled = 1;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        for (size_t k = 0; k < SIGNAL_COUNT; k++) /* one at a time */
            sigaddset(&action.sa_mask, signals[k]);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

void interrupt_catch(void)
{
    clean_stop = 1;
    handle_all();
}

int interrupt_requested(void)
{
    return requested != 0;
}

void interrupt_remove(const char *path)
{
    unfinished = path;
    handle_all();
}
