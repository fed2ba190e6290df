/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure half of the CMOS clock: from register values to a date. */
#pragma once

#include <kernel/time.h>

/* Register values as read, and status register B. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, century;
	uint8_t status_b;
};

#define RTC_B_24_HOURS 0x02
#define RTC_B_BINARY   0x04

/* BCD or binary, 12 or 24 hours.  `century` is 0 where there is no such register: years below 70 are then
 * 20xx.  False: no valid date. */
bool rtc_decode(const struct rtc_registers *regs, struct civil_time *out);
