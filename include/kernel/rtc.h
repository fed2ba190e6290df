/* SPDX-License-Identifier: BSD-2-Clause */
/* The battery-backed clock (CMOS), read once at start-up. */
#pragma once

/* Set real time from the clock; its absence is logged and leaves 1970.  Needs acpi_init() for the century
 * register and the calibrated time. */
void rtc_init(void);
