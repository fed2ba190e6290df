/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CMOS clock.  It advances its registers once a second over up to 2 ms, during which they read as
 * garbage: the update flag is waited out and two equal readings are asked for.  Interrupts stay off for
 * one reading, so that the index and data ports are used as a pair.
 */
#include <kernel/rtc.h>

#include "rtc_decode.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/acpi.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define RTC_SECOND   0x00
#define RTC_MINUTE   0x02
#define RTC_HOUR     0x04
#define RTC_DAY      0x07
#define RTC_MONTH    0x08
#define RTC_YEAR     0x09
#define RTC_STATUS_A 0x0a
#define RTC_STATUS_B 0x0b
#define RTC_STATUS_D 0x0d

#define RTC_A_UPDATING 0x80

/* Bit 7 of the index port gates NMIs: left clear, NMIs on. */
static uint8_t cmos_read(uint8_t index)
{
	arch_out8(CMOS_INDEX, index);
	return arch_in8(CMOS_DATA);
}

static bool wait_update_done(void)
{
	for (int i = 0; i < 300; i++) {
		if (!(cmos_read(RTC_STATUS_A) & RTC_A_UPDATING))
			return true;
		delay_us(10);
	}
	return false;
}

static bool read_registers(struct rtc_registers *regs)
{
	uint64_t flags = arch_irq_save();
	bool ok = wait_update_done();

	regs->second = cmos_read(RTC_SECOND);
	regs->minute = cmos_read(RTC_MINUTE);
	regs->hour = cmos_read(RTC_HOUR);
	regs->day = cmos_read(RTC_DAY);
	regs->month = cmos_read(RTC_MONTH);
	regs->year = cmos_read(RTC_YEAR);
	regs->century = acpi.century_register >= 0x0e && acpi.century_register < 0x80
				? cmos_read(acpi.century_register)
				: 0;
	regs->status_b = cmos_read(RTC_STATUS_B);
	arch_irq_restore(flags);
	return ok;
}

/* Where no chip answers, the bus floats to all ones (or, on some emulators, reads as zero). */
static bool rtc_present(void)
{
	uint8_t a = cmos_read(RTC_STATUS_A), b = cmos_read(RTC_STATUS_B), d = cmos_read(RTC_STATUS_D);

	return !acpi.no_cmos_rtc && !(a == 0xff && b == 0xff) && !(a == 0 && b == 0 && d == 0);
}

static bool read_stable(struct rtc_registers *regs)
{
	struct rtc_registers again;

	for (int i = 0; i < 5; i++) {
		if (read_registers(regs) && read_registers(&again) &&
		    memcmp(regs, &again, sizeof(again)) == 0)
			return true;
	}
	return false;
}

void rtc_init(void)
{
	struct rtc_registers regs;
	struct civil_time t;

	if (!rtc_present()) {
		pr_notice("rtc: none; the clock starts at 1970\n");
		return;
	}
	if (!read_stable(&regs) || !rtc_decode(&regs, &t)) {
		pr_warn("rtc: its date is not valid; the clock starts at 1970\n");
		return;
	}
	time_set_real_ns(civil_to_unix(&t) * NSEC_PER_SEC);
	pr_info("rtc: %04d-%02d-%02d %02d:%02d:%02d UTC\n", t.year, t.month, t.day, t.hour, t.minute,
		t.second);
}
