/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls.  Which thread a caller lends its urgency to: the one that received its message; before, the one
 * that is busy with the oldest call that this port's servers have, for that one is expected to come back and
 * receive; if there is none, the one that answered last.  That one is on its way back as a rule: a caller
 * that is more urgent than its server goes on, and calls again, before the server has left port_reply().
 */
#include "port_priv.h"

#include <kernel/assert.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "call_table.h"

#define BUSY_LOOK_MAX 8 /* calls to look at for a busy server */

/* --- the caller ------------------------------------------------------------------------------------ */

/* Enter it into the table; the lock is dropped while the table grows. */
static int enter_locked(struct port *port, struct call *call)
{
	while (!port->dead) {
		uint32_t size = call_table_next_size(&port->calls);
		struct call_slot *slots;

		call->cookie = call_table_add(&port->calls, call);
		if (call->cookie)
			return 0;
		if (size == 0)
			return -ENOMEM;
		spin_unlock(&port->lock);
		slots = kmalloc(size * sizeof(*slots));
		spin_lock(&port->lock);
		if (!slots)
			return -ENOMEM;
		slots = call_table_grow(&port->calls, slots, size);
		spin_unlock(&port->lock);
		kfree(slots);
		spin_lock(&port->lock);
	}
	return -EPIPE;
}

/* Nobody has received it: let a busy server hurry. */
static void hurry_server_locked(struct port *port, struct call *call)
{
	uint32_t at = 0;
	struct call *other;

	for (int looks = 0; looks < BUSY_LOOK_MAX; looks++) {
		other = call_table_next(&port->calls, &at);
		if (!other)
			break;
		if (other->state == CALL_RECEIVED && READ_ONCE(other->loan.borrower)) {
			loan_follow(&call->loan, &other->loan);
			return;
		}
	}
	loan_follow(&call->loan, &port->answered);
}

int call_begin(struct call *call, struct port *port, struct parcel *parcel)
{
	int err;

	call->task = current_task();
	call->port = port;
	call->state = CALL_SENT;
	call->parcel = parcel;
	call->answer = NULL;
	call->sender = (struct sender){ .task = call->task, .state = WAIT_DONE };
	spin_lock(&port->lock);
	err = enter_locked(port, call);
	if (err < 0) {
		spin_unlock(&port->lock);
		return err;
	}
	loan_begin(&call->loan);
	parcel->call = call;
	parcel->cookie = call->cookie;
	err = port_admit_locked(port, parcel, &call->sender);
	ASSERT(err == 0);
	if (call->state == CALL_SENT)
		hurry_server_locked(port, call);
	spin_unlock(&port->lock);
	wake_up_all(&port->watchers);
	return 0;
}

int call_wait(struct call *call, uint64_t deadline_ns)
{
	struct port *port = call->port;
	int err;

	spin_lock(&port->lock);
	err = port_wait_locked(port, &call->state, CALL_RECEIVED, deadline_ns);
	if (call->state == CALL_BROKEN)
		err = -EPIPE;
	spin_unlock(&port->lock);
	return err;
}

void call_end(struct call *call)
{
	struct port *port = call->port;

	spin_lock(&port->lock);
	if (call->parcel) {
		port_withdraw_locked(port, call->parcel, &call->sender);
		call->parcel->call = NULL;
	}
	if (call->cookie) /* else the fast way has done it */
		call_table_remove(&port->calls, call->cookie);
	spin_unlock(&port->lock);
	loan_end(&call->loan);
}

/* --- the server ------------------------------------------------------------------------------------ */

void call_received_locked(struct parcel *parcel, struct task *task, const struct cap_table *table)
{
	struct call *call = parcel->call;

	if (!call)
		return;
	parcel->call = NULL;
	call->parcel = NULL;
	call->state = CALL_RECEIVED;
	call->server = table;
	loan_give(&call->loan, task);
}

/* The caller goes on: with the answer, or without. */
static void finish_locked(struct call *call, enum call_state state)
{
	call->state = state;
	loan_return(&call->loan);
	task_wake(call->task);
}

static bool fits(const struct call *call, const struct parcel *answer)
{
	if (call->registers)
		return answer->payload.size <= MESSAGE_SMALL && !answer->cap_count;
	return answer->payload.size <= call->capacity;
}

int call_answer(struct port *port, uint64_t cookie, struct parcel *answer)
{
	struct call *call;
	int err = 0;

	spin_lock(&port->lock);
	call = call_table_find(&port->calls, cookie);
	if (!call || call->state != CALL_RECEIVED) {
		err = -ESRCH;
	} else if (!fits(call, answer)) {
		err = -EMSGSIZE;
	} else {
		call->answer = answer;
		loan_mark(&port->answered);
		finish_locked(call, CALL_ANSWERED);
	}
	spin_unlock(&port->lock);
	return err;
}

void call_refuse(struct port *port, uint64_t cookie)
{
	struct call *call;

	spin_lock(&port->lock);
	call = call_table_find(&port->calls, cookie);
	if (call && call->state == CALL_RECEIVED)
		finish_locked(call, CALL_BROKEN);
	spin_unlock(&port->lock);
}

/* --- servers that are no more ---------------------------------------------------------------------- */

bool call_break_next_locked(struct port *port, uint32_t *at)
{
	struct call *call = call_table_next(&port->calls, at);

	if (call && call->state < CALL_ANSWERED)
		finish_locked(call, CALL_BROKEN);
	return call;
}

void calls_break_of(struct port *port, const struct cap_table *table)
{
	struct call *call;
	uint32_t at = 0;

	do {
		spin_lock(&port->lock);
		call = call_table_next(&port->calls, &at);
		if (call && call->state == CALL_RECEIVED && call->server == table)
			finish_locked(call, CALL_BROKEN);
		spin_unlock(&port->lock);
	} while (call);
}
