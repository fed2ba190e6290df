/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel runs is chosen anew at every start: the image's place in the top 2 GiB and the start of
 * the direct map.  Pure: boot code and tests call it.
 */
#pragma once

#include <stdint.h>

struct kaslr {
	uint64_t slide;       /* of the image above its link address: a multiple of 2 MiB */
	uint64_t direct_base; /* of the direct map: a multiple of 1 GiB */
};

/* `seed`: all the entropy there is.  Room is kept for `ram_end` bytes of direct map and for an image of
 * `image_size` bytes. */
void kaslr_choose(const uint8_t *seed, uint32_t len, uint64_t ram_end, uint64_t image_size,
		  struct kaslr *out);
