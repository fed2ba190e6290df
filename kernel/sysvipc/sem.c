/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores.  A call's operations are done all together or not at all.  Who has to wait leaves them
 * in the set's list; whoever changes a value looks through that list, oldest first, and does there what can
 * be done now, on behalf of who waits.  So nobody is overtaken by what came later and could have been done no
 * sooner.
 *
 * What a process undoes at its end hangs in two lists: that of the process, and that of the set.  All of it
 * is guarded by the table's lock.
 */
#include "sem_priv.h"

#include <kernel/assert.h>
#include <kernel/list.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define PENDING 1 /* the state of who waits: neither done nor refused */

/* On the stack of who waits. */
struct sem_waiter {
	struct list link; /* [lock] in set->waiters, while PENDING */
	struct waitqueue queue;
	const struct abi_sembuf *ops; /* [i] */
	unsigned count;               /* [i] */
	unsigned blocked_by;          /* [lock] which of them cannot be done */
	struct sem_undo *undo;        /* [i] NULL: nothing is to be undone */
	pid_t pid;                    /* [i] */
	int state;                    /* [lock] written; read anywhere: PENDING, 0, -errno */
};

struct ids_table sem_sets = IDS_TABLE(sem_sets, "sem", &sysvipc_limits.semmni);

/* --- operations ---------------------------------------------------------------------------------------- */

/* Take back the first n. */
static void take_back_locked(struct sem_set *set, const struct abi_sembuf *ops, unsigned n,
			     struct sem_undo *undo)
{
	while (n-- > 0) {
		set->sems[ops[n].num].value -= ops[n].op;
		if (!(ops[n].flags & SEM_UNDO))
			continue;
		ASSERT(undo); /* there is one if any of them asks for it */
		undo->adjust[ops[n].num] = (int16_t)(undo->adjust[ops[n].num] + ops[n].op);
	}
}

/* One of them: 0, PENDING: it has to wait, or -ERANGE. */
static int do_one_locked(struct sem_set *set, const struct abi_sembuf *op, struct sem_undo *undo)
{
	int value = set->sems[op->num].value, after = value + op->op, adjust;

	if ((op->op == 0 && value != 0) || after < 0)
		return op->flags & (int)IPC_NOWAIT ? -EAGAIN : PENDING;
	if (after > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->flags & SEM_UNDO) {
		ASSERT(undo);
		adjust = undo->adjust[op->num] - op->op;
		if (adjust < -SEM_ADJUST_MAX - 1 || adjust > SEM_ADJUST_MAX)
			return -ERANGE;
		undo->adjust[op->num] = (int16_t)adjust;
	}
	set->sems[op->num].value = (int16_t)after;
	return 0;
}

/* All of them, or none.  As above; *blocked_by: which one has to wait. */
static int do_all_locked(struct sem_set *set, const struct abi_sembuf *ops, unsigned count,
			 struct sem_undo *undo, pid_t pid, unsigned *blocked_by)
{
	for (unsigned i = 0; i < count; i++) {
		int result = do_one_locked(set, &ops[i], undo);

		if (result != 0) {
			take_back_locked(set, ops, i, undo);
			*blocked_by = i;
			return result;
		}
	}
	for (unsigned i = 0; i < count; i++)
		set->sems[ops[i].num].pid = pid;
	set->otime = ids_now();
	return 0;
}

static void finish_locked(struct sem_waiter *w, int state)
{
	list_del(&w->link);
	WRITE_ONCE(w->state, state);
	wake_up_all(&w->queue); /* it takes the lock before it goes */
}

void sem_changed_locked(struct sem_set *set)
{
	struct sem_waiter *w, *next;
	bool again;

	do {
		again = false;
		list_for_each_safe (w, next, &set->waiters, link) {
			int result = do_all_locked(set, w->ops, w->count, w->undo, w->pid, &w->blocked_by);

			if (result == PENDING)
				continue;
			finish_locked(w, result);
			again = result == 0;
			if (again)
				break; /* from the oldest on: its operations may let others go */
		}
	} while (again);
}

void sem_refuse_all_locked(struct sem_set *set, int err)
{
	while (!list_empty(&set->waiters))
		finish_locked(list_first(&set->waiters, struct sem_waiter, link), err);
}

unsigned sem_count_waiters_locked(const struct sem_set *set, unsigned num, bool zero)
{
	struct sem_waiter *w;
	unsigned n = 0;

	list_for_each (w, &set->waiters, link) {
		const struct abi_sembuf *op = &w->ops[w->blocked_by];

		n += op->num == num && (op->op == 0) == zero;
	}
	return n;
}

/* Sleep until somebody has done it for us.  The lock is let go, and held again afterwards. */
static int wait_locked(struct sem_set *set, struct sem_waiter *w, uint64_t deadline_ns)
{
	int err;

	w->state = PENDING;
	waitqueue_init(&w->queue);
	list_add_tail(&set->waiters, &w->link);
	mutex_unlock(&sem_sets.lock);
	err = wait_event_timeout(&w->queue, READ_ONCE(w->state) != PENDING, deadline_ns, true);
	mutex_lock(&sem_sets.lock);
	if (w->state != PENDING)
		return w->state;
	list_del(&w->link);
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

struct request {
	const struct abi_sembuf *ops;
	unsigned count;
	bool alters, undoes;
	unsigned highest;
};

static struct request look_at(const struct abi_sembuf *ops, unsigned count)
{
	struct request r = { .ops = ops, .count = count };

	for (unsigned i = 0; i < count; i++) {
		r.alters |= ops[i].op != 0;
		r.undoes |= (ops[i].flags & SEM_UNDO) != 0;
		r.highest = MAX(r.highest, (unsigned)ops[i].num);
	}
	return r;
}

static int operate_locked(struct sem_set *set, const struct request *r, uint64_t deadline_ns)
{
	struct sem_waiter w = { .ops = r->ops, .count = r->count, .pid = current_process()->pid };
	int result;

	if (r->highest >= set->count)
		return -EFBIG;
	result = ids_permit(&set->ids, r->alters ? IDS_WRITE : IDS_READ);
	if (result == 0 && r->undoes)
		result = sem_undo_find_locked(set, &w.undo);
	if (result < 0)
		return result;
	result = do_all_locked(set, r->ops, r->count, w.undo, w.pid, &w.blocked_by);
	if (result == 0 && r->alters)
		sem_changed_locked(set);
	return result == PENDING ? wait_locked(set, &w, deadline_ns) : result;
}

int64_t sem_operate(int id, const struct abi_sembuf *ops, unsigned count, uint64_t deadline_ns)
{
	struct request r = look_at(ops, count);
	struct ids_object *obj;
	int result;

	mutex_lock(&sem_sets.lock);
	result = ids_lookup_locked(&sem_sets, id, &obj);
	if (result == 0)
		result = operate_locked(sem_set_of(obj), &r, deadline_ns);
	mutex_unlock(&sem_sets.lock);
	return result;
}
