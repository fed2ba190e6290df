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
#include <kernel/printk.h>
#include <kernel/process.h>
#include <serix/errno.h>

static _Atomic uint32_t unknown_counts[SYSCALL_MAX + 1];

#define SYSCALL_ENTRY(nr, name, arity, file) [nr] = sys_##name,
static const syscall_fn table[SYSCALL_MAX] = { SYSCALL_LIST(SYSCALL_ENTRY) };

#define SYSCALL_NAME(nr, name, arity, file) [nr] = #name,
static const char *const names[SYSCALL_MAX] = { SYSCALL_LIST(SYSCALL_NAME) };

const char *syscall_name(uint64_t nr)
{
	return nr < SYSCALL_MAX ? names[nr] : NULL;
}

uint32_t syscall_unknown_count(uint64_t nr)
{
	return atomic_load_explicit(&unknown_counts[MIN(nr, (uint64_t)SYSCALL_MAX)], memory_order_relaxed);
}

/* Programs that the log has told of, by a hash of their path.  A collision hides a line, no more. */
#define REPORTED 64u
static _Atomic uint32_t reported[REPORTED];

static bool first_report(const char *program)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *program; program++)
		hash = (hash ^ (uint8_t)*program) * 16777619u;
	hash |= 1; /* zero means free */
	return atomic_exchange_explicit(&reported[(hash >> 1) % REPORTED], hash, memory_order_relaxed) !=
	       hash;
}

static __noinline int64_t unknown(uint64_t nr)
{
	struct process *p = current_process();

	atomic_fetch_add_explicit(&unknown_counts[MIN(nr, (uint64_t)SYSCALL_MAX)], 1, memory_order_relaxed);
	if (atomic_exchange_explicit(&p->unknown_calls_logged, 1, memory_order_relaxed) == 0 &&
	    first_report(p->exe))
		pr_debug("%s[%d]: system call %lu is not known here (said once for each program)", p->comm,
			 p->pid, nr);
	return -ENOSYS;
}

void syscall_dispatch(struct arch_regs *regs)
{
	uint64_t nr = (uint64_t)arch_regs_syscall(regs);
	syscall_fn fn = NULL;
	int64_t result;

	if (likely(nr < SYSCALL_MAX))
		fn = table[index_nospec(nr, SYSCALL_MAX)];
	/* The saved registers are the arguments: nothing is copied. */
	if (likely(fn))
		result = fn((const struct syscall_args *)arch_regs_syscall_args(regs));
	else
		result = unknown(nr);
	arch_regs_set_result(regs, result);
	/* What is to be restarted needs the way back to user mode to look, whoever took the signal. */
	if (unlikely(result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK))
		atomic_fetch_or(&current_task()->work, TASK_WORK_SIGNAL);
}
