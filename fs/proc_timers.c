/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/timers: what timer_create(2) made. */
#include "proc_priv.h"

#include <kernel/proc_calls.h>

int proc_show_timers(struct proc_text *t, const struct proc_node *node)
{
	static const char *const notify[] = { "signal", "none", "thread" };
	struct posix_timer_info timer;

	for (int32_t id = 0; id >= 0 && posix_timer_next(node->process, id, &timer); id = timer.id + 1) {
		bool to_thread = timer.notify & SIGEV_THREAD_ID;

		text_printf(t, "ID: %d\nsignal: %d/%016lx\nnotify: %s/%s.%d\nClockID: %d\n", timer.id,
			    timer.signo, timer.value, notify[timer.notify & 3], to_thread ? "tid" : "pid",
			    to_thread ? timer.tid : node->process->pid, timer.clock);
		if (timer.id == INT32_MAX)
			break;
	}
	return 0;
}
