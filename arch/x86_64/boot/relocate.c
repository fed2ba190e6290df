/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-relocation.  The link leaves only words that hold an address inside the image, listed in ELF's
 * packed form (SHT_RELR): an even entry is the address of one such word; an odd entry is a map of the
 * 63 words behind the last one covered, bit 1 for the first of them.
 */
#include "boot.h"

#define WORDS_PER_MAP 63

extern const uint64_t __relr_start[], __relr_end[];

static void slide_mapped(uint64_t *word, uint64_t map, uint64_t slide)
{
	for (; map >>= 1; word++) {
		if (map & 1)
			*word += slide;
	}
}

void boot_relocate(uint64_t slide)
{
	uint64_t image = (uint64_t)__kernel_start;
	uint64_t *next = (uint64_t *)image; /* the list starts with an address */

	/* Linked for slide 0. */
	if (slide == 0)
		return;
	for (const uint64_t *entry = __relr_start; entry < __relr_end; entry++) {
		if (*entry & 1) {
			slide_mapped(next, *entry, slide);
			next += WORDS_PER_MAP;
		} else {
			next = (uint64_t *)(*entry - KERNEL_LINK_BASE + image);
			*next++ += slide;
		}
	}
}
