/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's frame allocator on the host: a piece of the process's memory plays RAM, threads play CPUs.
 * For programs that are linked with
 *
 *	kernel/mm/pmm.c kernel/mm/frame_run.c kernel/mm/pmm_stats.c kernel/mm/zone.c kernel/mm/frame_map.c
 *	kernel/mm/bit_tree.c kernel/lib/bitmap.c
 */
#pragma once

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <kernel/boot_info.h>
#include <kernel/percpu.h>
#include <kernel/pmm.h>

#include "host/threads.h"

struct boot_info boot_info;
uint64_t arch_direct_map_base; /* 0: physical addresses are addresses */

static paddr_t host_ram;
static size_t host_ram_size;

/* Reserve RAM.  The places are those where one sanitizer or the other leaves room. */
static inline void host_ram_map(size_t bytes)
{
	static const uintptr_t places[] = { 0x1000000000, 0x200000000000 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		void *at = mmap((void *)places[i], bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

		if (at == (void *)places[i]) {
			host_ram = places[i];
			host_ram_size = bytes;
			return;
		}
		if (at != MAP_FAILED)
			munmap(at, bytes);
	}
	abort();
}

/* Give it to the allocator.  Once a process. */
static inline void host_ram_init(void)
{
	boot_info.region_count = 1;
	boot_info.regions[0] =
		(struct boot_region){ .base = host_ram, .length = host_ram_size, .type = BOOT_REGION_USABLE };
	pmm_init(&boot_info);
}
