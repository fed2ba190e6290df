/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads by capability.  pidfd_open(2), clone(2) with CLONE_PIDFD and whoever passes one on
 * give it; the rights are PROCESS_RIGHT_* of <serix/cap.h>.  It names one process for ever, whatever becomes
 * of the pid.
 *
 *	int process_control(cap_handle_t handle, unsigned op, void *data, size_t size)
 *		EBADF; EPERM: the right that `op` needs is missing, or what is asked for is more urgent than
 *		the process's own limits allow; EINVAL; ESRCH: it has ended; EFAULT.
 *
 * Fresh capabilities have all rights for the superuser and for processes that kill(2), ptrace(2) and
 * sched_setattr(2) would allow the caller to act on, else those that it has by these calls' rules; WAIT
 * always.  Whoever holds one that somebody else opened has its rights whatever his own user id is.  Should
 * the process run a set-id program, those from before count only as far as a fresh one would.
 */
#pragma once

#include <stdint.h>

/* process_control: what to do, the right that it takes, what `data` is. */
#define PROCESS_INFO         1u /* INSPECT; struct process_info, written */
#define PROCESS_GET_SCHEDULE 2u /* INSPECT; struct sched_attr, written: of a process's first thread */
#define PROCESS_SET_SCHEDULE 3u /* SCHEDULE; struct sched_attr: for all threads that the process has */

/* process_info.state */
#define PROCESS_STATE_ALIVE   0u
#define PROCESS_STATE_STOPPED 1u
#define PROCESS_STATE_ENDED   2u /* until somebody waits for it */

struct process_info {
	int32_t pid, tid; /* tid 0: the capability names a process */
	int32_t parent, group, session;
	uint32_t uid, gid; /* effective */
	uint32_t state;
	uint32_t threads;
	uint32_t reserved;
	uint64_t user_ns, system_ns; /* of the process or of the thread alone */
	uint64_t start_ns;           /* on the monotonic clock */
	char name[16];
};
