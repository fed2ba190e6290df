/* SPDX-License-Identifier: BSD-2-Clause */
/* How a task is scheduled, and what the scheduling classes keep of it; parts of struct task (kernel/sched.h).
 * On their own, so that the classes' arithmetic also compiles for the host. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/list.h>
#include <kernel/rbtree.h>
#include <kernel/types.h>
#include <serix/abi_sched.h>

/*
 * How a task is scheduled.  `policy` is one of SCHED_* (serix/abi_sched.h); it gives the class:
 *	ISO       SCHED_DEADLINE: earliest deadline first within a constant-bandwidth server
 *	REALTIME  SCHED_FIFO, SCHED_RR, by rt_priority
 *	FAIR      SCHED_OTHER, weighted by nice
 *	BATCH     SCHED_BATCH, SCHED_IDLE: what is left over
 */
struct sched_policy {
	uint8_t policy;
	uint8_t rt_priority;                         /* 1 to 99, REALTIME only, else 0 */
	int8_t nice;                                 /* -20 to 19 */
	bool reset_on_fork;                          /* the child starts as SCHED_OTHER, nice 0 or above */
	uint64_t runtime_ns, deadline_ns, period_ns; /* ISO only; runtime <= deadline <= period */
};

/* As Linux counts: below zero for REALTIME and ISO.  The lower, the more urgent. */
static inline int policy_priority(const struct sched_policy *p)
{
	if (p->policy == SCHED_DEADLINE)
		return -101;
	return p->rt_priority ? -1 - p->rt_priority : 20 + p->nice;
}

/* As Linux takes nice values: what is beyond a limit is the limit. */
static inline int8_t nice_clamp(int nice)
{
	return (int8_t)MAX(MIN(nice, NICE_MAX), NICE_MIN);
}

/* What each class keeps of a task; all guarded by the lock of its run queue. */
struct sched_fair {
	struct rb_node node;
	uint64_t vruntime;     /* CPU time over weight, in the time of its queue */
	int64_t lag;           /* while it is on no queue: how much it was behind (virtual) */
	uint64_t slice_end_ns; /* while it runs: when the next one may take over */
	uint32_t weight;       /* 1024 for nice 0 */
};
struct sched_rt {
	struct list link;
	uint8_t priority; /* 1 to 99 */
	bool round_robin; /* takes turns with its equals */
	bool to_tail;     /* its turn is over */
	int64_t left_ns;  /* of its turn */
};
struct sched_iso {
	struct rb_node node;
	uint64_t deadline_ns;  /* absolute */
	int64_t budget_ns;     /* left until then */
	uint64_t replenish_ns; /* while it is suspended: when the next period begins */
	uint64_t bandwidth;    /* admitted; BANDWIDTH_FULL is one CPU */
	uint64_t used_ns;      /* CPU time that was charged to the server */
	bool suspended, missed;
	uint64_t misses; /* deadlines at which it still had budget, and wanted it */
};
