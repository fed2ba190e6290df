/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling as it crosses the system-call boundary: sched(7), sched_setattr(2), ioprio_set(2). */
#pragma once

#include <stdint.h>

#define SCHED_OTHER         0
#define SCHED_FIFO          1
#define SCHED_RR            2
#define SCHED_BATCH         3
#define SCHED_IDLE          5
#define SCHED_DEADLINE      6
#define SCHED_RESET_ON_FORK 0x40000000 /* or-ed to the policy of sched_setscheduler(2) */

#define RT_PRIORITY_MIN 1
#define RT_PRIORITY_MAX 99
#define NICE_MIN        (-20)
#define NICE_MAX        19

#define SCHED_FLAG_RESET_ON_FORK  0x01
#define SCHED_FLAG_RECLAIM        0x02
#define SCHED_FLAG_DL_OVERRUN     0x04
#define SCHED_FLAG_KEEP_POLICY    0x08
#define SCHED_FLAG_KEEP_PARAMS    0x10
#define SCHED_FLAG_UTIL_CLAMP_MIN 0x20
#define SCHED_FLAG_UTIL_CLAMP_MAX 0x40

struct abi_sched_param {
	int32_t priority;
};

struct abi_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns; SCHED_DEADLINE */
	uint32_t util_min, util_max;        /* since the second version */
};
#define SCHED_ATTR_SIZE_V0 48
_Static_assert(sizeof(struct abi_sched_attr) == 56, "struct sched_attr");

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP    2
#define IOPRIO_WHO_USER    3

#define IOPRIO_CLASS_NONE  0
#define IOPRIO_CLASS_RT    1
#define IOPRIO_CLASS_BE    2
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_LEVELS      8
