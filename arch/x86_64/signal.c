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
	struct sigcontext_reserved {
		uint64_t words[8];
	} reserved;
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
	struct rt_sigframe_start {
		uint64_t restorer;
		struct ucontext uc;
		struct abi_siginfo info;
	} start;
	uint8_t info_rest[ABI_SIGINFO_SIZE - sizeof(struct abi_siginfo)];
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

/* What lies between the registers that FXSAVE knows and the others, the same in every frame: XSAVE leaves it
 * alone, but for the first word of the header. */
static struct fpstate_fixed {
	struct fpstate_sw sw;
	struct xsave_header header;
} fpstate_fixed __ro_after_init;

static size_t fpstate_size(void)
{
	return fpu_area_size() + (cpu_features.xsave ? FP_XSTATE_MAGIC2_SIZE : 0);
}

void signal_frame_init(void)
{
	fpstate_fixed.sw = (struct fpstate_sw){
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpstate_size(),
		.xfeatures = fpu_xfeatures(),
		.xstate_size = (uint32_t)fpu_area_size(),
	};
}

static int push_fxsave(uaddr_t at)
{
	uint64_t flags = arch_irq_save();
	const void *area = fpu_save_current();

	arch_irq_restore(flags);
	return copy_to_user(at, area, fpu_area_size());
}

static int push_fpstate(uaddr_t at)
{
	if (unlikely(!cpu_features.xsave))
		return push_fxsave(at);
	/* The header first: XSAVE adds to what it finds there. */
	if (copy_to_user(at + FPSTATE_SW_OFFSET, &fpstate_fixed, sizeof(fpstate_fixed)) < 0 ||
	    fpu_save_to_user(at) < 0)
		return -EFAULT;
	return put_user_u32(at + fpu_area_size(), FP_XSTATE_MAGIC2);
}

/* Here and on the way back word by word, not as one structure: that would first be put together elsewhere. */
static void fill_mcontext(struct sigcontext *sc, const struct arch_regs *r, uint64_t fault_addr)
{
	bool exception = r->vector < EXC_COUNT;

	/* clang-format off */
	sc->r8 = r->r8; sc->r9 = r->r9; sc->r10 = r->r10; sc->r11 = r->r11;
	sc->r12 = r->r12; sc->r13 = r->r13; sc->r14 = r->r14; sc->r15 = r->r15;
	sc->rdi = r->rdi; sc->rsi = r->rsi; sc->rbp = r->rbp; sc->rbx = r->rbx;
	sc->rdx = r->rdx; sc->rax = r->rax; sc->rcx = r->rcx; sc->rsp = r->rsp;
	sc->rip = r->rip;
	sc->rflags = r->rflags;
	sc->cs = (uint16_t)r->cs; sc->gs = 0; sc->fs = 0; sc->ss = (uint16_t)r->ss;
	/* clang-format on */
	sc->error = exception ? r->error : 0;
	sc->trap = exception ? r->vector : 0;
	sc->cr2 = r->vector == EXC_PAGE_FAULT ? fault_addr : 0;
	sc->reserved = (struct sigcontext_reserved){ 0 };
}

static void fill_ucontext(struct ucontext *uc, const struct arch_regs *regs,
			  const struct arch_sigframe_info *info, uaddr_t fpstate)
{
	const struct abi_siginfo *siginfo = info->siginfo;

	uc->flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0);
	uc->link = 0;
	uc->stack = (struct abi_stack){ info->ss_sp, (int32_t)info->ss_flags, 0, info->ss_size };
	fill_mcontext(&uc->mcontext, regs, siginfo->addr);
	uc->mcontext.oldmask = info->mask;
	uc->mcontext.fpstate = fpstate;
	uc->sigmask = info->mask;
}

int arch_signal_push(struct arch_regs *regs, const struct arch_sigframe_info *info)
{
	struct rt_sigframe_start frame __attribute__((uninitialized)); /* every byte is filled below */
	uaddr_t sp = info->altstack_top ? info->altstack_top : regs->rsp - RED_ZONE;
	uaddr_t fpstate, at;

	fpstate = ALIGN_DOWN(sp - fpstate_size(), (uaddr_t)FPSTATE_ALIGN);
	/* At a function's first instruction the stack is 8 off a multiple of 16. */
	at = ALIGN_DOWN(fpstate - sizeof(struct rt_sigframe), (uaddr_t)16) - 8;
	if (at >= sp || (info->within_altstack && (at <= info->ss_sp || at - info->ss_sp > info->ss_size)) ||
	    push_fpstate(fpstate) < 0)
		return -EFAULT;

	frame.restorer = info->restorer;
	fill_ucontext(&frame.uc, regs, info, fpstate);
	frame.info = *(const struct abi_siginfo *)info->siginfo;
	if (copy_to_user(at, &frame, sizeof(frame)) < 0 ||
	    clear_user(at + offsetof(struct rt_sigframe, info_rest), ABI_SIGINFO_SIZE - sizeof(frame.info)) <
		    0)
		return -EFAULT;

	/* The handler starts with a fresh FPU, above all without the exception that may have led to it. */
	arch_fpu_reset(arch_current_task());
	regs->rdi = (uint64_t)info->signo;
	regs->rsi = at + offsetof(struct rt_sigframe, start.info);
	regs->rdx = at + offsetof(struct rt_sigframe, start.uc);
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

/* A frame of which only a part counts, or one that the program made up. */
static int pop_in_parts(uaddr_t at)
{
	uint64_t flags;
	char *scratch;
	int err;

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

/* Is it as push_fpstate made it, so that the processor may take it as it stands?  What the program changes
 * after this look is its own affair: XRSTOR checks what it loads. */
static bool is_whole(uaddr_t at)
{
	struct fpstate_sw sw __attribute__((uninitialized));

	return cpu_features.xsave && IS_ALIGNED(at, (uaddr_t)FPSTATE_ALIGN) &&
	       copy_from_user(&sw, at + FPSTATE_SW_OFFSET, offsetof(struct fpstate_sw, padding)) == 0 &&
	       sw.xfeatures == fpu_xfeatures() && has_xstate(at, &sw);
}

static int pop_fpstate(uaddr_t at)
{
	if (at == 0) {
		arch_fpu_reset(arch_current_task());
		return 0;
	}
	if (unlikely(!is_whole(at)))
		return pop_in_parts(at);
	if (likely(fpu_load_from_user(at) == 0))
		return 0;
	/* The program dies of it, or its handler of SIGSEGV starts: not with half of what it was. */
	arch_fpu_reset(arch_current_task());
	return -EFAULT;
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
	r->r8 = sc->r8; r->r9 = sc->r9; r->r10 = sc->r10; r->r11 = sc->r11;
	r->r12 = sc->r12; r->r13 = sc->r13; r->r14 = sc->r14; r->r15 = sc->r15;
	r->rdi = sc->rdi; r->rsi = sc->rsi; r->rbp = sc->rbp; r->rbx = sc->rbx;
	r->rdx = sc->rdx; r->rax = sc->rax; r->rcx = sc->rcx; r->rsp = sc->rsp;
	r->rip = sc->rip;
	/* clang-format on */
	r->cs = SEL_USER_CODE;
	r->ss = SEL_USER_DATA;
	r->rflags = (sc->rflags & FLAGS_USER) | FLAGS_IF | FLAGS_ONE;
	r->vector = REGS_VECTOR_NONE;
	r->error = 0;
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
