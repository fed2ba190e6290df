/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/io: what was read and written by calls.  There is no disk below: those counts are 0. */
#include "proc_priv.h"

#include <kernel/process.h>

/* As Linux counts: with threads that have ended and children that were waited for. */
static void whole_process(struct process *p, struct transfer_usage *out)
{
	struct usage usage;

	process_usage(p, &usage);
	*out = usage.transfers;
	process_child_usage(p, &usage);
	transfer_usage_add(out, &usage.transfers);
}

static void one_thread(struct process *p, pid_t tid, struct transfer_usage *out)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *thread = proc_thread_locked(p, tid);
	struct usage usage = { 0 };

	if (thread)
		thread_usage(thread, &usage);
	spin_unlock_irqrestore(&p->lock, flags);
	*out = usage.transfers;
}

int proc_show_io(struct proc_text *t, const struct proc_node *node)
{
	struct transfer_usage u;

	if (node->tid)
		one_thread(node->process, node->tid, &u);
	else
		whole_process(node->process, &u);
	text_printf(t, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", u.bytes_read, u.bytes_written,
		    u.reads, u.writes);
	text_printf(t, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
	return 0;
}
