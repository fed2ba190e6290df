/* SPDX-License-Identifier: BSD-2-Clause */
/* Device interrupts.  A handler runs with interrupts off, on the CPU the line is routed to. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

typedef void (*irq_handler_t)(void *arg);

/* Bind a handler to an ISA line (0-15, through the firmware's overrides) and unmask it.  -EINVAL: no
 * such line; -EBUSY: taken; -ENODEV: no interrupt controller reaches it. */
int irq_request_isa(unsigned line, const char *name, irq_handler_t handler, void *arg) __must_check;
/* The same by global system interrupt number, with the polarity and trigger a table gave. */
int irq_request_gsi(unsigned gsi, bool level, bool active_low, const char *name, irq_handler_t handler,
		    void *arg) __must_check;

/* For /proc/interrupts.  False past the last line in use. */
struct irq_stats {
	uint32_t gsi;
	const char *name;
	uint64_t count;
	uint32_t cpu; /* that it interrupts */
};
bool irq_get_stats(unsigned index, struct irq_stats *out);
