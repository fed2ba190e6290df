/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions and interrupts, sorted: what a program caused becomes a signal, what the user-copy routines
 * hit goes on at their fix-up, everything else in kernel mode is a bug and panics.
 */
#include <arch/trap.h>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/vmalloc.h>
#include <serix/abi.h>

#include "apic.h"
#include "cpu.h"
#include "debug_regs.h"
#include "mce.h"
#include "nmi.h"
#include "trap_priv.h"
#include "vectors.h"
#include "x86.h"

#define FPE_FLTDIV  3
#define FPE_FLTOVF  4
#define FPE_FLTUND  5
#define FPE_FLTRES  6
#define TRAP_HWBKPT 4

/* The exception flags have the same order in x87's status word and in MXCSR. */
#define FP_INVALID   (1u << 0)
#define FP_DENORMAL  (1u << 1)
#define FP_ZERO      (1u << 2)
#define FP_OVERFLOW  (1u << 3)
#define FP_UNDERFLOW (1u << 4)
#define FP_PRECISION (1u << 5)

extern char boot_stack_guard[], boot_stack_bottom[];

static bool is_stack_guard(uint64_t addr)
{
	return kstack_guard_hit(addr) ||
	       (addr >= (uint64_t)boot_stack_guard && addr < (uint64_t)boot_stack_bottom);
}

static unsigned fault_access(uint64_t error)
{
	return (error & PF_WRITE ? FAULT_WRITE : 0) | (error & PF_FETCH ? FAULT_EXEC : 0) |
	       (error & PF_USER ? FAULT_USER : 0);
}

static void user_page_fault(struct arch_regs *regs, uint64_t addr)
{
	if (addr >= USER_END)
		regs->error |= PF_PRESENT; /* what of the kernel is mapped is not told */
	if (addr >= USER_END || !trap_page_fault(regs, addr, fault_access(regs->error)))
		trap_user_exception(regs, SIGSEGV, SEGV_MAPERR, addr);
}

/* A failed fetch belongs to the CALL that jumped there: its return address is on the stack. */
static uint64_t fetch_fixup(struct arch_regs *regs)
{
	uint64_t fixup = extable_find(*(const uint64_t *)regs->rsp);

	if (fixup)
		regs->rsp += sizeof(uint64_t);
	return fixup;
}

/* May the fault be what the user-copy routines expect: a page not present yet? */
static bool may_resolve(const struct arch_regs *regs, uint64_t addr)
{
	bool access_open = !cpu_features.smap || (regs->rflags & FLAGS_AC);

	return addr < USER_END && access_open && !(regs->error & PF_FETCH) && arch_preempt_count() == 0 &&
	       arch_this_cpu()->irq_depth == 0 && arch_current_task() && arch_current_task()->vm;
}

static const char *access_noun(uint64_t error)
{
	if (error & PF_FETCH)
		return "fetch";
	return error & PF_WRITE ? "write" : "read";
}

static const char *kernel_fault_reason(const struct arch_regs *regs, uint64_t addr)
{
	if (regs->error & PF_RSVD)
		return "corrupt page table";
	if (addr < PAGE_SIZE)
		return "null pointer";
	if (is_stack_guard(addr))
		return "kernel stack overflow";
	if (regs->error & PF_FETCH)
		return addr < USER_END ? "execution of user memory" : "execution of data";
	if (addr < USER_END)
		return "user memory touched outside the copy routines";
	if (regs->error & PF_PRESENT)
		return "write to read-only memory";
	return "address not mapped";
}

static void kernel_page_fault(struct arch_regs *regs, uint64_t addr)
{
	uint64_t fixup = extable_find(regs->rip);

	if (fixup && may_resolve(regs, addr) && trap_page_fault(regs, addr, fault_access(regs->error)))
		return;
	if (!fixup && (regs->error & PF_FETCH) && regs->rip == addr)
		fixup = fetch_fixup(regs);
	if (!fixup)
		panic_regs(regs, "%s: kernel %s at %#lx", kernel_fault_reason(regs, addr),
			   access_noun(regs->error), addr);
	regs->rip = fixup;
}

static void page_fault(struct arch_regs *regs)
{
	uint64_t addr = cr2_read();

	/* Only now may another fault overwrite CR2. */
	if (regs->rflags & FLAGS_IF)
		arch_irq_enable();
	if (arch_regs_user(regs))
		user_page_fault(regs, addr);
	else
		kernel_page_fault(regs, addr);
	arch_irq_disable();
}

static int fp_code(unsigned flags)
{
	if (flags & FP_INVALID)
		return FPE_FLTINV;
	if (flags & FP_ZERO)
		return FPE_FLTDIV;
	if (flags & FP_OVERFLOW)
		return FPE_FLTOVF;
	if (flags & (FP_UNDERFLOW | FP_DENORMAL))
		return FPE_FLTUND;
	return FPE_FLTRES;
}

static int x87_code(void)
{
	uint16_t control, status;

	__asm__ volatile("fnstcw %0" : "=m"(control));
	__asm__ volatile("fnstsw %0" : "=m"(status));
	return fp_code(status & ~control & 0x3f);
}

static int simd_code(void)
{
	uint32_t mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return fp_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

/* Why the program has a debug exception: from the processor's register, which says it of this CPU and so must
 * be read with interrupts off, to the thread's.  RF lets it go on at an instruction with a breakpoint. */
static void note_debug_status(struct arch_regs *regs)
{
	struct arch_context *ctx = &arch_current_task()->context;
	uint64_t dr6 = dr6_read();
	bool executes;

	dr6_write(DR6_RESET);
	ctx->debug_status = (dr6 & DR6_SINGLE_STEP) | debug_regs_hit(ctx, dr6, &executes);
	if (executes)
		regs->rflags |= FLAGS_RF;
}

static int debug_code(void)
{
	uint64_t status = arch_current_task()->context.debug_status;

	if (status & DR6_SINGLE_STEP)
		return TRAP_TRACE;
	return status & DR6_BREAKPOINTS ? TRAP_HWBKPT : TRAP_BRKPT;
}

/* Linux's signal, code and address for each exception. */
static void user_exception(struct arch_regs *regs)
{
	switch (regs->vector) {
	case EXC_DIVIDE:
		trap_user_exception(regs, SIGFPE, FPE_INTDIV, regs->rip);
		return;
	case EXC_DEBUG:
		trap_user_exception(regs, SIGTRAP, debug_code(), regs->rip);
		return;
	case EXC_BREAKPOINT:
		trap_user_exception(regs, SIGTRAP, SI_KERNEL, 0);
		return;
	case EXC_INVALID_OPCODE:
		trap_user_exception(regs, SIGILL, ILL_ILLOPN, regs->rip);
		return;
	case EXC_NO_FPU:
	case EXC_X87:
		trap_user_exception(regs, SIGFPE, x87_code(), regs->rip);
		return;
	case EXC_SIMD:
		trap_user_exception(regs, SIGFPE, simd_code(), regs->rip);
		return;
	case EXC_ALIGNMENT:
		trap_user_exception(regs, SIGBUS, BUS_ADRALN, 0);
		return;
	case EXC_NOT_PRESENT:
	case EXC_STACK:
		trap_user_exception(regs, SIGBUS, SI_KERNEL, 0);
		return;
	default:
		trap_user_exception(regs, SIGSEGV, SI_KERNEL, 0);
		return;
	}
}

static void kernel_exception(struct arch_regs *regs)
{
	uint64_t fixup = extable_find(regs->rip);

	if (!fixup)
		panic_regs(regs, "%s in the kernel, error %#lx", exception_name(regs->vector), regs->error);
	regs->rip = fixup;
}

void exception_entry(struct arch_regs *regs)
{
	if (likely(regs->vector == EXC_PAGE_FAULT)) {
		page_fault(regs);
		return;
	}
	if (!arch_regs_user(regs)) {
		kernel_exception(regs);
		return;
	}
	if (unlikely(regs->vector == EXC_DEBUG))
		note_debug_status(regs);
	arch_irq_enable();
	user_exception(regs);
	arch_irq_disable();
}

static void double_fault(const struct arch_regs *regs)
{
	uint64_t addr = cr2_read();

	if (is_stack_guard(addr))
		panic_regs(regs, "kernel stack overflow: %#lx lies in the guard page of a stack", addr);
	panic_regs(regs, "double fault");
}

/* On an IST stack. */
void paranoid_exception_entry(struct arch_regs *regs)
{
	switch (regs->vector) {
	case EXC_NMI:
		nmi_handle(regs);
		return;
	case EXC_DEBUG:
		/* The kernel uses no breakpoints: a program's trick, or a program's breakpoint on what the
		 * kernel touches for it; harmless once it is over. */
		dr6_write(DR6_RESET);
		regs->rflags &= ~FLAGS_TF;
		return;
	case EXC_MACHINE_CHECK:
		mce_handle(regs);
	case EXC_DOUBLE_FAULT:
		double_fault(regs);
	}
	panic_regs(regs, "%s on an interrupt stack", exception_name(regs->vector));
}

static void dispatch_interrupt(struct arch_regs *regs)
{
	unsigned vector = (unsigned)regs->vector;

	if (vector == VECTOR_TIMER) {
		apic_eoi();
		trap_timer(regs);
		nmi_report();
	} else if (vector >= VECTOR_DEVICE && vector < VECTOR_DEVICE + IRQ_SLOTS) {
		irq_dispatch(vector - VECTOR_DEVICE);
		apic_eoi();
	} else if (vector >= VECTOR_IPI && vector < VECTOR_IPI + IPI_COUNT) {
		apic_eoi();
		ipi_handle((enum ipi)(vector - VECTOR_IPI));
	} else if (vector == VECTOR_APIC_ERROR) {
		apic_report_error();
		apic_eoi();
	}
	/* Spurious ones, of the APIC and of the 8259s, are not acknowledged. */
}

void interrupt_entry(struct arch_regs *regs)
{
	struct cpu *cpu = arch_this_cpu();

	cpu->irq_depth++;
	dispatch_interrupt(regs);
	cpu->irq_depth--;
	if (!arch_regs_user(regs))
		trap_irq_exit();
}

/* A program's registers point outside the user half; it dies of that, unless its handler repairs them. */
void exit_to_bad_address(struct arch_regs *regs)
{
	arch_irq_enable();
	trap_user_exception(regs, SIGSEGV, SI_KERNEL, 0);
	arch_irq_disable();
}
