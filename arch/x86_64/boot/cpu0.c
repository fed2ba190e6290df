/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU 0's per-CPU block, usable before any allocator. */
#include "boot.h"

#include <kernel/percpu.h>

static struct cpu cpu0 __attribute__((section(".bss.cpu0")));

uint64_t boot_init_cpu0(const struct boot_info *bi)
{
	uint64_t canary = 0;

	__builtin_memcpy(&canary, bi->entropy, sizeof(canary));
	cpu0.self = &cpu0;
	/* The zero byte stops string functions from reading or writing across it. */
	cpu0.canary = (canary ^ __builtin_ia32_rdtsc()) << 8;
	cpus[0] = &cpu0;
	cpu_count = 1;
	return (uint64_t)&cpu0;
}
