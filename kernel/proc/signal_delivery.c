/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back to user mode: leave, stop, run handlers, restart interrupted system calls, reschedule.
 */
#include <arch/context.h>
#include <arch/step.h>
#include <arch/trap.h>
#include <kernel/core_dump.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/syscall.h>
#include <kernel/uring.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define ALTSTACK_MIN  2048u
#define SS_AUTODISARM (1u << 31)
#define FAULTS_OF_INIT                                                                        \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | \
	 SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS))

static bool is_restart(int64_t result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	       result == -ERESTART_RESTARTBLOCK;
}

/* --- choosing ------------------------------------------------------------------------------------ */

/* A stop signal was dequeued and process.lock is held; it is not on return. */
static void default_stop_locked(struct thread *t, int signo, uint64_t flags)
{
	struct process *p = t->process;

	if (signo != SIGSTOP) {
		uint64_t tree;
		bool orphaned;

		p->stop_dequeued = true;
		spin_unlock_irqrestore(&p->lock, flags);
		tree = tree_lock();
		orphaned = group_orphaned_locked(p->pgid, NULL);
		tree_unlock(tree);
		flags = spin_lock_irqsave(&p->lock);
		if (orphaned || !p->stop_dequeued) {
			spin_unlock_irqrestore(&p->lock, flags);
			return;
		}
		p->stop_dequeued = false;
	}
	process_stop_locked(p, signo, flags);
}

static bool fatal_signal_pending_locked(struct thread *t)
{
	return signal_pending_set_locked(t) & SIGNAL_BIT(SIGKILL);
}

/* Pid 1 dies of its own faults only. */
static bool default_has_no_effect(const struct process *p, int signo, const struct abi_siginfo *info)
{
	if (signal_default_ignored(signo))
		return true;
	return p->pid == 1 && !(info->code > 0 && (SIGNAL_BIT(signo) & FAULTS_OF_INIT));
}

/* The next signal that has a handler, or 0.  Signals with default actions are acted upon here. */
static int next_handled(struct thread *t, struct abi_siginfo *info, struct abi_sigaction *action)
{
	struct process *p = t->process;

	for (;;) {
		uint64_t flags = spin_lock_irqsave(&p->lock);
		int signo;

		if (thread_must_leave_locked(t)) {
			spin_unlock_irqrestore(&p->lock, flags);
			thread_exit(0);
		}
		if (p->notify_continued) {
			p->notify_continued = false;
			spin_unlock_irqrestore(&p->lock, flags);
			process_report_continued(p);
			continue;
		}
		if (ptrace_trap_due_locked(t) && !fatal_signal_pending_locked(t)) {
			spin_unlock_irqrestore(&p->lock, flags);
			ptrace_trap(t);
			continue;
		}
		if (p->stop_requested && !t->ptrace.tracer && !fatal_signal_pending_locked(t)) {
			thread_park_locked(t, flags);
			continue;
		}
		signo = signal_dequeue_locked(t, ~t->blocked, info);
		if (signo == 0) {
			signal_recalc_locked(t);
			spin_unlock_irqrestore(&p->lock, flags);
			return 0;
		}
		if (ptrace_traced(t) && signo != SIGKILL) {
			spin_unlock_irqrestore(&p->lock, flags);
			signo = ptrace_deliver(t, signo, info);
			if (signo == 0)
				continue;
			flags = spin_lock_irqsave(&p->lock);
		}
		spin_lock(&p->actions->lock);
		*action = signal_action_locked(p->actions, signo);
		if (action->handler > SIG_IGN && (action->flags & SA_RESETHAND))
			signal_action_default_locked(p->actions, signo);
		spin_unlock(&p->actions->lock);

		if (action->handler == SIG_DFL && !default_has_no_effect(p, signo, info) &&
		    signal_default_stops(signo)) {
			default_stop_locked(t, signo, flags);
			continue;
		}
		spin_unlock_irqrestore(&p->lock, flags);
		if (action->handler > SIG_IGN)
			return signo;
		if (action->handler == SIG_DFL && !default_has_no_effect(p, signo, info)) {
			if (signal_default_dumps(signo))
				core_dump(info);
			process_exit(signo);
		}
	}
}

/* --- frames -------------------------------------------------------------------------------------- */

/* With SS_AUTODISARM nobody is ever "on" a stack: it may be set anew and used again from its top. */
static bool on_altstack(const struct thread *t, uaddr_t sp)
{
	return !((uint32_t)t->altstack.flags & SS_AUTODISARM) && sp > t->altstack.sp &&
	       sp - t->altstack.sp <= t->altstack.size;
}

static uint32_t altstack_flags(const struct thread *t, uaddr_t sp)
{
	uint32_t disarms = (uint32_t)t->altstack.flags & SS_AUTODISARM;

	if (t->altstack.size == 0)
		return SS_DISABLE | disarms;
	return (on_altstack(t, sp) ? SS_ONSTACK : 0) | disarms;
}

static bool is_altstack(const struct thread *t, uint64_t sp, uint64_t size, uint32_t flags)
{
	return t->altstack.sp == sp && t->altstack.size == size && (uint32_t)t->altstack.flags == flags;
}

static void frame_failed(int signo)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);

	/* No frame for the very handler that should hear of it: let the default action end the program. */
	if (signo == SIGSEGV) {
		spin_lock(&p->actions->lock);
		signal_action_default_locked(p->actions, SIGSEGV);
		spin_unlock(&p->actions->lock);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	signal_force(SIGSEGV, SI_KERNEL, 0);
}

static void run_handler(struct thread *t, struct arch_regs *regs, int signo, const struct abi_siginfo *info,
			const struct abi_sigaction *action)
{
	uaddr_t sp = arch_regs_sp(regs);
	bool nested = on_altstack(t, sp);
	bool switch_stack = (action->flags & SA_ONSTACK) && t->altstack.size > 0 && !nested;
	struct arch_sigframe_info frame = {
		.handler = action->handler,
		.restorer = action->restorer,
		.mask = t->restore_mask ? t->saved_mask : t->blocked,
		.altstack_top = switch_stack ? t->altstack.sp + t->altstack.size : 0,
		.within_altstack = nested || switch_stack,
		.ss_sp = t->altstack.sp,
		.ss_size = t->altstack.size,
		.ss_flags = (uint32_t)t->altstack.flags, /* as they were set */
		.siginfo = info,
		.signo = signo,
	};
	bool stepped = ptrace_steps(t);
	uint64_t mask;

	if (unlikely(stepped))
		arch_step(&t->task, false);
	rseq_signal(t, regs);
	if (!(action->flags & SA_RESTORER) || arch_signal_push(regs, &frame) < 0) {
		frame_failed(signo);
		return;
	}
	if ((uint32_t)t->altstack.flags & SS_AUTODISARM)
		t->altstack = (struct abi_stack){ .flags = SS_DISABLE };
	t->restore_mask = false;
	mask = t->blocked | action->mask;
	if (!(action->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(signo);
	signal_set_mask(mask);
	if (unlikely(stepped))
		ptrace_notify(SIGTRAP, CLD_TRAPPED, 0);
}

int64_t signal_return(void)
{
	struct thread *t = current_thread();
	struct arch_regs *regs = arch_user_regs(&t->task);
	struct abi_stack old __attribute__((uninitialized));
	uint64_t mask, ss_sp, ss_size;
	uint32_t ss_flags;

	if (arch_signal_return(regs, &mask, &ss_sp, &ss_size, &ss_flags) < 0) {
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return 0;
	}
	signal_set_mask(mask);
	t->restart.fn = NULL;
	/* As sigaltstack(2) with the frame's values; nobody hears of a failure. */
	if (!is_altstack(t, ss_sp, ss_size, ss_flags))
		(void)signal_altstack(
			&(struct abi_stack){ .sp = ss_sp, .flags = (int32_t)ss_flags, .size = ss_size },
			&old);
	return arch_regs_result(regs);
}

int64_t signal_altstack(const struct abi_stack *set, struct abi_stack *old)
{
	struct thread *t = current_thread();
	uint32_t now = altstack_flags(t, arch_regs_sp(arch_user_regs(&t->task)));
	uint32_t mode;

	*old = (struct abi_stack){ .sp = t->altstack.sp, .flags = (int32_t)now, .size = t->altstack.size };
	if (!set)
		return 0;
	mode = (uint32_t)set->flags & ~SS_AUTODISARM;
	if (now & SS_ONSTACK)
		return -EPERM;
	if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack = (struct abi_stack){ .flags = set->flags };
		return 0;
	}
	if (set->size < ALTSTACK_MIN)
		return -ENOMEM;
	t->altstack = *set;
	return 0;
}

/* --- system calls that a signal ended -------------------------------------------------------------- */

static void restart_after_handler(struct arch_regs *regs, int64_t result, const struct abi_sigaction *action)
{
	if (result == -ERESTARTNOINTR || (result == -ERESTARTSYS && (action->flags & SA_RESTART)))
		arch_regs_restart_syscall(regs);
	else
		arch_regs_set_result(regs, -EINTR);
}

static void restart_without_handler(struct arch_regs *regs, int64_t result)
{
	if (result == -ERESTART_RESTARTBLOCK)
		arch_regs_restart_as(regs, SYS_restart_syscall);
	else
		arch_regs_restart_syscall(regs);
}

static void deliver_signals(struct arch_regs *regs)
{
	struct thread *t = current_thread();
	struct abi_siginfo info __attribute__((uninitialized));
	struct abi_sigaction action __attribute__((uninitialized));
	int64_t result;
	int signo;

	ptrace_late_call_end(t, regs);
	signo = next_handled(t, &info, &action);
	/* Only now: a tracer may have changed it. */
	result = arch_regs_syscall(regs) >= 0 ? arch_regs_result(regs) : 0;
	if (signo) {
		if (is_restart(result))
			restart_after_handler(regs, result, &action);
		run_handler(t, regs, signo, &info, &action);
		return;
	}
	if (is_restart(result))
		restart_without_handler(regs, result);
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_mask(t->saved_mask);
	}
}

void user_return_work(struct arch_regs *regs)
{
	struct task *task = current_task();

	for (;;) {
		uint32_t work;

		arch_irq_enable();
		work = atomic_load_explicit(&task->work, memory_order_relaxed);
		if (work & TASK_WORK_EXIT)
			thread_exit(0);
		/* Their calls are over; SIGKILL itself is seen below. */
		if (work & (TASK_WORK_REVOKED | TASK_WORK_KILLED))
			atomic_fetch_and(&task->work, ~(TASK_WORK_REVOKED | TASK_WORK_KILLED));
		if (work & TASK_WORK_RING)
			uring_run_ready();
		if (work & TASK_WORK_RSEQ)
			rseq_resume(current_thread(), regs);
		if (work & TASK_WORK_SIGNAL)
			deliver_signals(regs);
		if (arch_resched_pending()) {
			log_wake_readers();
			preempt_schedule(); /* not its own wish: a forced switch */
		}
		arch_irq_disable();
		if (atomic_load_explicit(&task->work, memory_order_relaxed) == 0 && !arch_resched_pending())
			return;
	}
}
