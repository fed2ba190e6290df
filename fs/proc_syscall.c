/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/syscall: the call in which a thread sleeps, its arguments, stack pointer and the place where it
 * goes on. */
#include "proc_priv.h"

#include <kernel/process.h>

int proc_show_syscall(struct proc_text *t, const struct proc_node *node)
{
	struct process *p = node->process;
	struct sleeping_call call = { .nr = -1 };
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *thread = proc_thread_locked(p, node->tid);
	bool known = !thread || thread_sleeping_call_locked(thread, &call);

	spin_unlock_irqrestore(&p->lock, flags);
	if (!known) {
		text_printf(t, "running\n");
		return 0;
	}
	text_printf(t, "%ld", call.nr);
	for (unsigned i = 0; call.nr >= 0 && i < 6; i++)
		text_printf(t, " 0x%lx", call.args[i]);
	text_printf(t, " 0x%lx 0x%lx\n", call.sp, call.pc);
	return 0;
}
