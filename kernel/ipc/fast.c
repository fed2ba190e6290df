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

static __noinline bool give_up(struct port *port)
{
	spin_unlock(&port->lock);
	return false;
}

/* --- the caller -------------------------------------------------------------------------------------- */

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
static inline bool begin_call(struct call *call, struct task *server)
{
	arch_irq_disable();
	if (likely(loan_begin_given(&call->loan, server))) {
		if (likely(handoff_begin(server, TASK_SLEEPING_INTR)))
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
	struct receiver *r;

	spin_lock(&port->lock);
	r = willing_receiver(port);
	if (unlikely(!r || !begin_call(call, r->task)))
		return give_up(port);
	enter(call, port, r, regs);
	list_del(&r->link);
	r->state = WAIT_DONE;
	r->got = NULL;
	arch_regs_set_message(r->registers, tag, via->badge, call->cookie,
			      atomic_load_explicit(&via->rights, memory_order_relaxed));
	pass(r->task, r->registers, size);
	spin_unlock(&port->lock);
	handoff_switch();
	if (likely(call_fast_is_done(call)))
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
	struct call_slot *slot;
	struct call *call;

	spin_lock(&port->lock);
	slot = answerable_call(port, cookie);
	if (unlikely(!slot))
		return give_up(port);
	call = slot->call;
	if (unlikely(!handoff_begin(call->task, TASK_SLEEPING_INTR)))
		return give_up(port);
	call_table_free(&port->calls, slot);
	call->cookie = 0;
	call->state = CALL_ANSWERED;
	arch_regs_set_message(call->registers, tag, 0, 0, 0);
	pass(call->task, call->registers, size);
	wait_here(self, port, regs);
	spin_unlock(&port->lock);
	handoff_switch();
	return true;
}
