/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes from a capability has fewer rights or the same, and no more time.  tests/verify/narrow.c proves
 * it. */
#pragma once

#include <stdint.h>

/* Of the rights that are there, those that pass. */
static inline uint32_t cap_fewer(uint32_t have, uint32_t pass)
{
	return have & pass;
}

/* The earlier of two times; 0 is never. */
static inline uint64_t cap_earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return a < b ? a : b;
}
