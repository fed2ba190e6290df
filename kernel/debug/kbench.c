/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the in-guest benchmarks.  The figure of a row is the median of some runs, divided by the operations in
 * one and less what an empty loop costs: an interrupt in one run does not show.
 */
#include <kernel/kbench.h>

#include <kernel/printk.h>
#include <kernel/string.h>

#define RUNS 5u

extern const struct kbench_suite __kbench_start[], __kbench_end[];

KBENCH_LOOP(empty_loop, , , )

static void sort(uint64_t *values, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint64_t value = values[i];
		unsigned at = i;

		for (; at > 0 && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
}

/* Per operation, in hundredths of a cycle. */
static uint64_t median(uint64_t (*run)(unsigned), unsigned n)
{
	uint64_t cycles[RUNS];

	(void)run(MIN(n, 8u)); /* whatever the first time alone costs */
	for (unsigned i = 0; i < RUNS; i++)
		cycles[i] = run(n);
	sort(cycles, RUNS);
	return cycles[RUNS / 2] * 100 / n;
}

static void run_row(const struct kbench_row *row, uint64_t loop)
{
	uint64_t cost = row->n >= KBENCH_LONG ? row->run(row->n) * 100 / row->n : median(row->run, row->n);

	if (cost == 0)
		return;
	cost -= MIN(loop, cost);
	pr_info("bench: %s %lu", row->name, (cost + 50) / 100);
}

void kbench_run(const char *filter)
{
	uint64_t loop = median(empty_loop, 1000);

	for (const struct kbench_suite *suite = __kbench_start; suite < __kbench_end; suite++) {
		if (*filter && strcmp(filter, suite->name) != 0)
			continue;
		for (size_t i = 0; i < suite->count; i++)
			run_row(&suite->rows[i], loop);
	}
}
