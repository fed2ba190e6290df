/* SPDX-License-Identifier: BSD-2-Clause */
#include "rtc_decode.h"

#define HOUR_PM 0x80

static int number(uint8_t value, bool binary)
{
	if (binary)
		return value;
	if ((value & 0x0f) > 9 || (value >> 4) > 9)
		return -1;
	return (value >> 4) * 10 + (value & 0x0f);
}

static int hour_of(const struct rtc_registers *regs, bool binary)
{
	bool pm = regs->hour & HOUR_PM;
	int hour;

	if (regs->status_b & RTC_B_24_HOURS)
		return number(regs->hour, binary);
	hour = number(regs->hour & (uint8_t)~HOUR_PM, binary);
	if (hour < 1 || hour > 12)
		return -1;
	return hour % 12 + (pm ? 12 : 0);
}

static int year_of(const struct rtc_registers *regs, bool binary)
{
	int year = number(regs->year, binary), century = number(regs->century, binary);

	if (year < 0 || year > 99)
		return -1;
	if (century >= 19 && century <= 22)
		return century * 100 + year;
	return year < 70 ? 2000 + year : 1900 + year;
}

static int days_in_month(int month, int year)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

bool rtc_decode(const struct rtc_registers *regs, struct civil_time *out)
{
	bool binary = regs->status_b & RTC_B_BINARY;
	struct civil_time t = {
		.year = year_of(regs, binary),
		.month = number(regs->month, binary),
		.day = number(regs->day, binary),
		.hour = hour_of(regs, binary),
		.minute = number(regs->minute, binary),
		.second = number(regs->second, binary),
	};

	if (t.year < 1970 || t.month < 1 || t.month > 12 || t.day < 1 ||
	    t.day > days_in_month(t.month, t.year) || t.hour < 0 || t.hour > 23 || t.minute < 0 ||
	    t.minute > 59 || t.second < 0 || t.second > 59)
		return false;
	*out = t;
	return true;
}
