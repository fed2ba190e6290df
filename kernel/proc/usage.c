/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What threads and processes have used.  A thread counts for itself; when it leaves, its counts go to its
 * process, and when that is waited for, to the parent's sum of children.  There is no disk, so no fault is
 * major and no block is read or written.
 */
#include <kernel/timespec.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "proc_priv.h"

void transfer_usage_add(struct transfer_usage *sum, const struct transfer_usage *part)
{
	sum->bytes_read += part->bytes_read;
	sum->bytes_written += part->bytes_written;
	sum->reads += part->reads;
	sum->writes += part->writes;
}

void usage_add(struct usage *sum, const struct usage *part)
{
	transfer_usage_add(&sum->transfers, &part->transfers);
	sum->user_ns += part->user_ns;
	sum->system_ns += part->system_ns;
	sum->minor_faults += part->minor_faults;
	sum->major_faults += part->major_faults;
	sum->switches_voluntary += part->switches_voluntary;
	sum->switches_forced += part->switches_forced;
	sum->max_rss_pages = MAX(sum->max_rss_pages, part->max_rss_pages);
}

void thread_usage(struct thread *t, struct usage *out)
{
	*out = (struct usage){
		.transfers = { READ_ONCE(t->transfers.bytes_read), READ_ONCE(t->transfers.bytes_written),
			       READ_ONCE(t->transfers.reads), READ_ONCE(t->transfers.writes) },
		.minor_faults = READ_ONCE(t->minor_faults),
		.major_faults = READ_ONCE(t->major_faults),
		.switches_voluntary = READ_ONCE(t->task.switches_voluntary),
		.switches_forced = READ_ONCE(t->task.switches_forced),
	};
	task_times(&t->task, &out->user_ns, &out->system_ns);
}

void process_usage_locked(struct process *p, struct usage *out)
{
	struct thread *t;

	assert_held(&p->lock);
	*out = p->usage;
	list_for_each (t, &p->threads, link) {
		struct usage one;

		thread_usage(t, &one);
		usage_add(out, &one);
	}
	if (p->vm)
		out->max_rss_pages = MAX(out->max_rss_pages, vm_pages_peak(p->vm));
}

void process_usage(struct process *p, struct usage *out)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	process_usage_locked(p, out);
	spin_unlock_irqrestore(&p->lock, flags);
}

void usage_leave_memory_locked(struct process *p)
{
	assert_held(&p->lock);
	if (p->vm)
		p->usage.max_rss_pages = MAX(p->usage.max_rss_pages, vm_pages_peak(p->vm));
}

void process_cpu_time(struct process *p, uint64_t *user_ns, uint64_t *system_ns)
{
	struct usage usage;

	process_usage(p, &usage);
	*user_ns = usage.user_ns;
	*system_ns = usage.system_ns;
}

void process_child_usage(struct process *p, struct usage *out)
{
	uint64_t flags = tree_lock();

	*out = p->child_usage;
	tree_unlock(flags);
}

static int thread_usage_by_id(pid_t tid, struct usage *out)
{
	uint64_t flags = tree_lock();
	struct thread *t = thread_find_locked(tid);
	int err = t && t->process == current_process() ? 0 : -EINVAL;

	if (err == 0)
		thread_usage(t, out);
	tree_unlock(flags);
	return err;
}

int usage_by_id(pid_t id, bool thread, struct usage *out)
{
	struct process *p;

	if (thread)
		return thread_usage_by_id(id ? id : current_thread()->tid, out);
	p = process_find(id ? id : current_process()->pid);
	if (!p)
		return -EINVAL;
	process_usage(p, out);
	process_put(p);
	return 0;
}

/* --- as getrusage(2) wants it ---------------------------------------------------------------------- */

void usage_to_abi(const struct usage *usage, struct abi_rusage *out)
{
	*out = (struct abi_rusage){
		.utime = ns_to_timeval(usage->user_ns),
		.stime = ns_to_timeval(usage->system_ns),
		.maxrss = (int64_t)(usage->max_rss_pages * (PAGE_SIZE / 1024)),
		.minflt = (int64_t)usage->minor_faults,
		.majflt = (int64_t)usage->major_faults,
		.nvcsw = (int64_t)usage->switches_voluntary,
		.nivcsw = (int64_t)usage->switches_forced,
	};
}

void usage_of_process(struct process *p, struct abi_rusage *out)
{
	struct usage usage;

	process_usage(p, &usage);
	usage_to_abi(&usage, out);
}

void usage_of_children(struct process *p, struct abi_rusage *out)
{
	struct usage usage;

	process_child_usage(p, &usage);
	usage_to_abi(&usage, out);
}

/* The memory is the process's, as on Linux. */
void usage_of_thread(struct thread *t, struct abi_rusage *out)
{
	struct usage usage, whole;

	thread_usage(t, &usage);
	process_usage(t->process, &whole);
	usage.max_rss_pages = whole.max_rss_pages;
	usage_to_abi(&usage, out);
}

/* As wait4(2) reports it: the child's own children count too. */
void usage_with_children(struct process *p, struct abi_rusage *out)
{
	struct usage usage;

	assert_held(&proc_tree_lock);
	process_usage(p, &usage);
	usage_add(&usage, &p->child_usage);
	usage_to_abi(&usage, out);
}
