/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt descriptor table: one for all CPUs, read-only after start-up. */
#include "cpu.h"

#include "x86.h"

#define IDT_ENTRIES 256

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "the CPU fixes this layout");

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0x60 /* INT n may reach it from user mode */

static struct gate idt[IDT_ENTRIES] __ro_after_init __aligned(4096);

static uint8_t gate_ist(unsigned vector)
{
	switch (vector) {
	case EXC_DEBUG:
		return IST_DEBUG;
	case EXC_NMI:
		return IST_NMI;
	case EXC_DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case EXC_MACHINE_CHECK:
		return IST_MACHINE_CHECK;
	}
	return 0;
}

static void gate_set(unsigned vector)
{
	uint64_t target = (uint64_t)exception_stubs[vector];
	bool user = vector == EXC_BREAKPOINT || vector == EXC_OVERFLOW;

	idt[vector] = (struct gate){
		.offset_low = (uint16_t)target,
		.offset_middle = (uint16_t)(target >> 16),
		.offset_high = (uint32_t)(target >> 32),
		.selector = SEL_KERNEL_CODE,
		.ist = gate_ist(vector),
		.type = GATE_INTERRUPT | (user ? GATE_USER : 0),
	};
}

void idt_load(void)
{
	uint64_t base = (uint64_t)idt;
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer;

	/* As a constant it would be a pointer at an odd address, which packed relocations cannot name. */
	__asm__("" : "+r"(base));
	pointer.limit = sizeof(idt) - 1;
	pointer.base = base;
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void idt_init(void)
{
	for (unsigned i = 0; i < IDT_ENTRIES; i++)
		gate_set(i);
	idt_load();
}
