/* SPDX-License-Identifier: BSD-2-Clause */
/* Breakpoints in registers: between debug_regs.c, the switch and the exception. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_context;

#define DR6_BREAKPOINTS 0xfull
#define DR6_SINGLE_STEP (1ull << 14)
#define DR6_RESET       0xffff0ff0ull

/* A thread's; enabled ones have been checked. */
struct debug_regs {
	uint64_t addr[4];
	uint64_t control; /* DR7 as it is loaded */
	uint64_t told;    /* as the tracer wrote it, reserved bits and all, and finds it again */
};

/* Interrupts off.  NULL: the thread has none. */
void debug_regs_switch(const struct debug_regs *from, const struct debug_regs *to);
uint64_t debug_regs_hit(struct arch_context *ctx, uint64_t dr6, bool *executes);
