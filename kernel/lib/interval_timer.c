/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/interval_timer.h>

#include <kernel/compiler.h>

void interval_timer_set(struct interval_timer *it, uint64_t due_ns, uint64_t interval_ns)
{
	*it = (struct interval_timer){ .due_ns = due_ns, .interval_ns = interval_ns };
}

bool interval_timer_expire(struct interval_timer *it, uint64_t now_ns)
{
	if (!interval_timer_waits(it) || now_ns < it->due_ns)
		return false;
	it->ticks++;
	it->rests = true;
	return true;
}

bool interval_timer_resume(struct interval_timer *it, uint64_t now_ns)
{
	uint64_t missed = 0, step;

	if (!it->rests)
		return false;
	it->rests = false;
	if (!it->interval_ns) {
		it->due_ns = 0;
		return false;
	}
	/* A real-time clock may have been set back meanwhile. */
	if (now_ns > it->due_ns)
		missed = (now_ns - it->due_ns) / it->interval_ns;
	it->ticks += missed;
	/* A time that no clock reaches must not wrap into the past. */
	if (mul_overflows(missed + 1, it->interval_ns, &step) || add_overflows(it->due_ns, step, &it->due_ns))
		it->due_ns = UINT64_MAX;
	return true;
}

uint64_t interval_timer_left(const struct interval_timer *it, uint64_t now_ns)
{
	if (!interval_timer_waits(it))
		return 0;
	return it->due_ns > now_ns ? it->due_ns - now_ns : 1;
}
