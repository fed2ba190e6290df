/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames, byte for byte as Linux builds them: C libraries, unwinders and debuggers rely on the layout.
 * From the new stack pointer upwards:
 *
 *	return address (the restorer) | ucontext | siginfo | ... | FPU state, 64-byte aligned
 *
 * The frame is the program's to change, so nothing in it is trusted on the way back: flags are cut to what a
 * program may set itself; selectors and FPU state that the processor would refuse are refused here.  The
 * instruction pointer needs no check: the way to user mode refuses one that is not canonical.
 */
#include <arch/context.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <serix/abi.h>
#include <serix/errno.h>

#include "cpu.h"
#include "x86.h"

#define RED_ZONE 128 /* below the stack pointer, the ABI lets leaf functions keep data */

#define UC_FP_XSTATE         0x1
#define UC_SIGCONTEXT_SS     0x2
#define UC_STRICT_RESTORE_SS 0x4

#define FP_XSTATE_MAGIC1      0x46505853u
#define FP_XSTATE_MAGIC2      0x46505845u
#define FP_XSTATE_MAGIC2_SIZE 4
#define FPSTATE_SW_OFFSET     464
#define FPSTATE_MXCSR_OFFSET  24
#define FXSAVE_SIZE           512
#define XSAVE_HEADER_SIZE     64
#define FPSTATE_ALIGN         64
#define FXSAVE_ALIGN          16
#define USER_RPL              3

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "struct sigcontext");

struct ucontext {
	uint64_t flags, link;
	struct abi_stack stack;
	struct sigcontext mcontext;
	uint64_t sigmask;
};
_Static_assert(sizeof(struct ucontext) == 304, "struct ucontext");

struct rt_sigframe {
	uint64_t restorer;
	struct ucontext uc;
	struct abi_siginfo info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "struct rt_sigframe");

/* The last 48 bytes of the FXSAVE part, where the kernel says what follows it. */
struct fpstate_sw {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};
_Static_assert(FPSTATE_SW_OFFSET + sizeof(struct fpstate_sw) == FXSAVE_SIZE, "struct _fpx_sw_bytes");

struct xsave_header {
	uint64_t xstate_bv, xcomp_bv, reserved[6];
};
_Static_assert(sizeof(struct xsave_header) == XSAVE_HEADER_SIZE, "XSAVE header");

static size_t fpstate_size(void)
{
	return fpu_area_size() + (cpu_features.xsave ? FP_XSTATE_MAGIC2_SIZE : 0);
}

static int push_fpstate(uaddr_t at)
{
	struct fpstate_sw sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpstate_size(),
		.xfeatures = fpu_xfeatures(),
		.xstate_size = (uint32_t)fpu_area_size(),
	};
	uint64_t flags = arch_irq_save();
	const void *area = fpu_save_current();

	arch_irq_restore(flags);
	if (copy_to_user(at, area, fpu_area_size()) < 0)
		return -EFAULT;
	if (!cpu_features.xsave)
		return 0;
	if (copy_to_user(at + FPSTATE_SW_OFFSET, &sw, sizeof(sw)) < 0)
		return -EFAULT;
	return put_user_u32(at + fpu_area_size(), FP_XSTATE_MAGIC2);
}

static void fill_mcontext(struct sigcontext *sc, const struct arch_regs *r, const struct abi_siginfo *info)
{
	bool exception = r->vector < EXC_COUNT;

	/* clang-format off: a register file reads best in rows */
	*sc = (struct sigcontext){
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rdi = r->rdi,
		.rsi = r->rsi,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.rdx = r->rdx,
		.rax = r->rax,
		.rcx = r->rcx,
		.rsp = r->rsp,
		.rip = r->rip,
		.rflags = r->rflags,
		.cs = (uint16_t)r->cs,
		.ss = (uint16_t)r->ss,
		.error = exception ? r->error : 0,
		.trap = exception ? r->vector : 0,
		.cr2 = r->vector == EXC_PAGE_FAULT ? info->addr : 0,
	};
	/* clang-format on */
}

int arch_signal_push(struct arch_regs *regs, const struct arch_sigframe_info *info)
{
	struct rt_sigframe frame __attribute__((uninitialized)); /* every byte is filled below */
	uaddr_t sp = info->altstack_top ? info->altstack_top : regs->rsp - RED_ZONE;
	uaddr_t fpstate, at;

	fpstate = ALIGN_DOWN(sp - fpstate_size(), (uaddr_t)FPSTATE_ALIGN);
	/* At a function's first instruction the stack is 8 off a multiple of 16. */
	at = ALIGN_DOWN(fpstate - sizeof(frame), (uaddr_t)16) - 8;
	if (at >= sp || (info->within_altstack && (at <= info->ss_sp || at - info->ss_sp > info->ss_size)) ||
	    push_fpstate(fpstate) < 0)
		return -EFAULT;

	frame.restorer = info->restorer;
	memcpy(&frame.info, info->siginfo, sizeof(frame.info));
	frame.uc.link = 0;
	frame.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0);
	frame.uc.stack = (struct abi_stack){ info->ss_sp, (int32_t)info->ss_flags, 0, info->ss_size };
	frame.uc.sigmask = info->mask;
	fill_mcontext(&frame.uc.mcontext, regs, &frame.info);
	frame.uc.mcontext.oldmask = info->mask;
	frame.uc.mcontext.fpstate = fpstate;
	if (copy_to_user(at, &frame, sizeof(frame)) < 0)
		return -EFAULT;

	/* The handler starts with a fresh FPU, above all without the exception that may have led to it. */
	arch_fpu_reset(arch_current_task());
	regs->rdi = (uint64_t)info->signo;
	regs->rsi = at + offsetof(struct rt_sigframe, info);
	regs->rdx = at + offsetof(struct rt_sigframe, uc);
	regs->rax = 0;
	regs->rip = info->handler;
	regs->rsp = at;
	regs->rflags &= ~(FLAGS_DF | FLAGS_RF | FLAGS_TF);
	regs->vector = REGS_VECTOR_NONE;
	return 0;
}

/* Does the frame carry all of XSAVE's state, or only FXSAVE's? */
static bool has_xstate(uaddr_t at, const struct fpstate_sw *sw)
{
	uint32_t magic2;

	return sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == fpu_area_size() &&
	       get_user_u32(at + fpu_area_size(), &magic2) == 0 && magic2 == FP_XSTATE_MAGIC2;
}

/* XRSTOR and FXRSTOR would fault in the kernel on what is refused here (Intel SDM vol. 1, 13.8.1). */
static int check_fpstate(char *area, const struct fpstate_sw *sw, bool extended)
{
	struct xsave_header *header = (struct xsave_header *)(area + FXSAVE_SIZE);
	uint64_t parts = fpu_xfeatures() & 3;
	uint32_t mxcsr;

	memcpy(&mxcsr, area + FPSTATE_MXCSR_OFFSET, sizeof(mxcsr));
	if (mxcsr & ~fpu_mxcsr_mask())
		return -EFAULT;
	if (!cpu_features.xsave)
		return 0;
	if (extended) {
		if ((header->xstate_bv & ~fpu_xfeatures()) || header->xcomp_bv || header->reserved[0])
			return -EFAULT;
		parts = header->xstate_bv & sw->xfeatures;
	}
	*header = (struct xsave_header){ .xstate_bv = parts };
	return 0;
}

/* Into a new area: the task's own must be loadable at every moment, for the next switch. */
static int read_fpstate(char *scratch, uaddr_t at)
{
	struct fpstate_sw sw;
	bool extended = false;

	if (at % (cpu_features.xsave ? FPSTATE_ALIGN : FXSAVE_ALIGN))
		return -EFAULT;
	if (copy_from_user(scratch, at, FXSAVE_SIZE) < 0)
		return -EFAULT;
	memcpy(&sw, scratch + FPSTATE_SW_OFFSET, sizeof(sw));
	if (cpu_features.xsave && has_xstate(at, &sw)) {
		if (copy_from_user(scratch + FXSAVE_SIZE, at + FXSAVE_SIZE, fpu_area_size() - FXSAVE_SIZE) <
		    0)
			return -EFAULT;
		extended = true;
	} else {
		memset(scratch + FXSAVE_SIZE, 0, fpu_area_size() - FXSAVE_SIZE);
	}
	return check_fpstate(scratch, &sw, extended);
}

static int pop_fpstate(uaddr_t at)
{
	uint64_t flags;
	char *scratch;
	int err;

	if (at == 0) {
		arch_fpu_reset(arch_current_task());
		return 0;
	}
	scratch = fpu_scratch_alloc();
	if (!scratch)
		return -EFAULT;
	err = read_fpstate(scratch, at);
	if (err == 0) {
		flags = arch_irq_save();
		scratch = fpu_exchange_current(scratch);
		arch_irq_restore(flags);
	}
	fpu_scratch_free(scratch);
	return err;
}

/* A program has one code and one data segment; what privilege it names does not matter. */
static bool has_own_segments(const struct ucontext *uc)
{
	return (uc->mcontext.cs | USER_RPL) == SEL_USER_CODE &&
	       (!(uc->flags & UC_STRICT_RESTORE_SS) || (uc->mcontext.ss | USER_RPL) == SEL_USER_DATA);
}

static void restore_registers(struct arch_regs *r, const struct sigcontext *sc)
{
	/* clang-format off */
	*r = (struct arch_regs){
		.r8 = sc->r8, .r9 = sc->r9, .r10 = sc->r10, .r11 = sc->r11,
		.r12 = sc->r12, .r13 = sc->r13, .r14 = sc->r14, .r15 = sc->r15,
		.rdi = sc->rdi, .rsi = sc->rsi, .rbp = sc->rbp, .rbx = sc->rbx,
		.rdx = sc->rdx, .rax = sc->rax, .rcx = sc->rcx, .rsp = sc->rsp,
		.rip = sc->rip,
		.cs = SEL_USER_CODE,
		.ss = SEL_USER_DATA,
		.rflags = (sc->rflags & FLAGS_USER) | FLAGS_IF | FLAGS_ONE,
		.vector = REGS_VECTOR_NONE,
	};
	/* clang-format on */
}

int arch_signal_return(struct arch_regs *regs, uint64_t *mask, uint64_t *ss_sp, uint64_t *ss_size,
		       uint32_t *ss_flags)
{
	/* The handler's RET took the restorer off the stack. */
	uaddr_t uc_at = regs->rsp;
	struct ucontext uc __attribute__((uninitialized));

	if (copy_from_user(&uc, uc_at, sizeof(uc)) < 0 || !has_own_segments(&uc) ||
	    pop_fpstate(uc.mcontext.fpstate) < 0)
		return -EFAULT;
	restore_registers(regs, &uc.mcontext);
	*mask = uc.sigmask;
	*ss_sp = uc.stack.sp;
	*ss_size = uc.stack.size;
	*ss_flags = (uint32_t)uc.stack.flags;
	return 0;
}
