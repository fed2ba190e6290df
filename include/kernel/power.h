/* SPDX-License-Identifier: BSD-2-Clause */
/* Power-off, reset and halt: what reboot(2) and panic() end in.  Each logs what it does and, when the
 * machine does not obey, tries the next known way and at last halts.  Any context, no locks needed. */
#pragma once

#include <kernel/compiler.h>

void power_off(void) __noreturn;
void power_reset(void) __noreturn;
void power_halt(void) __noreturn;

/* Ctrl-Alt-Del: ask init for an orderly restart (SIGINT to process 1).  Any context. */
void power_request_reboot(void);

/* Start the thread that serves power_request_reboot.  Needs the scheduler. */
void power_init(void);
