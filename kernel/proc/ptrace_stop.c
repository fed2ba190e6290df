/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping and going on.  A tracee stops itself, with the tree lock and its process's held, so whoever is
 * told finds it stopped; only a fatal signal or its tracer ends that.
 *
 * Who wakes a tracee changes its state first, under process.lock, and the tracee looks at that each time it
 * wakes.  While it is frozen nobody wakes it: then it has not run since its registers were saved.
 */
#include <kernel/time.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

static bool killed_locked(const struct thread *t)
{
	const struct process *p = t->process;

	if ((t->pending.pending | p->pending.pending) & SIGNAL_BIT(SIGKILL))
		return true;
	return !t->ptrace.ending && thread_must_leave_locked(t);
}

void thread_wake_stopped_locked(struct thread *t, bool fatal)
{
	assert_held(&t->process->lock);
	if (t->ptrace.stopped && (!fatal || t->ptrace.frozen))
		return;
	task_wake_from(&t->task, TASK_STOPPED);
}

/* --- the tracee ----------------------------------------------------------------------------------- */

static void tell_tracer_locked(struct thread *t)
{
	const struct ptrace *tr = &t->ptrace;
	struct abi_siginfo info = { .code = tr->why, .pid = t->tid, .uid = t->process->cred.uid };

	info.value = (uint32_t)(tr->code & 0x7f);
	tracer_notify_locked(tr->tracer->process, &info);
}

/* The first half: stopped, and told.  False: it does not stop. */
static bool begin_stop(struct thread *t, int code, int why, uint64_t message, struct abi_siginfo *info,
		       bool *counted)
{
	struct process *p = t->process;
	struct ptrace *tr = &t->ptrace;
	uint64_t flags = tree_lock();
	bool complete = false;

	spin_lock(&p->lock);
	if (!tr->tracer || killed_locked(t)) {
		tr->code = tr->tracer ? 0 : code;
		spin_unlock(&p->lock);
		tree_unlock(flags);
		return false;
	}
	tr->code = code;
	tr->why = why;
	tr->message = message;
	tr->info = info;
	tr->stopped = true;
	tr->reported = tr->listening = false;
	*counted = why == CLD_STOPPED && p->stop_requested;
	if (*counted) {
		p->stopped_threads++;
		complete = process_stop_complete_locked(p);
	}
	atomic_store(&t->task.state, TASK_STOPPED);
	spin_unlock(&p->lock);
	tell_tracer_locked(t);
	tree_unlock(flags);
	if (complete)
		process_report_stopped(p);
	return true;
}

/* Sleep until it may go on; process.lock is held then. */
static uint64_t sleep_stopped(struct thread *t)
{
	struct process *p = t->process;
	struct ptrace *tr = &t->ptrace;

	for (;;) {
		uint64_t flags;

		schedule();
		flags = spin_lock_irqsave(&p->lock);
		if (!tr->stopped)
			return flags;
		if (!tr->frozen && killed_locked(t)) {
			tr->stopped = false;
			tr->code = 0;
			return flags;
		}
		atomic_store(&t->task.state, TASK_STOPPED);
		spin_unlock_irqrestore(&p->lock, flags);
	}
}

int ptrace_stop(int code, int why, uint64_t message, struct abi_siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	bool counted = false;
	uint64_t flags;

	if (!begin_stop(t, code, why, message, info, &counted))
		return t->ptrace.code;
	flags = sleep_stopped(t);
	if (counted)
		p->stopped_threads--;
	t->ptrace.info = NULL;
	t->ptrace.listening = false;
	code = t->ptrace.code;
	signal_recalc_locked(t);
	spin_unlock_irqrestore(&p->lock, flags);
	return code;
}

int ptrace_notify(int code, int why, uint64_t message)
{
	struct thread *t = current_thread();
	struct abi_siginfo info = { .signo = code & 0x7f, .code = code, .pid = t->tid };

	info.uid = t->process->cred.uid;
	return ptrace_stop(code, why, message, &info);
}

void ptrace_trap(struct thread *t)
{
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	int signo = p->stop_requested ? p->stop_signal : SIGTRAP;
	bool seized = t->ptrace.seized, due = ptrace_trap_due_locked(t);

	t->ptrace.trap_asked = false;
	t->ptrace.group_seen = p->stop_requested;
	spin_unlock_irqrestore(&p->lock, flags);
	if (due && seized)
		ptrace_notify(signo | PTRACE_EVENT_STOP << 8, CLD_STOPPED, 0);
	else if (due)
		ptrace_stop(signo, CLD_STOPPED, 0, NULL);
}

/* --- others, about it ------------------------------------------------------------------------------ */

/* Have it stop by itself, to tell; process.lock is held. */
static void ask_for_trap_locked(struct thread *t)
{
	t->ptrace.trap_asked = true;
	if (t->ptrace.stopped && t->ptrace.listening)
		ptrace_resume_locked(t, 0);
	task_set_work(&t->task, TASK_WORK_SIGNAL);
}

void ptrace_continued_locked(struct thread *t)
{
	t->ptrace.group_seen = false;
	if (t->ptrace.tracer && t->ptrace.seized)
		ask_for_trap_locked(t);
}

void ptrace_stop_again_locked(struct thread *t)
{
	t->ptrace.group_seen = false;
	if (t->ptrace.stopped && t->ptrace.listening)
		ptrace_resume_locked(t, 0);
}

void ptrace_resume_locked(struct thread *t, int code)
{
	assert_held(&t->process->lock);
	t->ptrace.code = code;
	t->ptrace.stopped = t->ptrace.frozen = false;
	task_wake_from(&t->task, TASK_STOPPED);
}

int ptrace_interrupt_locked(struct thread *t)
{
	if (!t->ptrace.seized)
		return -EIO;
	ask_for_trap_locked(t);
	return 0;
}

int ptrace_listen_locked(struct thread *t)
{
	struct ptrace *tr = &t->ptrace;

	if (!tr->stopped || tr->listening)
		return -ESRCH;
	if (!tr->seized || !tr->info || tr->info->code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	tr->listening = true;
	/* What came since it stopped has it stop again at once. */
	if (ptrace_trap_due_locked(t))
		ptrace_resume_locked(t, 0);
	return 0;
}

/* --- the tracer ------------------------------------------------------------------------------------- */

int ptrace_act(pid_t tid, int (*act)(struct thread *t))
{
	uint64_t flags = tree_lock();
	struct thread *t = thread_find_locked(tid);
	int err = -ESRCH;

	if (t && t->ptrace.tracer == current_thread()) {
		spin_lock(&t->process->lock);
		err = act(t);
		spin_unlock(&t->process->lock);
	}
	tree_unlock(flags);
	return err;
}

static int freeze_locked(struct thread *t)
{
	struct ptrace *tr = &t->ptrace;

	if (!tr->stopped || tr->listening || killed_locked(t))
		return -ESRCH;
	process_get(t->process);
	tr->frozen = true;
	return 0;
}

int ptrace_freeze(pid_t tid, struct thread **out)
{
	uint64_t flags;
	int err = ptrace_act(tid, freeze_locked);

	if (err < 0)
		return err;
	flags = tree_lock();
	*out = thread_find_locked(tid); /* frozen: still the same */
	tree_unlock(flags);
	/* It said that it stopped a few instructions before it does. */
	task_wait_until_off(&(*out)->task, TASK_STOPPED);
	return 0;
}

void ptrace_thaw(struct thread *t)
{
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);

	t->ptrace.frozen = false;
	if (killed_locked(t))
		task_wake_from(&t->task, TASK_STOPPED);
	spin_unlock_irqrestore(&p->lock, flags);
	process_put(p);
}

void ptrace_thaw_and_resume(struct thread *t, int code, enum ptrace_mode mode)
{
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);

	ptrace_set_mode_locked(t, mode);
	ptrace_resume_locked(t, killed_locked(t) ? 0 : code);
	spin_unlock_irqrestore(&p->lock, flags);
	process_put(p);
}
