/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How threads are scheduled, as sched(7) lets programs choose it: what may be asked for, and by whom.  What
 * it means is the scheduler's business (kernel/sched).
 *
 * A change is checked and made under the lock of the thread's process, so that two of them do not mix.
 */
#include <kernel/confine.h>
#include <kernel/smp.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "proc_priv.h"

/* What sched_setattr(2) accepts for SCHED_DEADLINE: shorter is not worth a switch, longer is not a deadline.
 */
#define RUNTIME_MIN_NS 1024u
#define PERIOD_MIN_NS  (100 * NSEC_PER_USEC)
#define PERIOD_MAX_NS  ((1ull << 22) * NSEC_PER_USEC)

bool process_same_owner(const struct process *p)
{
	const struct credentials *me = current_cred(), *other = &p->cred;

	if (!confine_may_touch(p))
		return false;
	return me->euid == other->euid || me->euid == other->uid || cred_has_privilege(PRIV_SYS_NICE);
}

bool thread_same_owner(const struct thread *t)
{
	return process_same_owner(t->process);
}

static bool is_realtime(unsigned policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair(unsigned policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

bool policy_deadline_valid(const struct sched_policy *p)
{
	return p->runtime_ns >= RUNTIME_MIN_NS && p->runtime_ns <= p->deadline_ns &&
	       p->deadline_ns <= p->period_ns && p->period_ns >= PERIOD_MIN_NS &&
	       p->period_ns <= PERIOD_MAX_NS;
}

static bool policy_valid(const struct sched_policy *p)
{
	switch (p->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return p->rt_priority >= RT_PRIORITY_MIN && p->rt_priority <= RT_PRIORITY_MAX;
	case SCHED_DEADLINE:
		return p->rt_priority == 0 && policy_deadline_valid(p);
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return p->rt_priority == 0;
	}
	return false;
}

/* More than everybody's share. */
static bool is_urgent(const struct sched_policy *p)
{
	return is_realtime(p->policy) || p->policy == SCHED_DEADLINE || p->nice < 0;
}

/* Without privilege: less urgent, or as urgent as the thread's limits allow. */
static bool unprivileged_may(const struct thread *t, const struct sched_policy *old,
			     const struct sched_policy *new)
{
	uint64_t limit = t->process->rlimits[RLIMIT_RTPRIO].cur;

	if (is_fair(new->policy) && new->nice < old->nice && !thread_may_nice(t, new->nice))
		return false;
	if (is_realtime(new->policy)) {
		if (new->policy != old->policy && limit == 0)
			return false;
		if (new->rt_priority > old->rt_priority &&new->rt_priority > limit)
			return false;
	}
	if (new->policy == SCHED_DEADLINE)
		return false;
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE && !thread_may_nice(t, old->nice))
		return false;
	return !old->reset_on_fork || new->reset_on_fork;
}

/* What the request leaves as it is comes from what the thread has. */
static void complete(struct sched_policy *new, const struct sched_policy *old,
		     const struct policy_request *request)
{
	*new = request->policy;
	if (request->keep_policy) {
		new->policy = old->policy;
		new->reset_on_fork = old->reset_on_fork;
	}
	if (request->keep_params && is_realtime(old->policy))
		new->rt_priority = old->rt_priority;
	if (request->keep_params && old->policy == SCHED_DEADLINE) {
		new->runtime_ns = old->runtime_ns;
		new->deadline_ns = old->deadline_ns;
		new->period_ns = old->period_ns;
	}
	if (request->keep_nice || request->keep_params || !is_fair(new->policy))
		new->nice = old->nice;
	if (new->policy != SCHED_DEADLINE)
		new->runtime_ns = new->deadline_ns = new->period_ns = 0;
	else if (new->period_ns == 0)
		new->period_ns = new->deadline_ns;
}

int thread_policy_set_locked(struct thread *t, const struct policy_request *request, bool owner)
{
	struct sched_policy old, new;
	int err;

	assert_held(&t->process->lock);
	sched_get_base_policy(&t->task, &old);
	complete(&new, &old, request);
	if (!policy_valid(&new))
		return -EINVAL;
	if (!cred_has_privilege(PRIV_SYS_NICE) && (!owner || !unprivileged_may(t, &old, &new)))
		return -EPERM;
	if (!owner || (confine_denies(CONFINE_NO_RT) && is_urgent(&new)))
		return -EPERM;
	err = sched_set_policy(&t->task, &new);
	if (err == 0)
		cpu_timers_update_locked(t->process); /* RLIMIT_RTTIME may begin to count */
	return err;
}

bool policy_may_reserve(void)
{
	return cred_has_privilege(PRIV_SYS_NICE) && !confine_denies(CONFINE_NO_RT);
}

int thread_policy_set(pid_t tid, const struct policy_request *request)
{
	uint64_t flags = tree_lock();
	struct thread *t = tid ? thread_find_locked(tid) : current_thread();
	int err = -ESRCH;

	if (t) {
		spin_lock(&t->process->lock);
		err = thread_policy_set_locked(t, request, thread_same_owner(t));
		spin_unlock(&t->process->lock);
	}
	tree_unlock(flags);
	return err;
}

int thread_policy_get(pid_t tid, struct sched_policy *out, uint64_t *slice_ns)
{
	struct thread *t;
	uint64_t flags;

	if (!confine_may_name(tid))
		return -EPERM;
	flags = tree_lock();
	t = tid ? thread_find_locked(tid) : current_thread();
	if (t) {
		sched_get_policy(&t->task, out);
		*slice_ns = sched_slice_ns(&t->task);
	}
	tree_unlock(flags);
	return t ? 0 : -ESRCH;
}

/* --- affinity ------------------------------------------------------------------------------------- */

int thread_affinity_set(pid_t tid, const struct cpumask *mask)
{
	struct thread *self = current_thread(), *t;
	uint64_t flags;
	int err = -ESRCH;

	if (tid == 0 || tid == self->tid) /* moves at once, so under no lock */
		return sched_set_affinity(&self->task, mask);
	flags = tree_lock();
	t = thread_find_locked(tid);
	if (t)
		err = thread_same_owner(t) ? sched_set_affinity(&t->task, mask) : -EPERM;
	tree_unlock(flags);
	return err;
}

int thread_affinity_get(pid_t tid, struct cpumask *mask)
{
	struct thread *t;
	uint64_t flags;

	if (!confine_may_name(tid))
		return -EPERM;
	flags = tree_lock();
	t = tid ? thread_find_locked(tid) : current_thread();
	if (t) {
		sched_get_affinity(&t->task, mask);
		*mask = cpumask_and(mask, &cpus_online);
	}
	tree_unlock(flags);
	return t ? 0 : -ESRCH;
}
