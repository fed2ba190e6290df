/* SPDX-License-Identifier: BSD-2-Clause */
/* What random numbers cost: an id, a page, and what an interrupt pays for being remembered. */
#include <kernel/kbench.h>

#include <kernel/random.h>
#include <kernel/types.h>

static uint8_t buf[PAGE_SIZE];

KBENCH_LOOP(draw_id, , random_bytes(buf, 16), )
KBENCH_LOOP(draw_page, , random_bytes(buf, sizeof(buf)), )
KBENCH_LOOP(remember, uint64_t flags = arch_irq_save(), random_interrupt(i), arch_irq_restore(flags))

static const struct kbench_row rows[] = {
	{ "random id, 16 bytes", 1000, draw_id },
	{ "random page, 4 KiB", 100, draw_page },
	{ "random timing of an interrupt", 1000, remember },
};

KBENCH_SUITE("random", rows);
