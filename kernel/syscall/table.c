/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hermes: from the number of a call to its handler.
 *
 * This is on the way of every system call, so it does nothing that a handler could do itself.  The table
 * has an entry for every number below SYSCALL_MAX, so a look-up needs one comparison; the index is masked
 * as well, because the processor may run ahead of the comparison.
 */
#include <kernel/syscall.h>

#include <arch/context.h>
#include <arch/trap.h>
#include <kernel/process.h>
#include <kernel/syscall_watch.h>
#include <kernel/unsupported.h>
#include <serix/errno.h>

static __noinline int64_t unknown(const struct syscall_args *args)
{
	unsupported_note(UNSUPPORTED_CALL, arch_regs_syscall_number(arch_regs_of_args(args->a)), NULL);
	return -ENOSYS;
}

#define SYSCALL_ENTRY(nr, name, arity, file) [nr] = sys_##name,
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const syscall_fn table[SYSCALL_MAX] = { [0 ... SYSCALL_MAX - 1] = unknown,
					       SYSCALL_LIST(SYSCALL_ENTRY) };
#pragma GCC diagnostic pop

/* The saved registers are the arguments: nothing is copied. */
static const struct syscall_args *args_of(const struct arch_regs *regs)
{
	return (const struct syscall_args *)arch_regs_syscall_args(regs);
}

static int64_t call_handler(const struct arch_regs *regs, uint64_t nr)
{
	return table[index_nospec32((uint32_t)nr, SYSCALL_MAX)](args_of(regs));
}

int64_t syscall_dispatch(struct arch_regs *regs)
{
	uint64_t nr = arch_regs_syscall_number(regs);
	uint32_t direct = atomic_load_explicit(&current_thread()->direct_calls, memory_order_relaxed);

	if (likely(nr < direct))
		return call_handler(regs, nr);
	return direct ? unknown(args_of(regs)) : syscall_dispatch_watched(regs);
}

int64_t syscall_dispatch_unwatched(struct arch_regs *regs)
{
	uint64_t nr = arch_regs_syscall_number(regs);

	return nr < SYSCALL_MAX ? call_handler(regs, nr) : unknown(args_of(regs));
}

void syscall_restarts(void)
{
	/* The way back to user mode has to look, whoever took the signal. */
	atomic_fetch_or(&current_task()->work, TASK_WORK_SIGNAL);
}
