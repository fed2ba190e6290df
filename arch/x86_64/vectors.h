/* SPDX-License-Identifier: BSD-2-Clause */
/* Who uses which interrupt vector.  The APIC serves higher numbers first. */
#pragma once

#define VECTOR_PIC        0x20 /* 16 for the 8259s: all masked, but they can still fire spuriously */
#define VECTOR_DEVICE     0x30 /* one per interrupt slot: kernel/irq.h, IRQ_SLOTS */
#define VECTOR_TIMER      0xec
#define VECTOR_IPI        0xf0 /* + enum ipi */
#define VECTOR_APIC_ERROR 0xfe
#define VECTOR_SPURIOUS   0xff
