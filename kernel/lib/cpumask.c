/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/cpumask.h>

#include <kernel/format.h>

#define WORD_BITS 32u

static uint32_t word_at(const struct cpumask *mask, uint32_t n)
{
	return (uint32_t)(READ_ONCE(mask->bits[n / 2]) >> n % 2 * WORD_BITS);
}

int cpumask_print_map(const struct cpumask *mask, uint32_t width, char *buf, size_t size)
{
	uint32_t words = (width + WORD_BITS - 1) / WORD_BITS;
	int digits = (int)((width - (words - 1) * WORD_BITS + 3) / 4), n = 0;

	for (uint32_t i = words; i-- > 0; digits = WORD_BITS / 4)
		n += scnprintf(buf + n, size - (size_t)n, "%0*x%s", digits, word_at(mask, i), i ? "," : "");
	return n;
}

/* The first CPU from `cpu` on that is not in the set. */
static uint32_t next_absent(const struct cpumask *mask, uint32_t cpu)
{
	while (cpu < MAX_CPUS && cpumask_test(mask, cpu))
		cpu++;
	return cpu;
}

int cpumask_print_list(const struct cpumask *mask, char *buf, size_t size)
{
	uint32_t first = cpumask_next(mask, 0);
	const char *comma = "";
	int n = 0;

	if (size)
		buf[0] = '\0';
	while (first < MAX_CPUS) {
		uint32_t end = next_absent(mask, first);

		n += scnprintf(buf + n, size - (size_t)n, "%s%u", comma, first);
		if (end - first > 1)
			n += scnprintf(buf + n, size - (size_t)n, "-%u", end - 1);
		comma = ",";
		first = end < MAX_CPUS ? cpumask_next(mask, end) : MAX_CPUS;
	}
	return n;
}
