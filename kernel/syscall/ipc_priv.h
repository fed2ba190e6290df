/* SPDX-License-Identifier: BSD-2-Clause */
/* What Pulse's calls share. */
#pragma once

#include <kernel/cap.h>
#include <kernel/ipc.h>
#include <kernel/process.h>
#include <kernel/timespec.h>

static inline struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

/* 0 is 0: do not wait. */
static inline uint64_t deadline_of(uint64_t timeout_ns)
{
	return timeout_ns == 0 ? 0 : deadline_after(timeout_ns);
}

/* Of the running process. */
struct ipc_identity ipc_identity(void);
/* Wait for the answer, or for what ends the call without one. */
int ipc_wait_for_answer(struct call *call, const struct capability *via, uint64_t deadline_ns);
