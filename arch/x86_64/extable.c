/* SPDX-License-Identifier: BSD-2-Clause */
/* The exception table: instructions that may fault, and where to go on.  Built by the EXTABLE macro of
 * offsets.inc; short, so searched from the start. */
#include "cpu.h"

struct extable_entry {
	int32_t fault, fixup; /* each relative to its own address: no relocation needed */
};

extern const struct extable_entry __ex_table_start[], __ex_table_end[];

uint64_t extable_find(uint64_t rip)
{
	for (const struct extable_entry *e = __ex_table_start; e < __ex_table_end; e++) {
		if ((uint64_t)&e->fault + (uint64_t)(int64_t)e->fault == rip)
			return (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
	}
	return 0;
}
