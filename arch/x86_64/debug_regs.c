/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single steps, and breakpoints in registers (SDM vol. 3, 18.2): each thread's own, which few threads have.
 *
 * A thread with breakpoints is switched the slow way (switch.h), which loads the registers and, behind it,
 * disables them.  They name user addresses only.  What the kernel touches for the program may hit one: that
 * exception is dropped (trap.c).
 */
#include "debug_regs.h"

#include <arch/context.h>
#include <arch/elf_regs.h>
#include <arch/paging.h>
#include <arch/step.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "cpu.h"
#include "switch.h"
#include "x86.h"

#define BREAKPOINTS 4

#define USER_DEBUG_OFFSET 848 /* of u_debugreg in struct user */
#define REGISTER_STATUS   6
#define REGISTER_CONTROL  7

/* DR7: two enable bits for each breakpoint, and from bit 16 on four that say what it is. */
#define CONTROL_RESERVED      0xffffffff0000fc00ull
#define CONTROL_ENABLE_ALL    0xffull
#define CONTROL_EXACT         0x300ull
#define CONTROL_ONE           0x400ull
#define CONTROL_ENABLE(n)     (3ull << (n)*2)
#define CONTROL_KIND(dr7, n)  ((dr7) >> (16 + (n)*4) & 3)
#define CONTROL_WIDTH(dr7, n) ((dr7) >> (18 + (n)*4) & 3)
#define KIND_EXECUTE          0
#define KIND_PORT             2
#define WIDTH_1               0
#define WIDTH_8               2

/* --- stepping ------------------------------------------------------------------------------------- */

void arch_step(struct task *task, bool on)
{
	struct arch_regs *regs = arch_user_regs(task);

	if (on) {
		/* One that the program has set itself stays its own. */
		if (!(regs->rflags & FLAGS_TF))
			task->context.stepped = true;
		regs->rflags |= FLAGS_TF;
	} else if (task->context.stepped) {
		task->context.stepped = false;
		regs->rflags &= ~FLAGS_TF;
	}
}

void arch_step_not_inherited(struct task *child)
{
	if (unlikely(arch_current_task()->context.stepped))
		arch_user_regs(child)->rflags &= ~FLAGS_TF;
}

/* --- breakpoints ---------------------------------------------------------------------------------- */

static void load(const struct debug_regs *d)
{
	__asm__ volatile("mov %0, %%dr0" : : "r"(d->addr[0]));
	__asm__ volatile("mov %0, %%dr1" : : "r"(d->addr[1]));
	__asm__ volatile("mov %0, %%dr2" : : "r"(d->addr[2]));
	__asm__ volatile("mov %0, %%dr3" : : "r"(d->addr[3]));
	dr7_write(d->control | CONTROL_EXACT | CONTROL_ONE);
}

void debug_regs_switch(const struct debug_regs *from, const struct debug_regs *to)
{
	if (from)
		dr7_write(CONTROL_ONE);
	if (to && (to->control & CONTROL_ENABLE_ALL))
		load(to);
}

/* Which of the breakpoints that DR6 names are the running program's, which is at an instruction that has
 * one. */
uint64_t debug_regs_hit(struct arch_context *ctx, uint64_t dr6, bool *executes)
{
	uint64_t hit = 0;

	*executes = false;
	for (unsigned n = 0; ctx->debug && n < BREAKPOINTS; n++) {
		uint64_t control = ctx->debug->control;

		if (!(dr6 & 1ull << n) || !(control & CONTROL_ENABLE(n)))
			continue;
		hit |= 1ull << n;
		*executes |= CONTROL_KIND(control, n) == KIND_EXECUTE;
	}
	return hit;
}

static int check_breakpoint(const struct debug_regs *d, uint64_t control, unsigned n)
{
	uint64_t width = CONTROL_WIDTH(control, n), bytes = width == WIDTH_8 ? 8 : width + 1;

	if (!(control & CONTROL_ENABLE(n)))
		return 0;
	if (CONTROL_KIND(control, n) == KIND_PORT)
		return -EINVAL;
	if (CONTROL_KIND(control, n) == KIND_EXECUTE && width != WIDTH_1)
		return -EINVAL;
	return d->addr[n] & (bytes - 1) ? -EINVAL : 0;
}

static int set_control(struct debug_regs *d, uint64_t told)
{
	uint64_t control = told & ~CONTROL_RESERVED;

	for (unsigned n = 0; n < BREAKPOINTS; n++) {
		int err = check_breakpoint(d, control, n);

		if (err < 0)
			return err;
	}
	d->control = control;
	d->told = told;
	return 0;
}

static int set_address(struct debug_regs *d, unsigned n, uint64_t addr)
{
	uint64_t old = d->addr[n];

	if (addr >= USER_END)
		return -EINVAL;
	d->addr[n] = addr;
	if (check_breakpoint(d, d->control, n) < 0) {
		d->addr[n] = old;
		return -EINVAL;
	}
	return 0;
}

/* From the first use on the thread is switched the slow way. */
static struct debug_regs *regs_of(struct arch_context *ctx)
{
	if (!ctx->debug) {
		ctx->debug = kzalloc(sizeof(*ctx->debug));
		if (ctx->debug)
			ctx->quick = NULL;
	}
	return ctx->debug;
}

uint64_t arch_debug_register(const struct task *task, uint64_t offset)
{
	const struct debug_regs *d = task->context.debug;
	uint64_t n = (offset - USER_DEBUG_OFFSET) / sizeof(uint64_t);

	if (offset < USER_DEBUG_OFFSET || n > REGISTER_CONTROL)
		return 0;
	if (n == REGISTER_STATUS)
		return task->context.debug_status ^ DR6_RESET;
	if (!d || (n >= BREAKPOINTS && n != REGISTER_CONTROL))
		return 0;
	return n == REGISTER_CONTROL ? d->told : d->addr[index_nospec(n, BREAKPOINTS)];
}

int arch_set_debug_register(struct task *task, uint64_t offset, uint64_t value)
{
	uint64_t n = (offset - USER_DEBUG_OFFSET) / sizeof(uint64_t);
	struct debug_regs *d;

	if (offset < USER_DEBUG_OFFSET || n > REGISTER_CONTROL)
		return -EIO;
	if (n == REGISTER_STATUS) {
		task->context.debug_status = value ^ DR6_RESET;
		return 0;
	}
	if (n >= BREAKPOINTS && n != REGISTER_CONTROL)
		return -EIO;
	if (value == 0 && !task->context.debug)
		return 0;
	d = regs_of(&task->context);
	if (!d)
		return -ENOMEM;
	return n == REGISTER_CONTROL ? set_control(d, value)
				     : set_address(d, (unsigned)index_nospec(n, BREAKPOINTS), value);
}

void arch_debug_reset(struct task *task)
{
	struct arch_context *ctx = &task->context;
	uint64_t flags;

	if (likely(!ctx->debug))
		return;
	flags = arch_irq_save();
	debug_regs_switch(ctx->debug, NULL);
	ctx->debug->control = ctx->debug->told = 0;
	arch_irq_restore(flags);
}

void arch_debug_free(struct arch_context *ctx)
{
	kfree(ctx->debug);
	ctx->debug = NULL;
}
