/* SPDX-License-Identifier: BSD-2-Clause */
/* Test programs report in TAP: one line a case, the number of cases last, and exit with 1 if one failed. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failures;

static inline void tap(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_count, name);
	fflush(stdout);
	tap_failures += !passed;
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures > 0;
}
