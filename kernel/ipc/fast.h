/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and answers from register to register, with the CPU handed over (kernel/sched/handoff.h): inline, for
 * the two system calls that are nothing else (kernel/syscall/ipc_small.c).  <kernel/ipc.h> says what they
 * promise.
 *
 * First every condition is looked at, under the port's lock; then the handoff and the loan are begun, which
 * refuse if they must; from there on nothing can fail.  Both tasks are asleep between that and the switch,
 * and nobody can wake them: so the other one's saved registers may be written.
 */
#pragma once

#include <arch/context.h>
#include <arch/message.h>
#include <kernel/assert.h>
#include <kernel/sched.h>

#include "../sched/handoff.h"
#include "call_table.h"
#include "port_priv.h"

/* The message of the running task is in the registers that the receiver finds when it runs. */
static inline void pass(struct task *to, struct arch_regs *regs, uint64_t size)
{
	DEBUG_ASSERT(!atomic_load_explicit(&to->on_cpu, memory_order_relaxed));
	arch_message_pass(&to->context, size);
	arch_regs_set_result(regs, (int64_t)size);
}

/* --- the caller -------------------------------------------------------------------------------------- */

/* Does somebody wait for the message, and take small ones in its registers? */
static inline bool has_willing_receiver(const struct port *port)
{
	return !port->dead && !list_empty(&port->receivers) &&
	       list_first(&port->receivers, struct receiver, link)->registers &&
	       !call_table_is_full(&port->calls);
}

/* Lend to the server and hand it the CPU: both, or neither. */
static __always_inline bool begin_call(struct handoff *h, struct call *call, struct task *server)
{
	if (unlikely(!handoff_prepare(h, server, TASK_SLEEPING_INTR)))
		return false;
	if (likely(loan_begin_direct(&call->loan, h->self, server)))
		return true;
	handoff_cancel(h);
	return false;
}

/* Returns the cookie. */
static inline uint64_t enter(struct call *call, struct task *self, struct port *port,
			     const struct receiver *r, struct arch_regs *regs)
{
	call->task = self;
	call->port = port;
	call->state = CALL_RECEIVED;
	call->parcel = NULL;
	call->answer = NULL;
	call->server = r->table;
	call->registers = regs;
	return call->cookie = call_table_take(&port->calls, call);
}

static inline bool call_fast(struct call *call, const struct capability *via, struct arch_regs *regs,
			     uint64_t tag, uint64_t size)
{
	struct port *port = port_of(via->object);
	struct receiver *r;
	struct arch_regs *to;
	struct handoff h __attribute__((uninitialized));
	uint64_t cookie;

	spin_acquire_(&port->lock);
	if (unlikely(!has_willing_receiver(port)))
		goto out_unlock;
	r = list_first(&port->receivers, struct receiver, link);
	if (unlikely(!begin_call(&h, call, r->task)))
		goto out_unlock;
	cookie = enter(call, h.self, port, r, regs);
	list_del(&r->link);
	r->state = WAIT_DONE;
	r->got = NULL;
	to = r->registers;
	arch_regs_set_message(to, tag, via->badge, cookie,
			      atomic_load_explicit(&via->rights, memory_order_relaxed));
	pass(h.next, to, size);
	spin_release_(&port->lock);
	handoff_commit(&h);
	return true;
out_unlock:
	spin_unlock(&port->lock);
	return false;
}

/* All is in the caller's registers, the size in the place of the result. */
static inline bool call_fast_is_done(struct call *call)
{
	if (unlikely(call->cookie))
		return false;
	if (unlikely(current_task()->lending)) /* another thread has answered than the borrower */
		loan_end(&call->loan);
	return true;
}

/* --- the server ------------------------------------------------------------------------------------ */

/* The call to answer, if its caller waits in its registers, and nobody else for this server. */
static inline struct call_slot *answerable_call(const struct port *port, uint64_t cookie)
{
	struct call_slot *slot = call_table_slot(&port->calls, cookie);
	const struct call *call;

	if (unlikely(!slot || port->dead || port->queue.count || !list_empty(&port->senders)))
		return NULL;
	call = slot->call;
	return likely(call->state == CALL_RECEIVED && call->registers) ? slot : NULL;
}

/* Hand the CPU back to the caller, its loan with it: both, or neither but that the loan is over. */
static __always_inline bool begin_answer(struct handoff *h, struct call *call)
{
	struct task *self = current_task(), *caller = call->task;
	bool direct = self->direct_loan == &call->loan;

	if (likely(direct))
		loan_end_direct(&call->loan, caller, self);
	if (likely(handoff_prepare(h, caller, TASK_SLEEPING_INTR))) {
		if (likely(!direct || loan_is_settled(caller, self)))
			return true;
		handoff_cancel(h);
	}
	if (direct)
		loan_settle(caller);
	return false;
}

static inline void wait_here(struct receiver *self, struct task *task, struct port *port,
			     struct cap_table *table, struct arch_regs *regs)
{
	self->task = task;
	self->state = WAIT_QUEUED;
	self->table = table;
	self->registers = regs;
	list_add_tail(&port->receivers, &self->link);
}

static inline bool reply_wait_fast(struct receiver *self, struct port *port, struct cap_table *table,
				   struct arch_regs *regs, uint64_t tag, uint64_t size, uint64_t cookie)
{
	struct call_slot *slot;
	struct call *call;
	struct arch_regs *to;
	struct handoff h __attribute__((uninitialized));

	spin_acquire_(&port->lock);
	slot = answerable_call(port, cookie);
	if (unlikely(!slot || !begin_answer(&h, slot->call))) {
		spin_unlock(&port->lock);
		return false;
	}
	call = slot->call;
	call_table_free(&port->calls, slot, cookie);
	call->cookie = 0;
	call->state = CALL_ANSWERED;
	to = call->registers;
	arch_regs_set_message(to, tag, 0, 0, 0);
	pass(h.next, to, size);
	wait_here(self, h.self, port, table, regs);
	spin_release_(&port->lock);
	handoff_commit(&h);
	return true;
}

static inline bool reply_wait_fast_is_done(const struct receiver *self)
{
	return self->state == WAIT_DONE && !self->got;
}
