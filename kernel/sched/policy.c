/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a task is scheduled: policy, CPU mask, urgency lent by others.
 *
 * What a task asked for is its policy; what it runs as follows from that and from what it was lent: the more
 * urgent of both.  Urgency is one number (sched_priv.h), from which the class follows.
 *
 * A change takes a waiting task off its queue and puts it back; a running one goes on as the other kind of
 * task and its CPU decides anew.
 */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <kernel/assert.h>
#include <serix/errno.h>

/* Bandwidth of all ISO tasks. */
static _Atomic uint64_t iso_total;

/* --- from policy to class ---------------------------------------------------------------------------- */

static uint64_t urgency_by(const struct task *task, unsigned policy)
{
	switch (policy) {
	case SCHED_DEADLINE:
		return task->iso.deadline_ns;
	case SCHED_FIFO:
	case SCHED_RR:
		return URGENCY_REALTIME + (RT_PRIORITY_TOP - task->policy.rt_priority);
	case SCHED_BATCH:
	case SCHED_IDLE:
		return URGENCY_BATCH;
	}
	return URGENCY_FAIR;
}

static uint32_t own_weight(const struct task *task)
{
	return task->policy.policy == SCHED_IDLE ? WEIGHT_IDLE : fair_weight(task->policy.nice);
}

static const struct sched_class *class_of(uint64_t urgency)
{
	if (urgency < URGENCY_REALTIME)
		return &iso_class;
	if (urgency < URGENCY_FAIR)
		return &realtime_class;
	return urgency == URGENCY_FAIR ? &fair_class : &batch_class;
}

static void set_weight(struct sched_fair *e, uint32_t weight)
{
	ASSERT(weight > 0);
	/* It is owed, or owes, the same CPU time as before. */
	if (e->weight)
		e->lag = e->lag * (int64_t)e->weight / (int64_t)weight;
	e->weight = weight;
}

void policy_apply(struct task *task)
{
	uint64_t own = urgency_by(task, task->policy.policy);

	task->urgency = MIN(own, task->lent_urgency);
	task->lent = task->urgency != own;
	task->class = class_of(task->urgency);
	if (task->class == &realtime_class)
		task->rt.priority = (uint8_t)(RT_PRIORITY_TOP - (task->urgency - URGENCY_REALTIME));
	task->rt.round_robin = task->policy.policy == SCHED_RR && !task->lent;
	set_weight(&task->fair, MAX(own_weight(task), task->lent_weight));
}

void policy_init(struct task *task)
{
	task->policy = (struct sched_policy){ .policy = SCHED_OTHER };
	task->affinity = CPUMASK_ALL;
	task->lent_urgency = URGENCY_IDLE;
	list_init(&task->rt.link);
	policy_apply(task);
}

void policy_release(struct task *task)
{
	ASSERT(!task->reservation);
	atomic_fetch_sub_explicit(&iso_total, task->iso.bandwidth, memory_order_relaxed);
	task->iso.bandwidth = 0;
}

/* --- changing a task that may run or wait ------------------------------------------------------------- */

struct policy_change policy_begin_change(struct task *task)
{
	struct policy_change c;

	c.rq = runq_lock_task(task, &c.flags);
	c.now = time_now_ns();
	account_locked(c.rq, c.now);
	c.runs = c.rq->current == task;
	c.waited = runq_withdraw_locked(c.rq, task);
	if (c.runs)
		task->class->stop(c.rq, task);
	return c;
}

void policy_end_change(struct task *task, const struct policy_change *c)
{
	struct runq *rq = c->rq;

	if (c->runs) {
		if (task->class == &fair_class)
			fair_join(&rq->fair, &task->fair, NULL);
		else if (task->class == &batch_class)
			fair_join(&rq->batch, &task->fair, NULL);
		task->class->start(task, c->now);
		WRITE_ONCE(rq->urgency, task->urgency);
		WRITE_ONCE(rq->running_weight, task->fair.weight);
		request_resched(rq);
	} else if (c->waited) {
		runq_add_locked(rq, task, ENQUEUE_JOIN, c->now);
		check_preempt_locked(rq, task, c->now);
		if (task->iso.suspended)
			request_resched(rq); /* to arm its timer */
	}
	spin_unlock(&rq->lock);
	irq_restore_and_preempt(c->flags);
}

/* --- policies ---------------------------------------------------------------------------------------- */

static bool fits(const struct sched_policy *p)
{
	if (p->nice < NICE_MIN || p->nice > NICE_MAX)
		return false;
	switch (p->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return p->rt_priority >= 1 && p->rt_priority <= RT_PRIORITY_TOP;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return p->rt_priority == 0;
	case SCHED_DEADLINE:
		return p->rt_priority == 0 && iso_params_valid(p);
	}
	return false;
}

int policy_admit(uint64_t *has, uint64_t wanted)
{
	uint64_t had = *has, total = atomic_load(&iso_total);

	do {
		if (wanted > had && !iso_admissible(total - had, wanted, cpumask_count(&cpus_online)))
			return -EBUSY;
	} while (!atomic_compare_exchange_weak(&iso_total, &total, total - had + wanted));
	*has = wanted;
	return 0;
}

/* Its run queue is locked, so what it has stands still. */
static int admit_locked(struct task *task, const struct sched_policy *p)
{
	uint64_t wanted = p->policy == SCHED_DEADLINE ? iso_bandwidth(p->runtime_ns, p->period_ns) : 0;

	return policy_admit(&task->iso.bandwidth, wanted);
}

bool policy_runs_everywhere(const struct task *task)
{
	struct cpumask allowed = cpumask_and(&task->affinity, &cpus_online);

	return cpumask_count(&allowed) == cpumask_count(&cpus_online);
}

int sched_set_policy(struct task *task, const struct sched_policy *policy)
{
	struct policy_change c;
	uint64_t flags;
	int err;

	if (!fits(policy))
		return -EINVAL;
	flags = reservations_lock();
	c = policy_begin_change(task);
	if (policy->policy == SCHED_DEADLINE && !policy_runs_everywhere(task))
		err = -EPERM;
	else
		err = admit_locked(task, policy);
	if (err == 0) {
		reservation_leave_locked(task);
		task->policy = *policy;
		if (policy->policy == SCHED_DEADLINE)
			iso_start(&task->iso, policy, c.now);
		policy_apply(task);
	}
	policy_end_change(task, &c);
	reservations_unlock(flags);
	return err;
}

void sched_set_nice(struct task *task, int nice)
{
	struct policy_change c = policy_begin_change(task);

	task->policy.nice = nice_clamp(nice);
	policy_apply(task);
	policy_end_change(task, &c);
}

void sched_get_policy(struct task *task, struct sched_policy *out)
{
	uint64_t flags;
	struct runq *rq = runq_lock_task(task, &flags);

	*out = task->policy;
	spin_unlock_irqrestore(&rq->lock, flags);
}

void sched_get_base_policy(struct task *task, struct sched_policy *out)
{
	uint64_t flags;
	struct runq *rq = runq_lock_task(task, &flags);

	*out = task->reservation ? reservation_base_locked(task) : task->policy;
	spin_unlock_irqrestore(&rq->lock, flags);
}

uint64_t sched_slice_ns(struct task *task)
{
	struct sched_policy p;

	sched_get_policy(task, &p);
	switch (p.policy) {
	case SCHED_FIFO:
	case SCHED_DEADLINE:
		return 0;
	case SCHED_RR:
		return RR_SLICE_NS;
	case SCHED_BATCH:
	case SCHED_IDLE:
		return BATCH_SLICE_NS;
	}
	return FAIR_SLICE_NS;
}

int sched_inherit(struct task *child)
{
	struct sched_policy p;
	struct cpumask mask;

	sched_get_base_policy(current_task(), &p);
	sched_get_affinity(current_task(), &mask);
	if (p.reset_on_fork) {
		bool urgent = p.policy != SCHED_OTHER && p.policy != SCHED_BATCH && p.policy != SCHED_IDLE;
		int8_t nice = p.nice < 0 ? 0 : p.nice;

		p = (struct sched_policy){ .policy = urgent ? SCHED_OTHER : p.policy, .nice = nice };
	} else if (p.policy == SCHED_DEADLINE) {
		return -EAGAIN;
	}
	/* Nobody else knows the child yet. */
	child->policy = p;
	child->affinity = mask;
	policy_apply(child);
	return 0;
}

/* --- CPU masks --------------------------------------------------------------------------------------- */

/* A waiting task that may no longer run where it waits goes elsewhere. */
static void move_waiting(struct task *task)
{
	struct runq *to, *from = place_and_lock(task, &to);
	uint64_t now = time_now_ns();

	if (task->on_runq && !may_run_on(task, from->cpu)) {
		runq_move_locked(from, to, task, now);
		check_preempt_locked(to, task, now);
	}
	runq_unlock_pair(from, to);
}

int sched_set_affinity(struct task *task, const struct cpumask *mask)
{
	struct cpumask online = cpumask_and(mask, &cpus_online);
	uint64_t flags;
	struct runq *rq;
	bool misplaced;

	if (cpumask_empty(&online))
		return -EINVAL;
	rq = runq_lock_task(task, &flags);
	if (task->policy.policy == SCHED_DEADLINE && cpumask_count(&online) < cpumask_count(&cpus_online)) {
		spin_unlock_irqrestore(&rq->lock, flags);
		return -EBUSY;
	}
	task->affinity = *mask;
	misplaced = task->strayed = !may_run_on(task, rq->cpu);
	if (misplaced && rq->current == task)
		request_resched(rq);
	spin_unlock(&rq->lock);
	if (misplaced)
		move_waiting(task);
	irq_restore_and_preempt(flags);
	return 0;
}

void sched_get_affinity(struct task *task, struct cpumask *out)
{
	uint64_t flags;
	struct runq *rq = runq_lock_task(task, &flags);

	*out = task->affinity;
	spin_unlock_irqrestore(&rq->lock, flags);
}

/* --- lending ----------------------------------------------------------------------------------------- */

/* Not what is reserved for it: who runs on loan is not charged, so nothing would bound that. */
static uint64_t lendable_locked(const struct task *donor)
{
	if (!donor->reservation)
		return donor->urgency;
	return MIN(urgency_by(donor, donor->base_policy), donor->lent_urgency);
}

static void raise(struct task *task, uint64_t urgency, uint32_t weight)
{
	task->lent_urgency = MIN(urgency, task->lent_urgency);
	task->lent_weight = MAX(weight, task->lent_weight);
}

void sched_lend(struct task *task, struct task *donor)
{
	uint64_t urgency = URGENCY_IDLE;
	uint32_t weight = 0;
	struct policy_change c;

	if (donor) {
		uint64_t flags;
		struct runq *rq = runq_lock_task(donor, &flags);

		urgency = lendable_locked(donor);
		weight = donor->fair.weight;
		spin_unlock_irqrestore(&rq->lock, flags);
		if (urgency >= READ_ONCE(task->urgency) && weight <= READ_ONCE(task->fair.weight))
			return;
	} else if (READ_ONCE(task->lent_urgency) == URGENCY_IDLE) {
		return;
	}
	c = policy_begin_change(task);
	if (!donor) {
		task->lent_urgency = URGENCY_IDLE;
		task->lent_weight = 0;
	} else {
		raise(task, urgency, weight);
	}
	policy_apply(task);
	policy_end_change(task, &c);
}
