/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers.  Private to arch/x86_64. */
#pragma once

#include <kernel/types.h>

/* apic.c: the local APIC of the running CPU. */
void apic_init(void);
void apic_eoi(void);
void apic_report_error(void);
uint32_t apic_id(void);
void apic_timer_start(uint32_t count); /* one shot, counts of the divided bus clock */
uint32_t apic_timer_count(void);
void apic_timer_setup(bool tsc_deadline);

/* calibrate.c: the frequency of the APIC's timer, of which it leaves the count stopped. */
uint64_t calibrate_apic_timer(uint64_t cycles_per_sec);

/* ioapic.c */
void ioapic_init(void);

/* pic.c: the two 8259s, moved out of the exceptions' way and silenced for good. */
void pic_disable(void);
