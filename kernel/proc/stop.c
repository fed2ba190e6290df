/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping and continuing whole processes.
 *
 * The thread that takes a stop signal raises stop_requested and every other thread's work bit; each parks
 * itself on its way to user mode.  The last to park makes the process STOPPED and tells the parent.
 * SIGCONT (when sent) and SIGKILL take stop_requested back and wake the parked threads; one of them tells
 * the parent, because the sender may be an interrupt handler that holds the tree lock.
 */
#include "ptrace_priv.h"

/* After the stop is complete.  Takes the tree lock, so process.lock is not held. */
void process_report_stopped(struct process *p)
{
	uint64_t flags = tree_lock();
	uint64_t inner = spin_lock_irqsave(&p->lock);
	bool still = p->state == PROCESS_STOPPED;
	int signo = p->stop_signal;

	spin_unlock_irqrestore(&p->lock, inner);
	if (still && !ptrace_by_parent_locked(p))
		parent_notify_locked(p, SIGCHLD, CLD_STOPPED, signo);
	tree_unlock(flags);
}

bool process_stop_complete_locked(struct process *p)
{
	if (!p->stop_requested || p->state != PROCESS_ALIVE || p->thread_count == 0 ||
	    p->stopped_threads < p->thread_count)
		return false;
	p->state = PROCESS_STOPPED;
	p->stop_reported = false;
	p->continued = false;
	return true;
}

void thread_park_locked(struct thread *t, uint64_t flags)
{
	struct process *p = t->process;
	bool last;

	p->stopped_threads++;
	last = process_stop_complete_locked(p);
	while (p->stop_requested && !thread_must_leave_locked(t) && !t->ptrace.tracer) {
		/* Set under the lock that the waker takes: its wake-up comes after and is not lost. */
		atomic_store(&t->task.state, TASK_STOPPED);
		spin_unlock_irqrestore(&p->lock, flags);
		if (last)
			process_report_stopped(p);
		last = false;
		schedule();
		flags = spin_lock_irqsave(&p->lock);
		if (t->pending.pending & SIGNAL_BIT(SIGKILL) || p->pending.pending & SIGNAL_BIT(SIGKILL))
			break;
	}
	p->stopped_threads--;
	signal_recalc_locked(t);
	spin_unlock_irqrestore(&p->lock, flags);
	if (last)
		process_report_stopped(p);
}

void process_stop_locked(struct process *p, int signo, uint64_t flags)
{
	struct thread *t;

	if (p->state != PROCESS_STOPPED)
		p->stop_signal = signo;
	p->stop_requested = true;
	list_for_each (t, &p->threads, link) {
		ptrace_stop_again_locked(t);
		task_set_work(&t->task, TASK_WORK_SIGNAL);
	}
	if (current_thread()->ptrace.tracer) /* takes part by a stop of its own */
		spin_unlock_irqrestore(&p->lock, flags);
	else
		thread_park_locked(current_thread(), flags);
}

void process_continue_locked(struct process *p)
{
	struct thread *t;

	assert_held(&p->lock);
	p->stop_dequeued = false;
	list_for_each (t, &p->threads, link)
		ptrace_continued_locked(t);
	if (!p->stop_requested)
		return;
	p->stop_requested = false;
	if (p->state == PROCESS_STOPPED) {
		p->state = PROCESS_ALIVE;
		p->continued = true;
		p->notify_continued = true;
	}
	list_for_each (t, &p->threads, link) {
		atomic_fetch_or(&t->task.work, TASK_WORK_SIGNAL);
		thread_wake_stopped_locked(t, false);
	}
}

void process_report_continued(struct process *p)
{
	uint64_t flags = tree_lock();

	parent_notify_locked(p, SIGCHLD, CLD_CONTINUED, SIGCONT);
	tree_unlock(flags);
}
