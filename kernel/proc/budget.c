/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/budget.h>

#include <kernel/format.h>
#include <kernel/reservation.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "proc_priv.h"

struct budget {
	struct kobject object;
	struct reservation reservation;
};

/* An object, so that a capability can be held for it that does not keep the budget. */
struct binding {
	struct kobject object;
	struct budget *budget;  /* [i] there until `cap` was dropped */
	struct capability *cap; /* [i] from binding_create's return on; held */
	_Atomic bool revoked;   /* [a] */
};

static struct budget *budget_of(struct kobject *object)
{
	return container_of(object, struct budget, object);
}

/* --- bindings ---------------------------------------------------------------------------------------- */

static void binding_release(struct kobject *object)
{
	kfree(container_of(object, struct binding, object));
}

static const struct kobject_ops binding_ops = { .release = binding_release };

static void binding_revoked(struct capability *cap, void *holder)
{
	struct binding *b = holder;

	(void)cap;
	atomic_store(&b->revoked, true);
	(void)reservation_unbind(&b->budget->reservation, b);
}

static const struct cap_holder_ops holder_ops = { .revoked = binding_revoked };

static int binding_create(struct budget *budget, struct capability *via, struct binding **out)
{
	struct binding *b = kmalloc(sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	kobject_init(&b->object, OBJECT_NONE, &binding_ops);
	b->budget = budget;
	atomic_init(&b->revoked, false);
	err = cap_hold_via(via, &b->object, &holder_ops, b, &b->cap);
	if (err < 0)
		kobject_put(&b->object);
	else
		*out = b;
	return err;
}

/* NULL: there was none. */
static void binding_drop(struct binding *b)
{
	if (!b)
		return;
	cap_drop(b->cap);
	kobject_put(&b->object);
}

/* --- the object -------------------------------------------------------------------------------------- */

static void release(struct kobject *object)
{
	struct budget *budget = budget_of(object);

	binding_drop(reservation_close(&budget->reservation));
	kfree(budget);
}

static void describe(struct kobject *object, char *buf, size_t size)
{
	snprintf(buf, size, "budget:[%lu]", object->id);
}

static void info(struct kobject *object, char *buf, size_t size)
{
	struct budget_info i;

	budget_look(object, &i);
	snprintf(buf, size, "runtime-ns:\t%lu\nperiod-ns:\t%lu\nused-ns:\t%lu\nthread:\t%d\n", i.runtime_ns,
		 i.period_ns, i.used_ns, i.thread);
}

static const struct kobject_ops budget_ops = { .release = release, .describe = describe, .info = info };

static bool params_valid(const struct budget_params *p)
{
	return policy_deadline_valid(&(struct sched_policy){
		.runtime_ns = p->runtime_ns, .deadline_ns = p->period_ns, .period_ns = p->period_ns });
}

int budget_create(const struct budget_params *params, struct kobject **out)
{
	struct budget *budget;
	int err;

	if (!params_valid(params))
		return -EINVAL;
	if (!policy_may_reserve())
		return -EPERM;
	budget = kmalloc(sizeof(*budget));
	if (!budget)
		return -ENOMEM;
	err = reservation_open(&budget->reservation, params->runtime_ns, params->period_ns);
	if (err < 0) {
		kfree(budget);
		return err;
	}
	kobject_init(&budget->object, OBJECT_BUDGET, &budget_ops);
	*out = &budget->object;
	return 0;
}

/* --- calls ------------------------------------------------------------------------------------------- */

struct bind_request {
	struct reservation *reservation;
	struct binding *binding;
	void *stale;
};

/* The thread does not leave: it is the running one, or proc_tree_lock is held. */
static int bind_thread(struct thread *t, void *arg)
{
	struct bind_request *r = arg;

	return reservation_bind(r->reservation, &t->task, r->binding, &r->stale);
}

int budget_bind(struct capability *via, cap_handle_t thread)
{
	struct budget *budget = budget_of(via->object);
	struct bind_request r = { .reservation = &budget->reservation };
	int err = binding_create(budget, via, &r.binding);

	if (err < 0)
		return err;
	kobject_get(&r.binding->object);
	if (thread == BUDGET_SELF)
		err = bind_thread(current_thread(), &r);
	else
		err = thread_act_by_handle(thread, PROCESS_RIGHT_SCHEDULE, bind_thread, &r);
	binding_drop(err < 0 ? r.binding : r.stale);
	/* Told before the thread was bound, it found nothing to end. */
	if (err == 0 && atomic_load(&r.binding->revoked)) {
		(void)reservation_unbind(r.reservation, r.binding);
		err = -EBADF;
	}
	kobject_put(&r.binding->object);
	return err;
}

int budget_unbind(struct kobject *object)
{
	return reservation_unbind(&budget_of(object)->reservation, NULL) ? 0 : -ESRCH;
}

int budget_resize(struct kobject *object, const struct budget_params *params)
{
	if (!params_valid(params))
		return -EINVAL;
	return reservation_resize(&budget_of(object)->reservation, params->runtime_ns, params->period_ns);
}

static uint64_t number_of(const struct task *task)
{
	return (uint64_t)container_of(task, struct thread, task)->tid;
}

void budget_look(struct kobject *object, struct budget_info *out)
{
	struct reservation_state s;

	reservation_look(&budget_of(object)->reservation, &s, number_of);
	*out = (struct budget_info){
		.runtime_ns = s.runtime_ns,
		.period_ns = s.period_ns,
		.used_ns = s.used_ns,
		.thread = (int32_t)s.number,
	};
}
