/* SPDX-License-Identifier: BSD-2-Clause */
/* Small attributes of threads that others may set: nice values, I/O priorities, names. */
#include <kernel/confine.h>
#include <kernel/sched_entity.h>
#include <kernel/string.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "proc_priv.h"

/* --- the threads that setpriority(2) and ioprio_set(2) name ------------------------------------------ */

enum who_kind { WHO_THREAD, WHO_GROUP, WHO_USER };

/* `visit` answers what goes wrong for one thread, but is asked about all of them. */
struct who_walk {
	enum who_kind kind;
	int who;
	int (*visit)(struct thread *t, struct who_walk *w);
	int value; /* in: to set; out: the best found */
	bool found;
	int err;
};

static void visit_thread_locked(struct thread *t, struct who_walk *w)
{
	int err = w->visit(t, w);

	if (err < 0)
		w->err = err;
	w->found = true;
}

static void visit_process(struct process *p, void *arg)
{
	struct who_walk *w = arg;
	struct thread *t;

	if (w->kind == WHO_GROUP ? p->pgid != w->who : p->cred.uid != (uid_t)w->who)
		return;
	spin_lock(&p->lock);
	list_for_each (t, &p->threads, link)
		visit_thread_locked(t, w);
	spin_unlock(&p->lock);
}

static void visit_one(pid_t tid, struct who_walk *w)
{
	struct thread *t = thread_find_locked(tid);

	if (!t)
		return;
	spin_lock(&t->process->lock);
	visit_thread_locked(t, w);
	spin_unlock(&t->process->lock);
}

static int walk(struct who_walk *w)
{
	const struct thread *self = current_thread();
	const struct process *p = self->process;
	uint64_t flags = tree_lock();

	if (confine_capability_mode() && !(w->kind == WHO_THREAD && confine_may_name(w->who))) {
		tree_unlock(flags);
		return -EPERM;
	}
	if (w->who == 0)
		w->who = w->kind == WHO_THREAD  ? self->tid
			 : w->kind == WHO_GROUP ? p->pgid
						: (int)p->cred.uid;
	if (w->kind == WHO_THREAD)
		visit_one(w->who, w);
	else
		process_for_each_locked(visit_process, w);
	tree_unlock(flags);
	return w->found ? w->err : -ESRCH;
}

/* --- nice ---------------------------------------------------------------------------------------- */

static int nice_of(struct thread *t)
{
	struct sched_policy policy;

	sched_get_policy(&t->task, &policy);
	return policy.nice;
}

bool thread_may_nice(const struct thread *t, int nice)
{
	uint64_t limit = t->process->rlimits[RLIMIT_NICE].cur; /* 1 to 40 for 19 to -20 */

	return (uint64_t)(20 - nice) <= limit || cred_has_privilege(PRIV_SYS_NICE);
}

static int get_nice(struct thread *t, struct who_walk *w)
{
	int nice = nice_of(t);

	w->value = w->found ? MIN(w->value, nice) : nice;
	return 0;
}

static int set_nice(struct thread *t, struct who_walk *w)
{
	if (!thread_same_owner(t))
		return -EPERM;
	if (w->value < nice_of(t) && !thread_may_nice(t, w->value))
		return -EACCES;
	if (w->value < 0 && confine_denies(CONFINE_NO_RT))
		return -EPERM;
	sched_set_nice(&t->task, w->value);
	return 0;
}

static int nice_walk(struct who_walk *w, int which)
{
	switch (which) {
	case PRIO_PROCESS:
		w->kind = WHO_THREAD;
		return walk(w);
	case PRIO_PGRP:
		w->kind = WHO_GROUP;
		return walk(w);
	case PRIO_USER:
		w->kind = WHO_USER;
		return walk(w);
	}
	return -EINVAL;
}

int process_nice_get(int which, int who, int *nice)
{
	struct who_walk w = { .who = who, .visit = get_nice };
	int err = nice_walk(&w, which);

	*nice = w.value;
	return err;
}

int process_nice_set(int which, int who, int nice)
{
	struct who_walk w = { .who = who, .visit = set_nice, .value = nice_clamp(nice) };

	return nice_walk(&w, which);
}

/* --- I/O priorities: kept and inherited; nothing here queues I/O by them ----------------------------- */

int ioprio_check(int value)
{
	int level = value & ((1 << IOPRIO_CLASS_SHIFT) - 1);

	switch (value >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_CLASS_NONE:
		return level ? -EINVAL : 0;
	case IOPRIO_CLASS_RT:
		if (!cred_has_privilege(PRIV_SYS_ADMIN) && !cred_has_privilege(PRIV_SYS_NICE))
			return -EPERM;
		return level < IOPRIO_LEVELS ? 0 : -EINVAL;
	case IOPRIO_CLASS_BE:
		return level < IOPRIO_LEVELS ? 0 : -EINVAL;
	case IOPRIO_CLASS_IDLE:
		return 0;
	}
	return -EINVAL;
}

/* The smaller number is the more urgent, but none at all stands for best effort in the middle. */
static int ioprio_rank(int value)
{
	return value ? value : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | IOPRIO_LEVELS / 2;
}

static int get_ioprio(struct thread *t, struct who_walk *w)
{
	if (!w->found || ioprio_rank(t->ioprio) < ioprio_rank(w->value))
		w->value = t->ioprio;
	return 0;
}

static int set_ioprio(struct thread *t, struct who_walk *w)
{
	const struct credentials *me = current_cred();
	uid_t owner = t->process->cred.uid;

	if ((owner != me->euid && owner != me->uid && !cred_has_privilege(PRIV_SYS_NICE)) ||
	    !confine_may_touch(t->process))
		return -EPERM;
	t->ioprio = (uint16_t)w->value;
	return 0;
}

static int ioprio_walk(struct who_walk *w, int which)
{
	switch (which) {
	case IOPRIO_WHO_PROCESS:
		w->kind = WHO_THREAD;
		return walk(w);
	case IOPRIO_WHO_PGRP:
		w->kind = WHO_GROUP;
		return walk(w);
	case IOPRIO_WHO_USER:
		w->kind = WHO_USER;
		return walk(w);
	}
	return -EINVAL;
}

int ioprio_get(int which, int who)
{
	struct who_walk w = { .who = who, .visit = get_ioprio };
	int err = ioprio_walk(&w, which);

	return err < 0 ? err : w.value;
}

int ioprio_set(int which, int who, int value)
{
	struct who_walk w = { .who = who, .visit = set_ioprio, .value = value };
	int err = ioprio_check(value);

	return err < 0 ? err : ioprio_walk(&w, which);
}

/* --- names --------------------------------------------------------------------------------------- */

void thread_set_name(const char name[TASK_NAME_LEN])
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);

	memcpy(t->task.name, name, TASK_NAME_LEN);
	if (t->tid == p->pid)
		memcpy(p->comm, name, TASK_NAME_LEN);
	spin_unlock_irqrestore(&p->lock, flags);
}
