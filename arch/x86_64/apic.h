/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers.  Private to arch/x86_64. */
#pragma once

#include <kernel/types.h>

/* apic.c: the local APIC of the running CPU. */
void apic_init(void);     /* finds the registers, on the boot CPU */
void apic_init_cpu(void); /* each CPU */
void apic_eoi(void);
void apic_report_error(void);
uint32_t apic_id(void);
void apic_timer_start(uint32_t count); /* one shot, counts of the divided bus clock */
uint32_t apic_timer_count(void);
void apic_timer_setup(bool tsc_deadline);

/* To the processor with this APIC id.  Any context. */
void apic_send_ipi(uint32_t apic_id, uint8_t vector);
void apic_send_nmi(uint32_t apic_id);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

/* calibrate.c: the frequency of the APIC's timer, of which it leaves the count stopped. */
uint64_t calibrate_apic_timer(uint64_t cycles_per_sec);

/* ioapic.c */
void ioapic_init(void);

/* pic.c: the two 8259s, moved out of the exceptions' way and silenced for good. */
void pic_disable(void);
