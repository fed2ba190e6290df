/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: the ways in which a CPU can wait. */
#pragma once

#include <kernel/idle.h>

/* The states of this machine, the shallowest first; at most MAX_IDLE_STATES.  Once, at start-up. */
unsigned arch_idle_init(struct idle_state *states);
/* "halt", "mwait": which instruction it comes down to. */
const char *arch_idle_driver(void);
/*
 * Wait in a state: interrupts are off, and off again when it returns, after an interrupt or (at its pleasure)
 * a write to this CPU's `resched`.  Comes back at once when that is set already.
 */
void arch_idle_enter(unsigned state);
