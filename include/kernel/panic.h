/* SPDX-License-Identifier: BSD-2-Clause */
/* Stop for good because a kernel invariant is broken.  Never because of what a user, a device or a
 * file did.  Prints registers and a symbolised stack trace on every console, then does what the
 * command line's panic= asks: halt (default), or reset. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/printk.h>

struct arch_regs;

void panic(const char *fmt, ...) __noreturn __printf(1, 2);
/* With the registers of the faulting context (may be NULL). */
void panic_regs(const struct arch_regs *regs, const char *fmt, ...) __noreturn __printf(2, 3);

/* What every other CPU is doing: task and stack trace.  Any context. */
void cpus_print_where(enum log_level level);

/* Stop because there is nothing to run: no first program, or it has ended.  The kernel is sound, so there is
 * one line that says why, no trace; then what panic= asks. */
void system_stop(const char *fmt, ...) __noreturn __printf(1, 2);
