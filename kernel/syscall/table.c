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
#include <kernel/unsupported.h>
#include <serix/errno.h>

#define SYSCALL_ENTRY(nr, name, arity, file) [nr] = sys_##name,
static const syscall_fn table[SYSCALL_MAX] = { SYSCALL_LIST(SYSCALL_ENTRY) };

static __noinline int64_t unknown(uint64_t nr)
{
	unsupported_note(UNSUPPORTED_CALL, nr, NULL);
	return -ENOSYS;
}

int64_t syscall_dispatch(const struct arch_regs *regs)
{
	uint64_t nr = arch_regs_syscall_number(regs);
	syscall_fn fn = NULL;

	if (likely(nr < SYSCALL_MAX))
		fn = table[index_nospec32((uint32_t)nr, SYSCALL_MAX)];
	if (unlikely(!fn))
		return unknown(nr);
	/* The saved registers are the arguments: nothing is copied. */
	return fn((const struct syscall_args *)arch_regs_syscall_args(regs));
}

void syscall_restarts(void)
{
	/* The way back to user mode has to look, whoever took the signal. */
	atomic_fetch_or(&current_task()->work, TASK_WORK_SIGNAL);
}
