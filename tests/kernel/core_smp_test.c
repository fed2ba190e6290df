/* SPDX-License-Identifier: BSD-2-Clause */
/* Clock, log and random numbers used by all CPUs at the same time.  True on one CPU as well. */
#include <kernel/ktest.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <kernel/format.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/time.h>

/* --- the clock ---------------------------------------------------------------------------------------- */

#define READINGS 3000

static _Atomic uint64_t latest_ns;
static _Atomic uint32_t backwards;

/* Every reading is handed on; who takes one over reads no earlier time then. */
static void read_clock(void *arg)
{
	(void)arg;
	for (int i = 0; i < READINGS; i++) {
		uint64_t before = atomic_load(&latest_ns), now = time_now_ns();

		if (now < before)
			atomic_fetch_add(&backwards, 1);
		atomic_store(&latest_ns, now);
	}
}

static void time_handed_on_is_never_later_than_now(void)
{
	atomic_store(&latest_ns, 0);
	atomic_store(&backwards, 0);
	smp_call(&cpus_online, read_clock, NULL);
	KTEST_EXPECT(atomic_load(&backwards) == 0);
}

/* --- the log ------------------------------------------------------------------------------------------ */

#define LINES 100
#define TAG   "core_smp storm"

/* Not urgent enough for the consoles: what is looked at is the log. */
static void print_many(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LINES; i++)
		printk(LOG_DEBUG, TAG " %u %u end", arch_this_cpu()->id, i);
}

/* Is it the next line of its CPU? */
static bool in_order(const char *text, unsigned *next)
{
	char expected[64];

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		snprintf(expected, sizeof(expected), TAG " %u %u end", cpu, next[cpu]);
		if (strcmp(text, expected) == 0) {
			next[cpu]++;
			return true;
		}
	}
	return false;
}

static void lines_of_all_cpus_arrive_whole_and_in_order(void)
{
	static unsigned next[MAX_CPUS];
	uint64_t seq = log_next_seq(), last_ns = 0;
	struct log_record rec;
	char text[128];

	memset(next, 0, sizeof(next));
	smp_call(&cpus_online, print_many, NULL);
	while (log_read(&seq, &rec, text, sizeof(text)) >= 0) {
		if (strncmp(text, TAG, sizeof(TAG) - 1) != 0)
			continue;
		KTEST_EXPECT(in_order(text, next));
		KTEST_EXPECT(rec.time_ns >= last_ns);
		last_ns = rec.time_ns;
	}
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		KTEST_EXPECT(next[cpu] == LINES);
}

static const struct ktest_case cases[] = {
	{ "time that is handed from CPU to CPU is never later than now",
	  time_handed_on_is_never_later_than_now },
	{ "log lines of all CPUs arrive whole, each CPU's in order",
	  lines_of_all_cpus_arrive_whole_and_in_order },
};

KTEST_SUITE("core_smp", cases);
