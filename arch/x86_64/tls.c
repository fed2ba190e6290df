/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's FS and GS bases.
 *
 * With FSGSBASE programs change them by instruction, so the registers are the truth while a task runs.
 * Without it only arch_prctl does, and arch_context is always up to date.  While in the kernel the user's
 * GS base sits in MSR_KERNEL_GS_BASE.
 */
#include "cpu.h"

#include <arch/context.h>
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <serix/errno.h>

#include "switch.h"
#include "x86.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_LAST       18 /* AMX tiles: the only state that programs ask for */

/* Bring arch_context up to date for the running task.  Interrupts off. */
static void sync_current(struct arch_context *ctx)
{
	if (cpu_features.fsgsbase) {
		ctx->fs_base = tls_fs_read();
		ctx->gs_base = tls_gs_read();
	}
}

static void load_current(const struct arch_context *ctx)
{
	if (cpu_features.fsgsbase) {
		tls_fs_write(ctx->fs_base);
		tls_gs_write(ctx->gs_base);
	} else {
		tls_load_by_msr(ctx);
	}
}

/* Set one base (a field of task->context) and, for the running task, the register. */
static int set_base(struct task *task, uint64_t *field, uaddr_t base)
{
	uint64_t flags;

	if (base >= USER_END)
		return -EPERM;
	flags = arch_irq_save();
	if (task == arch_current_task()) {
		sync_current(&task->context);
		*field = base;
		load_current(&task->context);
	} else {
		*field = base;
	}
	arch_irq_restore(flags);
	return 0;
}

int arch_set_tls(struct task *task, uaddr_t base)
{
	return set_base(task, &task->context.fs_base, base);
}

void arch_tls_copy(struct task *to, struct task *from)
{
	uint64_t flags = arch_irq_save();

	sync_current(&from->context);
	to->context.fs_base = from->context.fs_base;
	to->context.gs_base = from->context.gs_base;
	arch_irq_restore(flags);
}

void arch_tls_reset(struct task *task)
{
	/* Zero is a user address: this cannot fail. */
	(void)!set_base(task, &task->context.fs_base, 0);
	(void)!set_base(task, &task->context.gs_base, 0);
}

int64_t arch_prctl(int code, uaddr_t addr)
{
	struct task *task = arch_current_task();
	uint64_t flags;

	switch (code) {
	case ARCH_SET_FS:
		return set_base(task, &task->context.fs_base, addr);
	case ARCH_SET_GS:
		return set_base(task, &task->context.gs_base, addr);
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		flags = arch_irq_save();
		sync_current(&task->context);
		arch_irq_restore(flags);
		return put_user_u64(addr,
				    code == ARCH_GET_FS ? task->context.fs_base : task->context.gs_base);
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return put_user_u64(addr, fpu_xfeatures());
	case ARCH_REQ_XCOMP_PERM: /* all there is may be used; what must be asked for is not there */
		return addr > XFEATURE_LAST ? -EINVAL : -EOPNOTSUPP;
	}
	return -EINVAL;
}
