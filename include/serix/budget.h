/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling budgets: processor time that is reserved, as a capability.  A budget is `runtime_ns` of one
 * processor's time in each `period_ns`, set aside from the moment that it is made.  A thread that is bound to
 * it is scheduled as with SCHED_DEADLINE by these times (the deadline is the period's end): before all that
 * has no deadline, and never for more than that.  Whoever makes one needs what SCHED_DEADLINE needs; whoever
 * uses one needs the capability, whatever his user id is and however he is confined.
 *
 *	int budget_create(const struct budget_params *params, size_t size, unsigned flags)
 *		A descriptor with all rights.  flags: CAP_DERIVE_CLOEXEC.  EPERM: the caller could not give
 *		itself SCHED_DEADLINE; EBUSY: so much is not left (95% of all processors can be reserved);
 *		EINVAL: times that sched_setattr(2) does not take, or unknown flags; EMFILE, ENOMEM.
 *	int budget_bind(cap_handle_t budget, cap_handle_t thread)
 *		BIND.  thread: a capability to a thread (of a process: to its first one) with
 *		PROCESS_RIGHT_SCHEDULE, or BUDGET_SELF.  EBUSY: another thread has the budget, or the thread
 *		a budget or an urgent policy (FIFO, RR, DEADLINE) already; EPERM: the thread may not run on
 *		every processor, or a right is missing; ESRCH: it has ended; EBADF.
 *	int budget_unbind(cap_handle_t budget)
 *		BIND.  The thread goes on as it was scheduled before.  ESRCH: none is bound.
 *	int budget_resize(cap_handle_t budget, const struct budget_params *params, size_t size)
 *		RESIZE.  Other times from now on, bound or not; EBUSY and EINVAL as above, and nothing
 *		changes.
 *	int budget_query(cap_handle_t budget, struct budget_info *info, size_t size)
 *		No right is needed.  EINVAL, EFAULT.
 *
 * A binding ends
 *	with budget_unbind, and with the last capability to the budget, which gives the time back, too;
 *	when the capability that it was made through is revoked or expires.  Closing that one, while there are
 *	others to the budget, or taking rights off it, changes nothing;
 *	when the thread ends, runs a set-id program, or is given another policy (sched_setscheduler,
 *	sched_setattr, PROCESS_SET_SCHEDULE).  Another nice value or program leaves it; CPU masks are refused
 *	with EBUSY meanwhile.
 * A child or a new thread of a bound thread is not bound, and starts as its parent was scheduled before.  A
 * bound thread lends no one (mutexes, calls to servers, futexes) more urgency than it had before.
 */
#pragma once

#include <stdint.h>

#define BUDGET_SELF (-1)

struct budget_params {
	uint64_t runtime_ns; /* from 1024 */
	uint64_t period_ns;  /* 100 microseconds to 2^22 microseconds, and not less than the runtime */
};

struct budget_info {
	uint64_t runtime_ns, period_ns;
	uint64_t used_ns; /* by all threads that were bound to it */
	int32_t thread;   /* the number of the one that is bound; 0: none */
	uint32_t reserved;
};
