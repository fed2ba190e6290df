/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers for debuggers and core files: Linux's <sys/user.h>, and the standard XSAVE format (SDM vol. 1,
 * 13.4) with XCR0 where the FXSAVE part leaves room for software. */
#include <arch/elf_regs.h>

#include <arch/context.h>
#include <arch/paging.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "cpu.h"
#include "switch.h"
#include "x86.h"

#define XSTATE_XCR0_OFFSET 464
#define XSTATE_BV_OFFSET   512
#define XSTATE_X87         (1ull << 0)
#define XSTATE_SSE         (1ull << 1)
#define X87_PART           160 /* bytes of the FXSAVE part: control words, then the registers of the x87 */
#define SSE_PART           256
#define FCW_INITIAL        0x037f
#define MXCSR_OFFSET       24

struct user_regs_struct {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct user_regs_struct) == ARCH_ELF_GREGS_SIZE, "struct user_regs_struct");

/* The running thread's bases may be in the processor alone. */
static void thread_pointers(struct task *task, uint64_t *fs, uint64_t *gs)
{
	uint64_t flags = arch_irq_save();
	bool live = task == arch_current_task() && cpu_features.fsgsbase;

	*fs = live ? tls_fs_read() : task->context.fs_base;
	*gs = live ? tls_gs_read() : task->context.gs_base;
	arch_irq_restore(flags);
}

void arch_elf_gregs(struct task *task, void *out)
{
	const struct arch_regs *r = arch_user_regs(task);
	/* clang-format off: a register file reads best in rows */
	struct user_regs_struct u = {
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.orig_rax = (uint64_t)arch_regs_syscall(r),
		.rip = r->rip,
		.cs = r->cs,
		.eflags = task->context.stepped ? r->rflags & ~FLAGS_TF : r->rflags,
		.rsp = r->rsp,
		.ss = r->ss,
	};
	/* clang-format on */

	thread_pointers(task, &u.fs_base, &u.gs_base);
	memcpy(out, &u, sizeof(u));
}

/* What the area says is in its initial state need not be written there. */
static void write_initial_parts(char *area, uint64_t present)
{
	static const uint16_t fcw = FCW_INITIAL;
	uint8_t mxcsr[8];

	if (!(present & XSTATE_X87)) {
		memcpy(mxcsr, area + MXCSR_OFFSET, sizeof(mxcsr));
		memset(area, 0, X87_PART);
		memcpy(area, &fcw, sizeof(fcw));
		memcpy(area + MXCSR_OFFSET, mxcsr, sizeof(mxcsr));
	}
	if (!(present & XSTATE_SSE))
		memset(area + X87_PART, 0, SSE_PART);
}

static const char *fpu_area(struct task *task)
{
	return task == arch_current_task() ? fpu_save_current() : task->context.fpu;
}

static void copy_fpu(struct task *task, char *out, size_t size)
{
	uint64_t flags = arch_irq_save(), present = XSTATE_X87 | XSTATE_SSE;
	const char *area = fpu_area(task);

	memcpy(out, area, size);
	if (cpu_features.xsave)
		memcpy(&present, area + XSTATE_BV_OFFSET, sizeof(present));
	arch_irq_restore(flags);
	write_initial_parts(out, present);
}

void arch_elf_fpregs(struct task *task, void *out)
{
	copy_fpu(task, out, ARCH_ELF_FPREGS_SIZE);
}

size_t arch_elf_xstate_size(void)
{
	return cpu_features.xsave ? fpu_area_size() : 0;
}

void arch_elf_xstate(struct task *task, void *out)
{
	uint64_t xcr0 = fpu_features.all;

	copy_fpu(task, out, fpu_area_size());
	memcpy((char *)out + XSTATE_XCR0_OFFSET, &xcr0, sizeof(xcr0));
}

/* --- back again ------------------------------------------------------------------------------------- */

/* A program of 64 bits has these selectors, and others would fault on the way to it. */
static int check_gregs(const struct user_regs_struct *u)
{
	if (u->cs != SEL_USER_CODE || u->ss != SEL_USER_DATA || u->ds || u->es || u->fs || u->gs)
		return -EIO;
	return u->fs_base >= USER_END || u->gs_base >= USER_END ? -EIO : 0;
}

int arch_elf_set_gregs(struct task *task, const void *in, size_t size)
{
	struct arch_regs *r = arch_user_regs(task);
	uint64_t step = task->context.stepped ? FLAGS_TF : 0;
	struct user_regs_struct u;
	int err;

	if (size % sizeof(uint64_t) != 0)
		return -EINVAL;
	memcpy(&u, in, sizeof(u));
	err = check_gregs(&u);
	if (err < 0)
		return err;
	if (u.eflags & FLAGS_TF)
		task->context.stepped = false;
	/* clang-format off */
	*r = (struct arch_regs){
		.r15 = u.r15, .r14 = u.r14, .r13 = u.r13, .r12 = u.r12,
		.r11 = u.r11, .r10 = u.r10, .r9 = u.r9, .r8 = u.r8,
		.rbp = u.rbp, .rbx = u.rbx, .rax = u.rax, .rcx = u.rcx,
		.rdx = u.rdx, .rsi = u.rsi, .rdi = u.rdi,
		.vector = (int64_t)u.orig_rax < 0 ? REGS_VECTOR_NONE : REGS_VECTOR_CHANGED_SYSCALL,
		.error = u.orig_rax,
		.rip = u.rip, .cs = SEL_USER_CODE,
		.rflags = (r->rflags & ~FLAGS_TRACER) | (u.eflags & FLAGS_TRACER) | step,
		.rsp = u.rsp, .ss = SEL_USER_DATA,
	};
	/* clang-format on */
	task->context.fs_base = u.fs_base;
	task->context.gs_base = u.gs_base;
	return 0;
}

static int check_mxcsr(const char *area)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, area + MXCSR_OFFSET, sizeof(mxcsr));
	return mxcsr & ~fpu_mxcsr_mask() ? -EINVAL : 0;
}

int arch_elf_set_fpregs(struct task *task, const void *in, size_t size)
{
	char *area = task->context.fpu;
	uint64_t present;

	if (size != ARCH_ELF_FPREGS_SIZE || check_mxcsr(in) < 0)
		return -EINVAL;
	memcpy(area, in, size);
	if (cpu_features.xsave) {
		memcpy(&present, area + XSTATE_BV_OFFSET, sizeof(present));
		present |= XSTATE_X87 | XSTATE_SSE;
		memcpy(area + XSTATE_BV_OFFSET, &present, sizeof(present));
	}
	return 0;
}

/* XRSTOR faults on what it does not know (SDM vol. 1, 13.8). */
static int check_xstate_header(const char *area)
{
	uint64_t header[8];

	memcpy(header, area + XSTATE_BV_OFFSET, sizeof(header));
	if (header[0] & ~fpu_features.all)
		return -EINVAL;
	for (size_t i = 1; i < ARRAY_SIZE(header); i++)
		if (header[i])
			return -EINVAL;
	return 0;
}

int arch_elf_set_xstate(struct task *task, const void *in, size_t size)
{
	if (size != fpu_area_size())
		return -EFAULT;
	if (check_xstate_header(in) < 0 || check_mxcsr(in) < 0)
		return -EINVAL;
	memcpy(task->context.fpu, in, size);
	return 0;
}
