/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit trail on several CPUs at once, also from interrupts. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/cap_audit.h>
#include <kernel/cpumask.h>
#include <kernel/smp.h>
#include <kernel/string.h>

#define EVENTS 100u /* by each CPU */

/* Calls from other CPUs come as interrupts, this CPU's own does not. */
static void note_many(void *what)
{
	for (unsigned i = 0; i < EVENTS; i++)
		cap_audit(i % CAP_EVENTS, NULL, what);
}

static uint64_t dropped_in_all(void)
{
	uint64_t sum = 0;

	for (enum cap_event event = 0; event < CAP_EVENTS; event++)
		sum += cap_audit_dropped(event);
	return sum;
}

static void every_event_is_kept_or_counted(void)
{
	struct cap_audit_reader reader = { 0 };
	struct audit_record r;
	uint64_t before, kept = 0;

	while (cap_audit_next(&reader, &r))
		continue;
	before = dropped_in_all();
	smp_call(&cpus_online, note_many, (void *)"ktest of the trail");
	while (cap_audit_next(&reader, &r)) {
		if (strcmp(r.what, "ktest of the trail") != 0)
			continue;
		KTEST_EXPECT(r.pid == 0 && r.uid == 0);
		kept++;
	}
	KTEST_EXPECT(kept > 0);
	KTEST_EXPECT(kept + dropped_in_all() - before >= (uint64_t)cpu_count * EVENTS);
}

static const struct ktest_case cases[] = {
	{ "what is noted on all CPUs at once is kept or counted", every_event_is_kept_or_counted },
};

KTEST_SUITE("cap_audit", cases);
