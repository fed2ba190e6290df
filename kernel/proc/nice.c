/* SPDX-License-Identifier: BSD-2-Clause */
/* Small attributes of processes and threads that others may set: nice values, CPU masks, names. */
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "proc_priv.h"

/* A walk over the processes that `which` and `who` name. */
struct nice_walk {
	int which;
	int who;
	bool set;
	int nice; /* in: to set; out: the lowest found */
	bool found;
	int err;
};

static bool named(const struct process *p, const struct nice_walk *w)
{
	switch (w->which) {
	case PRIO_PROCESS:
		return p->pid == w->who;
	case PRIO_PGRP:
		return p->pgid == w->who;
	}
	return p->cred.uid == (uid_t)w->who;
}

static int may_set(const struct process *p, int nice)
{
	const struct credentials *cred = current_cred();

	if (cred->euid == 0)
		return 0;
	if (cred->euid != p->cred.euid && cred->euid != p->cred.uid)
		return -EPERM;
	return nice < p->nice ? -EACCES : 0;
}

static void visit(struct process *p, void *arg)
{
	struct nice_walk *w = arg;
	int err;

	if (!named(p, w))
		return;
	if (!w->set) {
		w->nice = w->found ? MIN(w->nice, p->nice) : p->nice;
	} else {
		err = may_set(p, w->nice);
		if (err < 0)
			w->err = err;
		else
			p->nice = w->nice;
	}
	w->found = true;
}

static int walk(struct nice_walk *w)
{
	const struct process *self = current_process();
	uint64_t flags;

	if (w->which < PRIO_PROCESS || w->which > PRIO_USER)
		return -EINVAL;
	flags = tree_lock();
	if (w->who == 0)
		w->who = w->which == PRIO_PROCESS ? self->pid
			 : w->which == PRIO_PGRP  ? self->pgid
						  : (int)self->cred.uid;
	process_for_each_locked(visit, w);
	tree_unlock(flags);
	return w->found ? w->err : -ESRCH;
}

int process_nice_get(int which, int who, int *nice)
{
	struct nice_walk w = { .which = which, .who = who };
	int err = walk(&w);

	*nice = w.nice;
	return err;
}

int process_nice_set(int which, int who, int nice)
{
	struct nice_walk w = { .which = which, .who = who, .set = true };

	w.nice = MAX(NICE_MIN, MIN(NICE_MAX, nice));
	return walk(&w);
}

static uint64_t online_mask(void)
{
	return cpu_count >= 64 ? ~0ull : (1ull << cpu_count) - 1;
}

static int affinity(pid_t tid, const uint64_t *set, uint64_t *out)
{
	uint64_t flags = tree_lock();
	struct thread *t = tid == 0 ? current_thread() : thread_find_locked(tid);
	int err = t ? 0 : -ESRCH;

	if (t && set && !signal_permitted(t->process, 0))
		err = -EPERM;
	if (err == 0 && set)
		t->affinity = *set;
	if (err == 0)
		*out = t->affinity;
	tree_unlock(flags);
	return err;
}

int thread_affinity_set(pid_t tid, uint64_t mask)
{
	uint64_t now;

	mask &= online_mask();
	return mask ? affinity(tid, &mask, &now) : -EINVAL;
}

int thread_affinity_get(pid_t tid, uint64_t *mask)
{
	int err = affinity(tid, NULL, mask);

	*mask &= online_mask();
	return err;
}

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
