/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every program can read of the kernel: one page, shown in each address space in front of the vDSO,
 * whose functions (arch/MACHINE/vdso) read it.  They include this header, so it needs nothing of the kernel.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define VDSO_CPUS 256

/*
 * Monotonic time is (cycles - base) * mult / 2^32 ns, real time that plus real_offset.  Only real_offset and
 * the time zone ever change, a word each: whoever reads one finds it as it was before a step or after it.
 * There is nothing that a sequence counter would have to hold together.
 */
struct vdso_data {
	uint64_t base, mult;          /* [i] as in struct clock (kernel/time.h) */
	_Atomic uint64_t real_offset; /* [a] ns; time_set_real_ns() changes it */
	_Atomic uint64_t zone;   /* [a] settimeofday's: minutes west of Greenwich, above them tz_dsttime */
	uint8_t node[VDSO_CPUS]; /* [i] the NUMA node of each CPU */
};
