/* SPDX-License-Identifier: BSD-2-Clause */
#include "iso_server.h"

bool iso_params_valid(const struct sched_policy *p)
{
	return p->runtime_ns >= ISO_RUNTIME_MIN_NS && p->runtime_ns <= p->deadline_ns &&
	       p->deadline_ns <= p->period_ns && p->period_ns <= ISO_PERIOD_MAX_NS;
}

uint64_t iso_bandwidth(uint64_t runtime_ns, uint64_t period_ns)
{
	/* Rounded up: what is admitted is never less than what is used. */
	return (runtime_ns * BANDWIDTH_FULL + period_ns - 1) / period_ns;
}

bool iso_admissible(uint64_t total, uint64_t wanted, uint32_t cpus)
{
	return total + wanted <= BANDWIDTH_FULL * cpus / 100 * ISO_PART_PERCENT;
}

void iso_start(struct sched_iso *e, const struct sched_policy *p, uint64_t now)
{
	e->deadline_ns = now + p->deadline_ns;
	e->budget_ns = (int64_t)p->runtime_ns;
	e->missed = false;
}

/* budget / time left > runtime / relative deadline, without dividing. */
static bool exceeds_bandwidth(const struct sched_iso *e, const struct sched_policy *p, uint64_t now)
{
	return (unsigned __int128)e->budget_ns * p->deadline_ns >
	       (unsigned __int128)(e->deadline_ns - now) * p->runtime_ns;
}

void iso_wake(struct sched_iso *e, const struct sched_policy *p, uint64_t now)
{
	if (e->budget_ns <= 0 && now < iso_next_period(e, p))
		return;
	if (now >= e->deadline_ns || e->budget_ns <= 0 || exceeds_bandwidth(e, p, now))
		iso_start(e, p, now);
}

uint64_t iso_next_period(const struct sched_iso *e, const struct sched_policy *p)
{
	return e->deadline_ns - p->deadline_ns + p->period_ns;
}

void iso_replenish(struct sched_iso *e, const struct sched_policy *p, uint64_t now)
{
	/* Overrun by as much as the clock is coarse is paid back; by periods, it costs periods. */
	do {
		e->deadline_ns += p->period_ns;
		e->budget_ns += (int64_t)p->runtime_ns;
	} while (e->budget_ns <= 0);
	e->missed = false;
	/* So late that the new deadline is over, too: start afresh. */
	if (e->deadline_ns <= now)
		iso_start(e, p, now);
}
