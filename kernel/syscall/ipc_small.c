/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse's calls in registers: <serix/ipc.h>.  First the fast way (kernel/ipc/fast.h), else by parcels as the
 * others.
 *
 * The arguments lie in the saved registers until there is an answer to put there, so going on after a signal
 * is reading them again, with the deadline that the call had at first.
 */
#include <kernel/syscall.h>

#include <arch/context.h>
#include <kernel/cap.h>
#include <kernel/ipc.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <serix/errno.h>

#include "../cap/use.h"
#include "../ipc/fast.h"
#include "ipc_priv.h"

enum small_call {
	SMALL_SEND,
	SMALL_CALL,
	SMALL_WAIT,
};

/* The arguments: handle, size, tag, time-out, cookie. */
#define HANDLE(args)  ((cap_handle_t)(args)->a[0])
#define SIZE(args)    ((args)->a[1])
#define TAG(args)     ((args)->a[2])
#define TIMEOUT(args) ((args)->a[3])
#define COOKIE(args)  ((args)->a[COOKIE_ARG])
#define COOKIE_ARG    4

/* They lie in the registers that the call is to return with. */
static struct arch_regs *registers(void)
{
	return arch_user_regs(current_task());
}

/* --- going on after a signal ----------------------------------------------------------------------- */

static int64_t do_again(struct syscall_restart *r);

/* Begin anew, but wait no longer than the first time. */
static int64_t restartable(int64_t result, enum small_call what, uint64_t deadline_ns)
{
	if (result != -ERESTARTSYS || deadline_ns == WAIT_FOREVER)
		return result;
	current_thread()->restart = (struct syscall_restart){
		.fn = do_again,
		.deadline_ns = deadline_ns,
		.extra = { what },
	};
	return -ERESTART_RESTARTBLOCK;
}

static int make_parcel(const struct syscall_args *args, struct capability *via, struct parcel **out)
{
	struct ipc_identity who = ipc_identity();

	return parcel_create_small(TAG(args), SIZE(args), &who, via, out);
}

/* --- sending --------------------------------------------------------------------------------------- */

static int64_t send_through(struct capability *via, const struct syscall_args *args, uint64_t deadline_ns)
{
	struct parcel *parcel;
	int err = make_parcel(args, via, &parcel);

	if (err < 0)
		return err;
	err = port_send(port_of(via->object), parcel, deadline_ns);
	if (err < 0)
		parcel_drop(parcel);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* --- calls ----------------------------------------------------------------------------------------- */

/* It waits for its answer, or has it. */
static int64_t end_call(struct call *call, const struct capability *via, uint64_t deadline_ns)
{
	int err = ipc_wait_for_answer(call, via, deadline_ns);

	call_end(call);
	if (call->parcel) {
		parcel_drop(call->parcel);
		return err == -EINTR ? -ERESTARTSYS : err;
	}
	if (call->answer)
		return parcel_deliver_small(call->answer, call->registers);
	return call_fast_is_done(call) ? arch_regs_result(call->registers) : err;
}

static __noinline int64_t call_slowly(struct capability *via, const struct syscall_args *args,
				      uint64_t deadline_ns)
{
	struct call call = { .registers = registers() };
	struct parcel *parcel;
	int err;

	if (deadline_ns == 0)
		return -EAGAIN;
	err = make_parcel(args, via, &parcel);
	if (err < 0)
		return err;
	err = call_begin(&call, port_of(via->object), parcel);
	if (err < 0) {
		parcel_drop(parcel);
		return err;
	}
	return end_call(&call, via, deadline_ns);
}

/* --- receiving ------------------------------------------------------------------------------------- */

/* After port_receive(), which was handed a parcel or, by the fast way, all that is in one. */
static int64_t received(const struct receiver *self, int err)
{
	if (err == 0)
		return self->got ? parcel_deliver_small(self->got, self->registers)
				 : arch_regs_result(self->registers);
	if (err != -EINTR)
		return err;
	/* What was to be answered is: to go on is to receive only. */
	arch_regs_set_syscall_arg(self->registers, COOKIE_ARG, 0);
	return -ERESTARTSYS;
}

static int64_t receive_through(struct capability *via, uint64_t deadline_ns)
{
	struct receiver self = {
		.table = current_caps(),
		.registers = registers(),
	};
	uint64_t size;
	int err = port_receive(port_of(via->object), &self, deadline_ns, &size);

	return received(&self, err);
}

static int64_t answer(struct capability *via, const struct syscall_args *args)
{
	struct parcel *parcel;
	int err = make_parcel(args, NULL, &parcel);

	if (err < 0)
		return err;
	err = call_answer(port_of(via->object), COOKIE(args), parcel);
	if (err < 0)
		parcel_drop(parcel);
	/* Who waited may have left: nothing that a server could do about it. */
	return err == -ESRCH ? 0 : err;
}

static __noinline int64_t reply_wait_slowly(struct capability *via, const struct syscall_args *args,
					    uint64_t deadline_ns)
{
	int64_t err;

	if (COOKIE(args)) {
		err = answer(via, args);
		if (err < 0)
			return err;
	}
	return receive_through(via, deadline_ns);
}

/* --- in the slow way ------------------------------------------------------------------------------- */

static const uint32_t right_for[] = {
	[SMALL_SEND] = PORT_RIGHT_SEND,
	[SMALL_CALL] = PORT_RIGHT_CALL,
	[SMALL_WAIT] = PORT_RIGHT_RECEIVE,
};

static int64_t through(enum small_call what, struct capability *via, const struct syscall_args *args,
		       uint64_t deadline_ns)
{
	switch (what) {
	case SMALL_SEND:
		return send_through(via, args, deadline_ns);
	case SMALL_CALL:
		return call_slowly(via, args, deadline_ns);
	case SMALL_WAIT:
		return reply_wait_slowly(via, args, deadline_ns);
	}
	return -EINVAL;
}

static inline bool sends(enum small_call what, const struct syscall_args *args)
{
	return what != SMALL_WAIT || COOKIE(args) != 0;
}

static int64_t do_small(enum small_call what, const struct syscall_args *args, uint64_t deadline_ns)
{
	struct capability *via;
	int64_t result;

	if (SIZE(args) > MESSAGE_SMALL && sends(what, args))
		return -EMSGSIZE;
	result = cap_use(current_caps(), HANDLE(args), OBJECT_PORT, right_for[what], &via);
	if (result < 0)
		return result;
	result = through(what, via, args, deadline_ns);
	cap_done(via);
	return restartable(result, what, deadline_ns);
}

static int64_t do_again(struct syscall_restart *r)
{
	return do_small((enum small_call)r->extra[0],
			(const struct syscall_args *)arch_regs_syscall_args(registers()), r->deadline_ns);
}

/* --- the calls ------------------------------------------------------------------------------------- */

SYSCALL(port_send_small)
{
	return do_small(SMALL_SEND, args, deadline_of(TIMEOUT(args)));
}

/* Woken, but not by an answer in registers. */
static __noinline int64_t go_on_calling(struct call *call, struct capability *via)
{
	return end_call(call, via, WAIT_FOREVER);
}

/* The port of a call that may be fast, in use, with preemption off.  NULL: it is on; do_small(). */
static __always_inline struct capability *begin_fast(const struct syscall_args *args, struct cap_table *caps,
						     uint32_t right)
{
	struct capability *via;

	if (unlikely(SIZE(args) > MESSAGE_SMALL || TIMEOUT(args) != PULSE_FOREVER))
		return NULL;
	preempt_disable();
	via = cap_use_likely(caps, HANDLE(args), OBJECT_PORT, right);
	if (unlikely(!via))
		preempt_enable();
	return via;
}

__no_stack_protector SYSCALL(port_call_small)
{
	struct call call __attribute__((uninitialized));
	struct arch_regs *regs = arch_regs_of_args(args->a);
	struct capability *via = begin_fast(args, current_caps(), PORT_RIGHT_CALL);
	int64_t result;

	if (unlikely(!via))
		return do_small(SMALL_CALL, args, deadline_of(TIMEOUT(args)));
	if (unlikely(!call_fast(&call, via, regs, TAG(args), SIZE(args))))
		result = call_slowly(via, args, WAIT_FOREVER);
	else if (likely(call_fast_is_done(&call)))
		result = arch_regs_result(regs);
	else
		result = go_on_calling(&call, via);
	cap_done_inline(via);
	return result;
}

/* Woken, but not by a message in registers. */
static __noinline int64_t go_on_receiving(struct receiver *self, const struct capability *via)
{
	uint64_t size;
	int err = port_receive_on(port_of(via->object), self, WAIT_FOREVER, &size);

	return received(self, err);
}

__no_stack_protector SYSCALL(port_reply_wait_small)
{
	struct receiver self __attribute__((uninitialized));
	struct arch_regs *regs = arch_regs_of_args(args->a);
	struct cap_table *caps = current_caps();
	struct capability *via = begin_fast(args, caps, PORT_RIGHT_RECEIVE);
	int64_t result;

	if (unlikely(!via))
		return do_small(SMALL_WAIT, args, deadline_of(TIMEOUT(args)));
	if (unlikely(!reply_wait_fast(&self, port_of(via->object), caps, regs, TAG(args), SIZE(args),
				      COOKIE(args))))
		result = reply_wait_slowly(via, args, WAIT_FOREVER);
	else if (likely(reply_wait_fast_is_done(&self)))
		result = arch_regs_result(regs);
	else
		result = go_on_receiving(&self, via);
	cap_done_inline(via);
	return result;
}
