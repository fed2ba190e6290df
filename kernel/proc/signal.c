/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: queues, sending, masks.  Delivery is signal_delivery.c, stopping is stop.c.
 *
 * Everything here runs under process.lock of the target: its threads' queues, masks and work bits change
 * together.  Sending never fails for want of memory: a signal without its info is still pending.
 */
#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uring.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define STOP_SIGNALS (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
/* Caused by the running instruction: delivered before the others, so that the frame shows it. */
#define FAULT_SIGNALS                                                                          \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
#define IGNORED_BY_DEFAULT \
	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define DUMPS_BY_DEFAULT                                                                   \
	(FAULT_SIGNALS | SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGXCPU) | \
	 SIGNAL_BIT(SIGXFSZ))

static struct slab_cache *info_cache, *actions_cache;

void signal_init(void)
{
	info_cache = slab_create("signal_info", sizeof(struct signal_info), 0);
	actions_cache = slab_create("signal_actions", sizeof(struct signal_actions), 0);
}

bool signal_default_ignored(int signo)
{
	return SIGNAL_BIT(signo) & IGNORED_BY_DEFAULT;
}

bool signal_default_stops(int signo)
{
	return SIGNAL_BIT(signo) & STOP_SIGNALS;
}

bool signal_default_dumps(int signo)
{
	return SIGNAL_BIT(signo) & DUMPS_BY_DEFAULT;
}

/* --- actions ------------------------------------------------------------------------------------- */

struct signal_actions *signal_actions_create(void)
{
	struct signal_actions *actions = slab_alloc(actions_cache);

	if (!actions)
		return NULL;
	refcount_set(&actions->refs, 1);
	spin_init(&actions->lock, "signal_actions", RANK_SIGNAL);
	atomic_init(&actions->stored, 0);
	return actions;
}

static uint64_t stored_locked(struct signal_actions *actions)
{
	return atomic_load_explicit(&actions->stored, memory_order_relaxed);
}

struct abi_sigaction signal_action_locked(struct signal_actions *actions, int signo)
{
	assert_held(&actions->lock);
	if (stored_locked(actions) & SIGNAL_BIT(signo))
		return actions->action[signo - 1];
	return (struct abi_sigaction){ .handler = SIG_DFL };
}

static void store_locked(struct signal_actions *actions, int signo, const struct abi_sigaction *action)
{
	struct abi_sigaction *place = &actions->action[signo - 1];

	*place = *action;
	place->mask &= ~SIGNALS_UNBLOCKABLE;
	atomic_store_explicit(&actions->stored, stored_locked(actions) | SIGNAL_BIT(signo),
			      memory_order_release);
}

void signal_action_default_locked(struct signal_actions *actions, int signo)
{
	assert_held(&actions->lock);
	actions->action[signo - 1].handler = SIG_DFL;
}

struct signal_actions *signal_actions_copy(struct signal_actions *from)
{
	struct signal_actions *copy = signal_actions_create();
	uint64_t flags, stored, left;

	if (!copy)
		return NULL;
	flags = spin_lock_irqsave(&from->lock);
	stored = stored_locked(from);
	for (left = stored; left; left &= left - 1) {
		int i = __builtin_ctzll(left);

		copy->action[i] = from->action[i];
	}
	spin_unlock_irqrestore(&from->lock, flags);
	atomic_init(&copy->stored, stored);
	return copy;
}

void signal_actions_put(struct signal_actions *actions)
{
	if (refcount_put(&actions->refs))
		slab_free(actions_cache, actions);
}

struct abi_sigaction signal_action_get(struct process *p, int signo)
{
	struct abi_sigaction action = { 0 };
	uint64_t flags = spin_lock_irqsave(&p->lock);

	if (p->actions) {
		spin_lock(&p->actions->lock);
		action = signal_action_locked(p->actions, signo);
		spin_unlock(&p->actions->lock);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return action;
}

static void flush_if_pending_locked(struct process *p, struct signal_queue *q, uint64_t mask)
{
	if (unlikely(q->pending & mask))
		signal_queue_flush_locked(p, q, mask);
}

/* An ignored signal does not stay pending: POSIX, sigaction(), "pending and ignored". */
static void flush_ignored(struct process *p, int signo)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *t;

	flush_if_pending_locked(p, &p->pending, SIGNAL_BIT(signo));
	list_for_each (t, &p->threads, link)
		flush_if_pending_locked(p, &t->pending, SIGNAL_BIT(signo));
	spin_unlock_irqrestore(&p->lock, flags);
}

/* Either may be NULL. */
int64_t signal_action_set(int signo, const struct abi_sigaction *action, struct abi_sigaction *old)
{
	struct process *p = current_process();
	struct signal_actions *actions = p->actions; /* only an exec of this process changes it */
	uint64_t flags;

	if (signo < 1 || signo > NSIG || (action && (SIGNAL_BIT(signo) & SIGNALS_UNBLOCKABLE)))
		return -EINVAL;
	signo = (int)index_nospec((uint64_t)signo - 1, NSIG) + 1;
	flags = spin_lock_irqsave(&actions->lock);
	if (old)
		*old = signal_action_locked(actions, signo);
	if (action)
		store_locked(actions, signo, action);
	spin_unlock_irqrestore(&actions->lock, flags);
	if (action &&
	    (action->handler == SIG_IGN || (action->handler == SIG_DFL && signal_default_ignored(signo))))
		flush_ignored(p, signo);
	return 0;
}

int signal_actions_unshare(struct process *p)
{
	struct signal_actions *fresh, *old = p->actions;
	uint64_t flags;

	if (refcount_read(&old->refs) == 1)
		return 0;
	fresh = signal_actions_copy(old);
	if (!fresh)
		return -ENOMEM;
	flags = spin_lock_irqsave(&p->lock);
	p->actions = fresh;
	spin_unlock_irqrestore(&p->lock, flags);
	signal_actions_put(old);
	return 0;
}

void signal_actions_reset(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock), left, ignored = 0;
	struct signal_actions *actions = p->actions;

	spin_lock(&actions->lock);
	for (left = stored_locked(actions); left; left &= left - 1) {
		struct abi_sigaction *action = &actions->action[__builtin_ctzll(left)];

		if (action->handler == SIG_IGN)
			ignored |= left & -left;
		*action = (struct abi_sigaction){ .handler = SIG_IGN };
	}
	atomic_store_explicit(&actions->stored, ignored, memory_order_relaxed);
	spin_unlock(&actions->lock);
	spin_unlock_irqrestore(&p->lock, flags);
}

/* --- queues -------------------------------------------------------------------------------------- */

void signal_queue_init(struct signal_queue *q)
{
	q->pending = 0;
	list_init(&q->infos);
}

struct signal_info *signal_info_create(struct posix_timer *timer)
{
	struct signal_info *si = slab_alloc(info_cache);

	if (!si)
		return NULL;
	list_init(&si->link);
	si->timer = timer;
	return si;
}

void signal_info_free(struct signal_info *si)
{
	slab_free(info_cache, si);
}

/* Off its queue; what a timer has stays there, and it hears of it. */
static void took_info_locked(struct process *p, struct signal_info *si)
{
	list_del(&si->link);
	if (si->timer) {
		posix_timer_taken_locked(si->timer, &si->info);
		return;
	}
	slab_free(info_cache, si);
	p->queued_signals--;
}

void signal_queue_flush_locked(struct process *p, struct signal_queue *q, uint64_t mask)
{
	struct signal_info *si, *tmp;

	q->pending &= ~mask;
	list_for_each_safe (si, tmp, &q->infos, link) {
		if (!(SIGNAL_BIT(si->info.signo) & mask))
			continue;
		took_info_locked(p, si);
	}
}

static void fill_kernel_info(struct abi_siginfo *info, int signo)
{
	*info = (struct abi_siginfo){ .signo = signo, .code = SI_KERNEL };
}

/* Add to a queue.  -EAGAIN: a real-time signal that must carry its value found no room. */
static int enqueue_locked(struct process *p, struct signal_queue *q, int signo,
			  const struct abi_siginfo *info)
{
	bool realtime = signo >= SIGRTMIN;
	/* What a standard signal says is not subject to the limit, unless the program made it up. */
	bool unlimited = !realtime && (!info || info->code >= 0);
	struct signal_info *si = NULL;

	if (!realtime && (q->pending & SIGNAL_BIT(signo)))
		return 0;
	if (unlimited || p->queued_signals < p->rlimits[RLIMIT_SIGPENDING].cur)
		si = slab_alloc(info_cache);
	if (!si) {
		if (realtime && info && info->code != SI_USER)
			return -EAGAIN;
		q->pending |= SIGNAL_BIT(signo);
		return 0;
	}
	if (info)
		si->info = *info;
	else
		fill_kernel_info(&si->info, signo);
	si->info.signo = signo;
	si->timer = NULL;
	list_add_tail(&q->infos, &si->link);
	p->queued_signals++;
	q->pending |= SIGNAL_BIT(signo);
	return 0;
}

/* Take `signo` out; clears the pending bit with the last info of that number. */
static void take_locked(struct process *p, struct signal_queue *q, int signo, struct abi_siginfo *info)
{
	struct signal_info *si, *found = NULL;
	bool more = false;

	list_for_each (si, &q->infos, link) {
		if (si->info.signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = si;
	}
	if (!more)
		q->pending &= ~SIGNAL_BIT(signo);
	if (!found) {
		*info = (struct abi_siginfo){ .signo = signo, .code = SI_USER };
		return;
	}
	list_del(&found->link);
	if (found->timer) /* counts its overruns */
		posix_timer_taken_locked(found->timer, &found->info);
	*info = found->info;
	if (!found->timer) {
		slab_free(info_cache, found);
		p->queued_signals--;
	}
}

static int first_signal(uint64_t set)
{
	if (set & FAULT_SIGNALS)
		set &= FAULT_SIGNALS;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

int signal_dequeue_locked(struct thread *t, uint64_t set, struct abi_siginfo *info)
{
	struct process *p = t->process;
	int signo = first_signal(t->pending.pending & set);

	if (signo) {
		take_locked(p, &t->pending, signo, info);
		return signo;
	}
	signo = first_signal(p->pending.pending & set);
	if (signo)
		take_locked(p, &p->pending, signo, info);
	return signo;
}

int signal_take(uint64_t set, struct abi_siginfo *info)
{
	struct thread *t = current_thread();
	uint64_t flags = spin_lock_irqsave(&t->process->lock);
	int signo = signal_dequeue_locked(t, set, info);

	if (signo)
		signal_recalc_locked(t);
	spin_unlock_irqrestore(&t->process->lock, flags);
	return signo;
}

uint64_t signal_pending_set_locked(struct thread *t)
{
	return t->pending.pending | t->process->pending.pending;
}

uint64_t signal_pending_set(void)
{
	struct thread *t = current_thread();
	uint64_t flags = spin_lock_irqsave(&t->process->lock);
	uint64_t set = signal_pending_set_locked(t);

	spin_unlock_irqrestore(&t->process->lock, flags);
	return set;
}

static inline void recalc_locked(struct thread *t)
{
	if ((signal_pending_set_locked(t) & ~t->blocked) || ptrace_stop_due_locked(t))
		atomic_fetch_or(&t->task.work, TASK_WORK_SIGNAL);
	else if (atomic_load_explicit(&t->task.work, memory_order_relaxed) & TASK_WORK_SIGNAL)
		atomic_fetch_and(&t->task.work, ~TASK_WORK_SIGNAL);
}

void signal_recalc_locked(struct thread *t)
{
	recalc_locked(t);
}

bool signal_confirm_call(void)
{
	struct thread *t = current_thread();
	uint64_t flags;

	/* First: what comes later is seen, or interrupts again. */
	atomic_fetch_and(&t->task.work, ~TASK_WORK_REVOKED);
	uring_run_ready();
	flags = spin_lock_irqsave(&t->process->lock);
	signal_recalc_locked(t);
	spin_unlock_irqrestore(&t->process->lock, flags);
	return signal_pending();
}

/* --- sending ------------------------------------------------------------------------------------- */

/* Would `t` throw the signal away?  A blocked signal never: the program may yet unblock or wait for it; nor
 * one that a tracer is to see. */
static bool ignored_locked(struct thread *t, int signo)
{
	struct process *p = t->process;
	uint64_t handler;

	if (ptrace_traced(t) && signo != SIGKILL)
		return false;
	if ((t->blocked | t->real_blocked) & SIGNAL_BIT(signo))
		return false;
	handler = signal_handler(p->actions, signo);
	if (handler == SIG_IGN)
		return true;
	/* Pid 1 gets only what it has handlers for: a stray kill must not take the system down. */
	return handler == SIG_DFL && (signal_default_ignored(signo) || p->pid == 1);
}

static __noinline void flush_opposites_locked(struct process *p, int signo)
{
	uint64_t mask = signo == SIGCONT ? STOP_SIGNALS : SIGNAL_BIT(SIGCONT);
	struct thread *t;

	signal_queue_flush_locked(p, &p->pending, mask);
	list_for_each (t, &p->threads, link)
		signal_queue_flush_locked(p, &t->pending, mask);
	if (signo == SIGCONT)
		process_continue_locked(p);
}

/* Stop and continue signals cancel each other as soon as they are sent, delivered or not. */
static void cancel_opposites_locked(struct process *p, int signo)
{
	if (unlikely(SIGNAL_BIT(signo) & (STOP_SIGNALS | SIGNAL_BIT(SIGCONT))))
		flush_opposites_locked(p, signo);
}

static void wake_for_signal(struct thread *t, int signo)
{
	task_set_work(&t->task, TASK_WORK_SIGNAL | (signo == SIGKILL ? TASK_WORK_KILLED : 0));
	if (signo == SIGKILL)
		thread_wake_stopped_locked(t, true);
}

/* Readers join the queue before they look, under process.lock as the signal is queued: whoever is not there
 * yet will see it. */
static void wake_readers_locked(struct process *p)
{
	if (unlikely(waitqueue_active(&p->signal_wait)))
		wake_up_all(&p->signal_wait);
}

static bool wants(const struct thread *t, int signo)
{
	return !t->exiting && !(t->blocked & SIGNAL_BIT(signo));
}

/* Who is stopped, or at its tracer's stop, takes none until it goes on, and looks for them itself then. */
static bool takes_now(const struct thread *t)
{
	return atomic_load_explicit(&t->task.state, memory_order_relaxed) != TASK_STOPPED;
}

/* Signals of the process, of which one thread was told and will not take them: tell others. */
static __noinline void hand_on_locked(struct process *p, uint64_t set)
{
	struct thread *t;

	list_for_each (t, &p->threads, link) {
		uint64_t wanted = t->exiting ? 0 : set & ~t->blocked;

		if (!takes_now(t))
			wanted &= SIGNAL_BIT(SIGKILL);
		if (wanted)
			wake_for_signal(t, wanted & SIGNAL_BIT(SIGKILL) ? SIGKILL : 0);
		set &= ~wanted;
		if (!set)
			return;
	}
}

void signal_leave_locked(struct thread *t)
{
	uint64_t left = t->process->pending.pending & ~t->blocked;

	if (unlikely(left))
		hand_on_locked(t->process, left);
}

/* A thread to take a signal of the process: the running one if it may, else the first that may and can.  What
 * kills it ends every tracer's stop. */
static void wake_one_locked(struct process *p, int signo)
{
	struct thread *t;

	if (signo == SIGKILL)
		list_for_each (t, &p->threads, link)
			thread_wake_stopped_locked(t, true);
	if (in_user_thread() && current_process() == p && wants(current_thread(), signo)) {
		wake_for_signal(current_thread(), signo);
		return;
	}
	list_for_each (t, &p->threads, link) {
		if (wants(t, signo) && (signo == SIGKILL || takes_now(t))) {
			wake_for_signal(t, signo);
			return;
		}
	}
}

int signal_process_locked(struct process *p, int signo, const struct abi_siginfo *info)
{
	int err;

	assert_held(&p->lock);
	if (p->state == PROCESS_ZOMBIE || list_empty(&p->threads) || !p->actions)
		return 0;
	cancel_opposites_locked(p, signo);
	if (ignored_locked(list_first(&p->threads, struct thread, link), signo))
		return 0;
	err = enqueue_locked(p, &p->pending, signo, info);
	if (err < 0)
		return err;
	wake_one_locked(p, signo);
	wake_readers_locked(p);
	return 0;
}

int signal_thread_locked(struct thread *t, int signo, const struct abi_siginfo *info)
{
	struct process *p = t->process;
	int err;

	assert_held(&p->lock);
	if (p->state == PROCESS_ZOMBIE || !p->actions)
		return 0;
	cancel_opposites_locked(p, signo);
	if (ignored_locked(t, signo))
		return 0;
	err = enqueue_locked(p, &t->pending, signo, info);
	if (err < 0)
		return err;
	if (wants(t, signo))
		wake_for_signal(t, signo);
	wake_readers_locked(p);
	return 0;
}

bool signal_send_prepared_locked(struct process *p, struct thread *t, struct signal_info *si)
{
	struct signal_queue *q = t ? &t->pending : &p->pending;
	int signo = si->info.signo;

	assert_held(&p->lock);
	if (p->state == PROCESS_ZOMBIE || list_empty(&p->threads) || !p->actions)
		return false;
	cancel_opposites_locked(p, signo);
	if (ignored_locked(t ? t : list_first(&p->threads, struct thread, link), signo))
		return false;
	list_add_tail(&q->infos, &si->link);
	q->pending |= SIGNAL_BIT(signo);
	if (!t)
		wake_one_locked(p, signo);
	else if (wants(t, signo))
		wake_for_signal(t, signo);
	wake_readers_locked(p);
	return true;
}

int signal_process(struct process *p, int signo, const struct abi_siginfo *info)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	int err = signal_process_locked(p, signo, info);

	spin_unlock_irqrestore(&p->lock, flags);
	return err;
}

int signal_thread(struct thread *t, int signo, const struct abi_siginfo *info)
{
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	int err = signal_thread_locked(t, signo, info);

	spin_unlock_irqrestore(&p->lock, flags);
	return err;
}

int signal_group(pid_t pgid, int signo, const struct abi_siginfo *info)
{
	uint64_t flags = tree_lock();
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;
	int err = -ESRCH;

	if (entry) {
		list_for_each (p, &entry->group, group_link) {
			signal_process(p, signo, info);
			err = 0;
		}
	}
	tree_unlock(flags);
	return err;
}

void signal_force(int signo, int code, uint64_t addr)
{
	signal_force_info(&(struct abi_siginfo){ .signo = signo, .code = code, .addr = addr });
}

void signal_force_info(const struct abi_siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	int signo = info->signo;
	uint64_t flags = spin_lock_irqsave(&p->lock);

	spin_lock(&p->actions->lock);
	if (signal_handler(p->actions, signo) == SIG_IGN || (t->blocked & SIGNAL_BIT(signo)))
		signal_action_default_locked(p->actions, signo);
	spin_unlock(&p->actions->lock);
	t->blocked &= ~SIGNAL_BIT(signo);
	(void)!enqueue_locked(p, &t->pending, signo, info);
	task_set_work(&t->task, TASK_WORK_SIGNAL);
	spin_unlock_irqrestore(&p->lock, flags);
}

/* --- masks --------------------------------------------------------------------------------------- */

void signal_set_mask_locked(struct thread *t, uint64_t mask)
{
	uint64_t left = t->process->pending.pending & mask & ~t->blocked;

	assert_held(&t->process->lock);
	t->blocked = mask;
	recalc_locked(t);
	if (unlikely(left))
		hand_on_locked(t->process, left);
}

void signal_set_mask(uint64_t mask)
{
	struct thread *t = current_thread();
	uint64_t flags;

	mask &= ~SIGNALS_UNBLOCKABLE;
	if (mask == t->blocked)
		return;
	flags = spin_lock_irqsave(&t->process->lock);
	signal_set_mask_locked(t, mask);
	spin_unlock_irqrestore(&t->process->lock, flags);
}

void signal_mask_enter(uint64_t mask)
{
	struct thread *t = current_thread();

	t->saved_mask = t->blocked;
	t->restore_mask = true;
	signal_set_mask(mask);
}

void signal_mask_leave(bool interrupted)
{
	struct thread *t = current_thread();

	if (interrupted || !t->restore_mask)
		return; /* delivery puts it back */
	t->restore_mask = false;
	signal_set_mask(t->saved_mask);
}

int signal_mask_from_user(uaddr_t addr, uint64_t size, uint64_t *mask, bool *present)
{
	*present = addr != 0;
	if (!addr)
		return 0;
	if (size != sizeof(*mask))
		return -EINVAL;
	return copy_from_user(mask, addr, sizeof(*mask));
}

bool signal_ignored_or_blocked(int signo)
{
	struct thread *t = current_thread();

	return (t->blocked & SIGNAL_BIT(signo)) || signal_action_get(t->process, signo).handler == SIG_IGN;
}

/* --- waiting ------------------------------------------------------------------------------------- */

int signal_sleep(uint64_t deadline_ns)
{
	struct waitqueue nobody = WAITQUEUE_INIT(nobody);

	return wait_event_timeout(&nobody, false, deadline_ns, true);
}

int64_t signal_timed_wait(uint64_t set, uint64_t deadline_ns, struct abi_siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	uint64_t flags;
	int signo, err;

	set &= ~SIGNALS_UNBLOCKABLE;
	flags = spin_lock_irqsave(&p->lock);
	signo = signal_dequeue_locked(t, set, info);
	if (signo == 0 && deadline_ns != 0) {
		t->real_blocked = t->blocked;
		t->blocked &= ~set;
		signal_recalc_locked(t);
		spin_unlock_irqrestore(&p->lock, flags);
		err = signal_sleep(deadline_ns);
		flags = spin_lock_irqsave(&p->lock);
		signo = signal_dequeue_locked(t, set, info);
		signal_set_mask_locked(t, t->real_blocked);
		t->real_blocked = 0;
	} else {
		signal_recalc_locked(t);
		err = -ETIMEDOUT;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (signo)
		return signo;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}
