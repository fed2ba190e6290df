/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that programs ask for and the kernel does not have: counted by number for
 * /proc/serix/unknown_syscalls, and told once a program in dmesg.
 */
#include <kernel/process.h>

#include <kernel/printk.h>

/* Programs that the log has told of, by a hash of their path.  A collision hides a line, no more. */
#define REPORTED 64u

static _Atomic uint32_t counts[UNKNOWN_CALLS + 1];
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

void process_unknown_call(uint64_t nr)
{
	struct process *p = current_process();

	atomic_fetch_add_explicit(&counts[MIN(nr, (uint64_t)UNKNOWN_CALLS)], 1, memory_order_relaxed);
	if (atomic_exchange_explicit(&p->unknown_calls_logged, 1, memory_order_relaxed) == 0 &&
	    first_report(p->exe))
		pr_debug("%s[%d]: system call %lu is not known here (said once for each program)", p->comm,
			 p->pid, nr);
}

uint32_t process_unknown_call_count(uint32_t nr)
{
	return atomic_load_explicit(&counts[MIN(nr, UNKNOWN_CALLS)], memory_order_relaxed);
}
