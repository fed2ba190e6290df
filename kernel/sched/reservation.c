/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/reservation.h>

#include <kernel/panic.h>
#include <serix/errno.h>

#include "sched_priv.h"

static struct spinlock reservations = SPINLOCK_INIT("reservations", RANK_RESERVATION);

uint64_t reservations_lock(void)
{
	return spin_lock_irqsave(&reservations);
}

void reservations_unlock(uint64_t flags)
{
	spin_unlock_irqrestore(&reservations, flags);
}

/* --- a task's part ----------------------------------------------------------------------------------- */

/* What a server has and owes, wherever it is. */
static void hand_over(struct sched_iso *to, const struct sched_iso *from)
{
	to->deadline_ns = from->deadline_ns;
	to->budget_ns = from->budget_ns;
	to->used_ns = from->used_ns;
	to->missed = from->missed;
}

static struct sched_policy reserved_policy(const struct reservation *r, const struct sched_policy *base)
{
	return (struct sched_policy){
		.policy = SCHED_DEADLINE,
		.nice = base->nice,
		.reset_on_fork = base->reset_on_fork,
		.runtime_ns = r->runtime_ns,
		.deadline_ns = r->period_ns,
		.period_ns = r->period_ns,
	};
}

struct sched_policy reservation_base_locked(const struct task *task)
{
	return (struct sched_policy){
		.policy = task->base_policy,
		.nice = task->policy.nice,
		.reset_on_fork = task->policy.reset_on_fork,
	};
}

void reservation_leave_locked(struct task *task)
{
	struct reservation *r = task->reservation;

	assert_held(&reservations);
	if (!r)
		return;
	hand_over(&r->server, &task->iso);
	r->task = NULL;
	task->policy = reservation_base_locked(task);
	task->reservation = NULL;
}

static bool has_urgent_policy(const struct task *task)
{
	unsigned policy = task->policy.policy;

	return policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE;
}

static int join_locked(struct reservation *r, struct task *task, uint64_t now)
{
	if (has_urgent_policy(task))
		return -EBUSY;
	if (!policy_runs_everywhere(task))
		return -EPERM;
	task->base_policy = task->policy.policy;
	task->policy = reserved_policy(r, &task->policy);
	task->reservation = r;
	r->task = task;
	hand_over(&task->iso, &r->server);
	iso_wake(&task->iso, &task->policy, now); /* as after a sleep: what is used stays used */
	policy_apply(task);
	return 0;
}

static void end_binding_locked(struct reservation *r)
{
	struct task *task = r->task;
	struct policy_change c = policy_begin_change(task);

	reservation_leave_locked(task);
	policy_apply(task);
	policy_end_change(task, &c);
}

/* --- the reservation --------------------------------------------------------------------------------- */

static int check(uint64_t runtime_ns, uint64_t period_ns)
{
	struct sched_policy p = { .runtime_ns = runtime_ns,
				  .deadline_ns = period_ns,
				  .period_ns = period_ns };

	return iso_params_valid(&p) ? 0 : -EINVAL;
}

int reservation_open(struct reservation *r, uint64_t runtime_ns, uint64_t period_ns)
{
	int err = check(runtime_ns, period_ns);

	if (err < 0)
		return err;
	/* Its last period was over at time 0: whoever is bound first begins a new one. */
	*r = (struct reservation){ .runtime_ns = runtime_ns,
				   .period_ns = period_ns,
				   .server.budget_ns = (int64_t)runtime_ns };
	return policy_admit(&r->bandwidth, iso_bandwidth(runtime_ns, period_ns));
}

void *reservation_close(struct reservation *r)
{
	uint64_t flags = reservations_lock();

	if (r->task)
		end_binding_locked(r);
	if (policy_admit(&r->bandwidth, 0) < 0)
		panic("reservation: less than before was refused");
	reservations_unlock(flags);
	return r->key;
}

int reservation_bind(struct reservation *r, struct task *task, void *key, void **stale)
{
	uint64_t flags = reservations_lock();
	struct policy_change c;
	int err = -EBUSY;

	if (!r->task) {
		c = policy_begin_change(task);
		err = join_locked(r, task, c.now);
		policy_end_change(task, &c);
	}
	if (err == 0) {
		*stale = r->key;
		r->key = key;
	}
	reservations_unlock(flags);
	return err;
}

bool reservation_unbind(struct reservation *r, const void *key)
{
	uint64_t flags = reservations_lock();
	bool is_it = r->task && (!key || r->key == key);

	if (is_it)
		end_binding_locked(r);
	reservations_unlock(flags);
	return is_it;
}

void reservation_leave_slowly(void)
{
	struct task *self = current_task();
	uint64_t flags = reservations_lock();

	if (self->reservation)
		end_binding_locked(self->reservation);
	reservations_unlock(flags);
}

static void set_times_locked(struct reservation *r, struct sched_iso *server, uint64_t runtime_ns,
			     uint64_t period_ns)
{
	r->runtime_ns = runtime_ns;
	r->period_ns = period_ns;
	server->budget_ns = MIN(server->budget_ns, (int64_t)runtime_ns);
}

int reservation_resize(struct reservation *r, uint64_t runtime_ns, uint64_t period_ns)
{
	struct task *task;
	struct policy_change c;
	uint64_t flags;
	int err = check(runtime_ns, period_ns);

	if (err < 0)
		return err;
	flags = reservations_lock();
	task = r->task;
	err = policy_admit(&r->bandwidth, iso_bandwidth(runtime_ns, period_ns));
	if (err == 0 && !task)
		set_times_locked(r, &r->server, runtime_ns, period_ns);
	if (err == 0 && task) {
		c = policy_begin_change(task);
		set_times_locked(r, &task->iso, runtime_ns, period_ns);
		task->policy = reserved_policy(r, &task->policy);
		iso_wake(&task->iso, &task->policy, c.now);
		policy_apply(task);
		policy_end_change(task, &c);
	}
	reservations_unlock(flags);
	return err;
}

static uint64_t used_by(struct task *task)
{
	uint64_t flags, used;
	struct runq *rq = runq_lock_task(task, &flags);

	if (rq->current == task)
		account_locked(rq, time_now_ns());
	used = task->iso.used_ns;
	spin_unlock_irqrestore(&rq->lock, flags);
	return used;
}

void reservation_look(struct reservation *r, struct reservation_state *out,
		      uint64_t (*number)(const struct task *task))
{
	uint64_t flags = reservations_lock();

	*out = (struct reservation_state){
		.runtime_ns = r->runtime_ns,
		.period_ns = r->period_ns,
		.used_ns = r->task ? used_by(r->task) : r->server.used_ns,
		.number = r->task ? number(r->task) : 0,
	};
	reservations_unlock(flags);
}
