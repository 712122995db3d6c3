/* SPDX-License-Identifier: MIT */
/* See interrupt.h. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNAL_COUNT = sizeof signals / sizeof *signals };

static volatile sig_atomic_t requested;
static volatile sig_atomic_t caught[SIGNAL_COUNT];

static void set_action(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void on_signal(int number)
{
    (void)number;
    requested = 1;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (caught[i])
            set_action(signals[i], SIG_DFL);
}

void interrupt_catch(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction old;
        caught[i] = sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN;
        if (caught[i])
            set_action(signals[i], on_signal);
    }
}

int interrupt_requested(void)
{
    return requested != 0;
}
