/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults and exceptions of user programs: resolved by the address space, or turned into signals. */
#include <arch/context.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/printk.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define LOG_BURST    10
#define LOG_INTERVAL (5 * NSEC_PER_SEC)

/* A program that faults in a loop must not wash everything else out of the log. */
bool program_log_allowed(void)
{
	static _Atomic uint64_t interval_start;
	static _Atomic uint32_t count;
	uint64_t now = time_now_ns();
	uint64_t start = atomic_load_explicit(&interval_start, memory_order_relaxed);

	if (now - start > LOG_INTERVAL && atomic_compare_exchange_strong(&interval_start, &start, now))
		atomic_store_explicit(&count, 0, memory_order_relaxed);
	return atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) < LOG_BURST;
}

/* Only what no handler will see is news. */
static bool unhandled(int signo)
{
	struct thread *t = current_thread();
	uint64_t handler = signal_action_get(t->process, signo).handler;

	if (ptrace_traced(t)) /* that is for the tracer to say */
		return false;
	return handler <= SIG_IGN || (t->blocked & SIGNAL_BIT(signo));
}

static const char *signal_noun(int signo)
{
	switch (signo) {
	case SIGSEGV:
		return "segfault";
	case SIGBUS:
		return "bus error";
	case SIGILL:
		return "invalid opcode";
	case SIGFPE:
		return "arithmetic fault";
	case SIGTRAP:
		return "trap";
	}
	return "exception";
}

static void log_fault(const struct arch_regs *regs, int signo, uint64_t addr, unsigned error)
{
	struct thread *t = current_thread();

	if (!unhandled(signo) || !program_log_allowed())
		return;
	pr_info("%s[%d]: %s at %lx ip %016lx sp %016lx error %x", t->task.name, t->tid, signal_noun(signo),
		addr, arch_regs_pc(regs), arch_regs_sp(regs), error);
}

/* The bits of the processor's page-fault error code, which is what people know how to read. */
static unsigned error_code(unsigned access, bool present)
{
	return (present ? 1u : 0) | (access & FAULT_WRITE ? 2u : 0) | (access & FAULT_USER ? 4u : 0) |
	       (access & FAULT_EXEC ? 16u : 0);
}

static void fault_signal(struct arch_regs *regs, uint64_t addr, unsigned access, int err)
{
	int signo = err == -ENXIO || err == -EIO ? SIGBUS : SIGSEGV;
	int code = signo == SIGBUS ? BUS_ADRERR : err == -EACCES ? SEGV_ACCERR : SEGV_MAPERR;

	log_fault(regs, signo, addr, error_code(access, err == -EACCES));
	signal_force(signo, code, addr);
}

/* Retries as long as killing somebody makes room, or waits for who is to resolve it: then the access is tried
 * again, after the signals of a fault in user mode. */
static __noinline int resolve_slowly(struct vm_space *vm, uint64_t addr, unsigned access, int err)
{
	while (err == -ENOMEM && process_oom_kill())
		err = vm_fault(vm, addr, access);
	return err == VM_FAULT_WAITS ? vm_fault_wait(vm, addr, access, access & FAULT_USER) : err;
}

static int resolve(struct vm_space *vm, uint64_t addr, unsigned access)
{
	int err;

	if (!vm || addr >= USER_END)
		return -EFAULT;
	err = vm_fault(vm, addr, access);
	return likely(err == 0) ? 0 : resolve_slowly(vm, addr, access, err);
}

bool trap_page_fault(struct arch_regs *regs, uint64_t addr, unsigned access)
{
	struct task *task = current_task();
	int err = resolve(task->vm, addr, access);

	if (err == 0) {
		if (likely(task->user))
			current_thread()->minor_faults++;
		atomic_fetch_add_explicit(&arch_this_cpu()->page_faults, 1, memory_order_relaxed);
		return true;
	}
	if (!(access & FAULT_USER))
		return false;
	if (err != -ENOMEM) /* then the running process is the victim and leaves */
		fault_signal(regs, addr, access, err);
	return true;
}

void trap_user_exception(struct arch_regs *regs, int signo, int code, uint64_t addr)
{
	log_fault(regs, signo, addr, 0);
	signal_force(signo, code, addr);
}

struct abi_siginfo trap_undo_call(struct arch_regs *regs, int32_t code, uint32_t reason)
{
	int64_t number = (int64_t)arch_regs_syscall_number(regs);

	arch_regs_set_result(regs, number);
	return (struct abi_siginfo){
		.signo = SIGSYS,
		.errno_ = (int32_t)reason,
		.code = code,
		.call_addr = arch_regs_pc(regs),
		.syscall = (int32_t)number,
		.arch = ARCH_AUDIT,
	};
}
