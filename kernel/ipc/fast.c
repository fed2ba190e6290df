/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and answers from register to register, with the CPU handed over (kernel/sched/handoff.c).
 *
 * First every condition is looked at, under the port's lock; then the loan and the handoff are begun, which
 * refuse if they must; from there on nothing can fail.  Both tasks are asleep between that and the switch,
 * and nobody can wake them: so the other one's saved registers may be written.
 */
#include "port_priv.h"

#include <arch/context.h>
#include <arch/message.h>
#include <kernel/sched.h>

#include "call_table.h"

/* The message of the running task is in the registers that the receiver finds when it runs. */
static inline void pass(struct task *to, struct arch_regs *regs, uint64_t size)
{
	arch_message_pass(to, size);
	arch_regs_set_result(regs, (int64_t)size);
}

/* --- the caller ------------------------------------------------------------------------------------ */

/* Who would get the message, if that takes small ones in its registers. */
static inline struct receiver *willing_receiver(const struct port *port)
{
	struct receiver *r;

	if (unlikely(port->dead || list_empty(&port->receivers) || call_table_is_full(&port->calls)))
		return NULL;
	r = list_first(&port->receivers, struct receiver, link);
	return likely(r->registers) ? r : NULL;
}

/* Lend to the server and hand it the CPU: both, or neither. */
static inline bool begin_call(struct handoff *h, struct call *call, struct task *server)
{
	arch_irq_disable();
	if (likely(loan_begin_given(&call->loan, server))) {
		if (likely(handoff_begin(h, server, TASK_SLEEPING_INTR)))
			return true;
		loan_end(&call->loan);
	}
	arch_irq_enable();
	return false;
}

static inline void enter(struct call *call, struct port *port, const struct receiver *r,
			 struct arch_regs *regs)
{
	call->task = current_task();
	call->port = port;
	call->state = CALL_RECEIVED;
	call->capacity = MESSAGE_SMALL;
	call->cap_capacity = 0;
	call->parcel = NULL;
	call->answer = NULL;
	call->server = r->table;
	call->registers = regs;
	call->cookie = call_table_add(&port->calls, call);
}

bool call_fast(struct call *call, const struct capability *via, struct arch_regs *regs, uint64_t tag,
	       uint64_t size)
{
	struct port *port = port_of(via->object);
	struct handoff h __attribute__((uninitialized));
	struct receiver *r;

	spin_lock(&port->lock);
	r = willing_receiver(port);
	if (unlikely(!r || !begin_call(&h, call, r->task))) {
		spin_unlock(&port->lock);
		return false;
	}
	enter(call, port, r, regs);
	list_del(&r->link);
	r->state = WAIT_DONE;
	r->got = NULL;
	arch_regs_set_message(r->registers, tag, via->badge, call->cookie,
			      atomic_load_explicit(&via->rights, memory_order_relaxed));
	pass(r->task, r->registers, size);
	spin_unlock(&port->lock);
	handoff_switch(&h);
	if (likely(call_fast_is_done(call)))
		loan_end(&call->loan);
	return true;
}

/* --- the server ------------------------------------------------------------------------------------ */

/* The call to answer, if its caller waits in its registers, and nobody else for this server. */
static inline struct call *answerable_call(const struct port *port, uint64_t cookie)
{
	struct call *call = call_table_find(&port->calls, cookie);

	if (unlikely(!call || call->state != CALL_RECEIVED || !call->registers || port->dead ||
		     port->queue.count || !list_empty(&port->senders)))
		return NULL;
	return call;
}

static inline void wait_here(struct receiver *self, struct port *port, struct arch_regs *regs)
{
	self->task = current_task();
	self->state = WAIT_QUEUED;
	self->registers = regs;
	self->capacity = MESSAGE_SMALL;
	self->cap_capacity = 0;
	list_add_tail(&port->receivers, &self->link);
}

bool reply_wait_fast(struct receiver *self, struct port *port, struct arch_regs *regs, uint64_t tag,
		     uint64_t size, uint64_t cookie)
{
	struct handoff h __attribute__((uninitialized));
	struct call *call;

	spin_lock(&port->lock);
	call = answerable_call(port, cookie);
	if (unlikely(!call || !handoff_begin(&h, call->task, TASK_SLEEPING_INTR))) {
		spin_unlock(&port->lock);
		return false;
	}
	call_table_remove(&port->calls, cookie);
	call->cookie = 0;
	call->state = CALL_ANSWERED;
	arch_regs_set_message(call->registers, tag, 0, 0, 0);
	pass(call->task, call->registers, size);
	wait_here(self, port, regs);
	spin_unlock(&port->lock);
	handoff_switch(&h);
	return true;
}
