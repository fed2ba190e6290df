/* SPDX-License-Identifier: BSD-2-Clause */
/* For a test under the thread sanitizer.  Single accesses to what other CPUs change are meant: the sanitizer
 * is told of them apart from the others, through these functions, which say nothing. */
#pragma once

#define VOLATILE_ACCESS(name)  \
	void name(void *addr); \
	void name(void *addr)  \
	{                      \
		(void)addr;    \
	}
VOLATILE_ACCESS(__tsan_volatile_read1)
VOLATILE_ACCESS(__tsan_volatile_read2)
VOLATILE_ACCESS(__tsan_volatile_read4)
VOLATILE_ACCESS(__tsan_volatile_read8)
VOLATILE_ACCESS(__tsan_volatile_write1)
VOLATILE_ACCESS(__tsan_volatile_write2)
VOLATILE_ACCESS(__tsan_volatile_write4)
VOLATILE_ACCESS(__tsan_volatile_write8)
