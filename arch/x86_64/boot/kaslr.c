/* SPDX-License-Identifier: BSD-2-Clause */
#include "kaslr.h"

#include <arch/paging.h>
#include <kernel/compiler.h>

#include "boot.h"

#define SLOT_2M (2ull << 20)
#define SLOT_1G (1ull << 30)

/* The last 2 MiB stay free: an address just behind the image must not wrap around to 0. */
#define IMAGE_LIMIT (0ull - SLOT_2M)

/* FNV-1a over the seed, then the finishing steps of MurmurHash3 so that every bit depends on all of it. */
static uint64_t mix(const uint8_t *seed, uint32_t len, uint64_t salt)
{
	uint64_t h = 0xcbf29ce484222325ull ^ salt;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ seed[i]) * 0x100000001b3ull;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 33;
}

void kaslr_choose(const uint8_t *seed, uint32_t len, uint64_t ram_end, uint64_t image_size, struct kaslr *out)
{
	uint64_t window = KERNEL_HEAP_BASE - KERNEL_BASE;
	uint64_t places =
		(IMAGE_LIMIT - KERNEL_LINK_BASE - MIN(image_size, IMAGE_LIMIT - KERNEL_LINK_BASE)) / SLOT_2M +
		1;
	uint64_t starts = (window - MIN(ram_end, window)) / SLOT_1G + 1;

	out->slide = mix(seed, len, 1) % places * SLOT_2M;
	/* Never behind the last slot: a map of no RAM at all would start where the heap does. */
	out->direct_base = KERNEL_BASE + MIN(mix(seed, len, 2) % starts * SLOT_1G, window - SLOT_1G);
}
