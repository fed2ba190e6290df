/* SPDX-License-Identifier: BSD-2-Clause */
/* Who traces whom: how that begins and ends, and who may. */
#include <arch/step.h>
#include <kernel/confine.h>
#include <kernel/landlock.h>
#include <kernel/slab.h>
#include <kernel/syscall_watch.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

void ptrace_init_thread(struct thread *t)
{
	list_init(&t->ptrace.link);
	list_init(&t->ptrace.tracees);
	list_init(&t->ptrace.corpses);
}

/* --- who may ------------------------------------------------------------------------------------- */

/* The tracer has what its tracee has: that may be nothing which its own confinement keeps from it. */
static bool confine_contains(const struct confine *tracer, const struct process *tracee)
{
	return !tracer || (!tracer->capability_mode && confine_within(process_confine(tracee), tracer));
}

bool ptrace_confine_allows(const struct process *p)
{
	return confine_contains(current_confine(), p);
}

static bool may_attach(struct process *p)
{
	return p != current_process() && cred_may_look(current_cred(), p) && ptrace_confine_allows(p);
}

bool ptrace_forbids_privilege_locked(const struct thread *t)
{
	const struct thread *tracer = t->ptrace.tracer;
	const struct confine *confine;

	if (!tracer)
		return false;
	confine = process_confine(tracer->process);
	return !t->ptrace.privileged || !priv_has(&tracer->process->cred.priv, PRIV_SYS_PTRACE) ||
	       (confine && (confine->deny & CONFINE_NO_ADMIN));
}

bool ptrace_forbids_privilege(const struct thread *t)
{
	uint64_t flags;
	bool forbidden;

	if (likely(!ptrace_traced(t)))
		return false;
	flags = tree_lock();
	forbidden = ptrace_forbids_privilege_locked(t);
	tree_unlock(flags);
	return forbidden;
}

/* --- the relation --------------------------------------------------------------------------------- */

static void link_locked(struct thread *t, struct thread *tracer, uint32_t options, bool seized,
			bool privileged)
{
	struct ptrace *tr = &t->ptrace;

	assert_held(&proc_tree_lock);
	assert_held(&t->process->lock);
	tr->options = options;
	tr->seized = seized;
	tr->privileged = privileged;
	tr->mode = PTRACE_RUNS;
	tr->trap_asked = tr->group_seen = false;
	WRITE_ONCE(tr->tracer, tracer);
	list_add_tail(&tracer->ptrace.tracees, &tr->link);
}

void ptrace_unlink_locked(struct thread *t, int code)
{
	struct ptrace *tr = &t->ptrace;

	assert_held(&proc_tree_lock);
	assert_held(&t->process->lock);
	list_del(&tr->link);
	list_init(&tr->link);
	WRITE_ONCE(tr->tracer, NULL);
	kfree(tr->corpse);
	tr->corpse = NULL;
	tr->options = 0;
	tr->trap_asked = tr->group_seen = false;
	ptrace_set_mode_locked(t, PTRACE_RUNS);
	/* A stop of its process that it took part in only as a tracee is its own again. */
	task_set_work(&t->task, TASK_WORK_SIGNAL);
	if (tr->stopped)
		ptrace_resume_locked(t, code);
	else
		thread_wake_stopped_locked(t, false);
}

/* With both locks.  `privilege` is the process's as it was when it was found that it may be traced. */
static int attach_locked(struct thread *t, struct ptrace_corpse *corpse, bool seize, uint32_t options,
			 uint32_t privilege)
{
	struct process *p = t->process;

	if (t->ptrace.tracer || t->exiting || p->exec_secure || p->privilege != privilege)
		return -EPERM;
	t->ptrace.corpse = corpse;
	link_locked(t, current_thread(), options, seize, cred_has_privilege(PRIV_SYS_PTRACE));
	if (!seize)
		(void)signal_thread_locked(t, SIGSTOP, NULL);
	/* One that its process's stop has parked becomes a tracee's stop. */
	if (p->stop_requested) {
		task_set_work(&t->task, TASK_WORK_SIGNAL);
		thread_wake_stopped_locked(t, false);
	}
	return 0;
}

/* A reference to the process of a thread, and what its privilege is now. */
static struct process *process_of(pid_t tid, uint32_t *privilege)
{
	uint64_t flags = tree_lock();
	struct thread *t = thread_find_locked(tid);
	struct process *p = t ? t->process : NULL;

	if (p) {
		process_get(p);
		*privilege = READ_ONCE(p->privilege);
	}
	tree_unlock(flags);
	return p;
}

static int attach_to(struct process *p, pid_t tid, bool seize, uint32_t options, uint32_t privilege)
{
	struct ptrace_corpse *corpse = kzalloc(sizeof(*corpse));
	struct thread *t;
	uint64_t flags;
	int err = -ESRCH;

	if (!corpse)
		return -ENOMEM;
	flags = tree_lock();
	t = thread_find_locked(tid);
	if (t && t->process == p) {
		spin_lock(&p->lock);
		err = attach_locked(t, corpse, seize, options, privilege);
		spin_unlock(&p->lock);
	}
	tree_unlock(flags);
	if (err < 0)
		kfree(corpse);
	return err;
}

int ptrace_attach(pid_t tid, bool seize, uint64_t options)
{
	uint32_t privilege;
	struct process *p;
	int err;

	if (options & ~(uint64_t)PTRACE_O_ALL)
		return -EIO;
	p = process_of(tid, &privilege);
	if (!p)
		return -ESRCH;
	err = may_attach(p) ? attach_to(p, tid, seize, (uint32_t)options, privilege) : -EPERM;
	process_put(p);
	return err;
}

/* Who forked the process, or another thread of that one; NULL: none is left. */
static struct thread *parent_thread_locked(const struct process *p)
{
	struct process *parent = p->parent;
	struct thread *t;

	if (!parent)
		return NULL;
	t = thread_find_locked(p->parent_tid);
	if (t && t->process == parent)
		return t;
	return list_empty(&parent->threads) ? NULL : list_first(&parent->threads, struct thread, link);
}

/* Does the parent have what the running process would hand to it? */
static bool may_be_handed(const struct priv_sets *parent, const struct priv_sets *own)
{
	return priv_within(own->permitted, parent->permitted) || priv_has(parent, PRIV_SYS_PTRACE);
}

static int traceme_locked(struct thread *t, struct ptrace_corpse *corpse)
{
	const struct priv_sets *own = &t->process->cred.priv;
	struct thread *tracer = parent_thread_locked(t->process);

	if (t->ptrace.tracer || !tracer || !may_be_handed(&tracer->process->cred.priv, own) ||
	    !confine_contains(process_confine(tracer->process), t->process) ||
	    !landlock_may_be_traced_by(tracer))
		return -EPERM;
	spin_lock(&t->process->lock);
	t->ptrace.corpse = corpse;
	link_locked(t, tracer, 0, false, priv_has(own, PRIV_SYS_PTRACE));
	spin_unlock(&t->process->lock);
	return 0;
}

int ptrace_traceme(void)
{
	struct ptrace_corpse *corpse = kzalloc(sizeof(*corpse));
	uint64_t flags;
	int err;

	if (!corpse)
		return -ENOMEM;
	flags = tree_lock();
	err = traceme_locked(current_thread(), corpse);
	tree_unlock(flags);
	if (err < 0)
		kfree(corpse);
	return err;
}

/* --- children --------------------------------------------------------------------------------------- */

static enum ptrace_event event_of(uint64_t flags, int exit_signal)
{
	if (flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

int ptrace_clone_begin(struct thread *child, uint64_t flags, int exit_signal)
{
	const struct thread *self = current_thread();
	int event = flags & CLONE_UNTRACED ? 0 : (int)event_of(flags, exit_signal);

	if (!ptrace_traced(self))
		return 0;
	if (!(READ_ONCE(self->ptrace.options) & 1u << event & PTRACE_O_EVENTS))
		event = 0;
	if (event || (flags & CLONE_PTRACE)) {
		child->ptrace.corpse = kzalloc(sizeof(*child->ptrace.corpse));
		if (!child->ptrace.corpse)
			return -ENOMEM;
	}
	return event;
}

void ptrace_child_locked(struct thread *child)
{
	const struct ptrace *self = &current_thread()->ptrace;

	if (likely(!child->ptrace.corpse))
		return;
	if (!self->tracer) {
		kfree(child->ptrace.corpse);
		child->ptrace.corpse = NULL;
		return;
	}
	link_locked(child, self->tracer, self->options, self->seized, self->privileged);
	if (self->seized)
		child->ptrace.trap_asked = true;
	else
		child->pending.pending |= SIGNAL_BIT(SIGSTOP);
	atomic_fetch_or(&child->task.work, TASK_WORK_SIGNAL);
}

/* --- ends ------------------------------------------------------------------------------------------- */

/* The numbers of what is left, which its tracer waits for. */
static void bury_locked(struct thread *t, struct ptrace_corpse *corpse, const struct usage *usage)
{
	const struct process *p = t->process;

	corpse->tracer = t->ptrace.tracer;
	corpse->exit_kill = t->ptrace.options & PTRACE_O_EXITKILL;
	corpse->tid = t->tid;
	corpse->pgid = p->pgid;
	corpse->uid = p->cred.uid;
	corpse->status = p->exiting ? p->exit_status : t->ptrace.exit_status;
	corpse->usage = *usage;
	list_add_tail(&corpse->tracer->ptrace.corpses, &corpse->link);
}

static void tell_tracer_of_end_locked(const struct ptrace_corpse *corpse)
{
	bool killed = corpse->status & 0x7f;
	struct abi_siginfo info = { .code = wait_status_code(corpse->status), .pid = corpse->tid };

	info.uid = corpse->uid;
	info.value = (uint32_t)(killed ? corpse->status & 0x7f : corpse->status >> 8 & 0xff);
	tracer_notify_locked(corpse->tracer->process, &info);
}

/* Whoever ignores SIGCHLD does not wait. */
static bool wants_corpses(struct process *tracer)
{
	struct abi_sigaction action = signal_action_get(tracer, SIGCHLD);

	return action.handler != SIG_IGN && !(action.flags & SA_NOCLDWAIT);
}

void ptrace_leave_locked(struct thread *t, const struct usage *usage)
{
	struct process *p = t->process;
	struct ptrace_corpse *corpse = t->ptrace.corpse;
	struct pid_entry *entry;

	assert_held(&p->lock);
	if (!t->ptrace.tracer)
		return;
	bury_locked(t, corpse, usage);
	t->ptrace.corpse = NULL;
	ptrace_unlink_locked(t, 0);
	if (t->tid == p->pid) {
		corpse->process = p;
		p->corpse = corpse;
		return;
	}
	entry = pid_lookup_locked(t->tid);
	entry->corpse = corpse;
	corpse->dead = true;
}

/* Outside of process.lock, because the tracer has its own: the thread has left. */
void ptrace_announce_locked(pid_t tid, struct list *dead)
{
	struct pid_entry *entry = pid_lookup_locked(tid);
	struct ptrace_corpse *corpse = entry ? entry->corpse : NULL;

	if (!corpse)
		return;
	if (wants_corpses(corpse->tracer->process))
		tell_tracer_of_end_locked(corpse);
	else
		ptrace_release_corpse_locked(corpse, dead);
}

void ptrace_release_corpse_locked(struct ptrace_corpse *corpse, struct list *dead)
{
	struct process *p = corpse->process;

	list_del(&corpse->link);
	if (p) {
		p->corpse = NULL;
		if (corpse->dead)
			zombie_announce_locked(p, dead);
	} else {
		struct pid_entry *entry = pid_lookup_locked(corpse->tid);

		entry->corpse = NULL;
		pid_release_locked(entry);
	}
	kfree(corpse);
}

void ptrace_forget_leader_locked(struct process *p)
{
	if (!p->corpse)
		return;
	list_del(&p->corpse->link);
	kfree(p->corpse);
	p->corpse = NULL;
}

bool ptrace_keeps_zombie_locked(struct process *p)
{
	struct ptrace_corpse *corpse = p->corpse;

	if (likely(!corpse))
		return false;
	if (corpse->tracer->process == p->parent || !wants_corpses(corpse->tracer->process)) {
		ptrace_forget_leader_locked(p);
		return false;
	}
	corpse->status = p->exit_status;
	corpse->dead = true;
	tell_tracer_of_end_locked(corpse);
	return true;
}

static void let_go_locked(struct thread *t)
{
	struct process *p = t->process;
	bool kill = t->ptrace.options & PTRACE_O_EXITKILL;

	spin_lock(&p->lock);
	if (kill)
		(void)signal_process_locked(p, SIGKILL, NULL);
	ptrace_unlink_locked(t, t->ptrace.reported ? 0 : t->ptrace.code);
	spin_unlock(&p->lock);
}

void ptrace_tracer_leaves_locked(struct thread *t, struct list *dead)
{
	struct ptrace_corpse *corpse, *next_corpse;
	struct thread *tracee, *next;

	list_for_each_safe (tracee, next, &t->ptrace.tracees, ptrace.link)
		let_go_locked(tracee);
	list_for_each_safe (corpse, next_corpse, &t->ptrace.corpses, link) {
		if (corpse->exit_kill && corpse->process && !corpse->dead)
			(void)signal_process(corpse->process, SIGKILL, NULL);
		ptrace_release_corpse_locked(corpse, dead);
	}
}
